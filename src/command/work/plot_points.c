/* Solutions as points: for scatter, parallel and ternary charts. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/work/plot_data.h"
#include "command/work/solutions.h"
#include "pareto/pareto.h"

/* How a solution was made, as the legend says it. */
static void series_name(const struct store_row *row, char *out, size_t size) {
    const struct store_solution *s = &row->solution;
    if (s->kind == STORE_KIND_PWEMOE)
        snprintf(out, size, "routers %.40s %.40s", s->method, row->upscale);
    else if (s->kind == STORE_KIND_TRAIN)
        snprintf(out, size, "full model %.60s", s->method);
    else if (s->kind == STORE_KIND_IMPORT)
        snprintf(out, size, "%.60s (imported)", s->method);
    else
        snprintf(out, size, "%.80s", s->method);
}

static bool is_shown(const struct store_row *row, const char *method) {
    return store_method_is(row->solution.method, method) &&
           store_state_settled(row->state);
}

static int add_points(struct plot_points *points, const struct store_recipe *recipe,
                      const struct store_row *rows, size_t count, const char *method,
                      const bool *dominated, struct error *error) {
    size_t tasks = recipe->task_count;
    for (size_t i = 0; i < count; i++) {
        double values[STORE_TASKS_MAX];
        char name[160];
        if (!is_shown(&rows[i], method))
            continue;
        series_name(&rows[i], name, sizeof name);
        for (size_t t = 0; t < tasks; t++)
            values[t] = rows[i].evaluations[t].present ? rows[i].evaluations[t].value
                                                       : (double)NAN;
        /* A front is a line only between two objectives. */
        bool joined = tasks == 2 && rows[i].solution.kind == STORE_KIND_PWEMOE;
        if (plot_points_add(points, name, joined, values, dominated[i], error))
            return -1;
    }
    return 0;
}

/* dominated [count]: by another merged model measured here. */
static int find_dominated(const struct store_recipe *recipe,
                          const struct store_row *rows, size_t count,
                          const char *method, bool *dominated, struct error *error) {
    size_t tasks = recipe->task_count, used = 0, cells;
    double *points =
        size_multiply(count, tasks, &cells) ? array_new(cells, sizeof *points) : NULL;
    size_t *row = array_new(count, sizeof *row);
    bool *keep = array_new(count, sizeof *keep);
    int result = points && row && keep ? 0 : error_memory(error);
    for (size_t i = 0; result == 0 && i < count; i++) {
        if (!is_shown(&rows[i], method) || !store_kind_merged(rows[i].solution.kind))
            continue;
        for (size_t t = 0; t < tasks; t++) {
            double value = rows[i].evaluations[t].value;
            points[used * tasks + t] =
                recipe->tasks[t].objective.maximise ? -value : value;
        }
        row[used++] = i;
    }
    if (result == 0 && pareto_filter(points, used, tasks, false, keep, error) < 0)
        result = -1;
    for (size_t i = 0; result == 0 && i < used; i++)
        dominated[row[i]] = !keep[i];
    free(points);
    free(row);
    free(keep);
    return result;
}

int points_make(const struct store_recipe *recipe, const struct store_row *rows,
                size_t count, const char *method, struct plot_points *points,
                struct error *error) {
    size_t tasks = recipe->task_count;
    bool *dominated = array_new(count, sizeof *dominated);
    if (!dominated)
        return error_memory(error);
    if (plot_points_begin(points, tasks, count, error)) {
        free(dominated);
        return -1;
    }
    int result = 0;
    for (size_t t = 0; result == 0 && t < tasks; t++) {
        const struct store_objective *objective = &recipe->tasks[t].objective;
        result = plot_points_label(points, t, objective->name, objective->unit, error);
    }
    if (result == 0)
        result = find_dominated(recipe, rows, count, method, dominated, error);
    if (result == 0)
        result = add_points(points, recipe, rows, count, method, dominated, error);
    free(dominated);
    if (result == 0 && points->cloud.count == 0)
        result = error_set(error, "no solution with complete figures is there to draw");
    if (result)
        plot_points_clear(points);
    return result;
}

int shares_make(const struct store_recipe *recipe, const struct store_row *rows,
                size_t count, int64_t routers, size_t task, struct plot_shares *shares,
                struct error *error) {
    if (plot_shares_begin(shares, count, error))
        return -1;
    for (size_t i = 0; i < count; i++) {
        const struct store_solution *s = &rows[i].solution;
        if (s->routers != routers || !s->preference || !rows[i].whole)
            continue;
        plot_shares_add(shares, s->preference,
                        task == SIZE_MAX ? solution_average(recipe, &rows[i])
                                         : rows[i].evaluations[task].value);
    }
    if (shares->count)
        return 0;
    plot_shares_clear(shares);
    return error_set(error, "these routers have no measured points; run `pwemoe front` "
                            "first");
}
