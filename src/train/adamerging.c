#include "train/adamerging.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "moe/routers.h"
#include "train/factor_slopes.h"
#include "train/host_state.h"
#include "train/merged_pass.h"
#include "train/optimiser.h"

struct adamerging {
    struct adamerging_options options;
    struct merged_pass pass;
    struct routers *routers; /* the coefficients are their last biases */
    unsigned step;

    float *gradient;              /* (layout size) its gradient */
    struct factor_slopes *slopes; /* where the pool has factors; else NULL */

    /* On the host: (modules, tasks), but routing, which has a row more. */
    float *routing, *slope, *first, *second;
};

/* --- making and freeing ----------------------------------------------------------- */

float *adamerging_coefficients(struct adamerging *a) {
    return a->routers->parameters + a->routers->count - adamerging_count(a);
}

size_t adamerging_count(const struct adamerging *a) {
    return a->pass.upscaling->modules * a->pass.pool->tasks;
}

/* Routers that are their biases alone. */
static int make_routers(struct adamerging *a, struct error *error) {
    struct random random;
    random_seed(&random, a->options.seed, 2);
    if (routers_new(a->options.upscale, 1, a->pass.upscaling->modules,
                    a->pass.pool->tasks, (float)a->options.lambda, &random, &a->routers,
                    error))
        return -1;
    size_t weights = a->routers->count - adamerging_count(a);
    memset(a->routers->parameters, 0, weights * sizeof *a->routers->parameters);
    return 0;
}

static int allocate(struct adamerging *a, struct error *error) {
    struct backend *b = a->pass.pool->backend;
    const struct layout *l = a->pass.pool->layout;
    size_t count = adamerging_count(a);
    a->routing = array_new(count + a->pass.pool->tasks, sizeof *a->routing);
    a->slope = array_new(count, sizeof *a->slope);
    a->first = array_new(count, sizeof *a->first);
    a->second = array_new(count, sizeof *a->second);
    if (!a->routing || !a->slope || !a->first || !a->second)
        return error_memory(error);
    if (b->allocate(b, l->size * sizeof *a->gradient, (void **)&a->gradient, error))
        return -1;
    if (a->pass.pool->factors &&
        factor_slopes_new(a->pass.pool->factors, &a->slopes, error))
        return -1;
    /* What lies between parameters stays 0. */
    b->zero(b, a->gradient, l->size * sizeof *a->gradient);
    return 0;
}

int adamerging_new(struct pool *pool, const struct dataset *const *train,
                   const struct adamerging_options *options, struct adamerging **out,
                   struct error *error) {
    struct adamerging *a = array_new(1, sizeof *a);
    if (!a)
        return error_memory(error);
    a->options = *options;
    a->pass.pool = pool;
    if (pool->layout->text) {
        error_set(error, "AdaMerging has no gradient of a text tower; leave it out of "
                         "the merge: towers: vision-only");
        goto failed;
    }
    if (merged_pass_open(&a->pass, pool, train, options->upscale, options->batch, 1,
                         options->seed, error) ||
        make_routers(a, error) || allocate(a, error))
        goto failed;
    *out = a;
    return 0;
failed:
    adamerging_free(a);
    return -1;
}

void adamerging_free(struct adamerging *a) {
    if (!a)
        return;
    struct backend *b = a->pass.pool->backend;
    b->release(b, a->gradient);
    factor_slopes_free(a->slopes);
    merged_pass_close(&a->pass);
    routers_free(a->routers);
    free(a->routing);
    free(a->slope);
    free(a->first);
    free(a->second);
    free(a);
}

/* --- a step ----------------------------------------------------------------------- */

static float clamp(float x) {
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

static float *place(void *self, size_t offset, size_t count, size_t *stride) {
    struct adamerging *a = self;
    (void)count;
    *stride = a->pass.pool->layout->size;
    return a->gradient + offset;
}

/* Every tensor's gradient against the task vectors, added up in its row. */
static void reduce(struct adamerging *a) {
    struct pool *pool = a->pass.pool;
    struct backend *b = pool->backend;
    const struct layout *l = pool->layout;
    b->zero(b, a->pass.batch->more, adamerging_count(a) * sizeof *a->pass.batch->more);
    if (a->slopes)
        factor_slopes_sum(a->slopes, a->pass.upscaling, a->gradient,
                          a->pass.upscaling->modules, pool->tasks, a->pass.batch->more);
    for (size_t i = 0; !a->slopes && i < l->parameter_count; i++) {
        const struct parameter *p = &l->parameters[i];
        size_t row = upscaling_row(a->pass.upscaling, p->offset);
        b->route_gradient(b, a->pass.batch->more + row * pool->tasks,
                          a->gradient + p->offset, l->size, 1,
                          backend_at(b, pool->vectors, p->offset), l->size, pool->tasks,
                          p->count);
    }
}

/* Forward and backward of the batch at hand: losses [tasks] and a->slope. */
static int losses_and_slope(struct adamerging *a, bool ahead, double *losses,
                            struct error *error) {
    struct pool *pool = a->pass.pool;
    struct backend *b = pool->backend;
    struct task_batch *batch = a->pass.batch;
    size_t features = model_config_features(&pool->layout->config);
    size_t n = batch->examples, whole = pool->tasks * n, count = adamerging_count(a);
    const float *given = adamerging_coefficients(a);
    double ones[POOL_TASKS_MAX];
    for (size_t t = 0; t < pool->tasks; t++)
        ones[t] = 1;
    for (size_t i = 0; i < count; i++)
        a->routing[i] = clamp(given[i]);
    unloader_merge(a->pass.unloader, a->routing, a->pass.weights);
    task_batch_embed(batch, a->pass.transformer, a->pass.weights);
    task_batch_weigh(batch, ones);
    const real *x = transformer_run(a->pass.transformer, a->pass.weights, whole);
    for (size_t t = 0; t < pool->tasks; t++)
        head_bank_entropy(a->pass.heads, t, backend_at(b, x, t * n * features), n,
                          batch->loss + t * n, batch->scale + t * n,
                          (real *)backend_at(b, a->pass.dfeatures, t * n * features));
    struct gradient_sink sink = {.self = a, .place = place, .together = true};
    transformer_backward(a->pass.transformer, a->pass.weights, a->pass.dfeatures,
                         &whole, 1, &sink);
    reduce(a);
    task_batch_fetch(batch);
    if (ahead)
        task_batch_ahead(batch);
    if (task_batch_collect(batch, losses, error))
        return -1;
    /* Where a coefficient was clamped nothing depends on it. */
    for (size_t i = 0; i < count; i++)
        a->slope[i] = given[i] < 0 || given[i] > 1 ? 0 : batch->host_more[i];
    return 0;
}

static int step(void *self, double *losses, struct error *error) {
    struct adamerging *a = self;
    const struct adamerging_options *o = &a->options;
    task_batch_next(a->pass.batch);
    if (losses_and_slope(a, a->step + 1 < o->steps, losses, error))
        return -1;
    struct adam adam = {.learning_rate = (float)o->learning_rate,
                        .beta1 = 0.9f,
                        .beta2 = 0.999f,
                        .epsilon = 1e-8f,
                        .step = a->step + 1};
    optimiser_adam(adamerging_coefficients(a), a->slope, a->first, a->second,
                   adamerging_count(a), &adam);
    a->step++;
    task_batch_done(a->pass.batch);
    return 0;
}

int adamerging_gradient(struct adamerging *a, const struct dataset *const *data,
                        size_t n, double *losses, float *gradient,
                        struct error *error) {
    if (n > a->options.batch)
        return error_set(error, "a batch that is larger than planned");
    task_batch_given(a->pass.batch, data, n);
    if (losses_and_slope(a, false, losses, error))
        return -1;
    memcpy(gradient, a->slope, adamerging_count(a) * sizeof *gradient);
    return 0;
}

/* --- the state between steps ------------------------------------------------------ */

static struct host_state state_of(struct adamerging *a) {
    return (struct host_state){.magic = "PWEADA1",
                               .step = &a->step,
                               .steps = a->options.steps,
                               .batch = a->pass.batch,
                               .tasks = a->pass.pool->tasks,
                               .parameters = adamerging_coefficients(a),
                               .first = a->first,
                               .second = a->second,
                               .count = adamerging_count(a)};
}

static int save(void *self, void **bytes, size_t *size, struct error *error) {
    struct host_state state = state_of(self);
    return host_state_save(&state, bytes, size, error);
}

static int resume(void *self, const void *bytes, size_t size, struct error *error) {
    struct host_state state = state_of(self);
    return host_state_resume(&state, bytes, size, error);
}

/* --- as a trainer ----------------------------------------------------------------- */

static unsigned step_count(const void *self) {
    return ((const struct adamerging *)self)->step;
}

static uint64_t trainable(const void *self) {
    return adamerging_count(self);
}

/* What merges read: the coefficients as they are clamped. */
static int result(void *self, void **bytes, size_t *size, struct error *error) {
    struct adamerging *a = self;
    size_t count = adamerging_count(a);
    float *given = adamerging_coefficients(a);
    memcpy(a->slope, given, count * sizeof *given);
    for (size_t i = 0; i < count; i++)
        given[i] = clamp(given[i]);
    int status = routers_to_memory(a->routers, bytes, size, error);
    memcpy(given, a->slope, count * sizeof *given);
    return status;
}

static void free_trainer(void *self) {
    adamerging_free(self);
}

struct trainer adamerging_trainer(struct adamerging *adamerging) {
    static const struct trainer_kind kind = {.doing = "training",
                                             .on_host = true,
                                             .step_count = step_count,
                                             .trainable = trainable,
                                             .step = step,
                                             .save = save,
                                             .resume = resume,
                                             .result = result,
                                             .free = free_trainer};
    return (struct trainer){&kind, adamerging};
}
