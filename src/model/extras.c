#include "model/extras.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "checkpoint/dtype.h"

static bool ends_with(const char *name, const char *ending) {
    size_t length = strlen(name), tail = strlen(ending);
    return length >= tail && strcmp(name + length - tail, ending) == 0;
}

static bool is_parameter(const struct layout *layout, const char *name) {
    const char *bare = layout_bare_name(layout, name);
    for (size_t i = 0; i < layout->parameter_count; i++)
        if (strcmp(layout_bare_name(layout, layout->parameters[i].name), bare) == 0)
            return true;
    return false;
}

/* Heads, which every task brings, and numbers that are no weights. */
static bool is_expected(const struct layout *layout, const char *name) {
    static const char *const heads[] = {"classifier.weight", "classifier.bias",
                                        "score.weight"};
    /* CLIP reads none: one that is there (CLIPForImageClassification) is spoken of. */
    bool has_heads = layout->config.kind != MODEL_CLIP_VISION;
    for (size_t i = 0; has_heads && i < sizeof heads / sizeof *heads; i++)
        if (strcmp(name, heads[i]) == 0)
            return true;
    if (layout->config.kind == MODEL_GPT2 &&
        (ends_with(name, ".attn.bias") || ends_with(name, ".attn.masked_bias")))
        return true;
    return ends_with(name, "embeddings.position_ids");
}

static bool is_adapter(const char *name) {
    static const char *const parts[] = {
        "lora_",    ".base_layer.",   "base_model.model.",
        ".adapter", "ia3_",           "vera_lambda_",
        "oft_",     "boft_",          "hada_",
        "lokr_",    "modules_to_save"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(name, parts[i]))
            return true;
    return false;
}

/* Values, whatever dtypes the two files have; tensors that hold none are compared by
 * their bytes. */
static bool same_values(const struct tensor *a, const struct tensor *b) {
    enum { CHUNK = 4096 };
    if (a->rank != b->rank || memcmp(a->shape, b->shape, a->rank * sizeof *a->shape))
        return false;
    if (a->dtype == b->dtype)
        return memcmp(a->data, b->data, (size_t)a->bytes) == 0;
    size_t x = dtype_size(a->dtype), y = dtype_size(b->dtype);
    float one[CHUNK], other[CHUNK];
    for (uint64_t at = 0; at < a->count; at += CHUNK) {
        size_t n = a->count - at < CHUNK ? (size_t)(a->count - at) : CHUNK;
        struct tensor left = *a, right = *b;
        left.rank = right.rank = 1;
        left.shape[0] = right.shape[0] = left.count = right.count = n;
        left.bytes = n * x;
        right.bytes = n * y;
        left.data = (const char *)a->data + at * x;
        right.data = (const char *)b->data + at * y;
        if (tensor_to_f32(&left, "", one, NULL) ||
            tensor_to_f32(&right, "", other, NULL) ||
            memcmp(one, other, n * sizeof *one))
            return false;
    }
    return true;
}

/* How many tensors one remark is about, and the first. */
struct tally {
    size_t count;
    const char *first;
};

static void add(struct tally *tally, const char *name) {
    if (!tally->count++)
        tally->first = name;
}

static void tell(const struct tally *tally, const char *what, extras_remark *remark,
                 void *self) {
    char text[512], more[40] = "";
    if (!tally->count)
        return;
    if (tally->count > 1)
        snprintf(more, sizeof more, " and %zu more", tally->count - 1);
    snprintf(text, sizeof text, "%s%s: %s", TEXT_CUT(tally->first, 200), more, what);
    remark(self, text);
}

const struct tensor *extras_tied(const struct layout *layout,
                                 const struct model_directory *pretrained) {
    const struct tensor *head = model_directory_find(pretrained, "lm_head.weight");
    const struct tensor *tokens =
        model_directory_find(pretrained, layout->parameters[0].name);
    if (layout->config.kind != MODEL_GPT2 || !head || !tokens)
        return NULL;
    return same_values(head, tokens) ? head : NULL;
}

/* transformers 5 loads the weights in the dtype that config.json names. */
static void tell_dtype(const struct layout *layout,
                       const struct model_directory *directory, extras_remark *remark,
                       void *self) {
    static const struct {
        const char *name;
        enum dtype dtype;
    } narrow[] = {{"float16", DTYPE_F16}, {"bfloat16", DTYPE_BF16}};
    const json_t *config = model_directory_config(directory);
    const char *name = json_string_value(json_object_get(config, "dtype"));
    const struct tensor *tensor =
        model_directory_find(directory, layout->parameters[0].name);
    if (!name)
        name = json_string_value(json_object_get(config, "torch_dtype"));
    for (size_t i = 0; name && tensor && i < sizeof narrow / sizeof *narrow; i++) {
        char text[256];
        if (strcmp(name, narrow[i].name) != 0 || tensor->dtype == narrow[i].dtype ||
            tensor->dtype == DTYPE_OTHER)
            continue;
        snprintf(text, sizeof text,
                 "config.json says %s, the weights are %s: transformers 5 rounds them "
                 "when it loads the model, here they are taken as they are",
                 name, dtype_entry_of(tensor->dtype)->name);
        remark(self, text);
    }
}

void extras_of_pretrained(const struct layout *layout,
                          const struct model_directory *pretrained,
                          extras_remark *remark, void *self) {
    const struct tensor *tied = extras_tied(layout, pretrained);
    struct tally tally = {0};
    for (size_t i = 0; i < model_directory_count(pretrained); i++) {
        const struct tensor *tensor = model_directory_at(pretrained, i);
        if (tensor != tied && !is_parameter(layout, tensor->name) &&
            !is_expected(layout, tensor->name))
            add(&tally, tensor->name);
    }
    tell(&tally, "not merged; exports have the pretrained model's", remark, self);
    tell_dtype(layout, pretrained, remark, self);
}

static bool is_text(const char *name) {
    return strncmp(name, "text_", 5) == 0 || strcmp(name, "logit_scale") == 0;
}

const char *extras_changed_text(const struct model_directory *pretrained,
                                const struct model_directory *expert) {
    for (size_t i = 0; i < model_directory_count(expert); i++) {
        const struct tensor *tensor = model_directory_at(expert, i);
        const struct tensor *known =
            is_text(tensor->name) ? model_directory_find(pretrained, tensor->name)
                                  : NULL;
        if (known && !ends_with(tensor->name, "embeddings.position_ids") &&
            !same_values(tensor, known))
            return tensor->name;
    }
    return NULL;
}

/* transformers adds an adapter that lies beside the weights to them. */
static int check_adapter_file(const struct model_directory *directory,
                              struct error *error) {
    const char *path = model_directory_path(directory);
    char *file = text_format("%s/adapter_config.json", path);
    if (!file)
        return error_memory(error);
    bool there = access(file, F_OK) == 0;
    free(file);
    if (!there || model_directory_is_adapted(directory))
        return 0;
    return error_set(
        error,
        "%s: has an adapter (adapter_config.json) beside its weights, which "
        "is not read; merge it into the model first, as PEFT's "
        "merge_and_unload does, and save that",
        path);
}

int extras_of_expert(const struct layout *layout,
                     const struct model_directory *pretrained,
                     const struct model_directory *expert, extras_remark *remark,
                     void *self, struct error *error) {
    struct tally text = {0}, changed = {0}, unknown = {0};
    bool clip = layout->config.kind == MODEL_CLIP_VISION;
    if (check_adapter_file(expert, error))
        return -1;
    for (size_t i = 0; i < model_directory_count(expert); i++) {
        const struct tensor *tensor = model_directory_at(expert, i);
        const char *name = tensor->name;
        if (is_adapter(name))
            return error_set(error,
                             "%s: holds weights of an adapter (%s) that is not merged; "
                             "merge it into the model first, as PEFT's "
                             "merge_and_unload does, and save that",
                             model_directory_path(expert), name);
        if (is_parameter(layout, name) || is_expected(layout, name))
            continue;
        const struct tensor *known = model_directory_find(pretrained, name);
        if (known && same_values(tensor, known))
            continue;
        add(known ? clip && is_text(name) ? &text : &changed : &unknown, name);
    }
    tell(&text,
         "fine-tuned, but the vision tower alone is merged; zero-shot heads are made "
         "from the pretrained model's text tower",
         remark, self);
    tell(&changed,
         "changed by fine-tuning, but not merged; exports have the "
         "pretrained model's",
         remark, self);
    tell(&unknown, "not merged; the pretrained model has no such tensor", remark, self);
    if (!model_directory_is_adapted(expert))
        tell_dtype(layout, expert, remark, self);
    return 0;
}
