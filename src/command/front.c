/* pwemoe front: measure what answers preferences at many of them. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "command/command.h"
#include "command/io/point_file.h"
#include "command/work/answer.h"
#include "command/work/measure_list.h"
#include "parallel/ranks.h"
#include "pareto/simplex.h"
#include "results/gap.h"

enum { RAYS_MAX = 1000000 };

struct front_options {
    uint64_t grid, random, fill;
    const char *rays;
    struct answer_options answer;
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
     .help = "The grid with M points on each edge: all multiples of 1/(M-1) (the "
             "default, with M = 11, if neither --random nor --rays is given)",
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
     .help =
         "The preferences of a point file, one on each row, each scaled to sum to 1",
     .offset = offsetof(struct front_options, rays)},
    {.name = "fill",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .maximum = RAYS_MAX,
     .help = "After those, N preferences one after the other, each where the figures "
             "measured so far leave the widest gap; without --grid, --random and "
             "--rays, after each task alone and equal weights",
     .offset = offsetof(struct front_options, fill)},
    {.name = "alpha",
     .type = OPTION_REAL,
     .value = "A",
     .initial = "1",
     .maximum = 1000,
     .above_minimum = true,
     .help = "Concentration of that distribution",
     .offset = offsetof(struct front_options, alpha)},
    ANSWER_OPTIONS(struct front_options, answer, ""),
    {.name = "all-steps",
     .type = OPTION_FLAG,
     .help = "Use the routers of every saved step of the run, not only of the last",
     .offset = offsetof(struct front_options, all_steps)},
    MEASURE_OPTIONS(struct front_options, measure),
    {0}};

/* --- preferences ---------------------------------------------------------- */

static int rays_of_file(const char *path, size_t tasks, const struct work *work,
                        double **rays, size_t *count, struct error *error) {
    struct points points;
    if (points_read(path, work, &points, error))
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
                      "%s: row %zu is not a preference: it needs numbers of at "
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

/* Each task alone, and equal weights: what gaps are seen from. */
static int list_ends(size_t tasks, double **rays, size_t *count, struct error *error) {
    *count = tasks + 1;
    if (!(*rays = array_new(*count, tasks * sizeof **rays)))
        return error_memory(error);
    for (size_t t = 0; t < tasks; t++) {
        (*rays)[t * tasks + t] = 1;
        (*rays)[tasks * tasks + t] = 1 / (double)tasks;
    }
    return 0;
}

/* rays [count, tasks] in fresh memory. */
static int list_rays(const struct invocation *invocation, size_t tasks, double **rays,
                     size_t *count, struct error *error) {
    const struct front_options *o = invocation->options;
    if (o->rays)
        return rays_of_file(o->rays, tasks, invocation->work, rays, count, error);
    if (o->fill && !o->grid && !o->random)
        return list_ends(tasks, rays, count, error);
    size_t edge = o->grid ? (size_t)o->grid : 11, total;
    *count = o->random ? (size_t)o->random : simplex_grid_count(tasks, edge);
    if (*count == 0 || *count > RAYS_MAX)
        return error_set(error,
                         "a grid of %zu points along each edge for %zu tasks has more "
                         "than %d points; use a smaller one or --random",
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

/* What answers, in which states of its training, at which preferences. */
struct plan {
    struct answer answer;
    int64_t *steps; /* [step_count] routers; 0: a method's answer has none */
    size_t step_count;
    double *rays; /* [count, tasks], the caller's */
    size_t count, known;
    size_t *wanted; /* [step_count count - known] numbers of what the store has not */
};

static void plan_clear(struct plan *plan) {
    answer_clear(&plan->answer);
    free(plan->steps);
    free(plan->wanted);
}

static struct store_solution plan_solution(const struct measure *m,
                                           const struct plan *plan, size_t step,
                                           size_t ray) {
    struct store_solution solution =
        answer_solution(&plan->answer, plan->rays + ray * m->recipe->task_count);
    solution.routers = plan->steps[step];
    return solution;
}

static int find_steps(struct measure *m, struct plan *plan, bool *usage,
                      struct error *error) {
    const struct front_options *o = m->invocation->options;
    if (answer_find(m, &o->answer, &plan->answer, usage, error))
        return -1;
    if (o->all_steps && plan->answer.method) {
        *usage = true;
        return error_set(error, "--all-steps: %s is not trained",
                         plan->answer.method->name);
    }
    struct store_routers *steps = NULL;
    size_t count = 1;
    if (o->all_steps &&
        store_routers_list(m->store, plan->answer.run.id, &steps, &count, error))
        return -1;
    plan->steps = array_new(count, sizeof *plan->steps);
    plan->step_count = count;
    for (size_t i = 0; plan->steps && i < count; i++)
        plan->steps[i] = steps ? steps[i].id : plan->answer.routers.id;
    free(steps);
    return plan->steps ? 0 : error_memory(error);
}

/* 1 all looked up, 0 stopped, -1. */
static int find_known(struct measure *m, struct plan *plan, struct error *error) {
    const struct work *work = m->invocation->work;
    size_t total;
    if (!size_multiply(plan->step_count, plan->count, &total) ||
        !(plan->wanted = array_new(total, sizeof *plan->wanted)))
        return error_memory(error);
    m->total = total;
    for (size_t i = 0; i < total; i++) {
        struct store_solution solution =
            plan_solution(m, plan, i / plan->count, i % plan->count);
        if (work_stopped(work))
            return 0;
        int known = measure_known(m, &solution, error);
        if (known < 0)
            return -1;
        if (known)
            plan->known++;
        else
            plan->wanted[i - plan->known] = i;
        work_report(work, "looking up", i + 1, total);
    }
    m->total = total - plan->known;
    if (plan->known)
        command_note(m->invocation, "%zu of %zu were measured before", plan->known,
                     total);
    return 1;
}

struct front_measuring {
    struct measure *measure;
    struct plan *plan;
};

static struct store_solution wanted_solution(void *self, size_t i) {
    const struct front_measuring *f = self;
    size_t number = f->plan->wanted[i];
    return plan_solution(f->measure, f->plan, number / f->plan->count,
                         number % f->plan->count);
}

/* Where the answers that are stored leave the widest gap. 1, 0: there is none, -1. */
static int find_gap(struct measure *m, const struct plan *plan, struct gap *gap,
                    struct error *error) {
    double centre[STORE_TASKS_MAX] = {0};
    struct store_solution at = answer_solution(&plan->answer, centre);
    int64_t answerer = at.routers ? at.routers : catalog_answerer(&at);
    struct catalog *catalog;
    struct samples samples;
    if (!answerer)
        return error_set(error,
                         "--fill: no figures of %s with these parameters can be looked "
                         "up; leave --set out, or name what was trained",
                         at.method);
    if (catalog_read(m->store, &catalog, error))
        return -1;
    int found = samples_make(&samples, catalog, answerer) ? error_memory(error) : 0;
    if (found == 0) {
        found = gap_widest(&samples, gap);
        samples_free(&samples);
    }
    catalog_free(catalog);
    return found;
}

static struct store_solution gap_solution(void *self, size_t i) {
    const struct front_measuring *f = self;
    (void)i;
    return plan_solution(f->measure, f->plan, 0, 0);
}

/* One after the other, since each depends on those before. */
static int fill_gaps(struct measure *m, struct plan *plan, struct error *error) {
    const struct front_options *o = m->invocation->options;
    struct front_measuring front = {m, plan};
    struct measure_list list = {
        .count = 1, .at = gap_solution, .self = &front, .what = "front"};
    double *rays = plan->rays;
    int result = 1;
    for (uint64_t i = 0; result == 1 && i < o->fill; i++) {
        struct gap gap;
        result = find_gap(m, plan, &gap, error);
        if (result == 0) {
            command_note(m->invocation, "after %" PRIu64 " no gap is left", i);
            plan->rays = rays;
            return 1;
        }
        plan->rays = gap.preference;
        m->total = m->done + 1;
        if (result == 1)
            result = measure_listed(m, &list, error);
    }
    plan->rays = rays;
    return result;
}

static void log_front(struct measure *m, const struct plan *plan, bool finished) {
    const char *rest = finished ? "" : ", not finished";
    if (plan->answer.method)
        command_log(m->invocation, m->store, "front: %zu points of %s%s", m->done,
                    plan->answer.method->name, rest);
    else
        command_log(m->invocation, m->store, "front: %zu points of run %lld (%s, %s)%s",
                    m->done, (long long)plan->answer.run.id, plan->answer.run.method,
                    plan->answer.run.upscale, rest);
}

static enum exit_status measure_front(struct measure *m, double *rays, size_t count,
                                      struct error *error) {
    struct plan plan = {.rays = rays, .count = count};
    struct front_measuring front = {m, &plan};
    struct measure_list list = {.at = wanted_solution, .self = &front, .what = "front"};
    bool usage = false;
    int result = find_steps(m, &plan, &usage, error) ? -1 : find_known(m, &plan, error);
    list.count = m->total;
    if (result == 1)
        result = measure_listed(m, &list, error);
    if (result == 1)
        result = fill_gaps(m, &plan, error);
    if (result < 0)
        measure_explain(m, error);
    if (m->done)
        log_front(m, &plan, result == 1);
    enum exit_status status = usage ? EXIT_USAGE : EXIT_FAILED;
    if (result >= 0)
        status = measure_report(m, result == 0, "the same command goes on", error);
    plan_clear(&plan);
    return status;
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const struct front_options *o = invocation->options;
    if ((o->grid != 0) + (o->random != 0) + (o->rays != NULL) > 1) {
        error_set(error, "give only one of --grid, --random and --rays");
        return EXIT_USAGE;
    }
    if (o->fill && (o->all_steps || o->measure.limit || o->measure.split)) {
        error_set(error, "--fill goes by complete figures of what answers now, on the "
                         "test split: leave out --all-steps, --limit and --split");
        return EXIT_USAGE;
    }
    struct measure m;
    if (ranks_rank(invocation->ranks))
        return measure_serve(invocation, invocation->operands[0], &o->measure, error);
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
    .usage = "FILE [--grid M | --random N | --rays FILE] [--fill N] [--all-steps]",
    .summary = "Measure a front: models at many preferences",
    .text = "For each preference one plain model is made, by what was trained last or "
            "by --method, and measured on every task. Each point is stored as soon as "
            "it is measured; points that are stored already are not measured again. "
            "Ctrl-C keeps what is finished, and the same command continues.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_USUAL | TAKES_FORMAT | TAKES_SEED | TAKES_MODELS,
    .together = SERVE,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct front_options),
    .run = run,
};
