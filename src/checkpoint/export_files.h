/* The files of an export other than its tensors. For this folder. */
#ifndef PWEMOE_CHECKPOINT_EXPORT_FILES_H
#define PWEMOE_CHECKPOINT_EXPORT_FILES_H

#include "base/error.h"
#include "base/work.h"
#include "checkpoint/export_plan.h"

/* That the names of plan->files stay inside the new directory and are each once. */
int export_files_check(const struct export_plan *plan, struct error *error);

/* What config.json says of its weights' dtype, under either of its two names, where it
 * says so; in the parts of CLIP's as well. */
void export_set_dtype(json_t *config, enum dtype dtype);

/* Writes them, config.json and copies of the pretrained directory's other files
 * into folder, which errors call shown, and syncs the folder. */
int export_files_write(const char *folder, const char *shown,
                       const struct export_plan *plan, const struct work *work,
                       struct error *error);

#endif
