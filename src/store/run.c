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
static int find_routers(struct store *store, const struct store_run *run,
                        const struct store_routers *routers, int64_t *id, bool *same,
                        bool *used, struct error *error) {
    sqlite3_stmt *statement =
        sql_prepare(store, error,
                    "SELECT id, bytes = ?, EXISTS (SELECT 1 FROM solution"
                    " WHERE solution.routers = routers.id)"
                    " FROM routers WHERE run = ? AND step = ?",
                    "xii", (const void *)routers->blob, routers->size, run->id,
                    (int64_t)routers->step);
    int result = statement ? sql_step(store, statement, error) : -1;
    *id = 0;
    if (result > 0) {
        struct sql_row row = {store, statement, "routers", error, false};
        *id = sql_integer(&row, 0, 1, INT64_MAX);
        *same = sql_boolean(&row, 1);
        *used = sql_boolean(&row, 2);
        result = row.failed ? -1 : 0;
    }
    sqlite3_finalize(statement);
    return result;
}

static int save_routers(struct store *store, const struct store_run *run,
                        const struct store_routers *routers, int64_t *id,
                        struct error *error) {
    bool same = false, used = false;
    if (find_routers(store, run, routers, id, &same, &used, error))
        return -1;
    if (*id && same)
        return 0;
    if (*id && used)
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
    sqlite3_finalize(statement);
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

static int read_run(struct store *store, sqlite3_stmt *statement, struct store_run *run,
                    struct error *error) {
    struct sql_row row = {store, statement, "a run", error, false};
    memset(run, 0, sizeof *run);
    run->id = sql_integer(&row, 0, 1, INT64_MAX);
    run->method = sql_text(&row, 1);
    run->upscale = sql_text(&row, 2);
    run->parameters = sql_text(&row, 3);
    run->steps_done = (unsigned)sql_integer(&row, 4, 0, UINT32_MAX);
    run->steps = (unsigned)sql_integer(&row, 5, 0, UINT32_MAX);
    run->seconds = sql_real(&row, 6);
    run->started = sql_real(&row, 7);
    run->complete = sql_boolean(&row, 8);
    run->trainable = (uint64_t)sql_integer(&row, 9, 0, INT64_MAX);
    run->peak_bytes = (uint64_t)sql_integer(&row, 10, 0, INT64_MAX);
    if (row.failed)
        store_run_clear(run);
    return row.failed ? -1 : 0;
}

int store_run_last(struct store *store, const char *method, const char *upscale,
                   bool *found, struct store_run *run, struct error *error) {
    *found = false;
    memset(run, 0, sizeof *run);
    sqlite3_stmt *statement =
        sql_prepare(store, error,
                    RUN_COLUMNS " WHERE (?1 OR method = ?2) AND (?3 OR upscale = ?4)"
                                " ORDER BY id DESC LIMIT 1",
                    "btbt", (int)!method, method, (int)!upscale, upscale);
    int result = statement ? sql_step(store, statement, error) : -1;
    if (result > 0) {
        result = read_run(store, statement, run, error);
        *found = result == 0;
    }
    sqlite3_finalize(statement);
    return result;
}

int store_runs(struct store *store, struct store_run **result, size_t *count,
               struct error *error) {
    *result = NULL;
    *count = 0;
    sqlite3_stmt *statement = sql_prepare(store, error, RUN_COLUMNS " ORDER BY id", "");
    if (!statement)
        return -1;
    struct store_run *runs = NULL;
    size_t used = 0, capacity = 0;
    int step;
    while ((step = sql_step(store, statement, error)) > 0) {
        if (array_reserve((void **)&runs, &capacity, used + 1, sizeof *runs))
            step = error_memory(error);
        else
            step = read_run(store, statement, &runs[used], error);
        if (step < 0)
            break;
        used++;
    }
    sqlite3_finalize(statement);
    if (step < 0) {
        store_runs_free(runs, used);
        return -1;
    }
    *result = runs;
    *count = used;
    return 0;
}

int store_run_state(struct store *store, int64_t run, void **state, size_t *size,
                    struct error *error) {
    *state = NULL;
    *size = 0;
    sqlite3_stmt *statement = sql_prepare(
        store, error, "SELECT bytes FROM run_state WHERE run = ?", "i", run);
    int result = statement ? sql_step(store, statement, error) : -1;
    if (result > 0) {
        struct sql_row row = {store, statement, "a run's state", error, false};
        *state = sql_blob(&row, 0, size);
        result = row.failed ? -1 : 0;
    }
    sqlite3_finalize(statement);
    return result;
}

int store_curve(struct store *store, int64_t run, struct store_curve_point **result,
                size_t *count, struct error *error) {
    return store_curve_since(store, run, 0, result, count, error);
}

/* A step that cannot be is not passed over where all are asked for. */
int store_curve_since(struct store *store, int64_t run, unsigned from,
                      struct store_curve_point **result, size_t *count,
                      struct error *error) {
    *result = NULL;
    *count = 0;
    sqlite3_stmt *statement =
        sql_prepare(store, error,
                    "SELECT step, task, loss FROM curve WHERE run = ? AND step >= ?"
                    " ORDER BY step, task",
                    "ii", run, from ? (int64_t)from : INT64_MIN);
    if (!statement)
        return -1;
    struct store_curve_point *points = NULL;
    size_t used = 0, capacity = 0;
    int step;
    while ((step = sql_step(store, statement, error)) > 0) {
        struct sql_row row = {store, statement, "a curve point", error, false};
        if (array_reserve((void **)&points, &capacity, used + 1, sizeof *points)) {
            step = error_memory(error);
            break;
        }
        points[used].step = (unsigned)sql_integer(&row, 0, 0, UINT32_MAX);
        points[used].task = (size_t)sql_integer(&row, 1, 0, (int64_t)store->tasks - 1);
        points[used].loss = sql_real_or_null(&row, 2);
        if (row.failed) {
            step = -1;
            break;
        }
        used++;
    }
    sqlite3_finalize(statement);
    if (step < 0) {
        free(points);
        return -1;
    }
    *result = points;
    *count = used;
    return 0;
}

/* --- routers ---------------------------------------------------------------- */

void store_routers_clear(struct store_routers *routers) {
    free(routers->blob);
    memset(routers, 0, sizeof *routers);
}

/* The first row of a statement for id, run, step, bytes. */
static int read_routers(struct store *store, sqlite3_stmt *statement, bool *found,
                        struct store_routers *routers, struct error *error) {
    *found = false;
    memset(routers, 0, sizeof *routers);
    int result = statement ? sql_step(store, statement, error) : -1;
    if (result > 0) {
        struct sql_row row = {store, statement, "routers", error, false};
        routers->id = sql_integer(&row, 0, 1, INT64_MAX);
        routers->run = sql_integer(&row, 1, 1, INT64_MAX);
        routers->step = (unsigned)sql_integer(&row, 2, 0, UINT32_MAX);
        routers->blob = sql_blob(&row, 3, &routers->size);
        result = row.failed ? -1 : 0;
        if (result == 0 && routers->size == 0)
            result = sql_corrupt(store, error, "routers have no bytes");
        if (result)
            store_routers_clear(routers);
        *found = result == 0;
    }
    sqlite3_finalize(statement);
    return result;
}

int store_routers_get(struct store *store, int64_t id, struct store_routers *routers,
                      struct error *error) {
    bool found;
    sqlite3_stmt *statement = sql_prepare(
        store, error, "SELECT id, run, step, bytes FROM routers WHERE id = ?", "i", id);
    if (read_routers(store, statement, &found, routers, error))
        return -1;
    return found ? 0
                 : error_set(error, "%s: there are no routers %lld", store->path,
                             (long long)id);
}

int store_routers_last(struct store *store, int64_t run, bool *found,
                       struct store_routers *routers, struct error *error) {
    sqlite3_stmt *statement = sql_prepare(store, error,
                                          "SELECT id, run, step, bytes FROM routers"
                                          " WHERE run = ? ORDER BY step DESC LIMIT 1",
                                          "i", run);
    return read_routers(store, statement, found, routers, error);
}

int store_routers_list(struct store *store, int64_t run, struct store_routers **result,
                       size_t *count, struct error *error) {
    *result = NULL;
    *count = 0;
    sqlite3_stmt *statement = sql_prepare(
        store, error,
        "SELECT id, step, length(bytes) FROM routers WHERE run = ? ORDER BY step", "i",
        run);
    if (!statement)
        return -1;
    struct store_routers *list = NULL;
    size_t used = 0, capacity = 0;
    int step;
    while ((step = sql_step(store, statement, error)) > 0) {
        struct sql_row row = {store, statement, "routers", error, false};
        if (array_reserve((void **)&list, &capacity, used + 1, sizeof *list)) {
            step = error_memory(error);
            break;
        }
        list[used] = (struct store_routers){.run = run};
        list[used].id = sql_integer(&row, 0, 1, INT64_MAX);
        list[used].step = (unsigned)sql_integer(&row, 1, 0, UINT32_MAX);
        list[used].size = (size_t)sql_integer(&row, 2, 1, INT64_MAX);
        if (row.failed) {
            step = -1;
            break;
        }
        used++;
    }
    sqlite3_finalize(statement);
    if (step < 0) {
        free(list);
        return -1;
    }
    *result = list;
    *count = used;
    return 0;
}
