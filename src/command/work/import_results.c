#include "command/work/import_results.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/work/import_state.h"

static const char *const splits[] = {"test", "train"};
enum { SPLITS = sizeof splits / sizeof *splits };

int pairs_add(struct pairs *pairs, int64_t there, int64_t here, struct error *error) {
    if (array_reserve((void **)&pairs->list, &pairs->capacity, pairs->count + 1,
                      sizeof *pairs->list))
        return error_memory(error);
    pairs->list[pairs->count++] = (struct pair){there, here};
    return 0;
}

static int compare_pairs(const void *a, const void *b) {
    const struct pair *x = a, *y = b;
    return (x->there > y->there) - (x->there < y->there);
}

void pairs_sort(struct pairs *pairs) {
    if (pairs->count)
        qsort(pairs->list, pairs->count, sizeof *pairs->list, compare_pairs);
}

int64_t pairs_find(const struct pairs *pairs, int64_t there) {
    const struct pair wanted = {there, 0};
    const struct pair *found =
        pairs->count
            ? bsearch(&wanted, pairs->list, pairs->count, sizeof wanted, compare_pairs)
            : NULL;
    return found ? found->here : 0;
}

/* --- is it the same pool? ------------------------------------------------------- */

static int check_model(const struct importing *importing, const char *what,
                       const struct store_checkpoint *here,
                       const struct store_checkpoint *there, struct error *error) {
    if (strcmp(here->sha256, there->sha256) == 0)
        return 0;
    return error_set(error,
                     "%s: its %s differs from that of %s (SHA-256 %.12s, not %.12s): "
                     "the figures cannot be compared; nothing was imported",
                     store_path(importing->other), what, store_path(importing->store),
                     *there->sha256 ? there->sha256 : "none",
                     *here->sha256 ? here->sha256 : "none");
}

static int check_task(const struct importing *importing, size_t t,
                      const struct store_task *there, struct error *error) {
    const struct store_task *here = &importing->recipe->tasks[t];
    const char *other = store_path(importing->other);
    if (strcmp(here->name, there->name) != 0)
        return error_set(error,
                         "%s: its task %zu is %s, not %s: only files with the same "
                         "tasks in the same order go together; nothing was imported",
                         other, t + 1, there->name, here->name);
    if (!store_objective_alike(&here->objective, &there->objective))
        return error_set(error,
                         "%s: %s is measured as %s in %s there, as %s in %s here; "
                         "nothing was imported",
                         other, here->name, there->objective.metric,
                         there->objective.unit, here->objective.metric,
                         here->objective.unit);
    char *what = text_format("expert of %s", here->name);
    if (!what)
        return error_memory(error);
    int failed = check_model(importing, what, &here->expert, &there->expert, error);
    free(what);
    return failed;
}

static int check_pool(const struct importing *importing, struct error *error) {
    const struct store_recipe *here = importing->recipe;
    struct store_recipe *there;
    if (store_recipe(importing->other, &there, error))
        return -1;
    int failed = 0;
    if (here->task_count != there->task_count)
        failed =
            error_set(error, "%s: it has %zu tasks, %s has %zu; nothing was imported",
                      store_path(importing->other), there->task_count,
                      store_path(importing->store), here->task_count);
    else
        failed = check_model(importing, "pretrained model", &here->pretrained,
                             &there->pretrained, error);
    for (size_t t = 0; !failed && t < here->task_count; t++)
        failed = check_task(importing, t, &there->tasks[t], error);
    store_recipe_free(there);
    return failed;
}

/* Examples that only the other file knows are known here from then on: whoever measures
 * here next finds out whether they are the same. */
static int check_data(struct importing *importing, size_t t, const char *split,
                      struct error *error) {
    struct store_data here, there;
    bool known_here, known_there;
    if (store_data_get(importing->store, t, split, &known_here, &here, error) ||
        store_data_get(importing->other, t, split, &known_there, &there, error))
        return -1;
    if (known_here && known_there && strcmp(here.sha256, there.sha256) != 0)
        return error_set(error,
                         "%s: its %s examples of %s differ from those of %s: the "
                         "figures cannot be compared; nothing was imported",
                         store_path(importing->other), split,
                         importing->recipe->tasks[t].name,
                         store_path(importing->store));
    importing->result->unknown +=
        known_there ? !known_here && importing->measured : known_here;
    if (known_here || !known_there)
        return 0;
    bool changed;
    *there.stamp = '\0'; /* of that machine's files */
    return store_data_put(importing->store, t, split, &there, &changed, error);
}

/* --- solutions -------------------------------------------------------------------- */

static int remember_new(struct importing *importing, int64_t id, struct error *error) {
    struct import_results *result = importing->result;
    if (array_reserve((void **)&result->ids, &importing->ids, result->solutions + 1,
                      sizeof *result->ids))
        return error_memory(error);
    result->ids[result->solutions++] = id;
    return 0;
}

/* The solution's id here, whether it was there or comes now. */
static int take_solution(struct importing *importing,
                         const struct store_solution *there, int64_t *id,
                         struct error *error) {
    struct store_solution solution = *there;
    if (there->routers &&
        !(solution.routers = pairs_find(&importing->routers, there->routers)))
        return error_set(error,
                         "%s: solution %lld is of routers %lld, which no run has",
                         store_path(importing->other), (long long)there->id,
                         (long long)there->routers);
    solution.id = 0;
    if (store_solution_find(importing->store, &solution, id, error))
        return -1;
    if (!*id) {
        if (store_solution_put(importing->store, &solution, error) ||
            remember_new(importing, solution.id, error))
            return -1;
        *id = solution.id;
    }
    return pairs_add(&importing->solutions, there->id, *id, error);
}

static bool is_better(const struct store_evaluation *here,
                      const struct store_evaluation *there) {
    if (!here || !here->present || here->stale)
        return true;
    if (here->complete)
        return here->fp8 && !there->fp8 && there->complete;
    return there->complete || there->examples > here->examples;
}

/* The figures of a row there that are wanted here, with their bits. */
struct wanted_figures {
    struct store_evaluation list[STORE_TASKS_MAX];
    size_t count;
};

static void figures_clear(struct wanted_figures *figures) {
    for (size_t i = 0; i < figures->count; i++)
        free(figures->list[i].correct);
    figures->count = 0;
}

static int figures_gather(struct importing *importing, const struct store_row *here,
                          const struct store_row *there, const char *split,
                          struct wanted_figures *figures, struct error *error) {
    figures->count = 0;
    for (size_t t = 0; t < importing->recipe->task_count; t++) {
        const struct store_evaluation *e = &there->evaluations[t];
        if (!e->present || e->stale ||
            !is_better(here ? &here->evaluations[t] : NULL, e))
            continue;
        struct store_evaluation *wanted = &figures->list[figures->count];
        *wanted = *e;
        bool found;
        uint64_t examples;
        if (store_correct(importing->other, there->solution.id, t, split, &found,
                          &wanted->correct, &examples, error))
            return -1;
        wanted->correct_size = found ? (size_t)((examples + 7) / 8) : 0;
        figures->count++;
    }
    return 0;
}

/* Has this solution no figure here that holds, on any split? */
static int is_bare(struct importing *importing, int64_t id, bool *bare,
                   struct error *error) {
    *bare = true;
    for (size_t s = 0; s < SPLITS; s++) {
        enum store_state state;
        if (store_solution_state(importing->store, id, splits[s], &state, error))
            return -1;
        if (state != STORE_STATE_NONE && state != STORE_STATE_STALE)
            *bare = false;
    }
    return 0;
}

/* One row of a split, at its solution here. */
static int take_figures(struct importing *importing, const struct store_row *here,
                        const struct store_row *there, int64_t id, const char *split,
                        struct error *error) {
    const char *ours = here ? here->solution.model_sha256 : "";
    const char *theirs = there->solution.model_sha256;
    /* The same solution may come out with other last digits on another processor: it
     * has figures of the one or of the other, never a mixture. */
    bool another = *ours && *theirs && strcmp(ours, theirs) != 0, bare;
    if (another && is_bare(importing, id, &bare, error))
        return -1;
    if (another && !bare) {
        importing->result->others += !store_split_trains(split);
        return 0;
    }
    struct wanted_figures figures;
    int failed = figures_gather(importing, here, there, split, &figures, error);
    if (!failed && figures.count)
        failed = store_evaluations_put(importing->store, id, *theirs ? theirs : ours,
                                       figures.list, figures.count, error);
    if (!failed)
        importing->result->figures += figures.count;
    figures_clear(&figures);
    return failed;
}

static int take_rows(struct importing *importing, const char *split, bool first,
                     struct error *error) {
    struct store_row *here, *there;
    size_t here_count, there_count;
    if (store_rows(importing->store, split, &here, &here_count, error))
        return -1;
    int failed = store_rows(importing->other, split, &there, &there_count, error);
    for (size_t i = 0; !failed && i < there_count; i++) {
        int64_t id = 0;
        if (work_stopped(importing->work))
            failed = error_set(error, "stopped; nothing was imported");
        else if (first)
            failed = take_solution(importing, &there[i].solution, &id, error);
        else
            id = pairs_find(&importing->solutions, there[i].solution.id);
        if (!failed && id)
            failed = take_figures(importing, store_row_find(here, here_count, id),
                                  &there[i], id, split, error);
        work_report(importing->work, "solutions", i + 1, there_count);
    }
    store_rows_free(here, here_count);
    store_rows_free(there, there_count);
    return failed;
}

/* --- all of it
 * ------------------------------------------------------------------------ */

static int take_all(struct importing *importing, struct error *error) {
    if (store_solutions_count(importing->store, &importing->measured, error))
        return -1;
    for (size_t t = 0; t < importing->recipe->task_count; t++)
        for (size_t s = 0; s < SPLITS; s++)
            if (check_data(importing, t, splits[s], error))
                return -1;
    if (import_runs(importing, error))
        return -1;
    for (size_t s = 0; s < SPLITS; s++)
        if (take_rows(importing, splits[s], s == 0, error))
            return -1;
    if (import_bookmarks(importing, error))
        return -1;
    const struct import_results *result = importing->result;
    const char *path = store_path(importing->other), *slash = strrchr(path, '/');
    return store_log(
        importing->store, error, "import %s: %zu runs, %zu solutions, %zu figures",
        slash ? slash + 1 : path, result->runs, result->solutions, result->figures);
}

int import_results(struct store *store, const struct store_recipe *recipe,
                   struct store *other, const struct work *work,
                   struct import_results *result, struct error *error) {
    *result = (struct import_results){0};
    struct importing importing = {.store = store,
                                  .other = other,
                                  .recipe = recipe,
                                  .work = work,
                                  .result = result};
    int failed = check_pool(&importing, error) || store_begin(store, error);
    if (!failed) {
        failed = take_all(&importing, error);
        if (failed)
            store_rollback(store);
        else
            failed = store_commit(store, error);
    }
    free(importing.routers.list);
    free(importing.solutions.list);
    if (failed) {
        free(result->ids);
        *result = (struct import_results){0};
        return -1;
    }
    return 0;
}
