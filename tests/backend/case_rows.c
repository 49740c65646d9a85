/* Norms, column sums, losses: whatever goes along rows. */
#include <math.h>
#include <string.h>

#include "conformance.h"

static const size_t rows_of[] = {1, 3, 17, 257, 5, 3, 3, 2};
static const size_t width_of[] = {257, 17, 3, 64, 1, 768, 1032, 2064};
/* The last three for what goes along whole rows: of a model, and wider than a device
 * may hold in registers. */
enum { SHAPES = 5, WIDE_SHAPES = 8 };

static const double epsilon = 1e-5;

/* Rows away from zero, so that the mean matters; row 1 holds a NaN. */
static struct tensor *rows_new(struct conformance *c, size_t rows, size_t width,
                               bool nan) {
    struct tensor *x = tensor_random(c, ELEMENT_REAL, rows * width, 1);
    for (size_t i = 0; i < rows * width; i++)
        x->host[i] = x->host[i] + 0.5;
    x = tensor_from(c, ELEMENT_REAL, rows * width, x->host);
    if (nan && rows > 1)
        tensor_set(c, x, 2 * width - 1, (double)NAN);
    return x;
}

/* The statistics of a row, in f64, and the error that f32 may make of them. */
struct moments {
    double mean, rstd, mean_error, rstd_error; /* rstd_error is relative */
};

static struct moments moments(const double *x, size_t width) {
    double sum = 0, size = 0, squares = 0, n = (double)width;
    for (size_t i = 0; i < width; i++)
        sum += x[i], size += fabs(x[i]);
    struct moments m = {.mean = sum / n};
    for (size_t i = 0; i < width; i++)
        squares += (x[i] - m.mean) * (x[i] - m.mean);
    double variance = squares / n;
    m.rstd = 1 / sqrt(variance + epsilon);
    m.mean_error = (n + 2) * SINGLE * size / n;
    /* A wrong mean adds its square to the variance; each difference from it is
     * rounded in proportion to the mean's error too. */
    double error = (n + 4) * SINGLE * variance + m.mean_error * m.mean_error +
                   2 * SINGLE * sqrt(variance) * (fabs(m.mean) + sqrt(variance));
    m.rstd_error = 0.5 * error * m.rstd * m.rstd + FUNCTION;
    return m;
}

static void layer_norm(struct conformance *c) {
    struct backend *b = c->backend;
    for (size_t s = 0; s < WIDE_SHAPES; s++) {
        size_t rows = rows_of[s], width = width_of[s], n = rows * width;
        struct tensor *x = rows_new(c, rows, width, true);
        struct tensor *gamma = tensor_random(c, ELEMENT_REAL, width, 1);
        struct tensor *beta = tensor_random(c, ELEMENT_REAL, width, 1);
        struct tensor *y = tensor_output(c, ELEMENT_REAL, n);
        struct tensor *mean = tensor_output(c, ELEMENT_F32, rows);
        struct tensor *rstd = tensor_output(c, ELEMENT_F32, rows);
        b->layer_norm(b, y->real, mean->f32, rstd->f32, x->real, gamma->real,
                      beta->real, rows, width, (float)epsilon);
        double *wanted[3] = {numbers(c, n), numbers(c, rows), numbers(c, rows)};
        double *tolerance[3] = {numbers(c, n), numbers(c, rows), numbers(c, rows)};
        for (size_t i = 0; i < rows; i++) {
            struct moments m = moments(x->host + i * width, width);
            wanted[1][i] = m.mean, tolerance[1][i] = m.mean_error;
            wanted[2][i] = m.rstd, tolerance[2][i] = m.rstd * m.rstd_error;
            for (size_t j = 0; j < width; j++) {
                double h = (x->host[i * width + j] - m.mean) * m.rstd;
                double g = gamma->host[j], value = h * g + beta->host[j];
                wanted[0][i * width + j] = value;
                tolerance[0][i * width + j] =
                    fabs(g) * (m.rstd * (m.mean_error + 2 * SINGLE * fabs(m.mean)) +
                               fabs(h) * (m.rstd_error + 4 * SINGLE)) +
                    2 * SINGLE * fabs(beta->host[j]) + c->store * fabs(value);
            }
        }
        check(c, "y", y, wanted[0], tolerance[0]);
        check(c, "mean", mean, wanted[1], tolerance[1]);
        check(c, "rstd", rstd, wanted[2], tolerance[2]);
        check_unchanged(c, "x", x);
    }
}

/* x with its statistics as the forward pass leaves them, and dy. */
struct normed {
    struct tensor *x, *dy, *gamma, *mean, *rstd;
};

static struct normed normed_new(struct conformance *c, size_t rows, size_t width,
                                bool nan) {
    struct normed t = {.x = rows_new(c, rows, width, false),
                       .dy = rows_new(c, rows, width, nan),
                       .gamma = tensor_random(c, ELEMENT_REAL, width, 1)};
    double *mean = numbers(c, rows), *rstd = numbers(c, rows);
    for (size_t i = 0; i < rows; i++) {
        struct moments m = moments(t.x->host + i * width, width);
        mean[i] = m.mean, rstd[i] = m.rstd;
    }
    t.mean = tensor_from(c, ELEMENT_F32, rows, mean);
    t.rstd = tensor_from(c, ELEMENT_F32, rows, rstd);
    return t;
}

static double normed_at(const struct normed *t, size_t row, size_t i) {
    return (t->x->host[i] - t->mean->host[row]) * t->rstd->host[row];
}

static void layer_norm_backward(struct conformance *c) {
    struct backend *b = c->backend;
    for (size_t s = 0; s < WIDE_SHAPES; s++) {
        size_t rows = rows_of[s], width = width_of[s], n = rows * width;
        struct normed t = normed_new(c, rows, width, true);
        struct tensor *dx = tensor_random(c, ELEMENT_REAL, n, 1);
        b->layer_norm_backward(b, dx->real, t.dy->real, t.x->real, t.mean->f32,
                               t.rstd->f32, t.gamma->real, rows, width);
        double *wanted = numbers(c, n), *tolerance = numbers(c, n);
        for (size_t i = 0; i < rows; i++) {
            double g_sum = 0, gh_sum = 0, g_size = 0, gh_size = 0, w = (double)width;
            for (size_t j = 0; j < width; j++) {
                double h = normed_at(&t, i, i * width + j);
                double g = t.dy->host[i * width + j] * t.gamma->host[j];
                g_sum += g, gh_sum += g * h;
                g_size += fabs(g), gh_size += fabs(g * h);
            }
            double rstd = t.rstd->host[i], mean = t.mean->host[i];
            /* x - mean is rounded in proportion to x and mean. */
            double h_error = 4 * SINGLE * rstd * fabs(mean);
            for (size_t j = 0; j < width; j++) {
                size_t at = i * width + j;
                double h = normed_at(&t, i, at);
                double g = t.dy->host[at] * t.gamma->host[j];
                double old = dx->host[at];
                double step = rstd * (g - g_sum / w - h * gh_sum / w);
                wanted[at] = old + step;
                tolerance[at] = rstd * (w + 8) * SINGLE *
                                    (fabs(g) + g_size / w + fabs(h) * gh_size / w) +
                                rstd * h_error * (fabs(h) * g_size + gh_size) / w +
                                3 * SINGLE * fabs(old) +
                                c->store * (fabs(wanted[at]) + fabs(step));
            }
        }
        check(c, "dx", dx, wanted, tolerance);
        check_unchanged(c, "dy", t.dy);
    }
}

/* Sums of a group's columns lie this much behind the last group's: what is between
 * stays as it is. */
static struct tensor *sums_new(struct conformance *c, size_t groups, size_t apart) {
    return tensor_random(c, ELEMENT_F32, groups * apart, 1);
}

static double *as_it_was(struct conformance *c, const struct tensor *t, size_t count) {
    double *wanted = numbers(c, count);
    memcpy(wanted, t->host, count * sizeof *wanted);
    return wanted;
}

/* Groups: one, and 3 and 5 of them. */
static void layer_norm_gradient(struct conformance *c) {
    struct backend *b = c->backend;
    for (size_t s = 0; s < 3 * 2 * SHAPES; s++) {
        bool accumulate = s / SHAPES % 2;
        size_t groups = 1 + 2 * (s / SHAPES / 2);
        size_t rows = rows_of[s % SHAPES], width = width_of[s % SHAPES];
        size_t apart = width + (groups > 1 ? s % 3 : 0);
        struct normed t = normed_new(c, groups * rows, width, s < 2);
        struct tensor *out[2];
        double *wanted[2], *tolerance[2];
        for (size_t i = 0; i < 2; i++) {
            out[i] = sums_new(c, groups, apart);
            wanted[i] = as_it_was(c, out[i], groups * apart);
            tolerance[i] = numbers(c, groups * apart);
        }
        b->layer_norm_gradient(b, out[0]->f32, out[1]->f32, apart, t.dy->real,
                               t.x->real, t.mean->f32, t.rstd->f32, groups, rows, width,
                               accumulate);
        for (size_t place = 0; place < groups * width; place++)
            for (size_t k = 0; k < 2; k++) {
                size_t g = place / width, j = place % width, into = g * apart + j;
                double sum = accumulate ? out[k]->host[into] : 0, size = fabs(sum);
                for (size_t i = g * rows; i < (g + 1) * rows; i++) {
                    size_t at = i * width + j;
                    double h = k == 0 ? normed_at(&t, i, at) : 1;
                    sum += t.dy->host[at] * h;
                    size += fabs(t.dy->host[at]) *
                            (fabs(h) +
                             (k == 0 ? t.rstd->host[i] * fabs(t.mean->host[i]) : 0));
                }
                wanted[k][into] = sum;
                tolerance[k][into] = (double)(rows + 5) * SINGLE * size;
            }
        check(c, "dgamma", out[0], wanted[0], tolerance[0]);
        check(c, "dbeta", out[1], wanted[1], tolerance[1]);
    }
}

static void column_sums(struct conformance *c) {
    for (size_t s = 0; s < 3 * 2 * SHAPES; s++) {
        bool accumulate = s / SHAPES % 2;
        size_t groups = 1 + 2 * (s / SHAPES / 2);
        size_t rows = rows_of[s % SHAPES], width = width_of[s % SHAPES];
        size_t stride = width + (s % 2 ? 0 : 100);
        size_t apart = width + (groups > 1 ? s % 3 : 0);
        struct tensor *x = tensor_random(c, ELEMENT_REAL, groups * rows * stride, 1);
        tensor_set(c, x, stride * (rows - 1), (double)NAN);
        struct tensor *sums = sums_new(c, groups, apart);
        c->backend->column_sums(c->backend, sums->f32, apart, x->real, groups, rows,
                                width, stride, accumulate);
        double *wanted = as_it_was(c, sums, groups * apart);
        double *tolerance = numbers(c, groups * apart);
        for (size_t place = 0; place < groups * width; place++) {
            size_t g = place / width, j = place % width, into = g * apart + j;
            double sum = accumulate ? sums->host[into] : 0, size = fabs(sum);
            for (size_t i = g * rows; i < (g + 1) * rows; i++)
                sum += x->host[i * stride + j], size += fabs(x->host[i * stride + j]);
            wanted[into] = sum;
            tolerance[into] = (double)(rows + 1) * SINGLE * size;
        }
        check(c, "sums", sums, wanted, tolerance);
    }
}

static void l2_normalise(struct conformance *c) {
    struct backend *b = c->backend;
    for (size_t s = 0; s < SHAPES; s++) {
        size_t rows = rows_of[s], width = width_of[s], n = rows * width;
        struct tensor *x = rows_new(c, rows, width, true);
        if (rows > 2) { /* a row of zeros */
            memset(x->host + 2 * width, 0, width * sizeof *x->host);
            x = tensor_from(c, ELEMENT_REAL, n, x->host);
        }
        struct tensor *y = tensor_output(c, ELEMENT_REAL, n);
        struct tensor *norms = tensor_output(c, ELEMENT_F32, rows);
        b->l2_normalise(b, y->real, norms->f32, x->real, rows, width);
        double *wanted[2] = {numbers(c, n), numbers(c, rows)};
        double *tolerance[2] = {numbers(c, n), numbers(c, rows)};
        double error = (double)(width + 2) / 2 * SINGLE + FUNCTION;
        for (size_t i = 0; i < rows; i++) {
            double squares = 0;
            for (size_t j = 0; j < width; j++)
                squares += x->host[i * width + j] * x->host[i * width + j];
            double norm = sqrt(squares);
            wanted[1][i] = norm, tolerance[1][i] = error * norm;
            for (size_t j = 0; j < width; j++) {
                double value = norm == 0 ? 0 : x->host[i * width + j] / norm;
                wanted[0][i * width + j] = value;
                tolerance[0][i * width + j] = (error + c->store) * fabs(value);
            }
        }
        check(c, "y", y, wanted[0], tolerance[0]);
        check(c, "norms", norms, wanted[1], tolerance[1]);

        struct tensor *dy = rows_new(c, rows, width, false);
        struct tensor *dx = tensor_output(c, ELEMENT_REAL, n);
        struct tensor *unit = tensor_from(c, ELEMENT_REAL, n, wanted[0]);
        struct tensor *size = tensor_from(c, ELEMENT_F32, rows, wanted[1]);
        b->l2_normalise_backward(b, dx->real, dy->real, unit->real, size->f32, rows,
                                 width);
        for (size_t i = 0; i < rows; i++) {
            double along = 0, along_size = 0, norm = size->host[i];
            for (size_t j = 0; j < width; j++) {
                double term = unit->host[i * width + j] * dy->host[i * width + j];
                along += term, along_size += fabs(term);
            }
            for (size_t j = 0; j < width; j++) {
                size_t at = i * width + j;
                double u = unit->host[at], d = dy->host[at];
                double value = norm == 0 ? 0 : (d - u * along) / norm;
                wanted[0][at] = value;
                tolerance[0][at] =
                    norm == 0 ? 0
                              : ((double)(width + 4) * SINGLE * fabs(u) * along_size +
                                 FUNCTION * (fabs(d) + fabs(u * along))) /
                                        norm +
                                    c->store * fabs(value);
            }
        }
        check(c, "dx", dx, wanted[0], tolerance[0]);
    }
}

static void cross_entropy(struct conformance *c) {
    struct backend *b = c->backend;
    static const size_t classes_of[] = {257, 10, 3, 1000, 1};
    for (size_t s = 0; s < 2 * SHAPES; s++) {
        size_t rows = rows_of[s % SHAPES], classes = classes_of[s % SHAPES];
        size_t n = rows * classes;
        struct tensor *logits = tensor_random(c, ELEMENT_F32, n, s % 2 ? 20 : 2);
        double *labels = numbers(c, rows);
        for (size_t i = 0; i < rows; i++)
            labels[i] = (double)random_below(&c->random, classes);
        if (rows > 2) {
            tensor_set(c, logits, 2 * classes - 1, (double)NAN);
            labels[2] = s % 2 ? -1 : (double)classes; /* no such class */
        }
        struct tensor *label = tensor_from(c, ELEMENT_I32, rows, labels);
        struct tensor *scale = tensor_random(c, ELEMENT_F32, rows, 1);
        struct tensor *loss = tensor_output(c, ELEMENT_F32, rows);
        struct tensor *dlogits = s < SHAPES ? tensor_output(c, ELEMENT_REAL, n) : NULL;
        b->cross_entropy(b, loss->f32, dlogits ? dlogits->real : NULL, logits->f32,
                         label->i32, scale->f32, rows, classes);
        double *wanted[2] = {numbers(c, rows), numbers(c, n)};
        double *tolerance[2] = {numbers(c, rows), numbers(c, n)};
        for (size_t i = 0; i < rows; i++) {
            const double *x = logits->host + i * classes;
            double top = -INFINITY, sum = 0, low = INFINITY;
            for (size_t j = 0; j < classes; j++)
                top = fmax(top, x[j]), low = fmin(low, x[j]);
            for (size_t j = 0; j < classes; j++)
                sum += exp(x[j] - top);
            bool known = labels[i] >= 0 && labels[i] < (double)classes;
            double picked = known ? x[(size_t)labels[i]] : (double)NAN;
            wanted[0][i] = log(sum) + top - picked;
            /* The sum's relative error becomes the logarithm's absolute one. */
            double relative = (double)classes * SINGLE + FUNCTION;
            tolerance[0][i] = relative + FUNCTION * log(sum) +
                              4 * SINGLE * (fabs(top) + fabs(picked));
            for (size_t j = 0; j < classes; j++) {
                double p = exp(x[j] - top) / sum;
                double hot = known && j == (size_t)labels[i];
                double value = scale->host[i] * (p - hot);
                wanted[1][i * classes + j] = known ? value : (double)NAN;
                tolerance[1][i * classes + j] =
                    fabs(scale->host[i]) * (p * (relative + SINGLE * (top - low)) +
                                            2 * SINGLE * (p + hot)) +
                    c->store * fabs(value) + 1e-36;
            }
        }
        check(c, "loss", loss, wanted[0], tolerance[0]);
        if (dlogits)
            check(c, "dlogits", dlogits, wanted[1], tolerance[1]);
    }
}

/* The logarithms of a row's softmax (out), and its greatest and least. */
static void log_softmax(const double *x, size_t classes, double *out, double *top,
                        double *low) {
    double sum = 0;
    *top = -INFINITY, *low = INFINITY;
    for (size_t j = 0; j < classes; j++)
        *top = fmax(*top, x[j]), *low = fmin(*low, x[j]);
    for (size_t j = 0; j < classes; j++)
        sum += exp(x[j] - *top);
    for (size_t j = 0; j < classes; j++)
        out[j] = x[j] - *top - log(sum);
}

static void divergence(struct conformance *c) {
    struct backend *b = c->backend;
    static const size_t classes_of[] = {257, 10, 3, 1000, 1};
    enum { WANTED = 7 };
    for (size_t s = 0; s < 2 * SHAPES; s++) {
        size_t rows = rows_of[s % SHAPES], classes = classes_of[s % SHAPES];
        size_t n = rows * classes;
        struct tensor *logits = tensor_random(c, ELEMENT_F32, n, s % 2 ? 20 : 2);
        struct tensor *target =
            tensor_random(c, ELEMENT_F32, WANTED * classes, s % 2 ? 20 : 2);
        double *places = numbers(c, rows);
        for (size_t i = 0; i < rows; i++)
            places[i] = (double)random_below(&c->random, WANTED);
        if (rows > 2) {
            tensor_set(c, logits, 2 * classes - 1, (double)NAN);
            places[2] = s % 2 ? -1 : WANTED; /* no such row */
        }
        struct tensor *index = tensor_from(c, ELEMENT_I32, rows, places);
        struct tensor *scale = tensor_random(c, ELEMENT_F32, rows, 1);
        struct tensor *loss = tensor_output(c, ELEMENT_F32, rows);
        struct tensor *dlogits = s < SHAPES ? tensor_output(c, ELEMENT_REAL, n) : NULL;
        b->divergence(b, loss->f32, dlogits ? dlogits->real : NULL, logits->f32,
                      target->f32, WANTED, index->i32, scale->f32, rows, classes);
        double *wanted[2] = {numbers(c, rows), numbers(c, n)};
        double *tolerance[2] = {numbers(c, rows), numbers(c, n)};
        double *log_p = numbers(c, classes), *log_q = numbers(c, classes);
        double relative = (double)classes * SINGLE + FUNCTION;
        for (size_t i = 0; i < rows; i++) {
            bool known = places[i] >= 0 && places[i] < WANTED;
            size_t place = known ? (size_t)places[i] : 0;
            double top[2], low[2], width;
            log_softmax(target->host + place * classes, classes, log_p, &top[0],
                        &low[0]);
            log_softmax(logits->host + i * classes, classes, log_q, &top[1], &low[1]);
            width = top[0] - low[0] + top[1] - low[1];
            for (size_t j = 0; j < classes; j++) {
                double p = exp(log_p[j]), q = exp(log_q[j]);
                double value = scale->host[i] * (q - p);
                wanted[0][i] += p * (log_p[j] - log_q[j]);
                wanted[1][i * classes + j] = known ? value : (double)NAN;
                /* Each probability has the error of its sum and of its own logit. */
                tolerance[1][i * classes + j] =
                    fabs(scale->host[i]) *
                        ((p + q) * (relative + 2 * SINGLE * width) + 2 * SINGLE) +
                    c->store * fabs(value) + 1e-36;
                tolerance[0][i] += p * (relative + 4 * SINGLE) * (2 * width + 1);
            }
            /* The sums' logarithms, and the classes' order of summation. */
            tolerance[0][i] += 2 * relative + FUNCTION * 2 * log((double)classes + 1) +
                               (double)classes * SINGLE * width;
            if (!known)
                wanted[0][i] = (double)NAN;
        }
        check(c, "loss", loss, wanted[0], tolerance[0]);
        if (dlogits)
            check(c, "dlogits", dlogits, wanted[1], tolerance[1]);
    }
}

static void entropy(struct conformance *c) {
    struct backend *b = c->backend;
    static const size_t classes_of[] = {257, 10, 3, 1000, 1};
    for (size_t s = 0; s < 2 * SHAPES; s++) {
        size_t rows = rows_of[s % SHAPES], classes = classes_of[s % SHAPES];
        size_t n = rows * classes;
        struct tensor *logits = tensor_random(c, ELEMENT_F32, n, s % 2 ? 20 : 2);
        if (rows > 2)
            tensor_set(c, logits, 2 * classes - 1, (double)NAN);
        struct tensor *scale = tensor_random(c, ELEMENT_F32, rows, 1);
        struct tensor *loss = tensor_output(c, ELEMENT_F32, rows);
        struct tensor *dlogits = s < SHAPES ? tensor_output(c, ELEMENT_REAL, n) : NULL;
        b->entropy(b, loss->f32, dlogits ? dlogits->real : NULL, logits->f32,
                   scale->f32, rows, classes);
        double *wanted[2] = {numbers(c, rows), numbers(c, n)};
        double *tolerance[2] = {numbers(c, rows), numbers(c, n)};
        double *log_p = numbers(c, classes);
        double relative = (double)classes * SINGLE + FUNCTION;
        for (size_t i = 0; i < rows; i++) {
            double top, low, width;
            log_softmax(logits->host + i * classes, classes, log_p, &top, &low);
            width = top - low;
            for (size_t j = 0; j < classes; j++)
                wanted[0][i] -= exp(log_p[j]) * log_p[j];
            /* Each probability has the error of its sum and of its own logit, and is
             * multiplied by at most the width; then the sum's logarithm. */
            tolerance[0][i] = (relative + 2 * SINGLE * width) * (width + 1) +
                              (double)classes * SINGLE * width + relative +
                              FUNCTION * log((double)classes + 1);
            for (size_t j = 0; j < classes; j++) {
                double p = exp(log_p[j]);
                double value = -scale->host[i] * p * (log_p[j] + wanted[0][i]);
                wanted[1][i * classes + j] = value;
                tolerance[1][i * classes + j] =
                    fabs(scale->host[i]) * p *
                        (tolerance[0][i] +
                         (relative + 4 * SINGLE * width) * (width + 1)) +
                    c->store * fabs(value) + 1e-36 * (width + 1);
            }
        }
        check(c, "loss", loss, wanted[0], tolerance[0]);
        if (dlogits)
            check(c, "dlogits", dlogits, wanted[1], tolerance[1]);
    }
}

static void argmax(struct conformance *c) {
    for (size_t s = 0; s < SHAPES; s++) {
        size_t rows = rows_of[s], classes = width_of[s];
        double *values = numbers(c, rows * classes), *wanted = numbers(c, rows);
        for (size_t i = 0; i < rows; i++) {
            double *x = values + i * classes;
            size_t best = 0;
            /* Few values, so that the greatest appears more than once. */
            for (size_t j = 0; j < classes; j++) {
                x[j] = -(double)random_below(&c->random, 5) - 1;
                best = x[j] > x[best] ? j : best;
            }
            if (i == 1)
                x[classes - 1] = (double)NAN;
            if (i == 2)
                for (size_t j = 0; j < classes; j++)
                    x[j] = -INFINITY, best = 0;
            wanted[i] = i == 1 ? -1 : (double)best;
        }
        struct tensor *logits = tensor_from(c, ELEMENT_F32, rows * classes, values);
        struct tensor *out = tensor_output(c, ELEMENT_I32, rows);
        c->backend->argmax(c->backend, out->i32, logits->f32, rows, classes);
        check(c, "index", out, wanted, numbers(c, rows));
    }
}

const struct conformance_case conformance_row_cases[] = {
    {"layer norm", layer_norm},
    {"layer norm backward", layer_norm_backward},
    {"layer norm gradient", layer_norm_gradient},
    {"column sums", column_sums},
    {"l2 normalise", l2_normalise},
    {"cross entropy", cross_entropy},
    {"divergence", divergence},
    {"entropy", entropy},
    {"argmax", argmax},
    {NULL, NULL}};
