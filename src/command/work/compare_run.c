/* Training, measuring and reading what `pwemoe compare` compares. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/work/compare.h"
#include "command/work/measure_list.h"
#include "pareto/pareto.h"
#include "results/catalog.h"
#include "results/oriented.h"

/* --- trials ----------------------------------------------------------------------- */

static int list_trials(struct compare *c, struct error *error) {
    size_t seeds = (size_t)c->options->seeds;
    c->trials = array_new(c->contender_count * seeds, sizeof *c->trials);
    if (!c->trials)
        return error_memory(error);
    for (size_t i = 0; i < c->contender_count; i++)
        for (size_t s = 0; s < (c->contenders[i].seeded ? seeds : 1); s++) {
            struct compare_trial *trial = &c->trials[c->trial_count++];
            trial->contender = i;
            trial->seed = s;
            trial->points = c->contenders[i].answers ? c->design.count : 1;
            trial->solutions = array_new(trial->points, sizeof *trial->solutions);
            trial->values =
                array_new(c->design.count * c->design.tasks, sizeof *trial->values);
            if (!trial->solutions || !trial->values)
                return error_memory(error);
        }
    return 0;
}

static int take_run(struct compare *c, struct compare_trial *trial,
                    const struct store_run *run, struct error *error) {
    struct store_routers last;
    if (store_routers_newest(c->measure.store, run->id, &last, error))
        return -1;
    trial->routers = last.id;
    trial->method = strdup(run->method);
    trial->parameters = strdup("{}");
    trial->trainable = run->trainable;
    trial->seconds = run->seconds;
    trial->peak_bytes = run->peak_bytes;
    if (!last.id)
        return error_set(error, "run %lld has saved nothing that can be measured",
                         (long long)run->id);
    return trial->method && trial->parameters ? 0 : error_memory(error);
}

/* 1 trained, or nothing to train; 0 stopped; -1. */
static int prepare(struct compare *c, struct compare_trial *trial,
                   struct error *error) {
    const struct contender *contender = &c->contenders[trial->contender];
    if (contender->method) {
        trial->method = strdup(contender->method->name);
        trial->parameters = contender_parameters(contender, trial->seed, error);
        if (!trial->parameters)
            return -1;
        return trial->method ? 1 : error_memory(error);
    }
    struct store_run run;
    int result =
        contender_train(contender, trial->seed, c->options->budget, c->invocation,
                        c->design.tasks, &run, &trial->images, &trial->labels, error);
    if (result == 1 && take_run(c, trial, &run, error))
        result = -1;
    store_run_clear(&run);
    if (result < 0)
        error_prefix(error, "%s", contender->name);
    return result;
}

/* --- measuring -------------------------------------------------------------------- */

/* A model to measure, and where its id belongs. */
struct missing_model {
    const struct compare_trial *trial; /* NULL: each task by its own expert */
    size_t point;
    int64_t *id;
};

struct wanted_list {
    struct compare *compare;
    struct missing_model *items;
    size_t count;
};

static struct store_solution solution_of(const struct compare *c,
                                         const struct missing_model *w) {
    const struct compare_trial *trial = w->trial;
    if (!trial)
        return (struct store_solution){
            .kind = STORE_KIND_SINGLE,
            .method = (char *)(uintptr_t)store_role_name(STORE_ROLE_EXPERTS),
            .parameters = (char *)(uintptr_t) "{}",
            .label = ""};
    const struct contender *contender = &c->contenders[trial->contender];
    size_t at = w->point * c->design.tasks;
    return (struct store_solution){
        .kind = !contender->method          ? STORE_KIND_PWEMOE
                : contender->method->single ? STORE_KIND_SINGLE
                                            : STORE_KIND_MERGE,
        .method = trial->method,
        .parameters = trial->parameters,
        .routers = trial->routers,
        .preference = contender->answers ? c->design.preferences + at : NULL,
        .label = ""};
}

static struct store_solution wanted_solution(void *self, size_t i) {
    const struct wanted_list *list = self;
    return solution_of(list->compare, &list->items[i]);
}

/* Onto the list, unless the store has it. */
static int want(struct wanted_list *list, struct missing_model wanted,
                struct error *error) {
    struct measure *m = &list->compare->measure;
    struct store_solution solution = solution_of(list->compare, &wanted);
    int known = measure_known(m, &solution, error);
    if (known < 0)
        return -1;
    if (known)
        *wanted.id = m->ids[m->id_count - 1];
    else
        list->items[list->count++] = wanted;
    return 0;
}

/* 1 measured, 0 stopped, -1. */
static int measure_wanted(struct compare *c, struct wanted_list *list,
                          struct error *error) {
    int64_t *ids = array_new(list->count, sizeof *ids);
    const struct measure_list models = {.count = list->count,
                                        .at = wanted_solution,
                                        .self = list,
                                        .what = "compare",
                                        .ids = ids};
    if (!ids)
        return error_memory(error);
    int result = measure_listed(&c->measure, &models, error);
    for (size_t i = 0; i < list->count; i++)
        *list->items[i].id = ids[i];
    free(ids);
    return result;
}

static int measure_all(struct compare *c, int64_t *experts, struct error *error) {
    struct wanted_list list = {.compare = c};
    size_t most = 1;
    for (size_t i = 0; i < c->trial_count; i++)
        most += c->trials[i].points;
    list.items = array_new(most, sizeof *list.items);
    if (!list.items)
        return error_memory(error);
    int result = want(&list, (struct missing_model){.id = experts}, error) ? -1 : 1;
    for (size_t i = 0; i < c->trial_count; i++)
        for (size_t p = 0; result == 1 && p < c->trials[i].points; p++) {
            struct compare_trial *trial = &c->trials[i];
            if (work_stopped(c->invocation->work))
                result = 0;
            else if (want(&list, (struct missing_model){trial, p, &trial->solutions[p]},
                          error))
                result = -1;
        }
    c->measure.total = list.count;
    if (result == 1)
        result = measure_wanted(c, &list, error);
    free(list.items);
    if (result < 0)
        measure_explain(&c->measure, error);
    return result;
}

/* --- what it says ----------------------------------------------------------------- */

static int figures_of(const struct compare *c, const struct catalog *catalog,
                      int64_t solution, double *values, const struct store_row **row,
                      struct error *error) {
    *row = store_row_find(catalog->rows, catalog->count, solution);
    if (!*row || !(*row)->whole)
        return error_set(error,
                         "solution %lld has lost its figures meanwhile; the "
                         "same command measures it again",
                         (long long)solution);
    for (size_t t = 0; t < c->design.tasks; t++)
        values[t] = (*row)->evaluations[t].value;
    return 0;
}

static int read_trial(struct compare *c, const struct catalog *catalog,
                      struct compare_trial *trial, struct error *error) {
    size_t tasks = c->design.tasks;
    double seconds = 0;
    for (size_t i = 0; i < c->design.count; i++) {
        const struct store_row *row;
        if (figures_of(c, catalog, trial->solutions[trial->points == 1 ? 0 : i],
                       trial->values + i * tasks, &row, error))
            return -1;
        seconds += row->solution.seconds / (double)c->design.count;
        if (!trial->routers && row->solution.peak_bytes > trial->peak_bytes)
            trial->peak_bytes = row->solution.peak_bytes;
    }
    if (!trial->routers)
        trial->seconds = seconds;
    return comparison_criteria(catalog->recipe, &c->design, trial->values,
                               c->contenders[trial->contender].answers, c->experts,
                               &trial->criteria, c->invocation->work, error);
}

/* IGD+ of each trial to what no model of any dominates. */
static int compare_fronts(struct compare *c, struct error *error) {
    size_t tasks = c->design.tasks, count = c->design.count;
    struct oriented all;
    if (oriented_new(&all, c->measure.recipe, NULL, 0, c->trial_count * count, error))
        return -1;
    for (size_t i = 0; i < c->trial_count; i++)
        for (size_t k = 0; k < count; k++)
            oriented_add(&all, c->trials[i].values + k * tasks, i);
    double *turned = array_new(c->trial_count * count * tasks, sizeof *turned);
    int result = turned ? 0 : error_memory(error);
    if (result == 0) {
        memcpy(turned, all.values, c->trial_count * count * tasks * sizeof *turned);
        result = oriented_keep(&all, true, error);
    }
    for (size_t i = 0; result == 0 && i < c->trial_count; i++)
        c->trials[i].criteria.igd_plus = pareto_igd_plus(
            turned + i * count * tasks, count, all.values, all.count, tasks);
    free(turned);
    oriented_clear(&all);
    return result;
}

static int read_all(struct compare *c, int64_t experts, struct error *error) {
    struct catalog *catalog;
    const struct store_row *row;
    if (catalog_read_solutions(c->measure.store, c->measure.split, &catalog, error))
        return -1;
    int result = figures_of(c, catalog, experts, c->experts, &row, error);
    for (size_t i = 0; result == 0 && i < c->trial_count; i++)
        result = read_trial(c, catalog, &c->trials[i], error);
    catalog_free(catalog);
    return result ? -1 : compare_fronts(c, error);
}

int compare_run(struct compare *c, struct error *error) {
    int64_t experts = 0;
    if (design_new(c->measure.recipe->task_count, (size_t)c->options->edge, &c->design,
                   error) ||
        list_trials(c, error))
        return -1;
    int result = 1;
    for (size_t i = 0; result == 1 && i < c->trial_count; i++)
        result = prepare(c, &c->trials[i], error);
    if (result == 1)
        result = measure_all(c, &experts, error);
    if (result == 1 && read_all(c, experts, error))
        result = -1;
    return result;
}

void compare_clear(struct compare *c) {
    for (size_t i = 0; i < c->trial_count; i++) {
        free(c->trials[i].method);
        free(c->trials[i].parameters);
        free(c->trials[i].solutions);
        free(c->trials[i].values);
    }
    free(c->trials);
    contenders_free(c->contenders, c->contender_count);
    design_clear(&c->design);
    measure_close(&c->measure);
}
