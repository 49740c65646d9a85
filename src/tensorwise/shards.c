#include "tensorwise/shards.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"

static int describe(const struct model_tensor *tensor, const enum dtype *dtype,
                    struct tensor_source *source, struct error *error) {
    const struct tensor *base = tensor->base;
    uint64_t count;
    *source = (struct tensor_source){base->name, base->dtype_name, base->rank, {0}, 0};
    memcpy(source->shape, base->shape, sizeof source->shape);
    /* What is not merged follows where it can be rounded. */
    if (dtype && models_is_weights(base->dtype))
        source->dtype_name = dtype_entry_of(*dtype)->name;
    if (!dtype_measure(dtype_entry_find(source->dtype_name), base->rank, base->shape,
                       &count, &source->bytes))
        return error_set(error, "%s: its shape has no size in bytes", base->name);
    return 0;
}

int shards_plan(const struct models *models, const enum dtype *dtype, uint64_t size,
                struct shards *shards, struct error *error) {
    size_t tensors = models->tensor_count;
    uint64_t filled = 0;
    *shards = (struct shards){.models = models,
                              .sources = array_new(tensors, sizeof *shards->sources),
                              .first = array_new(tensors + 2, sizeof *shards->first)};
    if (!shards->sources || !shards->first)
        return error_memory(error);
    for (size_t i = 0; i < tensors; i++) {
        if (describe(&models->tensors[i], dtype, &shards->sources[i], error))
            return -1;
        uint64_t bytes = shards->sources[i].bytes;
        if (bytes > INT64_MAX - shards->bytes)
            return error_set(error, "the model would be too large");
        bool full = size && filled && (filled > size || bytes > size - filled);
        if (shards->count == 0 || full) {
            shards->first[shards->count++] = i;
            filled = 0;
        }
        filled += bytes;
        shards->bytes += bytes;
    }
    shards->first[shards->count] = tensors;
    return 0;
}

void shards_free(struct shards *shards) {
    free(shards->sources);
    free(shards->first);
    *shards = (struct shards){0};
}

char *shards_name(const struct shards *shards, size_t shard) {
    const char *stem = model_directory_stem(shards->models->base);
    if (shards->count == 1)
        return text_format("%s.safetensors", stem);
    return text_format("%s-%05zu-of-%05zu.safetensors", stem, shard + 1, shards->count);
}

char *shards_index(const struct shards *shards) {
    json_t *map = json_object(), *index = NULL;
    bool lost = !map;
    for (size_t s = 0; s < shards->count && !lost; s++) {
        char *name = shards_name(shards, s);
        for (size_t i = shards->first[s]; i < shards->first[s + 1] && name; i++)
            lost |= json_object_set_new(map, shards->sources[i].name,
                                        json_string(name)) != 0;
        lost |= !name;
        free(name);
    }
    if (!lost)
        index = json_pack("{s:{s:I}, s:O}", "metadata", "total_size",
                          (json_int_t)shards->bytes, "weight_map", map);
    char *text = index ? json_text_dump(index, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
    json_decref(index);
    json_decref(map);
    return text;
}
