/* Text embeddings, zero-shot heads and what comes of them against transformers' own
 * (tests/golden/make_zero_shot.py), and models and files they cannot be made from. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/names.h"
#include "model/clip_text.h"
#include "model/heads.h"
#include "model/transformer.h"
#include "model/zero_shot.h"
#include "support/golden.h"

/* f32 keeps 2^-24 an operation; two blocks sum over at most 40 products in a row a few
 * dozen times, some 1e-6 in all. */
#define TOLERANCE 1e-5

static struct backend *backend;

static int open_backend(void **state) {
    (void)state;
    char note[256];
    struct error error;
    return backend_open("cpu", PRECISION_F32, 1, &backend, note, &error);
}

static int close_backend(void **state) {
    (void)state;
    backend_close(backend);
    return 0;
}

static struct model_directory *open_model(const char *path) {
    struct model_directory *directory;
    struct error error;
    if (model_directory_open(path, &directory, &error))
        fail_msg("%s", error.text);
    return directory;
}

/* --- text embeddings ------------------------------------------------------------- */

/* In groups of `at_once` texts, whose longest decides how many rows are computed. */
static void check_embeddings(struct model_directory *directory, const int32_t *ids,
                             const double *expected, size_t count, size_t at_once) {
    struct clip_text *text;
    struct layout *layout;
    real *weights;
    struct error error;
    if (clip_text_load(backend, directory, &layout, &weights, &error) ||
        clip_text_new(backend, layout, "it", at_once, &text, &error))
        fail_msg("%s", error.text);
    const struct model_config *config = clip_text_config(text);
    float *got = calloc(count * config->projection, sizeof *got);
    for (size_t i = 0; i < count; i += at_once) {
        size_t n = count - i < at_once ? count - i : at_once;
        if (clip_text_embed(text, weights, ids + i * config->context, n,
                            got + i * config->projection, &error))
            fail_msg("%s", error.text);
    }
    golden_close("text_embeds", got, expected, count * config->projection, TOLERANCE);
    free(got);
    clip_text_free(text);
    backend->release(backend, weights);
    layout_free(layout);
}

static void embeddings_are_those_of_transformers(void **state) {
    (void)state;
    struct safetensors *golden = golden_open("model/clip-full.safetensors");
    struct model_directory *directory = open_model(golden_path("model/clip-full"));
    const struct tensor *tensor = golden_tensor(golden, "input_ids");
    double *expected = golden_values(golden, "text_embeds");
    int32_t ids[5 * 12];
    assert_int_equal(tensor->count, 60);
    for (size_t i = 0; i < 60; i++) {
        int64_t id;
        memcpy(&id, (const char *)tensor->data + i * sizeof id, sizeof id);
        ids[i] = (int32_t)id;
    }
    for (size_t at_once = 1; at_once <= 5; at_once += 2)
        check_embeddings(directory, ids, expected, 5, at_once);
    free(expected);
    model_directory_close(directory);
    safetensors_close(golden);
}

/* A model directory like tests/golden/zero_shot/clip, with links to its files and
 * config.json copied with one text replaced. */
static const char *variant(const char *from, const char *to, const char *without) {
    static char path[512];
    char file[1024], command[4096];
    snprintf(path, sizeof path, "%s/pwemoe-zero-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(path));
    char *source = realpath(golden_path("zero_shot/clip"), NULL);
    assert_non_null(source);
    snprintf(command, sizeof command,
             "cd '%s' && ln -s '%s'/* . && rm config.json && "
             "sed 's/%s/%s/' '%s/config.json' >config.json",
             path, source, from, to, source);
    free(source);
    assert_int_equal(system(command), 0);
    snprintf(file, sizeof file, "%s/%s", path, without ? without : "none");
    if (without)
        assert_int_equal(unlink(file), 0);
    return path;
}

static void remove_variant(const char *path) {
    char command[1024];
    snprintf(command, sizeof command, "rm -r '%s'", path);
    assert_int_equal(system(command), 0);
}

static void old_models_read_the_greatest_token(void **state) {
    (void)state;
    struct safetensors *golden = golden_open("zero_shot/expected.safetensors");
    int32_t *ids = golden_labels(golden, "legacy.input_ids");
    double *expected = golden_values(golden, "legacy.text_embeds");
    const char *path = variant("\"eos_token_id\": 673", "\"eos_token_id\": 2", NULL);
    struct model_directory *directory = open_model(path);
    check_embeddings(directory, ids, expected, 3, 3);
    model_directory_close(directory);
    remove_variant(path);
    free(ids);
    free(expected);
    safetensors_close(golden);
}

static void tokens_that_do_not_fit_are_refused(void **state) {
    (void)state;
    struct model_directory *directory = open_model(golden_path("zero_shot/clip"));
    struct clip_text *text;
    struct layout *layout;
    real *weights;
    struct error error;
    float out[10];
    int32_t ids[24] = {672};
    assert_int_equal(clip_text_load(backend, directory, &layout, &weights, &error), 0);
    assert_int_equal(clip_text_new(backend, layout, "it", 1, &text, &error), 0);
    assert_int_equal(clip_text_embed(text, weights, ids, 1, out, &error), -1);
    assert_non_null(strstr(error.text, "another token than 673"));
    ids[5] = 674;
    ids[2] = 673;
    assert_int_equal(clip_text_embed(text, weights, ids, 1, out, &error), -1);
    assert_non_null(strstr(error.text, "token 674"));
    ids[5] = -1;
    assert_int_equal(clip_text_embed(text, weights, ids, 1, out, &error), -1);
    ids[5] = 0;
    assert_int_equal(clip_text_embed(text, weights, ids, 1, out, &error), 0);
    clip_text_free(text);
    backend->release(backend, weights);
    layout_free(layout);
    model_directory_close(directory);
}

/* --- heads ------------------------------------------------------------------------ */

static struct head make_head(const char *model, char *const *names, size_t classes,
                             char *const *templates, size_t count) {
    struct model_directory *directory = open_model(model);
    struct zero_shot *zero_shot;
    struct head head;
    struct error error;
    struct zero_shot_task task = {.names = (char **)(uintptr_t)names,
                                  .classes = classes,
                                  .templates = (char **)(uintptr_t)templates,
                                  .template_count = count};
    if (zero_shot_check(directory, &error) ||
        zero_shot_new(backend, directory, NULL, &zero_shot, &error) ||
        zero_shot_head(zero_shot, NULL, &task, &head, NULL, &error))
        fail_msg("%s", error.text);
    zero_shot_free(zero_shot);
    model_directory_close(directory);
    assert_int_equal(head.classes, classes);
    assert_int_equal(head.features, 10);
    assert_null(head.bias);
    return head;
}

static void many_templates_are_averaged(void **state) {
    (void)state;
    struct safetensors *golden = golden_open("zero_shot/expected.safetensors");
    double *expected = golden_values(golden, "many.head");
    char **names, **templates;
    size_t classes, count;
    struct error error;
    if (class_names_read(golden_path("zero_shot/animals.txt"), &names, &classes,
                         &error) ||
        zero_shot_templates(golden_path("zero_shot/templates.txt"), &templates, &count,
                            &error))
        fail_msg("%s", error.text);
    assert_int_equal(classes, 5);
    assert_int_equal(count, 4);
    struct head head =
        make_head(golden_path("zero_shot/clip"), names, classes, templates, count);
    golden_close("many.head", head.weight, expected, 50, TOLERANCE);
    head_clear(&head);

    /* 40 classes: more prompts than are embedded at once. */
    char *more[40];
    for (size_t i = 0; i < 40; i++)
        more[i] = names[i % 5];
    head = make_head(golden_path("zero_shot/clip"), more, 40, templates, count);
    for (size_t i = 0; i < 8; i++)
        golden_close("many.head again", head.weight + 50 * i, expected, 50, TOLERANCE);
    head_clear(&head);
    class_names_release(names, classes);
    class_names_release(templates, count);
    free(expected);
    safetensors_close(golden);
}

/* The head of the default template on image embeddings: CLIPModel's own logits. */
static void logits_are_those_of_the_whole_model(void **state) {
    (void)state;
    struct safetensors *golden = golden_open("zero_shot/expected.safetensors");
    double *expected_head = golden_values(golden, "single.head");
    double *expected = golden_values(golden, "single.logits");
    const struct tensor *pixels = golden_tensor(golden, "pixels");
    char *names[] = {"cat", "dog", "tall tree"}, **templates;
    size_t count;
    struct error error;
    assert_int_equal(zero_shot_templates(NULL, &templates, &count, &error), 0);
    const char *path = golden_path("zero_shot/clip");
    struct head head = make_head(path, names, 3, templates, count);
    class_names_release(templates, count);
    golden_close("single.head", head.weight, expected_head, 30, TOLERANCE);

    struct model_directory *directory = open_model(path);
    struct model_config config;
    struct layout *layout;
    struct preprocess preprocess;
    struct transformer *t;
    if (model_config_read(model_directory_config(directory), NULL, path, &config,
                          &error) ||
        layout_new(&config, directory, &layout, &error) ||
        preprocess_read(model_directory_preprocessor(directory), true,
                        config.image_size, &preprocess, &error) ||
        transformer_new(backend, layout, &preprocess, 4, false, &t, &error))
        fail_msg("%s", error.text);
    float *arena = calloc(layout->size, sizeof *arena), features[4 * 10], logits[4 * 3];
    real *weights;
    uint8_t *device;
    if (layout_load(layout, directory, NULL, arena, &error) ||
        backend->allocate(backend, layout->size * backend->real_size, (void **)&weights,
                          &error) ||
        backend->allocate(backend, (size_t)pixels->bytes, (void **)&device, &error))
        fail_msg("%s", error.text);
    backend->upload_real(backend, weights, arena, layout->size);
    backend->upload(backend, device, pixels->data, (size_t)pixels->bytes);
    transformer_embed(t, weights, device, 4);
    const real *out = transformer_run(t, weights, 4);
    assert_int_equal(backend->download_real(backend, features, out, 40, &error), 0);
    for (size_t i = 0; i < 4; i++) {
        double square = 0;
        for (size_t k = 0; k < 10; k++)
            square += (double)features[i * 10 + k] * (double)features[i * 10 + k];
        for (size_t c = 0; c < 3; c++) {
            double sum = 0;
            for (size_t k = 0; k < 10; k++)
                sum += (double)features[i * 10 + k] * (double)head.weight[c * 10 + k];
            logits[i * 3 + c] = (float)(sum / sqrt(square));
        }
    }
    golden_close("logits_per_image", logits, expected, 12, TOLERANCE);
    backend->release(backend, weights);
    backend->release(backend, device);
    transformer_free(t);
    layout_free(layout);
    model_directory_close(directory);
    free(arena);
    head_clear(&head);
    free(expected);
    free(expected_head);
    safetensors_close(golden);
}

/* --- refusals --------------------------------------------------------------------- */

static void expect_refusal(const char *path, const char *says) {
    struct model_directory *directory = open_model(path);
    struct zero_shot *zero_shot;
    struct error checked, opened;
    assert_int_equal(zero_shot_check(directory, &checked), -1);
    assert_int_equal(zero_shot_new(backend, directory, NULL, &zero_shot, &opened), -1);
    assert_string_equal(checked.text, opened.text);
    if (!strstr(checked.text, says) || !strstr(checked.text, "head: FILE.safetensors"))
        fail_msg("'%s' does not say '%s'", checked.text, says);
    model_directory_close(directory);
}

static void what_is_missing_is_named(void **state) {
    (void)state;
    expect_refusal(golden_path("model/clip"),
                   "text_model.embeddings.token_embedding.weight is missing");
    expect_refusal(golden_path("model/clip-full"), "vocab.json: missing");
    static const char *const cases[][4] = {
        {"none", "none", "vocab.json", "vocab.json: missing"},
        {"none", "none", "merges.txt", "merges.txt: missing"},
        {"\"vocab_size\": 674", "\"vocab_size\": 675", NULL, "[674, 16]"},
        {"\"intermediate_size\": 40,\\( *\\)$", "\"intermediate_size\": 41,", NULL,
         "fc1"},
        {"\"max_position_embeddings\": 24", "\"max_position_embeddings\": 25", NULL,
         "position_embedding"},
        {"\"num_attention_heads\": 4", "\"num_attention_heads\": 3", NULL,
         "not divisible"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = variant(cases[i][0], cases[i][1], cases[i][2]);
        expect_refusal(path, cases[i][3]);
        remove_variant(path);
    }
}

static void templates_have_one_gap(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {{"a {}\nno gap\n", "line 2 has no {}"},
                 {"{} and {}\n", "line 1 has more than one {}"},
                 {"{}\n\na {}\n", "line 2 is empty"},
                 {"\n", "no templates in it"}};
    char path[512], **templates;
    size_t count;
    struct error error;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(path, sizeof path, "%s/pwemoe-template-XXXXXX",
                 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, cases[i].text, strlen(cases[i].text)),
                         strlen(cases[i].text));
        close(fd);
        assert_int_equal(zero_shot_templates(path, &templates, &count, &error), -1);
        if (!strstr(error.text, cases[i].says) || !strstr(error.text, path))
            fail_msg("'%s' does not say '%s'", error.text, cases[i].says);
        unlink(path);
    }
    assert_int_equal(zero_shot_templates(NULL, &templates, &count, &error), 0);
    assert_int_equal(count, 1);
    assert_string_equal(templates[0], "a photo of a {}.");
    class_names_release(templates, count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embeddings_are_those_of_transformers),
        cmocka_unit_test(old_models_read_the_greatest_token),
        cmocka_unit_test(tokens_that_do_not_fit_are_refused),
        cmocka_unit_test(many_templates_are_averaged),
        cmocka_unit_test(logits_are_those_of_the_whole_model),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(templates_have_one_gap),
    };
    return cmocka_run_group_tests(tests, open_backend, close_backend);
}
