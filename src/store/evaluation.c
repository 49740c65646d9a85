/* Evaluations: what a solution scored, kept once and never lost. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/solution.h"

static size_t bits_size(uint64_t examples) {
    return (size_t)(examples / 8 + (examples % 8 != 0));
}

/* --- storing ---------------------------------------------------------------- */

struct evaluated { /* the solution that evaluations are of */
    int64_t id;
    bool imported;
    char model_sha256[SHA256_HEX];
};

static void read_target(struct sql_row *row, void *to) {
    struct evaluated *target = to;
    target->imported = sql_boolean(row, 0);
    sql_sha256(row, 1, target->model_sha256);
}

static int find_target(struct store *store, struct evaluated *target,
                       struct error *error) {
    int result = sql_one(store, error, "a solution", read_target, target,
                         "SELECT kind = ?, model_sha256 FROM solution WHERE id = ?",
                         "ti", store_kind_name(STORE_KIND_IMPORT), target->id);
    if (result == 0)
        result = error_set(error, "%s: there is no solution %lld", store->path,
                           (long long)target->id);
    return result < 0 ? -1 : 0;
}

static int check(struct store *store, const struct evaluated *target,
                 const struct store_evaluation *evaluation, struct error *error) {
    const struct store_evaluation *e = evaluation;
    if (e->objective >= store->tasks)
        return error_set(error, "an evaluation has objective %zu of %zu", e->objective,
                         store->tasks);
    if (!e->split || !*e->split)
        return error_set(error, "an evaluation names no split");
    if (!isfinite(e->value) || !isfinite(e->low) || !isfinite(e->high))
        return error_set(error, "an evaluation of objective %zu is not a number",
                         e->objective);
    /* The interval is computed apart from the value: allow for its rounding. */
    if (e->low > e->value + 1e-6 || e->high < e->value - 1e-6)
        return error_set(error,
                         "an evaluation of objective %zu, %g, is not in %g to %g",
                         e->objective, e->value, e->low, e->high);
    if (e->imported != target->imported)
        return error_set(error, "%s: solution %lld holds %s figures only", store->path,
                         (long long)target->id,
                         target->imported ? "imported" : "measured");
    if (!e->imported && e->examples == 0)
        return error_set(error, "an evaluation of objective %zu is over no examples",
                         e->objective);
    if (e->examples > INT64_MAX)
        return error_set(error, "an evaluation of objective %zu is over %llu examples",
                         e->objective, (unsigned long long)e->examples);
    if (e->correct && e->correct_size != bits_size(e->examples))
        return error_set(error, "%zu bytes of bits for %llu examples", e->correct_size,
                         (unsigned long long)e->examples);
    return 0;
}

static void read_flag(struct sql_row *row, void *to) {
    *(bool *)to = sql_boolean(row, 0);
}

/* A percentage outside 0 to 100 is a fault, whoever measured it. */
static int check_unit(struct store *store, const struct store_evaluation *evaluation,
                      struct error *error) {
    bool percent = false;
    if (sql_one(store, error, "an objective", read_flag, &percent,
                "SELECT unit = '%' FROM objective WHERE position = ?", "i",
                (int64_t)evaluation->objective) < 0)
        return -1;
    if (percent && (evaluation->value < 0 || evaluation->value > 100))
        return error_set(error,
                         "an evaluation of objective %zu is %g %%; it must be 0 to 100",
                         evaluation->objective, evaluation->value);
    return 0;
}

/* How much the evaluation that is there says. */
struct there {
    bool complete, stale, fp8;
    uint64_t examples;
};

static void read_there(struct sql_row *row, void *to) {
    struct there *there = to;
    there->complete = sql_boolean(row, 0);
    there->stale = sql_boolean(row, 1);
    there->examples = (uint64_t)sql_integer(row, 2, 0, INT64_MAX);
    there->fp8 = sql_boolean(row, 3);
}

/* Whether this evaluation takes the place of the one that is there, if any is. */
static int replaces(struct store *store, int64_t solution,
                    const struct store_evaluation *evaluation, bool *replace, bool *any,
                    struct error *error) {
    struct there there = {.stale = true};
    int found =
        sql_one(store, error, "an evaluation", read_there, &there,
                "SELECT complete, stale, examples, EXISTS (SELECT 1 FROM precision p"
                " WHERE (p.solution, p.objective, p.split) ="
                " (e.solution, e.objective, e.split)) FROM evaluation e"
                " WHERE solution = ? AND objective = ? AND split = ?",
                "iit", solution, (int64_t)evaluation->objective, evaluation->split);
    if (found < 0)
        return -1;
    *any = found > 0;
    bool coarser = evaluation->fp8 && !there.fp8 && there.complete;
    *replace = there.stale || (evaluation->complete && !coarser) ||
               (!there.complete && evaluation->examples > there.examples);
    return 0;
}

/* Where it took the place of another the row may be that one's. */
static int put_precision(struct store *store, int64_t solution,
                         const struct store_evaluation *e, bool any,
                         struct error *error) {
    if (e->fp8)
        return sql_write(store, error,
                         "INSERT INTO precision VALUES (?, ?, ?, 'fp8')"
                         " ON CONFLICT DO NOTHING",
                         "iit", solution, (int64_t)e->objective, e->split);
    return any ? sql_write(store, error,
                           "DELETE FROM precision"
                           " WHERE solution = ? AND objective = ? AND split = ?",
                           "iit", solution, (int64_t)e->objective, e->split)
               : 0;
}

static int put_one(struct store *store, int64_t solution,
                   const struct store_evaluation *evaluation, struct error *error) {
    const struct store_evaluation *e = evaluation;
    int64_t objective = (int64_t)e->objective;
    bool replace, any;
    if (check_unit(store, e, error) ||
        replaces(store, solution, e, &replace, &any, error))
        return -1;
    if (!replace)
        return 0;
    if (sql_write(store, error,
                  "INSERT INTO evaluation VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)"
                  " ON CONFLICT DO UPDATE SET value = excluded.value,"
                  " low = excluded.low, high = excluded.high,"
                  " examples = excluded.examples, complete = excluded.complete,"
                  " stale = 0, loss = excluded.loss, time = excluded.time",
                  "iitdddibdd", solution, objective, e->split, e->value,
                  fmin(e->low, e->value), fmax(e->high, e->value), (int64_t)e->examples,
                  (int)e->complete, e->loss, sql_now()) ||
        put_precision(store, solution, e, any, error))
        return -1;
    if (!e->correct && !any)
        return 0;
    if (!e->correct)
        return sql_write(store, error,
                         "DELETE FROM correct"
                         " WHERE solution = ? AND objective = ? AND split = ?",
                         "iit", solution, objective, e->split);
    return sql_write(store, error,
                     "INSERT INTO correct VALUES (?, ?, ?, ?)"
                     " ON CONFLICT DO UPDATE SET bits = excluded.bits",
                     "iitx", solution, objective, e->split, (const void *)e->correct,
                     e->correct_size);
}

static int put_model(struct store *store, const struct evaluated *target,
                     const char *model_sha256, struct error *error) {
    if (!model_sha256 || !*model_sha256 ||
        strcmp(model_sha256, target->model_sha256) == 0)
        return 0;
    if (*target->model_sha256 &&
        sql_write(store, error, "UPDATE evaluation SET stale = 1 WHERE solution = ?",
                  "i", target->id))
        return -1;
    return sql_write(store, error, "UPDATE solution SET model_sha256 = ? WHERE id = ?",
                     "ti", model_sha256, target->id);
}

static int put(struct store *store, int64_t solution, const char *model_sha256,
               const struct store_evaluation *evaluations, size_t count,
               struct error *error) {
    struct evaluated target = {.id = solution};
    if (find_target(store, &target, error))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (check(store, &target, &evaluations[i], error))
            return -1;
    if (put_model(store, &target, model_sha256, error))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (put_one(store, solution, &evaluations[i], error))
            return -1;
    return 0;
}

int store_evaluations_put(struct store *store, int64_t solution,
                          const char *model_sha256,
                          const struct store_evaluation *evaluations, size_t count,
                          struct error *error) {
    if (sql_write_begin(store, error))
        return -1;
    return sql_write_end(
        store, put(store, solution, model_sha256, evaluations, count, error), error);
}

/* --- reading; rows are in rows.c ---------------------------------------------- */

struct bits {
    void *bytes;
    size_t size;
    uint64_t examples;
};

static void read_bits(struct sql_row *row, void *to) {
    struct bits *bits = to;
    bits->examples = (uint64_t)sql_integer(row, 0, 0, INT64_MAX);
    bits->bytes = sql_blob(row, 1, &bits->size);
    if (!row->failed && (!bits->bytes || bits->size != bits_size(bits->examples)))
        sql_row_corrupt(row, "the bits of an evaluation are %zu bytes", bits->size);
}

int store_correct(struct store *store, int64_t solution, size_t objective,
                  const char *split, bool *found, void **bits, uint64_t *examples,
                  struct error *error) {
    struct bits read = {0};
    int result =
        sql_one(store, error, "the bits of an evaluation", read_bits, &read,
                "SELECT e.examples, c.bits FROM correct c JOIN evaluation e"
                " USING (solution, objective, split)"
                " WHERE c.solution = ? AND c.objective = ? AND c.split = ?",
                "iit", solution,
                objective > INT64_MAX ? (int64_t)-1 : (int64_t)objective, split);
    if (result < 0) {
        free(read.bytes);
        read = (struct bits){0};
    }
    *found = result > 0;
    *bits = read.bytes;
    *examples = read.examples;
    return result < 0 ? -1 : 0;
}

struct model_figures {
    struct store_evaluation *evaluations;
    const char *split;
};

static void read_figure(struct sql_row *row, void *to) {
    struct model_figures *figures = to;
    size_t t = (size_t)sql_integer(row, 0, 0, (int64_t)row->store->tasks - 1);
    const struct store_evaluation read = {
        .objective = t,
        .split = (char *)(uintptr_t)figures->split,
        .present = true,
        .complete = true,
        .value = sql_real(row, 1),
        .low = sql_real(row, 2),
        .high = sql_real(row, 3),
        .examples = (uint64_t)sql_integer(row, 4, 0, INT64_MAX),
        .loss = NAN};
    if (!row->failed)
        figures->evaluations[t] = read;
}

int store_model_figures(struct store *store, const char *model_sha256,
                        const char *split, struct store_evaluation *evaluations,
                        struct error *error) {
    struct model_figures figures = {evaluations, split};
    for (size_t t = 0; t < store->tasks; t++)
        evaluations[t] = (struct store_evaluation){.objective = t, .loss = NAN};
    if (!*model_sha256)
        return 0;
    return sql_all(store, error, "a figure", read_figure, &figures,
                   "SELECT e.objective, e.value, e.low, e.high, e.examples"
                   " FROM evaluation e JOIN solution s ON s.id = e.solution"
                   " WHERE s.model_sha256 = ? AND s.kind <> ? AND e.split = ?"
                   " AND e.complete = 1 AND e.stale = 0 ORDER BY e.time",
                   "ttt", model_sha256, store_kind_name(STORE_KIND_IMPORT), split);
}
