/* Norms, column sums and losses: independent rows, or independent columns. */
#include <math.h>
#include <string.h>

#include "backend/cpu.h"

/* Columns that one thread sums at a time. */
enum { COLUMN_STRIP = 64 };

static void layer_norm(struct backend *backend, real *y, float *mean, float *rstd,
                       const real *x, const real *gamma, const real *beta, size_t rows,
                       size_t width, float epsilon) {
    struct cpu *cpu = cpu_of(backend);
    if (cpu->failed)
        return;
    int threads = cpu_threads_for(cpu, rows * width);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t row = 0; row < rows; row++)
        cpu->kernels->layer_norm_row(cpu_floats(y) + row * width, &mean[row],
                                     &rstd[row], cpu_const_floats(x) + row * width,
                                     cpu_const_floats(gamma), cpu_const_floats(beta),
                                     width, epsilon);
}

static void layer_norm_backward(struct backend *backend, real *dx, const real *dy,
                                const real *x, const float *mean, const float *rstd,
                                const real *gamma, size_t rows, size_t width) {
    struct cpu *cpu = cpu_of(backend);
    if (cpu->failed)
        return;
    int threads = cpu_threads_for(cpu, rows * width);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t row = 0; row < rows; row++)
        cpu->kernels->layer_norm_backward_row(
            cpu_floats(dx) + row * width, cpu_const_floats(dy) + row * width,
            cpu_const_floats(x) + row * width, mean[row], rstd[row],
            cpu_const_floats(gamma), width);
}

static void gradient_of_group(struct cpu *cpu, float *dgamma, float *dbeta,
                              const float *dy, const float *x, const float *mean,
                              const float *rstd, size_t rows, size_t width,
                              bool accumulate) {
    if (!accumulate) {
        memset(dgamma, 0, width * sizeof *dgamma);
        memset(dbeta, 0, width * sizeof *dbeta);
    }
    int threads = cpu_threads_for(cpu, rows * width);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t first = 0; first < width; first += COLUMN_STRIP) {
        size_t columns = width - first < COLUMN_STRIP ? width - first : COLUMN_STRIP;
        cpu->kernels->layer_norm_gradient(dgamma + first, dbeta + first, dy + first,
                                          x + first, mean, rstd, rows, width, columns);
    }
}

static void layer_norm_gradient(struct backend *backend, float *dgamma, float *dbeta,
                                size_t apart, const real *dy, const real *x,
                                const float *mean, const float *rstd, size_t groups,
                                size_t rows, size_t width, bool accumulate) {
    struct cpu *cpu = cpu_of(backend);
    for (size_t g = 0; g < groups && !cpu->failed; g++)
        gradient_of_group(cpu, dgamma + g * apart, dbeta + g * apart,
                          cpu_const_floats(dy) + g * rows * width,
                          cpu_const_floats(x) + g * rows * width, mean + g * rows,
                          rstd + g * rows, rows, width, accumulate);
}

static void sums_of_group(struct cpu *cpu, float *sums, const float *x, size_t rows,
                          size_t width, size_t stride, bool accumulate) {
    if (!accumulate)
        memset(sums, 0, width * sizeof *sums);
    int threads = cpu_threads_for(cpu, rows * width);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t first = 0; first < width; first += COLUMN_STRIP) {
        size_t columns = width - first < COLUMN_STRIP ? width - first : COLUMN_STRIP;
        cpu->kernels->column_sums(sums + first, x + first, rows, stride, columns);
    }
}

static void column_sums(struct backend *backend, float *sums, size_t apart,
                        const real *x, size_t groups, size_t rows, size_t width,
                        size_t stride, bool accumulate) {
    struct cpu *cpu = cpu_of(backend);
    for (size_t g = 0; g < groups && !cpu->failed; g++)
        sums_of_group(cpu, sums + g * apart, cpu_const_floats(x) + g * rows * stride,
                      rows, width, stride, accumulate);
}

static void l2_normalise(struct backend *backend, real *y, float *norms, const real *x,
                         size_t rows, size_t width) {
    struct cpu *cpu = cpu_of(backend);
    if (cpu->failed)
        return;
    int threads = cpu_threads_for(cpu, rows * width);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t row = 0; row < rows; row++)
        cpu->kernels->l2_normalise_row(cpu_floats(y) + row * width, &norms[row],
                                       cpu_const_floats(x) + row * width, width);
}

static void l2_normalise_backward(struct backend *backend, real *dx, const real *dy,
                                  const real *y, const float *norms, size_t rows,
                                  size_t width) {
    struct cpu *cpu = cpu_of(backend);
    if (cpu->failed)
        return;
    int threads = cpu_threads_for(cpu, rows * width);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t row = 0; row < rows; row++)
        cpu->kernels->l2_normalise_backward_row(
            cpu_floats(dx) + row * width, cpu_const_floats(dy) + row * width,
            cpu_const_floats(y) + row * width, norms[row], width);
}

/* What each row of a loss reads and writes; d: its gradient, NULL where none is asked
 * for. */
struct loss_row {
    float *loss, *d;
    const float *logits;
    float scale;
};

static struct loss_row loss_row(float *loss, real *dlogits, const float *logits,
                                const float *scale, size_t row, size_t classes) {
    float *d = dlogits ? cpu_floats(dlogits) + row * classes : NULL;
    return (struct loss_row){.loss = &loss[row],
                             .d = d,
                             .logits = logits + row * classes,
                             .scale = scale && d ? scale[row] : 0};
}

/* A label beyond the `known` ones makes NaN of the loss and of its gradient. */
static bool is_known(int32_t label, size_t known, const struct loss_row *r,
                     size_t classes) {
    if (label >= 0 && (size_t)label < known)
        return true;
    *r->loss = NAN;
    for (size_t j = 0; r->d && j < classes; j++)
        r->d[j] = NAN;
    return false;
}

static void cross_entropy(struct backend *backend, float *loss, real *dlogits,
                          const float *logits, const int32_t *labels,
                          const float *scale, size_t rows, size_t classes) {
    struct cpu *cpu = cpu_of(backend);
    if (cpu->failed)
        return;
    int threads = cpu_threads_for(cpu, 4 * rows * classes);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t row = 0; row < rows; row++) {
        struct loss_row r = loss_row(loss, dlogits, logits, scale, row, classes);
        if (is_known(labels[row], classes, &r, classes))
            cpu->kernels->cross_entropy_row(r.loss, r.d, r.logits, (size_t)labels[row],
                                            r.scale, classes);
    }
}

static void divergence(struct backend *backend, float *loss, real *dlogits,
                       const float *logits, const float *wanted, size_t count,
                       const int32_t *index, const float *scale, size_t rows,
                       size_t classes) {
    struct cpu *cpu = cpu_of(backend);
    if (cpu->failed)
        return;
    int threads = cpu_threads_for(cpu, 8 * rows * classes);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t row = 0; row < rows; row++) {
        struct loss_row r = loss_row(loss, dlogits, logits, scale, row, classes);
        if (is_known(index[row], count, &r, classes))
            cpu->kernels->divergence_row(r.loss, r.d, r.logits,
                                         wanted + (size_t)index[row] * classes, r.scale,
                                         classes);
    }
}

static void entropy(struct backend *backend, float *loss, real *dlogits,
                    const float *logits, const float *scale, size_t rows,
                    size_t classes) {
    struct cpu *cpu = cpu_of(backend);
    if (cpu->failed)
        return;
    int threads = cpu_threads_for(cpu, 8 * rows * classes);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t row = 0; row < rows; row++) {
        struct loss_row r = loss_row(loss, dlogits, logits, scale, row, classes);
        cpu->kernels->entropy_row(r.loss, r.d, r.logits, r.scale, classes);
    }
}

static void argmax(struct backend *backend, int32_t *out, const float *logits,
                   size_t rows, size_t classes) {
    if (cpu_of(backend)->failed)
        return;
    for (size_t row = 0; row < rows; row++) {
        const float *x = logits + row * classes;
        size_t best = 0;
        bool nan = false;
        for (size_t j = 0; j < classes; j++) {
            nan |= x[j] != x[j];
            best = x[j] > x[best] ? j : best;
        }
        out[row] = nan ? -1 : (int32_t)best;
    }
}

void cpu_fill_rows(struct backend *table) {
    table->layer_norm = layer_norm;
    table->layer_norm_backward = layer_norm_backward;
    table->layer_norm_gradient = layer_norm_gradient;
    table->column_sums = column_sums;
    table->l2_normalise = l2_normalise;
    table->l2_normalise_backward = l2_normalise_backward;
    table->cross_entropy = cross_entropy;
    table->divergence = divergence;
    table->entropy = entropy;
    table->argmax = argmax;
}
