#include "train/mgda.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

/* The points that the current one is between, and room for their affine minimum. */
struct corral {
    const double *gram;
    double scale; /* the greatest diagonal entry of gram */
    size_t tasks, size;
    size_t *members;          /* [tasks] */
    double *weights;          /* [tasks], of all points */
    double *affine, *factors; /* [tasks], [tasks, tasks] */
};

/* The point of least norm in the members' affine hull: v / sum(v) where
 * (C + 1 1^T) v = 1 (Wolfe 1976), C being scaled to entries of order 1. False where
 * a member lies, within roundings, in the hull of those before it. */
static bool affine_minimum(struct corral *corral) {
    size_t n = corral->size;
    double *l = corral->factors, *v = corral->affine, sum = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double value =
                corral->gram[corral->members[i] * corral->tasks + corral->members[j]] /
                    corral->scale +
                1;
            for (size_t k = 0; k < j; k++)
                value -= l[i * n + k] * l[j * n + k];
            if (i == j && !(value > 1e-14))
                return false;
            l[i * n + j] = i == j ? sqrt(value) : value / l[j * n + j];
        }
    }
    for (size_t i = 0; i < n; i++) {
        v[i] = 1;
        for (size_t k = 0; k < i; k++)
            v[i] -= l[i * n + k] * v[k];
        v[i] /= l[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            v[i] -= l[k * n + i] * v[k];
        v[i] /= l[i * n + i];
        sum += v[i];
    }
    for (size_t i = 0; i < n; i++)
        v[i] /= sum;
    return true;
}

static void leave(struct corral *corral, size_t place) {
    corral->weights[corral->members[place]] = 0;
    corral->size--;
    for (size_t i = place; i < corral->size; i++)
        corral->members[i] = corral->members[i + 1];
}

/* To the affine minimum, or as far towards it as weights stay positive: then without
 * the members whose weights ended, and again. */
static void settle(struct corral *corral) {
    while (corral->size > 0) {
        if (!affine_minimum(corral)) {
            leave(corral, corral->size - 1);
            continue;
        }
        double step = 1;
        size_t first = corral->size;
        for (size_t i = 0; i < corral->size; i++) {
            double w = corral->weights[corral->members[i]], v = corral->affine[i];
            if (v <= 0 && w / (w - v) < step) {
                step = w / (w - v);
                first = i;
            }
        }
        for (size_t i = 0; i < corral->size; i++) {
            double *w = &corral->weights[corral->members[i]];
            *w += step * (corral->affine[i] - *w);
        }
        if (first == corral->size)
            return;
        leave(corral, first);
    }
}

/* The point whose gradient is least along the direction, or tasks where none is less
 * than the direction itself. */
static size_t point_below(const struct corral *corral) {
    size_t tasks = corral->tasks, least = 0;
    double norm = 0, below = INFINITY;
    for (size_t i = 0; i < tasks; i++) {
        double along = 0;
        for (size_t j = 0; j < tasks; j++)
            along += corral->gram[i * tasks + j] * corral->weights[j];
        norm += along * corral->weights[i];
        if (along < below) {
            below = along;
            least = i;
        }
    }
    return below < norm - 1e-13 * corral->scale ? least : tasks;
}

static void enter(struct corral *corral, size_t task) {
    for (size_t i = 0; i < corral->size; i++)
        if (corral->members[i] == task)
            return;
    corral->members[corral->size++] = task;
}

int mgda_weights(const double *gram, size_t tasks, double *weights,
                 struct error *error) {
    struct corral corral = {.gram = gram, .tasks = tasks, .weights = weights};
    bool finite = true;
    size_t nearest = 0, cells;
    for (size_t i = 0; i < tasks; i++) {
        weights[i] = 1 / (double)tasks;
        for (size_t j = 0; j < tasks; j++)
            finite &= isfinite(gram[i * tasks + j]) != 0;
        corral.scale = fmax(corral.scale, gram[i * tasks + i]);
        if (gram[i * tasks + i] < gram[nearest * tasks + nearest])
            nearest = i;
    }
    if (!finite || !(corral.scale > 0))
        return 0;
    if (!size_multiply(tasks, tasks, &cells))
        return error_memory(error);
    corral.members = array_new(tasks, sizeof *corral.members);
    corral.affine = array_new(tasks, sizeof *corral.affine);
    corral.factors = array_new(cells, sizeof *corral.factors);
    int result = -1;
    if (!corral.members || !corral.affine || !corral.factors) {
        error_memory(error);
        goto out;
    }
    for (size_t i = 0; i < tasks; i++)
        weights[i] = i == nearest;
    corral.members[corral.size++] = nearest;
    /* Finite but for roundings, which may turn it round: the bound is far above what
     * hulls of so few points take. */
    for (size_t round = 0; round < 64 * tasks; round++) {
        size_t next = point_below(&corral);
        if (next == tasks)
            break;
        enter(&corral, next);
        settle(&corral);
    }
    double sum = 0;
    for (size_t i = 0; i < tasks; i++) {
        weights[i] = fmax(weights[i], 0);
        sum += weights[i];
    }
    for (size_t i = 0; i < tasks; i++)
        weights[i] /= sum;
    result = 0;
out:
    free(corral.members);
    free(corral.affine);
    free(corral.factors);
    return result;
}
