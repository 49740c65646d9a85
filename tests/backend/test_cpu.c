/* The CPU backend, each of its instruction sets, against the conformance suite;
 * the suite against planted faults; and what only the CPU promises. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/cpu.h"
#include "conformance.h"

static struct backend *open_cpu(unsigned threads, const struct kernels *kernels) {
    struct backend *b;
    struct error error;
    if (backend_open("cpu", PRECISION_F32, threads, &b, NULL, &error) != 0)
        fail_msg("%s", error.text);
    if (kernels)
        cpu_of(b)->kernels = kernels;
    return b;
}

static void conforms(const struct kernels *kernels) {
    if (!kernels->usable()) {
        print_message("skipped: this processor has no %s\n", kernels->instruction_set);
        skip();
    }
    static const unsigned threads[] = {1, 2, 5};
    for (size_t i = 0; i < 3; i++) {
        struct backend *b = open_cpu(threads[i], kernels);
        size_t checks;
        size_t failures = conformance_run(b, NULL, stderr, &checks);
        backend_close(b);
        assert_true(checks > 100000);
        assert_int_equal(failures, 0);
    }
}

static void test_baseline(void **state) {
    (void)state;
    conforms(&kernels_baseline);
}

#ifdef __x86_64__
static void test_v3(void **state) {
    (void)state;
    conforms(&kernels_x86_64_v3);
}

static void test_v4(void **state) {
    (void)state;
    conforms(&kernels_x86_64_v4);
}
#endif

static void test_faults_are_found(void **state) {
    (void)state;
    struct backend *b = open_cpu(2, NULL);
    for (size_t i = 0; i < conformance_fault_count; i++)
        if (!conformance_fault_found(b, &conformance_faults[i]))
            fail_msg("the suite does not notice a fault in %s",
                     conformance_faults[i].name);
    backend_close(b);
}

/* One set's activations over a dense range, as relative errors against f64. */
static double worst(const struct kernels *kernels, enum activation kind) {
    enum { COUNT = 200000 };
    float *x = malloc(COUNT * sizeof *x), *y = malloc(COUNT * sizeof *y);
    assert_true(x && y);
    double greatest = 0;
    for (int i = 0; i < COUNT; i++)
        x[i] = -8 + 16.0f * (float)i / COUNT;
    kernels->activation(y, x, COUNT, kind);
    for (int i = 0; i < COUNT; i++) {
        double error, v = x[i], scale = 1;
        double wanted = activation_of(kind, v, &error);
        if (kind == ACTIVATION_GELU)
            scale = 1 + v * v / 2;
        else if (kind == ACTIVATION_GELU_TANH)
            scale = 1 + 1.6 * fabs(v + 0.044715 * v * v * v);
        else
            scale = 1 + 1.702 * fabs(v);
        if (wanted != 0)
            greatest = fmax(greatest, fabs((double)y[i] / wanted - 1) / scale);
    }
    free(x);
    free(y);
    return greatest;
}

/* The figures that simd/vector.h claims; the factor is the rounding of the
 * exponent, which no f32 arithmetic avoids. */
static void test_accuracy(void **state) {
    (void)state;
    const struct kernels *sets[] = {&kernels_baseline, kernels_best()};
    for (size_t i = 0; i < 2; i++) {
        assert_true(worst(sets[i], ACTIVATION_GELU) < 4e-7);
        assert_true(worst(sets[i], ACTIVATION_GELU_TANH) < 3e-7);
        assert_true(worst(sets[i], ACTIVATION_QUICK_GELU) < 3e-7);
    }
}

/* The same inputs give the same bits, whatever ran in between. */
static void test_repeats(void **state) {
    (void)state;
    enum { COUNT = 300007 };
    struct backend *b = open_cpu(2, NULL);
    struct error error;
    void *x, *out;
    float *host = malloc(COUNT * sizeof *host), sums[2];
    assert_non_null(host);
    assert_int_equal(b->allocate(b, COUNT * 4, &x, &error), 0);
    assert_int_equal(b->allocate(b, 4, &out, &error), 0);
    for (int i = 0; i < COUNT; i++)
        host[i] = sinf((float)i);
    b->upload(b, x, host, COUNT * 4);
    for (int i = 0; i < 20; i++) {
        b->gram(b, out, x, COUNT, 1, COUNT);
        assert_int_equal(b->download(b, &sums[i > 0], out, 4, &error), 0);
        assert_memory_equal(&sums[0], &sums[i > 0], 4);
    }
    b->release(b, x);
    b->release(b, out);
    free(host);
    backend_close(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_baseline),
#ifdef __x86_64__
        cmocka_unit_test(test_v3),
        cmocka_unit_test(test_v4),
#endif
        cmocka_unit_test(test_faults_are_found),
        cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
