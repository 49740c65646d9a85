/* Writing a model directory whole or not at all. */
#ifndef PWEMOE_CHECKPOINT_EXPORT_H
#define PWEMOE_CHECKPOINT_EXPORT_H

#include "base/error.h"
#include "base/work.h"
#include "checkpoint/export_plan.h"

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
