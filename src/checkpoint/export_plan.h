/* What an export is to write. */
#ifndef PWEMOE_CHECKPOINT_EXPORT_PLAN_H
#define PWEMOE_CHECKPOINT_EXPORT_PLAN_H

#include <jansson.h>
#include <stddef.h>

#include "checkpoint/directory.h"
#include "checkpoint/dtype.h"

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
    /* Of every tensor that holds F64, F32, F16 or BF16; NULL: as the pretrained model
     * has them. */
    const enum dtype *dtype;
};

#endif
