/* What is read before the order of a task's classes is decided (task_classes.h). Not
 * for use outside these files. */
#ifndef PWEMOE_EVAL_CLASS_READING_H
#define PWEMOE_EVAL_CLASS_READING_H

#include "base/error.h"
#include "data/classes.h"
#include "data/names.h"
#include "eval/remarks.h"
#include "store/store.h"

enum { LIST_BYTES = 300 };

/* What one split calls its classes. */
struct labels {
    const char *split; /* "train", "test" */
    char *path;        /* NULL: the task has no such split */
    struct names names;
    bool numbers; /* they are all whole numbers */
    bool folders;
    size_t most; /* of numbers: the greatest */
};

struct reading {
    const struct remarks *remarks;
    struct names head; /* the expert's own names of its outputs; may be none */
    size_t outputs;    /* of its head; 0: not known */
    char *head_path;   /* of the expert, for messages; NULL: none */
    bool zero_shot;
    char *lines_path; /* classnames; NULL: none */
    struct class_lines lines;
    struct labels splits[2]; /* train, test */
    struct classes classes;
};

int reading_open(struct reading *reading, const struct store_recipe *recipe,
                 size_t task, const char *directory, struct error *error);
void reading_close(struct reading *reading); /* but for its classes */
void reading_say(const struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Fills reading->classes from the first source that has names; the data are not
 * compared with them yet. */
int reading_order(struct reading *reading, struct error *error);

#endif
