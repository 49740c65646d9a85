/* Where the time of a step and of a drag goes, operation by operation: the backend's
 * table is wrapped, each operation lies between two marks of the device, and the host's
 * time in the call is taken. Recordings are off, so that every operation is called;
 * what the device waits between operations then shows as the difference of span and
 * sum. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/usage.h"
#include "work.h"

enum { MOST = BACKEND_MARKS_KEPT / 2, NAMES = 64 };

static struct backend original;

/* Calls in their order; number i lies between marks 2 i and 2 i + 1. */
static struct {
    size_t count;
    bool inside; /* an operation that calls others counts as one */
    double started;
    struct {
        char name[56];
        double host;
    } calls[MOST];
} trace;

static unsigned depth;

static void begin(struct backend *b, const char *name) {
    if (depth++ > 0 || trace.count == MOST)
        return;
    snprintf(trace.calls[trace.count].name, sizeof trace.calls->name, "%s", name);
    b->mark(b, (unsigned)(2 * trace.count));
    trace.started = usage_clock();
}

static void end(struct backend *b) {
    if (--depth > 0 || trace.count == MOST)
        return;
    trace.calls[trace.count].host = usage_clock() - trace.started;
    b->mark(b, (unsigned)(2 * trace.count + 1));
    trace.count++;
}

static void timed_matmul(struct backend *b, const struct matmul *p) {
    char name[56], batch[28] = "";
    if (p->batch > 1)
        snprintf(batch, sizeof batch, "%zu of ", p->batch);
    snprintf(name, sizeof name, "matmul %s%zu x %zu x %zu%s", batch, p->m, p->n, p->k,
             p->activation != ACTIVATION_NONE ? " act"
             : p->accumulate                  ? " +="
                                              : "");
    begin(b, name);
    original.matmul(b, p);
    end(b);
}

static void timed_layer_norm(struct backend *b, real *y, float *mean, float *rstd,
                             const real *x, const real *gamma, const real *beta,
                             size_t rows, size_t width, float epsilon) {
    begin(b, "layer_norm");
    original.layer_norm(b, y, mean, rstd, x, gamma, beta, rows, width, epsilon);
    end(b);
}

static void timed_layer_norm_backward(struct backend *b, real *dx, const real *dy,
                                      const real *x, const float *mean,
                                      const float *rstd, const real *gamma, size_t rows,
                                      size_t width) {
    begin(b, "layer_norm_backward");
    original.layer_norm_backward(b, dx, dy, x, mean, rstd, gamma, rows, width);
    end(b);
}

static void timed_layer_norm_gradient(struct backend *b, float *dgamma, float *dbeta,
                                      size_t apart, const real *dy, const real *x,
                                      const float *mean, const float *rstd,
                                      size_t groups, size_t rows, size_t width,
                                      bool accumulate) {
    begin(b, "layer_norm_gradient");
    original.layer_norm_gradient(b, dgamma, dbeta, apart, dy, x, mean, rstd, groups,
                                 rows, width, accumulate);
    end(b);
}

static void timed_column_sums(struct backend *b, float *sums, size_t apart,
                              const real *x, size_t groups, size_t rows, size_t width,
                              size_t stride, bool accumulate) {
    begin(b, "column_sums");
    original.column_sums(b, sums, apart, x, groups, rows, width, stride, accumulate);
    end(b);
}

static void timed_l2_normalise(struct backend *b, real *y, float *norms, const real *x,
                               size_t rows, size_t width) {
    begin(b, "l2_normalise");
    original.l2_normalise(b, y, norms, x, rows, width);
    end(b);
}

static void timed_l2_normalise_backward(struct backend *b, real *dx, const real *dy,
                                        const real *y, const float *norms, size_t rows,
                                        size_t width) {
    begin(b, "l2_normalise_backward");
    original.l2_normalise_backward(b, dx, dy, y, norms, rows, width);
    end(b);
}

static void timed_add(struct backend *b, real *to, const real *x, size_t count) {
    begin(b, "add");
    original.add(b, to, x, count);
    end(b);
}

static void timed_activation(struct backend *b, real *y, const real *x, size_t count,
                             enum activation kind) {
    begin(b, "activation");
    original.activation(b, y, x, count, kind);
    end(b);
}

static void timed_activation_backward(struct backend *b, real *dx, const real *dy,
                                      const real *x, size_t count,
                                      enum activation kind) {
    begin(b, "activation_backward");
    original.activation_backward(b, dx, dy, x, count, kind);
    end(b);
}

static void timed_attention(struct backend *b, real *out, float *log_sums,
                            const real *qkv, const struct attention_shape *shape) {
    begin(b, "attention");
    original.attention(b, out, log_sums, qkv, shape);
    end(b);
}

static void timed_attention_backward(struct backend *b, real *dqkv, const real *dout,
                                     const real *out, const float *log_sums,
                                     const real *qkv,
                                     const struct attention_shape *shape) {
    begin(b, "attention_backward");
    original.attention_backward(b, dqkv, dout, out, log_sums, qkv, shape);
    end(b);
}

static void timed_patches(struct backend *b, real *columns, const uint8_t *pixels,
                          size_t images, size_t channels, size_t size, size_t patch,
                          const float *scale, const float *shift) {
    begin(b, "patches");
    original.patches(b, columns, pixels, images, channels, size, patch, scale, shift);
    end(b);
}

static void timed_assemble_tokens(struct backend *b, real *tokens, const real *embedded,
                                  const real *class_vector, const real *position,
                                  size_t images, size_t patches, size_t width) {
    begin(b, "assemble_tokens");
    original.assemble_tokens(b, tokens, embedded, class_vector, position, images,
                             patches, width);
    end(b);
}

static void timed_assemble_tokens_backward(struct backend *b, real *dembedded,
                                           const real *dtokens, size_t images,
                                           size_t patches, size_t width) {
    begin(b, "assemble_tokens_backward");
    original.assemble_tokens_backward(b, dembedded, dtokens, images, patches, width);
    end(b);
}

static void timed_gather_rows(struct backend *b, real *out, const real *x,
                              const int32_t *index, size_t count, size_t width) {
    begin(b, "gather_rows");
    original.gather_rows(b, out, x, index, count, width);
    end(b);
}

static void timed_scatter_rows(struct backend *b, real *to, const real *x,
                               const int32_t *index, size_t count, size_t width) {
    begin(b, "scatter_rows");
    original.scatter_rows(b, to, x, index, count, width);
    end(b);
}

static void timed_cross_entropy(struct backend *b, float *loss, real *dlogits,
                                const float *logits, const int32_t *labels,
                                const float *scale, size_t rows, size_t classes) {
    begin(b, "cross_entropy");
    original.cross_entropy(b, loss, dlogits, logits, labels, scale, rows, classes);
    end(b);
}

static void timed_argmax(struct backend *b, int32_t *out, const float *logits,
                         size_t rows, size_t classes) {
    begin(b, "argmax");
    original.argmax(b, out, logits, rows, classes);
    end(b);
}

static void timed_merge(struct backend *b, real *out, const real *base,
                        const real *vectors, size_t stride, size_t tasks,
                        const struct merge_segment *segments, size_t segment_count,
                        const float *weights) {
    begin(b, "merge");
    original.merge(b, out, base, vectors, stride, tasks, segments, segment_count,
                   weights);
    end(b);
}

static void timed_route_gradient(struct backend *b, float *out, const float *gradient,
                                 size_t gradient_stride, size_t groups,
                                 const real *vectors, size_t stride, size_t tasks,
                                 size_t count) {
    begin(b, "route_gradient");
    original.route_gradient(b, out, gradient, gradient_stride, groups, vectors, stride,
                            tasks, count);
    end(b);
}

static void timed_route(struct backend *b, float *weights, const struct route *r,
                        const float *preference) {
    begin(b, "route");
    original.route(b, weights, r, preference);
    end(b);
}

static void timed_zero(struct backend *b, void *device, size_t bytes) {
    begin(b, "zero");
    original.zero(b, device, bytes);
    end(b);
}

static void timed_copy(struct backend *b, void *to, const void *from, size_t bytes) {
    begin(b, "copy");
    original.copy(b, to, from, bytes);
    end(b);
}

static void timed_upload(struct backend *b, void *device, const void *host,
                         size_t bytes) {
    begin(b, "upload");
    original.upload(b, device, host, bytes);
    end(b);
}

static void timed_upload_real(struct backend *b, real *device, const float *host,
                              size_t count) {
    begin(b, "upload_real");
    original.upload_real(b, device, host, count);
    end(b);
}

static void wrap(struct backend *b) {
    original = *b;
    trace.count = 0;
    depth = 0;
    b->matmul = timed_matmul;
    b->layer_norm = timed_layer_norm;
    b->layer_norm_backward = timed_layer_norm_backward;
    b->layer_norm_gradient = timed_layer_norm_gradient;
    b->column_sums = timed_column_sums;
    b->l2_normalise = timed_l2_normalise;
    b->l2_normalise_backward = timed_l2_normalise_backward;
    b->add = timed_add;
    b->activation = timed_activation;
    b->activation_backward = timed_activation_backward;
    b->attention = timed_attention;
    b->attention_backward = timed_attention_backward;
    b->patches = timed_patches;
    b->assemble_tokens = timed_assemble_tokens;
    b->assemble_tokens_backward = timed_assemble_tokens_backward;
    b->gather_rows = timed_gather_rows;
    b->scatter_rows = timed_scatter_rows;
    b->cross_entropy = timed_cross_entropy;
    b->argmax = timed_argmax;
    b->merge = timed_merge;
    b->route_gradient = timed_route_gradient;
    b->route = timed_route;
    b->zero = timed_zero;
    b->copy = timed_copy;
    b->upload = timed_upload;
    b->upload_real = timed_upload_real;
}

struct line {
    const char *name;
    size_t count;
    double device, host;
};

static int longer(const void *a, const void *b) {
    const struct line *x = a, *y = b;
    return x->device < y->device ? 1 : x->device > y->device ? -1 : 0;
}

/* One line for each operation, the longest first, and one for all. */
static int tell(struct bench *s, struct backend *b, const char *what, double wall,
                struct error *error) {
    struct line lines[NAMES] = {{0}}, all = {0};
    size_t count = 0;
    for (size_t i = 0; i < trace.count; i++) {
        size_t at = 0;
        while (at < count && strcmp(lines[at].name, trace.calls[i].name) != 0)
            at++;
        if (at == NAMES)
            at = NAMES - 1; /* the last stands for what does not fit */
        else if (at == count)
            lines[count++].name = trace.calls[i].name;
        double device = b->between(b, (unsigned)(2 * i), (unsigned)(2 * i + 1));
        if (isnan(device))
            return error_set(error, "%s: call %zu has no time", what, i);
        lines[at].count++;
        lines[at].device += device;
        lines[at].host += trace.calls[i].host;
        all.device += device;
        all.host += trace.calls[i].host;
    }
    if (trace.count == 0)
        return error_set(error, "%s calls no operation", what);
    qsort(lines, count, sizeof *lines, longer);
    for (size_t i = 0; i < count; i++)
        printf("operation %-9s %-38s %5zu x  device %9.3f ms  host %9.3f ms\n", what,
               lines[i].name, lines[i].count, 1e3 * lines[i].device,
               1e3 * lines[i].host);
    double span = b->between(b, 0, (unsigned)(2 * trace.count - 1));
    printf("operation %-9s %-38s %5zu x  device %9.3f ms  host %9.3f ms  span %.3f ms  "
           "wall %.3f ms\n",
           what, "all", trace.count, 1e3 * all.device, 1e3 * all.host, 1e3 * span,
           1e3 * wall);
    fflush(stdout);
    char name[64];
    snprintf(name, sizeof name, "%s, sum of its operations", what);
    if (bench_add_value(s, name, 1e3 * all.device, "ms", NAN, error))
        return -1;
    snprintf(name, sizeof name, "%s, operations", what);
    return bench_add_value(s, name, (double)trace.count, "calls", NAN, error);
}

static int trace_one(struct bench *s, struct backend *b, const char *what,
                     bench_run *run, void *self, struct error *error) {
    if (!b->mark)
        return error_set(error, "%s has no marks", b->name);
    for (int i = 0; i < 3; i++)
        if (run(self, error))
            return -1;
    if (b->synchronise(b, error))
        return -1;
    wrap(b);
    double start = usage_clock();
    int result = run(self, error);
    if (result == 0)
        result = b->synchronise(b, error);
    double wall = usage_clock() - start;
    struct backend kept = original;
    kept.plain_products = b->plain_products;
    kept.separate_sums = b->separate_sums;
    *b = kept;
    return result ? -1 : tell(s, b, what, wall, error);
}

static int trace_step(struct bench *s, const char *what, enum combine method,
                      struct error *error) {
    struct step *step;
    if (step_new(s, method, UPSCALE_ATTN_MLP, &step, error))
        return -1;
    int result = trace_one(s, s->backend, what, step_run, step, error);
    step_free(step);
    return result;
}

int bench_operations(struct bench *s, struct error *error) {
    int result = work_open(s, "recording=off", error) ||
                 trace_step(s, "ls step", COMBINE_LS, error) ||
                 trace_step(s, "epo step", COMBINE_EPO, error);
    work_close(s);
    struct drag *drag = NULL;
    if (result == 0 && drag_new(s, &drag, error) == 0) {
        result = trace_one(s, evaluator_backend(drag_evaluator(drag)), "drag", drag_run,
                           drag, error);
        drag_free(drag);
    } else {
        result = -1;
    }
    setenv("PWEMOE_CUDA_TUNE", "", 1);
    return result ? -1 : 0;
}
