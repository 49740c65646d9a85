#include "results/oriented.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/pareto.h"

int oriented_new(struct oriented *oriented, const struct store_recipe *recipe,
                 const size_t *which, size_t objectives, size_t most,
                 struct error *error) {
    size_t cells;
    objectives = which ? objectives : recipe->task_count;
    *oriented = (struct oriented){.objectives = objectives};
    for (size_t k = 0; k < objectives; k++) {
        oriented->as[k] = &recipe->tasks[which ? which[k] : k].objective;
        oriented->own_reference[k] = oriented->as[k]->reference;
        oriented->reference[k] =
            oriented_turn(oriented->as[k], oriented->own_reference[k]);
    }
    if (size_multiply(most, objectives, &cells))
        oriented->values = array_new(cells, sizeof *oriented->values);
    oriented->rows = array_new(most, sizeof *oriented->rows);
    if (oriented->values && oriented->rows)
        return 0;
    oriented_clear(oriented);
    return error_memory(error);
}

void oriented_clear(struct oriented *oriented) {
    free(oriented->values);
    free(oriented->rows);
    *oriented = (struct oriented){0};
}

void oriented_add(struct oriented *oriented, const double *values, size_t row) {
    double *point = oriented->values + oriented->count * oriented->objectives;
    for (size_t k = 0; k < oriented->objectives; k++)
        point[k] = oriented_turn(oriented->as[k], values[k]);
    oriented->rows[oriented->count++] = row;
}

long oriented_filter(const struct oriented *oriented, bool first_of_equals, bool *keep,
                     struct error *error) {
    if (!oriented->count)
        return 0;
    return pareto_filter(oriented->values, oriented->count, oriented->objectives,
                         first_of_equals, keep, error);
}

int oriented_keep(struct oriented *oriented, bool first_of_equals,
                  struct error *error) {
    size_t kept = 0, width = oriented->objectives;
    bool *keep = array_new(oriented->count, sizeof *keep);
    if (!keep)
        return error_memory(error);
    long front = oriented_filter(oriented, first_of_equals, keep, error);
    for (size_t i = 0; front >= 0 && i < oriented->count; i++)
        if (keep[i]) {
            memmove(oriented->values + kept * width, oriented->values + i * width,
                    width * sizeof *oriented->values);
            oriented->rows[kept++] = oriented->rows[i];
        }
    free(keep);
    oriented->count = front < 0 ? 0 : kept;
    return front < 0 ? -1 : 0;
}

int oriented_volume(const struct oriented *oriented, const struct approximation *how,
                    double *volume, double *contributions, const struct work *work,
                    struct error *error) {
    return approximate_hypervolume(oriented->values, oriented->count,
                                   oriented->objectives, oriented->reference, how,
                                   volume, contributions, work, error);
}

int oriented_contributions(const struct oriented *oriented, double *contributions,
                           const struct work *work, struct error *error) {
    return pareto_contributions(oriented->values, oriented->count, oriented->objectives,
                                oriented->reference, contributions, work, error);
}
