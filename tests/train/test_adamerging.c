/* AdaMerging: losses and gradients of the coefficients against PyTorch autograd, runs
 * that go on to the same bits, and what is kept of one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "moe/routers.h"
#include "support/golden.h"
#include "train/adamerging.h"

enum { TASKS = 3, EXAMPLES = 3 };

struct fixture {
    struct backend *backend;
    struct pool *pool;
    struct dataset *data[TASKS];
    struct adamerging *adamerging;
};

static void begin(struct fixture *f, enum granularity upscale, uint64_t steps) {
    struct error error;
    const struct adamerging_options options = {.upscale = upscale,
                                               .lambda = 0.3,
                                               .learning_rate = 0.05,
                                               .steps = steps,
                                               .batch = EXAMPLES,
                                               .seed = 7};
    if (adamerging_new(f->pool, (const struct dataset *const *)f->data, &options,
                       &f->adamerging, &error))
        fail_msg("%s", error.text);
}

static void open_fixture(struct fixture *f, const char *kind) {
    *f = (struct fixture){0};
    golden_pool(kind, 2, &f->backend, &f->pool);
    for (size_t t = 0; t < TASKS; t++)
        f->data[t] = golden_task_examples(kind, f->pool, t, EXAMPLES);
}

static void close_fixture(struct fixture *f) {
    for (size_t t = 0; t < TASKS; t++)
        dataset_close(f->data[t]);
    pool_close(f->pool);
    backend_close(f->backend);
}

/* --- against autograd ------------------------------------------------------------- */

/* The row of a tensor in golden files, whose names are sorted. */
static size_t golden_row(const struct safetensors *golden, const char *kind,
                         const char *name) {
    const char *at = safetensors_metadata(golden, kind);
    size_t length = strlen(name);
    for (size_t row = 0; at; row++) {
        if (strncmp(at, name, length) == 0 && (at[length] == '\n' || !at[length]))
            return row;
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    fail_msg("no golden tensor %s", name);
    return 0;
}

static double *values_of(const struct safetensors *golden, const char *kind,
                         const char *what, const char *which) {
    char name[64];
    snprintf(name, sizeof name, "%s.%s.%s", kind, what, which);
    return golden_values(golden, name);
}

static void check_tensors(struct fixture *f, const struct safetensors *golden,
                          const char *kind) {
    const struct layout *l = f->pool->layout;
    double losses[TASKS], *loss = values_of(golden, kind, "tensor", "losses");
    double *wanted = values_of(golden, kind, "tensor", "gradient");
    struct error error;
    begin(f, UPSCALE_TENSOR, 5);
    size_t count = adamerging_count(f->adamerging);
    assert_int_equal(count, l->parameter_count * TASKS);
    float *gradient = malloc(count * sizeof *gradient);
    double *expected = malloc(count * sizeof *expected);
    assert_true(gradient && expected);
    for (size_t i = 0; i < l->parameter_count; i++) {
        size_t row = golden_row(golden, kind, l->parameters[i].name);
        for (size_t t = 0; t < TASKS; t++) {
            adamerging_coefficients(f->adamerging)[i * TASKS + t] =
                (float)(0.4 + 0.7 * cos((double)row + 2 * (double)t));
            expected[i * TASKS + t] = wanted[row * TASKS + t];
        }
    }
    assert_int_equal(adamerging_gradient(f->adamerging,
                                         (const struct dataset *const *)f->data,
                                         EXAMPLES, losses, gradient, &error),
                     0);
    for (size_t t = 0; t < TASKS; t++)
        assert_true(fabs(losses[t] - loss[t]) < 1e-5);
    /* f32 through two blocks forward and backward, as the routers' gradients. */
    golden_close(kind, gradient, expected, count, 1e-4);
    /* Clamped ones have none at all. */
    size_t clamped = 0;
    for (size_t i = 0; i < count; i++)
        if (expected[i] == 0) {
            clamped++;
            assert_true(gradient[i] == 0);
        }
    assert_true(clamped > 0 && clamped < count);
    adamerging_free(f->adamerging);
    free(gradient);
    free(expected);
    free(wanted);
    free(loss);
}

static void check_whole(struct fixture *f, const struct safetensors *golden,
                        const char *kind) {
    double losses[TASKS], *loss = values_of(golden, kind, "whole", "losses");
    double *wanted = values_of(golden, kind, "whole", "gradient");
    float gradient[TASKS];
    struct error error;
    begin(f, UPSCALE_WHOLE, 5);
    assert_int_equal(adamerging_count(f->adamerging), TASKS);
    memcpy(adamerging_coefficients(f->adamerging), (const float[]){0.3F, 0.6F, 1.2F},
           sizeof gradient);
    assert_int_equal(adamerging_gradient(f->adamerging,
                                         (const struct dataset *const *)f->data,
                                         EXAMPLES, losses, gradient, &error),
                     0);
    for (size_t t = 0; t < TASKS; t++)
        assert_true(fabs(losses[t] - loss[t]) < 1e-5);
    golden_close(kind, gradient, wanted, TASKS, 1e-4);
    adamerging_free(f->adamerging);
    free(wanted);
    free(loss);
}

static void check_kind(const char *kind) {
    struct fixture f;
    struct safetensors *golden = golden_open("adamerging.safetensors");
    open_fixture(&f, kind);
    check_tensors(&f, golden, kind);
    check_whole(&f, golden, kind);
    close_fixture(&f);
    safetensors_close(golden);
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

/* --- runs ------------------------------------------------------------------------- */

static void run(struct trainer trainer, unsigned until) {
    double losses[TASKS];
    struct error error;
    while (trainer.kind->step_count(trainer.self) < until)
        assert_int_equal(trainer.kind->step(trainer.self, losses, &error), 0);
}

/* Saved after two steps and gone on with, it ends as one that was not; entropy has
 * fallen, and what is kept is clamped and the same at every preference. */
static void test_resume(void **state) {
    (void)state;
    struct fixture f;
    struct error error;
    void *bytes[2], *saved;
    size_t sizes[2], size;
    open_fixture(&f, "vit");
    begin(&f, UPSCALE_TENSOR, 30);
    struct trainer trainer = adamerging_trainer(f.adamerging);
    double before[TASKS], after[TASKS];
    float *gradient = malloc(adamerging_count(f.adamerging) * sizeof *gradient);
    assert_non_null(gradient);
    const struct dataset *const *data = (const struct dataset *const *)f.data;
    assert_int_equal(
        adamerging_gradient(f.adamerging, data, EXAMPLES, before, gradient, &error), 0);
    run(trainer, 2);
    assert_int_equal(trainer.kind->save(trainer.self, &saved, &size, &error), 0);
    run(trainer, 30);
    assert_int_equal(
        adamerging_gradient(f.adamerging, data, EXAMPLES, after, gradient, &error), 0);
    assert_true(after[0] + after[1] + after[2] < before[0] + before[1] + before[2]);
    assert_int_equal(trainer.kind->result(trainer.self, &bytes[0], &sizes[0], &error),
                     0);
    trainer.kind->free(trainer.self);
    begin(&f, UPSCALE_TENSOR, 30);
    trainer = adamerging_trainer(f.adamerging);
    assert_int_equal(trainer.kind->resume(trainer.self, saved, size - 1, &error), -1);
    assert_int_equal(trainer.kind->resume(trainer.self, saved, size, &error), 0);
    run(trainer, 30);
    assert_int_equal(trainer.kind->result(trainer.self, &bytes[1], &sizes[1], &error),
                     0);
    trainer.kind->free(trainer.self);
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    struct routers *routers;
    assert_int_equal(routers_from_memory(bytes[0], sizes[0], "it", &routers, &error),
                     0);
    size_t cells = routers->modules * TASKS;
    float *one = malloc((cells + TASKS) * sizeof *one);
    float *other = malloc((cells + TASKS) * sizeof *other);
    assert_true(one && other);
    routers_forward(routers, (const double[]){1, 0, 0}, one);
    routers_forward(routers, (const double[]){0.2, 0.2, 0.6}, other);
    assert_memory_equal(one, other, cells * sizeof *one);
    bool moved = false;
    for (size_t i = 0; i < cells; i++) {
        assert_true(one[i] >= 0 && one[i] <= 1);
        moved = moved || fabsf(one[i] - 0.3F) > 0.1F;
    }
    assert_true(moved);
    free(one);
    free(other);
    routers_free(routers);
    free(gradient);
    free(saved);
    free(bytes[0]);
    free(bytes[1]);
    close_fixture(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_vit),
        cmocka_unit_test(test_gpt2),
        cmocka_unit_test(test_resume),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
