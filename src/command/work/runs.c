#include "command/work/runs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/work/solutions.h"

struct output *runs_begin(const struct invocation *invocation, struct error *error) {
    static const struct output_column columns[] = {{"run", IN_ALL, 0},
                                                   {"method", IN_ALL, 0},
                                                   {"upscale", IN_ALL, 0},
                                                   {"parameters", IN_ALL, -1},
                                                   {"steps_done", IN_ALL, 0},
                                                   {"steps", IN_ALL, 0},
                                                   {"seconds", IN_ALL, 1},
                                                   {"complete", IN_ALL, 0},
                                                   {"routers", IN_ALL, 0},
                                                   {"bytes", IN_CSV | IN_JSON, 0},
                                                   {"started", IN_ALL, 0},
                                                   {"trainable", IN_CSV | IN_JSON, 0},
                                                   {"peak_bytes", IN_CSV | IN_JSON, 0}};
    return output_new(invocation->common->format, false, columns,
                      sizeof columns / sizeof *columns, error);
}

/* 0 is not known. */
static json_t *known(uint64_t value) {
    return value ? json_integer((json_int_t)value) : NULL;
}

int runs_add(struct output *output, struct store *store, const struct store_run *run,
             struct error *error) {
    struct store_routers routers;
    bool found;
    if (store_routers_last(store, run->id, &found, &routers, error))
        return -1;
    output_row(output,
               (json_t *[]){json_integer(run->id), output_text(run->method),
                            *run->upscale ? output_text(run->upscale) : NULL,
                            output_object(run->parameters),
                            json_integer(run->steps_done), json_integer(run->steps),
                            output_real(run->seconds), json_boolean(run->complete),
                            found ? json_integer(routers.id) : NULL,
                            found ? json_integer((json_int_t)routers.size) : NULL,
                            time_json(run->started), known(run->trainable),
                            known(run->peak_bytes)});
    if (found)
        store_routers_clear(&routers);
    return 0;
}

int runs_print(const struct invocation *invocation, struct store *store,
               const struct store_run *run, struct error *error) {
    struct output *output = runs_begin(invocation, error);
    if (!output)
        return -1;
    if (runs_add(output, store, run, error)) {
        output_free(output);
        return -1;
    }
    return output_end(output, error);
}

int runs_take(struct store *store, bool (*wanted)(void *self, const struct store_run *),
              void *self, struct store_run *run, bool *found, struct error *error) {
    struct store_run *runs;
    size_t count, newest = SIZE_MAX;
    if (store_runs(store, &runs, &count, error))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (wanted(self, &runs[i]))
            newest = i;
    *found = newest != SIZE_MAX;
    if (*found) {
        *run = runs[newest]; /* its strings move out of the array */
        memset(&runs[newest], 0, sizeof runs[newest]);
    }
    store_runs_free(runs, count);
    return 0;
}

int runs_number(const json_t *parameters, const char *key, double low, double high,
                double *value, struct error *error) {
    const json_t *number = json_object_get(parameters, key);
    *value = json_number_value(number);
    if (json_is_number(number) && *value >= low && *value <= high)
        return 0;
    return error_set(error, "the stored run has no sound '%s'; start a new one", key);
}

int curve_new(size_t first, size_t tasks, struct curve *curve, struct error *error) {
    memset(curve, 0, sizeof *curve);
    curve->first = first;
    curve->tasks = tasks;
    curve->sums = array_new(tasks, sizeof *curve->sums);
    return curve->sums ? 0 : error_memory(error);
}

int curve_add(struct curve *curve, unsigned step, const double *losses,
              struct error *error) {
    for (size_t t = 0; t < curve->tasks; t++) {
        if (!isfinite(losses[t]))
            return error_set(error,
                             "the loss is no finite number any more at step %u; try a "
                             "smaller --lr",
                             step);
        curve->sums[t] += losses[t];
    }
    curve->steps++;
    if (step % RUNS_CURVE != 0 && step != 1)
        return 0;
    if (array_reserve((void **)&curve->points, &curve->capacity,
                      curve->count + curve->tasks, sizeof *curve->points))
        return error_memory(error);
    for (size_t t = 0; t < curve->tasks; t++) {
        curve->points[curve->count++] =
            (struct store_curve_point){.step = step,
                                       .task = curve->first + t,
                                       .loss = curve->sums[t] / curve->steps};
        curve->sums[t] = 0;
    }
    curve->steps = 0;
    return 0;
}

void curve_saved(struct curve *curve) {
    curve->count = 0;
}

void curve_free(struct curve *curve) {
    free(curve->sums);
    free(curve->points);
    memset(curve, 0, sizeof *curve);
}
