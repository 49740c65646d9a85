/* The tensor file of an export. For this folder. */
#ifndef PWEMOE_CHECKPOINT_EXPORT_TENSORS_H
#define PWEMOE_CHECKPOINT_EXPORT_TENSORS_H

#include "base/error.h"
#include "base/work.h"
#include "checkpoint/export_plan.h"

/* Writes the plan's tensors to path, which errors call shown. */
int export_tensors_write(const char *path, const char *shown,
                         const struct export_plan *plan, const struct work *work,
                         struct error *error);

#endif
