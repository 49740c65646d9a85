#include "model/block.h"

#include "base/memory.h"

void *carve(struct carver *carver, size_t count, size_t size) {
    enum { ALIGN = 256 };
    size_t bytes;
    void *at = carver->memory ? carver->memory + carver->used : NULL;
    if (!size_multiply(count, size, &bytes) || !size_add(bytes, ALIGN - 1, &bytes) ||
        !size_add(carver->used, bytes / ALIGN * ALIGN, &carver->used))
        carver->overflow = true;
    return at;
}

void block_carve(struct carver *c, const struct backend *backend,
                 const struct block_shape *shape, bool kept,
                 struct block_activations *a) {
    size_t r = backend->real_size, n = shape->batch * shape->tokens, w = shape->width;
    a->input = carve(c, n * w, r);
    a->norm1 = carve(c, n * w, r);
    a->mean1 = carve(c, n, sizeof(float));
    a->rstd1 = carve(c, n, sizeof(float));
    a->qkv = carve(c, 3 * n * w, r);
    a->log_sums = carve(c, n * shape->heads, sizeof(float));
    a->mixed = carve(c, n * w, r);
    a->middle = kept ? carve(c, n * w, r) : a->input;
    a->norm2 = kept ? carve(c, n * w, r) : a->norm1;
    a->mean2 = carve(c, n, sizeof(float));
    a->rstd2 = carve(c, n, sizeof(float));
    a->before = kept ? carve(c, n * shape->mlp_width, r) : NULL;
    a->after = carve(c, n * shape->mlp_width, r);
}

/* C (rows, outputs) = x (rows, inputs) weight^T + bias,
 * weight (outputs, inputs), or stored the other way round. */
static struct matmul product(struct backend *b, const struct block_shape *s,
                             const real *weights, const real *x, size_t weight,
                             size_t bias, size_t outputs, size_t inputs) {
    return (struct matmul){.m = s->batch * s->tokens,
                           .n = outputs,
                           .k = inputs,
                           .a = x,
                           .lda = inputs,
                           .b = backend_at(b, weights, weight),
                           .ldb = s->conv1d ? outputs : inputs,
                           .transpose_b = !s->conv1d,
                           .bias = backend_at(b, weights, bias),
                           .ldc = outputs,
                           .fp8 = s->fp8};
}

/* to = from + x weight^T + bias; to may be from. */
static void linear_residual(struct backend *b, const struct block_shape *s,
                            const real *weights, real *to, const real *from,
                            const real *x, size_t weight, size_t bias, size_t inputs) {
    struct matmul m = product(b, s, weights, x, weight, bias, s->width, inputs);
    m.c = to;
    m.accumulate = true;
    m.added = from;
    b->matmul(b, &m);
}

void block_attention(struct backend *b, const struct block_shape *s,
                     const struct block_offsets *o, const real *weights,
                     const struct block_activations *a) {
    size_t n = s->batch * s->tokens, w = s->width;
    struct attention_shape attention = {.batch = s->batch,
                                        .tokens = s->tokens,
                                        .heads = s->heads,
                                        .head_width = w / s->heads,
                                        .causal = s->causal};

    b->layer_norm(b, a->norm1, a->mean1, a->rstd1, a->input,
                  backend_at(b, weights, o->norm1_gamma),
                  backend_at(b, weights, o->norm1_beta), n, w, s->epsilon);
    struct matmul qkv =
        product(b, s, weights, a->norm1, o->qkv_weight, o->qkv_bias, 3 * w, w);
    qkv.c = a->qkv;
    b->matmul(b, &qkv);
    b->attention(b, a->mixed, a->log_sums, a->qkv, &attention);
}

void block_rest(struct backend *b, const struct block_shape *s,
                const struct block_offsets *o, const real *weights,
                const struct block_activations *a, const real *input, const real *mixed,
                real *output) {
    size_t n = s->batch * s->tokens, w = s->width;
    linear_residual(b, s, weights, a->middle, input, mixed, o->out_weight, o->out_bias,
                    w);
    b->layer_norm(b, a->norm2, a->mean2, a->rstd2, a->middle,
                  backend_at(b, weights, o->norm2_gamma),
                  backend_at(b, weights, o->norm2_beta), n, w, s->epsilon);
    struct matmul fc1 =
        product(b, s, weights, a->norm2, o->fc1_weight, o->fc1_bias, s->mlp_width, w);
    fc1.c = a->after;
    fc1.activation = s->activation;
    fc1.before = a->before;
    b->matmul(b, &fc1);
    linear_residual(b, s, weights, output, a->middle, a->after, o->fc2_weight,
                    o->fc2_bias, s->mlp_width);
}

void block_forward(struct backend *b, const struct block_shape *s,
                   const struct block_offsets *o, const real *weights,
                   const struct block_activations *a, real *output) {
    block_attention(b, s, o, weights, a);
    block_rest(b, s, o, weights, a, a->input, a->mixed, output);
}
