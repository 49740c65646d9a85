/* Files of tensors whose values do not matter. */
#ifndef PWEMOE_TESTS_SUPPORT_ZEROS_H
#define PWEMOE_TESTS_SUPPORT_ZEROS_H

#include <stddef.h>

#include "checkpoint/write.h"

/* These tensors, all 0, as a safetensors file. */
int zeros_write(const char *path, const struct tensor_source *sources, size_t count,
                struct error *error);

#endif
