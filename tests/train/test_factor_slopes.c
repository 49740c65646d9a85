/* Training over LoRA adapters: merged weights and gradients from the adapters' factors
 * against those of dense task vectors, by both ways, for three kinds of model. With
 * EMULATED all of it on the emulated CUDA device, in f32 and bf16. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#ifdef EMULATED
#include "gpu/module.h"
#endif
#include "support/adapters.h"
#include "support/golden.h"
#include "train/adamerging.h"
#include "train/distillation.h"
#include "train/router_training.h"

enum { TASKS = ADAPTERS, EXAMPLES = 3 };

#ifdef EMULATED
static const char device[] = "cuda";
static const enum precision precisions[] = {PRECISION_F32, PRECISION_BF16};
#else
static const char device[] = "cpu";
static const enum precision precisions[] = {PRECISION_F32};
#endif

/* --- the two pools ------------------------------------------------------------------
 */

struct side { /* of one form of the task vectors */
    struct pool *pool;
    struct router_training *training;
};

struct fixture {
    enum precision precision;
    char adapters[TASKS][1024];
    struct backend *backend;
    struct side dense, factors;
    struct dataset *data[TASKS];
};

static void open_pools(struct fixture *f, const char *kind) {
    char note[256];
    struct error error;
    if (backend_open(device, f->precision, 2, &f->backend, note, &error))
        fail_msg("%s", error.text);
    adapters_pools(kind, (const char(*)[1024])f->adapters, f->backend, &f->dense.pool,
                   &f->factors.pool);
}

static void start(struct fixture *f, struct side *side, enum granularity upscale,
                  enum combine method) {
    struct router_training_options options =
        router_training_defaults(side->pool->layout->config.kind);
    const struct dataset *train[TASKS];
    struct error error;
    for (size_t t = 0; t < TASKS; t++)
        train[t] = f->data[t];
    options.method = method;
    options.upscale = upscale;
    options.batch = EXAMPLES;
    if (router_training_new(side->pool, train, &options, &side->training, &error))
        fail_msg("%s", error.text);
    struct routers routers = *router_training_routers(side->training);
    routers.parameters = malloc(routers.count * sizeof *routers.parameters);
    for (size_t i = 0; i < routers.count; i++)
        routers.parameters[i] = (float)(0.4 * sin(1.0 + (double)i));
    assert_int_equal(router_training_set_routers(side->training, &routers, &error), 0);
    free(routers.parameters);
}

static void open_fixture(struct fixture *f, const char *kind, enum granularity upscale,
                         enum combine method, enum precision precision) {
    *f = (struct fixture){.precision = precision};
    adapters_make(f->adapters, kind);
    open_pools(f, kind);
    for (size_t t = 0; t < TASKS; t++)
        f->data[t] = golden_task_examples(kind, f->dense.pool, t, EXAMPLES);
    start(f, &f->dense, upscale, method);
    start(f, &f->factors, upscale, method);
}

static void close_fixture(struct fixture *f) {
    router_training_free(f->dense.training);
    router_training_free(f->factors.training);
    for (size_t t = 0; t < TASKS; t++)
        dataset_close(f->data[t]);
    pool_close(f->dense.pool);
    pool_close(f->factors.pool);
    backend_close(f->backend);
}

/* --- against each other -------------------------------------------------------------
 */

static const double preference[TASKS] = {0.5, 0.2, 0.3};

/* Freed with free(). */
static float *merged(const struct side *side, enum granularity upscale) {
    struct backend *b = side->pool->backend;
    const struct layout *l = side->pool->layout;
    struct upscaling *u;
    struct unloader *unloader;
    struct error error;
    real *out;
    float *weights, *host = malloc(l->size * sizeof *host);
    assert_int_equal(upscaling_new(l, upscale, &u, &error), 0);
    assert_int_equal(unloader_new(side->pool, u, &unloader, &error), 0);
    assert_int_equal(b->allocate(b, l->size * b->real_size, (void **)&out, &error), 0);
    weights = malloc(u->rows * TASKS * sizeof *weights);
    routers_forward(router_training_routers(side->training), preference, weights);
    unloader_merge(unloader, weights, out);
    assert_int_equal(b->download_real(b, host, out, l->size, &error), 0);
    b->release(b, out);
    unloader_free(unloader);
    upscaling_free(u);
    free(weights);
    return host;
}

/* A dense task vector is the difference of two rounded numbers, and is added to a
 * third: each is wrong by at most 2^-24 of its size, for every task. Returns how many
 * numbers are not the pretrained model's. */
static size_t compare_merged(const struct fixture *f, enum granularity upscale) {
    float *a = merged(&f->dense, upscale), *b = merged(&f->factors, upscale);
    size_t changed = 0, size = f->dense.pool->layout->size;
    struct error error;
    double unit = f->precision == PRECISION_F32 ? 0x1p-24 : 0x1p-9;
    float *base = array_new(size, sizeof *base);
    assert_int_equal(
        f->backend->download_real(f->backend, base, f->dense.pool->base, size, &error),
        0);
    for (size_t i = 0; i < size; i++) {
        double most = 8 * unit * (fabs((double)base[i]) + fabs((double)a[i]) + 0.1);
        if (!(fabs((double)a[i] - (double)b[i]) <= most))
            fail_msg("%zu: dense %.9g, factors %.9g", i, (double)a[i], (double)b[i]);
        changed += fabs((double)b[i] - (double)base[i]) > 1e-3;
    }
    free(base);
    free(a);
    free(b);
    return changed;
}

/* Sums of f32 in another order, of task vectors that are wrong by 2^-24 of weights ten
 * times their size; in bf16 of activations that
 * are wrong by 2^-9, and of logits that are many times a cosine. */
static void compare_gradients(const struct fixture *f, size_t groups,
                              enum factor_way way) {
    size_t count = groups * router_training_routers(f->dense.training)->count;
    float *a = malloc(count * sizeof *a), *b = malloc(count * sizeof *b);
    double a_losses[TASKS], b_losses[TASKS], most = 0;
    bool narrow = f->precision == PRECISION_BF16;
    double part = narrow ? 0.05 : 1e-4, loss_part = narrow ? 0.05 : 1e-5;
    const struct dataset *data[TASKS];
    struct error error;
    for (size_t t = 0; t < TASKS; t++)
        data[t] = f->data[t];
    router_training_way(f->factors.training, way);
    if (router_training_gradients(f->dense.training, preference, data, EXAMPLES, groups,
                                  a_losses, a, &error) ||
        router_training_gradients(f->factors.training, preference, data, EXAMPLES,
                                  groups, b_losses, b, &error))
        fail_msg("%s", error.text);
    for (size_t t = 0; t < TASKS; t++)
        if (!(fabs(a_losses[t] - b_losses[t]) <= loss_part * fabs(a_losses[t])))
            fail_msg("losses: dense %g, factors %g", a_losses[t], b_losses[t]);
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs((double)a[i]));
    assert_true(most > 1e-4);
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)a[i] - (double)b[i]) <= part * most))
            fail_msg("way %d, %zu groups, precision %d: %zu of %zu: dense %g, factors "
                     "%g, the greatest %g",
                     way, groups, (int)f->precision, i, count, (double)a[i],
                     (double)b[i], most);
    free(a);
    free(b);
}

static void check_in(const char *kind, enum precision precision) {
    static const enum granularity each[] = {UPSCALE_MLP, UPSCALE_ATTN_MLP, UPSCALE_ALL};
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        struct fixture f;
        bool steered = each[i] != UPSCALE_MLP || strcmp(kind, "vit") != 0;
        open_fixture(&f, kind, each[i], COMBINE_EPO, precision);
        assert_true(compare_merged(&f, each[i]) > 100);
        for (int way = FACTOR_WAY_FEWER; way <= FACTOR_WAY_GRADIENT && steered; way++) {
            compare_gradients(&f, 1, (enum factor_way)way);
            compare_gradients(&f, TASKS, (enum factor_way)way);
        }
        close_fixture(&f);
    }
}

static void check(const char *kind) {
    for (size_t i = 0; i < sizeof precisions / sizeof *precisions; i++)
        check_in(kind, precisions[i]);
}

/* --- what trains on the whole gradient ----------------------------------------------
 */

static void open_without_routers(struct fixture *f, const char *kind) {
    *f = (struct fixture){.precision = PRECISION_F32};
    adapters_make(f->adapters, kind);
    open_pools(f, kind);
    for (size_t t = 0; t < TASKS; t++)
        f->data[t] = golden_task_examples(kind, f->dense.pool, t, EXAMPLES);
}

/* Gradients of f32 as above, and their losses. Both are freed. */
static void compare_both(const char *what, float *dense, float *factors, size_t count,
                         const double *dense_losses, const double *factor_losses) {
    double most = 0;
    for (size_t t = 0; t < TASKS; t++)
        if (!(fabs(dense_losses[t] - factor_losses[t]) <=
              1e-4 * fabs(dense_losses[t]) + 1e-6))
            fail_msg("%s: losses: dense %g, factors %g", what, dense_losses[t],
                     factor_losses[t]);
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs((double)dense[i]));
    assert_true(most > 1e-5);
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)dense[i] - (double)factors[i]) <= 2e-4 * most))
            fail_msg("%s: %zu of %zu: dense %g, factors %g, the greatest %g", what, i,
                     count, (double)dense[i], (double)factors[i], most);
    free(dense);
    free(factors);
}

static float *coefficient_slopes(const struct fixture *f, struct pool *pool,
                                 enum granularity upscale, size_t *count,
                                 double *losses) {
    const struct adamerging_options options = {.upscale = upscale,
                                               .lambda = 0.3,
                                               .learning_rate = 1e-3,
                                               .steps = 1,
                                               .batch = EXAMPLES};
    const struct dataset *const *data = (const struct dataset *const *)f->data;
    struct adamerging *a;
    struct error error;
    if (adamerging_new(pool, data, &options, &a, &error))
        fail_msg("%s", error.text);
    *count = adamerging_count(a);
    float *gradient = array_new(*count, sizeof *gradient);
    assert_int_equal(adamerging_gradient(a, data, EXAMPLES, losses, gradient, &error),
                     0);
    adamerging_free(a);
    return gradient;
}

static void test_coefficients(void **state) {
    (void)state;
    static const enum granularity each[] = {UPSCALE_WHOLE, UPSCALE_TENSOR};
    static const char *const kinds[] = {"vit", "clip", "gpt2"};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < 2; i++) {
            struct fixture f;
            size_t count;
            double a[TASKS], b[TASKS];
            open_without_routers(&f, kinds[k]);
            float *dense = coefficient_slopes(&f, f.dense.pool, each[i], &count, a);
            float *factors = coefficient_slopes(&f, f.factors.pool, each[i], &count, b);
            compare_both(kinds[k], dense, factors, count, a, b);
            close_fixture(&f);
        }
}

/* The gradients of D and of the routers beside it, one after the other. */
static float *correction_slopes(const struct fixture *f, struct pool *pool,
                                enum granularity beside, size_t *count,
                                double *losses) {
    const struct distillation_options options = {.start = DISTILLATION_WUDI,
                                                 .alpha = 1,
                                                 .learning_rate = 1e-3,
                                                 .steps = 1,
                                                 .batch = EXAMPLES,
                                                 .form = CORRECTION_TASK,
                                                 .beside = beside,
                                                 .layers = 2,
                                                 .router_rate = 0.01,
                                                 .seed = 5};
    const struct dataset *const *data = (const struct dataset *const *)f->data;
    struct distillation *d;
    struct error error;
    if (distillation_new(pool, data, &options, &d, NULL, &error))
        fail_msg("%s", error.text);
    struct routers *routers = distillation_routers(d);
    size_t vectors = TASKS * pool->layout->size, more = routers ? routers->count : 0;
    for (size_t i = 0; i < more; i++)
        routers->parameters[i] = (float)(0.3 * sin(1.0 + (double)i));
    float *gradient = array_new(vectors + more, sizeof *gradient);
    assert_int_equal(
        distillation_gradient(d, preference, EXAMPLES, losses, gradient, &error), 0);
    if (routers)
        memcpy(gradient + vectors, distillation_routers_slopes(d),
               more * sizeof *gradient);
    *count = vectors + more;
    distillation_free(d);
    return gradient;
}

static void test_corrections(void **state) {
    (void)state;
    static const enum granularity each[] = {UPSCALE_NONE, UPSCALE_ATTN_MLP,
                                            UPSCALE_TENSOR};
    static const char *const kinds[] = {"vit", "clip", "gpt2"};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < 3; i++) {
            struct fixture f;
            size_t count, vectors;
            double a[TASKS], b[TASKS];
            open_without_routers(&f, kinds[k]);
            float *dense = correction_slopes(&f, f.dense.pool, each[i], &count, a);
            float *factors = correction_slopes(&f, f.factors.pool, each[i], &count, b);
            vectors = TASKS * f.dense.pool->layout->size;
            if (count > vectors) {
                float *x = array_new(count - vectors, sizeof *x);
                float *y = array_new(count - vectors, sizeof *y);
                memcpy(x, dense + vectors, (count - vectors) * sizeof *x);
                memcpy(y, factors + vectors, (count - vectors) * sizeof *y);
                compare_both("routers", x, y, count - vectors, a, b);
            }
            compare_both(kinds[k], dense, factors, vectors, a, b);
            close_fixture(&f);
        }
}

/* Queries and values alone: two of three matrices that are one to the model. */
static void test_vit(void **state) {
    (void)state;
    check("vit");
}

static void test_clip(void **state) {
    (void)state;
    check("clip");
}

/* Matrices that are stored [inputs, outputs]. */
static void test_gpt2(void **state) {
    (void)state;
    check("gpt2");
}

/* An adapter of one matrix of the ViT, of a rank above its width, and a classifier. */
static void write_wide(const char *to) {
    enum { RANK = 128, WIDTH = 32, CLASSES = 6, HEAD = 8 + 1024 };
    static const struct {
        const char *name;
        size_t rows, columns;
    } tensors[] = {
        {"vit.layers.0.attention.q_proj.lora_A.weight", RANK, WIDTH},
        {"vit.layers.0.attention.q_proj.lora_B.weight", WIDTH, RANK},
        {"classifier.weight", CLASSES, WIDTH},
    };
    size_t used = 0, at = 0, size;
    char *bytes = adapters_content("lora/vit/adapter_config.json", &size);
    char *config = text_format("%.*s", (int)size, bytes),
         *r = strstr(config, "\"r\": 2");
    assert_non_null(r);
    char *wide = text_format("%.*s\"r\": %d%s", (int)(r - config), config, RANK, r + 6);
    adapters_put(to, "adapter_config.json", wide, strlen(wide));
    free(wide);
    free(config);
    free(bytes);
    char head[HEAD];
    memset(head, ' ', sizeof head);
    uint64_t length = HEAD - 8;
    memcpy(head, &length, sizeof length);
    used = 8;
    head[used++] = '{';
    for (size_t i = 0; i < 3; i++) {
        size_t end = at + 4 * tensors[i].rows * tensors[i].columns;
        char text[256];
        int some =
            snprintf(text, sizeof text,
                     "%s\"base_model.model.%s\":{\"dtype\":\"F32\",\"shape\":[%zu,%zu],"
                     "\"data_offsets\":[%zu,%zu]}",
                     i ? "," : "", tensors[i].name, tensors[i].rows, tensors[i].columns,
                     at, end);
        memcpy(head + used, text, (size_t)some);
        used += (size_t)some;
        at = end;
    }
    head[used++] = '}';
    char *all = array_new(HEAD + at, 1);
    memcpy(all, head, HEAD);
    adapters_put(to, "adapter_model.safetensors", all, HEAD + at);
    free(all);
}

/* Whether a pool of two experts keeps factors where nobody insists, or somebody does.
 */
static bool keeps_factors(const char *kind, const char *first, const char *second,
                          bool always) {
    char note[256], name[64], pretrained[1100];
    struct backend *backend;
    struct pool *pool;
    struct error error;
    struct pool_task list[] = {{.name = "a", .expert = first, .head = ""},
                               {.name = "b", .expert = second, .head = ""}};
    snprintf(name, sizeof name, "model/%s", kind);
    snprintf(pretrained, sizeof pretrained, "%s", golden_path(name));
    if (backend_open(device, PRECISION_F32, 1, &backend, note, &error) ||
        pool_open_factors(backend, NULL, pretrained, list, 2, always, &pool, NULL,
                          &error))
        fail_msg("%s", error.text);
    bool kept = pool->factors;
    assert_true(kept == !pool->vectors);
    pool_close(pool);
    backend_close(backend);
    return kept;
}

/* Where all are adapters, and factors take less than half of what is dense. */
static void test_kept(void **state) {
    (void)state;
    char vit[TASKS][1024], gpt2[TASKS][1024], expert[1100];
    adapters_make(vit, "vit");
    adapters_make(gpt2, "gpt2");
    snprintf(expert, sizeof expert, "%s", golden_path("model/vit-expert1"));
    assert_true(keeps_factors("vit", vit[0], vit[1], false));
    assert_false(keeps_factors("vit", vit[0], expert, true));
    write_wide(vit[2]);
    assert_true(keeps_factors("vit", vit[2], vit[2], true));
    assert_false(keeps_factors("vit", vit[2], vit[2], false));
    assert_true(keeps_factors("gpt2", gpt2[0], gpt2[1], true));
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
        cmocka_unit_test(test_vit),         cmocka_unit_test(test_clip),
        cmocka_unit_test(test_gpt2),        cmocka_unit_test(test_coefficients),
        cmocka_unit_test(test_corrections), cmocka_unit_test(test_kept),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
