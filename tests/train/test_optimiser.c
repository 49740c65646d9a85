/* Adam, AdamW and the cosine against torch.optim over a hundred steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "train/optimiser.h"

enum { COUNT = 7, COPIES = 11, ALL = COUNT * COPIES, EVERY = 20, STEPS_MAX = 100 };

struct run { /* one case of the file */
    struct adam adam;
    double rate, last;
    unsigned steps;
    float start[COUNT], scale[COUNT];
    double rates[STEPS_MAX];
    float rows[STEPS_MAX / EVERY][COUNT];
};

static void read_floats(FILE *file, float *out, size_t count) {
    for (size_t i = 0; i < count; i++)
        assert_int_equal(fscanf(file, "%f", &out[i]), 1);
}

/* false at the end. */
static bool read_run(FILE *file, struct run *run) {
    unsigned count;
    memset(run, 0, sizeof *run);
    struct adam *a = &run->adam;
    int found = fscanf(file, " case %f %f %f %f %lf %lf %u %u", &a->beta1, &a->beta2,
                       &a->epsilon, &a->weight_decay, &run->rate, &run->last,
                       &run->steps, &count);
    if (found == EOF)
        return false;
    assert_true(found == 8 && count == COUNT && run->steps == STEPS_MAX);
    read_floats(file, run->start, COUNT);
    read_floats(file, run->scale, COUNT);
    for (size_t s = 0; s < STEPS_MAX; s++)
        assert_int_equal(fscanf(file, "%lf", &run->rates[s]), 1);
    for (size_t i = 0; i < STEPS_MAX / EVERY; i++)
        read_floats(file, run->rows[i], COUNT);
    return true;
}

/* How far two roundings of the same steps may be apart. A step moves a parameter by at
 * most 4 rates: |m| / sqrt(v) is at most (1 - beta1) / sqrt(1 - beta2) for a first
 * gradient after nothing, and about 1 for gradients of one size. Its
 * relative error is that of m, a sum with weights (1 - beta1) beta1^k of numbers each
 * rounded a few times (at most 40 units for beta1 0.9), and half of that of v, whose
 * rounding adds up over the steps (1.5 units each). To that comes the rounding of the
 * parameter itself, three units a step. Twice all, for two programs. */
static double tolerance(const struct run *run, unsigned steps, double largest) {
    double unit = 0x1p-24, sum = 0;
    for (unsigned s = 0; s < steps; s++)
        sum += 4 * run->rates[s] * (40 + 0.75 * s) * unit + 3 * largest * unit;
    return 2 * sum;
}

struct state {
    float parameters[ALL], gradient[ALL], first[ALL], second[ALL];
};

static void follow(const struct run *run, struct backend *backend) {
    struct state *s = calloc(1, sizeof *s);
    void *device[4] = {NULL};
    struct error error;
    float *host[4] = {s->parameters, s->gradient, s->first, s->second};
    for (size_t i = 0; i < ALL; i++)
        s->parameters[i] = run->start[i % COUNT];
    for (size_t k = 0; backend && k < 4; k++) {
        if (backend->allocate(backend, sizeof s->parameters, &device[k], &error))
            fail_msg("%s", error.text);
        backend->upload(backend, device[k], host[k], sizeof s->parameters);
    }
    double largest = 2.5; /* of |parameters|, with what they move */
    for (unsigned step = 0; step < run->steps; step++) {
        struct adam adam = run->adam;
        adam.learning_rate =
            (float)optimiser_cosine(run->rate, run->last, 0, step, run->steps);
        adam.step = step + 1;
        for (size_t i = 0; i < ALL; i++) {
            int walk = (int)((37 * step + 101 * (i % COUNT)) % 64) - 28;
            s->gradient[i] = run->scale[i % COUNT] * (float)walk / 32;
        }
        if (backend) {
            backend->upload(backend, device[1], s->gradient, sizeof s->gradient);
            backend->adam(backend, device[0], NULL, device[1], device[2], device[3],
                          ALL, &adam);
        } else {
            optimiser_adam(s->parameters, s->gradient, s->first, s->second, ALL, &adam);
        }
        if ((step + 1) % EVERY)
            continue;
        if (backend && backend->download(backend, s->parameters, device[0],
                                         sizeof s->parameters, &error))
            fail_msg("%s", error.text);
        double near = tolerance(run, step + 1, largest);
        for (size_t i = 0; i < ALL; i++) {
            float want = run->rows[step / EVERY][i % COUNT];
            if (!(fabsf(s->parameters[i]) <= (float)largest) ||
                !(fabs((double)s->parameters[i] - (double)want) <= near))
                fail_msg("step %u, parameter %zu: %.9g, not %.9g (%.2g)", step + 1, i,
                         (double)s->parameters[i], (double)want, near);
        }
    }
    for (size_t k = 0; backend && k < 4; k++)
        backend->release(backend, device[k]);
    free(s);
}

static FILE *golden(void) {
    char path[4096];
    const char *top = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/golden/optimiser.txt", top ? top : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    return file;
}

static void follow_all(struct backend *backend) {
    FILE *file = golden();
    struct run run;
    size_t runs = 0;
    while (read_run(file, &run)) {
        follow(&run, backend);
        runs++;
    }
    fclose(file);
    assert_int_equal(runs, 3);
}

static void on_the_host(void **state) {
    (void)state;
    follow_all(NULL);
}

static void on_the_cpu_backend(void **state) {
    (void)state;
    struct backend *backend;
    struct error error;
    if (backend_open("cpu", PRECISION_F32, 2, &backend, NULL, &error))
        fail_msg("%s", error.text);
    follow_all(backend);
    backend_close(backend);
}

/* torch multiplies each rate by a ratio of the cosine's values, whose errors of a few
 * 2^-53 add up over the steps and grow by 1 / (1 + cos) where that is small: below
 * 1e-12 of the first rate for 100 steps. */
static void the_cosine(void **state) {
    (void)state;
    FILE *file = golden();
    struct run run;
    while (read_run(file, &run))
        for (unsigned s = 0; s < run.steps; s++) {
            double rate = optimiser_cosine(run.rate, run.last, 0, s, run.steps);
            if (!(fabs(rate - run.rates[s]) <= 1e-12 * run.rate))
                fail_msg("step %u: %.17g, not %.17g", s, rate, run.rates[s]);
        }
    fclose(file);
    /* With a linear rise before it: the same cosine over the steps that are left. */
    assert_true(optimiser_cosine(1, 0.1, 4, 0, 20) == 0.25);
    assert_true(optimiser_cosine(1, 0.1, 4, 3, 20) == 1);
    assert_true(optimiser_cosine(1, 0.1, 4, 4, 20) == 1);
    assert_true(fabs(optimiser_cosine(1, 0.1, 4, 12, 20) - 0.55) < 1e-15);
    assert_true(fabs(optimiser_cosine(1, 0.1, 4, 20, 20) - 0.1) < 1e-15);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_the_host),
        cmocka_unit_test(on_the_cpu_backend),
        cmocka_unit_test(the_cosine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
