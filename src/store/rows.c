/* Rows: solutions with their evaluations of one split, all of them or those that are
 * new. A file may hold many thousands and an explorer waits for them, so what a row
 * points to lies in a few large blocks, and equal text is kept once. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/rows.h"

/* --- one row -------------------------------------------------------------------- */

/* The columns of SOLUTION_COLUMNS. */
static void read_solution(struct rows *rows, struct sql_row *row,
                          struct store_solution *solution) {
    double preference[STORE_TASKS_MAX];
    size_t size = row->store->tasks * sizeof *preference;
    solution->method = rows_text(rows, row, SOLUTION_METHOD);
    solution->parameters = rows_text(rows, row, SOLUTION_PARAMETERS);
    solution->label = rows_text(rows, row, SOLUTION_LABEL);
    if (sql_preference_into(row, SOLUTION_PREFERENCE, preference)) {
        solution->preference = rows_take(rows, size);
        if (solution->preference)
            memcpy(solution->preference, preference, size);
        else
            sql_row_memory(row);
    }
    solution_read_rest(row, solution);
}

/* The evaluations of one row, none present. */
static struct store_evaluation *evaluations_new(struct rows *rows, size_t tasks,
                                                const struct store_solution *solution,
                                                const char *split) {
    struct store_evaluation *evaluations = rows_take(rows, tasks * sizeof *evaluations);
    bool imported = solution->kind == STORE_KIND_IMPORT;
    for (size_t t = 0; evaluations && t < tasks; t++) {
        evaluations[t].solution = solution->id;
        evaluations[t].objective = t;
        evaluations[t].split = (char *)split;
        evaluations[t].imported = imported;
        evaluations[t].loss = NAN;
    }
    return evaluations;
}

/* --- routers --------------------------------------------------------------------- */

/* A surrogate's parameters name its merging method; nothing else does. */
static char *read_base(struct rows_reading *reading, struct sql_row *row) {
    const char *text = (const char *)sqlite3_column_text(row->statement, 3);
    json_t *parameters = text ? json_loads(text, 0, NULL) : NULL;
    const char *base = json_string_value(json_object_get(parameters, "base"));
    char *kept = (char *)"";
    if (base && (kept = rows_take(&reading->rows, strlen(base) + 1)))
        strcpy(kept, base);
    else if (base)
        sql_row_memory(row);
    json_decref(parameters);
    return kept;
}

static void read_known(struct sql_row *row, void *to) {
    struct rows_reading *reading = to;
    struct known_routers *known = &reading->known;
    if (array_reserve((void **)&known->items, &known->capacity, known->count + 1,
                      sizeof *known->items)) {
        sql_row_memory(row);
        return;
    }
    struct known *item = &known->items[known->count++];
    item->id = sql_integer(row, 0, 1, INT64_MAX);
    item->upscale = rows_text(&reading->rows, row, 1);
    item->base = read_base(reading, row);
    item->step = (unsigned)sql_integer(row, 2, 0, UINT32_MAX);
    item->run = sql_integer(row, 4, 1, INT64_MAX);
}

static int read_routers(struct rows_reading *reading) {
    return sql_all(reading->store, reading->error, "routers", read_known, reading,
                   "SELECT routers.id, run.upscale, routers.step,"
                   " CASE run.upscale WHEN '" STORE_SURROGATE "' THEN"
                   " run.parameters END, run.id FROM routers"
                   " JOIN run ON run.id = routers.run ORDER BY routers.id",
                   "");
}

static const struct known *find_routers(const struct known_routers *known, int64_t id) {
    size_t low = 0, count = known->count;
    while (count > 0) {
        size_t half = count / 2;
        bool less = known->items[low + half].id < id;
        low = less ? low + half + 1 : low;
        count = less ? count - half - 1 : half;
    }
    return low < known->count && known->items[low].id == id ? &known->items[low] : NULL;
}

const struct store_row *store_row_find(const struct store_row *rows, size_t count,
                                       int64_t solution) {
    size_t low = 0, left = count;
    while (left > 0) {
        size_t half = left / 2;
        bool less = rows[low + half].solution.id < solution;
        low = less ? low + half + 1 : low;
        left = less ? left - half - 1 : half;
    }
    return low < count && rows[low].solution.id == solution ? &rows[low] : NULL;
}

/* --- statements ------------------------------------------------------------------ */

static void read_row(struct sql_row *row, void *to) {
    struct rows_reading *reading = to;
    struct rows *rows = &reading->rows;
    struct store_row *out = rows_next(rows);
    if (!out) {
        sql_row_memory(row);
        return;
    }
    read_solution(rows, row, &out->solution);
    if (row->failed)
        return;
    const struct known *known = find_routers(&reading->known, out->solution.routers);
    if (out->solution.routers && !known)
        sql_row_corrupt(row, "the routers of solution %lld are missing",
                        (long long)out->solution.id);
    out->upscale = known ? known->upscale : (char *)"";
    out->base = known ? known->base : (char *)"";
    out->step = known ? known->step : 0;
    out->run = known ? known->run : 0;
    out->evaluations =
        evaluations_new(rows, row->store->tasks, &out->solution, reading->split);
    if (!out->evaluations)
        sql_row_memory(row);
}

int rows_read_solutions(struct rows_reading *reading, sqlite3_stmt *statement) {
    return sql_rows(reading->store, reading->error, "a solution", read_row, reading,
                    statement);
}

enum { EVALUATION_COLUMN_COUNT = 9 };
static void wrong_evaluation(struct rows_reading *reading, int column) {
    static const char *const names[EVALUATION_COLUMN_COUNT] = {
        "solution", "objective", "value", "low", "high",
        "examples", "complete",  "stale", "loss"};
    if (!reading->failed)
        sql_corrupt(reading->store, reading->error, "an evaluation has a wrong %s",
                    names[column]);
    reading->failed = true;
}

static int64_t integer_of(struct rows_reading *reading, sqlite3_value **values,
                          int column, int64_t low, int64_t high) {
    int64_t value = sqlite3_value_int64(values[column]);
    if (sqlite3_value_type(values[column]) == SQLITE_INTEGER && value >= low &&
        value <= high)
        return value;
    wrong_evaluation(reading, column);
    return low;
}

static double real_of(struct rows_reading *reading, sqlite3_value **values,
                      int column) {
    double value = sqlite3_value_double(values[column]);
    if (sqlite3_value_type(values[column]) != SQLITE_FLOAT || !isfinite(value))
        wrong_evaluation(reading, column);
    return value;
}

/* The row of a solution: most often that of the evaluation before, or the next one.
 * NULL where there is none. */
static struct store_row *find_row(struct rows_reading *reading, int64_t solution) {
    struct store_row *rows = reading->rows.header ? reading->rows.header->rows : NULL;
    size_t count = reading->rows.count;
    for (size_t at = reading->at; at < count && at < reading->at + 2; at++)
        if (rows[at].solution.id == solution) {
            reading->at = at;
            return &rows[at];
        }
    const struct store_row *row = store_row_find(rows, count, solution);
    reading->at = row ? (size_t)(row - rows) : 0;
    return (struct store_row *)(uintptr_t)row;
}

static void fill_evaluation(struct rows_reading *reading, sqlite3_value **values,
                            struct store_evaluation *evaluation) {
    int loss = sqlite3_value_type(values[8]);
    evaluation->present = true;
    evaluation->value = real_of(reading, values, 2);
    evaluation->low = real_of(reading, values, 3);
    evaluation->high = real_of(reading, values, 4);
    evaluation->examples = (uint64_t)integer_of(
        reading, values, 5, evaluation->imported ? 0 : 1, INT64_MAX);
    evaluation->complete = integer_of(reading, values, 6, 0, 1) != 0;
    evaluation->stale = integer_of(reading, values, 7, 0, 1) != 0;
    /* A loss may be infinite, and unknown. */
    if (loss == SQLITE_FLOAT)
        evaluation->loss = sqlite3_value_double(values[8]);
    else if (loss != SQLITE_NULL)
        wrong_evaluation(reading, 8);
    if (!reading->failed && !(evaluation->low <= evaluation->value &&
                              evaluation->value <= evaluation->high)) {
        sql_corrupt(reading->store, reading->error,
                    "an evaluation is not in its interval");
        reading->failed = true;
    }
}

static void take_evaluation(sqlite3_context *context, int count,
                            sqlite3_value **values) {
    struct rows_reading *reading = sqlite3_user_data(context);
    (void)count;
    if (reading->failed)
        return;
    int64_t solution = integer_of(reading, values, 0, 1, INT64_MAX);
    size_t objective =
        (size_t)integer_of(reading, values, 1, 0, (int64_t)reading->store->tasks - 1);
    struct store_row *row = reading->failed ? NULL : find_row(reading, solution);
    if (row) {
        fill_evaluation(reading, values, &row->evaluations[objective]);
    } else if (!reading->failed) {
        sql_corrupt(reading->store, reading->error, "an evaluation is of no solution");
        reading->failed = true;
    }
    /* The statement ends here; what was wrong is told already. */
    if (reading->failed)
        sqlite3_result_error_code(context, SQLITE_ABORT);
}

static void nothing_more(sqlite3_context *context) {
    sqlite3_result_null(context);
}

/* Makes the function known to the connection, or forgets it (reading NULL). */
static int set_function(struct store *store, struct rows_reading *reading,
                        struct error *error) {
    int result = sqlite3_create_function_v2(
        store->db, "take_evaluation", EVALUATION_COLUMN_COUNT,
        SQLITE_UTF8 | SQLITE_DIRECTONLY, reading, NULL,
        reading ? take_evaluation : NULL, reading ? nothing_more : NULL, NULL);
    return result == SQLITE_OK ? 0 : sql_error(store, error);
}

int rows_read_evaluations(struct rows_reading *reading, sqlite3_stmt *statement) {
    struct error error;
    int result;
    do
        result = sql_step(reading->store, statement, &error);
    while (result > 0);
    if (result && !reading->failed && reading->error)
        *reading->error = error;
    return result;
}

static void read_fp8(struct sql_row *row, void *to) {
    struct rows_reading *reading = to;
    int64_t solution = sql_integer(row, 0, 1, INT64_MAX);
    size_t tasks = row->store->tasks;
    size_t objective = (size_t)sql_integer(row, 1, 0, (int64_t)tasks - 1);
    struct store_row *of = row->failed ? NULL : find_row(reading, solution);
    if (of)
        of->evaluations[objective].fp8 = true;
}

int rows_read_precision(struct rows_reading *reading) {
    int there = sql_has_table(reading->store, "precision", reading->error);
    return there <= 0 ? there
                      : sql_all(reading->store, reading->error, "a precision", read_fp8,
                                reading,
                                "SELECT solution, objective FROM precision"
                                " WHERE split = ? ORDER BY solution",
                                "t", reading->split);
}

int rows_begin(struct rows_reading *reading, struct store *store, const char *split,
               struct error *error) {
    *reading = (struct rows_reading){.store = store, .error = error};
    /* The header must be there before anything can be put into blocks. */
    if (!rows_next(&reading->rows))
        return error_memory(error);
    reading->rows.count = 0;
    size_t length = strlen(split);
    char *name = rows_take(&reading->rows, length + 1);
    if (!name)
        return error_memory(error);
    memcpy(name, split, length);
    reading->split = name;
    if (set_function(store, reading, error))
        return -1;
    return read_routers(reading);
}

int rows_read_all(struct rows_reading *reading) {
    struct store *store = reading->store;
    sqlite3_stmt *statement =
        sql_prepare(store, reading->error,
                    "SELECT " SOLUTION_COLUMNS " FROM solution s ORDER BY s.id", "");
    int result = statement ? rows_read_solutions(reading, statement) : -1;
    sql_done(store, statement);
    if (result)
        return -1;
    statement =
        sql_prepare(store, reading->error, TAKE_EVALUATIONS, "t", reading->split);
    result = statement ? rows_read_evaluations(reading, statement) : -1;
    sql_done(store, statement);
    return result ? result : rows_read_precision(reading);
}

/* Of so many objectives `present` have a figure, `whole` one that is complete and not
 * stale, `stale` one that is; fp8: one was measured so. */
static enum store_state state_of(enum store_kind kind, size_t objectives,
                                 size_t present, size_t whole, size_t stale, bool fp8) {
    if (present == 0)
        return STORE_STATE_NONE;
    if (kind == STORE_KIND_IMPORT)
        return STORE_STATE_IMPORTED;
    if (stale)
        return STORE_STATE_STALE;
    return whole < objectives ? STORE_STATE_PARTIAL
           : fp8              ? STORE_STATE_FP8
                              : STORE_STATE_COMPLETE;
}

static void read_state(struct sql_row *row, void *to) {
    bool imported = sql_boolean(row, 0);
    size_t present = (size_t)sql_integer(row, 1, 0, STORE_TASKS_MAX);
    size_t whole = (size_t)sql_integer(row, 2, 0, STORE_TASKS_MAX);
    size_t stale = (size_t)sql_integer(row, 3, 0, STORE_TASKS_MAX);
    *(enum store_state *)to = state_of(imported ? STORE_KIND_IMPORT : STORE_KIND_MERGE,
                                       row->store->tasks, present, whole, stale, false);
}

static void read_any(struct sql_row *row, void *to) {
    *(bool *)to = sql_boolean(row, 0);
}

/* Whether a figure of the solution is in fp8. */
static int find_fp8(struct store *store, int64_t solution, const char *split, bool *fp8,
                    struct error *error) {
    int there = sql_has_table(store, "precision", error);
    *fp8 = false;
    if (there <= 0)
        return there;
    return sql_one(store, error, "a precision", read_any, fp8,
                   "SELECT EXISTS (SELECT 1 FROM precision WHERE solution = ? AND"
                   " split = ?)",
                   "it", solution, split) < 0
               ? -1
               : 0;
}

int store_solution_state(struct store *store, int64_t solution, const char *split,
                         enum store_state *state, struct error *error) {
    bool fp8;
    *state = STORE_STATE_NONE;
    if (sql_one(store, error, "a solution", read_state, state,
                "SELECT s.kind = ?, count(e.objective),"
                " ifnull(sum(e.complete > e.stale), 0), ifnull(sum(e.stale), 0)"
                " FROM solution s LEFT JOIN evaluation e"
                " ON e.solution = s.id AND e.split = ? WHERE s.id = ? GROUP BY s.id",
                "tti", store_kind_name(STORE_KIND_IMPORT), split, solution) < 0)
        return -1;
    if (*state != STORE_STATE_COMPLETE)
        return 0;
    if (find_fp8(store, solution, split, &fp8, error))
        return -1;
    *state = fp8 ? STORE_STATE_FP8 : STORE_STATE_COMPLETE;
    return 0;
}

/* What the evaluations of a row come to. */
static void judge(struct store_row *row, size_t tasks) {
    size_t present = 0, whole = 0, stale = 0;
    bool fp8 = false;
    for (size_t t = 0; t < tasks; t++) {
        const struct store_evaluation *e = &row->evaluations[t];
        present += e->present;
        stale += e->present && e->stale;
        whole += e->present && e->complete && !e->stale;
        fp8 = fp8 || e->fp8;
    }
    row->whole = whole == tasks;
    row->state = state_of(row->solution.kind, tasks, present, whole, stale, fp8);
}

int rows_end(struct rows_reading *reading, int result, struct store_row **rows,
             size_t *count) {
    struct rows_header *header = reading->rows.header;
    set_function(reading->store, NULL, NULL);
    free(reading->known.items);
    if (header && (result || reading->rows.count == 0)) {
        store_rows_free(header->rows, 0);
        header = NULL;
    }
    *rows = result || !header ? NULL : header->rows;
    *count = *rows ? reading->rows.count : 0;
    for (size_t i = 0; i < *count; i++)
        judge(&(*rows)[i], reading->store->tasks);
    return result ? -1 : 0;
}

int store_rows(struct store *store, const char *split, struct store_row **rows,
               size_t *count, struct error *error) {
    struct rows_reading reading;
    *rows = NULL;
    *count = 0;
    if (sql_read_begin(store, error))
        return -1;
    int result = rows_begin(&reading, store, split, error);
    if (result == 0)
        result = rows_read_all(&reading);
    sql_read_end(store);
    return rows_end(&reading, result, rows, count);
}
