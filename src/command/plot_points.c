/* Solutions as points: for scatter, parallel and ternary charts. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/front_set.h"
#include "command/plot_data.h"
#include "command/solutions.h"

/* How a solution was made, as the legend says it. */
static void series_name(const struct store_row *row, char *out, size_t size) {
    const struct store_solution *s = &row->solution;
    if (strcmp(s->kind, "pwemoe") == 0)
        snprintf(out, size, "routers %.40s %.40s", s->method, row->upscale);
    else if (strcmp(s->kind, "train") == 0)
        snprintf(out, size, "full model %.60s", s->method);
    else if (strcmp(s->kind, "import") == 0)
        snprintf(out, size, "%.60s (imported)", s->method);
    else
        snprintf(out, size, "%.80s", s->method);
}

static bool is_shown(const struct store_recipe *recipe, const struct store_row *row,
                     const char *method) {
    if (method && strcmp(method, row->solution.method) != 0)
        return false;
    return solution_complete(recipe, row) ||
           strcmp(solution_state(recipe, row), "imported") == 0;
}

static int find_series(struct points_data *data, const char *name, bool joined,
                       size_t *series) {
    struct plot_cloud *cloud = &data->cloud;
    for (*series = 0; *series < cloud->series_count; ++*series)
        if (strcmp(data->names[*series], name) == 0)
            return 0;
    data->joined[*series] = joined;
    data->names[*series] = strdup(name);
    cloud->series_count++;
    return data->names[*series] ? 0 : -1;
}

static int add_points(struct points_data *data, const struct store_recipe *recipe,
                      const struct store_row *rows, size_t count, const char *method,
                      const bool *dominated) {
    size_t tasks = recipe->task_count;
    for (size_t i = 0; i < count; i++) {
        if (!is_shown(recipe, &rows[i], method))
            continue;
        struct plot_point *point = &data->points[data->cloud.count];
        double *values = data->values + data->cloud.count * tasks;
        char name[160];
        series_name(&rows[i], name, sizeof name);
        /* A front is a line only between two objectives. */
        bool joined = tasks == 2 && strcmp(rows[i].solution.kind, "pwemoe") == 0;
        if (find_series(data, name, joined, &point->series))
            return -1;
        for (size_t t = 0; t < tasks; t++)
            values[t] = rows[i].evaluations[t].present ? rows[i].evaluations[t].value
                                                       : (double)NAN;
        point->values = values;
        point->dimmed = dominated[i];
        data->cloud.count++;
    }
    return 0;
}

/* dominated [count]: by another merged model measured here. */
static int find_dominated(const struct store_recipe *recipe,
                          const struct store_row *rows, size_t count,
                          const char *method, bool *dominated, struct error *error) {
    struct front_set set;
    bool *take = array_new(count, sizeof *take);
    if (!take)
        return error_memory(error);
    for (size_t i = 0; i < count; i++) {
        const char *kind = rows[i].solution.kind;
        take[i] = is_shown(recipe, &rows[i], method) &&
                  (strcmp(kind, "pwemoe") == 0 || strcmp(kind, "merge") == 0);
    }
    int result = front_set_make(NULL, recipe, "test", rows, count, take, &set, error);
    free(take);
    if (result)
        return -1;
    for (size_t i = 0; i < set.count; i++)
        dominated[set.row[i]] = !set.nondominated[i];
    front_set_clear(&set);
    return 0;
}

int points_data_make(const struct store_recipe *recipe, const struct store_row *rows,
                     size_t count, const char *method, struct points_data *data,
                     struct error *error) {
    size_t tasks = recipe->task_count, total;
    memset(data, 0, sizeof *data);
    bool *dominated = array_new(count, sizeof *dominated);
    data->labels = array_new(tasks, sizeof *data->labels);
    data->names = array_new(count, sizeof *data->names);
    data->joined = array_new(count, sizeof *data->joined);
    data->points = array_new(count, sizeof *data->points);
    if (size_multiply(count, tasks, &total))
        data->values = array_new(total, sizeof *data->values);
    bool whole = dominated && data->labels && data->names && data->joined &&
                 data->points && data->values;
    for (size_t t = 0; whole && t < tasks; t++) {
        const struct store_objective *objective = &recipe->tasks[t].objective;
        data->labels[t] = text_format("%s (%s)", objective->name, objective->unit);
        whole = data->labels[t] != NULL;
    }
    data->cloud.objective_count = tasks;
    int result = whole ? find_dominated(recipe, rows, count, method, dominated, error)
                       : error_memory(error);
    if (result == 0 && add_points(data, recipe, rows, count, method, dominated))
        result = error_memory(error);
    free(dominated);
    if (result == 0 && data->cloud.count == 0)
        result = error_set(error, "no solution with complete figures is there to draw");
    data->cloud.objectives = (const char *const *)data->labels;
    data->cloud.series = (const char *const *)data->names;
    data->cloud.joined = data->joined;
    data->cloud.points = data->points;
    if (result)
        points_data_clear(data);
    return result;
}

void points_data_clear(struct points_data *data) {
    for (size_t t = 0; data->labels && t < data->cloud.objective_count; t++)
        free(data->labels[t]);
    for (size_t s = 0; data->names && s < data->cloud.series_count; s++)
        free(data->names[s]);
    free(data->labels);
    free(data->names);
    free(data->joined);
    free(data->points);
    free(data->values);
    memset(data, 0, sizeof *data);
}

int ternary_data_make(const struct store_recipe *recipe, const struct store_row *rows,
                      size_t count, int64_t routers, size_t task,
                      struct ternary_data *data, struct error *error) {
    memset(data, 0, sizeof *data);
    size_t total;
    if (size_multiply(count, 3, &total))
        data->preferences = array_new(total, sizeof *data->preferences);
    data->values = array_new(count, sizeof *data->values);
    if (!data->preferences || !data->values) {
        ternary_data_clear(data);
        return error_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        const struct store_solution *s = &rows[i].solution;
        if (s->routers != routers || !s->preference ||
            !solution_complete(recipe, &rows[i]))
            continue;
        memcpy(data->preferences + 3 * data->count, s->preference,
               3 * sizeof *s->preference);
        data->values[data->count++] = task == SIZE_MAX
                                          ? solution_average(recipe, &rows[i])
                                          : rows[i].evaluations[task].value;
    }
    if (data->count)
        return 0;
    ternary_data_clear(data);
    return error_set(error, "these routers have no measured points; run `pwemoe front` "
                            "first");
}

void ternary_data_clear(struct ternary_data *data) {
    free(data->preferences);
    free(data->values);
    memset(data, 0, sizeof *data);
}
