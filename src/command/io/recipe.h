/* recipe.yaml: the names of the models and of the tasks, as a person writes them.
 *
 * What is read is hostile until it is checked: at most 1 MiB, no anchors, aliases
 * or tags, no nesting but that of a recipe, every key known and given once, no
 * control bytes in names and paths. Paths are kept as written: relative to the
 * recipe's folder. */
#ifndef PWEMOE_COMMAND_IO_RECIPE_H
#define PWEMOE_COMMAND_IO_RECIPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct recipe_task {
    char *name; /* also a file name on export: no slash, no leading dot */
    char *expert, *train, *test, *head, *classnames, *templates; /* NULL: not given */
    char *unlabelled;
    char *text, *pair, *label; /* columns; NULL as well */
    char *quoting;             /* "csv", "none" */
    char *classes;             /* "*": the usual; or as in folder.h: nested */
    /* Of a task that a command measures. */
    char *measure, *direction, *unit, *timeout, *repeat, *budget;
    unsigned line; /* of its name, from 1 */
};

struct recipe {
    char *name;        /* NULL: not given */
    char *model;       /* "clip-vision", "vit", "gpt2-classifier"; NULL: not given */
    char *pretrained;  /* never NULL */
    char *towers;      /* "both", "vision-only"; NULL: not given */
    size_t task_count; /* 1 .. STORE_TASKS_MAX */
    struct recipe_task *tasks;
    char *text; /* the whole file */
};

/* Errors begin with "PATH:LINE: ". */
int recipe_read(const char *path, struct recipe **recipe, struct error *error);
/* The same over memory; label stands for the path. */
int recipe_parse(const char *text, size_t size, const char *label,
                 struct recipe **recipe, struct error *error);
void recipe_free(struct recipe *recipe); /* NULL is fine */

/* Is less better of the figures that a task's command prints? */
bool recipe_minimises(const struct recipe_task *task);

#endif
