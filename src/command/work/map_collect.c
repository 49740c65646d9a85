/* The models that a surrogate is fitted to: a design, then points where its answers are
 * least sure. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/work/map.h"
#include "command/work/map_next.h"

void map_clear(struct map *map) {
    surrogate_free(map->surrogate);
    store_rows_free(map->rows, map->row_count);
    free(map->x);
    free(map->y);
}

/* --- one point -------------------------------------------------------------------- */

static int take_stored(struct map *map, int64_t id, struct store_evaluation *out,
                       struct error *error) {
    struct measure *m = &map->measure;
    if (!map->rows_read) {
        if (store_rows(m->store, m->split, &map->rows, &map->row_count, error))
            return -1;
        map->rows_read = true;
    }
    const struct store_row *row = store_row_find(map->rows, map->row_count, id);
    if (!row)
        return error_set(error, "solution %lld was deleted meanwhile", (long long)id);
    memcpy(out, row->evaluations, map->surrogate->tasks * sizeof *out);
    return 0;
}

/* Measures what is not known. 1, 0 stopped, -1. */
static int find_figures(struct map *map, struct store_solution *solution,
                        struct store_evaluation *out, struct error *error) {
    struct measure *m = &map->measure;
    int known = measure_known(m, solution, error);
    if (known < 0)
        return -1;
    if (known)
        return take_stored(map, m->ids[m->id_count - 1], out, error) ? -1 : 1;
    if (measure_ends(m))
        return 0;
    if ((!m->evaluator && measure_load(m, error)) ||
        measure_begin(m, solution, error) || measure_take_known(m, error))
        return measure_ends(m) ? 0 : -1;
    int result = measure_finish(m, "map", solution, error);
    if (result == 1)
        evaluator_results(m->evaluator, out);
    return result;
}

/* The model at map->x [count], its figures behind the others. */
static int add_point(struct map *map, struct error *error) {
    const struct surrogate *s = map->surrogate;
    struct store_evaluation found[STORE_TASKS_MAX];
    double *x = map->x + map->count * s->tasks, *y = map->y + map->count * s->tasks;
    char *parameters = surrogate_parameters(s, x, error);
    if (!parameters)
        return -1;
    struct store_solution solution = {.kind = STORE_KIND_MERGE,
                                      .method = s->method,
                                      .parameters = parameters,
                                      .preference = s->by_preference ? x : NULL,
                                      .label = ""};
    int result = find_figures(map, &solution, found, error);
    for (size_t t = 0; t < s->tasks && result == 1; t++) {
        y[t] = found[t].value;
        map->examples[t] = found[t].examples;
    }
    free(parameters);
    map->count += result == 1;
    return result;
}

/* --- refining --------------------------------------------------------------------- */

static int fit(struct map *map, struct surrogate_doubts **doubts, struct error *error) {
    const struct surrogate_points points = {map->count, map->x, map->y, map->examples};
    return surrogate_fit(map->surrogate, &points, map->maximise, doubts, error);
}

/* One more point; *found false where there is nothing to refine. 1, 0 stopped, -1. */
static int refine(struct map *map, bool *found, struct error *error) {
    struct surrogate_doubts *doubts = NULL;
    if (fit(map, &doubts, error))
        return -1;
    int result = map_next(map->surrogate, doubts,
                          map->x + map->count * map->surrogate->tasks, found, error);
    surrogate_doubts_free(doubts);
    if (result || !*found)
        return result ? -1 : 1;
    return add_point(map, error);
}

int map_collect(struct map *map, struct error *error) {
    size_t tasks = map->surrogate->tasks, first = map->evaluations - map->refine;
    map->x = array_new(map->evaluations, tasks * sizeof *map->x);
    map->y = array_new(map->evaluations, tasks * sizeof *map->y);
    if (!map->x || !map->y)
        return error_memory(error);
    if (surrogate_design(map->surrogate, first, map->measure.invocation->common->seed,
                         map->x, error))
        return -1;
    while (map->count < first) {
        int result = add_point(map, error);
        if (result != 1)
            return result;
    }
    bool found = true;
    while (map->count < map->evaluations && found) {
        int result = refine(map, &found, error);
        if (result != 1)
            return result;
    }
    return fit(map, NULL, error) ? -1 : 1;
}

/* --- what is said ----------------------------------------------------------------- */

void map_say_fit(const struct map *map) {
    const struct store_recipe *recipe = map->measure.recipe;
    const struct invocation *invocation = map->measure.invocation;
    for (size_t t = 0; t < map->surrogate->tasks; t++) {
        const struct surrogate_objective *o = &map->surrogate->objectives[t];
        bool fits = o->held_out <= 0.5 * o->deviation;
        command_note(invocation,
                     "%s%s: the quadratic misses a model that it has not seen by %.3g "
                     "%s; the figures spread by %.3g%s",
                     fits ? "" : "warning: ", recipe->tasks[t].name, o->held_out,
                     recipe->tasks[t].objective.unit, o->deviation,
                     fits ? ""
                          : ": it does not fit; give more --evaluations, and go by "
                            "measured figures alone");
    }
}
