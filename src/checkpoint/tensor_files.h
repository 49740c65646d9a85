/* Which files of a model directory hold its tensors. For this folder. */
#ifndef PWEMOE_CHECKPOINT_TENSOR_FILES_H
#define PWEMOE_CHECKPOINT_TENSOR_FILES_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

struct tensor_files {
    char **names; /* within the directory, in the order of strcmp, each once */
    size_t count;
    json_t *map; /* tensor name to file name; NULL for a single model.safetensors */
};

/* model.safetensors where there is one, else the shards that
 * model.safetensors.index.json names. Whether they are there is not looked at. */
int tensor_files_list(const char *directory, struct tensor_files *files,
                      struct error *error);
void tensor_files_free(struct tensor_files *files);

/* The JSON object in DIRECTORY/NAME. What is no object, has a key twice or is over
 * 64 MiB is refused. Where the file is missing and missing_is_fine, *object is NULL. */
int json_object_read(const char *directory, const char *name, int missing_is_fine,
                     json_t **object, struct error *error);

#endif
