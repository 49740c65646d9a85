/* Model directories as releases of transformers from 4.3 to 5 and PEFT save them
 * (tests/golden/make_layouts.py): what each answers is what transformers answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "model/feed.h"
#include "model/heads.h"
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

static struct model load(const char *name) {
    struct model m = {0};
    struct error error;
    char note[256], path[100];
    snprintf(path, sizeof path, "layouts/%s", name);
    if (backend_open("cpu", PRECISION_F32, 1, &m.backend, note, &error) ||
        model_directory_open(golden_path(path), &m.directory, &error) ||
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

static void check(const char *name) {
    struct model m = load(name);
    struct safetensors *golden = golden_open("layouts/expected.safetensors");
    char suffix[40], output[40];
    float got[EXAMPLES * WIDEST];
    size_t width;
    snprintf(suffix, sizeof suffix, "-%s", name);
    snprintf(output, sizeof output, "output-%s", name);
    struct dataset *data = golden_examples(golden, suffix, 0, EXAMPLES);
    double *wanted = golden_values(golden, output);
    answer(&m, data, &width, got);
    assert_int_equal(golden_tensor(golden, output)->shape[1], width);
    golden_close(name, got, wanted, EXAMPLES * width, TOLERANCE);
    free(wanted);
    dataset_close(data);
    safetensors_close(golden);
    unload(&m);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
