/* One run of elements for each thread. */
#include <string.h>

#include "backend/adam.h"
#include "backend/cpu.h"

/* Elements are divided in runs of whole cache lines. */
enum { LINE = 64 };

/* Runs `call` in every thread, for the elements i to end of its part; not at all after
 * an operation has failed. */
/* clang-format off */
#define DIVIDED(cpu, count, call)                                                      \
    if (!(cpu)->failed) {                                                              \
        int threads = cpu_threads_for(cpu, count);                                     \
        _Pragma("omp parallel for num_threads(threads) schedule(static)")              \
        for (int part = 0; part < threads; part++) {                                   \
            size_t i, end;                                                             \
            cpu_part(count, LINE, part, threads, &i, &end);                            \
            call;                                                                      \
        }                                                                              \
    }
/* clang-format on */

static void add(struct backend *backend, real *to, const real *x, size_t count) {
    struct cpu *cpu = cpu_of(backend);
    DIVIDED(cpu, count,
            cpu->kernels->add(cpu_floats(to) + i, cpu_const_floats(x) + i, end - i));
}

static void activation(struct backend *backend, real *y, const real *x, size_t count,
                       enum activation kind) {
    struct cpu *cpu = cpu_of(backend);
    DIVIDED(cpu, count,
            cpu->kernels->activation(cpu_floats(y) + i, cpu_const_floats(x) + i,
                                     end - i, kind));
}

static void activation_backward(struct backend *backend, real *dx, const real *dy,
                                const real *x, size_t count, enum activation kind) {
    struct cpu *cpu = cpu_of(backend);
    DIVIDED(cpu, count,
            cpu->kernels->activation_backward(cpu_floats(dx) + i,
                                              cpu_const_floats(dy) + i,
                                              cpu_const_floats(x) + i, end - i, kind));
}

static void adam(struct backend *backend, float *parameters, real *compute,
                 const float *gradient, float *first, float *second, size_t count,
                 const struct adam *settings) {
    struct cpu *cpu = cpu_of(backend);
    struct adam_factors factors = adam_factors_of(settings);
    DIVIDED(cpu, count,
            cpu->kernels->adam(parameters + i, compute ? cpu_floats(compute) + i : NULL,
                               gradient + i, first + i, second + i, end - i, &factors));
}

static void add_scaled(struct backend *backend, float *to, const float *x, float scale,
                       size_t count) {
    struct cpu *cpu = cpu_of(backend);
    DIVIDED(cpu, count, cpu->kernels->add_scaled(to + i, x + i, scale, end - i));
}

static void add_squares(struct backend *backend, float *to, const float *x, float scale,
                        size_t count) {
    struct cpu *cpu = cpu_of(backend);
    DIVIDED(cpu, count, cpu->kernels->add_squares(to + i, x + i, scale, end - i));
}

static void sum_run(float *out, const float *x, size_t apart, const float *weights,
                    size_t vectors, size_t count) {
    for (size_t i = 0; i < count; i++)
        out[i] = 0;
    for (size_t v = 0; v < vectors; v++)
        for (size_t i = 0; i < count; i++)
            out[i] += weights[v] * x[v * apart + i];
}

static void weighted_sum(struct backend *backend, float *out, const float *x,
                         size_t apart, const float *weights, size_t vectors,
                         size_t count) {
    struct cpu *cpu = cpu_of(backend);
    DIVIDED(cpu, count, sum_run(out + i, x + i, apart, weights, vectors, end - i));
}

static void narrow(struct backend *backend, real *to, const float *x, size_t count) {
    (void)backend;
    if (count > 0)
        memcpy(cpu_floats(to), x, count * sizeof *x);
}

/* Simple enough for the compiler to make vectors of, and at the rate of memory. */
static void round_run(float *x, size_t count, enum rounding to) {
    if (to == ROUNDING_BF16)
        for (size_t i = 0; i < count; i++)
            x[i] = round_to_bf16(x[i]);
    else
        for (size_t i = 0; i < count; i++)
            x[i] = round_to_f16(x[i]);
}

static void round_values(struct backend *backend, real *x, size_t count,
                         enum rounding to) {
    struct cpu *cpu = cpu_of(backend);
    DIVIDED(cpu, count, round_run(cpu_floats(x) + i, end - i, to));
}

void cpu_fill_elementwise(struct backend *table) {
    table->add = add;
    table->activation = activation;
    table->activation_backward = activation_backward;
    table->adam = adam;
    table->add_scaled = add_scaled;
    table->weighted_sum = weighted_sum;
    table->narrow = narrow;
    table->round_values = round_values;
    table->add_squares = add_squares;
}
