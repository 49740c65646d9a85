/* GPT-2 classifiers against transformers (tests/golden/make_model.py): logits of ragged
 * batches, the gradient of every parameter, and configurations that must be refused. */
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
#include "model/saving.h"
#include "support/golden.h"

/* As of test_transformer.c. */
#define TOLERANCE 1e-5

enum { TEXTS = 8, WIDTH = 16 };

struct model {
    struct backend *backend;
    struct model_directory *directory;
    struct layout *layout;
    struct example_form form;
    struct head head;
    real *weights;
};

static struct model load(const char *name) {
    struct model m = {0};
    struct model_config config;
    struct error error;
    char note[256];
    if (backend_open("cpu", PRECISION_F32, 2, &m.backend, note, &error) ||
        model_directory_open(golden_path(name), &m.directory, &error) ||
        model_config_read(model_directory_config(m.directory), NULL, name, &config,
                          &error) ||
        layout_new(&config, m.directory, &m.layout, &error) ||
        head_from_directory(m.directory, WIDTH, &m.head, &error))
        fail_msg("%s", error.text);
    assert_int_equal(config.kind, MODEL_GPT2);
    float *host = malloc(m.layout->size * sizeof *host);
    if (layout_load(m.layout, m.directory, NULL, host, &error) ||
        m.backend->allocate(m.backend, m.layout->size * m.backend->real_size,
                            (void **)&m.weights, &error))
        fail_msg("%s", error.text);
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

/* Logits [count, classes] of examples first to first + count - 1 in one batch. */
static void logits_of(struct model *m, const struct dataset *data, size_t first,
                      size_t count, bool training, float *logits) {
    struct backend *b = m->backend;
    struct transformer *t;
    struct feed *feed;
    struct error error;
    float *features = malloc(count * WIDTH * sizeof *features);
    if (feed_new(b, m->layout, &data, 1, count, &feed, &error) ||
        feed_transformer(feed, NULL, training, &t, &error))
        fail_msg("%s", error.text);
    for (size_t i = 0; i < count; i++)
        feed_put(feed, i, data, first + i);
    feed_embed(feed, t, m->weights, count);
    const real *x = transformer_run(t, m->weights, count);
    if (b->download_real(b, features, x, count * WIDTH, &error))
        fail_msg("%s", error.text);
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < m->head.classes; c++) {
            double sum = 0;
            for (size_t k = 0; k < WIDTH; k++)
                sum += (double)features[i * WIDTH + k] *
                       (double)m->head.weight[c * WIDTH + k];
            logits[i * m->head.classes + c] = (float)sum;
        }
    free(features);
    transformer_free(t);
    feed_free(feed);
}

static void check_logits(const char *name, const char *expected) {
    struct model m = load(name);
    struct safetensors *golden = golden_open("model/gpt2.safetensors");
    struct dataset *data = golden_examples(golden, "", 0, TEXTS);
    double *wanted = golden_values(golden, expected);
    size_t classes = m.head.classes;
    float *got = malloc(TEXTS * classes * sizeof *got);
    assert_null(m.head.bias);
    for (int training = 0; training < 2; training++) {
        logits_of(&m, data, 0, TEXTS, training, got);
        golden_close("logits", got, wanted, TEXTS * classes, TOLERANCE);
    }
    /* What a text answers does not depend on those beside it. */
    for (size_t i = 0; i < TEXTS; i++)
        logits_of(&m, data, i, 1, false, got + i * classes);
    golden_close("logits alone", got, wanted, TEXTS * classes, TOLERANCE);
    free(got);
    free(wanted);
    dataset_close(data);
    safetensors_close(golden);
    unload(&m);
}

static void test_logits(void **state) {
    (void)state;
    check_logits("model/gpt2", "logits");
    check_logits("model/gpt2-noprefix", "logits");
    check_logits("model/gpt2-expert0", "experts.0.logits");
    check_logits("model/gpt2-expert2", "experts.2.logits");
}

/* --- gradients -------------------------------------------------------------- */

struct sink {
    float *gradient; /* (groups, layout size) on the device */
    size_t size;
    float *early; /* the same, copied as it is passed */
    size_t from, groups, calls;
};

static float *place(void *self, size_t offset, size_t count, size_t *stride) {
    struct sink *sink = self;
    (void)count;
    *stride = sink->size;
    return sink->gradient + offset;
}

static void ready(void *self, size_t offset, size_t count) {
    (void)self;
    (void)offset;
    (void)count;
}

/* What has been passed stays as it is: copied now, compared at the end. */
static void passed(void *self, size_t offset) {
    struct sink *sink = self;
    assert_true(offset <= sink->from);
    for (size_t g = 0; g < sink->groups; g++)
        for (size_t i = offset; i < sink->from; i++)
            sink->early[g * sink->size + i] = sink->gradient[g * sink->size + i];
    sink->from = offset;
    sink->calls++;
}

/* The sum over `groups` groups of texts of the gradient of the mean loss. */
static float *gradient_of(struct model *m, const struct dataset *data, size_t groups) {
    struct backend *b = m->backend;
    size_t size = m->layout->size, images[TEXTS];
    struct transformer *t;
    struct feed *feed;
    struct head_bank *bank;
    struct error error;
    float scale[TEXTS], *device, *sum = array_new(size, sizeof *sum), *loss;
    real *dfeatures;
    int32_t *labels;
    if (feed_new(b, m->layout, &data, 1, TEXTS, &feed, &error) ||
        feed_transformer(feed, NULL, true, &t, &error) ||
        head_bank_new(b, &m->layout->config, &m->head, 1, TEXTS, &bank, &error) ||
        b->allocate(b, groups * size * sizeof(float), (void **)&device, &error) ||
        b->allocate(b, TEXTS * WIDTH * sizeof(float), (void **)&dfeatures, &error) ||
        b->allocate(b, 2 * TEXTS * sizeof(float), (void **)&loss, &error) ||
        b->allocate(b, TEXTS * sizeof(int32_t), (void **)&labels, &error))
        fail_msg("%s", error.text);
    for (size_t i = 0; i < TEXTS; i++) {
        feed_put(feed, i, data, i);
        scale[i] = 1.0f / TEXTS;
    }
    b->upload(b, labels, data->labels, TEXTS * sizeof *labels);
    b->upload(b, loss + TEXTS, scale, sizeof scale);
    for (size_t g = 0; g < groups; g++)
        images[g] = TEXTS / groups;
    float *parts = malloc(groups * size * sizeof *parts);
    /* What an earlier batch left must not stay. */
    for (size_t i = 0; i < groups * size; i++)
        parts[i] = 7;
    b->upload(b, device, parts, groups * size * sizeof *parts);
    feed_embed(feed, t, m->weights, TEXTS);
    const real *x = transformer_run(t, m->weights, TEXTS);
    head_bank_loss(bank, 0, x, TEXTS, labels, loss, loss + TEXTS, dfeatures);
    struct sink sink = {device, size,   malloc(groups * size * sizeof *parts),
                        size,   groups, 0};
    assert_non_null(sink.early);
    struct gradient_sink where = {
        .self = &sink, .place = place, .ready = ready, .passed = passed};
    transformer_backward(t, m->weights, dfeatures, images, groups, &where);
    if (b->download(b, parts, device, groups * size * sizeof *parts, &error))
        fail_msg("%s", error.text);
    assert_memory_equal(parts, sink.early, groups * size * sizeof *parts);
    assert_int_equal(sink.calls, m->layout->config.layers + 1);
    for (size_t i = 0; i < groups * size; i++)
        sum[i % size] += parts[i];
    free(sink.early);
    free(parts);
    b->release(b, device);
    b->release(b, dfeatures);
    b->release(b, loss);
    b->release(b, labels);
    head_bank_free(bank);
    transformer_free(t);
    feed_free(feed);
    return sum;
}

static void test_gradients(void **state) {
    (void)state;
    struct model m = load("model/gpt2");
    struct safetensors *golden = golden_open("model/gpt2.safetensors");
    struct dataset *data = golden_examples(golden, "", 0, TEXTS);
    int32_t *labels = golden_labels(golden, "labels");
    memcpy(data->labels, labels, TEXTS * sizeof *labels);
    for (size_t groups = 1; groups <= 4; groups *= 4) {
        float *got = gradient_of(&m, data, groups);
        for (size_t i = 0; i < m.layout->parameter_count; i++) {
            const struct parameter *p = &m.layout->parameters[i];
            char name[128];
            snprintf(name, sizeof name, "gradient.%s", p->name);
            double *wanted = golden_values(golden, name);
            golden_close(name, got + p->offset, wanted, p->count, 1e-4);
            free(wanted);
        }
        free(got);
    }
    free(labels);
    dataset_close(data);
    safetensors_close(golden);
    unload(&m);
}

/* --- configurations --------------------------------------------------------- */

static int read_config(const char *text, struct model_config *config,
                       struct error *error) {
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    int result = model_config_read(json, NULL, "dir", config, error);
    json_decref(json);
    return result;
}

static void test_config(void **state) {
    (void)state;
    struct model_config c;
    struct error error;
    assert_int_equal(read_config("{\"model_type\": \"gpt2\"}", &c, &error), 0);
    assert_int_equal(c.width, 768);
    assert_int_equal(c.mlp_width, 3072);
    assert_int_equal(c.context, 1024);
    assert_int_equal(c.vocabulary, 50257);
    assert_int_equal(c.pad, 50256);
    assert_int_equal(c.activation, ACTIVATION_GELU_TANH);
    assert_int_equal(read_config("{\"model_type\": \"gpt2\", \"n_embd\": 1024, "
                                 "\"n_head\": 16, \"n_inner\": null, "
                                 "\"pad_token_id\": 3}",
                                 &c, &error),
                     0);
    assert_int_equal(c.mlp_width, 4096);
    assert_int_equal(c.pad, 3);
    static const char *const refused[][2] = {
        {"\"scale_attn_weights\": false", "scale_attn_weights is false"},
        {"\"scale_attn_by_inverse_layer_idx\": true",
         "scale_attn_by_inverse_layer_idx is true"},
        {"\"add_cross_attention\": true", "add_cross_attention is true"},
        {"\"problem_type\": \"regression\"", "problem_type is regression"},
        {"\"activation_function\": \"silu\"", "activation_function \"silu\""},
        {"\"n_head\": 7", "n_embd 768 is not divisible by n_head 7"},
        {"\"n_layer\": 1025", "n_layer 1025 is over 1024"},
        {"\"layer_norm_epsilon\": 0", "layer_norm_epsilon must lie"},
        {"\"vocab_size\": 100", "neither pad_token_id nor eos_token_id"},
        {"\"pad_token_id\": -1", "pad_token_id must be the number of a token"},
        {"\"pad_token_id\": 50257", "neither pad_token_id nor eos_token_id"},
        {"\"scale_attn_weights\": 1", "scale_attn_weights must be true or false"}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char text[256];
        snprintf(text, sizeof text, "{\"model_type\": \"gpt2\", %s}", refused[i][0]);
        assert_int_equal(read_config(text, &c, &error), -1);
        if (!strstr(error.text, refused[i][1]))
            fail_msg("\"%s\" does not say \"%s\"", error.text, refused[i][1]);
    }
}

/* A tokenizer with more tokens than the model has rows would read past its table. */
static void test_form(void **state) {
    (void)state;
    struct model m = load("model/gpt2");
    struct example_form form;
    struct error error;
    struct model_config config = m.layout->config;
    assert_int_equal(example_form_read(m.directory, &config, &form, &error), 0);
    assert_int_equal(form.longest, 20);
    example_form_clear(&form);
    config.vocabulary = 299;
    assert_int_equal(example_form_read(m.directory, &config, &form, &error), -1);
    assert_null(form.tokenizer);
    assert_non_null(
        strstr(error.text, "tokens up to 299, the model's vocab_size is 299"));
    unload(&m);
}

/* Names of class folders are bytes, and config.json is UTF-8. */
static void test_labels(void **state) {
    (void)state;
    struct model m = load("model/gpt2");
    char folder[] = "/tmp/pwemoe-labels-XXXXXX", path[64], command[96];
    struct error error;
    char **labels = calloc(m.head.classes, sizeof *labels);
    float *weights = calloc(m.layout->size, sizeof *weights);
    for (size_t i = 0; i < m.head.classes; i++)
        labels[i] = i == 0 ? "\xe9t\xe9" : "\xc3\xa9t\xc3\xa9";
    struct saving saving = {.layout = m.layout,
                            .pretrained = m.directory,
                            .weights = weights,
                            .head = &m.head,
                            .labels = labels};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/out", folder);
    if (saving_write(path, &saving, NULL, &error))
        fail_msg("%s", error.text);
    struct model_directory *written;
    if (model_directory_open(path, &written, &error))
        fail_msg("%s", error.text);
    json_t *config = model_directory_config(written);
    const json_t *names = json_object_get(config, "id2label");
    assert_string_equal(json_string_value(json_object_get(names, "0")), "\\xE9t\\xE9");
    assert_string_equal(json_string_value(json_object_get(names, "1")),
                        "\xc3\xa9t\xc3\xa9");
    assert_int_equal(json_integer_value(json_object_get(
                         json_object_get(config, "label2id"), "\\xE9t\\xE9")),
                     0);
    model_directory_close(written);
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    assert_int_equal(system(command), 0);
    free(weights);
    free(labels);
    unload(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logits), cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_config), cmocka_unit_test(test_form),
        cmocka_unit_test(test_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
