/* Which files of a model directory hold its tensors. For this folder. */
#ifndef PWEMOE_CHECKPOINT_TENSOR_FILES_H
#define PWEMOE_CHECKPOINT_TENSOR_FILES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct tensor_files {
    char **names; /* within the directory, in the order of strcmp, each once */
    size_t count;
    const char *stem; /* "model" */
    json_t *map; /* tensor name to file name; NULL for a single model.safetensors */
};

/* model.safetensors where there is one, else the shards that
 * model.safetensors.index.json names; with `any` also what diffusers call
 * diffusion_pytorch_model, and an adapter's. Whether shards are there is not looked at.
 */
int tensor_files_list(const char *directory, bool any, struct tensor_files *files,
                      struct error *error);
void tensor_files_free(struct tensor_files *files);

#endif
