/* Models merged of LoRA adapters that are kept as factors against those of dense task
 * vectors: every method, layers made for another process, corrections. With EMULATED on
 * the emulated CUDA device. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#ifdef EMULATED
#include "gpu/module.h"
#endif
#include "merge/closed_base.h"
#include "merge/layers_share.h"
#include "merge/method.h"
#include "moe/unloader.h"
#include "support/adapters.h"
#include "support/golden.h"

enum { TASKS = ADAPTERS, EXAMPLES = 3 };

#ifdef EMULATED
static const char device[] = "cuda";
#else
static const char device[] = "cpu";
#endif

struct fixture {
    struct backend *backend;
    struct pool *dense, *factors;
    struct dataset *data[TASKS];
    size_t size;
    float *base; /* [size] */
};

static void open_fixture(struct fixture *f, const char *kind) {
    char path[TASKS][1024], note[256];
    struct error error;
    adapters_make(path, kind);
    if (backend_open(device, PRECISION_F32, 2, &f->backend, note, &error))
        fail_msg("%s", error.text);
    adapters_pools(kind, (const char(*)[1024])path, f->backend, &f->dense, &f->factors);
    for (size_t t = 0; t < TASKS; t++)
        f->data[t] = golden_task_examples(kind, f->dense, t, EXAMPLES);
    f->size = f->dense->layout->size;
    f->base = array_new(f->size, sizeof *f->base);
    assert_int_equal(
        f->backend->download_real(f->backend, f->base, f->dense->base, f->size, &error),
        0);
}

static void close_fixture(struct fixture *f) {
    for (size_t t = 0; t < TASKS; t++)
        dataset_close(f->data[t]);
    pool_close(f->dense);
    pool_close(f->factors);
    backend_close(f->backend);
    free(f->base);
}

/* Rounding of dense task vectors is 2^-24 of weights some ten times their size, and
 * what is solved makes it some ten times more; another task's vector is off by all of
 * it. */
static void compare(const struct fixture *f, const char *what, float *dense,
                    float *factors) {
    double most = 0, off = 0;
    size_t changed = 0;
    for (size_t i = 0; i < f->size; i++) {
        double change = fabs((double)dense[i] - (double)f->base[i]);
        most = fmax(most, change);
        off = fmax(off, fabs((double)dense[i] - (double)factors[i]));
        changed += change > 1e-3;
    }
    if (!(off <= 2e-4 * most) || changed < 100)
        fail_msg("%s: off by %g, the greatest change is %g; %zu changed", what, off,
                 most, changed);
    free(dense);
    free(factors);
}

/* --- methods ---------------------------------------------------------------------- */

/* theta_0 + sum of weights times the result's vectors, on the host; free(). */
static float *model_of(const struct fixture *f, struct pool *pool,
                       struct merge_result *result) {
    struct backend *b = f->backend;
    struct merge_segment whole = {.count = f->size}, *segment;
    struct upscaling *plain;
    struct unloader *unloader;
    struct error error;
    real *out;
    float *weights, *model = array_new(f->size, sizeof *model);
    size_t bytes = result->count * sizeof *weights;
    assert_int_equal(b->allocate(b, f->size * b->real_size, (void **)&out, &error) ||
                         b->allocate(b, sizeof whole, (void **)&segment, &error) ||
                         b->allocate(b, bytes, (void **)&weights, &error) ||
                         upscaling_new(pool->layout, UPSCALE_NONE, &plain, &error) ||
                         unloader_new(pool, plain, &unloader, &error),
                     0);
    b->upload(b, segment, &whole, sizeof whole);
    b->upload(b, weights, result->weights, bytes);
    if (result->vectors)
        b->merge(b, out, pool->base, result->vectors, result->stride, result->count,
                 segment, 1, weights);
    else
        unloader_merge(unloader, result->weights, out);
    assert_int_equal(b->download_real(b, model, out, f->size, &error), 0);
    b->release(b, out);
    b->release(b, segment);
    b->release(b, weights);
    unloader_free(unloader);
    upscaling_free(plain);
    merge_result_clear(pool, result);
    return model;
}

static const double preference[TASKS] = {0.5, 0.2, 0.3};

struct method_case {
    const char *name, *parameters;
    bool preferred;
};

static float *merged(const struct fixture *f, struct pool *pool,
                     const struct method_case *c, struct merge_kept *kept) {
    struct merge_result result;
    struct error error;
    const struct merge_method *method = merge_method_find(c->name, &error);
    json_t *given = json_loads(c->parameters, 0, NULL);
    json_t *parameters = method ? merge_parameters(method, given, &error) : NULL;
    if (!parameters)
        fail_msg("%s", error.text);
    struct merge_input input = {.method = method,
                                .pool = pool,
                                .parameters = parameters,
                                .preference = c->preferred ? preference : NULL,
                                .train = (const struct dataset *const *)f->data,
                                .kept = kept};
    if (merge_run(&input, &result, &error))
        fail_msg("%s %s: %s", c->name, c->parameters, error.text);
    json_decref(parameters);
    json_decref(given);
    return model_of(f, pool, &result);
}

static void compare_methods(const char *kind, const struct method_case *cases,
                            size_t count) {
    struct fixture f;
    open_fixture(&f, kind);
    for (size_t c = 0; c < count; c++) {
        char what[256];
        snprintf(what, sizeof what, "%s of %s, %s", cases[c].name, kind,
                 cases[c].parameters);
        compare(&f, what, merged(&f, f.dense, &cases[c], NULL),
                merged(&f, f.factors, &cases[c], NULL));
    }
    close_fixture(&f);
}

static const char *const kinds[] = {"vit", "clip", "gpt2"};

/* Without Iso-CTS: it has room for more directions of each task than adapters of a low
 * rank have, where rounding of what is dense becomes as great as all else. */
static void test_methods(void **state) {
    (void)state;
    static const struct method_case cases[] = {
        {"average", "{}", false},
        {"task-arithmetic", "{\"scale\": 0.7}", false},
        {"task-arithmetic", "{\"scale\": [0.2, 0.9, 0.4]}", false},
        {"task-arithmetic", "{\"weight\": [\"b:*.0.*=1.5\", \"c:*=0.25\"]}", false},
        {"ties", "{\"keep\": 0.3}", false},
        {"ties", "{\"trim\": \"tensor\", \"scale\": [0.2, 0.9, 0.4]}", false},
        {"dare", "{\"seed\": 3}", false},
        {"fisher", "{}", false},
        {"regmean", "{}", true},
        {"wudi", "{\"ridge\": 0.1}", true},
        {"tsv-m", "{}", false},
        {"iso-c", "{}", false},
    };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        compare_methods(kinds[k], cases, sizeof cases / sizeof *cases);
}

/* What is kept from one preference to the next: on a device all that a preference
 * needs.
 */
static void test_kept(void **state) {
    (void)state;
    static const struct method_case wudi = {"wudi", "{\"ridge\": 0.1}", true};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct merge_kept kept[2] = {{0}};
        struct fixture f;
        open_fixture(&f, kinds[k]);
        for (size_t i = 0; i < 3; i++)
            compare(&f, kinds[k], merged(&f, f.dense, &wudi, &kept[0]),
                    merged(&f, f.factors, &wudi, &kept[1]));
        merge_kept_clear(&kept[0]);
        merge_kept_clear(&kept[1]);
        close_fixture(&f);
    }
}

/* --- parts of task vectors -------------------------------------------------------- */

/* Every parameter by itself is what it is in the whole, bit by bit, and nearly what is
 * dense. */
static void test_vectors(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct fixture f;
        struct error error;
        open_fixture(&f, kinds[k]);
        const struct layout *l = f.dense->layout;
        float *dense = array_new(f.size, sizeof *dense);
        float *whole = array_new(f.size, sizeof *whole);
        float *part = array_new(f.size, sizeof *part);
        for (size_t t = 0; t < TASKS; t++) {
            assert_int_equal(pool_vector(f.dense, t, 0, f.size, dense, &error), 0);
            assert_int_equal(pool_vector(f.factors, t, 0, f.size, whole, &error), 0);
            double most = 0;
            for (size_t i = 0; i < f.size; i++)
                most = fmax(most, fabs((double)dense[i]));
            for (size_t i = 0; i < f.size; i++)
                if (!(fabs((double)dense[i] - (double)whole[i]) <=
                      0x1p-23 * (fabs((double)f.base[i]) + most)))
                    fail_msg("%s, task %zu, %zu: dense %.9g, factors %.9g", kinds[k], t,
                             i, (double)dense[i], (double)whole[i]);
            for (size_t i = 0; i < l->parameter_count; i++) {
                const struct parameter *p = &l->parameters[i];
                assert_int_equal(
                    pool_vector(f.factors, t, p->offset, p->count, part, &error), 0);
                assert_memory_equal(part, whole + p->offset, p->count * sizeof *part);
            }
        }
        free(dense);
        free(whole);
        free(part);
        close_fixture(&f);
    }
}

/* The layers of a closed form, as another process is asked for them. */
static void test_served(void **state) {
    (void)state;
    static const size_t indices[] = {2, 0};
    struct error error;
    struct fixture f;
    open_fixture(&f, "vit");
    json_t *given = json_pack("{s:f}", "ridge", 0.1);
    const struct merge_method *method = merge_method_find("wudi", &error);
    json_t *parameters = merge_parameters(method, given, &error);
    assert_non_null(parameters);
    void *bytes[2];
    size_t size[2];
    struct pool *pools[] = {f.dense, f.factors};
    for (size_t i = 0; i < 2; i++) {
        struct merge_input input = {.method = method,
                                    .pool = pools[i],
                                    .parameters = parameters,
                                    .preference = preference};
        assert_int_equal(layers_serve(&input, indices, 2, &bytes[i], &size[i], &error),
                         0);
    }
    assert_int_equal(size[0], size[1]);
    const float *a = bytes[0], *b = bytes[1];
    double most = 0, off = 0;
    for (size_t i = 0; i < size[0] / sizeof *a; i++) {
        most = fmax(most, fabs((double)a[i]));
        off = fmax(off, fabs((double)a[i] - (double)b[i]));
    }
    assert_true(most > 1e-3);
    assert_true(off <= 2e-4 * most);
    free(bytes[0]);
    free(bytes[1]);
    json_decref(parameters);
    json_decref(given);
    close_fixture(&f);
}

/* --- corrections ------------------------------------------------------------------ */

/* Vectors and, where beside is not NONE, routers that look like nothing else. */
static struct correction *make_correction(struct pool *pool, enum correction_form form,
                                          enum granularity beside) {
    struct backend *b = pool->backend;
    struct correction *c;
    struct routers *routers;
    struct upscaling *u;
    struct error error;
    struct random random;
    size_t count = correction_count(form, TASKS) * pool->layout->size;
    if (correction_new(pool, form, &c, &error))
        fail_msg("%s", error.text);
    float *vectors = array_new(count, sizeof *vectors);
    for (size_t i = 0; i < count; i++)
        vectors[i] = (float)(0.01 * sin(0.3 * (double)i));
    b->upload_real(b, correction_vector(c), vectors, count);
    assert_int_equal(b->synchronise(b, &error), 0);
    free(vectors);
    if (beside == UPSCALE_NONE)
        return c;
    size_t all = TASKS + correction_count(form, TASKS) + (form == CORRECTION_WUDI);
    random_seed(&random, 1, 0);
    assert_int_equal(upscaling_new(pool->layout, beside, &u, &error), 0);
    assert_int_equal(
        routers_new(beside, 2, u->modules, all, 0, &random, &routers, &error), 0);
    upscaling_free(u);
    for (size_t i = 0; i < routers->count; i++)
        routers->parameters[i] = (float)(0.4 * sin(1.0 + (double)i));
    assert_int_equal(correction_use_routers(c, routers, &error), 0);
    return c;
}

static float *corrected(const struct fixture *f, struct pool *pool,
                        enum correction_form form, enum granularity beside,
                        const double *at) {
    struct backend *b = f->backend;
    struct correction *c = make_correction(pool, form, beside);
    struct closed_base *base = NULL;
    struct error error;
    real *out;
    float *model = array_new(f->size, sizeof *model);
    assert_int_equal(b->allocate(b, f->size * b->real_size, (void **)&out, &error), 0);
    if (form == CORRECTION_WUDI)
        assert_int_equal(closed_base_new(pool, 0.1, NULL, &base, &error), 0);
    assert_int_equal(closed_base_merge(base, c, at, out, &error), 0);
    assert_int_equal(b->download_real(b, model, out, f->size, &error), 0);
    b->release(b, out);
    closed_base_free(base);
    correction_free(c);
    return model;
}

static void test_corrections(void **state) {
    (void)state;
    static const enum correction_form forms[] = {CORRECTION_ONE, CORRECTION_PAIR,
                                                 CORRECTION_LINEAR, CORRECTION_WUDI};
    static const enum granularity besides[] = {UPSCALE_NONE, UPSCALE_ATTN_MLP};
    static const double alone[TASKS] = {0, 1, 0};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
            for (size_t j = 0; j < 2; j++) {
                struct fixture f;
                open_fixture(&f, kinds[k]);
                for (size_t at = 0; at < 2; at++) {
                    const double *where = at ? alone : preference;
                    compare(&f, kinds[k],
                            corrected(&f, f.dense, forms[i], besides[j], where),
                            corrected(&f, f.factors, forms[i], besides[j], where));
                }
                close_fixture(&f);
            }
}

static int set_up(void **state) {
    (void)state;
#ifdef EMULATED
    emulation_open();
#endif
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods),     cmocka_unit_test(test_kept),
        cmocka_unit_test(test_vectors),     cmocka_unit_test(test_served),
        cmocka_unit_test(test_corrections),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
