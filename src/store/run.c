/* Training runs: their routers, the state they go on from, their losses. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/lease.h"
#include "store/sql.h"

static int check_run(const struct store_run *run, struct error *error) {
    if (!(run->seconds >= 0) || !isfinite(run->seconds) || !isfinite(run->started))
        return error_set(error, "a run's time is not a number");
    if (run->trainable > INT64_MAX || run->peak_bytes > INT64_MAX)
        return error_set(error, "a run's parameters or memory are out of range");
    return 0;
}

int store_run_begin(struct store *store, struct store_run *run, struct error *error) {
    if (!run->method || !*run->method)
        return error_set(error, "a run has no method");
    if (check_run(run, error))
        return -1;
    char *parameters = sql_canonical_json(run->parameters, "a run's parameters", error);
    if (!parameters)
        return -1;
    double started = run->started != 0 ? run->started : sql_now();
    int result = sql_write_begin(store, error);
    if (result == 0) {
        result = sql_write(store, error,
                           "INSERT INTO run (method, upscale, parameters, steps_done,"
                           " steps, seconds, started, complete, trainable, peak_bytes)"
                           " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                           "tttiiddbii", run->method, run->upscale, parameters,
                           (int64_t)run->steps_done, (int64_t)run->steps, run->seconds,
                           started, (int)run->complete, (int64_t)run->trainable,
                           (int64_t)run->peak_bytes);
        int64_t id = sqlite3_last_insert_rowid(store->db);
        result = sql_write_end(store, result, error);
        if (result == 0) {
            run->id = id;
            run->started = started;
        }
    }
    free(parameters);
    return result;
}

/* --- saving ----------------------------------------------------------------- */

/* Routers of the step that are there already: their id, whether they are the same
 * bytes, and whether a solution uses them. id 0: there are none. */
struct saved_routers {
    int64_t id;
    bool same, used;
};

static void read_saved(struct sql_row *row, void *to) {
    struct saved_routers *saved = to;
    saved->id = sql_integer(row, 0, 1, INT64_MAX);
    saved->same = sql_boolean(row, 1);
    saved->used = sql_boolean(row, 2);
}

static int save_routers(struct store *store, const struct store_run *run,
                        const struct store_routers *routers, int64_t *id,
                        struct error *error) {
    struct saved_routers saved = {0};
    if (sql_one(store, error, "routers", read_saved, &saved,
                "SELECT id, bytes = ?, EXISTS (SELECT 1 FROM solution"
                " WHERE solution.routers = routers.id)"
                " FROM routers WHERE run = ? AND step = ?",
                "xii", (const void *)routers->blob, routers->size, run->id,
                (int64_t)routers->step) < 0)
        return -1;
    *id = saved.id;
    if (*id && saved.same)
        return 0;
    if (*id && saved.used)
        return error_set(
            error,
            "%s: run %lld has other routers at step %u, which solutions use; "
            "begin a new run",
            store->path, (long long)run->id, routers->step);
    if (*id)
        return sql_write(store, error, "UPDATE routers SET bytes = ? WHERE id = ?",
                         "xi", (const void *)routers->blob, routers->size, *id);
    if (sql_write(store, error,
                  "INSERT INTO routers (run, step, bytes) VALUES (?, ?, ?)", "iix",
                  run->id, (int64_t)routers->step, (const void *)routers->blob,
                  routers->size))
        return -1;
    *id = sqlite3_last_insert_rowid(store->db);
    return 0;
}

static int save_points(struct store *store, int64_t run,
                       const struct store_curve_point *points, size_t count,
                       struct error *error) {
    for (size_t i = 0; i < count; i++)
        if (points[i].task >= store->tasks)
            return error_set(error, "a curve point is of task %zu of %zu",
                             points[i].task, store->tasks);
    sqlite3_stmt *statement =
        sql_prepare(store, error,
                    "INSERT INTO curve VALUES (?, ?, ?, ?)"
                    " ON CONFLICT (run, step, task) DO UPDATE SET loss = excluded.loss",
                    "i", run);
    int result = statement ? 0 : -1;
    for (size_t i = 0; i < count && result == 0; i++) {
        sqlite3_reset(statement);
        if (sqlite3_bind_int64(statement, 2, (sqlite3_int64)points[i].step) ||
            sqlite3_bind_int64(statement, 3, (sqlite3_int64)points[i].task) ||
            sqlite3_bind_double(statement, 4, points[i].loss))
            result = sql_error(store, error);
        else
            result = sql_step(store, statement, error);
    }
    sql_done(store, statement);
    return result;
}

static int save(struct store *store, const struct store_run *run,
                const struct store_routers *routers, int64_t *id, const void *state,
                size_t state_size, const struct store_curve_point *points,
                size_t point_count, struct error *error) {
    if (store_lease_check(store, run->id, error))
        return -1;
    if (sql_write(store, error,
                  "UPDATE run SET steps_done = ?, steps = ?, seconds = ?, complete = ?,"
                  " trainable = ?, peak_bytes = ? WHERE id = ?",
                  "iidbiii", (int64_t)run->steps_done, (int64_t)run->steps,
                  run->seconds, (int)run->complete, (int64_t)run->trainable,
                  (int64_t)run->peak_bytes, run->id))
        return -1;
    if (sqlite3_changes64(store->db) != 1)
        return error_set(error, "%s: there is no run %lld", store->path,
                         (long long)run->id);
    if (routers && save_routers(store, run, routers, id, error))
        return -1;
    if (state && sql_write(store, error,
                           "INSERT INTO run_state VALUES (?, ?)"
                           " ON CONFLICT (run) DO UPDATE SET bytes = excluded.bytes",
                           "ix", run->id, state, state_size))
        return -1;
    return save_points(store, run->id, points, point_count, error);
}

int store_run_save(struct store *store, struct store_run *run,
                   struct store_routers *routers, const void *state, size_t state_size,
                   const struct store_curve_point *points, size_t point_count,
                   struct error *error) {
    int64_t id = 0;
    if (check_run(run, error))
        return -1;
    if (routers && (!routers->blob || routers->size == 0))
        return error_set(error, "routers without bytes");
    if (sql_write_begin(store, error))
        return -1;
    int result =
        save(store, run, routers, &id, state, state_size, points, point_count, error);
    if (sql_write_end(store, result, error))
        return -1;
    if (routers) {
        routers->id = id;
        routers->run = run->id;
    }
    return 0;
}

/* --- reading ---------------------------------------------------------------- */

#define RUN_COLUMNS                                                                \
    "SELECT id, method, upscale, parameters, steps_done, steps, seconds, started," \
    " complete, trainable, peak_bytes FROM run"

void store_run_clear(struct store_run *run) {
    free(run->method);
    free(run->upscale);
    free(run->parameters);
    memset(run, 0, sizeof *run);
}

void store_runs_free(struct store_run *runs, size_t count) {
    for (size_t i = 0; i < count; i++)
        store_run_clear(&runs[i]);
    free(runs);
}

static void clear_run(void *run) {
    store_run_clear(run);
}

static void read_run(struct sql_row *row, void *to) {
    struct store_run *run = to;
    run->id = sql_integer(row, 0, 1, INT64_MAX);
    run->method = sql_text(row, 1);
    run->upscale = sql_text(row, 2);
    run->parameters = sql_text(row, 3);
    run->steps_done = (unsigned)sql_integer(row, 4, 0, UINT32_MAX);
    run->steps = (unsigned)sql_integer(row, 5, 0, UINT32_MAX);
    run->seconds = sql_real(row, 6);
    run->started = sql_real(row, 7);
    run->complete = sql_boolean(row, 8);
    run->trainable = (uint64_t)sql_integer(row, 9, 0, INT64_MAX);
    run->peak_bytes = (uint64_t)sql_integer(row, 10, 0, INT64_MAX);
}

int store_runs(struct store *store, struct store_run **result, size_t *count,
               struct error *error) {
    return sql_each(store, error, "a run", read_run, sizeof **result, clear_run, result,
                    count, RUN_COLUMNS " ORDER BY id", "");
}

struct blob_out {
    void **at;
    size_t *size;
};

static void read_bytes(struct sql_row *row, void *to) {
    struct blob_out *bytes = to;
    *bytes->at = sql_blob(row, 0, bytes->size);
}

int store_run_state(struct store *store, int64_t run, void **state, size_t *size,
                    struct error *error) {
    struct blob_out bytes = {state, size};
    *state = NULL;
    *size = 0;
    return sql_one(store, error, "a run's state", read_bytes, &bytes,
                   "SELECT bytes FROM run_state WHERE run = ?", "i", run) < 0
               ? -1
               : 0;
}

int store_curve(struct store *store, int64_t run, struct store_curve_point **result,
                size_t *count, struct error *error) {
    return store_curve_since(store, run, 0, result, count, error);
}

static void read_point(struct sql_row *row, void *to) {
    struct store_curve_point *point = to;
    point->step = (unsigned)sql_integer(row, 0, 0, UINT32_MAX);
    point->task = (size_t)sql_integer(row, 1, 0, (int64_t)row->store->tasks - 1);
    point->loss = sql_real_or_null(row, 2);
}

/* A step that cannot be is not passed over where all are asked for. */
int store_curve_since(struct store *store, int64_t run, unsigned from,
                      struct store_curve_point **result, size_t *count,
                      struct error *error) {
    return sql_each(store, error, "a curve point", read_point, sizeof **result, NULL,
                    result, count,
                    "SELECT step, task, loss FROM curve WHERE run = ? AND step >= ?"
                    " ORDER BY step, task",
                    "ii", run, from ? (int64_t)from : INT64_MIN);
}

/* --- routers ---------------------------------------------------------------- */

void store_routers_clear(struct store_routers *routers) {
    free(routers->blob);
    memset(routers, 0, sizeof *routers);
}

static void read_routers(struct sql_row *row, void *to) {
    struct store_routers *routers = to;
    routers->id = sql_integer(row, 0, 1, INT64_MAX);
    routers->run = sql_integer(row, 1, 1, INT64_MAX);
    routers->step = (unsigned)sql_integer(row, 2, 0, UINT32_MAX);
    routers->blob = sql_blob(row, 3, &routers->size);
    if (!row->failed && routers->size == 0)
        sql_row_corrupt(row, "routers have no bytes");
}

/* The first of those that the rest of the statement, about one id, selects. */
static int find_routers(struct store *store, const char *sql, int64_t id, bool *found,
                        struct store_routers *routers, struct error *error) {
    memset(routers, 0, sizeof *routers);
    int result = sql_one(store, error, "routers", read_routers, routers, sql, "i", id);
    *found = result > 0;
    if (result < 0)
        store_routers_clear(routers);
    return result < 0 ? -1 : 0;
}

int store_routers_get(struct store *store, int64_t id, struct store_routers *routers,
                      struct error *error) {
    bool found;
    if (find_routers(store, "SELECT id, run, step, bytes FROM routers WHERE id = ?", id,
                     &found, routers, error))
        return -1;
    return found ? 0
                 : error_set(error, "%s: there are no routers %lld", store->path,
                             (long long)id);
}

int store_routers_last(struct store *store, int64_t run, bool *found,
                       struct store_routers *routers, struct error *error) {
    return find_routers(store,
                        "SELECT id, run, step, bytes FROM routers"
                        " WHERE run = ? ORDER BY step DESC LIMIT 1",
                        run, found, routers, error);
}

static void read_listed(struct sql_row *row, void *to) {
    struct store_routers *routers = to;
    routers->id = sql_integer(row, 0, 1, INT64_MAX);
    routers->run = sql_integer(row, 1, 1, INT64_MAX);
    routers->step = (unsigned)sql_integer(row, 2, 0, UINT32_MAX);
    routers->size = (size_t)sql_integer(row, 3, 1, INT64_MAX);
}

int store_routers_newest(struct store *store, int64_t run,
                         struct store_routers *routers, struct error *error) {
    memset(routers, 0, sizeof *routers);
    return sql_one(store, error, "routers", read_listed, routers,
                   "SELECT id, run, step, length(bytes) FROM routers WHERE run = ?"
                   " ORDER BY step DESC LIMIT 1",
                   "i", run) < 0
               ? -1
               : 0;
}

int store_routers_list(struct store *store, int64_t run, struct store_routers **result,
                       size_t *count, struct error *error) {
    return sql_each(store, error, "routers", read_listed, sizeof **result, NULL, result,
                    count,
                    "SELECT id, run, step, length(bytes) FROM routers WHERE run = ?"
                    " ORDER BY step",
                    "i", run);
}
