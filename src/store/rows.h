/* What the files that read rows share. Not for use outside this folder. */
#ifndef PWEMOE_STORE_ROWS_H
#define PWEMOE_STORE_ROWS_H

#include <stdalign.h>
#include <stddef.h>

#include "store/solution.h"

struct row_block {
    struct row_block *next;
    size_t used, size;
    alignas(max_align_t) unsigned char bytes[];
};

/* What precedes the array that store_rows returns. */
struct rows_header {
    struct row_block *blocks; /* the one that is being filled first */
    alignas(max_align_t) struct store_row rows[];
};

struct rows {
    struct rows_header *header;
    size_t count, capacity;
    /* The text that each column had last: the next row's is often the same. */
    const char *last[SOLUTION_COLUMN_COUNT];
    size_t last_length[SOLUTION_COLUMN_COUNT];
};

/* Memory of a block, zeroed; NULL when memory is out. */
void *rows_take(struct rows *rows, size_t size);
/* Room for one row more, zeroed, or NULL. */
struct store_row *rows_next(struct rows *rows);
/* A column's text, in a block. NULL on failure. */
char *rows_text(struct rows *rows, struct sql_row *row, int column);

/* What rows tell of the routers that they are made with. */
struct known {
    int64_t id;
    char *upscale, *base;
    unsigned step;
    int64_t run;
};

struct known_routers {
    struct known *items; /* by id */
    size_t count, capacity;
};

struct rows_reading {
    struct store *store;
    struct rows rows;
    struct known_routers known;
    const char *split; /* in a block of rows */
    struct error *error;
    size_t at;   /* the row of the last evaluation */
    bool failed; /* an evaluation is wrong; error tells */
};

/* Each begin is followed by its end, which returns the rows, or frees them where result
 * is not 0 or anything failed. Between them what is read is one state of the file. */
int rows_begin(struct rows_reading *reading, struct store *store, const char *split,
               struct error *error);
int rows_end(struct rows_reading *reading, int result, struct store_row **rows,
             size_t *count);

/* All solutions, and all evaluations of the split. */
int rows_read_all(struct rows_reading *reading);

/* The rows of a statement over SOLUTION_COLUMNS; then the evaluations of a statement
 * that begins with TAKE_EVALUATIONS, to rows that are there. */
int rows_read_solutions(struct rows_reading *reading, sqlite3_stmt *statement);
int rows_read_evaluations(struct rows_reading *reading, sqlite3_stmt *statement);
/* Then which of them are in fp8. */
int rows_read_precision(struct rows_reading *reading);
/* Evaluations are the most that a file has. They come through an aggregate function,
 * which SQLite calls with the columns of every row: stepping to a row and asking for
 * each of its columns takes half as long again. */
#define EVALUATION_COLUMNS \
    "solution, objective, value, low, high, examples, complete, stale, loss"
#define TAKE_EVALUATIONS \
    "SELECT take_evaluation(" EVALUATION_COLUMNS ") FROM evaluation WHERE split = ?"

#endif
