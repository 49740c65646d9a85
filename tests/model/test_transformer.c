/* Image embeddings and features against transformers' own, for each form in which
 * Hugging Face saves these models. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/preprocess.h"
#include "model/heads.h"
#include "model/transformer.h"
#include "support/golden.h"

/* f32 keeps 2^-24 an operation; a two-block model sums over at most 64 products in
 * a row a few dozen times, some 1e-6 in all. 1e-4 is what the project promises. */
#define TOLERANCE 1e-5

struct model {
    struct backend *backend;
    struct model_directory *directory;
    struct model_config config;
    struct layout *layout;
    struct preprocess preprocess;
    float *host;
    real *weights;
};

static struct model load(const char *name) {
    struct model m = {0};
    struct error error;
    char note[256];
    if (backend_open("cpu", PRECISION_F32, 1, &m.backend, note, &error) ||
        model_directory_open(golden_path(name), &m.directory, &error) ||
        model_config_read(model_directory_config(m.directory), NULL, name, &m.config,
                          &error) ||
        layout_new(&m.config, m.directory, &m.layout, &error) ||
        preprocess_read(model_directory_preprocessor(m.directory),
                        m.config.kind == MODEL_CLIP_VISION, m.config.image_size,
                        &m.preprocess, &error))
        fail_msg("%s", error.text);
    m.host = malloc(m.layout->size * sizeof *m.host);
    if (layout_load(m.layout, m.directory, NULL, m.host, &error) ||
        m.backend->allocate(m.backend, m.layout->size * m.backend->real_size,
                            (void **)&m.weights, &error))
        fail_msg("%s", error.text);
    m.backend->upload_real(m.backend, m.weights, m.host, m.layout->size);
    return m;
}

static void unload(struct model *m) {
    m->backend->release(m->backend, m->weights);
    free(m->host);
    layout_free(m->layout);
    model_directory_close(m->directory);
    backend_close(m->backend);
}

/* Features of the golden file's pixels, [6, D]; free(). */
static float *features_of(struct model *m, const struct safetensors *golden,
                          bool training, bool all_rows) {
    const struct tensor *pixels = golden_tensor(golden, "pixels");
    size_t images = (size_t)pixels->shape[0], d = model_config_features(&m->config);
    struct backend *b = m->backend;
    struct transformer *t;
    struct error error;
    uint8_t *device;
    float *features = malloc(images * d * sizeof *features);
    if (transformer_new(b, m->layout, &m->preprocess, images, training, &t, &error) ||
        b->allocate(b, (size_t)pixels->bytes, (void **)&device, &error))
        fail_msg("%s", error.text);
    b->upload(b, device, pixels->data, (size_t)pixels->bytes);
    transformer_embed(t, m->weights, device, images);
    if (all_rows)
        transformer_all_rows(t);
    const real *x = transformer_run(t, m->weights, images);
    if (b->download_real(b, features, x, images * d, &error))
        fail_msg("%s", error.text);
    b->release(b, device);
    transformer_free(t);
    return features;
}

static void check_clip(const char *name) {
    struct model m = load(name);
    struct safetensors *golden = golden_open("model/clip.safetensors");
    double *expected = golden_values(golden, "image_embeds");
    for (int training = 0; training < 2; training++) {
        float *got = features_of(&m, golden, training, false);
        golden_close("image_embeds", got, expected, 6 * m.config.projection, TOLERANCE);
        free(got);
    }
    free(expected);
    safetensors_close(golden);
    unload(&m);
}

static void test_clip(void **state) {
    (void)state;
    check_clip("model/clip");
}

static void test_clip_without_prefix(void **state) {
    (void)state;
    check_clip("model/clip-noprefix");
}

static void test_clip_with_text_side(void **state) {
    (void)state;
    check_clip("model/clip-full");
}

static void test_clip_without_projection(void **state) {
    (void)state;
    struct model_directory *directory;
    struct model_config config;
    struct layout *layout;
    struct error error;
    const char *path = golden_path("model/clip-bare");
    assert_int_equal(model_directory_open(path, &directory, &error), 0);
    assert_int_equal(model_config_read(model_directory_config(directory), NULL, path,
                                       &config, &error),
                     0);
    assert_int_equal(layout_new(&config, directory, &layout, &error), 0);
    float *weights = malloc(layout->size * sizeof *weights);
    assert_int_equal(layout_load(layout, directory, NULL, weights, &error), -1);
    assert_non_null(strstr(error.text, "visual_projection.weight is missing"));
    free(weights);
    layout_free(layout);
    model_directory_close(directory);
}

static void test_vit(void **state) {
    (void)state;
    struct model m = load("model/vit");
    struct safetensors *golden = golden_open("model/vit.safetensors");
    double *pooled = golden_values(golden, "pooled");
    double *logits = golden_values(golden, "logits");
    float *got = features_of(&m, golden, false, false);
    golden_close("pooled", got, pooled, 6 * m.config.width, TOLERANCE);

    struct head head;
    struct error error;
    assert_int_equal(head_from_directory(m.directory, m.config.width, &head, &error),
                     0);
    float computed[6 * 6];
    assert_int_equal(head.classes, 6);
    for (size_t i = 0; i < 6; i++) {
        for (size_t c = 0; c < 6; c++) {
            double sum = head.bias[c];
            for (size_t k = 0; k < m.config.width; k++)
                sum += (double)got[i * m.config.width + k] *
                       head.weight[c * m.config.width + k];
            computed[i * 6 + c] = (float)sum;
        }
    }
    golden_close("logits", computed, logits, 36, TOLERANCE);
    head_clear(&head);
    free(got);
    free(pooled);
    free(logits);
    safetensors_close(golden);
    unload(&m);
}

/* --- the last block, of the rows that are read ----------------------------------- */

static struct {
    void (*matmul)(struct backend *, const struct matmul *);
    double operations;
} counted;

static void counting_matmul(struct backend *b, const struct matmul *p) {
    counted.operations += 2 * (double)p->m * (double)p->n * (double)p->k;
    counted.matmul(b, p);
}

/* The features are those of all rows, and so many operations are saved. */
static void check_narrow(const char *name, const char *golden_name) {
    struct model m = load(name);
    struct safetensors *golden = golden_open(golden_name);
    double all = 0, few = 0;
    counted.matmul = m.backend->matmul;
    m.backend->matmul = counting_matmul;
    for (int training = 0; training < 2; training++) {
        counted.operations = 0;
        float *wanted = features_of(&m, golden, training, true);
        all = counted.operations;
        counted.operations = 0;
        float *got = features_of(&m, golden, training, false);
        few = counted.operations;
        size_t count = 6 * model_config_features(&m.config);
        double apart = 0, size = 0;
        for (size_t i = 0; i < count; i++) {
            apart += pow((double)got[i] - (double)wanted[i], 2);
            size += pow((double)wanted[i], 2);
        }
        assert_true(apart <= 1e-10 * size);
        free(wanted);
        free(got);
        double w = (double)m.config.width, f = (double)m.config.mlp_width;
        double rows = 6 * ((double)model_config_tokens(&m.config) - 1);
        assert_true(fabs(all - few - 2 * rows * (w * w + 2 * w * f)) < 0.5);
    }
    safetensors_close(golden);
    unload(&m);
}

static void test_narrow(void **state) {
    (void)state;
    check_narrow("model/clip", "model/clip.safetensors");
    check_narrow("model/vit", "model/vit.safetensors");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_clip_without_prefix),
        cmocka_unit_test(test_clip_with_text_side),
        cmocka_unit_test(test_clip_without_projection),
        cmocka_unit_test(test_vit),
        cmocka_unit_test(test_narrow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
