/* Reading a solution's columns. Not for use outside this folder. */
#ifndef PWEMOE_STORE_SOLUTION_H
#define PWEMOE_STORE_SOLUTION_H

#include "store/sql.h"

/* The columns of a solution, of a table named or aliased `s`. */
#define SOLUTION_COLUMNS                                                      \
    "s.id, s.kind, s.method, s.parameters, s.preference, s.routers, s.label," \
    " s.model_sha256, s.created, s.seconds, s.peak_bytes"
enum {
    SOLUTION_METHOD = 2,
    SOLUTION_PARAMETERS = 3,
    SOLUTION_PREFERENCE = 4,
    SOLUTION_LABEL = 6,
    SOLUTION_COLUMN_COUNT = 11
};

/* Reads the members that are not pointers. */
void solution_read_rest(struct sql_row *row, struct store_solution *solution);

#endif
