/* Losses, routing weights and router gradients against PyTorch autograd on the
 * reference formulation (functional merge, then backward); merged weights tensor by
 * tensor; for each granularity and number of tasks. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "support/golden.h"
#include "train/router_training.h"

/* The golden gradients are f64; ours f32 through two blocks forward and backward.
 * 1e-3 is what the project promises. */
#define TOLERANCE 1e-4

struct fixture {
    struct backend *backend;
    struct pool *pool;
    struct safetensors *golden;
    struct router_training *training;
    struct dataset *data[3];
    size_t tasks;
};

static void open_fixture(struct fixture *f, const char *kind, enum granularity upscale,
                         unsigned layers, size_t tasks, enum combine method) {
    char note[256], name[128], pretrained[1100], experts[3][1100], heads[3][1100];
    struct pool_task list[3];
    struct error error;
    bool clip = strcmp(kind, "clip") == 0;
    *f = (struct fixture){.tasks = tasks};
    snprintf(name, sizeof name, "model/%s", kind);
    snprintf(pretrained, sizeof pretrained, "%s", golden_path(name));
    for (size_t t = 0; t < tasks; t++) {
        snprintf(name, sizeof name, "model/%s-expert%zu", kind, t);
        snprintf(experts[t], sizeof experts[t], "%s", golden_path(name));
        snprintf(name, sizeof name, "model/clip-head%zu.safetensors", t);
        snprintf(heads[t], sizeof heads[t], "%s", clip ? golden_path(name) : "");
        list[t] =
            (struct pool_task){.name = "t", .expert = experts[t], .head = heads[t]};
    }
    if (backend_open("cpu", PRECISION_F32, 2, &f->backend, note, &error) ||
        pool_open(f->backend, NULL, pretrained, list, tasks, &f->pool, NULL, &error))
        fail_msg("%s", error.text);
    snprintf(name, sizeof name, "model/routers-%s-%s-%zu%s.safetensors", kind,
             granularity_name(upscale), tasks, layers == 1 ? "-linear" : "");
    f->golden = golden_open(name);
    const struct dataset *train[3];
    int32_t *labels = golden_labels(f->golden, "labels");
    for (size_t t = 0; t < tasks; t++) {
        train[t] = f->data[t] = golden_examples(f->golden, "", 4 * t, 4);
        f->data[t]->classes = f->pool->heads[t].classes;
        memcpy(f->data[t]->labels, labels + 4 * t, 4 * sizeof *labels);
    }
    free(labels);
    struct router_training_options options =
        router_training_defaults(MODEL_CLIP_VISION);
    options.method = method;
    options.upscale = upscale;
    options.layers = layers;
    options.batch = 4;
    if (router_training_new(f->pool, train, &options, &f->training, &error))
        fail_msg("%s", error.text);
}

static void close_fixture(struct fixture *f) {
    router_training_free(f->training);
    for (size_t t = 0; t < f->tasks; t++)
        dataset_close(f->data[t]);
    safetensors_close(f->golden);
    pool_close(f->pool);
    backend_close(f->backend);
}

static const char *const parts[] = {"hidden.weight", "hidden.bias", "output.weight",
                                    "output.bias"};

/* The golden routers' arrays, named prefix + part, one after another. */
static double *joined(const struct fixture *f, const char *prefix, size_t expected) {
    double *all = malloc(expected * sizeof *all);
    size_t count = 0;
    for (size_t i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", prefix, parts[i]);
        const struct tensor *tensor = safetensors_find(f->golden, name);
        if (!tensor)
            continue;
        double *values = golden_values(f->golden, name);
        assert_true(count + tensor->count <= expected);
        memcpy(all + count, values, (size_t)tensor->count * sizeof *all);
        count += (size_t)tensor->count;
        free(values);
    }
    assert_int_equal(count, expected);
    return all;
}

static void use_golden_routers(struct fixture *f) {
    const struct routers *mine = router_training_routers(f->training);
    struct routers golden = *mine;
    struct error error;
    double *values = joined(f, "", mine->count);
    golden.parameters = malloc(mine->count * sizeof *golden.parameters);
    for (size_t i = 0; i < mine->count; i++)
        golden.parameters[i] = (float)values[i];
    assert_int_equal(router_training_set_routers(f->training, &golden, &error), 0);
    free(golden.parameters);
    free(values);
}

static void check_routing(const struct fixture *f, const double *preference) {
    const struct routers *r = router_training_routers(f->training);
    float *weights = malloc((r->modules + 1) * r->tasks * sizeof *weights);
    double *expected = golden_values(f->golden, "routing");
    assert_int_equal(golden_tensor(f->golden, "routing")->shape[0], r->modules);
    routers_forward(r, preference, weights);
    golden_close("routing", weights, expected, r->modules * r->tasks, 1e-6);
    for (size_t t = 0; t < r->tasks; t++)
        assert_true(weights[r->modules * r->tasks + t] == r->lambda);
    free(expected);
    free(weights);
}

/* Every tensor of the merged model against W_0 + sum_t w_t tau_t in f64: the golden
 * file keeps what multiplied each and two sums over the result. */
static void check_merge(struct fixture *f, const double *preference) {
    const struct routers *r = router_training_routers(f->training);
    const struct layout *l = f->pool->layout;
    struct upscaling *upscaling;
    struct unloader *unloader;
    struct error error;
    real *device;
    float *weights = malloc((r->modules + 1) * r->tasks * sizeof *weights);
    float *merged = malloc(l->size * sizeof *merged);
    assert_int_equal(upscaling_new(l, r->granularity, &upscaling, &error), 0);
    assert_int_equal(unloader_new(f->pool, upscaling, &unloader, &error), 0);
    assert_int_equal(f->backend->allocate(f->backend, l->size * sizeof(float),
                                          (void **)&device, &error),
                     0);
    routers_forward(r, preference, weights);
    unloader_merge(unloader, weights, device);
    assert_int_equal(
        f->backend->download_real(f->backend, merged, device, l->size, &error), 0);

    double *used = golden_values(f->golden, "merged.weights");
    double *sums = golden_values(f->golden, "merged.sum");
    double *dots = golden_values(f->golden, "merged.dot");
    char *names = text_format("%s", safetensors_metadata(f->golden, "tensors"));
    size_t row = 0;
    for (char *name = strtok(names, "\n"); name; name = strtok(NULL, "\n"), row++) {
        size_t i = 0;
        while (i < l->parameter_count && strcmp(l->parameters[i].name, name) != 0)
            i++;
        assert_true(i < l->parameter_count);
        const struct parameter *p = &l->parameters[i];
        size_t at = upscaling_row(upscaling, p->offset);
        golden_close(name, weights + at * r->tasks, used + row * r->tasks, r->tasks,
                     1e-6);
        double sum = 0, dot = 0, size = 0;
        for (size_t k = 0; k < p->count; k++) {
            double w = (double)merged[p->offset + k];
            sum += w;
            dot += w * cos((double)k);
            size += fabs(w);
        }
        /* Each element is rounded a few times to 2^-24 of its size. */
        assert_true(fabs(sum - sums[row]) <= 1e-6 * size);
        assert_true(fabs(dot - dots[row]) <= 1e-6 * size);
    }
    assert_int_equal(row, l->parameter_count);
    free(names);
    free(used);
    free(sums);
    free(dots);
    f->backend->release(f->backend, device);
    unloader_free(unloader);
    upscaling_free(upscaling);
    free(merged);
    free(weights);
}

static void check_gradients(struct fixture *f, const double *preference,
                            size_t groups) {
    const struct routers *r = router_training_routers(f->training);
    double *expected_losses = golden_values(f->golden, "losses");
    double losses[3];
    float got_losses[3];
    float *gradients = malloc(groups * r->count * sizeof *gradients);
    struct error error;
    if (router_training_gradients(f->training, preference,
                                  (const struct dataset *const *)f->data, 4, groups,
                                  losses, gradients, &error))
        fail_msg("%s", error.text);
    for (size_t t = 0; t < f->tasks; t++)
        got_losses[t] = (float)losses[t];
    golden_close("losses", got_losses, expected_losses, f->tasks, 1e-5);
    if (groups == 1) {
        double *expected = joined(f, "gradient.", r->count);
        golden_close("gradient", gradients, expected, r->count, TOLERANCE);
        free(expected);
    } else {
        /* The output bias' gradient is that of the routing weights. */
        double *expected = golden_values(f->golden, "task.routing");
        size_t each = r->modules * r->tasks;
        for (size_t g = 0; g < groups; g++)
            golden_close("task gradient", gradients + (g + 1) * r->count - each,
                         expected + g * each, each, TOLERANCE);
        free(expected);
    }
    free(gradients);
    free(expected_losses);
}

static void check(const char *kind, enum granularity upscale, unsigned layers,
                  size_t tasks) {
    for (int per_task = 0; per_task < 2; per_task++) {
        struct fixture f;
        open_fixture(&f, kind, upscale, layers, tasks,
                     per_task ? COMBINE_EPO : COMBINE_LS);
        use_golden_routers(&f);
        double *preference = golden_values(f.golden, "preference");
        if (!per_task) {
            check_routing(&f, preference);
            check_merge(&f, preference);
        }
        check_gradients(&f, preference, per_task ? tasks : 1);
        free(preference);
        close_fixture(&f);
    }
}

static void test_clip(void **state) {
    (void)state;
    for (size_t tasks = 2; tasks <= 3; tasks++)
        for (int g = UPSCALE_MLP; g <= UPSCALE_ALL; g++)
            check("clip", (enum granularity)g, 2, tasks);
}

static void test_vit(void **state) {
    (void)state;
    for (size_t tasks = 2; tasks <= 3; tasks++)
        for (int g = UPSCALE_MLP; g <= UPSCALE_ALL; g++)
            check("vit", (enum granularity)g, 2, tasks);
}

static void test_gpt2(void **state) {
    (void)state;
    for (size_t tasks = 2; tasks <= 3; tasks++)
        for (int g = UPSCALE_MLP; g <= UPSCALE_ALL; g++)
            check("gpt2", (enum granularity)g, 2, tasks);
}

static void test_one_layer(void **state) {
    (void)state;
    check("clip", UPSCALE_MLP, 1, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_vit),
        cmocka_unit_test(test_gpt2),
        cmocka_unit_test(test_one_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
