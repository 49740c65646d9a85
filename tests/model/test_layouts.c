/* Model directories as releases of transformers from 4.3 to 5 and PEFT save them
 * (tests/golden/make_layouts.py), and some of these with other keys in config.json
 * (make_config_keys.py): what each answers is what transformers answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/memory.h"
#include "model/feed.h"
#include "model/heads.h"
#include "support/folder.h"
#include "support/golden.h"

/* As of test_transformer.c. */
#define TOLERANCE 1e-5

enum { EXAMPLES = 2, WIDEST = 8 };

struct model {
    struct backend *backend;
    struct model_directory *directory;
    struct model_config config;
    struct layout *layout;
    struct preprocess preprocess;
    struct head head;
    real *weights;
};

static struct model load(const char *name, const char *path) {
    struct model m = {0};
    struct error error;
    char note[256];
    if (backend_open("cpu", PRECISION_F32, 1, &m.backend, note, &error) ||
        model_directory_open(path, &m.directory, &error) ||
        model_config_read(model_directory_config(m.directory), NULL, name, &m.config,
                          &error) ||
        layout_new(&m.config, m.directory, &m.layout, &error))
        fail_msg("%s", error.text);
    bool clip = m.config.kind == MODEL_CLIP_VISION;
    if ((!clip && head_from_directory(m.directory, m.config.width, &m.head, &error)) ||
        (m.config.kind != MODEL_GPT2 &&
         preprocess_read(model_directory_preprocessor(m.directory), clip,
                         m.config.image_size, &m.preprocess, &error)))
        fail_msg("%s: %s", name, error.text);
    float *host = malloc(m.layout->size * sizeof *host);
    if (layout_load(m.layout, m.directory, NULL, host, &error) ||
        m.backend->allocate(m.backend, m.layout->size * m.backend->real_size,
                            (void **)&m.weights, &error))
        fail_msg("%s: %s", name, error.text);
    m.backend->upload_real(m.backend, m.weights, host, m.layout->size);
    free(host);
    return m;
}

static void unload(struct model *m) {
    m->backend->release(m->backend, m->weights);
    head_clear(&m->head);
    layout_free(m->layout);
    model_directory_close(m->directory);
    backend_close(m->backend);
}

/* Logits, of CLIP image embeddings, [EXAMPLES, *width]. */
static void answer(struct model *m, const struct dataset *data, size_t *width,
                   float *out) {
    size_t features = model_config_features(&m->config);
    float got[EXAMPLES * WIDEST];
    struct backend *b = m->backend;
    struct transformer *t;
    struct feed *feed;
    struct error error;
    assert_true(features <= WIDEST);
    if (feed_new(b, m->layout, &data, 1, EXAMPLES, &feed, &error) ||
        feed_transformer(feed, &m->preprocess, false, &t, &error))
        fail_msg("%s", error.text);
    for (size_t i = 0; i < EXAMPLES; i++)
        feed_put(feed, i, data, i);
    feed_embed(feed, t, m->weights, EXAMPLES);
    if (b->download_real(b, got, transformer_run(t, m->weights, EXAMPLES),
                         EXAMPLES * features, &error))
        fail_msg("%s", error.text);
    transformer_free(t);
    feed_free(feed);
    *width = m->head.weight ? m->head.classes : features;
    for (size_t i = 0; i < EXAMPLES * *width; i++) {
        size_t example = i / *width, c = i % *width;
        double sum = m->head.bias ? (double)m->head.bias[c] : 0;
        for (size_t k = 0; m->head.weight && k < features; k++)
            sum += (double)got[example * features + k] *
                   (double)m->head.weight[c * features + k];
        out[i] = m->head.weight ? (float)sum : got[i];
    }
}

/* What the model in `path` answers the examples of NAME. */
static size_t answer_examples(const char *name, const char *path,
                              float got[EXAMPLES * WIDEST]) {
    struct model m = load(name, path);
    struct safetensors *golden = golden_open("layouts/expected.safetensors");
    char suffix[40];
    size_t width;
    snprintf(suffix, sizeof suffix, "-%s", name);
    struct dataset *data = golden_examples(golden, suffix, 0, EXAMPLES);
    answer(&m, data, &width, got);
    dataset_close(data);
    safetensors_close(golden);
    unload(&m);
    return width;
}

static const char *layout_path(const char *name) {
    char path[100];
    snprintf(path, sizeof path, "layouts/%s", name);
    return golden_path(path);
}

static void check(const char *name) {
    struct safetensors *golden = golden_open("layouts/expected.safetensors");
    char output[40];
    float got[EXAMPLES * WIDEST];
    snprintf(output, sizeof output, "output-%s", name);
    double *wanted = golden_values(golden, output);
    size_t width = answer_examples(name, layout_path(name), got);
    assert_int_equal(golden_tensor(golden, output)->shape[1], width);
    golden_close(name, got, wanted, EXAMPLES * width, TOLERANCE);
    free(wanted);
    safetensors_close(golden);
}

/* A file of a layout, where it has one, in folder(). */
static void link_file(const char *layout, const char *file) {
    char path[4200], target[4200];
    snprintf(path, sizeof path, "%s/%s", layout_path(layout), file);
    snprintf(target, sizeof target, "%s/%s", folder(), file);
    unlink(target);
    char *whole = realpath(path, NULL);
    if (whole)
        assert_int_equal(symlink(whole, target), 0);
    free(whole);
}

/* config.json of a layout with other keys. */
static void check_keys(const json_t *test) {
    const char *name = json_string_value(json_object_get(test, "layout"));
    char path[4200], target[4200];
    snprintf(path, sizeof path, "%s/config.json", layout_path(name));
    json_t *config = json_load_file(path, 0, NULL);
    assert_int_equal(
        json_object_update_recursive(config, json_object_get(test, "keys")), 0);
    snprintf(target, sizeof target, "%s/config.json", folder());
    assert_int_equal(json_dump_file(config, target, 0), 0);
    json_decref(config);
    link_file(name, "model.safetensors");
    link_file(name, "preprocessor_config.json");
    link_file(name, "processor_config.json");
    float got[EXAMPLES * WIDEST];
    double wanted[EXAMPLES * WIDEST];
    size_t width = answer_examples(name, folder(), got);
    for (size_t i = 0; i < EXAMPLES; i++) {
        const json_t *row = json_array_get(json_object_get(test, "output"), i);
        assert_int_equal(json_array_size(row), width);
        for (size_t c = 0; c < width; c++)
            wanted[i * width + c] = json_real_value(json_array_get(row, c));
    }
    char *keys = json_dumps(json_object_get(test, "keys"), 0);
    golden_close(keys, got, wanted, EXAMPLES * width, TOLERANCE);
    free(keys);
}

static void test_keys(void **state) {
    (void)state;
    json_t *tests = json_load_file(golden_path("layouts/keys.json"), 0, NULL), *test;
    size_t i;
    assert_in_range(json_array_size(tests), 16, 1000);
    json_array_foreach(tests, i, test) check_keys(test);
    json_decref(tests);
}

static void test_vit(void **state) {
    (void)state;
    check("vit-4.6");
    check("vit-4.57");
    check("vit-5");
    check("vit-peft");
}

static void test_gpt2(void **state) {
    (void)state;
    check("gpt2-4.3"); /* its masks are among the weights */
    check("gpt2-4.12");
    check("gpt2-4.57");
    check("gpt2-5");
    check("gpt2-peft");
}

static void test_clip(void **state) {
    (void)state;
    check("clip-4.6"); /* its positions are among the weights */
    check("clip-4.30");
    check("clip-4.57");
    check("clip-5");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vit),
        cmocka_unit_test(test_gpt2),
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
