#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command/io/recipe.h"

static void whole(void **state) {
    (void)state;
    const char *text = "name: two\n"
                       "model: vit\n"
                       "pretrained: models/base\n"
                       "tasks:\n"
                       "  mnist:\n"
                       "    expert: models/mnist\n"
                       "    train: data/train-images-idx3-ubyte.gz\n"
                       "    test: 'data/t10k images'\n"
                       "    head: heads/mnist.safetensors\n"
                       "    classnames: names.txt\n"
                       "    templates: templates.txt\n"
                       "  cars: {test: data/cars}\n";
    struct recipe *recipe;
    struct error error;
    assert_int_equal(recipe_parse(text, strlen(text), "r.yaml", &recipe, &error), 0);
    assert_string_equal(recipe->name, "two");
    assert_string_equal(recipe->model, "vit");
    assert_string_equal(recipe->pretrained, "models/base");
    assert_string_equal(recipe->text, text);
    assert_int_equal(recipe->task_count, 2);
    assert_string_equal(recipe->tasks[0].name, "mnist");
    assert_int_equal(recipe->tasks[0].line, 5);
    assert_string_equal(recipe->tasks[0].expert, "models/mnist");
    assert_string_equal(recipe->tasks[0].train, "data/train-images-idx3-ubyte.gz");
    assert_string_equal(recipe->tasks[0].test, "data/t10k images");
    assert_string_equal(recipe->tasks[0].head, "heads/mnist.safetensors");
    assert_string_equal(recipe->tasks[0].classnames, "names.txt");
    assert_string_equal(recipe->tasks[0].templates, "templates.txt");
    assert_string_equal(recipe->tasks[1].name, "cars");
    assert_null(recipe->tasks[1].expert);
    recipe_free(recipe);
}

#define HEAD "pretrained: x\n"
#define TASK "tasks: {a: {test: t}}\n"

static void refusals(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "r.yaml: the file is empty"},
        {"# only a comment\n", "r.yaml: the file is empty"},
        {TASK, "'pretrained' is missing"},
        {HEAD, "there are no tasks"},
        {HEAD "tasks: {}\n", "there are no tasks"},
        {HEAD "tasks:\n  a:\n    expart: m\n    test: t\n",
         "r.yaml:4: unknown key 'expart' in task 'a'; did you mean 'expert'?"},
        {"pretrianed: x\n", "r.yaml:1: unknown key 'pretrianed'; did you mean "
                            "'pretrained'?"},
        {HEAD "quux: 1\n", "r.yaml:2: unknown key 'quux'; the keys are name, model"},
        {HEAD TASK HEAD, "r.yaml:3: 'pretrained' is given twice"},
        {HEAD "tasks:\n a: {test: t}\n a: {test: t}\n", "r.yaml:4: task 'a' is given"},
        {HEAD "tasks: {a: {test: t, test: u}}\n", "'test' is given twice in task 'a'"},
        {HEAD "tasks: {a: {expert: m}}\n", "neither train nor test"},
        {HEAD "tasks: {a: t}\n", "task 'a' must be a mapping"},
        {HEAD "tasks: [a, b]\n", "tasks must be a mapping"},
        {HEAD "tasks: {a: {test: [t]}}\n", "test must be a text"},
        {HEAD "tasks: {a: {test: }}\n", "test is empty"},
        {HEAD "tasks: {a/b: {test: t}}\n", "task name 'a/b'"},
        {HEAD "tasks: {..: {test: t}}\n", "task name '..'"},
        {HEAD "tasks: {\"a\\x1b\": {test: t}}\n", "control byte"},
        {"pretrained: \"a\\0b\"\n" TASK, "control byte"},
        {"pretrained: &p x\ntasks: {a: {test: *p}}\n", "anchors"},
        {HEAD "tasks: {a: {test: *p}}\n", "r.yaml:2: a recipe cannot have aliases"},
        {"pretrained: !!str x\n", "tags"},
        {"model: vot\n", "unknown model 'vot'; did you mean 'vit'?"},
        {"model: resnet\n", "clip-vision, vit and gpt2-classifier"},
        {HEAD TASK "---\nname: b\n", "r.yaml:3: a second YAML document"},
        {"- a\n- b\n", "a recipe is a mapping"},
        {HEAD "tasks: {a: {test: t}\n", "r.yaml:3: "},
        {"pretrained:\tx\n  y: z\n", "r.yaml:"},
        {"pretrained: \xff\xfe\n", "r.yaml: "},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "a recipe is a mapping"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct recipe *recipe = NULL;
        struct error error = {.text = ""};
        int result = recipe_parse(cases[i].text, strlen(cases[i].text), "r.yaml",
                                  &recipe, &error);
        if (result != -1 || recipe || !strstr(error.text, cases[i].says) ||
            strchr(error.text, '\n'))
            fail_msg("case %zu: '%s'", i, error.text);
    }
}

static void sizes(void **state) {
    (void)state;
    struct recipe *recipe;
    struct error error;
    size_t size = (1 << 20) + 1;
    char *text = malloc(size + 1);
    memset(text, '#', size);
    text[size] = '\0';
    assert_int_equal(recipe_parse(text, size, "r.yaml", &recipe, &error), -1);
    assert_non_null(strstr(error.text, "1 MiB"));
    /* 64 tasks are taken, 65 are not. */
    for (int tasks = 64; tasks <= 65; tasks++) {
        int used = sprintf(text, "pretrained: x\ntasks:\n");
        for (int i = 0; i < tasks; i++)
            used += sprintf(text + used, "  t%d: {test: t}\n", i);
        int result = recipe_parse(text, (size_t)used, "r.yaml", &recipe, &error);
        assert_int_equal(result, tasks == 64 ? 0 : -1);
        recipe_free(recipe);
    }
    free(text);
}

static void files(void **state) {
    (void)state;
    struct recipe *recipe;
    struct error error;
    assert_int_equal(recipe_read("/nonexistent/r.yaml", &recipe, &error), -1);
    assert_string_equal(error.text, "/nonexistent/r.yaml: No such file or directory");
    assert_int_equal(recipe_read("/", &recipe, &error), -1);
    assert_string_equal(error.text, "/: a directory, not a file");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),
        cmocka_unit_test(refusals),
        cmocka_unit_test(sizes),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
