/* Attention: one head of one sequence at a time, heads divided among threads. */
#include <omp.h>

#include "backend/cpu.h"

/* A longer sequence's scores would fit no machine; the sizes below cannot
 * overflow up to here. */
enum { MOST_TOKENS = 1 << 24, MOST_WIDTH = 1 << 12 };

/* Scratch for every thread, `each` floats apart. */
static float *scratch_for(struct cpu *cpu, const struct attention_shape *shape,
                          bool backward, int threads, size_t *each) {
    if (shape->tokens > MOST_TOKENS || shape->head_width > MOST_WIDTH) {
        cpu_fail(cpu,
                 "attention over %zu tokens with heads of %zu is too "
                 "large for any memory",
                 shape->tokens, shape->head_width);
        return NULL;
    }
    size_t floats =
        cpu->kernels->attention_scratch(shape->tokens, shape->head_width, backward);
    *each = (floats + 63) / 64 * 64;
    return cpu_scratch(cpu, (size_t)threads * *each, sizeof(float));
}

static struct attention_head head_of(const struct attention_shape *shape,
                                     const real *qkv, size_t index) {
    size_t sequence = index / shape->heads, head = index % shape->heads;
    size_t width = shape->heads * shape->head_width;
    const float *q = cpu_const_floats(qkv) + sequence * shape->tokens * 3 * width +
                     head * shape->head_width;
    return (struct attention_head){
        .tokens = shape->tokens,
        .width = shape->head_width,
        .qkv_stride = 3 * width,
        .out_stride = width,
        .causal = shape->causal,
        .q = q,
        .k = q + width,
        .v = q + 2 * width,
    };
}

/* Where a head's rows of out and dout begin. */
static size_t out_offset(const struct attention_shape *shape, size_t index) {
    return (index / shape->heads * shape->tokens * shape->heads +
            index % shape->heads) *
           shape->head_width;
}

static int threads_of(const struct cpu *cpu, const struct attention_shape *shape) {
    size_t heads = shape->batch * shape->heads;
    int threads = cpu_threads_for(cpu, heads * shape->tokens * shape->tokens * 4);
    return heads < (size_t)threads ? (int)heads : threads;
}

static void attention(struct backend *backend, real *out, float *log_sums,
                      const real *qkv, const struct attention_shape *shape) {
    struct cpu *cpu = cpu_of(backend);
    size_t heads = shape->batch * shape->heads;
    if (cpu->failed || heads == 0 || shape->tokens == 0 || shape->head_width == 0)
        return;
    int threads = threads_of(cpu, shape);
    size_t each;
    float *scratch = scratch_for(cpu, shape, false, threads, &each);
    if (!scratch)
        return;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t index = 0; index < heads; index++) {
        struct attention_head head = head_of(shape, qkv, index);
        head.out = cpu_floats(out) + out_offset(shape, index);
        head.log_sums = log_sums + index * shape->tokens;
        head.scratch = scratch + (size_t)omp_get_thread_num() * each;
        cpu->kernels->attention(&head);
    }
}

static void attention_backward(struct backend *backend, real *dqkv, const real *dout,
                               const real *out, const float *log_sums, const real *qkv,
                               const struct attention_shape *shape) {
    struct cpu *cpu = cpu_of(backend);
    size_t heads = shape->batch * shape->heads;
    if (cpu->failed || heads == 0 || shape->tokens == 0 || shape->head_width == 0)
        return;
    int threads = threads_of(cpu, shape);
    size_t each;
    float *scratch = scratch_for(cpu, shape, true, threads, &each);
    if (!scratch)
        return;
    size_t width = shape->heads * shape->head_width;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t index = 0; index < heads; index++) {
        struct attention_head head = head_of(shape, qkv, index);
        head.out = (float *)(cpu_const_floats(out) + out_offset(shape, index));
        head.log_sums = (float *)log_sums + index * shape->tokens;
        head.dout = cpu_const_floats(dout) + out_offset(shape, index);
        head.dq = cpu_floats(dqkv) + (head.q - cpu_const_floats(qkv));
        head.dk = head.dq + width;
        head.dv = head.dq + 2 * width;
        head.scratch = scratch + (size_t)omp_get_thread_num() * each;
        cpu->kernels->attention_backward(&head);
    }
}

void cpu_fill_attention(struct backend *table) {
    table->attention = attention;
    table->attention_backward = attention_backward;
}
