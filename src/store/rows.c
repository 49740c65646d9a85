/* Rows: solutions with their evaluations of one split, all of them or those that are
 * new. A file may hold many thousands and an explorer waits for them, so what a row
 * points to lies in a few large blocks, and equal text is kept once. */
#include <math.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/solution.h"

/* --- memory ------------------------------------------------------------------- */

/* Blocks double from the first size to the last, where the kernel can give memory by
 * the megabyte. */
enum { BLOCK_FIRST = 1 << 16, BLOCK_LAST = 1 << 23 };

struct row_block {
    struct row_block *next;
    size_t used, size;
    alignas(max_align_t) unsigned char bytes[];
};

/* What stands in front of the array that store_rows gives out. */
struct header {
    struct row_block *blocks; /* the one that is being filled first */
    alignas(max_align_t) struct store_row rows[];
};

enum { COLUMNS = SOLUTION_COLUMN_COUNT };

struct rows {
    struct header *header;
    size_t count, capacity;
    /* The text that each column had last: the next row's is often the same. */
    const char *last[COLUMNS];
    size_t last_length[COLUMNS];
};

static void free_blocks(struct row_block *block) {
    while (block) {
        struct row_block *next = block->next;
        free(block);
        block = next;
    }
}

void store_rows_free(struct store_row *rows, size_t count) {
    (void)count;
    if (!rows)
        return;
    struct header *header =
        (struct header *)(void *)((char *)rows - offsetof(struct header, rows));
    free_blocks(header->blocks);
    free(header);
}

/* Zeroed; NULL when memory is out. */
static void *take(struct rows *rows, size_t size) {
    size_t unit = alignof(max_align_t);
    struct row_block *block = rows->header->blocks;
    size = (size + unit - 1) / unit * unit;
    if (!block || block->size - block->used < size) {
        size_t room = !block                     ? BLOCK_FIRST
                      : block->size < BLOCK_LAST ? 2 * block->size
                                                 : BLOCK_LAST;
        if (room < size)
            room = size;
        block = calloc(1, sizeof *block + room);
        if (!block)
            return NULL;
        block->size = room;
        block->next = rows->header->blocks;
        rows->header->blocks = block;
    }
    void *place = block->bytes + block->used;
    block->used += size;
    return place;
}

/* Room for one row more, zeroed, or NULL. */
static struct store_row *next_row(struct rows *rows) {
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? 2 * rows->capacity : 64, size;
        if (!size_multiply(capacity, sizeof *rows->header->rows, &size) ||
            !size_add(size, sizeof *rows->header, &size))
            return NULL;
        struct header *header = realloc(rows->header, size);
        if (!header)
            return NULL;
        if (!rows->header)
            header->blocks = NULL;
        rows->header = header;
        rows->capacity = capacity;
    }
    struct store_row *row = &rows->header->rows[rows->count++];
    memset(row, 0, sizeof *row);
    return row;
}

/* --- one row -------------------------------------------------------------------- */

static void no_memory(struct sql_row *row) {
    if (!row->failed)
        error_memory(row->error);
    row->failed = true;
}

static char *keep_text(struct rows *rows, int column, const char *text, size_t length) {
    const char *last = rows->last[column];
    if (!last || rows->last_length[column] != length || memcmp(last, text, length)) {
        char *copy = take(rows, length + 1);
        if (!copy)
            return NULL;
        memcpy(copy, text, length);
        rows->last[column] = last = copy;
        rows->last_length[column] = length;
    }
    return (char *)last;
}

static char *text_of(struct rows *rows, struct sql_row *row, int column) {
    size_t length;
    const char *text = sql_text_here(row, column, &length);
    char *kept = text ? keep_text(rows, column, text, length) : NULL;
    if (text && !kept)
        no_memory(row);
    return kept;
}

/* The columns of SOLUTION_COLUMNS, as solution_read reads them. */
static void read_solution(struct rows *rows, struct sql_row *row,
                          struct store_solution *solution) {
    double preference[STORE_TASKS_MAX];
    size_t size = row->store->tasks * sizeof *preference;
    solution->method = text_of(rows, row, SOLUTION_METHOD);
    solution->parameters = text_of(rows, row, SOLUTION_PARAMETERS);
    solution->label = text_of(rows, row, SOLUTION_LABEL);
    if (sql_preference_into(row, SOLUTION_PREFERENCE, preference)) {
        solution->preference = take(rows, size);
        if (solution->preference)
            memcpy(solution->preference, preference, size);
        else
            no_memory(row);
    }
    solution_read_rest(row, solution);
}

/* The evaluations of one row, none present. */
static struct store_evaluation *evaluations_new(struct rows *rows, size_t tasks,
                                                const struct store_solution *solution,
                                                const char *split) {
    struct store_evaluation *evaluations = take(rows, tasks * sizeof *evaluations);
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

/* What rows tell of the routers that they are made with. */
struct known {
    int64_t id;
    char *upscale;
    unsigned step;
};

struct known_routers {
    struct known *items; /* by id */
    size_t count, capacity;
};

static int read_routers(struct store *store, struct rows *rows,
                        struct known_routers *known, struct error *error) {
    sqlite3_stmt *statement =
        sql_prepare(store, error,
                    "SELECT routers.id, run.upscale, routers.step FROM routers"
                    " JOIN run ON run.id = routers.run ORDER BY routers.id",
                    "");
    if (!statement)
        return -1;
    int result;
    while ((result = sql_step(store, statement, error)) > 0) {
        struct sql_row row = {store, statement, "routers", error, false};
        if (array_reserve((void **)&known->items, &known->capacity, known->count + 1,
                          sizeof *known->items)) {
            result = error_memory(error);
            break;
        }
        struct known *item = &known->items[known->count++];
        item->id = sql_integer(&row, 0, 1, INT64_MAX);
        item->upscale = text_of(rows, &row, 1);
        item->step = (unsigned)sql_integer(&row, 2, 0, UINT32_MAX);
        if (row.failed) {
            result = -1;
            break;
        }
    }
    sqlite3_finalize(statement);
    return result;
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

struct rows_reading {
    struct store *store;
    struct rows rows;
    struct known_routers known;
    const char *split; /* in a block of rows */
    struct error *error;
    size_t at;   /* the row of the last evaluation */
    bool failed; /* an evaluation is wrong; error tells */
};

/* The rows of a statement over SOLUTION_COLUMNS. */
static int read_solutions(struct rows_reading *reading, sqlite3_stmt *statement) {
    struct store *store = reading->store;
    struct rows *rows = &reading->rows;
    int result;
    while ((result = sql_step(store, statement, reading->error)) > 0) {
        struct sql_row row = {store, statement, "a solution", reading->error, false};
        struct store_row *out = next_row(rows);
        if (!out)
            return error_memory(reading->error);
        read_solution(rows, &row, &out->solution);
        if (row.failed)
            return -1;
        const struct known *known =
            find_routers(&reading->known, out->solution.routers);
        if (out->solution.routers && !known)
            return sql_corrupt(store, reading->error,
                               "the routers of solution %lld are missing",
                               (long long)out->solution.id);
        out->upscale = known ? known->upscale : (char *)"";
        out->step = known ? known->step : 0;
        out->evaluations =
            evaluations_new(rows, store->tasks, &out->solution, reading->split);
        if (!out->evaluations)
            return error_memory(reading->error);
    }
    return result;
}

/* Evaluations are the most that a file has. They come through an aggregate function,
 * which SQLite calls with the columns of every row: stepping to a row and asking for
 * each of its columns takes half as long again. */
#define EVALUATION_COLUMNS \
    "solution, objective, value, low, high, examples, complete, stale, loss"
enum { EVALUATION_COLUMN_COUNT = 9 };
#define TAKE_EVALUATIONS \
    "SELECT take_evaluation(" EVALUATION_COLUMNS ") FROM evaluation WHERE split = ?"

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

/* Runs a statement that begins with TAKE_EVALUATIONS. */
static int read_evaluations(struct rows_reading *reading, sqlite3_stmt *statement) {
    struct error error;
    int result;
    do
        result = sql_step(reading->store, statement, &error);
    while (result > 0);
    if (result && !reading->failed && reading->error)
        *reading->error = error;
    return result;
}

static int begin(struct rows_reading *reading, struct store *store, const char *split,
                 struct error *error) {
    *reading = (struct rows_reading){.store = store, .error = error};
    /* The header must be there before anything can be put into blocks. */
    if (!next_row(&reading->rows))
        return error_memory(error);
    reading->rows.count = 0;
    size_t length = strlen(split);
    char *name = take(&reading->rows, length + 1);
    if (!name)
        return error_memory(error);
    memcpy(name, split, length);
    reading->split = name;
    if (set_function(store, reading, error))
        return -1;
    return read_routers(store, &reading->rows, &reading->known, error);
}

static int read_all(struct rows_reading *reading) {
    struct store *store = reading->store;
    sqlite3_stmt *statement =
        sql_prepare(store, reading->error,
                    "SELECT " SOLUTION_COLUMNS " FROM solution s ORDER BY s.id", "");
    int result = statement ? read_solutions(reading, statement) : -1;
    sqlite3_finalize(statement);
    if (result)
        return -1;
    statement =
        sql_prepare(store, reading->error, TAKE_EVALUATIONS, "t", reading->split);
    result = statement ? read_evaluations(reading, statement) : -1;
    sqlite3_finalize(statement);
    return result;
}

/* Of so many objectives `present` have a figure, `whole` one that is complete and not
 * stale, `stale` one that is. */
static enum store_state state_of(enum store_kind kind, size_t objectives,
                                 size_t present, size_t whole, size_t stale) {
    if (present == 0)
        return STORE_STATE_NONE;
    if (kind == STORE_KIND_IMPORT)
        return STORE_STATE_IMPORTED;
    if (stale)
        return STORE_STATE_STALE;
    return whole == objectives ? STORE_STATE_COMPLETE : STORE_STATE_PARTIAL;
}

static void read_state(struct sql_row *row, void *to) {
    bool imported = sql_boolean(row, 0);
    size_t present = (size_t)sql_integer(row, 1, 0, STORE_TASKS_MAX);
    size_t whole = (size_t)sql_integer(row, 2, 0, STORE_TASKS_MAX);
    size_t stale = (size_t)sql_integer(row, 3, 0, STORE_TASKS_MAX);
    *(enum store_state *)to = state_of(imported ? STORE_KIND_IMPORT : STORE_KIND_MERGE,
                                       row->store->tasks, present, whole, stale);
}

int store_solution_state(struct store *store, int64_t solution, const char *split,
                         enum store_state *state, struct error *error) {
    *state = STORE_STATE_NONE;
    return sql_one(store, error, "a solution", read_state, state,
                   "SELECT s.kind = ?, count(e.objective),"
                   " ifnull(sum(e.complete > e.stale), 0), ifnull(sum(e.stale), 0)"
                   " FROM solution s LEFT JOIN evaluation e"
                   " ON e.solution = s.id AND e.split = ? WHERE s.id = ? GROUP BY s.id",
                   "tti", store_kind_name(STORE_KIND_IMPORT), split, solution) < 0
               ? -1
               : 0;
}

/* What the evaluations of a row come to. */
static void judge(struct store_row *row, size_t tasks) {
    size_t present = 0, whole = 0, stale = 0;
    for (size_t t = 0; t < tasks; t++) {
        const struct store_evaluation *e = &row->evaluations[t];
        present += e->present;
        stale += e->present && e->stale;
        whole += e->present && e->complete && !e->stale;
    }
    row->whole = whole == tasks;
    row->state = state_of(row->solution.kind, tasks, present, whole, stale);
}

/* Gives the rows out, or frees them where anything failed. */
static int end(struct rows_reading *reading, int result, struct store_row **rows,
               size_t *count) {
    struct header *header = reading->rows.header;
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
    int result = begin(&reading, store, split, error);
    if (result == 0)
        result = read_all(&reading);
    sql_read_end(store);
    return end(&reading, result, rows, count);
}

/* --- what is new ------------------------------------------------------------------ */

static void read_mark(struct sql_row *row, void *to) {
    struct store_mark *mark = to;
    mark->solution = sql_integer(row, 0, 0, INT64_MAX);
    mark->expert = sql_integer(row, 1, 0, INT64_MAX);
    mark->time = sql_real(row, 2);
}

int store_mark(struct store *store, struct store_mark *mark, struct error *error) {
    *mark = (struct store_mark){0};
    return sql_one(store, error, "the newest evaluation", read_mark, mark,
                   "SELECT (SELECT ifnull(max(id), 0) FROM solution),"
                   " (SELECT ifnull(max(id), 0) FROM expert),"
                   " (SELECT ifnull(max(time), 0.0) FROM evaluation)",
                   "") < 0
               ? -1
               : 0;
}

struct changes {
    int64_t *ids; /* rising */
    size_t count, capacity;
    int64_t expert;
};

static int order_ids(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Solutions that are newer than the mark, or have an evaluation that is. Writers take
 * turns and put the time into their rows while it is theirs: what a reader has not
 * seen is not older than what it has. Moves the mark. */
static int find_changes(struct store *store, struct store_mark *mark,
                        struct changes *changes, struct error *error) {
    sqlite3_stmt *statement =
        sql_prepare(store, error,
                    "SELECT id, 0.0 FROM solution WHERE id > ? UNION ALL"
                    " SELECT solution, max(time) FROM evaluation WHERE time >= ?"
                    " GROUP BY solution UNION ALL"
                    " SELECT -max(id), 0.0 FROM expert",
                    "id", mark->solution, mark->time);
    if (!statement)
        return -1;
    int result;
    while ((result = sql_step(store, statement, error)) > 0) {
        struct sql_row row = {store, statement, "an evaluation", error, false};
        int64_t id = sql_integer(&row, 0, -INT64_MAX, INT64_MAX);
        double time = sql_real(&row, 1);
        if (row.failed ||
            (id >= 0 && array_reserve((void **)&changes->ids, &changes->capacity,
                                      changes->count + 1, sizeof id))) {
            result = row.failed ? -1 : error_memory(error);
            break;
        }
        if (id < 0)
            changes->expert = -id;
        else
            changes->ids[changes->count++] = id;
        mark->time = fmax(mark->time, time);
        mark->solution = id > mark->solution ? id : mark->solution;
    }
    sqlite3_finalize(statement);
    if (result || !changes->count)
        return result;
    qsort(changes->ids, changes->count, sizeof *changes->ids, order_ids);
    size_t kept = 1;
    for (size_t i = 1; i < changes->count; i++)
        if (changes->ids[i] != changes->ids[i - 1])
            changes->ids[kept++] = changes->ids[i];
    changes->count = kept;
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
        else if (read_solutions(reading, solution) ||
                 read_evaluations(reading, evaluation))
            result = -1;
    }
    sqlite3_finalize(solution);
    sqlite3_finalize(evaluation);
    return result;
}

int store_rows_since(struct store *store, const char *split, struct store_mark *mark,
                     bool *whole, struct store_row **rows, size_t *count,
                     struct error *error) {
    /* More changes than this are read faster in one go. */
    enum { CHANGES_MOST = 2000 };
    struct store_mark now = *mark;
    struct changes changes = {0};
    struct rows_reading reading;
    *rows = NULL;
    *count = 0;
    *whole = false;
    if (sql_read_begin(store, error))
        return -1;
    int result = begin(&reading, store, split, error);
    if (result == 0)
        result = find_changes(store, &now, &changes, error);
    if (result == 0) {
        /* Another expert has made others stale, which leaves no time behind. */
        *whole = changes.expert != mark->expert || changes.count > CHANGES_MOST;
        now.expert = changes.expert;
        result = *whole ? read_all(&reading) : read_changes(&reading, &changes);
    }
    sql_read_end(store);
    free(changes.ids);
    if (result == 0)
        *mark = now;
    return end(&reading, result, rows, count);
}
