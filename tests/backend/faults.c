/* Faults that the suite must notice: one result a little wrong, an element behind
 * the end, an operation left out. They wrap the operations of the table given. */
#include <string.h>

#include "conformance.h"

static struct backend sound; /* the table before the fault */

/* Puts f(last element) in place of the last of `count` elements. */
static void spoil(struct backend *b, void *data, size_t count, bool is_real) {
    struct error error;
    float value;
    double wrong = b->precision == PRECISION_BF16 && is_real ? 0.5 : 0.02;
    if (count == 0)
        return;
    if (is_real) {
        real *last = backend_at(b, data, count - 1);
        sound.download_real(b, &value, last, 1, &error);
        value += (float)(wrong * (value == 0 ? 1 : (double)value));
        sound.upload_real(b, last, &value, 1);
    } else {
        float *last = (float *)data + count - 1;
        sound.download(b, &value, last, sizeof value, &error);
        value += (float)(wrong * (value == 0 ? 1 : (double)value));
        sound.upload(b, last, &value, sizeof value);
    }
    sound.synchronise(b, &error);
}

/* Defines bad_NAME with the operation's parameters, which calls the sound one and
 * then spoils what `wrong` says. */
#define FAULT(name, parameters, arguments, wrong) \
    static void bad_##name parameters {           \
        sound.name arguments;                     \
        wrong;                                    \
    }                                             \
    static void plant_##name(struct backend *b) { \
        b->name = bad_##name;                     \
    }

FAULT(copy, (struct backend * b, void *to, const void *from, size_t bytes),
      (b, to, from, bytes), spoil(b, to, bytes / 4, false))
FAULT(zero, (struct backend * b, void *device, size_t bytes), (b, device, bytes),
      spoil(b, device, bytes / 4, false))
FAULT(matmul, (struct backend * b, const struct matmul *p), (b, p),
      spoil(b, p->c, p->m && p->n ? (p->m - 1) * p->ldc + p->n : 0, !p->c_is_f32))
/* The sums of the last product alone. */
static void bad_sums(struct backend *b, const struct matmul *p) {
    sound.matmul(b, p);
    if (p->sums)
        spoil(b, p->sums + (p->batch > 1 ? p->batch - 1 : 0) * p->sums_apart,
              p->sums_of_b ? p->n : p->m, false);
}

static void plant_sums(struct backend *b) {
    b->matmul = bad_sums;
}

/* In bf16 what should be in fp8. */
static void bad_fp8(struct backend *b, const struct matmul *p) {
    struct matmul wide = *p;
    wide.fp8 = false;
    sound.matmul(b, &wide);
}

static void plant_fp8(struct backend *b) {
    if (b->fp8)
        b->matmul = bad_fp8;
    else
        plant_matmul(b);
}

FAULT(layer_norm,
      (struct backend * b, real *y, float *mean, float *rstd, const real *x,
       const real *gamma, const real *beta, size_t rows, size_t width, float epsilon),
      (b, y, mean, rstd, x, gamma, beta, rows, width, epsilon),
      spoil(b, y, rows *width, true))
FAULT(layer_norm_backward,
      (struct backend * b, real *dx, const real *dy, const real *x, const float *mean,
       const float *rstd, const real *gamma, size_t rows, size_t width),
      (b, dx, dy, x, mean, rstd, gamma, rows, width), spoil(b, dx, rows *width, true))
FAULT(layer_norm_gradient,
      (struct backend * b, float *dgamma, float *dbeta, size_t apart, const real *dy,
       const real *x, const float *mean, const float *rstd, size_t groups, size_t rows,
       size_t width, bool accumulate),
      (b, dgamma, dbeta, apart, dy, x, mean, rstd, groups, rows, width, accumulate),
      spoil(b, dgamma, width, false))
FAULT(column_sums,
      (struct backend * b, float *sums, size_t apart, const real *x, size_t groups,
       size_t rows, size_t width, size_t stride, bool accumulate),
      (b, sums, apart, x, groups, rows, width, stride, accumulate),
      spoil(b, sums, width, false))
FAULT(l2_normalise,
      (struct backend * b, real *y, float *norms, const real *x, size_t rows,
       size_t width),
      (b, y, norms, x, rows, width), spoil(b, y, rows *width, true))
FAULT(l2_normalise_backward,
      (struct backend * b, real *dx, const real *dy, const real *y, const float *norms,
       size_t rows, size_t width),
      (b, dx, dy, y, norms, rows, width), spoil(b, dx, rows *width, true))
FAULT(add, (struct backend * b, real *to, const real *x, size_t count),
      (b, to, x, count), spoil(b, to, count, true))
FAULT(activation,
      (struct backend * b, real *y, const real *x, size_t count, enum activation kind),
      (b, y, x, count, kind), spoil(b, y, count, true))
FAULT(activation_backward,
      (struct backend * b, real *dx, const real *dy, const real *x, size_t count,
       enum activation kind),
      (b, dx, dy, x, count, kind), spoil(b, dx, count, true))
FAULT(attention,
      (struct backend * b, real *out, float *log_sums, const real *qkv,
       const struct attention_shape *s),
      (b, out, log_sums, qkv, s),
      spoil(b, out, s->batch * s->tokens * s->heads * s->head_width, true))
FAULT(attention_backward,
      (struct backend * b, real *dqkv, const real *dout, const real *out,
       const float *log_sums, const real *qkv, const struct attention_shape *s),
      (b, dqkv, dout, out, log_sums, qkv, s),
      spoil(b, dqkv, 3 * s->batch * s->tokens * s->heads * s->head_width, true))
FAULT(patches,
      (struct backend * b, real *columns, const uint8_t *pixels, size_t images,
       size_t channels, size_t size, size_t patch, const float *scale,
       const float *shift),
      (b, columns, pixels, images, channels, size, patch, scale, shift),
      spoil(b, columns,
            images *(size / patch) * (size / patch) * channels * patch * patch, true))
FAULT(assemble_tokens,
      (struct backend * b, real *tokens, const real *embedded, const real *class_vector,
       const real *position, size_t images, size_t count, size_t width),
      (b, tokens, embedded, class_vector, position, images, count, width),
      spoil(b, tokens, images *(count + 1) * width, true))
FAULT(assemble_tokens_backward,
      (struct backend * b, real *dembedded, const real *dtokens, size_t images,
       size_t count, size_t width),
      (b, dembedded, dtokens, images, count, width),
      spoil(b, dembedded, images *count *width, true))
FAULT(embed_tokens,
      (struct backend * b, real *out, const real *table, const real *position,
       const int32_t *ids, size_t sequences, size_t tokens, size_t width),
      (b, out, table, position, ids, sequences, tokens, width),
      spoil(b, out, sequences *tokens *width, true))
FAULT(gather_rows,
      (struct backend * b, real *out, const real *x, const int32_t *index, size_t count,
       size_t width),
      (b, out, x, index, count, width), spoil(b, out, count *width, true))
FAULT(cross_entropy,
      (struct backend * b, float *loss, real *dlogits, const float *logits,
       const int32_t *labels, const float *scale, size_t rows, size_t classes),
      (b, loss, dlogits, logits, labels, scale, rows, classes),
      spoil(b, loss, rows, false))
FAULT(divergence,
      (struct backend * b, float *loss, real *dlogits, const float *logits,
       const float *wanted, size_t count, const int32_t *index, const float *scale,
       size_t rows, size_t classes),
      (b, loss, dlogits, logits, wanted, count, index, scale, rows, classes),
      spoil(b, loss, rows, false))
FAULT(entropy,
      (struct backend * b, float *loss, real *dlogits, const float *logits,
       const float *scale, size_t rows, size_t classes),
      (b, loss, dlogits, logits, scale, rows, classes), spoil(b, loss, rows, false))
FAULT(route,
      (struct backend * b, float *weights, const struct route *r,
       const float *preference),
      (b, weights, r, preference), spoil(b, weights, r->modules * r->tasks, false))
FAULT(merge,
      (struct backend * b, real *out, const real *base, const real *vectors,
       size_t stride, size_t tasks, const struct merge_segment *segments, size_t count,
       const float *weights),
      (b, out, base, vectors, stride, tasks, segments, count, weights),
      spoil(b, out, 1, true))
FAULT(route_gradient,
      (struct backend * b, float *out, const float *gradient, size_t gradient_stride,
       size_t groups, const real *vectors, size_t stride, size_t tasks, size_t count),
      (b, out, gradient, gradient_stride, groups, vectors, stride, tasks, count),
      spoil(b, out, groups *tasks, false))
FAULT(adam,
      (struct backend * b, float *parameters, real *compute, const float *gradient,
       float *first, float *second, size_t count, const struct adam *settings),
      (b, parameters, compute, gradient, first, second, count, settings),
      spoil(b, parameters, count, false))
FAULT(add_scaled,
      (struct backend * b, float *to, const float *x, float scale, size_t count),
      (b, to, x, scale, count), spoil(b, to, count, false))
FAULT(weighted_sum,
      (struct backend * b, float *out, const float *x, size_t apart,
       const float *weights, size_t vectors, size_t count),
      (b, out, x, apart, weights, vectors, count), spoil(b, out, count, false))
FAULT(narrow, (struct backend * b, real *to, const float *x, size_t count),
      (b, to, x, count), spoil(b, to, count, true))
FAULT(round_values, (struct backend * b, real *x, size_t count, enum rounding to),
      (b, x, count, to), spoil(b, x, count, true))
FAULT(add_squares,
      (struct backend * b, float *to, const float *x, float scale, size_t count),
      (b, to, x, scale, count), spoil(b, to, count, false))
FAULT(add_squared_products,
      (struct backend * b, float *to, const real *x, const real *y, float scale,
       size_t groups, size_t rows, size_t m, size_t n),
      (b, to, x, y, scale, groups, rows, m, n), spoil(b, to, m *n, false))
FAULT(gram,
      (struct backend * b, float *out, const float *vectors, size_t stride, size_t n,
       size_t count),
      (b, out, vectors, stride, n, count), spoil(b, out, n *n, false))

static int bad_solve(struct backend *b, const struct solve *s, struct error *error) {
    int result = sound.solve(b, s, error);
    spoil(b, s->right, s->count * s->n * s->rows, false);
    return result;
}

static void plant_solve(struct backend *b) {
    b->solve = bad_solve;
}

/* That a system has no factor is not said. */
static int bad_pivots(struct backend *b, const struct solve *s, struct error *error) {
    int result = sound.solve(b, s, error);
    sound.zero(b, s->failed, s->count * sizeof *s->failed);
    return result;
}

static void plant_pivots(struct backend *b) {
    b->solve = bad_pivots;
}

/* The square of all groups' sum in place of the sum of their squares. */
static void bad_embedding_gradient(struct backend *b, float *to, const real *dx,
                                   const int32_t *ids, size_t groups, size_t rows,
                                   size_t width, bool squared, float scale) {
    sound.embedding_gradient(b, to, dx, ids, 1, groups * rows, width, squared, scale);
}

static void plant_embedding_gradient(struct backend *b) {
    b->embedding_gradient = bad_embedding_gradient;
}

static void bad_scatter_rows(struct backend *b, real *to, const real *x,
                             const int32_t *index, size_t count, size_t width) {
    sound.scatter_rows(b, to, x, index, count > 1 ? count - 1 : count, width);
}

static void plant_scatter_rows(struct backend *b) {
    b->scatter_rows = bad_scatter_rows;
}

/* The last of equals rather than the first: one index up where that is in the row. */
static void bad_argmax(struct backend *b, int32_t *out, const float *logits,
                       size_t rows, size_t classes) {
    struct error error;
    int32_t first;
    sound.argmax(b, out, logits, rows, classes);
    sound.download(b, &first, out, sizeof first, &error);
    first += classes > 1;
    sound.upload(b, out, &first, sizeof first);
    sound.synchronise(b, &error);
}

static void plant_argmax(struct backend *b) {
    b->argmax = bad_argmax;
}

/* One element behind the end. */
static void bad_end(struct backend *b, real *y, const real *x, size_t count,
                    enum activation kind) {
    static const float beyond = 1;
    struct error error;
    sound.activation(b, y, x, count, kind);
    sound.upload_real(b, backend_at(b, y, count), &beyond, 1);
    sound.synchronise(b, &error);
}

static void plant_end(struct backend *b) {
    b->activation = bad_end;
}

/* A NaN taken for 0: what max(x, 0) makes of it. */
static void bad_nan(struct backend *b, real *y, const real *x, size_t count,
                    enum activation kind) {
    struct error error;
    sound.activation(b, y, x, count, kind);
    for (size_t i = 0; kind == ACTIVATION_RELU && count < 1000 && i < count; i++) {
        float value;
        sound.download_real(b, &value, backend_at(b, y, i), 1, &error);
        if (value != value) {
            value = 0;
            sound.upload_real(b, backend_at(b, y, i), &value, 1);
            sound.synchronise(b, &error);
        }
    }
}

static void plant_nan(struct backend *b) {
    b->activation = bad_nan;
}

static void nothing(struct backend *b, real *to, const real *x, size_t count) {
    (void)b, (void)to, (void)x, (void)count;
}

static void plant_nothing(struct backend *b) {
    b->add = nothing;
}

/* A recording that does nothing. */
static void bad_replay(struct backend *b, struct recording *recording) {
    (void)b, (void)recording;
}

static void plant_replay(struct backend *b) {
    if (b->replay)
        b->replay = bad_replay;
}

/* Without its last element. */
static backend_ticket bad_download_late(struct backend *b, void *pinned,
                                        const void *device, size_t bytes) {
    return sound.download_late(b, pinned, device, bytes - 4);
}

static void plant_download_late(struct backend *b) {
    if (b->download_late)
        b->download_late = bad_download_late;
}

#define PLANTED(operation, victim) \
    { #operation, victim, plant_##operation, false }

const struct conformance_fault conformance_faults[] = {
    PLANTED(copy, "transfer"),
    PLANTED(zero, "transfer"),
    PLANTED(matmul, "matmul shapes"),
    PLANTED(matmul, "matmul strides"),
    PLANTED(matmul, "matmul epilogues"),
    PLANTED(matmul, "matmul outputs"),
    PLANTED(sums, "matmul sums"),
    PLANTED(matmul, "fp8 outliers"),
    PLANTED(fp8, "fp8 shapes"),
    PLANTED(layer_norm, "layer norm"),
    PLANTED(layer_norm_backward, "layer norm backward"),
    PLANTED(layer_norm_gradient, "layer norm gradient"),
    PLANTED(column_sums, "column sums"),
    PLANTED(l2_normalise, "l2 normalise"),
    PLANTED(l2_normalise_backward, "l2 normalise"),
    PLANTED(add, "add"),
    PLANTED(activation, "activation"),
    PLANTED(activation_backward, "activation backward"),
    PLANTED(attention, "attention"),
    PLANTED(attention_backward, "attention backward"),
    PLANTED(patches, "patches"),
    PLANTED(assemble_tokens, "tokens"),
    PLANTED(assemble_tokens_backward, "tokens"),
    PLANTED(embed_tokens, "embedded texts"),
    PLANTED(embedding_gradient, "embedding gradient"),
    PLANTED(gather_rows, "rows by index"),
    PLANTED(scatter_rows, "rows by index"),
    PLANTED(cross_entropy, "cross entropy"),
    PLANTED(divergence, "divergence"),
    PLANTED(entropy, "entropy"),
    PLANTED(argmax, "argmax"),
    PLANTED(route, "route"),
    PLANTED(merge, "merge"),
    PLANTED(route_gradient, "route gradient"),
    PLANTED(gram, "gram"),
    PLANTED(adam, "adam"),
    PLANTED(add_scaled, "add scaled"),
    PLANTED(add_squares, "add squares"),
    PLANTED(weighted_sum, "weighted sum"),
    PLANTED(narrow, "narrowed"),
    PLANTED(round_values, "rounded values"),
    PLANTED(add_squared_products, "squared products"),
    PLANTED(solve, "systems"),
    PLANTED(pivots, "systems without factors"),
    {"replay", "recording", plant_replay, true},
    {"download_late", "transfers", plant_download_late, true},
    {"one element behind the end", "activation", plant_end, false},
    {"NaN taken for 0", "activation", plant_nan, false},
    {"nothing done", "add", plant_nothing, false},
};
const size_t conformance_fault_count =
    sizeof conformance_faults / sizeof *conformance_faults;

bool conformance_fault_found(struct backend *backend,
                             const struct conformance_fault *fault) {
    if (fault->optional && !backend->record_begin)
        return true;
    sound = *backend;
    fault->plant(backend);
    size_t failures = conformance_run(backend, fault->victim, NULL, NULL);
    *backend = sound;
    return failures > 0;
}
