/* The steps of the distillation. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "parallel/ranks.h"
#include "train/distillation_state.h"
#include "train/optimiser.h"

static float *place_gradient(void *self, size_t offset, size_t count, size_t *stride) {
    struct distillation *d = self;
    (void)count;
    *stride = d->pool->layout->text_begin;
    return d->slope + offset;
}

void distillation_loss(struct distillation *d, size_t task, const real *features,
                       size_t n, const int32_t *labels, float *loss, const float *scale,
                       real *dfeatures) {
    if (d->options.loss == DISTILLATION_CE)
        head_bank_loss(d->heads, task, features, n, labels, loss, scale, dfeatures);
    else if (d->options.loss == DISTILLATION_ENTROPY)
        head_bank_entropy(d->heads, task, features, n, loss, scale, dfeatures);
    else
        head_bank_divergence(d->heads, task, features, n, d->answers[task].logits,
                             d->answers[task].rows, labels, loss, scale, dfeatures);
}

int distillation_merge(struct distillation *d, const double *preference,
                       struct error *error) {
    int result =
        closed_base_merge(d->base, d->correction, preference, d->weights, error) ||
                pool_put_heads(d->pool, d->weights, d->heads, error) ||
                distillation_heads_put(d, preference, error)
            ? -1
            : 0;
    return d->base ? shared_layers_agree(&d->layers, result, error) : result;
}

/* The gradient of each of several vectors from that of the merged weights. */
static void share_slope(struct distillation *d) {
    struct backend *b = d->pool->backend;
    const struct layout *l = d->pool->layout;
    if (d->slope == d->vector.gradient || d->tensors)
        return;
    b->zero(b, d->vector.gradient, d->vector.count * sizeof *d->vector.gradient);
    for (size_t k = 0; k < d->count; k++)
        b->add_scaled(b, d->vector.gradient + k * l->size, d->slope,
                      (float)d->shares[k], l->text_begin);
}

/* From the merged model and the batch, on the device: d->slope is that of the weights,
 * as the batch's scales have it. */
static void run_batch(void *self) {
    struct distillation *d = self;
    struct pool *pool = d->pool;
    struct backend *b = pool->backend;
    struct task_batch *batch = d->batch;
    size_t features = model_config_features(&pool->layout->config);
    size_t n = batch->examples, whole = pool->tasks * n;
    task_batch_embed(batch, d->transformer, d->weights);
    const real *x = transformer_run(d->transformer, d->weights, whole);
    for (size_t t = 0; t < pool->tasks; t++) {
        distillation_loss(d, t, backend_at(b, x, t * n * features), n,
                          batch->labels + t * n, batch->loss + t * n,
                          batch->scale + t * n,
                          backend_at(b, d->dfeatures, t * n * features));
        distillation_heads_slope(d, t);
    }
    struct gradient_sink sink = {.self = d,
                                 .place = place_gradient,
                                 .passed = d->travels ? distillation_passed : NULL,
                                 .together = true};
    transformer_backward(d->transformer, d->weights, d->dfeatures, &whole, 1, &sink);
    distillation_routers_sum(d);
}

/* Forward and backward of the batch at hand by the merged model, and the gradient of
 * factors, queued. */
static void forward_backward(struct distillation *d, const double *preference) {
    double weights[POOL_TASKS_MAX];
    double scale =
        correction_shares(d->options.form, preference, d->pool->tasks, d->shares);
    for (size_t t = 0; t < d->pool->tasks; t++)
        weights[t] = scale * preference[t];
    task_batch_weigh(d->batch, weights);
    task_batch_run(d->batch, 0, run_batch, d);
    task_batch_fetch(d->batch);
    if (d->factors)
        factors_gradient(d->factors, d->vector.gradient);
    if (d->tensors)
        tensor_factors_gradient(d->tensors, d->slope, preference);
}

/* The gradients of what is trained, from d->slope. */
static int slopes(struct distillation *d, const double *preference,
                  struct error *error) {
    share_slope(d);
    return distillation_heads_gather(d, error) ||
                   distillation_routers_gradient(d, preference, error)
               ? -1
               : 0;
}

size_t distillation_list(struct distillation *d, struct trained **list) {
    size_t count = 0;
    list[count++] = d->tensors   ? tensor_factors_numbers(d->tensors)
                    : d->factors ? factors_numbers(d->factors)
                                 : &d->vector;
    if (d->routers.numbers.count)
        list[count++] = &d->routers.numbers;
    if (d->head_part.numbers.count)
        list[count++] = &d->head_part.numbers;
    return count;
}

int distillation_put(struct distillation *d, struct error *error) {
    if (d->factors)
        factors_put(d->factors, d->vector.values);
    if (d->tensors)
        tensor_factors_put(d->tensors, d->vector.values);
    return distillation_routers_put(d, error);
}

static double rate_of(const struct distillation *d, const struct trained *numbers) {
    return numbers == &d->routers.numbers     ? d->options.router_rate
           : numbers == &d->head_part.numbers ? d->head_part.rate
                                              : d->options.learning_rate;
}

static int update(struct distillation *d, struct error *error) {
    struct backend *b = d->pool->backend;
    const struct distillation_options *o = &d->options;
    struct trained *list[DISTILLATION_LISTS];
    size_t count = distillation_list(d, list);
    double window = fmax(1, o->average * (d->step + 1));
    for (size_t i = o->fixed; i < count; i++)
        trained_step(
            b, list[i],
            optimiser_cosine(rate_of(d, list[i]), 0.1, 0, d->step, (unsigned)o->steps),
            0, d->step);
    if (!o->fixed && trained_gather(b, list[0], error))
        return -1;
    for (size_t i = 0; o->average > 0 && i < count; i++)
        trained_average(b, list[i], window);
    return distillation_put(d, error);
}

/* What fails on this rank after all have said that they are fine ends them all: the
 * others wait for it. */
static int fail_alone(struct distillation *d) {
    ranks_give_up(d->sharing.ranks);
    return -1;
}

/* --- looking, and keeping the best ------------------------------------------------ */

/* What was trained, on the host, while its average is in its place; or NULLs. */
struct aside {
    float *values[DISTILLATION_LISTS];
};

static int show_average(struct distillation *d, struct aside *aside,
                        struct error *error) {
    struct trained *list[DISTILLATION_LISTS];
    size_t count = distillation_list(d, list);
    *aside = (struct aside){0};
    for (size_t i = 0; d->options.average > 0 && i < count; i++) {
        aside->values[i] = array_new(list[i]->count, sizeof(float));
        if (!aside->values[i])
            return error_memory(error);
        if (trained_show_average(d->pool->backend, list[i], aside->values[i], error))
            return -1;
    }
    return distillation_put(d, error);
}

static int put_back(struct distillation *d, struct aside *aside, struct error *error) {
    struct trained *list[DISTILLATION_LISTS];
    size_t count = distillation_list(d, list);
    int result = 0;
    for (size_t i = 0; i < count; i++) {
        if (aside->values[i] && result == 0)
            result = trained_put(d->pool->backend, list[i], aside->values[i], error);
        free(aside->values[i]);
    }
    return result ? -1 : distillation_put(d, error);
}

int distillation_best_bytes(struct distillation *d, void **bytes, size_t *size,
                            struct error *error) {
    struct aside aside;
    int result = show_average(d, &aside, error);
    if (result == 0)
        result = distillation_bytes(d, bytes, size, error);
    return put_back(d, &aside, result ? NULL : error) ? -1 : result;
}

/* After step `at`: what is there is kept, where it is to be. */
static int look_now(struct distillation *d, unsigned at, int result,
                    struct error *error) {
    void *bytes;
    size_t size;
    float *losses = array_new(d->held.count, sizeof *losses);
    if (result == 0 && !losses)
        result = error_memory(error);
    result = distillation_look(d, result, losses, error);
    bool keeps = result == 0 && held_back_keeps(&d->held, losses, at);
    free(losses);
    if (result || !keeps)
        return result;
    if (distillation_bytes(d, &bytes, &size, error))
        return fail_alone(d);
    free(d->held.result);
    d->held.result = bytes;
    d->held.result_size = size;
    return 0;
}

static int look(struct distillation *d, unsigned at, struct error *error) {
    struct aside aside;
    if (!held_back_looks(&d->held, at, (unsigned)d->options.steps))
        return 0;
    int result = look_now(d, at, show_average(d, &aside, error), error);
    return put_back(d, &aside, result ? NULL : error) ? fail_alone(d) : result;
}

/* The batch after this one, where there is one, while the device works. */
static void draw_ahead(struct distillation *d) {
    if (d->step + 1 < d->options.steps)
        task_batch_ahead(d->batch);
}

int distillation_step(struct distillation *d, double *losses, struct error *error) {
    struct random random = d->random;
    random_dirichlet(&random, d->options.alpha, d->pool->tasks, d->preference);
    task_batch_next(d->batch);
    int result = distillation_merge(d, d->preference, error);
    if (result && d->base) /* as all ranks know */
        return -1;
    distillation_begin_sum(d);
    if (result == 0)
        forward_backward(d, d->preference);
    if (d->sharing.ranks) { /* the gradient is whole when all ranks' parts are there */
        if (result == 0)
            draw_ahead(d);
        result = distillation_gather(d, result, losses, error);
    }
    if (result)
        return -1;
    if (slopes(d, d->preference, error) || update(d, error))
        return fail_alone(d);
    if (!d->sharing.ranks) {
        draw_ahead(d);
        if (task_batch_collect(d->batch, losses, error))
            return -1;
    }
    if (look(d, d->step + 1, error))
        return -1;
    d->random = random;
    d->step++;
    task_batch_done(d->batch);
    return 0;
}

int distillation_gradient(struct distillation *d, const double *preference, size_t n,
                          double *losses, float *gradient, struct error *error) {
    struct backend *b = d->pool->backend;
    if (n > d->part)
        return error_set(error, "a batch that is larger than planned");
    task_batch_given(d->batch, d->data, n);
    if (distillation_merge(d, preference, error))
        return -1;
    forward_backward(d, preference);
    if (slopes(d, preference, error) || task_batch_collect(d->batch, losses, error))
        return -1;
    return b->download(b, gradient, d->vector.gradient,
                       d->vector.count * sizeof *gradient, error);
}

int distillation_vector(struct distillation *d, float *vector, struct error *error) {
    struct backend *b = d->pool->backend;
    return b->download(b, vector, d->vector.values, d->vector.count * sizeof *vector,
                       error);
}

int distillation_set_vector(struct distillation *d, const float *vector,
                            struct error *error) {
    return trained_put(d->pool->backend, &d->vector, vector, error);
}
