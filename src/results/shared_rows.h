/* The rows of a store that grows, read piece by piece. The rows of one read are a
 * batch, which catalogs share and the last of its users frees. */
#ifndef PWEMOE_RESULTS_SHARED_ROWS_H
#define PWEMOE_RESULTS_SHARED_ROWS_H

#include "results/catalog.h"

struct shared_rows {
    struct row_batch **batches; /* [batch_count] */
    size_t batch_count;
    struct store_row *rows; /* [count] of all batches, ordered by id; that of the batch
                               itself where there is one */
    size_t count;
    struct store_mark mark; /* of the last read, where marked */
    bool marked;
};

/* Reads what is new since the mark, or everything if `whole` or not marked. *changed is
 * false where no row differs from those at hand. After a failure the rows are to be
 * cleared. */
int shared_rows_read(struct shared_rows *shared, struct store *store, const char *split,
                     size_t tasks, bool whole, bool *changed, struct error *error);
/* Fills in the catalog's rows, count and batches; -1: memory is out. */
int shared_rows_give(const struct shared_rows *shared, struct catalog *catalog);
void shared_rows_clear(struct shared_rows *shared);

/* Ends one use of each, and frees the list. */
void row_batches_drop(struct row_batch **batches, size_t count);

#endif
