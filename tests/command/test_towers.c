/* Both towers of a CLIPModel merged: figures, heads and exports are those of
 * transformers (tests/golden/make_towers.py), whatever method makes the model; the
 * vision tower alone where the recipe says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "run.h"
#include "support/golden.h"

enum { TASKS = 2, CLASSES = 3 };

static const char *const classes[TASKS][CLASSES] = {{"cat", "dog", "tall_tree"},
                                                    {"bird", "frog", "horse"}};
static const char *const tasks[TASKS] = {"things", "animals"};
static char *golden;    /* tests/golden, absolute */
static size_t pictures; /* of a task */

static void must(struct ran ran) {
    if (ran.status)
        fail_msg("%d '%s'", ran.status, ran.err);
    ran_free(&ran);
}

static void write_picture(size_t task, size_t class, size_t number, size_t edge,
                          const unsigned char *pixels) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s/%s/%zu.ppm", folder(), tasks[task],
             classes[task][class], number);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fprintf(file, "P6\n%zu %zu\n255\n", edge, edge);
    assert_int_equal(fwrite(pixels, 3 * edge, edge, file), edge);
    fclose(file);
}

static int set_up(void **state) {
    (void)state;
    setenv("OMP_WAIT_POLICY", "passive", 1);
    if (!(golden = realpath(golden_path(""), NULL)))
        return -1;
    struct safetensors *expected = golden_open("towers/expected.safetensors");
    const struct tensor *pixels = golden_tensor(expected, "pixels");
    const unsigned char *at = pixels->data;
    size_t each = (size_t)pixels->shape[2], edge = (size_t)pixels->shape[3];
    pictures = CLASSES * each;
    for (size_t t = 0; t < TASKS; t++)
        for (size_t c = 0; c < CLASSES; c++) {
            must(shell("mkdir -p %s/%s/%s", folder(), tasks[t], classes[t][c]));
            for (size_t i = 0; i < each; i++, at += 3 * edge * edge)
                write_picture(t, c, i, edge, at);
        }
    safetensors_close(expected);
    must(shell("cd %1$s && for i in 0 1; do mkdir expert$i && "
               "cp %2$s/zero_shot/clip/config.json expert$i && "
               "cp %2$s/towers/expert$i.safetensors expert$i/model.safetensors; done",
               folder(), golden));
    return 0;
}

static void begin(const char *name, const char *more) {
    char recipe[4096];
    snprintf(recipe, sizeof recipe,
             "pretrained: %1$s/zero_shot/clip\n%2$stasks:\n"
             "  things: {expert: expert0, train: things, test: things}\n"
             "  animals: {expert: expert1, train: animals, test: animals}\n",
             golden, more);
    write_file("it.yaml", recipe);
    must(run("init %1$s/%2$s %1$s/it.yaml", folder(), name));
}

/* The figures of one row against how many transformers gets right. */
static void check_right(json_t *rows, const char *name) {
    char key[64];
    snprintf(key, sizeof key, "%s.right", name);
    struct safetensors *expected = golden_open("towers/expected.safetensors");
    int32_t *right = golden_labels(expected, key);
    json_t *figures = json_object_get(json_array_get(rows, 0), "objectives");
    for (size_t t = 0; t < TASKS; t++) {
        double value = json_number_value(
            json_object_get(json_object_get(figures, tasks[t]), "value"));
        assert_int_equal((int)(value * (double)pictures + 50) / 100, right[t]);
    }
    free(right);
    safetensors_close(expected);
    json_decref(rows);
}

/* The heads of FOLDER/DIRECTORY against NAME.heads. */
static void check_heads(const char *directory, const char *name) {
    char key[64], path[1024];
    struct safetensors *expected = golden_open("towers/expected.safetensors"), *file;
    struct error error;
    snprintf(key, sizeof key, "%s.heads", name);
    double *values = golden_values(expected, key);
    size_t count = (size_t)golden_tensor(expected, key)->count / TASKS;
    float *got = calloc(count, sizeof *got);
    for (size_t t = 0; t < TASKS; t++) {
        snprintf(path, sizeof path, "%s/%s/heads/%s.safetensors", folder(), directory,
                 tasks[t]);
        if (safetensors_open(path, &file, &error))
            fail_msg("%s", error.text);
        const struct tensor *weight = golden_tensor(file, "weight");
        assert_int_equal(weight->count, count);
        memcpy(got, weight->data, (size_t)weight->bytes);
        golden_close(path, got, values + t * count, count, 2e-5);
        safetensors_close(file);
    }
    free(got);
    free(values);
    safetensors_close(expected);
}

static struct tensor export_tensor(const char *directory, const char *name,
                                   struct safetensors **file) {
    char path[1024];
    struct error error;
    snprintf(path, sizeof path, "%s/%s/model.safetensors", folder(), directory);
    if (safetensors_open(path, file, &error))
        fail_msg("%s", error.text);
    return *golden_tensor(*file, name);
}

/* Measured, exported, measured again as a directory, with its heads and without: one
 * model. */
static void both_towers_are_merged(void **state) {
    (void)state;
    struct ran said;
    begin("both.db", "");
    said = run("init %1$s/said.db %1$s/it.yaml", folder());
    assert_non_null(strstr(said.err, "the text tower, fine-tuned for 'things', "
                                     "'animals', is merged"));
    ran_free(&said);
    check_right(json_of("merge %s/both.db --method average --format json", folder()),
                "average");
    check_right(json_of("merge %s/both.db --method stl --format json", folder()),
                "own");
    must(run("export %1$s/both.db --solution 1 --out %1$s/average --quiet", folder()));
    check_heads("average", "average");
    check_right(
        json_of("eval %1$s/both.db --model %1$s/average --format json", folder()),
        "average");
    must(shell("cp -r %1$s/average %1$s/bare && rm -r %1$s/bare/heads", folder()));
    check_right(json_of("eval %1$s/both.db --model %1$s/bare --format json", folder()),
                "average");
    /* Dtypes are the pretrained model's. */
    struct safetensors *file;
    struct tensor tensor =
        export_tensor("average", "text_model.embeddings.token_embedding.weight", &file);
    assert_int_equal(tensor.dtype, DTYPE_F16);
    safetensors_close(file);
}

/* Of what learns from images the text tower is the weighted mean; the closed form is
 * its own. */
static void every_method_has_a_text_tower(void **state) {
    (void)state;
    static const char *const trained[] = {"ls --upscale mlp", "distil"};
    begin("train.db", "");
    for (size_t i = 0; i < 2; i++) {
        must(run("train %s/train.db --method %s --steps 4 --batch 2 --quiet", folder(),
                 trained[i]));
        must(run("eval %s/train.db --preference 0.75,0.25 --quiet", folder()));
        must(run("export %1$s/train.db --preference 0.75,0.25 --out %1$s/trained%2$zu "
                 "--quiet",
                 folder(), i));
        char name[16];
        snprintf(name, sizeof name, "trained%zu", i);
        check_heads(name, "mean");
    }
    static const char *const others[] = {"ties", "fisher", "regmean", "wudi",
                                         "task-arithmetic"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        must(run("merge %s/train.db --method %s --quiet", folder(), others[i]));
        json_t *rows = json_of("show %s/train.db solutions --format json", folder());
        json_t *row = json_array_get(rows, json_array_size(rows) - 1);
        long long id = json_integer_value(json_object_get(row, "id"));
        char *before = json_dumps(json_object_get(row, "objectives"), JSON_SORT_KEYS);
        must(run("export %1$s/train.db --solution %2$lld --out %1$s/%3$s --quiet",
                 folder(), id, others[i]));
        must(shell("rm -r %s/%s/heads", folder(), others[i]));
        json_t *again = json_of("eval %1$s/train.db --model %1$s/%2$s --format json",
                                folder(), others[i]);
        char *after = json_dumps(
            json_object_get(json_array_get(again, 0), "objectives"), JSON_SORT_KEYS);
        assert_string_equal(before, after);
        free(before);
        free(after);
        json_decref(rows);
        json_decref(again);
    }
}

/* `towers: vision-only`: the text tower is the pretrained model's, and that is said. */
static void the_vision_tower_alone(void **state) {
    (void)state;
    begin("vision.db", "towers: vision-only\n");
    struct ran said = run("init %1$s/told.db %1$s/it.yaml", folder());
    assert_non_null(strstr(said.err, "fine-tuned, but the vision tower alone is"));
    ran_free(&said);
    check_right(json_of("merge %s/vision.db --method average --format json", folder()),
                "vision");
    must(run("export %1$s/vision.db --solution 1 --out %1$s/vision --quiet", folder()));
    check_heads("vision", "vision");
}

static void what_cannot_be_is_told(void **state) {
    (void)state;
    char recipe[4096];
    snprintf(recipe, sizeof recipe,
             "pretrained: %1$s/model/vit\ntowers: both\ntasks:\n"
             "  a: {expert: %1$s/model/vit-expert0, test: things}\n",
             golden);
    write_file("vit.yaml", recipe);
    expect_error(1, "`towers: both` is for CLIP models",
                 "init %1$s/no.db %1$s/vit.yaml", folder());
    write_file("word.yaml", "pretrained: p\ntowers: text\ntasks: {a: {test: b}}\n");
    expect_error(1, "word.yaml:2: towers is 'text'; it can be both or vision-only",
                 "init %1$s/no.db %1$s/word.yaml", folder());
    /* Another number of layers than the config.json of the pretrained model says. */
    must(shell("cd %s && cp -r expert0 odd && sed -i 's/\"vocab_size\": 674/"
               "\"vocab_size\": 675/' odd/config.json",
               folder()));
    snprintf(recipe, sizeof recipe,
             "pretrained: %1$s/zero_shot/clip\ntasks:\n"
             "  things: {expert: odd, test: things}\n",
             golden);
    write_file("odd.yaml", recipe);
    expect_error(1, "text_config: vocab_size is 675, the pretrained model's is 674",
                 "init %1$s/no.db %1$s/odd.yaml", folder());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_towers_are_merged),
        cmocka_unit_test(every_method_has_a_text_tower),
        cmocka_unit_test(the_vision_tower_alone),
        cmocka_unit_test(what_cannot_be_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
