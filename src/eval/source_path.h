/* Paths and words of a recipe. */
#ifndef PWEMOE_EVAL_SOURCE_PATH_H
#define PWEMOE_EVAL_SOURCE_PATH_H

#include <stdbool.h>

#include "base/error.h"
#include "checkpoint/directory.h"
#include "data/data_form.h"
#include "store/store.h"

/* The path as it can be opened; freed with free(), NULL when memory is out. */
char *sources_path(const char *directory, const char *path);

/* The expert at path, as it can be opened, of the recipe's pretrained model. */
int sources_open_expert(const struct store_recipe *recipe, const char *directory,
                        const char *path, struct model_directory **expert,
                        struct error *error);

/* How the task's files are read; it points into the task. */
struct data_form task_form(const struct store_task *task);

/* Whether it names some without labels; and the path of what learns without them looks
 * at: these, else the training examples. */
bool task_has_unlabelled(const struct store_task *task);
const char *task_examples_path(const struct store_task *task);
/* Whether every task names examples to learn from, without labels, and they are there.
 */
bool sources_have_examples(const struct store_recipe *recipe, const char *directory);

/* head: zero-shot */
bool task_is_zero_shot(const struct store_task *task);

#endif
