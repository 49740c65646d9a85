#include "command/work/import_results.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static const char *const splits[] = {"test", "train"};
enum { SPLITS = sizeof splits / sizeof *splits };

/* Which id here an id there has. */
struct pairs {
    struct pair {
        int64_t there, here;
    } * list; /* there rises */
    size_t count, capacity;
};

static int pairs_add(struct pairs *pairs, int64_t there, int64_t here,
                     struct error *error) {
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

/* 0 where there is none. */
static int64_t pairs_find(const struct pairs *pairs, int64_t there) {
    const struct pair wanted = {there, 0};
    const struct pair *found =
        pairs->count
            ? bsearch(&wanted, pairs->list, pairs->count, sizeof wanted, compare_pairs)
            : NULL;
    return found ? found->here : 0;
}

struct importing {
    struct store *store, *other;
    const struct store_recipe *recipe;
    const struct work *work;
    struct pairs routers, solutions;
    struct import_results *result;
    size_t measured; /* solutions here before */
    size_t ids;      /* capacity of result->ids */
};

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

/* --- runs ------------------------------------------------------------------------- */

/* A run with its saved steps, without their bytes. */
struct saved_run {
    const struct store_run *run;
    struct store_routers *steps;
    size_t count;
};

static int same_bytes(struct store *here, int64_t a, struct store *there, int64_t b,
                      bool *same, struct error *error) {
    struct store_routers x, y;
    if (store_routers_get(here, a, &x, error))
        return -1;
    int failed = store_routers_get(there, b, &y, error);
    if (!failed) {
        *same = x.size == y.size && memcmp(x.blob, y.blob, x.size) == 0;
        store_routers_clear(&y);
    }
    store_routers_clear(&x);
    return failed;
}

/* Are routers the same at every step that both have saved? Pairs those. */
static int steps_agree(struct importing *importing, const struct saved_run *here,
                       const struct saved_run *there, bool *agree,
                       struct error *error) {
    *agree = true;
    for (size_t i = 0, j = 0; *agree && i < here->count && j < there->count;) {
        const struct store_routers *a = &here->steps[i], *b = &there->steps[j];
        if (a->step == b->step &&
            same_bytes(importing->store, a->id, importing->other, b->id, agree, error))
            return -1;
        i += a->step <= b->step;
        j += b->step <= a->step;
    }
    return 0;
}

/* The run here that is this one: among those of the same making, the one whose routers
 * agree; *found NULL where there is none. */
static int find_run(struct importing *importing, const struct store_run *runs,
                    size_t count, const struct saved_run *there,
                    const struct store_run **found, struct error *error) {
    *found = NULL;
    for (size_t i = 0; i < count && !*found; i++) {
        const struct store_run *run = &runs[i];
        if (!store_run_is(run, there->run->method, there->run->upscale) ||
            strcmp(run->parameters, there->run->parameters) != 0 ||
            memcmp(&run->started, &there->run->started, sizeof run->started) != 0)
            continue;
        struct saved_run here = {.run = run};
        bool agree;
        if (store_routers_list(importing->store, run->id, &here.steps, &here.count,
                               error))
            return -1;
        int failed = steps_agree(importing, &here, there, &agree, error);
        free(here.steps);
        if (failed)
            return -1;
        if (agree)
            *found = run;
    }
    return 0;
}

/* The curve and, where it is kept, what the run goes on from. */
static int take_progress(struct importing *importing, int64_t there,
                         struct store_run *run, struct error *error) {
    struct store_curve_point *points;
    size_t count, size;
    void *state;
    if (store_curve(importing->other, there, &points, &count, error))
        return -1;
    int failed = store_run_state(importing->other, there, &state, &size, error);
    if (!failed) {
        failed = store_run_save(importing->store, run, NULL, state, size, points, count,
                                error);
        free(state);
    }
    free(points);
    return failed;
}

static int take_step(struct importing *importing, struct store_run *run, int64_t there,
                     int64_t *id, struct error *error) {
    struct store_routers routers;
    if (store_routers_get(importing->other, there, &routers, error))
        return -1;
    int failed =
        store_run_save(importing->store, run, &routers, NULL, 0, NULL, 0, error);
    *id = routers.id;
    store_routers_clear(&routers);
    return failed;
}

/* The routers of each step, which may be here already: whoever trains the run here then
 * need not be waited for. */
static int take_routers(struct importing *importing, struct store_run *run,
                        const struct saved_run *there, struct error *error) {
    struct store_routers *here;
    size_t count, at = 0;
    if (store_routers_list(importing->store, run->id, &here, &count, error))
        return -1;
    int failed = 0;
    for (size_t i = 0; !failed && i < there->count; i++) {
        const struct store_routers *step = &there->steps[i];
        while (at < count && here[at].step < step->step)
            at++;
        int64_t id = at < count && here[at].step == step->step ? here[at].id : 0;
        failed = (!id && take_step(importing, run, step->id, &id, error)) ||
                 pairs_add(&importing->routers, step->id, id, error);
    }
    free(here);
    return failed ? -1 : 0;
}

static int take_run(struct importing *importing, const struct store_run *runs,
                    size_t count, const struct saved_run *there, struct error *error) {
    const struct store_run *found;
    if (find_run(importing, runs, count, there, &found, error))
        return -1;
    bool further = !found || there->run->steps_done > found->steps_done ||
                   (there->run->complete && !found->complete);
    /* What is borrowed here belongs to the arrays that it comes from. */
    struct store_run run = further ? *there->run : *found;
    run.id = found ? found->id : 0;
    if (!found && store_run_begin(importing->store, &run, error))
        return -1;
    importing->result->runs += !found;
    importing->result->advanced += found && further;
    if (further && take_progress(importing, there->run->id, &run, error))
        return -1;
    return take_routers(importing, &run, there, error);
}

static int take_runs(struct importing *importing, struct error *error) {
    struct store_run *here, *there;
    size_t here_count, there_count;
    if (store_runs(importing->store, &here, &here_count, error))
        return -1;
    int failed = store_runs(importing->other, &there, &there_count, error);
    for (size_t i = 0; !failed && i < there_count; i++) {
        if (work_stopped(importing->work)) {
            failed = error_set(error, "stopped; nothing was imported");
            break;
        }
        struct saved_run run = {.run = &there[i]};
        failed = store_routers_list(importing->other, there[i].id, &run.steps,
                                    &run.count, error);
        if (!failed) {
            failed = take_run(importing, here, here_count, &run, error);
            free(run.steps);
        }
        work_report(importing->work, "runs", i + 1, there_count);
    }
    if (!failed && importing->routers.count)
        qsort(importing->routers.list, importing->routers.count,
              sizeof *importing->routers.list, compare_pairs);
    store_runs_free(here, here_count);
    store_runs_free(there, there_count);
    return failed;
}

/* --- solutions ----------------------------------------------------------------------
 */

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
    return !here->complete && (there->complete || there->examples > here->examples);
}

/* The figures of a row there that are wanted here, with their bits. */
struct figures {
    struct store_evaluation list[STORE_TASKS_MAX];
    size_t count;
};

static void figures_clear(struct figures *figures) {
    for (size_t i = 0; i < figures->count; i++)
        free(figures->list[i].correct);
    figures->count = 0;
}

static int figures_gather(struct importing *importing, const struct store_row *here,
                          const struct store_row *there, const char *split,
                          struct figures *figures, struct error *error) {
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
    struct figures figures;
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

/* --- bookmarks ----------------------------------------------------------------------
 */

static bool same_place(const struct store_bookmark *a, const struct store_bookmark *b,
                       int64_t solution, size_t tasks) {
    if (a->solution != solution || !a->preference != !b->preference)
        return false;
    return !a->preference ||
           memcmp(a->preference, b->preference, tasks * sizeof *a->preference) == 0;
}

static const struct store_bookmark *find_bookmark(const struct store_bookmark *list,
                                                  size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

struct bookmarks {
    struct store_bookmark *list;
    size_t count;
};

/* A name that no bookmark has, or one of the same place, which *same then says; free().
 * NULL where memory is out. */
static char *free_name(const struct bookmarks *here, const struct bookmarks *there,
                       const struct store_bookmark *wanted, int64_t solution,
                       size_t tasks, bool *same) {
    for (size_t i = 1;; i++) {
        char *name =
            i == 1 ? strdup(wanted->name) : text_format("%s (%zu)", wanted->name, i);
        const struct store_bookmark *taken =
            name ? find_bookmark(here->list, here->count, name) : NULL;
        *same = taken && same_place(taken, wanted, solution, tasks);
        bool others = name && i > 1 && find_bookmark(there->list, there->count, name);
        if (!name || *same || (!taken && !others))
            return name;
        free(name);
    }
}

static int take_bookmark(struct importing *importing, const struct bookmarks *here,
                         const struct bookmarks *there,
                         const struct store_bookmark *wanted, struct error *error) {
    struct store_bookmark bookmark = *wanted;
    bookmark.id = 0;
    bookmark.solution =
        wanted->solution ? pairs_find(&importing->solutions, wanted->solution) : 0;
    if (!bookmark.solution && !bookmark.preference)
        return 0; /* of a solution that was deleted */
    bool same;
    bookmark.name = free_name(here, there, wanted, bookmark.solution,
                              importing->recipe->task_count, &same);
    if (!bookmark.name)
        return error_memory(error);
    int failed = same ? 0 : store_bookmark_put(importing->store, &bookmark, error);
    importing->result->bookmarks += !same;
    free(bookmark.name);
    return failed;
}

static int take_bookmarks(struct importing *importing, struct error *error) {
    struct bookmarks here, there;
    if (store_bookmarks(importing->store, &here.list, &here.count, error))
        return -1;
    int failed = store_bookmarks(importing->other, &there.list, &there.count, error);
    for (size_t i = 0; !failed && i < there.count; i++)
        failed = take_bookmark(importing, &here, &there, &there.list[i], error);
    store_bookmarks_free(here.list, here.count);
    store_bookmarks_free(there.list, there.count);
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
    if (take_runs(importing, error))
        return -1;
    for (size_t s = 0; s < SPLITS; s++)
        if (take_rows(importing, splits[s], s == 0, error))
            return -1;
    if (take_bookmarks(importing, error))
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
