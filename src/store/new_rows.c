/* Rows that are new since a mark. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/rows.h"

static void read_mark(struct sql_row *row, void *to) {
    struct store_mark *mark = to;
    mark->solution = sql_integer(row, 0, 0, INT64_MAX);
    mark->expert = sql_integer(row, 1, 0, INT64_MAX);
    mark->time = sql_real(row, 2);
    mark->solutions = sql_integer(row, 3, 0, INT64_MAX);
}

int store_mark(struct store *store, struct store_mark *mark, struct error *error) {
    *mark = (struct store_mark){0};
    return sql_one(store, error, "the newest evaluation", read_mark, mark,
                   "SELECT (SELECT ifnull(max(id), 0) FROM solution),"
                   " (SELECT ifnull(max(id), 0) FROM expert),"
                   " (SELECT ifnull(max(time), 0.0) FROM evaluation),"
                   " (SELECT count(*) FROM solution)",
                   "") < 0
               ? -1
               : 0;
}

struct changes {
    int64_t *ids; /* rising */
    size_t count, capacity;
    struct store_mark mark; /* as it will be */
};

static int order_ids(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* A solution or an evaluation that is new; or, negative, the newest expert. */
static void read_change(struct sql_row *row, void *to) {
    struct changes *changes = to;
    struct store_mark *mark = &changes->mark;
    int64_t id = sql_integer(row, 0, -INT64_MAX, INT64_MAX);
    double time = sql_real(row, 1);
    if (row->failed)
        return;
    if (id < 0)
        mark->expert = -id;
    else if (array_reserve((void **)&changes->ids, &changes->capacity,
                           changes->count + 1, sizeof id))
        sql_row_memory(row);
    else
        changes->ids[changes->count++] = id;
    mark->time = fmax(mark->time, time);
    mark->solution = id > mark->solution ? id : mark->solution;
}

/* Solutions that are newer than the mark, or have an evaluation that is. Writers take
 * turns and put the time into their rows while it is theirs: what a reader has not
 * seen is not older than what it has. Moves the mark. */
static int find_changes(struct store *store, struct changes *changes,
                        struct error *error) {
    if (sql_all(store, error, "an evaluation", read_change, changes,
                "SELECT id, 0.0 FROM solution WHERE id > ? UNION ALL"
                " SELECT solution, max(time) FROM evaluation WHERE time >= ?"
                " GROUP BY solution UNION ALL"
                " SELECT -max(id), 0.0 FROM expert",
                "id", changes->mark.solution, changes->mark.time))
        return -1;
    if (!changes->count)
        return 0;
    qsort(changes->ids, changes->count, sizeof *changes->ids, order_ids);
    size_t kept = 1;
    for (size_t i = 1; i < changes->count; i++)
        if (changes->ids[i] != changes->ids[i - 1])
            changes->ids[kept++] = changes->ids[i];
    changes->count = kept;
    return 0;
}

static void read_count(struct sql_row *row, void *to) {
    *(int64_t *)to = sql_integer(row, 0, 0, INT64_MAX);
}

/* Fewer solutions than there were and are new: some were deleted. Moves the mark. */
static int find_deleted(struct store *store, struct changes *changes, int64_t newest,
                        bool *deleted, struct error *error) {
    int64_t count = 0, added = 0;
    for (size_t i = 0; i < changes->count; i++)
        added += changes->ids[i] > newest;
    if (sql_one(store, error, "how many solutions there are", read_count, &count,
                "SELECT count(*) FROM solution", "") < 0)
        return -1;
    *deleted = count != changes->mark.solutions + added;
    changes->mark.solutions = count;
    return 0;
}

static int read_changes(struct rows_reading *reading, const struct changes *changes) {
    struct store *store = reading->store;
    sqlite3_stmt *solution = sql_prepare(
        store, reading->error,
        "SELECT " SOLUTION_COLUMNS " FROM solution s WHERE s.id = ?", "i", (int64_t)0);
    sqlite3_stmt *evaluation =
        sql_prepare(store, reading->error, TAKE_EVALUATIONS " AND solution = ?", "ti",
                    reading->split, (int64_t)0);
    int result = solution && evaluation ? 0 : -1;
    for (size_t i = 0; result == 0 && i < changes->count; i++) {
        sqlite3_reset(solution);
        sqlite3_reset(evaluation);
        if (sqlite3_bind_int64(solution, 1, changes->ids[i]) != SQLITE_OK ||
            sqlite3_bind_int64(evaluation, 2, changes->ids[i]) != SQLITE_OK)
            result = sql_error(store, reading->error);
        else if (rows_read_solutions(reading, solution) ||
                 rows_read_evaluations(reading, evaluation))
            result = -1;
    }
    sql_done(store, solution);
    sql_done(store, evaluation);
    return result ? result : rows_read_precision(reading);
}

int store_rows_since(struct store *store, const char *split, struct store_mark *mark,
                     bool *whole, struct store_row **rows, size_t *count,
                     struct error *error) {
    /* More changes than this are read faster in one go. */
    enum { CHANGES_MOST = 2000 };
    struct changes changes = {.mark = *mark};
    struct rows_reading reading;
    *rows = NULL;
    *count = 0;
    *whole = false;
    if (sql_read_begin(store, error))
        return -1;
    int result = rows_begin(&reading, store, split, error);
    if (result == 0)
        result = find_changes(store, &changes, error);
    bool deleted = false;
    if (result == 0)
        result = find_deleted(store, &changes, mark->solution, &deleted, error);
    if (result == 0) {
        /* Another expert has made others stale, which leaves no time behind. */
        *whole = changes.mark.expert != mark->expert || deleted ||
                 changes.count > CHANGES_MOST;
        result = *whole ? rows_read_all(&reading) : read_changes(&reading, &changes);
    }
    sql_read_end(store);
    free(changes.ids);
    if (result == 0)
        *mark = changes.mark;
    return rows_end(&reading, result, rows, count);
}
