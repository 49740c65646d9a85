/* Attention: one head of one sequence at a time, or as many heads of short sequences as
 * a vector has lanes, divided among threads. */
#include <omp.h>

#include "backend/cpu.h"

/* A longer sequence's scores would fit no machine; the sizes below cannot
 * overflow up to here. */
enum { MOST_TOKENS = 1 << 24, MOST_WIDTH = 1 << 12 };

/* Short sequences, of which each thread has a vector full. */
static bool is_short(const struct cpu *cpu, const struct attention_shape *shape,
                     int threads) {
    return shape->tokens <= SHORT_TOKENS &&
           shape->batch * shape->heads >= (size_t)threads * cpu->kernels->lanes;
}

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
    size_t (*scratch)(size_t, size_t, bool) =
        is_short(cpu, shape, threads) ? cpu->kernels->attention_short_scratch
                                      : cpu->kernels->attention_scratch;
    size_t floats = scratch(shape->tokens, shape->head_width, backward);
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

/* What of one head is read and written. */
struct attention_operands {
    const real *qkv, *dout;
    real *out, *dqkv;
    float *log_sums;
};

static struct attention_head operands_of(const struct attention_shape *shape,
                                         const struct attention_operands *o,
                                         size_t index) {
    struct attention_head head = head_of(shape, o->qkv, index);
    size_t width = shape->heads * shape->head_width;
    head.out = cpu_floats(o->out) + out_offset(shape, index);
    head.log_sums = o->log_sums + index * shape->tokens;
    if (o->dqkv) {
        head.dout = cpu_const_floats(o->dout) + out_offset(shape, index);
        head.dq = cpu_floats(o->dqkv) + (head.q - cpu_const_floats(o->qkv));
        head.dk = head.dq + width;
        head.dv = head.dq + 2 * width;
    }
    return head;
}

/* Heads [first, first + count), as many as a vector has lanes at most. */
static void run_short(const struct kernels *kernels,
                      const struct attention_shape *shape,
                      const struct attention_operands *o, size_t first, size_t count,
                      float *scratch) {
    struct attention_head heads[MOST_LANES];
    for (size_t i = 0; i < count; i++)
        heads[i] = operands_of(shape, o, first + i);
    heads[0].scratch = scratch;
    (o->dqkv ? kernels->attention_short_backward : kernels->attention_short)(heads,
                                                                             count);
}

static void run(struct backend *backend, const struct attention_shape *shape,
                const struct attention_operands *o) {
    struct cpu *cpu = cpu_of(backend);
    const struct kernels *kernels = cpu->kernels;
    size_t heads = shape->batch * shape->heads;
    if (cpu->failed || heads == 0 || shape->tokens == 0 || shape->head_width == 0)
        return;
    int threads = threads_of(cpu, shape);
    size_t each;
    float *scratch = scratch_for(cpu, shape, o->dqkv != NULL, threads, &each);
    if (!scratch)
        return;
    size_t group = is_short(cpu, shape, threads) ? kernels->lanes : 1;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t index = 0; index < heads; index += group) {
        float *own = scratch + (size_t)omp_get_thread_num() * each;
        if (group > 1) {
            run_short(kernels, shape, o, index,
                      heads - index < group ? heads - index : group, own);
            continue;
        }
        struct attention_head head = operands_of(shape, o, index);
        head.scratch = own;
        (o->dqkv ? kernels->attention_backward : kernels->attention)(&head);
    }
}

static void attention(struct backend *backend, real *out, float *log_sums,
                      const real *qkv, const struct attention_shape *shape) {
    run(backend, shape,
        &(struct attention_operands){.qkv = qkv, .out = out, .log_sums = log_sums});
}

static void attention_backward(struct backend *backend, real *dqkv, const real *dout,
                               const real *out, const float *log_sums, const real *qkv,
                               const struct attention_shape *shape) {
    run(backend, shape,
        &(struct attention_operands){.qkv = qkv,
                                     .dout = dout,
                                     .dqkv = dqkv,
                                     .out = (real *)(uintptr_t)out,
                                     .log_sums = (float *)(uintptr_t)log_sums});
}

void cpu_fill_attention(struct backend *table) {
    table->attention = attention;
    table->attention_backward = attention_backward;
}
