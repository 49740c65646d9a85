#include "command/work/measure_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/work/message.h"
#include "command/work/share.h"
#include "eval/keeping.h"
#include "parallel/handout.h"

/* --- rank 0 and the others ------------------------------------------------------ */

struct dealing {
    struct measure *measure;
    const struct measure_list *list;
    struct store *store; /* its own: another thread than measure's writes to it */
    int64_t *ids;        /* [list->count], the caller's */
    size_t done_before;
    char said[512]; /* of ranks that have ended */
    struct handout_jobs jobs;
};

static int pack(void *self, size_t job, void **bytes, size_t *size,
                struct error *error) {
    struct dealing *d = self;
    struct store_solution solution = d->list->at(d->list->self, job);
    return message_solution(&solution, d->measure->recipe->task_count, bytes, size,
                            error);
}

static int keep(void *self, size_t job, const void *bytes, size_t size,
                struct error *error) {
    struct dealing *d = self;
    size_t tasks = d->measure->recipe->task_count;
    struct store_solution solution = d->list->at(d->list->self, job);
    struct store_evaluation evaluations[STORE_TASKS_MAX];
    if (message_figures_read(bytes, size, tasks, &solution, evaluations, error) ||
        keeping_put(d->store, &solution, evaluations, tasks, error))
        return -1;
    d->ids[job] = solution.id;
    return 0;
}

/* Said when the thread that finds it has ended: stderr is the other's. */
static void tell(void *self, const char *line) {
    struct dealing *d = self;
    size_t length = strlen(d->said);
    snprintf(d->said + length, sizeof d->said - length, "%s%s", length ? "; " : "",
             line);
}

/* Begins measure->handout. */
static int dealing_begin(struct measure *measure, const struct measure_list *list,
                         int64_t *ids, struct dealing *d, struct error *error) {
    *d = (struct dealing){.measure = measure,
                          .list = list,
                          .ids = ids,
                          .done_before = measure->done,
                          .jobs = {.count = list->count,
                                   .pack = pack,
                                   .keep = keep,
                                   .tell = tell,
                                   .self = d,
                                   .work = measure->invocation->work}};
    if (store_open(measure->path, STORE_READ_WRITE, &d->store, error))
        return -1;
    if (handout_begin(measure->invocation->ranks, &d->jobs, &measure->handout, error) ==
        0)
        return 0;
    store_close(d->store);
    return -1;
}

/* Waits for the other ranks and counts what they did: as handout_end. */
static int dealing_end(struct dealing *d, struct error *error) {
    struct measure *measure = d->measure;
    int result = handout_end(measure->handout, error);
    measure->handout = NULL;
    measure->done = d->done_before;
    for (size_t i = 0; i < d->list->count; i++)
        measure->done += d->ids[i] != 0;
    if (*d->said)
        command_complain("%s", d->said);
    store_close(d->store);
    return result;
}

/* --- a list --------------------------------------------------------------------- */

/* 1 measured and stored, 0 stopped, -1. *used: measure_begin_next. */
static int measure_next(struct measure *m, const struct measure_list *list, size_t i,
                        int64_t *used, int64_t *id, struct error *error) {
    struct store_solution solution = list->at(list->self, i);
    if (measure_ends(m))
        return 0;
    if ((!m->evaluator && share_load(m, &solution, error)) ||
        measure_begin_next(m, &solution, used, error) || measure_take_known(m, error))
        return measure_ends(m) ? 0 : -1;
    int result = measure_steps(m, list->what, error);
    if (result != 1)
        return result;
    if (keeping_figures(m->evaluator, m->store, true, &solution, error))
        return -1;
    *id = solution.id;
    m->done++;
    return 1;
}

/* By this process alone. */
static int measure_in_order(struct measure *m, const struct measure_list *list,
                            int64_t *ids, struct error *error) {
    int64_t used = 0;
    int result = 1;
    for (size_t i = 0; result == 1 && i < list->count; i++)
        result = measure_next(m, list, i, &used, &ids[i], error);
    return result;
}

/* By all ranks: this one takes what is left when it is free. */
static int measure_together(struct measure *m, const struct measure_list *list,
                            int64_t *ids, struct error *error) {
    struct dealing dealing;
    int64_t used = 0;
    size_t i;
    int own = 1;
    if (dealing_begin(m, list, ids, &dealing, error))
        return -1;
    while (own == 1 && handout_take(m->handout, &i))
        own = measure_next(m, list, i, &used, &ids[i], error);
    if (own != 1)
        handout_stop(m->handout);
    struct error other;
    int others = dealing_end(&dealing, &other);
    if (own == 1 && others < 0)
        *error = other;
    return own == 1 ? others : own;
}

int measure_listed(struct measure *m, const struct measure_list *list,
                   struct error *error) {
    if (list->count == 0)
        return 1;
    int64_t *ids = array_new(list->count, sizeof *ids);
    if (!ids)
        return error_memory(error);
    share_begin(m);
    int result = m->invocation->ranks && list->count > 1
                     ? measure_together(m, list, ids, error)
                     : measure_in_order(m, list, ids, error);
    for (size_t i = 0; i < list->count; i++) {
        if (ids[i] && measure_add_id(m, ids[i], error))
            result = -1;
        if (list->ids)
            list->ids[i] = ids[i];
    }
    free(ids);
    return result;
}

/* --- what the other ranks do ---------------------------------------------------- */

static int measure_sent(struct measure *m, struct store_solution *solution,
                        int64_t *used, struct store_evaluation *evaluations,
                        struct error *error) {
    if ((!m->evaluator && measure_load(m, error)) ||
        measure_begin_next(m, solution, used, error) || measure_take_known(m, error))
        return measure_ends(m) ? 0 : -1;
    int result = measure_steps(m, "", error);
    if (result == 1 &&
        keeping_measured(m->evaluator, true, solution, evaluations, error))
        result = -1;
    return result;
}

/* What measure_serve needs between two solutions. */
struct serving {
    const struct invocation *invocation;
    const char *path;
    const struct measure_options *options;
    struct measure measure;
    int64_t used;
};

static int serve_solution(struct serving *s, const void *bytes, size_t size,
                          void **result, size_t *result_size, struct error *error) {
    struct measure *m = &s->measure;
    struct store_solution solution;
    struct store_evaluation evaluations[STORE_TASKS_MAX];
    size_t tasks = m->recipe->task_count;
    if (message_solution_read(bytes, size, tasks, &solution, error))
        return -1;
    int done = measure_sent(m, &solution, &s->used, evaluations, error);
    if (done == 1 &&
        message_figures(&solution, evaluations, tasks, result, result_size, error))
        done = -1;
    store_solution_clear(&solution);
    return done;
}

static int serve(void *self, const void *bytes, size_t size, void **result,
                 size_t *result_size, struct error *error) {
    struct serving *s = self;
    struct measure *m = &s->measure;
    if (!m->store && measure_open(s->invocation, s->path, s->options, m, error))
        return -1;
    int done = message_kind(bytes, size) == MESSAGE_SOLUTION
                   ? serve_solution(s, bytes, size, result, result_size, error)
                   : share_serve(m, bytes, size, result, result_size, error);
    if (done < 0)
        measure_explain(m, error);
    return done;
}

enum exit_status measure_serve(const struct invocation *invocation, const char *path,
                               const struct measure_options *options,
                               struct error *error) {
    struct serving s = {.invocation = invocation, .path = path, .options = options};
    int result = handout_serve(invocation->ranks, serve, &s, error);
    if (s.measure.store)
        measure_close(&s.measure);
    return result ? EXIT_FAILED : EXIT_DONE;
}
