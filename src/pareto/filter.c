#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/order.h"
#include "pareto/pareto.h"

bool pareto_dominates(const double *a, const double *b, size_t objectives) {
    bool better = false;
    for (size_t j = 0; j < objectives; j++) {
        if (a[j] > b[j])
            return false;
        better |= a[j] < b[j];
    }
    return better;
}

static int compare_rows(const double *a, const double *b, size_t objectives) {
    for (size_t j = 0; j < objectives; j++)
        if (a[j] != b[j])
            return a[j] < b[j] ? -1 : 1;
    return 0;
}

/* Sorts items so that their rows are in lexicographic order; equal rows stay in the
 * order of their numbers. */
static void sort_rows(const double *points, size_t count, size_t objectives,
                      struct order_item *items, struct order_item *scratch) {
    for (size_t i = 0; i < count; i++)
        items[i].index = i;
    for (size_t j = objectives; j-- > 0;) {
        for (size_t i = 0; i < count; i++)
            items[i].key = points[items[i].index * objectives + j];
        order_sort(items, scratch, count);
    }
}

/* Each of these goes through rows in lexicographic order, in which no row is
 * dominated by a later one, and clears `keep` of the dominated ones. Equal rows
 * follow each other and are settled by the caller: only `first` of each are seen. */

static void filter_two(const double *points, const size_t *first, size_t rows,
                       bool *keep) {
    double floor = INFINITY;
    for (size_t i = 0; i < rows; i++) {
        double y = points[2 * first[i] + 1];
        keep[first[i]] = i == 0 || y < floor;
        if (y < floor)
            floor = y;
    }
}

/* The rows seen so far form a staircase in the second and the third objective: a set
 * of ranks by the second. */
static int filter_three(const double *points, const size_t *first, size_t rows,
                        struct order_item *items, struct order_item *scratch,
                        bool *keep) {
    size_t *rank = array_new(rows, sizeof *rank);
    size_t *row_of = array_new(rows, sizeof *row_of);
    struct rank_set stair = {0};
    if (!rank || !row_of || rank_set_new(&stair, rows + 1)) {
        free(rank);
        free(row_of);
        return -1;
    }
    for (size_t i = 0; i < rows; i++)
        items[i] = (struct order_item){points[3 * first[i] + 1], i};
    order_sort(items, scratch, rows);
    /* Equal values share the greatest rank, so that "below the next rank" is at most.
     */
    for (size_t i = rows; i-- > 0;) {
        bool tied = i + 1 < rows && items[i].key == items[i + 1].key;
        rank[items[i].index] = tied ? rank[items[i + 1].index] : i;
    }
    for (size_t i = 0; i < rows; i++) {
        double z = points[3 * first[i] + 2];
        size_t left = rank_set_below(&stair, rank[i] + 1);
        keep[first[i]] = left == RANK_NONE || points[3 * row_of[left] + 2] > z;
        if (!keep[first[i]])
            continue;
        size_t right = rank_set_above(&stair, rank[i]);
        while (right != RANK_NONE && points[3 * row_of[right] + 2] >= z) {
            rank_set_remove(&stair, right);
            right = rank_set_above(&stair, right);
        }
        rank_set_add(&stair, rank[i]);
        row_of[rank[i]] = first[i];
    }
    rank_set_free(&stair);
    free(row_of);
    free(rank);
    return 0;
}

/* Any number of objectives: every row against those kept before it, the last one
 * that dominated something first. */
static int filter_many(const double *points, size_t objectives, const size_t *first,
                       size_t rows, bool *keep) {
    size_t kept = 0, cells;
    double *front = size_multiply(rows, objectives, &cells)
                        ? array_new(cells, sizeof *front)
                        : NULL;
    if (!front)
        return -1;
    for (size_t i = 0; i < rows; i++) {
        const double *row = points + first[i] * objectives;
        size_t other = 0;
        for (; other < kept; other++) {
            const double *q = front + other * objectives;
            size_t j = 0;
            while (j < objectives && q[j] <= row[j])
                j++;
            if (j == objectives)
                break;
        }
        keep[first[i]] = other == kept;
        if (other == kept) {
            memcpy(front + kept++ * objectives, row, objectives * sizeof *row);
        } else if (other > 0) {
            /* Half the way to the front: who dominates one often dominates more. */
            double *a = front + other * objectives, *b = front + other / 2 * objectives;
            for (size_t j = 0; j < objectives; j++) {
                double value = a[j];
                a[j] = b[j];
                b[j] = value;
            }
        }
    }
    free(front);
    return 0;
}

long pareto_filter(const double *points, size_t count, size_t objectives,
                   bool first_of_equals, bool *keep, struct error *error) {
    if (count == 0)
        return 0;
    if (objectives == 0 || count > LONG_MAX)
        return error_set(error, "%zu points of %zu objectives cannot be compared",
                         count, objectives);
    struct order_item *items = array_new(count, 2 * sizeof *items);
    size_t *first = array_new(count, sizeof *first);
    struct order_item *order = array_new(count, sizeof *order);
    long kept = -1;
    if (!items || !first || !order) {
        error_memory(error);
        goto out;
    }
    sort_rows(points, count, objectives, items, items + count);
    memcpy(order, items, count * sizeof *order);
    size_t rows = 0;
    for (size_t i = 0; i < count; i++)
        if (i == 0 || compare_rows(points + items[i - 1].index * objectives,
                                   points + items[i].index * objectives, objectives))
            first[rows++] = items[i].index;
    int failed = 0;
    if (objectives == 1)
        for (size_t i = 0; i < rows; i++)
            keep[first[i]] = i == 0;
    else if (objectives == 2)
        filter_two(points, first, rows, keep);
    else if (objectives == 3)
        failed = filter_three(points, first, rows, items, items + count, keep);
    else
        failed = filter_many(points, objectives, first, rows, keep);
    if (failed) {
        error_memory(error);
        goto out;
    }
    /* Equal rows fare as the first of them, or go. */
    kept = 0;
    for (size_t i = 0, row = 0; i < count; i++) {
        size_t index = order[i].index;
        if (row < rows && first[row] == index)
            row++;
        else
            keep[index] = !first_of_equals && keep[first[row - 1]];
        kept += keep[index];
    }
out:
    free(order);
    free(first);
    free(items);
    return kept;
}
