#include "train/epo.h"

#include <coin/Clp_C_Interface.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* An entry of Ca that is smaller than its roundings is 0: its sign says which rows of
 * the programme there are, and the solver takes a row for what it is however small its
 * numbers. Ca_i = sum_j C_ij a_j where a_j = r_j (log(T p_j) - mu), and an error of
 * some units in the last place of p_j is one of as many epsilons in its logarithm. */
static double without_roundings(double value, const double *row, size_t stride,
                                const double *a, const double *preference,
                                size_t tasks) {
    double units = 16 + (double)tasks, size = 0;
    for (size_t j = 0; j < tasks; j++)
        size += fabs(row[j * stride]) * (preference[j] + fabs(a[j]));
    return fabs(value) <= units * DBL_EPSILON * size ? 0 : value;
}

/* From this non-uniformity on the losses are brought into proportion. */
static const double balanced = 1e-4;

/* max objective.alpha over the simplex where low <= matrix alpha. matrix [rows, tasks]
 * is stored by columns, as CLP reads it; its last row is the sum of alpha. */
struct programme {
    size_t tasks, rows;
    double *matrix, *low, *high, *objective, *bounds_low, *bounds_high;
    CoinBigIndex *start;
    int *index;
    void *room;
};

static int programme_new(struct programme *programme, size_t tasks,
                         struct error *error) {
    size_t rows = tasks + 2, cells, doubles, bytes;
    if (!size_multiply(rows, tasks, &cells) || cells > INT_MAX ||
        !size_add(cells, 2 * rows + 3 * tasks, &doubles) ||
        !size_multiply(doubles, sizeof(double), &bytes) ||
        !size_add(bytes, (cells + tasks + 1) * sizeof(int), &bytes))
        return error_set(error, "%zu tasks are too many for EPO", tasks);
    double *at = programme->room = array_new(1, bytes);
    if (!at)
        return error_memory(error);
    programme->tasks = tasks;
    programme->rows = rows;
    programme->matrix = at;
    programme->low = (at += cells);
    programme->high = (at += rows);
    programme->objective = (at += rows);
    programme->bounds_low = (at += tasks);
    programme->bounds_high = (at += tasks);
    programme->start = (CoinBigIndex *)(at + tasks);
    programme->index = programme->start + tasks + 1;
    for (size_t j = 0; j < tasks; j++) {
        programme->start[j] = (CoinBigIndex)(j * rows);
        programme->bounds_high[j] = 1;
        for (size_t i = 0; i < rows; i++)
            programme->index[j * rows + i] = (int)i;
        programme->matrix[j * rows + rows - 1] = 1;
    }
    programme->start[tasks] = (CoinBigIndex)cells;
    for (size_t i = 0; i < rows; i++) {
        programme->low[i] = -DBL_MAX;
        programme->high[i] = DBL_MAX;
    }
    programme->low[rows - 1] = programme->high[rows - 1] = 1;
    return 0;
}

/* alpha [tasks]; false where the programme has no solution. */
static bool programme_solve(const struct programme *programme, double *alpha) {
    Clp_Simplex *model = Clp_newModel();
    Clp_setLogLevel(model, 0);
    Clp_setOptimizationDirection(model, -1);
    Clp_loadProblem(model, (int)programme->tasks, (int)programme->rows,
                    programme->start, programme->index, programme->matrix,
                    programme->bounds_low, programme->bounds_high, programme->objective,
                    programme->low, programme->high);
    Clp_setPrimalTolerance(model, 1e-9);
    Clp_setDualTolerance(model, 1e-9);
    Clp_dual(model, 0);
    bool solved = Clp_status(model) == 0;
    if (solved)
        memcpy(alpha, Clp_primalColumnSolution(model),
               programme->tasks * sizeof *alpha);
    Clp_deleteModel(model);
    return solved;
}

/* The adjustments a [tasks]; returns mu, NaN where the losses have no proportions. */
static double adjustments(const double *losses, const double *preference, size_t tasks,
                          double *a) {
    double sum = 0, mu = 0;
    for (size_t t = 0; t < tasks; t++)
        sum += preference[t] * losses[t];
    if (!(sum > 0 && isfinite(sum)))
        return NAN;
    for (size_t t = 0; t < tasks; t++) {
        double part = preference[t] * losses[t] / sum;
        a[t] = part > DBL_EPSILON ? log((double)tasks * part) : 0;
        mu += part > DBL_EPSILON ? part * a[t] : 0;
    }
    for (size_t t = 0; t < tasks; t++)
        a[t] = preference[t] * losses[t] / sum > DBL_EPSILON
                   ? preference[t] * (a[t] - mu)
                   : 0;
    return mu;
}

static void set_balance(struct programme *programme, const double *ca,
                        const double *losses, const double *preference) {
    size_t tasks = programme->tasks;
    bool any = false;
    double worst = -INFINITY;
    for (size_t t = 0; t < tasks; t++) {
        any |= ca[t] > 0;
        worst = fmax(worst, preference[t] * losses[t]);
        programme->objective[t] = ca[t];
    }
    for (size_t t = 0; t < tasks; t++) {
        /* Two may be the worst, though their products were rounded apart. */
        bool is_worst = preference[t] * losses[t] >= worst * (1 - 4 * DBL_EPSILON);
        if (!any || is_worst)
            programme->low[t] = 0;
        else if (ca[t] <= 0)
            programme->low[t] = ca[t];
    }
}

static void set_descent(struct programme *programme, const double *ca) {
    size_t tasks = programme->tasks, rows = programme->rows;
    double best = -INFINITY;
    for (size_t t = 0; t < tasks; t++) {
        best = fmax(best, ca[t]);
        programme->low[t] = 0;
        programme->objective[t] = 0;
        for (size_t j = 0; j < tasks; j++)
            programme->objective[t] += programme->matrix[t * rows + j];
        programme->matrix[t * rows + tasks] = ca[t];
    }
    programme->low[tasks] = fmin(best, 0);
}

int epo_weights(const double *gram, const double *losses, const double *preference,
                size_t tasks, double *weights, enum epo_step *step,
                struct error *error) {
    struct programme programme = {0};
    double *a = array_new(tasks, 2 * sizeof *a), *ca = a + tasks;
    if (!a)
        return error_memory(error);
    if (programme_new(&programme, tasks, error)) {
        free(a);
        return -1;
    }
    /* Gradients shrink by orders of magnitude; the solver's tolerances do not. The
     * programme is the same at any scale of the gradients. */
    double scale = 0;
    bool finite = true;
    for (size_t i = 0; i < tasks * tasks; i++) {
        finite &= isfinite(gram[i]) != 0;
        scale = fmax(scale, fabs(gram[i]));
    }
    double mu = adjustments(losses, preference, tasks, a);
    finite &= scale > 0 && isfinite(mu);
    bool solved = false;
    if (finite) {
        for (size_t i = 0; i < tasks; i++) {
            ca[i] = 0;
            for (size_t j = 0; j < tasks; j++) {
                double value = gram[i * tasks + j] / scale;
                programme.matrix[j * programme.rows + i] = value;
                ca[i] += value * a[j];
            }
            finite &= isfinite(ca[i]) != 0;
            ca[i] = without_roundings(ca[i], programme.matrix + i, programme.rows, a,
                                      preference, tasks);
        }
        if (mu > balanced)
            set_balance(&programme, ca, losses, preference);
        else
            set_descent(&programme, ca);
        solved = finite && programme_solve(&programme, weights);
    }
    double sum = 0;
    for (size_t t = 0; t < tasks; t++) {
        weights[t] = fmax(solved ? weights[t] : preference[t], 0);
        sum += weights[t];
    }
    for (size_t t = 0; t < tasks; t++)
        weights[t] *= (double)tasks / sum;
    if (step)
        *step = !solved ? EPO_NONE : mu > balanced ? EPO_BALANCE : EPO_DESCENT;
    free(programme.room);
    free(a);
    return 0;
}
