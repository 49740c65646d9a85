#include <math.h>
#include <string.h>

#include "conformance.h"

/* One shape's inputs and the f64 results. Tables are [batch, heads, tokens,
 * tokens]; p_error is relative. */
struct attended {
    struct attention_shape shape;
    size_t width, rows; /* heads * head_width, batch * tokens */
    struct tensor *qkv;
    double *p, *p_error, *out, *out_tolerance, *log_sums, *log_tolerance;
};

static const double *head_row(const struct attended *a, const double *qkv, size_t part,
                              size_t sequence, size_t token, size_t head) {
    return qkv + (sequence * a->shape.tokens + token) * 3 * a->width + part * a->width +
           head * a->shape.head_width;
}

/* Weights may be rounded to real before they meet the values. */
static double weight_error(const struct conformance *c) {
    return c->store;
}

static void attend_row(struct conformance *c, struct attended *a, size_t b, size_t h,
                       size_t i) {
    size_t tokens = a->shape.tokens, width = a->shape.head_width;
    size_t seen = a->shape.causal ? i + 1 : tokens;
    size_t at = ((b * a->shape.heads + h) * tokens + i);
    double *p = a->p + at * tokens, scale = 1 / sqrt((double)width);
    double top = -INFINITY, sum = 0, error = 0;
    const double *q = head_row(a, a->qkv->host, 0, b, i, h);
    for (size_t j = 0; j < seen; j++) {
        const double *k = head_row(a, a->qkv->host, 1, b, j, h);
        double score = 0, size = 0;
        for (size_t l = 0; l < width; l++)
            score += q[l] * k[l], size += fabs(q[l] * k[l]);
        p[j] = score * scale;
        error = fmax(error, ((double)width + 4) * c->product * size * scale);
        top = fmax(top, p[j]);
        if (isnan(score))
            error = (double)NAN;
    }
    for (size_t j = 0; j < seen; j++)
        sum += p[j] = exp(p[j] - top);
    for (size_t j = 0; j < seen; j++)
        p[j] /= sum;
    a->log_sums[at] = log(sum) + top;
    a->log_tolerance[at] = error + FUNCTION * (1 + log(sum)) + 2 * SINGLE * fabs(top) +
                           (double)tokens * SINGLE;
    a->p_error[at] = 2 * error + 2 * FUNCTION + ((double)tokens + 8) * SINGLE +
                     4 * SINGLE * fabs(a->log_sums[at]);
    double *out = a->out + (b * tokens + i) * a->width + h * width;
    double *tolerance = a->out_tolerance + (b * tokens + i) * a->width + h * width;
    for (size_t l = 0; l < width; l++) {
        double size = 0;
        for (size_t j = 0; j < seen; j++) {
            double v = head_row(a, a->qkv->host, 2, b, j, h)[l];
            out[l] += p[j] * v, size += p[j] * fabs(v);
        }
        tolerance[l] =
            size * (a->p_error[at] + (double)tokens * c->product + weight_error(c)) +
            c->store * fabs(out[l]);
    }
}

static struct attended attend(struct conformance *c, struct attention_shape shape,
                              double size, bool nan) {
    struct attended a = {.shape = shape};
    a.width = shape.heads * shape.head_width;
    a.rows = shape.batch * shape.tokens;
    a.qkv = tensor_random(c, ELEMENT_REAL, a.rows * 3 * a.width, size);
    if (nan) /* the first token's value: every row of that head sees it */
        tensor_set(c, a.qkv, 2 * a.width, (double)NAN);
    size_t lines = shape.batch * shape.heads * shape.tokens;
    a.p = numbers(c, lines * shape.tokens);
    a.p_error = numbers(c, lines);
    a.out = numbers(c, a.rows * a.width);
    a.out_tolerance = numbers(c, a.rows * a.width);
    a.log_sums = numbers(c, lines);
    a.log_tolerance = numbers(c, lines);
    for (size_t b = 0; b < shape.batch; b++)
        for (size_t h = 0; h < shape.heads; h++)
            for (size_t i = 0; i < shape.tokens; i++)
                attend_row(c, &a, b, h, i);
    return a;
}

static const struct attention_shape shapes[] = {
    {1, 1, 1, 1, false},
    {1, 2, 3, 5, false},
    {3, 5, 3, 64, false},
    {2, 17, 3, 16, false},
    {2, 17, 2, 17, true},
    {1, 50, 2, 64, false},
    {2, 77, 1, 64, true},
    {1, 257, 1, 33, false},
    {1, 130, 2, 32, true},
    {7, 10, 2, 24, false},
    {1, 197, 1, 64, false},
    {1, 48, 1, 80, true},
    {1, 64, 2, 128, true},
    {5, 3, 4, 1, true},
    /* As many heads as vectors have lanes, on each number of threads, and some more. */
    {21, 17, 4, 16, false},
    {29, 36, 3, 20, true},
    {9, 37, 9, 8, false},
    {17, 1, 5, 3, false},
    {3, 33, 27, 33, false},
    /* Just where shared memory without being asked for ends, and the widest. */
    {1, 9, 1, 120, false},
    {1, 9, 1, 150, true},
    {1, 5, 1, 256, false},
    /* Widths of the tensor cores' kernels, around their tiles of 16 and 64 tokens. */
    {3, 1, 2, 64, false},
    {2, 3, 2, 32, true},
    {1, 17, 3, 128, false},
    {2, 63, 1, 32, false},
    {1, 65, 2, 80, false},
    {1, 81, 1, 128, false},
    {1, 128, 1, 64, true},
    {1, 197, 1, 80, true},
    {1, 257, 1, 64, true},
    {1, 257, 1, 32, false}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void forward(struct conformance *c) {
    struct backend *b = c->backend;
    for (size_t s = 0; s < 2 * SHAPES; s++) {
        bool nan = s >= SHAPES;
        struct attended a = attend(c, shapes[s % SHAPES], s % 3 ? 1 : 3, nan);
        struct tensor *out = tensor_output(c, ELEMENT_REAL, a.rows * a.width);
        size_t lines = a.shape.batch * a.shape.heads * a.shape.tokens;
        struct tensor *log_sums = tensor_output(c, ELEMENT_F32, lines);
        b->attention(b, out->real, log_sums->f32, a.qkv->real, &a.shape);
        check(c, "out", out, a.out, a.out_tolerance);
        check(c, "log sums", log_sums, a.log_sums, a.log_tolerance);
        check_unchanged(c, "qkv", a.qkv);
    }
}

/* Adds to the wanted gradient of one head what row i gives; the sums of the sizes
 * of everything that is added make the tolerances. */
static void backward_row(struct conformance *c, const struct attended *a,
                         const double *dout, const double *out, size_t b, size_t h,
                         size_t i, double *wanted, double *tolerance) {
    size_t tokens = a->shape.tokens, width = a->shape.head_width;
    size_t seen = a->shape.causal ? i + 1 : tokens;
    size_t at = (b * a->shape.heads + h) * tokens + i;
    size_t row = (b * tokens + i) * a->width + h * width;
    double scale = 1 / sqrt((double)width), along = 0, along_size = 0;
    double sums = ((double)tokens + 4) * c->product, weight = weight_error(c);
    for (size_t l = 0; l < width; l++) {
        along += dout[row + l] * out[row + l];
        along_size += fabs(dout[row + l] * out[row + l]);
    }
    const double *q = head_row(a, a->qkv->host, 0, b, i, h);
    double *dq = wanted + (head_row(a, a->qkv->host, 0, b, i, h) - a->qkv->host);
    double *dq_tolerance = tolerance + (dq - wanted);
    for (size_t j = 0; j < seen; j++) {
        const double *k = head_row(a, a->qkv->host, 1, b, j, h);
        const double *v = head_row(a, a->qkv->host, 2, b, j, h);
        double *dk = wanted + (k - a->qkv->host), *dv = wanted + (v - a->qkv->host);
        double *dk_tolerance = tolerance + (k - a->qkv->host);
        double *dv_tolerance = tolerance + (v - a->qkv->host);
        double p = a->p[at * tokens + j], dp = 0, dp_size = 0;
        for (size_t l = 0; l < width; l++) {
            dp += dout[row + l] * v[l];
            dp_size += fabs(dout[row + l] * v[l]);
        }
        double ds = p * (dp - along) * scale;
        /* The row's sum may come from out as stored or from the weights. */
        double ds_error =
            scale * p *
                (((double)width + 4) * c->product * (dp_size + along_size) +
                 c->store * along_size) +
            fabs(ds) * (a->p_error[at] + weight);
        ds_error *= 1 + c->store; /* what is wrong is rounded, too */
        for (size_t l = 0; l < width; l++) {
            dq[l] += ds * k[l];
            dq_tolerance[l] += fabs(k[l]) * (ds_error + fabs(ds) * sums);
            dk[l] += ds * q[l];
            dk_tolerance[l] += fabs(q[l]) * (ds_error + fabs(ds) * sums);
            dv[l] += p * dout[row + l];
            dv_tolerance[l] +=
                p * fabs(dout[row + l]) * (a->p_error[at] + weight + sums);
        }
    }
}

static void backward(struct conformance *c) {
    struct backend *b = c->backend;
    for (size_t s = 0; s < SHAPES; s++) {
        struct attended a = attend(c, shapes[s], 1, s == 2 || s == 4);
        size_t n = a.rows * a.width;
        struct tensor *out = tensor_from(c, ELEMENT_REAL, n, a.out);
        struct tensor *log_sums = tensor_from(
            c, ELEMENT_F32, a.shape.batch * a.shape.heads * a.shape.tokens, a.log_sums);
        struct tensor *dout = tensor_random(c, ELEMENT_REAL, n, 1);
        struct tensor *dqkv = tensor_output(c, ELEMENT_REAL, 3 * n);
        b->attention_backward(b, dqkv->real, dout->real, out->real, log_sums->f32,
                              a.qkv->real, &a.shape);
        double *wanted = numbers(c, 3 * n), *tolerance = numbers(c, 3 * n);
        for (size_t i = 0; i < a.shape.batch * a.shape.heads * a.shape.tokens; i++)
            backward_row(c, &a, dout->host, out->host,
                         i / a.shape.tokens / a.shape.heads,
                         i / a.shape.tokens % a.shape.heads, i % a.shape.tokens, wanted,
                         tolerance);
        for (size_t i = 0; i < 3 * n; i++)
            tolerance[i] += c->store * fabs(wanted[i]) + 1e-36;
        check(c, "dqkv", dqkv, wanted, tolerance);
        check_unchanged(c, "dout", dout);
    }
}

const struct conformance_case conformance_attention_cases[] = {
    {"attention", forward}, {"attention backward", backward}, {NULL, NULL}};
