/* mergekit's YAML configurations, as what `pwemoe merge-to` is asked. */
#ifndef PWEMOE_COMMAND_WORK_MERGEKIT_H
#define PWEMOE_COMMAND_WORK_MERGEKIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { MERGEKIT_MODELS_MAX = 64 };

/* Words of options (merge_to.c); all owned, NULL: not given. */
struct mergekit {
    char *method, *pretrained, *settings, *scales, *dtype;
    char *experts[MERGEKIT_MODELS_MAX]; /* "1=DIR" */
    size_t count;
    bool unite; /* the tokenizers: tokenizer_source: union */
    bool drawn; /* the method draws at random: others than mergekit */
};

/* Configurations with `models` of linear, task_arithmetic, ties, dare_linear,
 * dare_ties, breadcrumbs, breadcrumbs_ties, slerp, karcher and model_stock, with
 * numbers as parameters. What is not read (slices, gradients, filters, a tokenizer of
 * one model) is an error that names it. */
int mergekit_read(const char *path, struct mergekit *mergekit, struct error *error);
void mergekit_clear(struct mergekit *mergekit); /* also after a failure */

#endif
