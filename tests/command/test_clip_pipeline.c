/* A CLIPModel with zero-shot heads from recipe to exported model by ./pwemoe alone: the
 * heads it writes are those of transformers, and what they cannot be made from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/random.h"
#include "run.h"
#include "support/golden.h"

enum { EDGE = 15, IMAGES = 4 };

static char *golden; /* tests/golden, absolute */

static void must(struct ran ran) {
    if (ran.status)
        fail_msg("%d '%s'", ran.status, ran.err);
    ran_free(&ran);
}

/* IMAGES noisy pictures in folder()/NAME/CLASS/, the class seen in their brightness. */
static void write_class(const char *name, const char *class, unsigned level) {
    struct random random;
    random_seed(&random, level, 3);
    must(shell("mkdir -p '%s/%s/%s'", folder(), name, class));
    for (int i = 0; i < IMAGES; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s/%s/%d.ppm", folder(), name, class, i);
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        fprintf(file, "P6\n%d %d\n255\n", EDGE, EDGE);
        for (int k = 0; k < 3 * EDGE * EDGE; k++)
            fputc((int)(40 * level + random_below(&random, 60)), file);
        fclose(file);
    }
}

static int set_up(void **state) {
    (void)state;
    static const char *const things[] = {"cat", "dog", "tall_tree"};
    static const char *const animals[] = {"0", "1", "2", "3", "4"};
    setenv("OMP_WAIT_POLICY", "passive", 1);
    if (!(golden = realpath(golden_path(""), NULL)))
        return -1;
    for (unsigned i = 0; i < 3; i++) {
        write_class("things/train", things[i], i);
        write_class("things/test", things[i], i);
        write_class("others/test", i ? things[i] : "cow", i);
    }
    for (unsigned i = 0; i < 5; i++)
        write_class("animals", animals[i], i);
    write_file("bad.txt", "a photo of a {}.\na photo of {} and {}.\n");
    must(shell("cd %1$s && printf '\\000\\000\\010\\001\\000\\000\\000\\001\\003' > "
               "digits-labels-idx1-ubyte && "
               "printf '\\000\\000\\010\\003\\000\\000\\000\\001' > "
               "digits-images-idx3-ubyte && "
               "printf '\\000\\000\\000\\001\\000\\000\\000\\001\\007' >> "
               "digits-images-idx3-ubyte",
               folder()));
    char recipe[8192];
    snprintf(recipe, sizeof recipe,
             "pretrained: %1$s/zero_shot/clip\n"
             "tasks:\n"
             "  things: {expert: %1$s/model/clip-expert0, train: things/train, "
             "test: things/test, head: zero-shot}\n"
             "  animals: {expert: %1$s/model/clip-expert1, train: animals, "
             "test: animals, classnames: %1$s/zero_shot/animals.txt, "
             "templates: %1$s/zero_shot/templates.txt}\n",
             golden);
    write_file("two.yaml", recipe);
    return 0;
}

static void begin(const char *name) {
    must(run("init %s/%s %s/two.yaml --quiet", folder(), name, folder()));
}

static void check_head(const char *directory, const char *task, const char *tensor) {
    char path[1024];
    struct safetensors *expected = golden_open("zero_shot/expected.safetensors"), *file;
    struct error error;
    snprintf(path, sizeof path, "%s/%s/heads/%s.safetensors", folder(), directory,
             task);
    if (safetensors_open(path, &file, &error))
        fail_msg("%s", error.text);
    const struct tensor *weight = golden_tensor(file, "weight");
    assert_null(safetensors_find(file, "bias"));
    double *values = golden_values(expected, tensor);
    assert_int_equal(weight->count, golden_tensor(expected, tensor)->count);
    float *got = calloc(weight->count, sizeof *got);
    memcpy(got, weight->data, (size_t)weight->bytes);
    golden_close(tensor, got, values, (size_t)weight->count, 1e-5);
    free(got);
    free(values);
    safetensors_close(file);
    safetensors_close(expected);
}

/* Every step of a person who merges; folder names' underscores are blanks in prompts,
 * a file's names and templates are taken as they are. */
static void from_recipe_to_export(void **state) {
    (void)state;
    begin("all.db");
    json_t *rows =
        json_of("merge %s/all.db --method task-arithmetic --format json", folder());
    json_t *figures = json_object_get(json_array_get(rows, 0), "objectives");
    json_t *things = json_object_get(figures, "things");
    assert_int_equal(json_integer_value(json_object_get(things, "examples")),
                     3 * IMAGES);
    json_decref(rows);
    must(run("train %s/all.db --method ls --upscale attn+mlp --steps 3 --batch 2 "
             "--quiet",
             folder()));
    rows = json_of("front %s/all.db --grid 3 --format json", folder());
    assert_int_equal(json_array_size(rows), 3);
    json_decref(rows);
    rows = json_of("eval %s/all.db --preference 0.5,0.5 --format json", folder());
    assert_int_equal(json_array_size(rows), 1);
    json_decref(rows);
    must(run("export %1$s/all.db --preference 0.5,0.5 --out %1$s/model --quiet",
             folder()));
    check_head("model", "things", "single.head");
    check_head("model", "animals", "many.head");
    must(shell("cd %s/model && cmp vocab.json %s/zero_shot/clip/vocab.json", folder(),
               golden));
    expect_error(1, "a CLIP model has no classifier",
                 "export %1$s/all.db --preference 0.5,0.5 --out %1$s/more --head "
                 "things",
                 folder());
}

/* The head stays as it is made; the expert is a whole CLIPModel. */
static void experts_are_trained_on_it(void **state) {
    (void)state;
    begin("tune.db");
    must(run("finetune %1$s/tune.db --task things --out %1$s/expert --steps 3 --batch "
             "4 --quiet",
             folder()));
    must(run("finetune %1$s/tune.db --method ls --out %1$s/both --steps 2 --batch 2 "
             "--quiet",
             folder()));
    check_head("both", "things", "single.head");
    check_head("both", "animals", "many.head");
    struct safetensors *file;
    struct error error;
    char path[1024];
    snprintf(path, sizeof path, "%s/expert/model.safetensors", folder());
    assert_int_equal(safetensors_open(path, &file, &error), 0);
    golden_tensor(file, "text_projection.weight");
    assert_null(safetensors_find(file, "classifier.weight"));
    safetensors_close(file);
    json_t *rows = json_of("merge %s/tune.db --method stl --format json", folder());
    assert_true(json_array_size(rows) > 0);
    json_decref(rows);
}

static void what_cannot_be_is_told(void **state) {
    (void)state;
    static const struct {
        const char *pretrained, *task, *says;
    } cases[] = {
        {"model/clip", "test: things/test", "token_embedding.weight is missing"},
        {"model/clip-full", "test: things/test", "vocab.json: missing"},
        {"zero_shot/clip", "test: things/test, templates: bad.txt",
         "bad.txt: line 2 has more than one {}"},
        {"zero_shot/clip", "test: others/test, train: things/train",
         "'cow' is none of the classes, did you mean 'cat'?; the model has cat, dog, "
         "tall_tree; the test data have cow, dog, tall_tree"},
        {"zero_shot/clip", "test: digits-images-idx3-ubyte", "give classnames: FILE"},
        {"zero_shot/clip", "head: zero-shot", "neither train nor test"},
    };
    char recipe[4096];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(recipe, sizeof recipe, "pretrained: %s/%s\ntasks:\n  a: {%s}\n",
                 golden, cases[i].pretrained, cases[i].task);
        write_file("case.yaml", recipe);
        expect_error(1, cases[i].says, "init %1$s/case.db %1$s/case.yaml", folder());
    }
    /* More classes than names: the figures would be wrong. */
    write_file("few.txt", "cat\ndog\n");
    snprintf(recipe, sizeof recipe,
             "pretrained: %1$s/zero_shot/clip\ntasks:\n  a: {expert: "
             "%1$s/model/clip-expert0, test: things/test, classnames: few.txt}\n",
             golden);
    write_file("case.yaml", recipe);
    expect_error(1, "things/test: 'tall_tree' is none of the classes",
                 "init %1$s/few.db %1$s/case.yaml --quiet", folder());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_recipe_to_export),
        cmocka_unit_test(experts_are_trained_on_it),
        cmocka_unit_test(what_cannot_be_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
