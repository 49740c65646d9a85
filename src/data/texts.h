/* Datasets of texts, of dataset.h. */
#ifndef PWEMOE_DATA_TEXTS_H
#define PWEMOE_DATA_TEXTS_H

#include "data/dataset.h"

/* Fills an empty dataset from a table between tabs; what it holds after a failure is
 * freed by dataset_close. */
int texts_read(const char *path, const struct dataset_options *options, int threads,
               struct dataset *dataset, const struct work *work, struct error *error);

#endif
