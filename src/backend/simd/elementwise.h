/* Activations, sums and the optimiser's step. Every loop over `count` elements
 * ends with one partial vector. */

/* x sigmoid(2 u), which is x/2 (1 + tanh(u)) without the cancellation;
 * u = sqrt(2/pi) (x + 0.044715 x^3). */
#define GELU_TANH_SCALE 1.5957691216f /* 2 sqrt(2 / pi) */
#define GELU_TANH_CUBE 0.044715f
#define INVERSE_ROOT_2_PI 0.3989422804f

INLINE vf v_activation(vf x, enum activation kind) {
    vf gauss;
    switch (kind) {
    case ACTIVATION_GELU:
        return x * v_phi(x, &gauss);
    case ACTIVATION_GELU_TANH:
        return x * v_sigmoid(GELU_TANH_SCALE * (x + GELU_TANH_CUBE * x * x * x));
    case ACTIVATION_QUICK_GELU:
        return x * v_sigmoid(1.702f * x);
    case ACTIVATION_RELU: /* NaN is not < 0, so it stays */
        return v_select((vi)(x < 0.0f), v_splat(0.0f), x);
    case ACTIVATION_NONE:
        break;
    }
    return x;
}

/* The derivative at x. */
INLINE vf v_activation_slope(vf x, enum activation kind) {
    vf gauss, s;
    switch (kind) {
    case ACTIVATION_GELU:
        s = v_phi(x, &gauss);
        return s + x * gauss * INVERSE_ROOT_2_PI;
    case ACTIVATION_GELU_TANH:
        s = v_sigmoid(GELU_TANH_SCALE * (x + GELU_TANH_CUBE * x * x * x));
        return s + x * s * (1.0f - s) * GELU_TANH_SCALE *
                       (1.0f + 3.0f * GELU_TANH_CUBE * x * x);
    case ACTIVATION_QUICK_GELU:
        s = v_sigmoid(1.702f * x);
        return s + 1.702f * x * s * (1.0f - s);
    case ACTIVATION_RELU: /* x * 0 keeps a NaN */
        return v_select((vi)(x > 0.0f), v_splat(1.0f), x * 0.0f);
    case ACTIVATION_NONE:
        break;
    }
    return v_splat(1.0f);
}

INLINE void activation_loop(float *y, const float *x, size_t count,
                            enum activation kind) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        v_store(y + i, v_activation(v_load(x + i), kind));
    if (i < count)
        v_store_part(y + i, v_activation(v_load_part(x + i, count - i, 0), kind),
                     count - i);
}

static void activation(float *y, const float *x, size_t count, enum activation kind) {
    switch (kind) {
    case ACTIVATION_GELU:
        activation_loop(y, x, count, ACTIVATION_GELU);
        break;
    case ACTIVATION_GELU_TANH:
        activation_loop(y, x, count, ACTIVATION_GELU_TANH);
        break;
    case ACTIVATION_QUICK_GELU:
        activation_loop(y, x, count, ACTIVATION_QUICK_GELU);
        break;
    case ACTIVATION_RELU:
        activation_loop(y, x, count, ACTIVATION_RELU);
        break;
    case ACTIVATION_NONE:
        memmove(y, x, count * sizeof *y);
        break;
    }
}

INLINE void activation_backward_loop(float *dx, const float *dy, const float *x,
                                     size_t count, enum activation kind) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        v_store(dx + i, v_load(dy + i) * v_activation_slope(v_load(x + i), kind));
    if (i < count) {
        vf slope = v_activation_slope(v_load_part(x + i, count - i, 0), kind);
        v_store_part(dx + i, v_load_part(dy + i, count - i, 0) * slope, count - i);
    }
}

static void activation_backward(float *dx, const float *dy, const float *x,
                                size_t count, enum activation kind) {
    switch (kind) {
    case ACTIVATION_GELU:
        activation_backward_loop(dx, dy, x, count, ACTIVATION_GELU);
        break;
    case ACTIVATION_GELU_TANH:
        activation_backward_loop(dx, dy, x, count, ACTIVATION_GELU_TANH);
        break;
    case ACTIVATION_QUICK_GELU:
        activation_backward_loop(dx, dy, x, count, ACTIVATION_QUICK_GELU);
        break;
    case ACTIVATION_RELU:
        activation_backward_loop(dx, dy, x, count, ACTIVATION_RELU);
        break;
    case ACTIVATION_NONE:
        memmove(dx, dy, count * sizeof *dx);
        break;
    }
}

static void add(float *to, const float *x, size_t count) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        v_store(to + i, v_load(to + i) + v_load(x + i));
    for (; i < count; i++)
        to[i] += x[i];
}

INLINE void bias_activation_loop(float *c, float *before, const float *bias,
                                 size_t count, enum activation kind) {
    for (size_t i = 0; i < count; i += LANES) {
        size_t n = count - i < LANES ? count - i : LANES;
        bool whole = n == LANES;
        vf x = whole ? v_load(c + i) : v_load_part(c + i, n, 0);
        if (bias)
            x += whole ? v_load(bias + i) : v_load_part(bias + i, n, 0);
        vf y = v_activation(x, kind);
        if (whole) {
            if (before)
                v_store(before + i, x);
            v_store(c + i, y);
        } else {
            if (before)
                v_store_part(before + i, x, n);
            v_store_part(c + i, y, n);
        }
    }
}

static void bias_activation(float *c, float *before, const float *bias, size_t count,
                            enum activation kind) {
    switch (kind) {
    case ACTIVATION_GELU:
        bias_activation_loop(c, before, bias, count, ACTIVATION_GELU);
        break;
    case ACTIVATION_GELU_TANH:
        bias_activation_loop(c, before, bias, count, ACTIVATION_GELU_TANH);
        break;
    case ACTIVATION_QUICK_GELU:
        bias_activation_loop(c, before, bias, count, ACTIVATION_QUICK_GELU);
        break;
    case ACTIVATION_RELU:
        bias_activation_loop(c, before, bias, count, ACTIVATION_RELU);
        break;
    case ACTIVATION_NONE:
        bias_activation_loop(c, before, bias, count, ACTIVATION_NONE);
        break;
    }
}

INLINE vf v_adam(vf *first, vf *second, vf parameter, vf gradient,
                 const struct adam_factors *f) {
    *first = *first * f->beta1 + gradient * (1.0f - f->beta1);
    *second = *second * f->beta2 + gradient * gradient * (1.0f - f->beta2);
    vf root = v_sqrt(*second) * f->root_correction + f->epsilon;
    return parameter * f->keep - f->step * (*first / root);
}

static void adam(float *parameters, float *compute, const float *gradient, float *first,
                 float *second, size_t count, const struct adam_factors *factors) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        vf m = v_load(first + i), v = v_load(second + i);
        vf p = v_adam(&m, &v, v_load(parameters + i), v_load(gradient + i), factors);
        v_store(first + i, m);
        v_store(second + i, v);
        v_store(parameters + i, p);
        if (compute)
            v_store(compute + i, p);
    }
    if (i < count) {
        size_t n = count - i;
        vf m = v_load_part(first + i, n, 0), v = v_load_part(second + i, n, 0);
        vf p = v_adam(&m, &v, v_load_part(parameters + i, n, 0),
                      v_load_part(gradient + i, n, 0), factors);
        v_store_part(first + i, m, n);
        v_store_part(second + i, v, n);
        v_store_part(parameters + i, p, n);
        if (compute)
            v_store_part(compute + i, p, n);
    }
}

static void add_scaled(float *to, const float *x, float scale, size_t count) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        v_store(to + i, v_load(to + i) + scale * v_load(x + i));
    for (; i < count; i++)
        to[i] += scale * x[i];
}

static void add_squares(float *to, const float *x, float scale, size_t count) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        vf v = v_load(x + i);
        v_store(to + i, v_load(to + i) + scale * (v * v));
    }
    for (; i < count; i++)
        to[i] += scale * (x[i] * x[i]);
}
