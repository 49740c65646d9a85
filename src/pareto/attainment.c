#include "pareto/attainment.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "pareto/order.h"

int attainment_surface(const double *points, const size_t *set_of, size_t count,
                       size_t sets, size_t level, double **surface, size_t *corners,
                       struct error *error) {
    struct order_item *items = array_new(count, sizeof *items);
    struct order_item *scratch = array_new(count, sizeof *scratch);
    double *reached = array_new(sets, sizeof *reached);
    double *copy = array_new(sets, sizeof *copy);
    *surface = array_new(2 * count, sizeof **surface);
    *corners = 0;
    if (!items || !scratch || !reached || !copy || !*surface) {
        free(*surface);
        *surface = NULL;
        error_memory(error);
    } else {
        for (size_t i = 0; i < count; i++)
            items[i] = (struct order_item){points[2 * i], i};
        order_sort(items, scratch, count);
        for (size_t s = 0; s < sets; s++)
            reached[s] = INFINITY;
        double height = INFINITY;
        /* From the left: what each set has reached so far only falls. */
        for (size_t i = 0; i < count; i++) {
            double *of_set = &reached[set_of[items[i].index]];
            *of_set = fmin(*of_set, points[2 * items[i].index + 1]);
            if (i + 1 < count && items[i + 1].key == items[i].key)
                continue;
            for (size_t s = 0; s < sets; s++)
                copy[s] = reached[s];
            double now = order_select(copy, sets, level - 1);
            if (now < height) {
                (*surface)[2 * *corners] = items[i].key;
                (*surface)[2 * (*corners)++ + 1] = height = now;
            }
        }
    }
    free(items);
    free(scratch);
    free(reached);
    free(copy);
    return *surface ? 0 : -1;
}
