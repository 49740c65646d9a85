/* The columns of a table of figures: what each is, and its fields as numbers. */
#ifndef PWEMOE_COMMAND_IO_IMPORT_COLUMNS_H
#define PWEMOE_COMMAND_IO_IMPORT_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "data/csv.h"
#include "store/store.h"

enum import_unit {
    IMPORT_AUTO, /* fractions where no figure of the table is above 1 */
    IMPORT_PERCENT,
    IMPORT_FRACTION
};

struct import_options {
    const char *source; /* kept with each row: where it is from ("table2.csv") */
    const char *method; /* of rows without a name; NULL: source without its ending */
    const char *split;  /* "test" */
    enum import_unit unit;
    bool skip_unknown; /* columns that are not a task are ignored, not refused */
};

enum import_role {
    IMPORT_ROLE_SKIP,
    IMPORT_ROLE_TASK,
    IMPORT_ROLE_NAME,
    IMPORT_ROLE_PREFERENCE,
    IMPORT_ROLE_PARAMETER
};

struct import_column {
    enum import_role role;
    size_t index;    /* task, or component of the preference */
    const char *key; /* parameter */
};

struct import_columns {
    const struct store_recipe *recipe;
    const struct csv *csv;
    const char *label;
    const struct import_options *options;
    struct import_column *columns; /* [csv->columns] */
    size_t order[STORE_TASKS_MAX]; /* task of the i-th task column */
    size_t task_columns, preference_columns, name_columns;
    double factor; /* 100 for fractions */
    size_t
        small; /* figures above 0 and at most 1 that are taken for percent, unasked */
};

/* Finds each column's role into columns [csv->columns], which the caller has made, and
 * the unit of the figures. The error names the column, or the line. */
int import_columns_find(struct import_columns *table, struct error *error);

/* The field of a row, counted from 0, as it stands. */
const char *import_field(const struct import_columns *table, size_t row, size_t column);
bool import_is_empty(const char *field); /* blanks alone */
/* The field as a number; the error names file and line. */
int import_number(const struct import_columns *table, size_t row, size_t column,
                  double *value, struct error *error);

#endif
