/* Heads fitted to a merged body: against numpy's least squares over transformers'
 * features, and where there is nothing to fit. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "merge/head_fit.h"
#include "moe/unloader.h"
#include "support/golden.h"

enum { TASKS = 3 };

struct fixture {
    struct backend *backend;
    struct pool *pool;
    struct dataset *data[TASKS];
    real *weights;
};

static void open_fixture(struct fixture *f, const char *kind) {
    static const size_t counts[TASKS] = {14, 3, 4};
    struct error error;
    golden_pool(kind, 2, &f->backend, &f->pool);
    for (size_t t = 0; t < TASKS; t++)
        f->data[t] = golden_task_examples(kind, f->pool, t, counts[t]);
    assert_int_equal(f->backend->allocate(f->backend,
                                          f->pool->layout->size * sizeof(float),
                                          (void **)&f->weights, &error),
                     0);
}

static void close_fixture(struct fixture *f) {
    f->backend->release(f->backend, f->weights);
    for (size_t t = 0; t < TASKS; t++)
        dataset_close(f->data[t]);
    pool_close(f->pool);
    backend_close(f->backend);
}

/* theta_0 + sum of weights times task vectors into f->weights. */
static void merge(struct fixture *f, const float *weights) {
    struct upscaling *upscaling;
    struct unloader *unloader;
    struct error error;
    assert_int_equal(upscaling_new(f->pool->layout, UPSCALE_NONE, &upscaling, &error) ||
                         unloader_new(f->pool, upscaling, &unloader, &error),
                     0);
    unloader_merge(unloader, weights, f->weights);
    assert_int_equal(f->backend->synchronise(f->backend, &error), 0);
    unloader_free(unloader);
    upscaling_free(upscaling);
}

static void fit(struct fixture *f, const double *shared, struct head heads[TASKS]) {
    struct head_fit *fitting;
    struct error error;
    if (head_fit_new(f->pool, (const struct dataset *const *)f->data, NULL, &fitting,
                     &error) ||
        head_fit_run(fitting, f->weights, shared, NULL, heads, &error))
        fail_msg("%s", error.text);
    head_fit_free(fitting);
}

/* shared: NULL, or the preference of one map for all. */
static void check_heads(const char *kind, const double *shared) {
    const char *of = shared ? "shared." : "";
    struct fixture f;
    struct head heads[TASKS];
    open_fixture(&f, kind);
    merge(&f, (const float[]){1 / 3.0F, 1 / 3.0F, 1 / 3.0F});
    fit(&f, shared, heads);
    struct safetensors *golden = golden_open("head_fit.safetensors");
    for (size_t t = 0; t < TASKS; t++) {
        char name[64];
        snprintf(name, sizeof name, "%s.%s%zu.weight", kind, of, t);
        double *expected = golden_values(golden, name);
        /* Features have gone through two blocks in f32. */
        golden_close(name, heads[t].weight, expected,
                     heads[t].classes * heads[t].features, 1e-5);
        free(expected);
        snprintf(name, sizeof name, "%s.%s%zu.bias", kind, of, t);
        assert_true(!heads[t].bias == !safetensors_find(golden, name));
        if (heads[t].bias) {
            expected = golden_values(golden, name);
            golden_close(name, heads[t].bias, expected, heads[t].classes, 1e-5);
            free(expected);
        }
        head_clear(&heads[t]);
    }
    safetensors_close(golden);
    close_fixture(&f);
}

static void check_kind(const char *kind) {
    check_heads(kind, NULL);
    check_heads(kind, (const double[]){0.5, 0.375, 0.125});
}

static void test_clip(void **state) {
    (void)state;
    check_kind("clip");
}

static void test_vit(void **state) {
    (void)state;
    check_kind("vit");
}

static void test_gpt2(void **state) {
    (void)state;
    check_kind("gpt2");
}

/* An expert's body has the expert's own head, to the bit. */
static void test_expert(void **state) {
    (void)state;
    struct fixture f;
    struct head heads[TASKS];
    open_fixture(&f, "vit");
    merge(&f, (const float[]){0, 1, 0});
    fit(&f, NULL, heads);
    const struct head *own = &f.pool->heads[1];
    assert_memory_equal(heads[1].weight, own->weight,
                        own->classes * own->features * sizeof *own->weight);
    assert_memory_equal(heads[1].bias, own->bias, own->classes * sizeof *own->bias);
    for (size_t t = 0; t < TASKS; t++)
        head_clear(&heads[t]);
    close_fixture(&f);
}

/* One map for all, the whole weight on one task: that task's head is the one fitted to
 * it alone. */
static void test_vertex(void **state) {
    (void)state;
    struct fixture f;
    struct head alone[TASKS], shared[TASKS];
    open_fixture(&f, "vit");
    merge(&f, (const float[]){0.5F, 0.25F, 0.25F});
    fit(&f, NULL, alone);
    fit(&f, (const double[]){0, 0, 1}, shared);
    size_t count = alone[2].classes * alone[2].features;
    double differ = 0;
    for (size_t i = 0; i < count; i++) {
        differ = fmax(differ,
                      fabs((double)(alone[2].weight[i] - f.pool->heads[2].weight[i])));
        assert_true(fabs((double)(alone[2].weight[i] - shared[2].weight[i])) < 1e-6);
    }
    for (size_t i = 0; i < alone[2].classes; i++)
        assert_true(fabs((double)(alone[2].bias[i] - shared[2].bias[i])) < 1e-6);
    assert_true(differ > 1e-4);
    for (size_t t = 0; t < TASKS; t++) {
        head_clear(&alone[t]);
        head_clear(&shared[t]);
    }
    close_fixture(&f);
}

/* Where the merged features are one and the same for all examples only the bias can
 * follow, by the mean of what is lacking. */
static void test_nothing_to_go_by(void **state) {
    (void)state;
    enum { N = 5, D = 4 };
    float weight[2 * D], merged[N * D], expert[N * D];
    double lacking[2] = {0};
    struct head head = {.classes = 2, .features = D, .weight = weight}, fitted;
    struct error error;
    struct random random;
    random_seed(&random, 3, 1);
    for (size_t i = 0; i < 2 * D; i++)
        weight[i] = (float)random_normal(&random);
    for (size_t i = 0; i < N * D; i++) {
        merged[i] = 1;
        expert[i] = (float)random_normal(&random);
        for (size_t c = 0; c < 2; c++)
            lacking[c] += (double)weight[c * D + i % D] * ((double)expert[i] - 1) / N;
    }
    assert_int_equal(head_fit_solve(&head, merged, expert, N, true, 1, &fitted, &error),
                     0);
    assert_memory_equal(fitted.weight, weight, sizeof weight);
    for (size_t c = 0; c < 2; c++)
        assert_true(fabs((double)fitted.bias[c] - lacking[c]) < 1e-6);
    head_clear(&fitted);
    merged[3] = NAN;
    assert_int_equal(head_fit_solve(&head, merged, expert, N, true, 1, &fitted, &error),
                     -1);
    assert_string_equal(error.text, "the merged model's features are not finite");
}

static void test_stop(void **state) {
    (void)state;
    struct fixture f;
    struct head_fit *fitting;
    struct head heads[TASKS];
    struct error error;
    atomic_bool stop = true;
    const struct work stopped = {.stop = &stop};
    const struct dataset *const *data = (const struct dataset *const *)f.data;
    open_fixture(&f, "vit");
    merge(&f, (const float[]){0, 1, 0});
    assert_int_equal(head_fit_new(f.pool, data, &stopped, &fitting, &error), -1);
    assert_string_equal(error.text, "stopped");
    assert_int_equal(head_fit_new(f.pool, data, NULL, &fitting, &error), 0);
    assert_int_equal(head_fit_run(fitting, f.weights, NULL, &stopped, heads, &error),
                     -1);
    assert_string_equal(error.text, "stopped");
    for (size_t t = 0; t < TASKS; t++)
        assert_null(heads[t].weight);
    head_fit_free(fitting);
    close_fixture(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_vit),
        cmocka_unit_test(test_gpt2),
        cmocka_unit_test(test_expert),
        cmocka_unit_test(test_vertex),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_nothing_to_go_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
