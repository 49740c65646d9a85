#include "results/shared_rows.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* From so many reads on they become one again. */
enum { BATCHES_MOST = 48 };

struct row_batch {
    atomic_size_t users;
    struct store_row *rows;
    size_t count;
};

static void batch_drop(struct row_batch *batch) {
    if (atomic_fetch_sub(&batch->users, 1) > 1)
        return;
    store_rows_free(batch->rows, batch->count);
    free(batch);
}

void row_batches_drop(struct row_batch **batches, size_t count) {
    for (size_t i = 0; i < count; i++)
        batch_drop(batches[i]);
    free(batches);
}

/* Frees the rows where it fails. */
static int add_batch(struct shared_rows *shared, struct store_row *rows, size_t count,
                     struct error *error) {
    struct row_batch *batch = array_new(1, sizeof *batch);
    size_t size = (shared->batch_count + 1) * sizeof(struct row_batch *);
    struct row_batch **batches = batch ? realloc(shared->batches, size) : NULL;
    if (!batches) {
        free(batch);
        store_rows_free(rows, count);
        return error_memory(error);
    }
    *batch = (struct row_batch){.rows = rows, .count = count};
    atomic_init(&batch->users, 1);
    shared->batches = batches;
    shared->batches[shared->batch_count++] = batch;
    return 0;
}

static bool same_number(double a, double b) {
    return a == b || (isnan(a) && isnan(b));
}

/* Do both rows of one solution tell the same? */
static bool same_row(const struct store_row *a, const struct store_row *b,
                     size_t tasks) {
    if (strcmp(a->solution.label, b->solution.label) ||
        strcmp(a->solution.model_sha256, b->solution.model_sha256) ||
        a->solution.seconds != b->solution.seconds ||
        a->solution.peak_bytes != b->solution.peak_bytes)
        return false;
    for (size_t t = 0; t < tasks; t++) {
        const struct store_evaluation *x = &a->evaluations[t], *y = &b->evaluations[t];
        if (x->present != y->present || x->value != y->value || x->low != y->low ||
            x->high != y->high || x->examples != y->examples ||
            x->complete != y->complete || x->stale != y->stale || x->fp8 != y->fp8 ||
            !same_number(x->loss, y->loss))
            return false;
    }
    return true;
}

/* The rows at hand and the newly read, which win: into *result. *changed counts the
 * latter that are not as they were. -1: memory is out. */
static int merge_rows(const struct shared_rows *shared, const struct store_row *rows,
                      size_t count, size_t tasks, struct store_row **result,
                      size_t *result_count, size_t *changed) {
    size_t most, a = 0, b = 0, out = 0;
    *changed = 0;
    *result =
        size_add(shared->count, count, &most) ? array_new(most, sizeof **result) : NULL;
    if (!*result)
        return -1;
    while (a < shared->count || b < count) {
        const struct store_row *old = a < shared->count ? &shared->rows[a] : NULL;
        const struct store_row *new = b < count ? &rows[b] : NULL;
        bool both = old && new && old->solution.id == new->solution.id;
        if (!new || (old && old->solution.id < new->solution.id)) {
            (*result)[out++] = *old;
            a++;
            continue;
        }
        bool same = both && same_row(old, new, tasks);
        (*result)[out++] = same ? *old : *new;
        *changed += !same;
        a += both;
        b++;
    }
    *result_count = out;
    return 0;
}

void shared_rows_clear(struct shared_rows *shared) {
    if (shared->batch_count > 1)
        free(shared->rows);
    row_batches_drop(shared->batches, shared->batch_count);
    *shared = (struct shared_rows){0};
}

static int take_all(struct shared_rows *shared, struct store_row *rows, size_t count,
                    struct error *error) {
    struct store_mark mark = shared->mark;
    bool marked = shared->marked;
    shared_rows_clear(shared);
    shared->mark = mark;
    shared->marked = marked;
    if (add_batch(shared, rows, count, error))
        return -1;
    shared->rows = rows;
    shared->count = count;
    return 0;
}

static int take_some(struct shared_rows *shared, struct store_row *rows, size_t count,
                     size_t tasks, bool *changed, struct error *error) {
    struct store_row *merged;
    size_t merged_count, different;
    if (merge_rows(shared, rows, count, tasks, &merged, &merged_count, &different)) {
        store_rows_free(rows, count);
        return error_memory(error);
    }
    *changed = different > 0;
    if (!different) {
        free(merged);
        store_rows_free(rows, count);
        return 0;
    }
    if (add_batch(shared, rows, count, error)) {
        free(merged);
        return -1;
    }
    if (shared->batch_count > 2)
        free(shared->rows);
    shared->rows = merged;
    shared->count = merged_count;
    return 0;
}

int shared_rows_read(struct shared_rows *shared, struct store *store, const char *split,
                     size_t tasks, bool whole, bool *changed, struct error *error) {
    struct store_row *rows;
    size_t count;
    *changed = true;
    if (!whole && shared->marked && shared->batch_count < BATCHES_MOST) {
        if (store_rows_since(store, split, &shared->mark, &whole, &rows, &count, error))
            return -1;
    } else {
        whole = true;
        shared->marked = false;
        if (store_rows(store, split, &rows, &count, error))
            return -1;
    }
    return whole ? take_all(shared, rows, count, error)
                 : take_some(shared, rows, count, tasks, changed, error);
}

int shared_rows_give(const struct shared_rows *shared, struct catalog *catalog) {
    catalog->batches = array_new(shared->batch_count, sizeof(struct row_batch *));
    if (!catalog->batches)
        return -1;
    catalog->rows = shared->rows;
    if (shared->batch_count > 1) {
        catalog->rows = array_new(shared->count, sizeof *catalog->rows);
        if (!catalog->rows)
            return -1;
        memcpy(catalog->rows, shared->rows, shared->count * sizeof *catalog->rows);
    }
    catalog->count = shared->count;
    for (size_t i = 0; i < shared->batch_count; i++) {
        catalog->batches[i] = shared->batches[i];
        atomic_fetch_add(&shared->batches[i]->users, 1);
    }
    catalog->batch_count = shared->batch_count;
    return 0;
}
