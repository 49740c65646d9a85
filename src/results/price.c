#include "results/price.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "merge/solve.h"
#include "moe/routers.h"
#include "results/oriented.h"

enum { NEIGHBOURS_MOST = 48, STRENGTHS = 8 };

/* The neighbours as a regression sees them. With the strength s of regularisation all
 * that it asks for are parts of the inverse of A = X X' + s / nearness [count, count],
 * where the rows of X are features. Where these are fewer than the neighbours, a
 * smaller matrix is inverted (Woodbury): with W = diag(nearness) and M = (X' W X +
 * s)^-1 [width, width], A^-1 = (W - W X M X' W) / s. */
struct local {
    size_t count, width;      /* features of each */
    size_t size;              /* of what is inverted: the less of both */
    double *features;         /* [count, width], their weighted mean taken away */
    double *along;            /* [width]: how they move along the direction */
    double *nearness;         /* [count] */
    double *gram;             /* [size, size]: X X', or X' W X */
    double *project;          /* [count]: features . along */
    double *matrix, *inverse; /* [size, size] */
    double *diagonal, *share; /* [count]: of A^-1; A^-1 project */
    double *values, *dual; /* [count] of one objective, less their mean; A^-1 values */
    double *part;          /* [width] */
    float *weights, *jacobian;
};

static void local_free(struct local *local) {
    free(local->features);
    free(local->along);
    free(local->nearness);
    free(local->gram);
    free(local->project);
    free(local->matrix);
    free(local->inverse);
    free(local->diagonal);
    free(local->share);
    free(local->values);
    free(local->dual);
    free(local->part);
    free(local->weights);
    free(local->jacobian);
}

static int local_new(struct local *local, size_t count, size_t width, size_t tasks,
                     const struct routers *routers) {
    size_t modules = routers ? routers->modules : 0;
    size_t size = width < count ? width : count;
    *local = (struct local){.count = count, .width = width, .size = size};
    local->features = array_new(count, width * sizeof(double));
    local->along = array_new(width, sizeof(double));
    local->nearness = array_new(count, sizeof(double));
    local->gram = array_new(size, size * sizeof(double));
    local->project = array_new(count, sizeof(double));
    local->matrix = array_new(size, size * sizeof(double));
    local->inverse = array_new(size, size * sizeof(double));
    local->diagonal = array_new(count, sizeof(double));
    local->share = array_new(count, sizeof(double));
    local->values = array_new(count, sizeof(double));
    local->dual = array_new(count, sizeof(double));
    local->part = array_new(width, sizeof(double));
    local->weights = array_new(modules + 1, tasks * sizeof(float));
    local->jacobian = array_new(modules * tasks, tasks * sizeof(float));
    return local->features && local->along && local->nearness && local->gram &&
                   local->project && local->matrix && local->inverse &&
                   local->diagonal && local->share && local->values && local->dual &&
                   local->part && local->weights && local->jacobian
               ? 0
               : -1;
}

/* Features of a preference: routing weights, or the preference itself. */
static void feature_row(struct local *local, const struct routers *routers,
                        const double *preference, double *row) {
    if (routers)
        routers_forward(routers, preference, local->weights);
    for (size_t i = 0; i < local->width; i++)
        row[i] = routers ? (double)local->weights[i] : preference[i];
}

/* How the features move along a direction of preferences. */
static void find_along(struct local *local, const struct routers *routers, size_t tasks,
                       const double *preference, const double *direction) {
    if (routers)
        routers_jacobian(routers, preference, local->jacobian);
    for (size_t i = 0; i < local->width; i++) {
        local->along[i] = routers ? 0 : direction[i];
        for (size_t t = 0; routers && t < tasks; t++)
            local->along[i] += (double)local->jacobian[i * tasks + t] * direction[t];
    }
}

/* Tricube over a little more than the distance of the farthest. */
static void find_nearness(struct local *local, const struct samples *near,
                          const double *preference) {
    double farthest = 0, greatest = 0;
    for (size_t i = 0; i < local->count; i++) {
        double square = 0;
        for (size_t t = 0; t < near->tasks; t++) {
            double d = near->preferences[i * near->tasks + t] - preference[t];
            square += d * d;
        }
        local->nearness[i] = sqrt(square);
        farthest = fmax(farthest, local->nearness[i]);
    }
    for (size_t i = 0; i < local->count; i++) {
        double share = farthest > 0 ? local->nearness[i] / (1.1 * farthest) : 0;
        local->nearness[i] = pow(1 - share * share * share, 3);
        greatest = fmax(greatest, local->nearness[i]);
    }
    for (size_t i = 0; i < local->count; i++)
        local->nearness[i] /= greatest;
}

/* Takes the weighted mean of `count` rows of `width` numbers away from each. */
static void centre(double *rows, const double *nearness, size_t count, size_t width) {
    double total = 0;
    for (size_t i = 0; i < count; i++)
        total += nearness[i];
    for (size_t j = 0; j < width; j++) {
        double mean = 0;
        for (size_t i = 0; i < count; i++)
            mean += nearness[i] * rows[i * width + j];
        for (size_t i = 0; i < count; i++)
            rows[i * width + j] -= mean / total;
    }
}

static double dot(const double *a, const double *b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

struct slope {
    double value, error; /* along the direction, and its standard error */
    double left_out;     /* mean square when leaving one out; what is least is taken */
};

/* Judges one strength of regularisation for one objective: the error when leaving i out
 * is (A^-1 values)_i over the diagonal of A^-1, and the slope is linear in the values.
 */
static void consider(const struct local *local, struct slope *best) {
    size_t count = local->count;
    double square = 0, total = 0, slope = 0, spread = 0, sum = 0;
    for (size_t i = 0; i < count; i++) {
        double out = local->dual[i] / local->diagonal[i], share = local->share[i];
        square += local->nearness[i] * out * out;
        total += local->nearness[i];
        slope += share * local->values[i];
        spread += share * share;
        sum += share;
    }
    double left_out = square / total;
    if (!isfinite(left_out) || left_out >= best->left_out)
        return;
    /* The values' mean was taken away: its part in the slope's variance. */
    for (size_t i = 0; i < count; i++) {
        double part = local->nearness[i] / total * sum;
        spread += part * part - 2 * part * local->share[i];
    }
    best->left_out = left_out;
    best->value = slope;
    best->error = sqrt(left_out * fmax(spread, 0));
}

static bool is_small(const struct local *local) {
    return local->size < local->count;
}

/* out [width] = M x; x is not out. */
static void times_inverse(const struct local *local, const double *x, double *out) {
    for (size_t j = 0; j < local->width; j++)
        out[j] = dot(local->inverse + j * local->width, x, local->width);
}

/* The inverse of the gram matrix and strength (over nearness), and what it says that
 * does not depend on the objective; false where there is none. */
static bool invert(struct local *local, double strength) {
    size_t size = local->size, count = local->count;
    bool small = is_small(local);
    memcpy(local->matrix, local->gram, size * size * sizeof(double));
    memset(local->inverse, 0, size * size * sizeof(double));
    for (size_t i = 0; i < size; i++) {
        local->matrix[i * size + i] += small ? strength : strength / local->nearness[i];
        local->inverse[i * size + i] = 1;
    }
    if (solve_rows(local->matrix, size, local->inverse, size, 1))
        return false;
    for (size_t i = 0; i < count && !small; i++) {
        const double *row = local->inverse + i * count;
        local->diagonal[i] = row[i];
        local->share[i] = dot(row, local->project, count);
    }
    for (size_t i = 0; i < count && small; i++) {
        const double *row = local->features + i * local->width;
        double near = local->nearness[i];
        times_inverse(local, row, local->part);
        local->diagonal[i] =
            (near - near * near * dot(row, local->part, local->width)) / strength;
        local->share[i] = near * dot(local->along, local->part, local->width);
    }
    return true;
}

/* A^-1 values. */
static void find_dual(struct local *local, double strength) {
    size_t count = local->count, width = local->width;
    if (!is_small(local)) {
        for (size_t i = 0; i < count; i++)
            local->dual[i] = dot(local->inverse + i * count, local->values, count);
        return;
    }
    double *sums = local->matrix; /* its first row, which is free after the inversion */
    memset(sums, 0, width * sizeof *sums);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < width; j++)
            sums[j] +=
                local->nearness[i] * local->values[i] * local->features[i * width + j];
    times_inverse(local, sums, local->part);
    for (size_t i = 0; i < count; i++)
        local->dual[i] =
            local->nearness[i] / strength *
            (local->values[i] - dot(local->features + i * width, local->part, width));
}

/* The matrix that strengths are added to; returns the mean square of the features. */
static double find_gram(struct local *local) {
    size_t count = local->count, width = local->width;
    double scale = 0;
    for (size_t i = 0; i < count; i++) {
        const double *row = local->features + i * width;
        for (size_t j = 0; j < count && !is_small(local); j++)
            local->gram[i * count + j] = dot(row, local->features + j * width, width);
        for (size_t j = 0; j < width && is_small(local); j++)
            for (size_t k = 0; k < width; k++)
                local->gram[j * width + k] += local->nearness[i] * row[j] * row[k];
        local->project[i] = dot(row, local->along, width);
        scale += dot(row, row, width) / (double)count;
    }
    return scale;
}

static void take_values(struct local *local, const struct samples *near,
                        size_t objective) {
    for (size_t i = 0; i < local->count; i++)
        local->values[i] = near->values[i * near->tasks + objective];
    centre(local->values, local->nearness, local->count, 1);
}

/* The slopes of these objectives [count] along the direction. */
static void fit(struct local *local, const struct samples *near,
                const size_t *objectives, size_t objective_count,
                struct slope *slopes) {
    centre(local->features, local->nearness, local->count, local->width);
    double scale = find_gram(local);
    for (size_t i = 0; i < objective_count; i++)
        slopes[i] = (struct slope){.left_out = INFINITY};
    for (int k = 0; k < STRENGTHS && scale > 0; k++) {
        double strength = scale * pow(10, 1 - k);
        if (!invert(local, strength))
            break;
        for (size_t i = 0; i < objective_count; i++) {
            take_values(local, near, objectives[i]);
            find_dual(local, strength);
            consider(local, &slopes[i]);
        }
    }
}

/* Of so many neighbours as there are; 0: too few, or memory is out. */
static size_t slopes_at(const struct samples *samples, const struct routers *routers,
                        const double *preference, const double *direction,
                        const size_t *objectives, size_t count, struct slope *slopes) {
    size_t tasks = samples->tasks, least = 4 * tasks < 8 ? 8 : 4 * tasks, used;
    struct samples near;
    struct local local;
    if (samples->count < 2 * tasks)
        return 0;
    if (least > NEIGHBOURS_MOST / 2)
        least = NEIGHBOURS_MOST / 2 < 2 * tasks ? 2 * tasks : NEIGHBOURS_MOST / 2;
    size_t most = least > NEIGHBOURS_MOST ? least : NEIGHBOURS_MOST;
    if (!samples_nearest(samples, preference, least, most, &near))
        return 0;
    size_t width = routers ? routers->modules * tasks : tasks;
    used = local_new(&local, near.count, width, tasks, routers) ? 0 : near.count;
    if (used) {
        find_nearness(&local, &near, preference);
        for (size_t i = 0; i < near.count; i++)
            feature_row(&local, routers, near.preferences + i * tasks,
                        local.features + i * width);
        find_along(&local, routers, tasks, preference, direction);
        fit(&local, &near, objectives, count, slopes);
    }
    local_free(&local);
    samples_free(&near);
    return used;
}

/* Those that can be looked into. */
static const struct routers *usable(const struct routers *routers, size_t tasks) {
    return routers && routers->tasks == tasks && routers->modules ? routers : NULL;
}

bool price_at(const struct samples *samples, const struct routers *routers,
              const double *preference, size_t gain, size_t loss, struct price *price) {
    double direction[STORE_TASKS_MAX] = {0};
    struct slope slopes[2];
    if (gain == loss || preference[gain] + preference[loss] < 1e-3)
        return false;
    routers = usable(routers, samples->tasks);
    direction[gain] = 1;
    direction[loss] = -1;
    size_t neighbours = slopes_at(samples, routers, preference, direction,
                                  (size_t[]){gain, loss}, 2, slopes);
    if (!neighbours)
        return false;
    /* So that more is better. */
    double gained = -oriented_by(!samples->less[gain], slopes[0].value);
    double lost = oriented_by(!samples->less[loss], slopes[1].value);
    if (!(gained > 2 * slopes[0].error && lost > 2 * slopes[1].error))
        return false;
    double a = slopes[0].error / gained, b = slopes[1].error / lost;
    price->cost = lost / gained;
    price->error = price->cost * sqrt(a * a + b * b);
    price->neighbours = neighbours;
    price->routed = routers != NULL;
    return true;
}

bool price_step(const struct samples *samples, const struct routers *routers,
                const double *from, const double *to, double *change, double *error) {
    struct slope slopes[STORE_TASKS_MAX];
    double direction[STORE_TASKS_MAX] = {0};
    size_t tasks = samples->tasks, objectives[STORE_TASKS_MAX];
    for (size_t t = 0; t < tasks; t++) {
        direction[t] = to[t] - from[t];
        objectives[t] = t;
    }
    if (!slopes_at(samples, usable(routers, tasks), from, direction, objectives, tasks,
                   slopes))
        return false;
    for (size_t t = 0; t < tasks; t++) {
        change[t] = slopes[t].value;
        error[t] = slopes[t].error;
        if (!isfinite(slopes[t].left_out) || !isfinite(change[t] + error[t]))
            return false;
    }
    return true;
}
