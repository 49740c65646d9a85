#include "merge/wudi.h"

#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/factors.h"
#include "base/memory.h"

size_t wudi_products_bytes(const struct linear_layer *l) {
    return sizeof(float) * l->inputs * (l->inputs + l->outputs);
}

size_t wudi_room(const struct linear_layer *l) {
    size_t other = l->outputs < l->inputs ? l->outputs * l->outputs : 0;
    return wudi_products_bytes(l) + sizeof(float) * (l->inputs * l->inputs + other);
}

/* c, of which the lower triangle is read or written, = a tau' tau + b c, [inputs,
 * inputs]; or with `other` a tau tau' + b c, [outputs, outputs]. */
static void add_gram(const struct linear_layer *l, const float *tau, bool other,
                     double a, double b, float *c) {
    int inputs = (int)l->inputs, outputs = (int)l->outputs;
    int side = other ? outputs : inputs, depth = other ? inputs : outputs;
    int stride = l->turned ? outputs : inputs;
    /* The products run over rows where tau is stored with `depth` rows. */
    bool over_rows = other == l->turned;
    cblas_ssyrk(CblasRowMajor, CblasLower, over_rows ? CblasTrans : CblasNoTrans, side,
                depth, (float)a, tau, stride, (float)b, c, side);
}

/* to = a gram times tau, on the side where that fits: gram [outputs, outputs], or
 * without `other` tau times gram [inputs, inputs]; its lower triangle is read. */
static void put_product(const struct linear_layer *l, const float *tau, bool other,
                        double a, const float *gram, float *to) {
    int side = (int)(other ? l->outputs : l->inputs);
    int rows = (int)(l->turned ? l->inputs : l->outputs);
    int columns = (int)(l->turned ? l->outputs : l->inputs);
    /* Stored turned, the left is the right. */
    bool before = other != l->turned;
    cblas_ssymm(CblasRowMajor, before ? CblasLeft : CblasRight, CblasLower, rows,
                columns, (float)a, gram, side, tau, columns, 0, to, columns);
}

static void scale_lower(float factor, float *x, size_t side) {
    for (size_t i = 0; i < side; i++)
        for (size_t j = 0; j <= i; j++)
            x[i * side + j] *= factor;
}

static double squared_norm(const float *x, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}

int wudi_prepare(const struct linear_layer *l, const float *vector,
                 struct wudi_products *products, struct error *error) {
    size_t cells = l->inputs * l->outputs;
    double norm = squared_norm(vector, cells);
    if (!isfinite(norm))
        return error_set(error, "a task vector has numbers that are not finite");
    products->zero = norm == 0;
    if (products->zero) {
        memset(products->gram, 0, l->inputs * l->inputs * sizeof *products->gram);
        memset(products->cube, 0, cells * sizeof *products->cube);
        return 0;
    }
    /* Everything times `inputs`, so that the diagonal is about 1. */
    double share = (double)l->inputs / norm;
    if (l->inputs <= l->outputs) {
        add_gram(l, vector, false, 1, 0, products->gram);
        put_product(l, vector, false, share, products->gram, products->cube);
        scale_lower((float)share, products->gram, l->inputs);
        return 0;
    }
    add_gram(l, vector, false, share, 0, products->gram);
    float *gram = array_new(l->outputs, l->outputs * sizeof *gram);
    if (!gram)
        return error_memory(error);
    add_gram(l, vector, true, 1, 0, gram);
    put_product(l, vector, true, share, gram, products->cube);
    free(gram);
    return 0;
}

/* to += weight x, of the lower triangle of side rows and columns, or of the whole. */
static void add_lower(float weight, const float *x, size_t side, float *to) {
    for (size_t i = 0; i < side; i++)
        for (size_t j = 0; j <= i; j++)
            to[i * side + j] += weight * x[i * side + j];
}

static void add_all(float weight, const float *x, size_t count, float *to) {
    for (size_t i = 0; i < count; i++)
        to[i] += weight * x[i];
}

/* The weights of the vectors that are not 0, the others' 0, and their sum, which is
 * `inputs` times m of the header. */
static int present_weights(const float *const *vectors,
                           const struct wudi_products *products, const double *weights,
                           size_t tasks, size_t cells, double *present, double *sum,
                           struct error *error) {
    *sum = 0;
    for (size_t t = 0; t < tasks; t++) {
        double norm = !(weights[t] > 0) ? 0
                      : products        ? !products[t].zero
                                        : squared_norm(vectors[t], cells);
        if (!isfinite(norm))
            return error_set(error, "a task vector has numbers that are not finite");
        present[t] = norm > 0 ? weights[t] : 0;
        *sum += present[t];
    }
    return 0;
}

struct solving {
    const struct linear_layer *layer;
    float *system, *merged;
    struct wudi_products room; /* where none are given */
};

/* The sums over tasks, into system and merged, which are 0 before. */
static int add_tasks(const struct solving *s, const float *const *vectors,
                     const struct wudi_products *products, const double *present,
                     size_t tasks, double pull, struct error *error) {
    const struct linear_layer *l = s->layer;
    struct wudi_products made = s->room;
    size_t cells = l->inputs * l->outputs;
    for (size_t t = 0; t < tasks; t++) {
        if (present[t] == 0)
            continue;
        const struct wudi_products *p = products ? &products[t] : &made;
        if (!products && wudi_prepare(l, vectors[t], &made, error))
            return -1;
        add_lower((float)present[t], p->gram, l->inputs, s->system);
        add_all((float)present[t], p->cube, cells, s->merged);
        add_all((float)(pull * present[t]), vectors[t], cells, s->merged);
    }
    for (size_t i = 0; i < l->inputs; i++)
        s->system[i * l->inputs + i] += (float)pull;
    return 0;
}

int wudi_unsolved(const struct linear_layer *l, double ridge, struct error *error) {
    return error_set(error,
                     "a layer of %zu inputs cannot be solved with ridge %g; take a "
                     "larger one",
                     l->inputs, ridge);
}

/* A system that leaves what it is given as it is. */
static void put_identity(float *system, size_t side) {
    for (size_t i = 0; i < side; i++)
        system[i * side + i] = 1;
}

int wudi_system(const struct linear_layer *l, const float *const *vectors,
                const struct wudi_products *products, const double *weights,
                size_t tasks, double ridge, float *system, float *merged,
                struct error *error) {
    struct solving s = {.layer = l, .system = system, .merged = merged};
    size_t cells, square;
    double sum;
    if (l->inputs > INT_MAX || l->outputs > INT_MAX ||
        !size_multiply(l->inputs, l->outputs, &cells) ||
        !size_multiply(l->inputs, l->inputs, &square))
        return error_memory(error);
    double *present = array_new(tasks, sizeof *present);
    if (!products) {
        s.room.gram = array_new(square, sizeof *s.room.gram);
        s.room.cube = array_new(cells, sizeof *s.room.cube);
    }
    int result = -1;
    memset(merged, 0, cells * sizeof *merged);
    memset(system, 0, square * sizeof *system);
    if (!present || (!products && (!s.room.gram || !s.room.cube)))
        error_memory(error);
    else
        result = present_weights(vectors, products, weights, tasks, cells, present,
                                 &sum, error);
    if (result == 0 && sum > 0)
        result = add_tasks(&s, vectors, products, present, tasks, ridge * sum, error);
    else if (result == 0)
        put_identity(system, l->inputs);
    free(present);
    free(s.room.gram);
    free(s.room.cube);
    return result;
}

int wudi_solve(const struct linear_layer *l, const float *const *vectors,
               const struct wudi_products *products, const double *weights,
               size_t tasks, double ridge, float *merged, struct error *error) {
    size_t square;
    float *system = size_multiply(l->inputs, l->inputs, &square)
                        ? array_new(square, sizeof *system)
                        : NULL;
    if (!system)
        return error_memory(error);
    int result =
        wudi_system(l, vectors, products, weights, tasks, ridge, system, merged, error);
    if (result == 0 && factors_divide(system, l->inputs, merged, l->outputs, l->turned))
        result = wudi_unsolved(l, ridge, error);
    free(system);
    return result;
}
