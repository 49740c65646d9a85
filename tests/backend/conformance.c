#include "conformance.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 512, GUARD_BYTE = 0xA5, NEVER_WRITTEN = -7777777 };

static const struct conformance_case *const groups[] = {
    conformance_memory_cases,    conformance_matmul_cases,
    conformance_row_cases,       conformance_elementwise_cases,
    conformance_attention_cases, conformance_embedding_cases,
    conformance_merge_cases,     conformance_stream_cases,
    conformance_fp8_cases,       conformance_solve_cases};

/* Without the device or memory nothing can be said about a backend. */
static void give_up(const char *what, const char *why) {
    fprintf(stderr, "conformance: %s: %s\n", what, why);
    exit(1);
}

static void fail(struct conformance *c, const char *what, const char *text) {
    c->failures++;
    if (c->log)
        fprintf(c->log, "FAILED %s, %s: %s\n", c->name, what, text);
}

static size_t element_size(const struct conformance *c, enum element element) {
    return element == ELEMENT_REAL ? c->backend->real_size : 4;
}

/* The tensor list also holds the cases' plain memory, as tensors without data. */
static struct tensor *tensor_new(struct conformance *c, size_t count) {
    struct tensor *t = calloc(1, sizeof *t);
    if (!t || !(t->host = calloc(count + 1, sizeof(double))))
        give_up(c->name, "out of memory");
    t->count = count;
    t->next = c->tensors;
    c->tensors = t;
    return t;
}

double *numbers(struct conformance *c, size_t count) {
    return tensor_new(c, count)->host;
}

static struct tensor *tensor_guarded(struct conformance *c, enum element element,
                                     size_t count) {
    struct tensor *t = tensor_new(c, count);
    struct error error;
    size_t bytes = count * element_size(c, element);
    void *memory;
    if (c->backend->allocate(c->backend, bytes + 2 * GUARD, &memory, &error) != 0)
        give_up(c->name, error.text);
    t->memory = memory;
    t->element = element;
    t->data = t->memory + GUARD;
    unsigned char *guard = malloc(bytes + 2 * GUARD);
    if (!guard)
        give_up(c->name, "out of memory");
    memset(guard, GUARD_BYTE, bytes + 2 * GUARD);
    c->backend->upload(c->backend, t->memory, guard, bytes + 2 * GUARD);
    c->backend->synchronise(c->backend, NULL);
    free(guard);
    return t;
}

static void tensor_read(struct conformance *c, const struct tensor *t, double *values) {
    struct error error;
    void *buffer = malloc(t->count * 4 + 4);
    if (!buffer)
        give_up(c->name, "out of memory");
    int status =
        t->element == ELEMENT_REAL
            ? c->backend->download_real(c->backend, buffer, t->real, t->count, &error)
            : c->backend->download(c->backend, buffer, t->data, t->count * 4, &error);
    if (status != 0)
        give_up(c->name, error.text);
    for (size_t i = 0; i < t->count; i++)
        values[i] = t->element == ELEMENT_I32 ? (double)((int32_t *)buffer)[i]
                                              : (double)((float *)buffer)[i];
    free(buffer);
}

/* Uploads t->host and reads back what the element type made of it. */
static void tensor_write(struct conformance *c, struct tensor *t) {
    void *buffer = malloc(t->count * 4 + 4);
    if (!buffer)
        give_up(c->name, "out of memory");
    for (size_t i = 0; i < t->count; i++)
        if (t->element == ELEMENT_I32)
            ((int32_t *)buffer)[i] = (int32_t)t->host[i];
        else
            ((float *)buffer)[i] = (float)t->host[i];
    if (t->element == ELEMENT_REAL)
        c->backend->upload_real(c->backend, t->real, buffer, t->count);
    else
        c->backend->upload(c->backend, t->data, buffer, t->count * 4);
    tensor_read(c, t, t->host);
    free(buffer);
}

struct tensor *tensor_from(struct conformance *c, enum element element, size_t count,
                           const double *values) {
    struct tensor *t = tensor_guarded(c, element, count);
    memcpy(t->host, values, count * sizeof *values);
    tensor_write(c, t);
    return t;
}

struct tensor *tensor_random(struct conformance *c, enum element element, size_t count,
                             double size) {
    struct tensor *t = tensor_guarded(c, element, count);
    for (size_t i = 0; i < count; i++)
        t->host[i] = size * random_normal(&c->random);
    tensor_write(c, t);
    return t;
}

struct tensor *tensor_output(struct conformance *c, enum element element,
                             size_t count) {
    struct tensor *t = tensor_guarded(c, element, count);
    for (size_t i = 0; i < count; i++)
        t->host[i] = element == ELEMENT_I32 ? NEVER_WRITTEN : (double)NAN;
    tensor_write(c, t);
    return t;
}

void tensor_set(struct conformance *c, struct tensor *t, size_t index, double value) {
    t->host[index] = value;
    tensor_write(c, t);
}

static void check_guards(struct conformance *c, const char *what,
                         const struct tensor *t) {
    unsigned char guard[2][GUARD];
    struct error error;
    size_t bytes = t->count * element_size(c, t->element);
    if (c->backend->download(c->backend, guard[0], t->memory, GUARD, &error) != 0 ||
        c->backend->download(c->backend, guard[1], t->memory + GUARD + bytes, GUARD,
                             &error) != 0)
        give_up(c->name, error.text);
    for (size_t side = 0; side < 2; side++)
        for (size_t i = 0; i < GUARD; i++)
            if (guard[side][i] != GUARD_BYTE) {
                char text[96];
                snprintf(text, sizeof text, "wrote %s its memory, at byte %zu",
                         side ? "behind" : "before", i);
                fail(c, what, text);
                return;
            }
}

void check(struct conformance *c, const char *what, struct tensor *out,
           const double *wanted, const double *tolerance) {
    double *got = calloc(out->count + 1, sizeof *got);
    if (!got)
        give_up(c->name, "out of memory");
    tensor_read(c, out, got);
    for (size_t i = 0; i < out->count; i++) {
        c->checks++;
        bool right = isnan(wanted[i]) ? isnan(got[i])
                                      : got[i] == wanted[i] ||
                                            fabs(got[i] - wanted[i]) <= tolerance[i];
        if (!right) {
            char text[160];
            snprintf(text, sizeof text,
                     "element %zu of %zu is %.9g, wanted %.9g within %.3g", i,
                     out->count, got[i], wanted[i], tolerance[i]);
            fail(c, what, text);
            break;
        }
    }
    free(got);
    check_guards(c, what, out);
}

void check_unchanged(struct conformance *c, const char *what, struct tensor *t) {
    check(c, what, t, t->host, numbers(c, t->count));
}

void check_true(struct conformance *c, const char *what, bool holds) {
    c->checks++;
    if (!holds)
        fail(c, what, "does not hold");
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

double activation_of(enum activation kind, double x, double *error) {
    double z, y = x;
    *error = 0;
    switch (kind) {
    case ACTIVATION_GELU: /* the exponent x^2 / 2 is rounded before exp */
        y = x * 0.5 * erfc(-x / sqrt(2));
        *error = FUNCTION * (1 + x * x / 2) * fabs(y);
        break;
    case ACTIVATION_GELU_TANH:
        z = 2 * sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
        y = x * sigmoid(z);
        *error = FUNCTION * (1 + fabs(z)) * fabs(y);
        break;
    case ACTIVATION_QUICK_GELU:
        z = 1.702 * x;
        y = x * sigmoid(z);
        *error = FUNCTION * (1 + fabs(z)) * fabs(y);
        break;
    case ACTIVATION_RELU:
        y = x < 0 ? 0 : x;
        break;
    case ACTIVATION_NONE:
        break;
    }
    if (kind != ACTIVATION_NONE)
        *error += 1e-36; /* f32's smallest numbers may be taken for 0 */
    return y;
}

double activation_slope(enum activation kind, double x, double *error) {
    double z, s, slope = 1;
    *error = 0;
    switch (kind) {
    case ACTIVATION_GELU: {
        double gauss = exp(-x * x / 2) / sqrt(2 * M_PI);
        s = 0.5 * erfc(-x / sqrt(2));
        slope = s + x * gauss;
        *error = FUNCTION * (1 + x * x / 2) * (s + fabs(x) * gauss);
        break;
    }
    case ACTIVATION_GELU_TANH: { /* 1 - s cancels: its error is that of 1 */
        double rate = 2 * sqrt(2 / M_PI);
        z = rate * (x + 0.044715 * x * x * x);
        s = sigmoid(z);
        double dz = rate * (1 + 3 * 0.044715 * x * x);
        slope = s + x * s * (1 - s) * dz;
        *error = FUNCTION * (s * (1 + fabs(z)) + SINGLE / FUNCTION * fabs(x * s * dz) +
                             fabs(x * s * (1 - s) * dz) * (1 + fabs(z)));
        break;
    }
    case ACTIVATION_QUICK_GELU:
        z = 1.702 * x;
        s = sigmoid(z);
        slope = s + z * s * (1 - s);
        *error = FUNCTION * (s * (1 + fabs(z)) + SINGLE / FUNCTION * fabs(z * s) +
                             fabs(z * s * (1 - s)) * (1 + fabs(z)));
        break;
    case ACTIVATION_RELU:
        slope = isnan(x) ? x : x > 0;
        break;
    case ACTIVATION_NONE:
        break;
    }
    if (kind != ACTIVATION_NONE)
        *error += 1e-36;
    return slope;
}

size_t conformance_run(struct backend *backend, const char *name, FILE *log,
                       size_t *checks) {
    struct conformance c = {.backend = backend, .log = log};
    c.store = backend->precision == PRECISION_BF16 ? 0x1p-8 : 0x1p-24;
    c.product = backend->precision == PRECISION_BF16 ? 2 * SINGLE : SINGLE;
    bool found = false;
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        for (const struct conformance_case *k = groups[g]; k->name; k++) {
            if (name && strcmp(name, k->name) != 0)
                continue;
            found = true;
            c.name = k->name;
            random_seed(&c.random, 2406, g);
            k->run(&c);
            while (c.tensors) {
                struct tensor *t = c.tensors;
                c.tensors = t->next;
                backend->release(backend, t->memory);
                free(t->host);
                free(t);
            }
        }
    if (!found)
        give_up(name ? name : "all", "no such case");
    if (checks)
        *checks = c.checks;
    return c.failures;
}
