/* Tensors that no layout has: tied, copied and said so, or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/memory.h"
#include "checkpoint/export.h"
#include "model/extras.h"
#include "model/saving.h"
#include "support/golden.h"

static char folder[] = "/tmp/pwemoe-extras-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static struct model_directory *open_good(const char *path) {
    struct model_directory *directory;
    struct error error;
    if (model_directory_open(path, &directory, &error))
        fail_msg("%s", error.text);
    return directory;
}

/* FOLDER/NAME: the golden model with one tensor more, or another in one's place. */
static struct model_directory *with_tensor(const char *model, const char *name,
                                           const struct export_tensor *tensor) {
    char path[256];
    struct error error;
    struct model_directory *base = open_good(golden_path(model));
    snprintf(path, sizeof path, "%s/%s", folder, name);
    struct export_plan plan = {
        .pretrained = base, .tensors = tensor, .tensor_count = 1};
    if (export_write(path, &plan, NULL, &error))
        fail_msg("%s", error.text);
    model_directory_close(base);
    return open_good(path);
}

static struct layout *layout_of(const struct model_directory *directory) {
    struct model_config config;
    struct layout *layout;
    struct error error;
    if (model_config_read(model_directory_config(directory), NULL, "golden", &config,
                          &error) ||
        layout_new(&config, directory, &layout, &error))
        fail_msg("%s", error.text);
    return layout;
}

static float *values_of(const struct model_directory *directory, const char *name,
                        struct export_tensor *like) {
    const struct tensor *tensor = model_directory_find(directory, name);
    struct error error;
    assert_non_null(tensor);
    float *values = array_new(tensor->count, sizeof *values);
    assert_int_equal(tensor_to_f32(tensor, "", values, &error), 0);
    like->rank = tensor->rank;
    memcpy(like->shape, tensor->shape, sizeof like->shape);
    like->values = values;
    return values;
}

struct heard {
    size_t count;
    char text[512];
};

static void hear(void *self, const char *text) {
    struct heard *heard = self;
    heard->count++;
    snprintf(heard->text, sizeof heard->text, "%s", text);
}

/* lm_head is the token embedding again, and stays so in what is written. */
static void a_tied_head_follows(void **state) {
    (void)state;
    struct model_directory *base = open_good(golden_path("model/gpt2"));
    struct export_tensor head = {.name = "lm_head.weight"};
    float *values = values_of(base, "transformer.wte.weight", &head);
    struct model_directory *tied = with_tensor("model/gpt2", "tied", &head);
    struct layout *layout = layout_of(tied);
    struct heard heard = {0};
    assert_non_null(extras_tied(layout, tied));
    extras_of_pretrained(layout, tied, hear, &heard);
    if (heard.count)
        fail_msg("%s", heard.text);

    float *weights = array_new(layout->size, sizeof *weights);
    struct error error;
    assert_int_equal(layout_load(layout, tied, NULL, weights, &error), 0);
    for (size_t i = 0; i < layout->size; i++)
        weights[i] += 0.5f;
    char path[256];
    snprintf(path, sizeof path, "%s/written", folder);
    struct saving saving = {.layout = layout, .pretrained = tied, .weights = weights};
    if (saving_write(path, &saving, NULL, &error))
        fail_msg("%s", error.text);
    struct model_directory *written = open_good(path);
    const struct tensor *a = model_directory_find(written, "lm_head.weight");
    const struct tensor *b = model_directory_find(written, "transformer.wte.weight");
    assert_memory_equal(a->data, b->data, (size_t)a->bytes);
    float first;
    memcpy(&first, a->data, sizeof first);
    assert_true(first > values[0] + 0.4f);
    model_directory_close(written);
    layout_free(layout);
    model_directory_close(tied);
    free(weights);

    /* Another lm_head is not tied, and copied, which is said. */
    values[3] += 1;
    struct model_directory *untied = with_tensor("model/gpt2", "untied", &head);
    layout = layout_of(untied);
    assert_null(extras_tied(layout, untied));
    extras_of_pretrained(layout, untied, hear, &heard);
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.text, "lm_head.weight: not merged; exports have the "
                                    "pretrained model's");
    layout_free(layout);
    model_directory_close(untied);
    model_directory_close(base);
    free(values);
}

/* A model whose config.json has "dtype": NAME, its weights in F32. */
static struct model_directory *with_dtype(const char *dtype) {
    char path[256], weights[300];
    snprintf(path, sizeof path, "%s/dtype", folder);
    snprintf(weights, sizeof weights, "%s/config.json", path);
    struct model_directory *base = open_good(golden_path("model/vit"));
    struct export_plan plan = {.pretrained = base};
    struct error error;
    if (access(path, F_OK) && export_write(path, &plan, NULL, &error))
        fail_msg("%s", error.text);
    model_directory_close(base);
    json_t *config = json_load_file(weights, 0, NULL);
    json_object_set_new(config, "dtype", json_string(dtype));
    assert_int_equal(json_dump_file(config, weights, 0), 0);
    json_decref(config);
    return open_good(path);
}

static void a_narrower_dtype_is_told(void **state) {
    static const char *const dtypes[] = {"float32", "float16", "bfloat16"};
    (void)state;
    struct model_directory *base = open_good(golden_path("model/vit"));
    for (size_t i = 0; i < 3; i++) {
        struct model_directory *model = with_dtype(dtypes[i]);
        struct layout *layout = layout_of(model);
        struct heard heard = {0}, of_expert = {0};
        struct error error;
        char wanted[64];
        extras_of_pretrained(layout, model, hear, &heard);
        assert_int_equal(
            extras_of_expert(layout, base, model, hear, &of_expert, &error), 0);
        assert_int_equal(heard.count, i > 0);
        assert_int_equal(of_expert.count, i > 0);
        snprintf(wanted, sizeof wanted,
                 "config.json says %s, the weights are F32: ", dtypes[i]);
        if (i && strncmp(heard.text, wanted, strlen(wanted)) != 0)
            fail_msg("%s", heard.text);
        assert_string_equal(heard.text, of_expert.text);
        layout_free(layout);
        model_directory_close(model);
    }
    model_directory_close(base);
}

static void adapters_are_refused(void **state) {
    static const float value[2] = {1, 2};
    (void)state;
    struct model_directory *base = open_good(golden_path("model/vit"));
    struct layout *layout = layout_of(base);
    struct export_tensor lora = {
        .name = "vit.encoder.layer.0.attention.attention.query.lora_A.weight",
        .rank = 1,
        .shape = {2},
        .values = value};
    struct model_directory *expert = with_tensor("model/vit-expert0", "lora", &lora);
    struct heard heard = {0};
    struct error error = {.text = ""};
    assert_int_equal(extras_of_expert(layout, base, expert, hear, &heard, &error), -1);
    assert_non_null(strstr(error.text, "lora_A.weight) that is not merged"));
    model_directory_close(expert);

    lora.name = "vit.pooler.dense.bias";
    expert = with_tensor("model/vit-expert0", "pooler", &lora);
    assert_int_equal(extras_of_expert(layout, base, expert, hear, &heard, &error), 0);
    assert_int_equal(heard.count, 1);
    assert_non_null(strstr(heard.text, "vit.pooler.dense.bias: not merged; the "));
    model_directory_close(expert);

    expert = open_good(golden_path("model/vit-expert0"));
    assert_int_equal(extras_of_expert(layout, base, expert, hear, &heard, &error), 0);
    assert_int_equal(heard.count, 1);
    model_directory_close(expert);
    layout_free(layout);
    model_directory_close(base);
}

/* A layout of another program: no tensor has a name of ours. One line says so. */
static void hear_line(void *self, const char *text) {
    hear(self, text);
}

static void names_of_wrappers_are_one_line(void **state) {
    (void)state;
    struct model_directory *base = open_good(golden_path("model/vit"));
    struct model_directory *other = open_good(golden_path("model/clip"));
    struct layout *layout = layout_of(base);
    struct heard heard = {0};
    assert_int_equal(layout_compare(layout, other, hear_line, &heard), 1);
    assert_int_equal(heard.count, 1);
    assert_non_null(strstr(heard.text, "none of its tensors has a name of the "));
    layout_free(layout);
    model_directory_close(other);
    model_directory_close(base);
}

/* CLIP's text tower of an expert: the same is passed over, another is spoken of. */
static void a_text_side_that_changed_is_said(void **state) {
    (void)state;
    struct model_directory *base = open_good(golden_path("zero_shot/clip"));
    struct layout *layout = layout_of(base);
    struct heard heard = {0};
    struct error error = {.text = ""};
    assert_int_equal(extras_of_expert(layout, base, base, hear, &heard, &error), 0);
    assert_int_equal(heard.count, 0);
    extras_of_pretrained(layout, base, hear, &heard);
    assert_int_equal(heard.count, 1);
    struct export_tensor text = {.name = "text_projection.weight"};
    float *values = values_of(base, text.name, &text);
    values[5] += 0.25f;
    struct model_directory *expert = with_tensor("zero_shot/clip", "text", &text);
    assert_int_equal(extras_of_expert(layout, base, expert, hear, &heard, &error), 0);
    assert_int_equal(heard.count, 2);
    assert_non_null(
        strstr(heard.text, "text_projection.weight: fine-tuned, but the vision"));
    model_directory_close(expert);
    layout_free(layout);
    model_directory_close(base);
    free(values);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tied_head_follows),
        cmocka_unit_test(a_narrower_dtype_is_told),
        cmocka_unit_test(adapters_are_refused),
        cmocka_unit_test(names_of_wrappers_are_one_line),
        cmocka_unit_test(a_text_side_that_changed_is_said),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
