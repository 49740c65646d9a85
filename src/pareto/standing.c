#include "pareto/standing.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/order.h"
#include "pareto/pareto.h"

int standing_ranks(const double *points, size_t count, size_t objectives, size_t *ranks,
                   struct error *error) {
    size_t bytes = objectives * sizeof *points, left = count;
    double *rows = array_new(count * objectives, sizeof *rows);
    size_t *row = array_new(count, sizeof *row);
    bool *keep = array_new(count, sizeof *keep);
    int result = rows && row && keep ? 0 : error_memory(error);
    for (size_t i = 0; result == 0 && i < count; i++)
        row[i] = i;
    if (result == 0)
        memcpy(rows, points, count * bytes);
    for (size_t rank = 1; result == 0 && left > 0; rank++) {
        size_t rest = 0;
        if (pareto_filter(rows, left, objectives, false, keep, error) < 0)
            result = -1;
        for (size_t i = 0; result == 0 && i < left; i++) {
            if (keep[i]) {
                ranks[row[i]] = rank;
                continue;
            }
            memmove(rows + rest * objectives, rows + i * objectives, bytes);
            row[rest++] = row[i];
        }
        left = rest;
    }
    free(rows);
    free(row);
    free(keep);
    return result;
}

/* The points of one rank, items [count] with their numbers: adds an objective's gaps.
 */
static void add_gaps(struct order_item *items, struct order_item *scratch, size_t count,
                     const double *points, size_t objectives, size_t j,
                     double *crowding) {
    for (size_t i = 0; i < count; i++)
        items[i].key = points[items[i].index * objectives + j];
    order_sort(items, scratch, count);
    double range = items[count - 1].key - items[0].key;
    crowding[items[0].index] = crowding[items[count - 1].index] = INFINITY;
    for (size_t i = 1; range > 0 && i + 1 < count; i++)
        crowding[items[i].index] += (items[i + 1].key - items[i - 1].key) / range;
}

int standing_crowding(const double *points, size_t count, size_t objectives,
                      const size_t *ranks, double *crowding, struct error *error) {
    struct order_item *items = array_new(count, sizeof *items);
    struct order_item *scratch = array_new(count, sizeof *scratch);
    struct order_item *of_rank = array_new(count, sizeof *of_rank);
    int result = items && scratch && of_rank ? 0 : error_memory(error);
    for (size_t i = 0; result == 0 && i < count; i++) {
        crowding[i] = 0;
        items[i] = (struct order_item){(double)ranks[i], i};
    }
    if (result == 0)
        order_sort(items, scratch, count);
    for (size_t from = 0, to; result == 0 && from < count; from = to) {
        for (to = from; to < count && items[to].key == items[from].key; to++)
            ;
        for (size_t j = 0; j < objectives; j++) {
            /* Each time from the order of their numbers, which settles equal ones. */
            memcpy(of_rank, items + from, (to - from) * sizeof *items);
            add_gaps(of_rank, scratch, to - from, points, objectives, j, crowding);
        }
    }
    free(items);
    free(scratch);
    free(of_rank);
    return result;
}

void standing_pseudo_weights(const double *points, size_t count, size_t objectives,
                             const size_t *ranks, double *weights) {
    for (size_t j = 0; j < objectives; j++) {
        double best = INFINITY, worst = -INFINITY;
        for (size_t i = 0; i < count; i++)
            if (ranks[i] == 1) {
                best = fmin(best, points[i * objectives + j]);
                worst = fmax(worst, points[i * objectives + j]);
            }
        for (size_t i = 0; i < count; i++) {
            double value = points[i * objectives + j];
            double good = worst > best ? (worst - value) / (worst - best) : 1;
            weights[i * objectives + j] = ranks[i] == 1 ? good : NAN;
        }
    }
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t j = 0; j < objectives; j++)
            sum += weights[i * objectives + j];
        for (size_t j = 0; j < objectives; j++)
            weights[i * objectives + j] /= sum;
    }
}

/* What a point adds only falls as others are taken, so what it added earlier bounds it:
 * only those are worked out again that could still be the greatest. */
int standing_subset(const double *points, size_t count, size_t objectives,
                    const double *reference, size_t most, size_t *place,
                    const struct work *work, struct error *error) {
    size_t bytes = objectives * sizeof *points, taken = 0, size;
    if (most > count)
        most = count;
    double *adds = array_new(count, sizeof *adds);
    size_t *as_of = array_new(count, sizeof *as_of); /* how many were taken then */
    double *chosen = size_multiply(most + 1, objectives, &size)
                         ? array_new(size, sizeof *chosen)
                         : NULL;
    double volume = 0;
    int result = adds && as_of && chosen ? 0 : error_memory(error);
    for (size_t i = 0; result == 0 && i < count; i++) {
        place[i] = 0;
        adds[i] = INFINITY;
        as_of[i] = SIZE_MAX;
    }
    while (result == 0 && taken < most) {
        size_t best = 0;
        for (size_t i = 1; i < count; i++)
            if (adds[i] > adds[best])
                best = i;
        if (as_of[best] == taken) {
            if (!(adds[best] > 0))
                break;
            memcpy(chosen + taken * objectives, points + best * objectives, bytes);
            volume += adds[best];
            place[best] = ++taken;
            adds[best] = -INFINITY;
            continue;
        }
        double with;
        memcpy(chosen + taken * objectives, points + best * objectives, bytes);
        result = pareto_hypervolume(chosen, taken + 1, objectives, reference, &with,
                                    work, error);
        adds[best] = with - volume;
        as_of[best] = taken;
    }
    free(adds);
    free(as_of);
    free(chosen);
    return result;
}
