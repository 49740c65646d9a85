#include <math.h>

#include "conformance.h"

static const size_t sizes[] = {1, 3, 17, 257, 70001};
enum { SIZES = 5 };

static const enum activation kinds[] = {ACTIVATION_NONE, ACTIVATION_GELU,
                                        ACTIVATION_GELU_TANH, ACTIVATION_QUICK_GELU,
                                        ACTIVATION_RELU};

static void add(struct conformance *c) {
    for (size_t s = 0; s < SIZES; s++) {
        size_t n = sizes[s];
        struct tensor *to = tensor_random(c, ELEMENT_REAL, n, 1);
        struct tensor *x = tensor_random(c, ELEMENT_REAL, n, 1);
        tensor_set(c, x, n / 2, (double)NAN);
        c->backend->add(c->backend, to->real, x->real, n);
        double *y = numbers(c, n), *tolerance = numbers(c, n);
        for (size_t i = 0; i < n; i++) {
            y[i] = to->host[i] + x->host[i];
            tolerance[i] = c->store * fabs(y[i]);
        }
        check(c, "sum", to, y, tolerance);
        check_unchanged(c, "x", x);
    }
}

/* Numbers over the range that matters, special ones among them. */
static struct tensor *arguments(struct conformance *c, size_t n) {
    double *x = numbers(c, n);
    for (size_t i = 0; i < n; i++)
        x[i] = i % 2 ? 3 * random_normal(&c->random)
                     : 30 * (random_uniform(&c->random) - 0.5);
    if (n > 16) {
        static const double special[] = {0, -0.0, 1e-30, -1e-30, 60, -60, 1e4, -1e4};
        for (size_t i = 0; i < 8; i++)
            x[i] = special[i];
        x[n - 2] = (double)NAN;
    }
    return tensor_from(c, ELEMENT_REAL, n, x);
}

static void activation(struct conformance *c) {
    for (size_t k = 0; k < 5; k++)
        for (size_t s = 0; s < SIZES; s++) {
            size_t n = sizes[s];
            struct tensor *x = arguments(c, n), *y = tensor_output(c, ELEMENT_REAL, n);
            c->backend->activation(c->backend, y->real, x->real, n, kinds[k]);
            double *wanted = numbers(c, n), *tolerance = numbers(c, n);
            for (size_t i = 0; i < n; i++) {
                wanted[i] = activation_of(kinds[k], x->host[i], &tolerance[i]);
                tolerance[i] += c->store * fabs(wanted[i]);
            }
            check(c, "activation", y, wanted, tolerance);
            check_unchanged(c, "x", x);
        }
}

static void activation_backward(struct conformance *c) {
    for (size_t k = 0; k < 5; k++)
        for (size_t s = 0; s < SIZES; s++) {
            size_t n = sizes[s];
            struct tensor *x = arguments(c, n);
            struct tensor *dy = tensor_random(c, ELEMENT_REAL, n, 1);
            bool in_place = s % 2;
            struct tensor *dx = in_place ? dy : tensor_output(c, ELEMENT_REAL, n);
            double *wanted = numbers(c, n), *tolerance = numbers(c, n);
            for (size_t i = 0; i < n; i++) {
                double error;
                double slope = activation_slope(kinds[k], x->host[i], &error);
                wanted[i] = dy->host[i] * slope;
                tolerance[i] =
                    fabs(dy->host[i]) * error + (c->store + SINGLE) * fabs(wanted[i]);
            }
            c->backend->activation_backward(c->backend, dx->real, dy->real, x->real, n,
                                            kinds[k]);
            check(c, "gradient", dx, wanted, tolerance);
        }
}

static void adam(struct conformance *c) {
    for (size_t s = 0; s < SIZES; s++)
        for (unsigned variant = 0; variant < 3; variant++) {
            size_t n = sizes[s];
            struct adam settings = {.learning_rate = 1e-2f,
                                    .beta1 = 0.9f,
                                    .beta2 = 0.999f,
                                    .epsilon = 1e-8f,
                                    .weight_decay = variant == 1 ? 0.1f : 0,
                                    .step = variant == 0 ? 1 : 1000};
            struct tensor *p = tensor_random(c, ELEMENT_F32, n, 1);
            struct tensor *g = tensor_random(c, ELEMENT_F32, n, 1);
            struct tensor *m = tensor_random(c, ELEMENT_F32, n, 1);
            struct tensor *v = tensor_random(c, ELEMENT_F32, n, 1);
            for (size_t i = 0; i < n; i++)
                v->host[i] = fabs(v->host[i]);
            v = tensor_from(c, ELEMENT_F32, n, v->host);
            tensor_set(c, g, n - 1, s == 2 ? (double)NAN : g->host[n - 1]);
            struct tensor *compute =
                variant == 2 ? NULL : tensor_output(c, ELEMENT_REAL, n);
            c->backend->adam(c->backend, p->f32, compute ? compute->real : NULL, g->f32,
                             m->f32, v->f32, n, &settings);
            double *wanted[4], *tolerance[4];
            for (size_t i = 0; i < 4; i++)
                wanted[i] = numbers(c, n), tolerance[i] = numbers(c, n);
            double b1 = settings.beta1, b2 = settings.beta2,
                   lr = settings.learning_rate;
            double correction1 = 1 - pow(b1, settings.step);
            double correction2 = 1 - pow(b2, settings.step);
            for (size_t i = 0; i < n; i++) {
                double gi = g->host[i], old_m = b1 * m->host[i],
                       old_v = b2 * v->host[i];
                double m1 = old_m + (1 - b1) * gi, v1 = old_v + (1 - b2) * gi * gi;
                double error_m = 4 * SINGLE * (fabs(old_m) + fabs((1 - b1) * gi));
                double root = sqrt(v1 / correction2) + (double)settings.epsilon;
                double kept = p->host[i] * (1 - lr * (double)settings.weight_decay);
                double step = lr / correction1 * m1 / root;
                wanted[0][i] = kept - step;
                tolerance[0][i] = 3 * SINGLE * (fabs(kept) + fabs(step)) +
                                  lr / correction1 * error_m / root +
                                  FUNCTION * fabs(step);
                wanted[1][i] = m1, tolerance[1][i] = error_m;
                wanted[2][i] = v1, tolerance[2][i] = 6 * SINGLE * v1;
                wanted[3][i] = wanted[0][i];
                tolerance[3][i] = tolerance[0][i] + c->store * fabs(wanted[0][i]);
            }
            check(c, "parameters", p, wanted[0], tolerance[0]);
            check(c, "first moment", m, wanted[1], tolerance[1]);
            check(c, "second moment", v, wanted[2], tolerance[2]);
            if (compute)
                check(c, "compute copy", compute, wanted[3], tolerance[3]);
            check_unchanged(c, "gradient", g);
        }
}

static void add_scaled(struct conformance *c, bool square) {
    for (size_t s = 0; s < SIZES; s++) {
        size_t n = sizes[s];
        struct tensor *to = tensor_random(c, ELEMENT_F32, n, 1);
        struct tensor *x = tensor_random(c, ELEMENT_F32, n, 1);
        tensor_set(c, x, n / 3, (double)NAN);
        double scale = -0.625;
        if (square)
            c->backend->add_squares(c->backend, to->f32, x->f32, (float)scale, n);
        else
            c->backend->add_scaled(c->backend, to->f32, x->f32, (float)scale, n);
        double *y = numbers(c, n), *tolerance = numbers(c, n);
        for (size_t i = 0; i < n; i++) {
            double term = scale * x->host[i] * (square ? x->host[i] : 1);
            y[i] = to->host[i] + term;
            tolerance[i] = 3 * SINGLE * (fabs(to->host[i]) + fabs(term));
        }
        check(c, square ? "squares" : "scaled sum", to, y, tolerance);
        check_unchanged(c, "x", x);
    }
}

static void weighted_sum(struct conformance *c) {
    static const size_t counts[] = {1, 3, 8, ROUTE_TASKS_MAX};
    for (size_t s = 0; s < SIZES; s++) {
        size_t n = sizes[s], vectors = counts[s % 4];
        size_t apart = n + (s % 3 ? s % 3 + 2 : (4 - n % 4) % 4);
        float weights[ROUTE_TASKS_MAX];
        for (size_t v = 0; v < vectors; v++)
            weights[v] = 0.75f - 0.25f * (float)(v % 5);
        struct tensor *x = tensor_random(c, ELEMENT_F32, vectors * apart, 1);
        struct tensor *out = tensor_output(c, ELEMENT_F32, n);
        tensor_set(c, x, (vectors - 1) * apart + n / 3, (double)NAN);
        c->backend->weighted_sum(c->backend, out->f32, x->f32, apart, weights, vectors,
                                 n);
        double *y = numbers(c, n), *tolerance = numbers(c, n);
        for (size_t i = 0; i < n; i++)
            for (size_t v = 0; v < vectors; v++) {
                double term = (double)weights[v] * x->host[v * apart + i];
                y[i] += term;
                tolerance[i] += (double)(vectors + 1) * SINGLE * fabs(term);
            }
        check(c, "weighted sum", out, y, tolerance);
        check_unchanged(c, "x", x);
    }
}

static void narrowing(struct conformance *c) {
    for (size_t s = 0; s < SIZES; s++) {
        size_t n = sizes[s];
        struct tensor *x = tensor_random(c, ELEMENT_F32, n, 1);
        struct tensor *to = tensor_output(c, ELEMENT_REAL, n);
        tensor_set(c, x, n / 3, (double)NAN);
        c->backend->narrow(c->backend, to->real, x->f32, n);
        double *y = numbers(c, n), *tolerance = numbers(c, n);
        for (size_t i = 0; i < n; i++) {
            y[i] = x->host[i];
            tolerance[i] = c->store * fabs(y[i]);
        }
        check(c, "narrowed", to, y, tolerance);
        check_unchanged(c, "x", x);
    }
}

/* What a float with `fraction` bits after the point, powers of two from `least` on and
 * `most` as its first value beyond the range makes of x; from its definition. */
static double rounded(double x, int fraction, int least, double most) {
    int exponent;
    if (isnan(x))
        return x;
    frexp(x, &exponent); /* x = m 2^exponent, 1/2 <= |m| < 1 */
    exponent = exponent - 1 > least ? exponent - 1 : least;
    double last = ldexp(1, exponent - fraction);
    double result = nearbyint(x / last) * last;
    return fabs(result) < most ? result : copysign((double)INFINITY, x);
}

static void rounding(struct conformance *c) {
    static const double special[] = {0,     -0.0,    1,       -1.00390625, 1.01171875,
                                     65519, -65520,  65535,   1e-30,       -6e-8,
                                     3e-8,  2.99e-8, 6.1e-05, 3e38,        -3.4e38};
    enum { SPECIALS = sizeof special / sizeof *special };
    for (int to = 0; to < 2; to++)
        for (size_t s = 0; s < SIZES; s++) {
            size_t n = sizes[s];
            double *x = numbers(c, n), *wanted = numbers(c, n), *zero = numbers(c, n);
            for (size_t i = 0; i < n; i++) {
                double scale = ldexp(1, (int)(50 * random_uniform(&c->random)) - 30);
                x[i] = i < SPECIALS ? special[i] : scale * random_normal(&c->random);
            }
            if (n > 16)
                x[n - 1] = (double)NAN;
            struct tensor *values = tensor_from(c, ELEMENT_REAL, n, x);
            for (size_t i = 0; i < n; i++) {
                double is = values->host[i];
                wanted[i] = to == ROUNDING_BF16 ? rounded(is, 7, -126, ldexp(1, 128))
                                                : rounded(is, 10, -14, 65520);
                zero[i] = 0;
            }
            c->backend->round_values(c->backend, values->real, n, (enum rounding)to);
            check(c, "rounded values", values, wanted, zero);
        }
}

static void scaled(struct conformance *c) {
    add_scaled(c, false);
}

static void squares(struct conformance *c) {
    add_scaled(c, true);
}

const struct conformance_case conformance_elementwise_cases[] = {
    {"add", add},
    {"activation", activation},
    {"activation backward", activation_backward},
    {"adam", adam},
    {"add scaled", scaled},
    {"add squares", squares},
    {"weighted sum", weighted_sum},
    {"narrowed", narrowing},
    {"rounded values", rounding},
    {NULL, NULL}};
