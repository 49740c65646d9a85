/* safetensors_write for a file that errors call by another name: one that is made
 * in a folder which is itself about to be renamed. For this folder. */
#ifndef PWEMOE_CHECKPOINT_WRITE_H
#define PWEMOE_CHECKPOINT_WRITE_H

#include "checkpoint/safetensors.h"

int safetensors_write_as(const char *path, const char *shown,
                         const struct tensor_source *tensors, size_t count,
                         const char *const *metadata, tensor_read read, void *self,
                         struct error *error);

#endif
