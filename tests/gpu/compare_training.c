/* Training on the device and on the CPU, step by step. */
#include <math.h>
#include <stdlib.h>

#include "../support/finetuning.h"
#include "base/memory.h"
#include "compare.h"
#include "train/router_training.h"

/* One run's losses: its steps by its tasks. */
struct curve {
    double *losses;
    size_t steps, tasks;
};

static double distance(const struct curve *a, const struct curve *b, size_t step) {
    double largest = 0;
    for (size_t t = 0; t < a->tasks; t++) {
        double d =
            fabs(a->losses[step * a->tasks + t] - b->losses[step * a->tasks + t]);
        if (!(d <= largest))
            largest = isnan(d) ? INFINITY : d;
    }
    return largest;
}

/* Twice as much in bf16: the backward pass rounds as often again. */
static double slack(const struct comparison *c) {
    return c->precision == PRECISION_BF16 ? 2 * SLACK : SLACK;
}

/* Differences grow from step to step, in either, so that each step is held to the
 * largest difference so far. */
static void compare_curves(struct comparison *c, const char *what,
                           const struct curve *cpu, const struct curve *changed,
                           const struct curve *tested) {
    double allowed = 0, part = 0;
    bool good = true;
    for (size_t i = 0; i < cpu->steps; i++) {
        /* Losses are summed in f32, which is all that the first step may show. */
        double floor = 0x1p-22 * cpu->losses[i * cpu->tasks];
        allowed = fmax(allowed, fmax(distance(cpu, changed, i), floor));
        double d = distance(cpu, tested, i);
        good = good && d <= slack(c) * allowed;
        part = fmax(part, d / (slack(c) * allowed));
    }
    compare_verdict(c, good,
                    "%s, %zu steps: losses differ by %.2f of what is allowed, which is "
                    "%.3g at the end; the loss went from %.4f to %.4f",
                    what, cpu->steps, part, slack(c) * allowed, cpu->losses[0],
                    cpu->losses[(cpu->steps - 1) * cpu->tasks]);
}

static int train_routers(const struct comparison *c, struct pool *pool,
                         struct curve *curve, struct error *error) {
    struct router_training_options options =
        router_training_defaults(pool->layout->config.kind);
    struct router_training *t;
    options.batch = c->batch;
    options.steps = 4000;
    if (router_training_new(pool, (const struct dataset *const *)c->train, &options, &t,
                            error))
        return -1;
    int result = 0;
    for (size_t i = 0; result == 0 && i < curve->steps; i++)
        result = router_training_trainer(t).kind->step(
            t, curve->losses + i * curve->tasks, error);
    router_training_free(t);
    return result;
}

static int curves_new(struct curve curves[3], size_t steps, size_t tasks,
                      struct error *error) {
    for (size_t i = 0; i < 3; i++) {
        curves[i] = (struct curve){.steps = steps, .tasks = tasks};
        curves[i].losses = array_new(steps * tasks, sizeof(double));
        if (!curves[i].losses)
            return error_memory(error);
    }
    return 0;
}

static void curves_free(struct curve curves[3]) {
    for (size_t i = 0; i < 3; i++)
        free(curves[i].losses);
}

int compare_router_training(struct comparison *c, struct error *error) {
    struct pool *pools[] = {c->pool, c->changed, c->tested_pool};
    struct curve curves[3] = {0};
    int result = curves_new(curves, c->steps, c->tasks, error);
    for (size_t i = 0; result == 0 && i < 3; i++)
        result = train_routers(c, pools[i], &curves[i], error);
    if (result == 0)
        compare_curves(c, "router training, ls, attn+mlp", &curves[0], &curves[1],
                       &curves[2]);
    curves_free(curves);
    return result;
}

/* Trains from `start` and leaves the weights there. */
static int finetune(const struct comparison *c, const struct pool *pool,
                    struct backend *backend, float *start, struct curve *curve,
                    struct error *error) {
    struct finetuning_options options = finetuning_defaults();
    const double preference[] = {1};
    const struct dataset *train[] = {c->train[0]};
    struct finetuning_task_set set = {
        .tasks = 1, .train = train, .heads = pool->heads, .preference = preference};
    struct finetuning *f;
    options.batch = c->batch;
    options.steps = 10 * c->finetune_steps;
    if (finetuning_new(backend, pool->layout, &pool->form.preprocess, start, &set,
                       &options, &f, error))
        return -1;
    int result = 0;
    for (size_t i = 0; result == 0 && i < curve->steps; i++)
        result = finetuning_trainer(f).kind->step(f, curve->losses + i, error);
    if (result == 0)
        result = finetuning_weights(f, start, error);
    finetuning_free(f);
    return result;
}

static double norm_of_difference(const float *a, const float *b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return sqrt(sum);
}

int compare_finetuning(struct comparison *c, struct error *error) {
    struct backend *backends[] = {c->cpu, c->cpu, c->tested};
    struct pool *pools[] = {c->pool, c->pool, c->tested_pool};
    struct curve curves[3] = {0};
    float *weights[3] = {0};
    size_t size = c->pool->layout->size;
    int result = curves_new(curves, c->finetune_steps, 1, error);
    for (size_t i = 0; result == 0 && i < 3; i++) {
        weights[i] = array_new(size, sizeof **weights);
        if (!weights[i])
            result = error_memory(error);
        else
            result = backends[i]->download_real(backends[i], weights[i], pools[i]->base,
                                                size, error);
        if (result == 0 && i == 1)
            compare_change(weights[1], size, compare_rounding(c), 3);
        if (result == 0)
            result = finetune(c, c->pool, backends[i], weights[i], &curves[i], error);
    }
    if (result == 0) {
        compare_curves(c, "finetuning of one task", &curves[0], &curves[1], &curves[2]);
        double allowed = slack(c) * norm_of_difference(weights[0], weights[1], size);
        double differs = norm_of_difference(weights[0], weights[2], size);
        compare_verdict(c, differs <= allowed,
                        "finetuned weights: differ by %.3g (norm), %.3g is allowed",
                        differs, allowed);
    }
    for (size_t i = 0; i < 3; i++)
        free(weights[i]);
    curves_free(curves);
    return result;
}
