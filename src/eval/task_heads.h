/* The zero-shot heads of a recipe's tasks: their class names and templates from the
 * recipe's files and folders, their embeddings from the pretrained model's text tower.
 * directory as in sources.h. */
#ifndef PWEMOE_EVAL_TASK_HEADS_H
#define PWEMOE_EVAL_TASK_HEADS_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"
#include "base/work.h"
#include "eval/source_path.h"
#include "model/zero_shot.h"
#include "store/store.h"

/* The task's classes by name (task_classes.h): the lines of the classnames file
 * unchanged; else the names of the class folders, underscores made blanks. Data without
 * class folders need a classnames file. Templates: zero_shot_templates. Freed with
 * zero_shot_task_clear. */
int task_prompts_read(const struct store_recipe *recipe, size_t task,
                      const char *directory, struct zero_shot_task *prompts,
                      struct error *error);

/* Of the pretrained model's text tower: heads[i] of task first + i, for each of `count`
 * tasks whose head is zero-shot; the others are left empty. */
int task_heads_make(const struct store_recipe *recipe, const char *directory,
                    struct backend *backend, size_t first, size_t count,
                    struct head *heads, const struct work *work, struct error *error);

#endif
