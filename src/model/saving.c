#include "model/saving.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"
#include "checkpoint/export_files.h"
#include "model/extras.h"

/* config.json with the labels of a head, which are any bytes of a file; NULL when
 * memory is out. */
static json_t *config_with_labels(const json_t *config, const struct head *head,
                                  char *const *labels) {
    json_t *copy = json_deep_copy(config);
    json_t *names = json_object(), *numbers = json_object();
    bool failed = !copy || !names || !numbers;
    for (size_t i = 0; !failed && i < head->classes; i++) {
        char number[24], fallback[32];
        snprintf(number, sizeof number, "%zu", i);
        snprintf(fallback, sizeof fallback, "LABEL_%zu", i);
        json_t *label = json_text_string(labels ? labels[i] : fallback);
        failed = !label || json_object_set(names, number, label) ||
                 json_object_set_new(numbers, json_string_value(label),
                                     json_integer((json_int_t)i));
        json_decref(label);
    }
    if (!failed)
        failed = json_object_set(copy, "id2label", names) ||
                 json_object_set(copy, "label2id", numbers) ||
                 json_object_set_new(copy, "num_labels",
                                     json_integer((json_int_t)head->classes));
    json_decref(names);
    json_decref(numbers);
    if (failed) {
        json_decref(copy);
        return NULL;
    }
    return copy;
}

/* transformers' classifiers of texts want to know the pad token; models that come
 * without a head often do not say it. */
static int set_pad(json_t *config, int32_t pad) {
    if (json_is_integer(json_object_get(config, "pad_token_id")))
        return 0;
    return json_object_set_new(config, "pad_token_id", json_integer(pad));
}

/* The layout's parameters, and where a model has the token embedding twice (it is the
 * layout's first parameter) that again; how many. */
static size_t list_parameters(const struct saving *saving,
                              struct export_tensor *tensors) {
    const struct layout *l = saving->layout;
    const struct tensor *tied = extras_tied(l, saving->pretrained);
    size_t count = 0;
    for (size_t i = 0; i < l->parameter_count; i++) {
        const struct parameter *p = &l->parameters[i];
        struct export_tensor *t = &tensors[count++];
        t->name = p->name;
        t->rank = p->rank;
        memcpy(t->shape, p->shape, sizeof p->shape);
        t->values = saving->weights + p->offset;
    }
    if (tied) {
        tensors[count] = tensors[0];
        tensors[count++].name = tied->name;
    }
    return count;
}

/* The head as transformers' classifiers name it: GPT-2's is score, without a bias.
 * zeros: [classes], for a head that has no bias. How many tensors. */
static size_t list_head(const struct saving *saving, const float *zeros,
                        struct export_tensor *tensors) {
    const struct head *head = saving->head;
    bool gpt2 = saving->layout->config.kind == MODEL_GPT2;
    tensors[0] =
        (struct export_tensor){.name = gpt2 ? "score.weight" : "classifier.weight",
                               .rank = 2,
                               .shape = {head->classes, head->features},
                               .values = head->weight};
    if (gpt2)
        return 1;
    tensors[1] = (struct export_tensor){.name = "classifier.bias",
                                        .rank = 1,
                                        .shape = {head->classes},
                                        .values = head->bias ? head->bias : zeros};
    return 2;
}

/* config.json where it is not the pretrained model's: with the labels of a head, in
 * another dtype; NULL when memory is out. */
static json_t *make_config(const struct saving *saving) {
    const json_t *own = model_directory_config(saving->pretrained);
    const struct model_config *c = &saving->layout->config;
    json_t *config = saving->head
                         ? config_with_labels(own, saving->head, saving->labels)
                         : json_deep_copy(own);
    if (config && saving->head && c->kind == MODEL_GPT2 && set_pad(config, c->pad)) {
        json_decref(config);
        return NULL;
    }
    if (config && saving->dtype)
        export_set_dtype(config, *saving->dtype);
    return config;
}

int saving_write(const char *path, const struct saving *saving, const struct work *work,
                 struct error *error) {
    const struct layout *l = saving->layout;
    const struct head *head = saving->head;
    if (head && head->bias && l->config.kind == MODEL_GPT2)
        return error_set(
            error, "%s: a GPT-2 classifier's head has no bias, this one has", path);
    struct export_tensor *tensors = array_new(l->parameter_count + 3, sizeof *tensors);
    float *zeros = array_new(head ? head->classes : 1, sizeof *zeros);
    bool own_config = head || saving->dtype;
    json_t *config = own_config ? make_config(saving) : NULL;
    int result = -1;
    if (!tensors || !zeros || (own_config && !config)) {
        error_memory(error);
    } else {
        size_t count = list_parameters(saving, tensors);
        if (head)
            count += list_head(saving, zeros, tensors + count);
        struct export_plan plan = {.dtype = saving->dtype,
                                   .pretrained = saving->pretrained,
                                   .tensors = tensors,
                                   .tensor_count = count,
                                   .files = saving->files,
                                   .file_count = saving->file_count,
                                   .config = config};
        result = export_write(path, &plan, work, error);
    }
    free(tensors);
    free(zeros);
    json_decref(config);
    return result;
}

static enum dtype dtype_of(const struct model_directory *pretrained,
                           const struct parameter *p) {
    const struct tensor *tensor = model_directory_find(pretrained, p->name);
    return tensor ? tensor->dtype : DTYPE_F32;
}

bool saving_keeps_values(const struct layout *l,
                         const struct model_directory *pretrained, enum dtype dtype) {
    bool keeps = true;
    for (size_t i = 0; i < l->parameter_count; i++) {
        enum dtype own = dtype_of(pretrained, &l->parameters[i]);
        keeps = keeps && (own == dtype || dtype == DTYPE_F32);
    }
    return keeps;
}

int saving_hash(const struct layout *l, const struct model_directory *pretrained,
                const enum dtype *wanted, const float *weights, char hex[SHA256_HEX],
                const struct work *work, struct error *error) {
    enum { CHUNK = 1 << 16 };
    unsigned char *bytes = malloc(CHUNK * sizeof(double));
    struct sha256 *hash = sha256_new();
    if (!bytes || !hash) {
        free(bytes);
        sha256_free(hash);
        return error_memory(error);
    }
    for (size_t i = 0; i < l->parameter_count; i++) {
        const struct parameter *p = &l->parameters[i];
        enum dtype dtype = wanted ? *wanted : dtype_of(pretrained, p);
        for (size_t at = 0; at < p->count; at += CHUNK) {
            if (work_stopped(work)) {
                sha256_free(hash);
                free(bytes);
                return error_set(error, "stopped");
            }
            size_t n = p->count - at < CHUNK ? p->count - at : CHUNK;
            tensor_from_f32(dtype, weights + p->offset + at, n, bytes);
            sha256_add(hash, bytes, n * dtype_size(dtype));
        }
    }
    sha256_finish(hash, hex);
    free(bytes);
    return 0;
}
