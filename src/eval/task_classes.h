/* Which class each output of a task's model is: the one place where labels get their
 * meaning, for evaluation, training and zero-shot heads alike.
 *
 * The order of the outputs is that of the first of these which has names:
 *   1. the expert's own head: id2label of its config.json, unless that has numbers
 * alone (LABEL_0, ...), and unless the recipe gives the task another head;
 *   2. classnames of the recipe, a line an output;
 *   3. the data: class folders and labels of tables in the order of their bytes (labels
 *      that are GLUE's in GLUE's), numbers by their value.
 * Class folders of train and test, and labels that are names, are then matched with it
 * by name (classes.h). A contradiction is an error that shows both lists. */
#ifndef PWEMOE_EVAL_TASK_CLASSES_H
#define PWEMOE_EVAL_TASK_CLASSES_H

#include "base/error.h"
#include "data/classes.h"
#include "eval/remarks.h"
#include "store/store.h"

/* remarks may be NULL. Errors name the task. */
int task_classes_read(const struct store_recipe *recipe, size_t task,
                      const char *directory, struct classes *classes,
                      const struct remarks *remarks, struct error *error);

#endif
