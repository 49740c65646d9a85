#include "command/work/map_next.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "pareto/simplex.h"

/* Answers among which the next point is chosen; a grid of fewer points on an edge has
 * hardly any but those of a few tasks. */
enum { CONSIDERED = 128, EDGE_LEAST = 6 };
/* How near the next point may be to one that is measured. */
static const double nearest = 0.03;

static bool is_new(const struct surrogate *s, const double *x) {
    for (size_t i = 0; i < s->measured; i++) {
        double squares = 0;
        for (size_t t = 0; t < s->tasks; t++)
            squares += pow(x[t] - s->points[2 * i * s->tasks + t], 2);
        if (squares < nearest * nearest)
            return false;
    }
    return true;
}

/* The preferences considered, by their number: a grid of `edge` points on each edge,
 * or, where `edge` is 0, equal weights and draws of all kinds. */
static void consider(size_t tasks, size_t edge, size_t number, double *preference) {
    struct random random;
    if (edge) {
        simplex_grid_at(tasks, edge, number, preference);
        return;
    }
    random_seed(&random, number, 3);
    random_dirichlet(&random, number % 2 ? 1 : 0.3, tasks, preference);
    for (size_t t = 0; t < tasks && number == 0; t++)
        preference[t] = 1 / (double)tasks;
}

int map_next(const struct surrogate *s, const struct surrogate_doubts *doubts,
             double *out, bool *found, struct error *error) {
    double preference[SURROGATE_TASKS_MAX], x[SURROGATE_TASKS_MAX], greatest = -1;
    size_t edge = 2;
    while (edge < 21 && simplex_grid_count(s->tasks, edge + 1) <= CONSIDERED)
        edge++;
    if (edge < EDGE_LEAST)
        edge = 0;
    size_t count = edge ? simplex_grid_count(s->tasks, edge) : CONSIDERED;
    *found = false;
    for (size_t i = 0; i < count; i++) {
        consider(s->tasks, edge, i, preference);
        if (surrogate_answer(s, preference, x, error))
            return -1;
        double doubt = surrogate_doubt(s, doubts, x);
        if (!(doubt > greatest) || !is_new(s, x))
            continue;
        greatest = doubt;
        memcpy(out, x, s->tasks * sizeof *x);
        *found = true;
    }
    return 0;
}
