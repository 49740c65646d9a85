/* Solutions: how each model is made, each once. */
#include "store/solution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* --- words ------------------------------------------------------------------ */

static const char *const kinds[STORE_KINDS] = {
    [STORE_KIND_NONE] = "",       [STORE_KIND_PWEMOE] = "pwemoe",
    [STORE_KIND_MERGE] = "merge", [STORE_KIND_SINGLE] = "single",
    [STORE_KIND_TRAIN] = "train", [STORE_KIND_IMPORT] = "import"};

const char *store_kind_name(enum store_kind kind) {
    return kind < STORE_KINDS ? kinds[kind] : "";
}

enum store_kind store_kind_find(const char *name) {
    int kind = STORE_KINDS - 1;
    while (kind > 0 && (!name || strcmp(name, kinds[kind]) != 0))
        kind--;
    return (enum store_kind)kind;
}

const char *store_role_name(enum store_role role) {
    static const char *const names[] = {[STORE_ROLE_NONE] = "",
                                        [STORE_ROLE_PRETRAINED] = "pretrained",
                                        [STORE_ROLE_EXPERTS] = "stl",
                                        [STORE_ROLE_CLOSED_FORM] = "wudi"};
    return names[role];
}

enum store_role store_method_role(const char *method) {
    for (int role = STORE_ROLE_PRETRAINED; role <= STORE_ROLE_CLOSED_FORM; role++)
        if (strcmp(method, store_role_name((enum store_role)role)) == 0)
            return (enum store_role)role;
    return STORE_ROLE_NONE;
}

bool store_method_is(const char *method, const char *wanted) {
    return !wanted || strcmp(method, wanted) == 0;
}

bool store_upscale_is(const char *upscale, const char *wanted) {
    return !wanted || strcmp(upscale, wanted) == 0;
}

enum store_training store_trains(const char *upscale) {
    return !*upscale                                ? STORE_TRAINS_MODEL
           : strcmp(upscale, STORE_CORRECTION) == 0 ? STORE_TRAINS_CORRECTION
           : strcmp(upscale, STORE_SURROGATE) == 0  ? STORE_TRAINS_SURROGATE
                                                    : STORE_TRAINS_ROUTERS;
}

bool store_run_is(const struct store_run *run, const char *method,
                  const char *upscale) {
    return store_method_is(run->method, method) &&
           store_upscale_is(run->upscale, upscale);
}

const char *store_state_name(enum store_state state) {
    static const char *const names[STORE_STATES] = {
        [STORE_STATE_NONE] = "none",   [STORE_STATE_PARTIAL] = "partial",
        [STORE_STATE_STALE] = "stale", [STORE_STATE_COMPLETE] = "complete",
        [STORE_STATE_FP8] = "fp8",     [STORE_STATE_IMPORTED] = "imported"};
    return names[state];
}

/* --- one solution ----------------------------------------------------------- */

void store_solution_clear(struct store_solution *solution) {
    free(solution->method);
    free(solution->parameters);
    free(solution->preference);
    free(solution->label);
    memset(solution, 0, sizeof *solution);
}

void solution_read_rest(struct sql_row *row, struct store_solution *solution) {
    size_t length;
    const char *kind = sql_text_here(row, 1, &length);
    solution->id = sql_integer(row, 0, 1, INT64_MAX);
    solution->kind = store_kind_find(kind);
    solution->routers = sql_id_or_null(row, 5);
    sql_sha256(row, 7, solution->model_sha256);
    solution->created = sql_real(row, 8);
    solution->seconds = sql_real(row, 9);
    solution->peak_bytes = (uint64_t)sql_integer(row, 10, 0, INT64_MAX);
    if (!row->failed && !solution->kind)
        sql_row_corrupt(row, "solution %lld is of kind \"%s\"", (long long)solution->id,
                        kind);
}

/* What was read before a failure is in it too, to be cleared. */
static void solution_read(struct sql_row *row, struct store_solution *solution) {
    memset(solution, 0, sizeof *solution);
    solution->method = sql_text(row, SOLUTION_METHOD);
    solution->parameters = sql_text(row, SOLUTION_PARAMETERS);
    solution->preference = sql_preference(row, SOLUTION_PREFERENCE);
    solution->label = sql_text(row, SOLUTION_LABEL);
    solution_read_rest(row, solution);
}

/* Near preferences have near keys: the sum of r_t times fixed numbers in (0, 1), so
 * that components that agree to 1e-9 move it by at most tasks * 1e-9. The numbers
 * are the fractions of multiples of the golden ratio, which keeps the points of a
 * grid apart. */
static double preference_key(const double *preference, size_t tasks) {
    if (!preference)
        return -1;
    double key = 0;
    for (size_t t = 0; t < tasks; t++)
        key += preference[t] * fmod((double)(t + 1) * 0.6180339887498949, 1.0);
    return key;
}

static bool equal(const double *a, const double *b, size_t tasks) {
    if (!a || !b)
        return !a && !b;
    for (size_t t = 0; t < tasks; t++)
        if (!(fabs(a[t] - b[t]) <= 1e-9))
            return false;
    return true;
}

struct likeness { /* the first solution that is made as this one */
    const struct store_solution *solution;
    int64_t id; /* 0: none */
    bool labelled;
};

static void read_likeness(struct sql_row *row, void *to) {
    struct likeness *likeness = to;
    int64_t id = sql_integer(row, 0, 1, INT64_MAX);
    double *preference = sql_preference(row, 1);
    bool labelled = sql_boolean(row, 2);
    if (!row->failed && !likeness->id &&
        equal(preference, likeness->solution->preference, row->store->tasks)) {
        likeness->id = id;
        likeness->labelled = labelled;
    }
    free(preference);
}

/* Sets id where a solution like this one is there, else 0; *labelled tells whether
 * that one has a label. */
static int find(struct store *store, const struct store_solution *solution,
                const char *parameters, double key, int64_t *id, bool *labelled,
                struct error *error) {
    struct likeness likeness = {.solution = solution};
    double reach = 1e-9 * (double)(store->tasks + 1);
    int result =
        sql_all(store, error, "a solution", read_likeness, &likeness,
                "SELECT id, preference, label <> '' FROM solution WHERE kind = ?"
                " AND method = ? AND parameters = ? AND ifnull(routers, 0) = ?"
                " AND preference_key BETWEEN ? AND ? ORDER BY id",
                "tttidd", store_kind_name(solution->kind), solution->method, parameters,
                solution->routers, key - reach, key + reach);
    *id = likeness.id;
    *labelled = likeness.labelled;
    return result;
}

static int check_routers(struct store *store, int64_t id, struct error *error) {
    int result = sql_one(store, error, "routers", NULL, NULL,
                         "SELECT 1 FROM routers WHERE id = ?", "i", id);
    if (result == 0)
        return error_set(error, "%s: there are no routers %lld", store->path,
                         (long long)id);
    return result < 0 ? -1 : 0;
}

static int put(struct store *store, const struct store_solution *solution,
               const char *parameters, int64_t *id, struct error *error) {
    double key = preference_key(solution->preference, store->tasks);
    bool labelled;
    if (find(store, solution, parameters, key, id, &labelled, error))
        return -1;
    if (*id && (solution->seconds > 0 || solution->peak_bytes) &&
        sql_write(store, error,
                  "UPDATE solution SET seconds = coalesce(nullif(?, 0), seconds),"
                  " peak_bytes = coalesce(nullif(?, 0), peak_bytes) WHERE id = ?",
                  "dii", solution->seconds, (int64_t)solution->peak_bytes, *id))
        return -1;
    if (*id && !labelled && solution->label && *solution->label)
        return sql_write(store, error, "UPDATE solution SET label = ? WHERE id = ?",
                         "ti", solution->label, *id);
    if (*id)
        return 0;
    if (solution->routers && check_routers(store, solution->routers, error))
        return -1;
    unsigned char bytes[8 * STORE_TASKS_MAX];
    if (solution->preference)
        sql_preference_pack(solution->preference, store->tasks, bytes);
    if (sql_write(store, error,
                  "INSERT INTO solution (kind, method, parameters, preference,"
                  " preference_key, routers, label, model_sha256, created, seconds,"
                  " peak_bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "tttxdIttddi", store_kind_name(solution->kind), solution->method,
                  parameters, solution->preference ? (const void *)bytes : NULL,
                  store->tasks * 8, key, solution->routers, solution->label,
                  solution->model_sha256,
                  solution->created != 0 ? solution->created : sql_now(),
                  solution->seconds, (int64_t)solution->peak_bytes))
        return -1;
    *id = sqlite3_last_insert_rowid(store->db);
    return 0;
}

/* What a solution is known by, in order; its parameters in the form of the file, or
 * NULL with error. */
static char *check_identity(struct store *store, const struct store_solution *solution,
                            struct error *error) {
    if (!*store_kind_name(solution->kind))
        error_set(error, "a solution has no kind");
    else if (!solution->method || !*solution->method)
        error_set(error, "a solution has no method");
    else if (!solution->preference ||
             sql_preference_check(solution->preference, store->tasks, error) == 0)
        return sql_canonical_json(solution->parameters, "a solution's parameters",
                                  error);
    return NULL;
}

int store_solution_put(struct store *store, struct store_solution *solution,
                       struct error *error) {
    if (!isfinite(solution->created))
        return error_set(error, "a solution's time is not a number");
    if (!(solution->seconds >= 0) || !isfinite(solution->seconds) ||
        solution->peak_bytes > INT64_MAX)
        return error_set(error, "what a solution's making took is out of range");
    char *parameters = check_identity(store, solution, error);
    if (!parameters)
        return -1;
    int64_t id = 0;
    int result = sql_write_begin(store, error);
    if (result == 0) {
        result = put(store, solution, parameters, &id, error);
        result = sql_write_end(store, result, error);
    }
    free(parameters);
    if (result == 0)
        solution->id = id;
    return result;
}

int store_solution_find(struct store *store, const struct store_solution *wanted,
                        int64_t *id, struct error *error) {
    bool labelled;
    *id = 0;
    char *parameters = check_identity(store, wanted, error);
    if (!parameters)
        return -1;
    int result =
        find(store, wanted, parameters,
             preference_key(wanted->preference, store->tasks), id, &labelled, error);
    free(parameters);
    return result;
}

static void read_count(struct sql_row *row, void *to) {
    *(size_t *)to = (size_t)sql_integer(row, 0, 0, INT64_MAX);
}

int store_solutions_count(struct store *store, size_t *count, struct error *error) {
    *count = 0;
    return sql_one(store, error, "the number of solutions", read_count, count,
                   "SELECT count(*) FROM solution", "") < 0
               ? -1
               : 0;
}

static void read_one(struct sql_row *row, void *to) {
    solution_read(row, to);
}

int store_solution_get(struct store *store, int64_t id, bool *found,
                       struct store_solution *solution, struct error *error) {
    memset(solution, 0, sizeof *solution);
    int result =
        sql_one(store, error, "a solution", read_one, solution,
                "SELECT " SOLUTION_COLUMNS " FROM solution s WHERE s.id = ?", "i", id);
    *found = result > 0;
    if (result < 0)
        store_solution_clear(solution);
    return result < 0 ? -1 : 0;
}
