#include "train/hypervolume.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/pareto.h"

/* The volume that point p adds to those that are no greater in coordinate t, without
 * that coordinate; room [count, tasks]. */
static int slope(const double *points, size_t count, size_t tasks,
                 const double *reference, size_t p, size_t t, double *room,
                 double *volume, struct error *error) {
    double bound[64], with = 0, without = 0;
    size_t rows = 0, width = tasks - 1;
    for (size_t q = 0; q < count; q++) {
        const double *point = points + q * tasks;
        if (q == p || point[t] > points[p * tasks + t])
            continue;
        for (size_t i = 0, at = 0; i < tasks; i++)
            if (i != t)
                room[rows * width + at++] = point[i];
        rows++;
    }
    for (size_t i = 0, at = 0; i < tasks; i++)
        if (i != t) {
            bound[at] = reference[i];
            room[rows * width + at++] = points[p * tasks + i];
        }
    if (width == 0)
        with = rows ? 0 : 1;
    else if ((rows &&
              pareto_hypervolume(room, rows, width, bound, &without, NULL, error)) ||
             pareto_hypervolume(room, rows + 1, width, bound, &with, NULL, error))
        return -1;
    *volume = fmax(0, with - without);
    return 0;
}

int hypervolume_slopes(const double *points, size_t count, size_t tasks,
                       const double *reference, double *slopes, struct error *error) {
    double *room = array_new(count + 1, tasks * sizeof *room);
    int result = room ? 0 : error_memory(error);
    if (tasks > 64)
        result =
            error_set(error, "the hypervolume of %zu tasks is not worked out", tasks);
    for (size_t p = 0; result == 0 && p < count; p++) {
        bool inside = true;
        for (size_t t = 0; t < tasks; t++)
            inside = inside && points[p * tasks + t] < reference[t];
        for (size_t t = 0; result == 0 && t < tasks; t++) {
            slopes[p * tasks + t] = 0;
            if (inside)
                result = slope(points, count, tasks, reference, p, t, room,
                               &slopes[p * tasks + t], error);
        }
    }
    free(room);
    return result;
}

/* --- the weights of a batch ---------------------------------------------------------
 */

/* Of the points that are left, the front: its rows' numbers into front, and they are
 * left no longer. Of equal points one. */
static size_t take_front(const double *losses, size_t count, size_t tasks, bool *left,
                         size_t *front) {
    size_t taken = 0;
    for (size_t p = 0; p < count; p++) {
        bool beaten = !left[p];
        for (size_t q = 0; !beaten && q < count; q++) {
            const double *a = losses + q * tasks, *b = losses + p * tasks;
            bool same = memcmp(a, b, tasks * sizeof *a) == 0;
            beaten =
                left[q] && q != p && (pareto_dominates(a, b, tasks) || (same && q < p));
        }
        if (!beaten)
            front[taken++] = p;
    }
    for (size_t i = 0; i < taken; i++)
        left[front[i]] = false;
    return taken;
}

/* The slopes of one front after the other, each point's divided by their sum. */
static int slopes_by_front(const double *losses, size_t count, size_t tasks,
                           const double *reference, double *weights,
                           struct error *error) {
    bool *left = array_new(count, sizeof *left);
    size_t *front = array_new(count, sizeof *front), taken;
    double *points = array_new(count, tasks * sizeof *points);
    double *slopes = array_new(count, tasks * sizeof *slopes);
    int result = left && front && points && slopes ? 0 : error_memory(error);
    for (size_t p = 0; result == 0 && p < count; p++)
        left[p] = true;
    while (result == 0 && (taken = take_front(losses, count, tasks, left, front)) > 0) {
        for (size_t i = 0; i < taken; i++)
            memcpy(points + i * tasks, losses + front[i] * tasks,
                   tasks * sizeof *points);
        result = hypervolume_slopes(points, taken, tasks, reference, slopes, error);
        for (size_t i = 0; result == 0 && i < taken; i++) {
            double sum = 0;
            for (size_t t = 0; t < tasks; t++)
                sum += slopes[i * tasks + t];
            for (size_t t = 0; t < tasks; t++)
                weights[front[i] * tasks + t] =
                    sum > 0 ? slopes[i * tasks + t] / sum : 1 / (double)tasks;
        }
    }
    free(left);
    free(front);
    free(points);
    free(slopes);
    return result;
}

/* Adds what the angle between the losses and the preference's ray asks for. */
static void add_penalty(const double *losses, const double *preference, size_t tasks,
                        double *weights) {
    double ray[64], product = 0, length = 0, of_ray = 0;
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
    double reference[64] = {0};
    bool finite = true;
    if (tasks > 64)
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
