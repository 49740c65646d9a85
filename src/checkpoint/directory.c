#include "checkpoint/directory.h"
#include "checkpoint/adapter.h"
#include "checkpoint/directory_state.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json_text.h"
#include "base/memory.h"
#include "checkpoint/tensor_files.h"

static int open_shards(struct model_directory *directory,
                       const struct tensor_files *files, struct error *error) {
    directory->shards = array_new(files->count, sizeof *directory->shards);
    if (!directory->shards)
        return error_memory(error);
    for (size_t i = 0; i < files->count; i++) {
        char *path = text_format("%s/%s", directory->path, files->names[i]);
        if (!path)
            return error_memory(error);
        int result;
        if (files->map && access(path, F_OK) != 0)
            result =
                error_set(error, "%s: %s; %s.safetensors.index.json names this shard",
                          path, strerror(errno), files->stem);
        else
            result = safetensors_open(path, &directory->shards[i], error);
        free(path);
        if (result != 0)
            return -1;
        directory->shard_count++;
        directory->count += safetensors_count(directory->shards[i]);
    }
    return 0;
}

/* That the map gives each tensor of the shards the shard it is in, and that there
 * is no tensor in the map besides. */
static int check_map(const struct model_directory *directory,
                     const struct tensor_files *files, struct error *error) {
    for (size_t i = 0; i < files->count; i++)
        for (size_t j = 0; j < safetensors_count(directory->shards[i]); j++) {
            const char *name = safetensors_at(directory->shards[i], j)->name;
            const char *said = json_string_value(json_object_get(files->map, name));
            if (!said)
                return error_set(error, "%s/%s: %s is not in %s.safetensors.index.json",
                                 directory->path, files->names[i], name, files->stem);
            if (strcmp(said, files->names[i]) != 0)
                return error_set(error,
                                 "%s/%s: %s is in this shard, but "
                                 "%s.safetensors.index.json puts it in %s",
                                 directory->path, files->names[i], name, files->stem,
                                 said);
        }
    const char *name;
    json_t *value;
    json_object_foreach(files->map, name, value) {
        if (!model_directory_find(directory, name))
            return error_set(error,
                             "%s/%s: %s, which %s.safetensors.index.json puts there, "
                             "is missing",
                             directory->path, json_string_value(value), name,
                             files->stem);
    }
    return 0;
}

int model_directory_order(struct model_directory *d, struct error *error) {
    d->by_name = array_new(d->count, sizeof *d->by_name);
    if (!d->by_name)
        return error_memory(error);
    if (d->count) {
        memcpy(d->by_name, d->tensors, d->count * sizeof *d->tensors);
        tensors_sort(d->by_name, d->count);
    }
    return 0;
}

static int collect(struct model_directory *directory, struct error *error) {
    directory->tensors = array_new(directory->count, sizeof *directory->tensors);
    if (!directory->tensors)
        return error_memory(error);
    size_t filled = 0;
    for (size_t i = 0; i < directory->shard_count; i++)
        for (size_t j = 0; j < safetensors_count(directory->shards[i]); j++)
            directory->tensors[filled++] = safetensors_at(directory->shards[i], j);
    return model_directory_order(directory, error);
}

/* transformers 5 keeps the image processor's settings inside processor_config.json, and
 * takes those first where there are both. */
int model_directory_read_preprocessor(struct model_directory *directory,
                                      struct error *error) {
    static const char whole[] = "processor_config.json",
                      alone[] = "preprocessor_config.json";
    json_t *processor, *images;
    if (json_object_read(directory->path, whole, 1, &processor, error))
        return -1;
    images = json_object_get(processor, "image_processor");
    if (images && !json_is_object(images)) {
        json_decref(processor);
        return error_set(error, "%s/%s: image_processor is not an object",
                         directory->path, whole);
    }
    directory->preprocessor = json_incref(images);
    directory->preprocessor_name = images ? whole : alone;
    json_decref(processor);
    return images ? 0
                  : json_object_read(directory->path, alone, 1,
                                     &directory->preprocessor, error);
}

static int open_all(struct model_directory *directory, bool any, struct error *error) {
    struct tensor_files files;
    if (tensor_files_list(directory->path, any, &files, error) != 0)
        return -1;
    int result = json_object_read(directory->path, "config.json", any,
                                  &directory->config, error);
    if (result == 0)
        result = model_directory_read_preprocessor(directory, error);
    if (result == 0)
        result = open_shards(directory, &files, error);
    if (result == 0)
        result = collect(directory, error);
    if (result == 0 && files.map)
        result = check_map(directory, &files, error);
    directory->stem = files.stem;
    tensor_files_free(&files);
    return result;
}

struct model_directory *model_directory_new(const char *path) {
    struct model_directory *directory = array_new(1, sizeof *directory);
    if (!directory)
        return NULL;
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    directory->path = strndup(path, length);
    if (directory->path)
        return directory;
    free(directory);
    return NULL;
}

static int open_directory(const char *path, bool any, struct model_directory **result,
                          struct error *error) {
    struct model_directory *directory = model_directory_new(path);
    if (!directory)
        return error_memory(error);
    if (open_all(directory, any, error) != 0) {
        model_directory_close(directory);
        return -1;
    }
    *result = directory;
    return 0;
}

int model_directory_open(const char *path, struct model_directory **directory,
                         struct error *error) {
    return open_directory(path, false, directory, error);
}

int model_directory_open_any(const char *path, struct model_directory **directory,
                             struct error *error) {
    return open_directory(path, true, directory, error);
}

void model_directory_close(struct model_directory *directory) {
    if (!directory)
        return;
    for (size_t i = 0; i < directory->shard_count; i++)
        safetensors_close(directory->shards[i]);
    for (size_t i = 0; i < directory->made_count; i++)
        if (!adapter_at(directory->adapter, i)->whole)
            free((void *)(uintptr_t)directory->made[i].data);
    free(directory->made);
    adapter_close(directory->adapter);
    model_directory_close(directory->under);
    free(directory->shards);
    free(directory->tensors);
    free(directory->by_name);
    json_decref(directory->config);
    json_decref(directory->preprocessor);
    free(directory->path);
    free(directory);
}

const char *model_directory_path(const struct model_directory *directory) {
    return directory->path;
}

const char *model_directory_stem(const struct model_directory *directory) {
    return directory->stem;
}

json_t *model_directory_config(const struct model_directory *directory) {
    return directory->config;
}

json_t *model_directory_preprocessor(const struct model_directory *directory) {
    return directory->preprocessor;
}

const char *model_directory_preprocessor_name(const struct model_directory *directory) {
    return directory->preprocessor_name;
}

size_t model_directory_count(const struct model_directory *directory) {
    return directory->count;
}

const struct tensor *model_directory_at(const struct model_directory *directory,
                                        size_t index) {
    return directory->tensors[index];
}

const struct tensor *model_directory_find(const struct model_directory *directory,
                                          const char *name) {
    return tensors_find(directory->by_name, directory->count, name);
}

bool model_directory_has_turned(const struct model_directory *directory) {
    static const char *const kinds[] = {"gpt2",         "openai-gpt",
                                        "imagegpt",     "decision_transformer",
                                        "clvp_decoder", "clvp"};
    const char *type =
        json_string_value(json_object_get(directory->config, "model_type"));
    for (size_t i = 0; type && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(type, kinds[i]) == 0)
            return true;
    return false;
}

bool model_directory_is_turned(const struct model_directory *directory,
                               const char *name) {
    static const char *const parts[] = {".c_attn.", ".c_fc.", ".c_proj.", ".q_attn."};
    bool turned = model_directory_has_turned(directory);
    for (size_t i = 0; turned && i < sizeof parts / sizeof *parts; i++)
        if (strstr(name, parts[i]))
            return true;
    return false;
}
