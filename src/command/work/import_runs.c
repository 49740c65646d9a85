/* The runs of another results.db, of import_state.h. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/work/import_results.h"
#include "command/work/import_state.h"

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

int import_runs(struct importing *importing, struct error *error) {
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
    if (!failed)
        pairs_sort(&importing->routers);
    store_runs_free(here, here_count);
    store_runs_free(there, there_count);
    return failed;
}
