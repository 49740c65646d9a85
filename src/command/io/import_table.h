/* Figures from elsewhere: a table of models by tasks, into the store.
 *
 * Columns are known by their names, whatever their case and whatever is no letter
 * or digit in them ("SST-2" is the task sst2):
 *   a task's name               accuracy; an empty field is no figure
 *   method, model, name         what the row is called; else the file's own name
 *   ray_0, ray_1, ...           preference: ray_i is of the i-th task column
 *   preference_0, ...           the same
 *   step, seed, alpha, lr, scaling_coef, scale, lambda   a parameter (number)
 *   avg, average, mean, ray_idx, and a column without a name   passed over
 * That is what the paper's tables and the reference code's result.csv and
 * task_arithmetic.csv consist of. */
#ifndef PWEMOE_COMMAND_IO_IMPORT_TABLE_H
#define PWEMOE_COMMAND_IO_IMPORT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "command/io/import_columns.h"
#include "data/csv.h"
#include "store/store.h"

struct import_result {
    size_t solutions, figures;
    size_t added;   /* of the solutions, those that were not there before */
    bool fractions; /* how figures were read */
    size_t small;   /* figures above 0 and at most 1 that were taken for percent, as
                       nobody said what they are */
    int64_t *ids;   /* [solutions], in the order of rows; free() */
};

/* All rows become solutions of kind "import" with complete evaluations, in one
 * transaction: if a field is wrong, nothing is stored. The same rows again change
 * nothing. Errors name the file (label) and the line. */
int import_table(struct store *store, const struct store_recipe *recipe,
                 const struct csv *csv, const char *label,
                 const struct import_options *options, struct import_result *result,
                 struct error *error);

#endif
