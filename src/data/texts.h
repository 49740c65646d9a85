/* Datasets of texts, of dataset.h. */
#ifndef PWEMOE_DATA_TEXTS_H
#define PWEMOE_DATA_TEXTS_H

#include "data/dataset.h"

/* Fills an empty dataset from a table between tabs; what it holds after a failure is
 * freed by dataset_close. */
int texts_read(const char *path, const struct dataset_options *options, int threads,
               struct dataset *dataset, const struct work *work, struct error *error);

/* Whether a task's tables can be read and, where labels are names and classnames does
 * not say their order, whether both have the same ones, so that they get the same
 * numbers. Any of the paths may be NULL. */
int texts_check(const char *train, const char *test, const char *classnames,
                struct error *error);

#endif
