#include "merge/wudi.h"

#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

/* LAPACK's Cholesky factor by its Fortran interface, which OpenBLAS has. */
extern void spotrf_(const char *triangle, const int *size, float *matrix,
                    const int *stride, int *status, size_t triangle_length);

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

size_t wudi_room(const struct wudi_layer *layer) {
    size_t side = least(layer->inputs, layer->outputs);
    return sizeof(float) * (layer->inputs * layer->inputs + side * side);
}

/* c, of which the lower triangle is read or written, = a tau' tau + b c, [inputs,
 * inputs]; or with `other` a tau tau' + b c, [outputs, outputs]. */
static void add_gram(const struct wudi_layer *l, const float *tau, bool other, double a,
                     double b, float *c) {
    int inputs = (int)l->inputs, outputs = (int)l->outputs;
    int side = other ? outputs : inputs, depth = other ? inputs : outputs;
    int stride = l->turned ? outputs : inputs;
    /* The products run over rows where tau is stored with `depth` rows. */
    bool over_rows = other == l->turned;
    cblas_ssyrk(CblasRowMajor, CblasLower, over_rows ? CblasTrans : CblasNoTrans, side,
                depth, (float)a, tau, stride, (float)b, c, side);
}

/* to += a tau tau' tau, by the smaller of the two products. */
static void add_cube(const struct wudi_layer *l, const float *tau, double a,
                     float *gram, float *to) {
    int inputs = (int)l->inputs, outputs = (int)l->outputs;
    bool other = outputs < inputs;
    int side = other ? outputs : inputs;
    int rows = l->turned ? inputs : outputs, columns = l->turned ? outputs : inputs;
    add_gram(l, tau, other, 1, 0, gram);
    /* tau tau' stands before tau, tau' tau behind it; turned, the other way round. */
    bool before = other != l->turned;
    cblas_ssymm(CblasRowMajor, before ? CblasLeft : CblasRight, CblasLower, rows,
                columns, (float)a, gram, side, tau, columns, 1, to, columns);
}

static double squared_norm(const float *x, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}

/* x system^-1 in the place of x, or system^-1 x where the layer is turned. */
static void divide(const struct wudi_layer *l, const float *factor, float *x) {
    int inputs = (int)l->inputs, outputs = (int)l->outputs;
    int rows = l->turned ? inputs : outputs, columns = l->turned ? outputs : inputs;
    enum CBLAS_SIDE side = l->turned ? CblasLeft : CblasRight;
    enum CBLAS_TRANSPOSE first = l->turned ? CblasNoTrans : CblasTrans;
    enum CBLAS_TRANSPOSE then = l->turned ? CblasTrans : CblasNoTrans;
    cblas_strsm(CblasRowMajor, side, CblasLower, first, CblasNonUnit, rows, columns, 1,
                factor, inputs, x, columns);
    cblas_strsm(CblasRowMajor, side, CblasLower, then, CblasNonUnit, rows, columns, 1,
                factor, inputs, x, columns);
}

/* The weighted mean of the vectors, and the sum of the weights of those that are not
 * 0, which is `inputs` times m of the header. */
static double weighted_mean(const float *const *vectors, const double *weights,
                            const double *norms, size_t tasks, size_t cells,
                            float *mean) {
    double present = 0;
    for (size_t i = 0; i < cells; i++)
        mean[i] = 0;
    for (size_t t = 0; t < tasks; t++) {
        if (!(weights[t] > 0) || norms[t] == 0)
            continue;
        float weight = (float)weights[t];
        for (size_t i = 0; i < cells; i++)
            mean[i] += weight * vectors[t][i];
        present += weights[t];
    }
    return present;
}

static int solve(const struct wudi_layer *l, const float *const *vectors,
                 const double *weights, const double *norms, size_t tasks, double ridge,
                 float *merged, float *system, float *gram, struct error *error) {
    size_t cells = l->inputs * l->outputs;
    double present = weighted_mean(vectors, weights, norms, tasks, cells, merged);
    if (present == 0)
        return 0;
    /* Everything times `inputs`, so that the diagonal is about 1. */
    double scale = (double)l->inputs;
    float pull = (float)(ridge * present);
    for (size_t i = 0; i < cells; i++)
        merged[i] *= pull;
    for (size_t t = 0; t < tasks; t++) {
        if (!(weights[t] > 0) || norms[t] == 0)
            continue;
        double share = scale * weights[t] / norms[t];
        add_gram(l, vectors[t], false, share, 1, system);
        add_cube(l, vectors[t], share, gram, merged);
    }
    for (size_t i = 0; i < l->inputs; i++)
        system[i * l->inputs + i] += pull;
    /* By columns, the lower triangle is the upper one. */
    int size = (int)l->inputs, status;
    spotrf_("U", &size, system, &size, &status, 1);
    if (status)
        return error_set(error,
                         "a layer of %zu inputs cannot be solved with ridge %g; take a "
                         "larger one",
                         l->inputs, ridge);
    divide(l, system, merged);
    return 0;
}

int wudi_solve(const struct wudi_layer *l, const float *const *vectors,
               const double *weights, size_t tasks, double ridge, float *merged,
               struct error *error) {
    size_t cells, square, side = least(l->inputs, l->outputs);
    if (l->inputs > INT_MAX || l->outputs > INT_MAX ||
        !size_multiply(l->inputs, l->outputs, &cells) ||
        !size_multiply(l->inputs, l->inputs, &square))
        return error_memory(error);
    float *system = array_new(square, sizeof *system);
    float *gram = array_new(side, side * sizeof *gram);
    double *norms = array_new(tasks, sizeof *norms);
    int result = -1;
    if (!system || !gram || !norms) {
        error_memory(error);
        goto done;
    }
    for (size_t t = 0; t < tasks; t++) {
        norms[t] = squared_norm(vectors[t], cells);
        if (!isfinite(norms[t])) {
            error_set(error, "a task vector has numbers that are not finite");
            goto done;
        }
    }
    result =
        solve(l, vectors, weights, norms, tasks, ridge, merged, system, gram, error);
done:
    free(system);
    free(gram);
    free(norms);
    return result;
}
