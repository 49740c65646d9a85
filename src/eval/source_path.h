/* Paths and words of a recipe. */
#ifndef PWEMOE_EVAL_SOURCE_PATH_H
#define PWEMOE_EVAL_SOURCE_PATH_H

#include <stdbool.h>

#include "store/store.h"

/* The path as it can be opened; freed with free(), NULL when memory is out. */
char *sources_path(const char *directory, const char *path);

/* head: zero-shot */
bool task_is_zero_shot(const struct store_task *task);

#endif
