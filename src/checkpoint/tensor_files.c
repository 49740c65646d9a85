#include "checkpoint/tensor_files.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_text.h"
#include "base/memory.h"

/* What model directories call their tensor file, the first being transformers'; PEFT's
 * adapters come last. */
static const char *const stems[] = {"model", "diffusion_pytorch_model",
                                    "adapter_model"};
enum { STEMS = sizeof stems / sizeof *stems };

/* A plain name of a safetensors file: nothing that leads out of the directory. */
static bool is_shard_name(const char *name) {
    size_t length = strlen(name), ending = strlen(".safetensors");
    return length > ending && name[0] != '.' && !strchr(name, '/') &&
           strcmp(name + length - ending, ".safetensors") == 0;
}

static int compare_texts(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* The distinct file names of the map, sorted. */
static int list_shards(const char *directory, const char *index_name,
                       struct tensor_files *files, struct error *error) {
    size_t entries = json_object_size(files->map), kept = 0;
    if (entries == 0)
        return error_set(error, "%s/%s: weight_map is missing or empty", directory,
                         index_name);
    files->names = array_new(entries, sizeof *files->names);
    if (!files->names)
        return error_memory(error);
    const char *tensor;
    json_t *value;
    json_object_foreach(files->map, tensor, value) {
        const char *name = json_string_value(value);
        if (!name)
            return error_set(error, "%s/%s: the file of %s is not a string", directory,
                             index_name, tensor);
        if (!is_shard_name(name))
            return error_set(error,
                             "%s/%s: %s is listed in %s; a shard is a "
                             ".safetensors file of this directory",
                             directory, index_name, tensor, name);
        if (files->count > 0 && strcmp(files->names[files->count - 1], name) == 0)
            continue; /* maps go shard by shard, mostly */
        if (!(files->names[files->count] = strdup(name)))
            return error_memory(error);
        files->count++;
    }
    qsort(files->names, files->count, sizeof *files->names, compare_texts);
    for (size_t i = 0; i < files->count; i++) {
        if (kept > 0 && strcmp(files->names[kept - 1], files->names[i]) == 0)
            free(files->names[i]);
        else
            files->names[kept++] = files->names[i];
    }
    files->count = kept;
    return 0;
}

static bool exists(const char *directory, const char *name) {
    char path[PATH_MAX];
    return file_path_in(path, directory, name) && access(path, F_OK) == 0;
}

static int list_one(struct tensor_files *files, const char *name, struct error *error) {
    files->names = array_new(1, sizeof *files->names);
    if (!files->names || !(files->names[0] = strdup(name)))
        return error_memory(error);
    files->count = 1;
    return 0;
}

/* STEM.safetensors or its shards: 1 where they are there, 0 where not, -1. */
static int list_stem(const char *directory, const char *stem,
                     struct tensor_files *files, struct error *error) {
    char name[64];
    json_t *index;
    files->stem = stem;
    snprintf(name, sizeof name, "%s.safetensors", stem);
    if (exists(directory, name))
        return list_one(files, name, error) ? -1 : 1;
    snprintf(name, sizeof name, "%s.safetensors.index.json", stem);
    if (json_object_read(directory, name, 1, &index, error) != 0)
        return -1;
    if (!index)
        return 0;
    json_t *map = json_object_get(index, "weight_map");
    files->map = json_is_object(map) ? json_incref(map) : NULL;
    json_decref(index);
    return list_shards(directory, name, files, error) ? -1 : 1;
}

static int list(const char *directory, bool any, struct tensor_files *files,
                struct error *error) {
    struct stat status;
    if (stat(directory, &status) != 0)
        return error_set(error, "%s: %s", directory, strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return error_set(error, "%s: not a model directory", directory);
    for (size_t i = 0; i < (any ? STEMS : 1); i++) {
        int found = list_stem(directory, stems[i], files, error);
        if (found)
            return found < 0 ? -1 : 0;
    }
    if (exists(directory, "pytorch_model.bin") ||
        exists(directory, "pytorch_model.bin.index.json"))
        return error_set(error,
                         "%s: holds its weights as pytorch_model.bin only, which is "
                         "not read (it is a program); save the model as safetensors",
                         directory);
    const char *instead = "";
    if (exists(directory, "adapter_config.json"))
        instead = "; it is a PEFT adapter: merge it into its model first "
                  "(merge_and_unload) and save that";
    else if (exists(directory, "open_clip_config.json") ||
             exists(directory, "open_clip_model.safetensors"))
        instead = "; it is in OpenCLIP's own format: convert it to a CLIPModel of "
                  "transformers first";
    return error_set(
        error, "%s: has neither model.safetensors nor model.safetensors.index.json%s",
        directory, instead);
}

int tensor_files_list(const char *directory, bool any, struct tensor_files *files,
                      struct error *error) {
    *files = (struct tensor_files){0};
    if (list(directory, any, files, error) == 0)
        return 0;
    tensor_files_free(files);
    return -1;
}

void tensor_files_free(struct tensor_files *files) {
    for (size_t i = 0; i < files->count; i++)
        free(files->names[i]);
    free(files->names);
    json_decref(files->map);
    *files = (struct tensor_files){0};
}
