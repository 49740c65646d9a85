#include "pareto/attainment.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "pareto/order.h"

/* The level-th least of values [count], which are put into another order. */
static double nth_least(double *values, size_t count, size_t level) {
    size_t low = 0, high = count - 1, wanted = level - 1;
    while (low < high) {
        double pivot = values[low + (high - low) / 2];
        size_t i = low, j = high;
        for (;;) {
            while (values[i] < pivot)
                i++;
            while (values[j] > pivot)
                j--;
            if (i >= j)
                break;
            double value = values[i];
            values[i++] = values[j];
            values[j--] = value;
        }
        /* All up to j are at most the pivot, all from j + 1 at least. */
        if (wanted <= j)
            high = j;
        else
            low = j + 1;
    }
    return values[wanted];
}

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
            double now = nth_least(copy, sets, level);
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
