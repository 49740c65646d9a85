#include "command/io/point_sets.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* sign[i] = 1 where objective i is minimised, -1 where it is maximised. */
static int read_directions(const struct point_sets_given *given, size_t objectives,
                           double *sign, struct error *error) {
    for (size_t i = 0; i < objectives; i++)
        sign[i] = given->maximise ? -1 : 1;
    if (!given->directions)
        return 0;
    const char *p = given->directions;
    size_t count = 0;
    for (;;) {
        size_t word = strcspn(p, ", ");
        bool minimum = word == 3 && memcmp(p, "min", 3) == 0;
        if (!minimum && !(word == 3 && memcmp(p, "max", 3) == 0))
            return error_set(error,
                             "--directions '%s': give min or max for each "
                             "objective, separated by commas",
                             given->directions);
        if (count < objectives)
            sign[count] = minimum ? 1 : -1;
        count++;
        p += word;
        if (!*p)
            break;
        p++;
    }
    if (count != objectives)
        return error_set(error,
                         "--directions names %zu objectives, the points have %zu",
                         count, objectives);
    return 0;
}

static void turn(double *values, size_t count, size_t objectives, const double *sign) {
    for (size_t i = 0; i < count * objectives; i++)
        values[i] *= sign[i % objectives];
}

void point_sets_clear(struct point_sets *sets) {
    for (size_t i = 0; sets->sets && i < sets->count; i++)
        points_free(&sets->sets[i]);
    points_free(&sets->reference_set);
    points_free(&sets->weights);
    free(sets->sets);
    free(sets->sign);
    free(sets->reference);
    free(sets->ideal);
}

/* Reads a point file that must have as many objectives as the first. */
static int read_like(const struct point_sets *sets, const char *first, const char *path,
                     struct points *points, struct error *error) {
    if (points_read(path, NULL, points, error))
        return -1;
    if (!sets->objectives || points->columns == sets->objectives)
        return 0;
    size_t columns = points->columns;
    points_free(points);
    *points = (struct points){0};
    return error_set(error, "%s has points of %zu objectives, %s of %zu", path, columns,
                     first, sets->objectives);
}

/* "0.5,1", or one number for all, into numbers in the sense of less is better. */
static int read_point(const struct point_sets *sets, const char *first,
                      const char *text, const char *what, double **point, bool *usage,
                      struct error *error) {
    double *numbers = NULL;
    size_t count, d = sets->objectives;
    *usage = points_vector(text, what, &numbers, &count, error) != 0;
    if (*usage)
        return -1;
    *point = array_new(d, sizeof **point);
    int result = *point ? 0 : error_memory(error);
    *usage = count != d && count != 1;
    if (*usage)
        result = error_set(error,
                           "%s has %zu numbers, the points of %s have %zu "
                           "objectives",
                           what, count, first, d);
    for (size_t i = 0; result == 0 && i < d; i++)
        (*point)[i] = sets->sign[i] * numbers[count == 1 ? 0 : i];
    free(numbers);
    return result;
}

static int scale_weights(const char *path, struct points *weights,
                         struct error *error) {
    for (size_t i = 0; i < weights->count; i++) {
        double sum = 0, *row = weights->values + i * weights->columns;
        bool sound = true;
        for (size_t j = 0; j < weights->columns; j++) {
            sound &= row[j] >= 0;
            sum += row[j];
        }
        if (!sound || !(sum > 0))
            return error_set(error,
                             "%s: row %zu is not a set of weights; they are at "
                             "least 0 and not all 0",
                             path, i + 1);
        for (size_t j = 0; j < weights->columns; j++)
            row[j] /= sum;
    }
    return 0;
}

int point_sets_read(const struct point_sets_given *given, struct point_sets *sets,
                    bool *usage, struct error *error) {
    *sets = (struct point_sets){.count = given->count};
    *usage = false;
    sets->sets = array_new(sets->count, sizeof *sets->sets);
    if (!sets->sets)
        return error_memory(error);
    for (size_t i = 0; i < sets->count; i++) {
        if (read_like(sets, given->files[0], given->files[i], &sets->sets[i], error))
            return -1;
        sets->objectives = sets->sets[i].columns;
    }
    size_t d = sets->objectives;
    sets->sign = array_new(d, sizeof *sets->sign);
    if (!sets->sign)
        return error_memory(error);
    *usage = read_directions(given, d, sets->sign, error) != 0;
    if (*usage ||
        (given->reference && read_point(sets, given->files[0], given->reference,
                                        "--ref", &sets->reference, usage, error)) ||
        (given->ideal && read_point(sets, given->files[0], given->ideal, "--ideal",
                                    &sets->ideal, usage, error)))
        return -1;
    for (size_t i = 0; i < sets->count; i++)
        turn(sets->sets[i].values, sets->sets[i].count, d, sets->sign);
    if (given->reference_set) {
        if (read_like(sets, given->files[0], given->reference_set, &sets->reference_set,
                      error))
            return -1;
        turn(sets->reference_set.values, sets->reference_set.count, d, sets->sign);
    }
    if (given->weights)
        return read_like(sets, given->files[0], given->weights, &sets->weights,
                         error) ||
                       scale_weights(given->weights, &sets->weights, error)
                   ? -1
                   : 0;
    return 0;
}
