/* What measuring a task would find out, found out before: heads, classes, data. Each
 * fault is told by itself, all of them at once. */
#ifndef PWEMOE_EVAL_TASK_CHECK_H
#define PWEMOE_EVAL_TASK_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/work.h"
#include "eval/task_classes.h"
#include "model/layout.h"
#include "store/store.h"

struct task_check {
    const struct store_recipe *recipe;
    const char *directory;       /* that of results.db */
    const struct layout *layout; /* of the pretrained model */
    bool thorough;               /* every picture is decoded, not one a class */
    const struct work *work;
    struct remarks remarks; /* what was assumed */
    struct remarks wrong;   /* what is wrong, one line each; they name the task */
};

/* Of a task whose paths are all there. -1 only where work says stop, or memory is out.
 */
int task_check(const struct task_check *check, size_t task, struct error *error);

#endif
