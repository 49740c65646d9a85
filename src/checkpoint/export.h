/* Writing a model directory whole or not at all. */
#ifndef PWEMOE_CHECKPOINT_EXPORT_H
#define PWEMOE_CHECKPOINT_EXPORT_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"
#include "base/work.h"
#include "checkpoint/directory.h"

/* One tensor of the new model.safetensors whose values are not the pretrained
 * model's: name, shape and values. Values are rounded to the pretrained dtype
 * (or stay f32 where the tensor is new). Tensors of the pretrained model that
 * are not named here are copied byte for byte. */
struct export_tensor {
    const char *name;
    unsigned rank;
    uint64_t shape[TENSOR_RANK_MAX];
    const float *values;
};

struct export_file {  /* a further file, e.g. pwemoe.json or heads/a.safetensors */
    const char *name; /* relative, no "..", may have one folder */
    const void *bytes;
    size_t size;
};

struct export_plan {
    const struct model_directory *pretrained;
    const struct export_tensor *tensors;
    size_t tensor_count;
    const struct export_file *files;
    size_t file_count;
    const json_t *config; /* NULL: config.json is copied; else it is written */
};

/* Writes plan into the new directory path: model.safetensors (one file, with the
 * pretrained model's names, shapes and dtypes; a pretrained tensor whose shape
 * the plan changes takes the plan's), config.json, the other files of the
 * pretrained directory, and plan->files, which come before copies of the same name.
 * Not copied are weights in any form and their index, subdirectories, names that
 * start with a dot, and links other than those of huggingface_hub's cache. All is
 * made beside path under a name that starts with a dot, synced, and renamed. path must
 * not exist, or be an empty directory. On failure (no room, read only, stopped) nothing
 * is left behind; a stop gives the error "stopped; nothing was written". Values that
 * are not finite, or too large for their dtype, are refused. progress counts the bytes
 * of tensors. */
int export_write(const char *path, const struct export_plan *plan,
                 const struct work *work, struct error *error);

#endif
