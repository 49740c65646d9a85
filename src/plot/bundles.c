#include "plot/bundles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { ROUNDS = 12 };

struct ranked {
    double mean;
    size_t point;
};

static int by_mean(const void *a, const void *b) {
    const struct ranked *p = a, *q = b;
    return p->mean != q->mean ? (p->mean > q->mean) - (p->mean < q->mean)
                              : (p->point > q->point) - (p->point < q->point);
}

/* Of the axes that the point has; a middle one where it has none. */
static double mean_of(const double *point, size_t axes) {
    double sum = 0;
    size_t there = 0;
    for (size_t k = 0; k < axes; k++)
        if (isfinite(point[k])) {
            sum += point[k];
            there++;
        }
    return there ? sum / (double)there : 0.5;
}

static double distance(const double *point, const double *centre, size_t axes) {
    double sum = 0;
    for (size_t k = 0; k < axes; k++)
        if (isfinite(point[k]))
            sum += (point[k] - centre[k]) * (point[k] - centre[k]);
    return sum;
}

static void begin(const double *points, size_t count, size_t axes,
                  struct ranked *ranked, double *centres) {
    for (size_t i = 0; i < count; i++)
        ranked[i] = (struct ranked){mean_of(points + i * axes, axes), i};
    qsort(ranked, count, sizeof *ranked, by_mean);
    for (size_t c = 0; c < BUNDLES_MAX; c++) {
        const struct ranked *r = &ranked[(2 * c + 1) * count / (2 * BUNDLES_MAX)];
        for (size_t k = 0; k < axes; k++) {
            double value = points[r->point * axes + k];
            centres[c * axes + k] = isfinite(value) ? value : r->mean;
        }
    }
}

/* A group that loses all its points keeps its centre. */
static void move(const double *points, size_t count, size_t axes,
                 const unsigned char *of, double *centres) {
    for (size_t c = 0; c < BUNDLES_MAX; c++)
        for (size_t k = 0; k < axes; k++) {
            double sum = 0;
            size_t there = 0;
            for (size_t i = 0; i < count; i++)
                if (of[i] == c && isfinite(points[i * axes + k])) {
                    sum += points[i * axes + k];
                    there++;
                }
            if (there)
                centres[c * axes + k] = sum / (double)there;
        }
}

int bundles_find(const double *points, size_t count, size_t axes, unsigned char *of,
                 double *centres, struct error *error) {
    memset(centres, 0, BUNDLES_MAX * axes * sizeof *centres);
    if (!count)
        return 0;
    struct ranked *ranked = array_new(count, sizeof *ranked);
    if (!ranked)
        return error_memory(error);
    begin(points, count, axes, ranked, centres);
    free(ranked);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < count; i++) {
            double least = INFINITY;
            for (unsigned c = 0; c < BUNDLES_MAX; c++) {
                double d = distance(points + i * axes, centres + c * axes, axes);
                if (d < least) {
                    least = d;
                    of[i] = (unsigned char)c;
                }
            }
        }
        move(points, count, axes, of, centres);
    }
    return 0;
}
