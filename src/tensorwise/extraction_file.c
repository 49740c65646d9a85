/* An extracted adapter as PEFT's files; of extraction.h. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/draft.h"
#include "base/json_text.h"
#include "base/memory.h"
#include "checkpoint/folder.h"
#include "checkpoint/write.h"
#include "tensorwise/extraction.h"

/* A tensor that is written: a factor, or one that is saved whole. */
struct piece {
    const float *values;
    const struct tensor *whole;
};

struct writing {
    const struct extraction *extraction;
    const struct extraction_wish *wish;
    enum dtype dtype;
    json_t *config;
    struct tensor_source *sources; /* [count]; names are owned */
    struct piece *pieces;
    size_t count;
};

/* "model.layers.0.mlp.up_proj" of "model.layers.0.mlp.up_proj.weight" */
static char *module_of(const struct extracted *x) {
    return strndup(x->base->name, strlen(x->base->name) - strlen(".weight"));
}

/* --- the configuration ------------------------------------------------------------ */

/* Of products whose rank is another one than asked for, both patterns say so. */
static int add_modules(const struct writing *w, json_t *config, struct error *error) {
    json_t *targets = json_array(), *patterns = json_object();
    const struct extraction *e = w->extraction;
    for (size_t i = 0; i < e->count; i++) {
        char *module = module_of(&e->items[i]);
        if (!module || json_array_append_new(targets, json_string(module))) {
            free(module);
            json_decref(targets);
            json_decref(patterns);
            return error_memory(error);
        }
        if (e->items[i].rank != w->wish->rank)
            json_object_set_new(patterns, module,
                                json_integer((json_int_t)e->items[i].rank));
        free(module);
    }
    json_object_set_new(config, "target_modules", targets);
    json_object_set(config, "rank_pattern", patterns);
    json_object_set_new(config, "alpha_pattern", patterns);
    return 0;
}

static json_t *make_config(const struct writing *w, const char *base,
                           struct error *error) {
    json_int_t rank = (json_int_t)w->wish->rank;
    json_t *config =
        json_pack("{s:s, s:o, s:I, s:I, s:f, s:s, s:b, s:b}", "peft_type", "LORA",
                  "base_model_name_or_path", json_text_string(base), "r", rank,
                  "lora_alpha", rank, "lora_dropout", 0.0, "bias", "none",
                  "fan_in_fan_out", w->extraction->turned, "inference_mode", 1);
    if (!config || add_modules(w, config, error)) {
        json_decref(config);
        if (!config)
            error_memory(error);
        return NULL;
    }
    json_t *whole = json_array();
    for (size_t i = 0; i < w->wish->whole_count; i++)
        json_array_append_new(whole, json_string(w->wish->whole[i]));
    json_object_set_new(config, "modules_to_save",
                        w->wish->whole_count ? whole : json_null());
    if (!w->wish->whole_count)
        json_decref(whole);
    return config;
}

/* --- the tensors ------------------------------------------------------------------ */

static int add_factor(struct writing *w, const struct extracted *x, bool left,
                      struct error *error) {
    struct tensor_source *source = &w->sources[w->count];
    char *module = module_of(x);
    char *name = module ? text_format("base_model.model.%s.lora_%s%c%s", module,
                                      x->embedding ? "embedding_" : "",
                                      left ? 'B' : 'A', x->embedding ? "" : ".weight")
                        : NULL;
    free(module);
    if (!name)
        return error_memory(error);
    *source = (struct tensor_source){.name = name,
                                     .dtype_name = dtype_entry_of(w->dtype)->name,
                                     .rank = x->base->rank};
    source->shape[0] = left ? x->rows : x->rank;
    source->shape[1] = left                 ? x->rank
                       : x->base->rank == 2 ? x->columns
                                            : x->base->shape[1];
    for (unsigned i = 2; i < x->base->rank; i++)
        source->shape[i] = left ? 1 : x->base->shape[i];
    source->bytes = (left ? x->rows : x->columns) * x->rank * dtype_size(w->dtype);
    w->pieces[w->count++] = (struct piece){.values = left ? x->left : x->right};
    return 0;
}

static int add_whole(struct writing *w, const struct tensor *tensor,
                     struct error *error) {
    struct tensor_source *source = &w->sources[w->count];
    char *name = text_format("base_model.model.%s", tensor->name);
    if (!name)
        return error_memory(error);
    *source = (struct tensor_source){.name = name,
                                     .dtype_name = tensor->dtype_name,
                                     .rank = tensor->rank,
                                     .bytes = tensor->bytes};
    memcpy(source->shape, tensor->shape, sizeof tensor->shape);
    w->pieces[w->count++] = (struct piece){.whole = tensor};
    return 0;
}

static int list(struct writing *w, const struct models *models, struct error *error) {
    const struct extraction *e = w->extraction;
    const struct model_directory *expert = models->experts[0];
    size_t tensors = expert ? model_directory_count(expert) : 0;
    w->sources = array_new(2 * e->count + tensors, sizeof *w->sources);
    w->pieces = array_new(2 * e->count + tensors, sizeof *w->pieces);
    if (!w->sources || !w->pieces)
        return error_memory(error);
    for (size_t i = 0; i < e->count; i++)
        if (add_factor(w, &e->items[i], false, error) ||
            add_factor(w, &e->items[i], true, error))
            return -1;
    uint64_t found = 0;
    for (size_t i = 0; i < tensors; i++) {
        const struct tensor *tensor = model_directory_at(expert, i);
        size_t module = extraction_whole(w->wish, tensor->name);
        if (module == SIZE_MAX)
            continue;
        found |= (uint64_t)1 << module;
        if (add_whole(w, tensor, error))
            return -1;
    }
    for (size_t k = 0; k < w->wish->whole_count; k++)
        if (!(found >> k & 1))
            return error_set(error, "--whole: %s has no module %s",
                             models_path(models, 0), w->wish->whole[k]);
    return 0;
}

static int read_piece(void *self, size_t index, uint64_t offset, void *out, size_t room,
                      size_t *got, struct error *error) {
    const struct writing *w = self;
    const struct piece *piece = &w->pieces[index];
    uint64_t left = w->sources[index].bytes - offset;
    size_t bytes = left < room ? (size_t)left : room, size = dtype_size(w->dtype);
    *got = bytes;
    if (piece->whole) {
        memcpy(out, (const char *)piece->whole->data + offset, bytes);
        return 0;
    }
    *got = bytes / size * size;
    size_t from = (size_t)(offset / size);
    return tensor_round(w->sources[index].name, w->dtype, piece->values + from, from,
                        bytes / size, out, error);
}

/* --- the folder ------------------------------------------------------------------- */

static int fill(void *self, const char *folder, const char *shown,
                struct error *error) {
    struct writing *w = self;
    static const char *const metadata[] = {"format", "pt", NULL};
    char *text = json_text_dump(w->config, JSON_INDENT(2) | JSON_SORT_KEYS);
    char *path = text_format("%s/adapter_config.json", folder);
    char *tensors = text_format("%s/adapter_model.safetensors", folder);
    char *called = text_format("%s/adapter_model.safetensors", shown);
    int result = text && path && tensors && called ? 0 : error_memory(error);
    if (result == 0)
        result = draft_write_file(path, shown, text, strlen(text), error) ||
                         safetensors_write_as(tensors, called, w->sources, w->count,
                                              metadata, read_piece, w, error)
                     ? -1
                     : 0;
    free(text);
    free(path);
    free(tensors);
    free(called);
    return result;
}

int extraction_write(const struct models *models, const struct extraction_wish *wish,
                     const struct extraction *extraction, enum dtype dtype,
                     const char *base, const char *path, struct error *error) {
    struct writing w = {.extraction = extraction, .wish = wish, .dtype = dtype};
    int result = list(&w, models, error);
    if (result == 0 && !(w.config = make_config(&w, base, error)))
        result = -1;
    if (result == 0)
        result = folder_write(path, fill, &w, error);
    json_decref(w.config);
    for (size_t i = 0; i < w.count; i++)
        free((void *)(uintptr_t)w.sources[i].name);
    free(w.sources);
    free(w.pieces);
    return result;
}
