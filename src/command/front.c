/* pwemoe front: measure trained routers at many preferences. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "command/command.h"
#include "command/io/point_file.h"
#include "command/work/measure.h"
#include "pareto/simplex.h"

enum { RAYS_MAX = 1000000 };

struct front_options {
    uint64_t grid, random, run;
    const char *rays, *method, *upscale;
    double alpha;
    bool all_steps;
    struct measure_options measure;
};

static const struct option_spec options[] = {
    {.name = "grid",
     .type = OPTION_UNSIGNED,
     .value = "M",
     .minimum = 2,
     .maximum = 1000,
     .help = "The grid with M points an edge: all multiples of 1/(M-1) (the default, "
             "with M = 11, where none of the three is given)",
     .offset = offsetof(struct front_options, grid)},
    {.name = "random",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .minimum = 1,
     .maximum = RAYS_MAX,
     .help = "N preferences drawn from a Dirichlet distribution, by --seed",
     .offset = offsetof(struct front_options, random)},
    {.name = "rays",
     .type = OPTION_TEXT,
     .value = "FILE",
     .help = "The preferences of a point file, one a row, each scaled to sum to 1",
     .offset = offsetof(struct front_options, rays)},
    {.name = "alpha",
     .type = OPTION_REAL,
     .value = "A",
     .initial = "1",
     .maximum = 1000,
     .above_minimum = true,
     .help = "Concentration of that distribution",
     .offset = offsetof(struct front_options, alpha)},
    {.name = "run",
     .type = OPTION_UNSIGNED,
     .value = "ID",
     .minimum = 1,
     .maximum = 9007199254740992.0,
     .help = "The routers of this training run rather than the newest",
     .offset = offsetof(struct front_options, run)},
    {.name = "method",
     .type = OPTION_TEXT,
     .value = "M",
     .help = "The newest routers trained by this method: ls, epo or mgda",
     .offset = offsetof(struct front_options, method)},
    {.name = "upscale",
     .type = OPTION_TEXT,
     .value = "G",
     .help = "The newest routers of this granularity: mlp, attn+mlp or all",
     .offset = offsetof(struct front_options, upscale)},
    {.name = "all-steps",
     .type = OPTION_FLAG,
     .help = "Every saved step's routers of the run, not those of the last alone",
     .offset = offsetof(struct front_options, all_steps)},
    MEASURE_OPTIONS(struct front_options, measure),
    {0}};

/* --- preferences ---------------------------------------------------------- */

static int rays_of_file(const char *path, size_t tasks, double **rays, size_t *count,
                        struct error *error) {
    struct points points;
    if (points_read(path, &points, error))
        return -1;
    if (points.columns != tasks) {
        error_set(error, "%s has %zu numbers a row, there are %zu tasks", path,
                  points.columns, tasks);
        points_free(&points);
        return -1;
    }
    for (size_t i = 0; i < points.count; i++) {
        double *ray = &points.values[i * tasks], sum = 0;
        bool negative = false;
        for (size_t t = 0; t < tasks; t++) {
            sum += ray[t];
            negative |= ray[t] < 0;
        }
        if (negative || !(sum > 0) || !isfinite(sum)) {
            error_set(error,
                      "%s: row %zu is no preference: it needs numbers of at "
                      "least 0, not all of them 0",
                      path, i + 1);
            points_free(&points);
            return -1;
        }
        for (size_t t = 0; t < tasks; t++)
            ray[t] /= sum;
    }
    *rays = points.values;
    *count = points.count;
    return 0;
}

/* rays [count, tasks] in fresh memory. */
static int list_rays(const struct invocation *invocation, size_t tasks, double **rays,
                     size_t *count, struct error *error) {
    const struct front_options *o = invocation->options;
    if (o->rays)
        return rays_of_file(o->rays, tasks, rays, count, error);
    size_t edge = o->grid ? (size_t)o->grid : 11, total;
    *count = o->random ? (size_t)o->random : simplex_grid_count(tasks, edge);
    if (*count == 0 || *count > RAYS_MAX)
        return error_set(error,
                         "a grid of %zu points an edge over %zu tasks has more "
                         "than %d points; take a smaller one or --random",
                         edge, tasks, RAYS_MAX);
    if (!size_multiply(*count, tasks, &total) ||
        !(*rays = array_new(total, sizeof **rays)))
        return error_memory(error);
    struct random random;
    random_seed(&random, invocation->common->seed, 0);
    for (size_t i = 0; i < *count; i++) {
        if (o->random)
            random_dirichlet(&random, o->alpha, tasks, *rays + i * tasks);
        else
            simplex_grid_at(tasks, edge, i, *rays + i * tasks);
    }
    return 0;
}

/* --- the command ---------------------------------------------------------- */

/* Which routers of a run at which preferences. */
struct plan {
    struct store_run run;
    struct store_routers *steps; /* [step_count], without bytes */
    size_t step_count;
    double *rays; /* [count, tasks], the caller's */
    size_t count, known;
    bool *skip; /* [step_count, count]: what the store has */
};

static void plan_clear(struct plan *plan) {
    store_run_clear(&plan->run);
    free(plan->steps);
    free(plan->skip);
}

static struct store_solution plan_solution(const struct measure *m,
                                           const struct plan *plan, size_t step,
                                           size_t ray) {
    return (struct store_solution){.kind = "pwemoe",
                                   .method = plan->run.method,
                                   .parameters = "{}",
                                   .preference =
                                       plan->rays + ray * m->recipe->task_count,
                                   .routers = plan->steps[step].id,
                                   .label = ""};
}

static int find_steps(struct measure *m, struct plan *plan, struct error *error) {
    const struct front_options *o = m->invocation->options;
    struct store_routers last;
    if (measure_find_routers(m, o->run, o->method, o->upscale, &plan->run, &last,
                             error))
        return -1;
    free(last.blob);
    last.blob = NULL;
    if (o->all_steps)
        return store_routers_list(m->store, plan->run.id, &plan->steps,
                                  &plan->step_count, error);
    plan->steps = array_new(1, sizeof *plan->steps);
    if (!plan->steps)
        return error_memory(error);
    plan->steps[plan->step_count++] = last;
    return 0;
}

static int find_known(struct measure *m, struct plan *plan, struct error *error) {
    struct store_row *rows;
    size_t row_count, total;
    if (!size_multiply(plan->step_count, plan->count, &total) ||
        !(plan->skip = array_new(total, sizeof *plan->skip)))
        return error_memory(error);
    if (store_rows(m->store, m->split, &rows, &row_count, error))
        return -1;
    for (size_t i = 0; i < total; i++) {
        struct store_solution solution =
            plan_solution(m, plan, i / plan->count, i % plan->count);
        plan->skip[i] = measure_known(m, rows, row_count, &solution);
        plan->known += plan->skip[i];
    }
    store_rows_free(rows, row_count);
    m->total = total - plan->known;
    if (plan->known)
        command_note(m->invocation, "%zu of %zu were measured before", plan->known,
                     total);
    return 0;
}

static int use_routers(struct measure *m, int64_t id, struct error *error) {
    struct store_routers routers;
    if (store_routers_get(m->store, id, &routers, error))
        return -1;
    int result = evaluator_use_routers(m->evaluator, routers.blob, routers.size, error);
    store_routers_clear(&routers);
    return result;
}

/* 1 all measured, 0 stopped, -1. */
static int measure_plan(struct measure *m, const struct plan *plan,
                        struct error *error) {
    if (m->total == 0)
        return 1;
    if (measure_load(m, error))
        return -1;
    int64_t used = 0;
    for (size_t i = 0; i < plan->step_count * plan->count; i++) {
        if (plan->skip[i])
            continue;
        struct store_solution solution =
            plan_solution(m, plan, i / plan->count, i % plan->count);
        if (used != solution.routers && use_routers(m, solution.routers, error))
            return -1;
        used = solution.routers;
        if (evaluator_begin_preference(m->evaluator, solution.preference, error))
            return -1;
        int result = measure_finish(m, "front", &solution, error);
        if (result != 1)
            return result;
    }
    return 1;
}

static enum exit_status measure_front(struct measure *m, double *rays, size_t count,
                                      struct error *error) {
    struct plan plan = {.rays = rays, .count = count};
    int result = find_steps(m, &plan, error) || find_known(m, &plan, error) ? -1 : 0;
    if (result == 0)
        result = measure_plan(m, &plan, error);
    if (result < 0)
        measure_explain(m, error);
    struct error log_error;
    if (m->done &&
        store_log(m->store, &log_error, "front: %zu points of run %lld (%s, %s)%s",
                  m->done, (long long)plan.run.id, plan.run.method, plan.run.upscale,
                  result == 1 ? "" : ", not finished") &&
        result >= 0) {
        *error = log_error;
        result = -1;
    }
    enum exit_status status = EXIT_FAILED;
    if (result >= 0)
        status = measure_report(m, result == 0, "the same command goes on", error);
    plan_clear(&plan);
    return status;
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const struct front_options *o = invocation->options;
    if ((o->grid != 0) + (o->random != 0) + (o->rays != NULL) > 1) {
        error_set(error, "--grid, --random and --rays exclude each other");
        return EXIT_USAGE;
    }
    struct measure m;
    if (measure_open(invocation, invocation->operands[0], &o->measure, &m, error))
        return EXIT_FAILED;
    double *rays = NULL;
    size_t count;
    enum exit_status status = EXIT_FAILED;
    if (list_rays(invocation, m.recipe->task_count, &rays, &count, error) == 0)
        status = measure_front(&m, rays, count, error);
    free(rays);
    measure_close(&m);
    return status;
}

const struct command command_front = {
    .name = "front",
    .usage = "FILE [--grid M | --random N | --rays FILE] [--all-steps]",
    .summary = "Measure trained routers at many preferences",
    .text = "For each preference the routers are evaluated, the mixture is unloaded "
            "into plain weights, and the model is measured on every task. Each point "
            "is stored when it is done; what is stored already is not measured again. "
            "Ctrl-C keeps what is finished, and the same command goes on.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_QUIET | TAKES_FORMAT | TAKES_SEED | TAKES_DEVICE,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct front_options),
    .run = run,
};
