#include "train/hypervolume.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "moe/pool.h"
#include "pareto/pareto.h"
#include "pareto/slopes.h"

/* Takes the front, of equal points one, off points [*left, tasks] with their rows in
 * the batch; its points go into front and their rows into taken. Returns how many, or
 * -1. */
static long take_front(double *points, size_t *rows, size_t *left, size_t tasks,
                       bool *keep, double *front, size_t *taken, struct error *error) {
    size_t kept = 0, rest = 0, bytes = tasks * sizeof *points;
    if (pareto_filter(points, *left, tasks, true, keep, error) < 0)
        return -1;
    for (size_t i = 0; i < *left; i++) {
        if (keep[i]) {
            memcpy(front + kept * tasks, points + i * tasks, bytes);
            taken[kept++] = rows[i];
            continue;
        }
        memmove(points + rest * tasks, points + i * tasks, bytes);
        rows[rest++] = rows[i];
    }
    *left = rest;
    return (long)kept;
}

/* The slopes of one front after the other, each point's divided by their sum. */
static int slopes_by_front(const double *losses, size_t count, size_t tasks,
                           const double *reference, double *weights,
                           struct error *error) {
    bool *keep = array_new(count, sizeof *keep);
    size_t *rows = array_new(count, 2 * sizeof *rows), left = count;
    double *points = array_new(count, 3 * tasks * sizeof *points);
    int result = keep && rows && points ? 0 : error_memory(error);
    for (size_t p = 0; result == 0 && p < count; p++)
        rows[p] = p;
    if (result == 0)
        memcpy(points, losses, count * tasks * sizeof *points);
    while (result == 0 && left > 0) {
        double *front = points + count * tasks, *slopes = front + count * tasks;
        size_t *taken = rows + count;
        long size = take_front(points, rows, &left, tasks, keep, front, taken, error);
        result = size < 0 ? -1
                          : pareto_hypervolume_slopes(front, (size_t)size, tasks,
                                                      reference, slopes, error);
        for (long i = 0; result == 0 && i < size; i++) {
            const double *slope = slopes + (size_t)i * tasks;
            double sum = 0;
            for (size_t t = 0; t < tasks; t++)
                sum += slope[t];
            for (size_t t = 0; t < tasks; t++)
                weights[taken[i] * tasks + t] =
                    sum > 0 ? slope[t] / sum : 1 / (double)tasks;
        }
    }
    free(keep);
    free(rows);
    free(points);
    return result;
}

/* Adds what the angle between the losses and the preference's ray asks for. */
static void add_penalty(const double *losses, const double *preference, size_t tasks,
                        double *weights) {
    double ray[POOL_TASKS_MAX], product = 0, length = 0, of_ray = 0;
    for (size_t t = 0; t < tasks; t++) {
        ray[t] = 1 / fmax(preference[t], HYPERVOLUME_FLOOR);
        product += ray[t] * losses[t];
        of_ray += ray[t] * ray[t];
        length += losses[t] * losses[t];
    }
    length = sqrt(length);
    of_ray = sqrt(of_ray);
    for (size_t t = 0; length > 0 && t < tasks; t++) {
        double cosine = product / (length * of_ray);
        weights[t] +=
            HYPERVOLUME_PENALTY * (cosine * losses[t] / length - ray[t] / of_ray);
        weights[t] = fmax(0, weights[t]);
    }
}

int hypervolume_weights(const double *losses, const double *preferences, size_t count,
                        size_t tasks, double *weights, struct error *error) {
    double reference[POOL_TASKS_MAX] = {0};
    bool finite = true;
    if (tasks > POOL_TASKS_MAX)
        return error_set(error, "the hypervolume of %zu tasks is not worked out",
                         tasks);
    for (size_t i = 0; i < count * tasks; i++) {
        finite = finite && isfinite(losses[i]);
        reference[i % tasks] =
            fmax(reference[i % tasks], HYPERVOLUME_REACH * losses[i]);
    }
    memcpy(weights, preferences, count * tasks * sizeof *weights);
    if (finite && slopes_by_front(losses, count, tasks, reference, weights, error))
        return -1;
    for (size_t p = 0; finite && p < count; p++)
        add_penalty(losses + p * tasks, preferences + p * tasks, tasks,
                    weights + p * tasks);
    for (size_t i = 0; i < count * tasks; i++)
        weights[i] /= (double)count;
    return 0;
}
