/* Training as a whole on the small golden models: parameter counts, resuming bit for
 * bit, losses that fall, and every gradient of fine-tuning against differences. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "support/finetuning.h"
#include "support/golden.h"
#include "train/router_training.h"

/* Two tasks that can be learnt: an image's class is how bright its top half is
 * (task 0), or its left half (task 1). */
static struct dataset *bright_halves(size_t size, size_t classes, bool left) {
    enum { COUNT = 64 };
    struct dataset *d = array_new(1, sizeof *d);
    struct random random;
    random_seed(&random, 7, left);
    d->count = COUNT;
    d->classes = classes;
    d->size = size;
    d->pixels = array_new(COUNT, 3 * size * size);
    d->labels = array_new(COUNT, sizeof *d->labels);
    for (size_t i = 0; i < COUNT; i++) {
        d->labels[i] = (int32_t)(i % classes);
        for (size_t k = 0; k < 3 * size * size; k++) {
            size_t y = k / size % size, x = k % size;
            bool inside = left ? x < size / 2 : y < size / 2;
            uint64_t noise = random_below(&random, 40);
            uint64_t level = inside ? 200 * (i % classes) / classes : 100;
            d->pixels[i * 3 * size * size + k] = (uint8_t)(level + noise);
        }
    }
    return d;
}

struct fixture {
    struct backend *backend;
    struct pool *pool;
    struct dataset *data[2];
    const struct dataset *train[2];
};

static int open_fixture(void **state) {
    static struct fixture f;
    char note[256], pretrained[1100], experts[2][1100];
    struct pool_task tasks[2];
    struct error error;
    snprintf(pretrained, sizeof pretrained, "%s", golden_path("model/vit"));
    for (size_t t = 0; t < 2; t++) {
        char name[64];
        snprintf(name, sizeof name, "model/vit-expert%zu", t);
        snprintf(experts[t], sizeof experts[t], "%s", golden_path(name));
        tasks[t] = (struct pool_task){.name = "t", .expert = experts[t], .head = ""};
    }
    if (backend_open("cpu", PRECISION_F32, 2, &f.backend, note, &error) ||
        pool_open(f.backend, NULL, pretrained, tasks, 2, &f.pool, NULL, &error))
        fail_msg("%s", error.text);
    for (size_t t = 0; t < 2; t++)
        f.train[t] = f.data[t] = bright_halves(f.pool->layout->config.image_size,
                                               f.pool->heads[t].classes, t == 1);
    *state = &f;
    return 0;
}

static int close_fixture(void **state) {
    struct fixture *f = *state;
    dataset_close(f->data[0]);
    dataset_close(f->data[1]);
    pool_close(f->pool);
    backend_close(f->backend);
    return 0;
}

/* The paper's counts for 12 blocks: T=2 264, T=3 540, T=8 3,360; modules of each
 * granularity for CLIP: 12, 24, 51. */
static void test_parameter_counts(void **state) {
    (void)state;
    assert_int_equal(routers_parameter_count(2, 12, 2), 264);
    assert_int_equal(routers_parameter_count(2, 12, 3), 540);
    assert_int_equal(routers_parameter_count(2, 12, 8), 3360);
    struct model_config config = {.kind = MODEL_CLIP_VISION,
                                  .layers = 12,
                                  .width = 64,
                                  .heads = 4,
                                  .mlp_width = 128,
                                  .image_size = 32,
                                  .patch_size = 8,
                                  .channels = 3,
                                  .projection = 32,
                                  .epsilon = 1e-5f,
                                  .qkv_bias = true,
                                  .pre_norm = true};
    struct layout *layout;
    struct error error;
    assert_int_equal(layout_new(&config, NULL, &layout, &error), 0);
    const size_t expected[] = {0, 12, 24, 51};
    for (int g = UPSCALE_NONE; g <= UPSCALE_ALL; g++) {
        struct upscaling *u;
        assert_int_equal(upscaling_new(layout, (enum granularity)g, &u, &error), 0);
        assert_int_equal(u->modules, expected[g]);
        size_t covered = 0;
        for (size_t i = 0; i < u->segment_count; i++) {
            assert_int_equal(u->segments[i].begin, covered);
            covered += (size_t)u->segments[i].count;
        }
        assert_int_equal(covered, layout->size);
        upscaling_free(u);
    }
    layout_free(layout);
}

static struct router_training *new_training(struct fixture *f,
                                            const struct router_training_options *o) {
    struct router_training *t;
    struct error error;
    if (router_training_new(f->pool, f->train, o, &t, &error))
        fail_msg("%s", error.text);
    return t;
}

static void run_steps(struct router_training *t, uint64_t steps, double *losses) {
    struct error error;
    for (uint64_t i = 0; i < steps; i++)
        if (router_training_trainer(t).kind->step(t, losses, &error))
            fail_msg("%s", error.text);
}

static void test_resume(void **state) {
    struct fixture *f = *state;
    struct router_training_options options =
        router_training_defaults(MODEL_CLIP_VISION);
    options.steps = 12;
    options.batch = 5; /* passes over 64 examples end inside a batch */
    options.seed = 3;
    double whole[2], parts[2];
    struct error error;
    struct router_training *a = new_training(f, &options);
    run_steps(a, 12, whole);
    struct router_training *b = new_training(f, &options);
    run_steps(b, 7, parts);
    void *bytes;
    size_t size;
    assert_int_equal(router_training_trainer(b).kind->save(b, &bytes, &size, &error),
                     0);
    router_training_free(b);
    struct router_training *c = new_training(f, &options);
    assert_int_equal(
        router_training_trainer(c).kind->resume(c, bytes, size - 1, &error), -1);
    /* A generator of only zeros would never give another number. */
    enum { RANDOM_AT = 32, RANDOM_SIZE = 32 };
    char kept[RANDOM_SIZE];
    memcpy(kept, (char *)bytes + RANDOM_AT, RANDOM_SIZE);
    memset((char *)bytes + RANDOM_AT, 0, RANDOM_SIZE);
    assert_int_equal(router_training_trainer(c).kind->resume(c, bytes, size, &error),
                     -1);
    assert_non_null(strstr(error.text, "damaged"));
    memcpy((char *)bytes + RANDOM_AT, kept, RANDOM_SIZE);
    assert_int_equal(router_training_trainer(c).kind->resume(c, bytes, size, &error),
                     0);
    assert_int_equal(router_training_trainer(c).kind->step_count(c), 7);
    run_steps(c, 5, parts);
    const struct routers *one = router_training_routers(a);
    const struct routers *two = router_training_routers(c);
    assert_memory_equal(one->parameters, two->parameters,
                        one->count * sizeof *one->parameters);
    assert_memory_equal(whole, parts, sizeof whole);
    free(bytes);
    router_training_free(a);
    router_training_free(c);
}

/* Mean loss over all examples of each task at a preference. */
static void whole_losses(struct router_training *t, struct fixture *f,
                         const double *preference, double *losses) {
    float *gradient = malloc(2 * router_training_routers(t)->count * sizeof *gradient);
    struct error error;
    if (router_training_gradients(t, preference, f->train, f->data[0]->count, 1, losses,
                                  gradient, &error))
        fail_msg("%s", error.text);
    free(gradient);
}

static void test_losses_fall(void **state) {
    struct fixture *f = *state;
    struct router_training_options options =
        router_training_defaults(MODEL_CLIP_VISION);
    options.upscale = UPSCALE_ALL;
    options.steps = 60;
    options.batch = 64;
    const double first[] = {1, 0}, second[] = {0, 1};
    double before[2], after[2], losses[2];
    struct router_training *t = new_training(f, &options);
    whole_losses(t, f, first, before);
    run_steps(t, options.steps, losses);
    whole_losses(t, f, first, after);
    assert_true(after[0] < before[0] - 0.05);
    whole_losses(t, f, second, losses);
    assert_true(losses[1] < before[1] - 0.05);
    router_training_free(t);
}

/* EPO, MGDA and STCH: the losses of all tasks fall. */
static void test_per_task_methods(void **state) {
    struct fixture *f = *state;
    for (int method = COMBINE_EPO; method <= COMBINE_STCH; method++) {
        struct router_training_options options =
            router_training_defaults(MODEL_CLIP_VISION);
        const double equal[] = {0.5, 0.5};
        options.method = (enum combine)method;
        options.upscale = UPSCALE_ALL;
        options.steps = 40;
        options.batch = 64;
        double before[2], after[2], losses[2];
        struct router_training *t = new_training(f, &options);
        whole_losses(t, f, equal, before);
        run_steps(t, options.steps, losses);
        whole_losses(t, f, equal, after);
        assert_true(after[0] < before[0] - 0.05 && after[1] < before[1] - 0.05);
        router_training_free(t);
    }
}

static struct finetuning *new_finetuning(struct fixture *f, const float *weights,
                                         size_t tasks,
                                         const struct finetuning_options *options) {
    struct finetuning *t;
    struct error error;
    const double preference[] = {tasks == 1 ? 1 : 0.5, 0.5};
    struct finetuning_task_set set = {.tasks = tasks,
                                      .train = f->train,
                                      .heads = f->pool->heads,
                                      .preference = preference};
    if (finetuning_new(f->backend, f->pool->layout, &f->pool->form.preprocess, weights,
                       &set, options, &t, &error))
        fail_msg("%s", error.text);
    return t;
}

static float *pretrained_weights(struct fixture *f) {
    size_t size = f->pool->layout->size;
    float *weights = malloc(size * sizeof *weights);
    struct error error;
    assert_int_equal(
        f->backend->download_real(f->backend, weights, f->pool->base, size, &error), 0);
    return weights;
}

/* Loss of one batch at given weights. */
static double loss_at(struct fixture *f, const float *weights, float *gradient) {
    struct finetuning_options options = finetuning_defaults();
    options.batch = 8;
    struct finetuning *t = new_finetuning(f, weights, 1, &options);
    struct error error;
    const struct dataset *d = f->data[0];
    double losses[1];
    options.steps = 1;
    if (finetuning_gradient(t, d, 8, losses, gradient, &error))
        fail_msg("%s", error.text);
    finetuning_free(t);
    return losses[0];
}

/* d loss along the gradient's own direction within each parameter, by central
 * differences. With f32 losses of about 1.6 and a step that moves them by 1e-2, the
 * difference is good to about 1e-4; its curvature to 1e-2. */
static void test_gradients(void **state) {
    struct fixture *f = *state;
    const struct layout *l = f->pool->layout;
    float *weights = pretrained_weights(f);
    float *gradient = malloc(l->size * sizeof *gradient);
    float *moved = malloc(l->size * sizeof *moved);
    float *unused = malloc(l->size * sizeof *unused);
    loss_at(f, weights, gradient);
    for (size_t i = 0; i < l->parameter_count; i++) {
        const struct parameter *p = &l->parameters[i];
        double norm2 = 0;
        for (size_t k = 0; k < p->count; k++)
            norm2 += (double)gradient[p->offset + k] * gradient[p->offset + k];
        if (norm2 < 1e-10) /* the key bias: softmax does not see it */
            continue;
        double step = 5e-3 / norm2, loss[2];
        double most = 0.05 / sqrt(norm2); /* not far from here either */
        if (step > most)
            step = most;
        for (int side = 0; side < 2; side++) {
            memcpy(moved, weights, l->size * sizeof *moved);
            for (size_t k = 0; k < p->count; k++)
                moved[p->offset + k] +=
                    (float)((side ? -step : step) * gradient[p->offset + k]);
            loss[side] = loss_at(f, moved, unused);
        }
        double slope = (loss[0] - loss[1]) / (2 * step);
        if (!(fabs(slope - norm2) <= 0.03 * norm2 + 2e-7 / step))
            fail_msg("%s: slope %g, gradient says %g", p->name, slope, norm2);
    }
    free(weights);
    free(gradient);
    free(moved);
    free(unused);
}

static void test_finetuning(void **state) {
    struct fixture *f = *state;
    size_t size = f->pool->layout->size;
    float *weights = pretrained_weights(f);
    float *one = malloc(size * sizeof *one), *two = malloc(size * sizeof *two);
    char path[] = "/tmp/pwemoe-test-XXXXXX", file[64];
    struct finetuning_options options = finetuning_defaults();
    struct error error;
    double losses[2], first;
    options.steps = 40;
    options.batch = 16;
    options.learning_rate = 1e-3;
    assert_non_null(mkdtemp(path));
    snprintf(file, sizeof file, "%s/state", path);

    struct finetuning *t = new_finetuning(f, weights, 1, &options);
    assert_int_equal(finetuning_trainer(t).kind->step(t, losses, &error), 0);
    first = losses[0];
    for (int i = 1; i < 20; i++)
        assert_int_equal(finetuning_trainer(t).kind->step(t, losses, &error), 0);
    if (finetuning_trainer(t).kind->save_file(t, file, NULL, &error))
        fail_msg("%s", error.text);
    for (int i = 20; i < 40; i++)
        assert_int_equal(finetuning_trainer(t).kind->step(t, losses, &error), 0);
    assert_true(losses[0] < first - 0.3);
    assert_int_equal(finetuning_weights(t, one, &error), 0);
    finetuning_free(t);

    t = new_finetuning(f, weights, 1, &options);
    if (finetuning_trainer(t).kind->resume_file(t, file, NULL, &error))
        fail_msg("%s", error.text);
    assert_int_equal(finetuning_trainer(t).kind->step_count(t), 20);
    for (int i = 20; i < 40; i++)
        assert_int_equal(finetuning_trainer(t).kind->step(t, losses, &error), 0);
    assert_int_equal(finetuning_weights(t, two, &error), 0);
    assert_memory_equal(one, two, size * sizeof *one);
    finetuning_free(t);

    unlink(file);
    rmdir(path);
    free(weights);
    free(one);
    free(two);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameter_counts),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_losses_fall),
        cmocka_unit_test(test_per_task_methods),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_finetuning),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
