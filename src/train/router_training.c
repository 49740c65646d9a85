#include "train/router_training.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "train/factor_slopes.h"
#include "train/host_state.h"
#include "train/hypervolume.h"
#include "train/merged_pass.h"
#include "train/optimiser.h"
#include "train/sharing.h"

struct router_training {
    struct router_training_options options;
    struct merged_pass pass;
    struct routers *routers;
    struct random random; /* of the preferences */
    unsigned step;
    size_t groups;     /* gradients kept apart in a step: 1 or tasks */
    size_t group_room; /* groups there is device memory for */
    bool merged;       /* before what is recorded */

    /* (groups, region_size) gradient of one region of the arena, or of all of a module
     * where the backend gathers: `pending` is then the row of the module that lies
     * there and was not reduced yet, or that of no module. */
    float *region;
    size_t region_size, pending;
    /* batch->more: (modules, groups, tasks) d losses / d routing weights. */

    struct factor_slopes *slopes; /* where the pool has factors; else NULL */
    struct sharing sharing;

    float *routing;   /* (upscaling->rows, tasks) */
    float *dweights;  /* (modules, tasks) of one group */
    float *gradients; /* (tasks, routers->count) */
    float *first, *second;
    double *preference, *losses, *gram, *mix; /* mix: weights of the gradients */
    /* Models of a step. There are as many of preference, losses, mix and gradients, one
     * behind the other. */
    size_t rays;
};

struct router_training_options router_training_defaults(enum model_kind kind) {
    bool gpt2 = kind == MODEL_GPT2;
    return (struct router_training_options){.method = COMBINE_LS,
                                            .smoothing = 0.1,
                                            .rays = 4,
                                            .upscale = UPSCALE_ATTN_MLP,
                                            .layers = 2,
                                            .lambda = 0.3,
                                            .alpha = 1,
                                            .learning_rate = 0.01,
                                            .weight_decay = gpt2 ? 0.01 : 0,
                                            .steps = gpt2 ? 2000 : 4000,
                                            .batch = 16};
}

/* --- the sink: gradients against the task vectors, by region or by module ------- */

static void reduce(struct router_training *t, size_t row, size_t offset, size_t count) {
    struct pool *pool = t->pass.pool;
    struct backend *b = pool->backend;
    b->route_gradient(b, t->pass.batch->more + row * t->groups * pool->tasks, t->region,
                      t->region_size, t->groups, backend_at(b, pool->vectors, offset),
                      pool->layout->size, pool->tasks, count);
}

static const struct module *module_of(const struct router_training *t, size_t row) {
    return &t->pass.pool->layout->modules[t->pass.upscaling->module[row]];
}

/* What lies between a module's parameters is 0 in the task vectors. */
static void reduce_pending(struct router_training *t) {
    size_t none = t->pass.upscaling->modules;
    if (t->pending != none)
        reduce(t, t->pending, module_of(t, t->pending)->begin,
               module_of(t, t->pending)->count);
    t->pending = none;
}

static float *place_region(void *self, size_t offset, size_t count, size_t *stride) {
    struct router_training *t = self;
    size_t row = upscaling_row(t->pass.upscaling, offset);
    (void)count;
    if (row == t->pass.upscaling->modules || t->slopes) /* factors have no rest */
        return NULL;
    *stride = t->region_size;
    if (!t->pass.pool->backend->gathers)
        return t->region;
    if (row != t->pending) /* a module's regions come one after the other */
        reduce_pending(t);
    t->pending = row;
    return t->region + (offset - module_of(t, row)->begin);
}

static void reduce_region(void *self, size_t offset, size_t count) {
    struct router_training *t = self;
    if (!t->pass.pool->backend->gathers)
        reduce(t, upscaling_row(t->pass.upscaling, offset), offset, count);
}

static void reduce_product(void *self, const struct gradient_product *product) {
    struct router_training *t = self;
    factor_slopes_add(t->slopes, t->pass.upscaling, product, t->region,
                      t->pass.batch->more);
}

/* --- making and freeing --------------------------------------------------------- */

static int allocate_host(struct router_training *t) {
    size_t tasks = t->pass.pool->tasks, modules = t->pass.upscaling->modules;
    size_t count = t->routers->count;
    t->routing = array_new(t->pass.upscaling->rows * tasks, sizeof *t->routing);
    t->dweights = array_new(modules * tasks, sizeof *t->dweights);
    t->gradients = array_new(t->rays * tasks * count, sizeof *t->gradients);
    t->first = array_new(count, sizeof *t->first);
    t->second = array_new(count, sizeof *t->second);
    t->preference = array_new(t->rays * tasks, sizeof *t->preference);
    t->losses = array_new(t->rays * tasks, sizeof *t->losses);
    t->gram = array_new(tasks * tasks, sizeof *t->gram);
    t->mix = array_new(t->rays * tasks, sizeof *t->mix);
    return t->routing && t->dweights && t->gradients && t->first && t->second &&
                   t->preference && t->losses && t->gram && t->mix
               ? 0
               : -1;
}

static int allocate_device(struct router_training *t, struct error *error) {
    struct backend *b = t->pass.pool->backend;
    const struct layout *l = t->pass.pool->layout;
    size_t largest = transformer_largest_region(l);
    for (size_t row = 0; b->gathers && row < t->pass.upscaling->modules; row++)
        if (module_of(t, row)->count > largest)
            largest = module_of(t, row)->count;
    t->pending = t->pass.upscaling->modules;
    t->region_size = (largest + LAYOUT_ALIGN - 1) / LAYOUT_ALIGN * LAYOUT_ALIGN;
    return b->allocate(b, t->group_room * t->region_size * sizeof(float),
                       (void **)&t->region, error);
}

int router_training_new(struct pool *pool, const struct dataset *const *train,
                        const struct router_training_options *options,
                        struct router_training **out, struct error *error) {
    struct router_training *t = array_new(1, sizeof *t);
    if (!t)
        return error_memory(error);
    t->options = *options;
    t->pass.pool = pool;
    t->sharing.ranks = options->ranks;
    t->sharing.work = options->work;
    t->rays = options->method == COMBINE_HV ? (size_t)options->rays : 1;
    t->group_room = combine_per_task(options->method) ? pool->tasks : 1;
    random_seed(&t->random, options->seed, 1);
    size_t first, count;
    if (sharing_part(options->ranks, (size_t)options->batch, &first, &count, error) ||
        merged_pass_open(&t->pass, pool, train, options->upscale, count, t->group_room,
                         options->seed, error))
        goto failed;
    task_batch_share(t->pass.batch, (size_t)options->batch, first);
    struct random random;
    random_seed(&random, options->seed, 2);
    if (routers_new(options->upscale, (unsigned)options->layers,
                    t->pass.upscaling->modules, pool->tasks, (float)options->lambda,
                    &random, &t->routers, error) ||
        allocate_device(t, error) ||
        (pool->factors && factor_slopes_new(pool->factors, &t->slopes, error)) ||
        sharing_open(&t->sharing,
                     t->pass.upscaling->modules * t->group_room * pool->tasks,
                     pool->tasks, error))
        goto failed;
    if (allocate_host(t)) {
        error_memory(error);
        goto failed;
    }
    *out = t;
    return 0;
failed:
    router_training_free(t);
    return -1;
}

void router_training_free(struct router_training *t) {
    if (!t)
        return;
    struct backend *b = t->pass.pool->backend;
    factor_slopes_free(t->slopes);
    merged_pass_close(&t->pass);
    b->release(b, t->region);
    routers_free(t->routers);
    void *arrays[] = {t->routing,    t->dweights, t->gradients, t->first, t->second,
                      t->preference, t->losses,   t->gram,      t->mix};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    sharing_close(&t->sharing);
    free(t);
}

/* --- a step ----------------------------------------------------------------------- */

/* From the routing weights and the batch, both on the device, to the losses and
 * batch->more there. */
static void forward_backward(void *self) {
    struct router_training *t = self;
    struct pool *pool = t->pass.pool;
    struct backend *b = pool->backend;
    struct task_batch *batch = t->pass.batch;
    size_t tasks = pool->tasks, n = batch->examples;
    size_t features = model_config_features(&pool->layout->config);
    size_t group_images[POOL_TASKS_MAX];
    for (size_t i = 0; i < t->groups; i++)
        group_images[i] = t->groups == 1 ? tasks * n : n;
    transformer_follow(t->pass.transformer, NULL);
    if (!t->merged)
        merged_pass_merge(&t->pass);
    task_batch_embed(batch, t->pass.transformer, t->pass.weights);
    const real *x = transformer_run(t->pass.transformer, t->pass.weights, tasks * n);
    for (size_t i = 0; i < tasks; i++)
        head_bank_loss(t->pass.heads, i, backend_at(b, x, i * n * features), n,
                       batch->labels + i * n, batch->loss + i * n, batch->scale + i * n,
                       (real *)backend_at(b, t->pass.dfeatures, i * n * features));
    struct gradient_sink sink = {.self = t,
                                 .place = place_region,
                                 .ready = reduce_region,
                                 .product = t->slopes ? reduce_product : NULL,
                                 .together = b->gathers,
                                 .lowest = t->pass.upscaling->lowest};
    b->zero(b, batch->more,
            t->pass.upscaling->modules * t->groups * tasks * sizeof(float));
    transformer_backward(t->pass.transformer, t->pass.weights, t->pass.dfeatures,
                         group_images, t->groups, &sink);
    reduce_pending(t);
}

static bool heads_follow(const struct pool *pool) {
    bool any = false;
    for (size_t i = 0; i < pool->tasks; i++)
        any = any || pool_head_follows(pool, i);
    return any;
}

/* The batch's numbers, of all ranks where there are more: losses and (modules, groups,
 * tasks), for put_dweights. */
static int collect(struct router_training *t, int result, double *losses,
                   struct error *error) {
    size_t numbers = t->pass.upscaling->modules * t->groups * t->pass.pool->tasks;
    if (result == 0)
        result = task_batch_collect(t->pass.batch, losses, error);
    return t->sharing.ranks ? sharing_add(&t->sharing, result, t->pass.batch->host_more,
                                          numbers, losses, error)
                            : result;
}

/* (tasks) of one module and group, as collect left them. */
static void put_dweights(const struct router_training *t, size_t at, float *to) {
    size_t tasks = t->pass.pool->tasks;
    for (size_t i = 0; i < tasks; i++)
        to[i] = t->sharing.ranks ? (float)t->sharing.sums[at * tasks + i]
                                 : t->pass.batch->host_more[at * tasks + i];
}

/* Forward and backward of the batch at hand, at a preference: losses [tasks] and
 * gradients [groups, count]. ahead: the next batch is drawn meanwhile. */
static int losses_and_gradients(struct router_training *t, const double *preference,
                                size_t groups, bool ahead, double *losses,
                                float *gradients, struct error *error) {
    struct pool *pool = t->pass.pool;
    struct task_batch *batch = t->pass.batch;
    size_t tasks = pool->tasks, modules = t->pass.upscaling->modules;
    double ones[POOL_TASKS_MAX];
    for (size_t i = 0; i < tasks; i++)
        ones[i] = 1;
    t->groups = groups;
    routers_forward(t->routers, preference, t->routing);
    upscaling_put_text(t->pass.upscaling, preference, tasks, t->routing);
    unloader_put(t->pass.unloader, t->routing);
    t->merged = heads_follow(pool); /* they are made of the merged model */
    if (t->merged) {
        unloader_merge_put(t->pass.unloader, t->pass.weights);
        if (pool_put_heads(pool, t->pass.weights, t->pass.heads, error))
            return collect(t, -1, losses, error);
    }
    task_batch_weigh(batch, groups == 1 ? preference : ones);
    task_batch_run(batch, (unsigned)groups, forward_backward, t);
    task_batch_fetch(batch);
    if (ahead)
        task_batch_ahead(batch);
    if (collect(t, 0, losses, error))
        return -1;
    for (size_t g = 0; g < groups; g++) {
        for (size_t m = 0; m < modules; m++)
            put_dweights(t, m * groups + g, t->dweights + m * tasks);
        routers_backward(t->routers, preference, t->dweights,
                         gradients + g * t->routers->count);
    }
    return 0;
}

/* t->mix of the tasks' gradients, or of those of several models. */
static int find_mix(struct router_training *t, struct error *error) {
    size_t tasks = t->pass.pool->tasks, count = t->routers->count;
    const float *g = t->gradients;
    if (t->options.method == COMBINE_HV)
        return hypervolume_weights(t->losses, t->preference, t->rays, tasks, t->mix,
                                   error);
    for (size_t i = 0; i < tasks; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t k = 0; k < count; k++)
                sum += (double)g[i * count + k] * g[j * count + k];
            t->gram[i * tasks + j] = t->gram[j * tasks + i] = sum;
        }
    }
    return combine_weights(t->options.method, t->options.smoothing, t->gram, t->losses,
                           t->preference, tasks, t->mix, error);
}

/* All of t->gradients to one gradient, in the place of the first. */
static int mix_gradients(struct router_training *t, struct error *error) {
    size_t rows = t->rays * t->pass.pool->tasks, count = t->routers->count;
    float *g = t->gradients;
    if (find_mix(t, error))
        return -1;
    for (size_t k = 0; k < count; k++) {
        double sum = 0;
        for (size_t i = 0; i < rows; i++)
            sum += t->mix[i] * g[i * count + k];
        g[k] = (float)sum;
    }
    return 0;
}

/* t->losses and t->gradients of every model of a step. */
static int run_rays(struct router_training *t, struct error *error) {
    size_t tasks = t->pass.pool->tasks, each = t->group_room * t->routers->count;
    for (size_t ray = 0; ray < t->rays; ray++) {
        bool ahead = ray + 1 == t->rays && t->step + 1 < t->options.steps;
        if (losses_and_gradients(t, t->preference + ray * tasks, t->group_room, ahead,
                                 t->losses + ray * tasks, t->gradients + ray * each,
                                 error))
            return -1;
    }
    return 0;
}

/* What is recorded of a step: the mean over its models. */
static void record_losses(const struct router_training *t, double *losses) {
    size_t tasks = t->pass.pool->tasks;
    memset(losses, 0, tasks * sizeof *losses);
    for (size_t i = 0; i < t->rays * tasks; i++)
        losses[i % tasks] += t->losses[i] / (double)t->rays;
}

static bool asked(const void *self) {
    return ((const struct router_training *)self)->sharing.asked;
}

static unsigned step_count(const void *self) {
    return ((const struct router_training *)self)->step;
}

const struct routers *router_training_routers(const struct router_training *t) {
    return t->routers;
}

static int step(void *self, double *losses, struct error *error) {
    struct router_training *t = self;
    const struct router_training_options *o = &t->options;
    struct random random = t->random;
    size_t tasks = t->pass.pool->tasks;
    for (size_t ray = 0; ray < t->rays; ray++)
        random_dirichlet(&random, o->alpha, tasks, t->preference + ray * tasks);
    task_batch_next(t->pass.batch);
    if (run_rays(t, error))
        return -1;
    if (t->group_room > 1 && mix_gradients(t, error))
        return -1;
    struct adam adam = {.learning_rate = (float)optimiser_cosine(
                            o->learning_rate, 0.1, 0, t->step, (unsigned)o->steps),
                        .beta1 = 0.9f,
                        .beta2 = 0.999f,
                        .epsilon = 1e-8f,
                        .weight_decay = (float)o->weight_decay,
                        .step = t->step + 1};
    optimiser_adam(t->routers->parameters, t->gradients, t->first, t->second,
                   t->routers->count, &adam);
    t->step++;
    t->random = random;
    task_batch_done(t->pass.batch);
    record_losses(t, losses);
    return 0;
}

int router_training_gradients(struct router_training *t, const double *preference,
                              const struct dataset *const *data, size_t n,
                              size_t groups, double *losses, float *gradients,
                              struct error *error) {
    if (n > t->pass.batch->batch || (groups != 1 && groups != t->group_room))
        return error_set(error, "a batch or a number of groups that was not planned");
    task_batch_given(t->pass.batch, data, n);
    int result =
        losses_and_gradients(t, preference, groups, false, losses, t->gradients, error);
    if (result == 0)
        memcpy(gradients, t->gradients, groups * t->routers->count * sizeof *gradients);
    return result;
}

void router_training_way(struct router_training *t, enum factor_way way) {
    factor_slopes_force(t->slopes, way);
}

int router_training_set_routers(struct router_training *t,
                                const struct routers *routers, struct error *error) {
    if (routers->granularity != t->routers->granularity ||
        routers->layers != t->routers->layers ||
        routers->modules != t->routers->modules || routers->tasks != t->routers->tasks)
        return error_set(error, "these routers have another shape");
    memcpy(t->routers->parameters, routers->parameters,
           routers->count * sizeof *routers->parameters);
    t->routers->lambda = routers->lambda;
    return 0;
}

/* --- the state between steps ------------------------------------------------------ */

static struct host_state state_of(struct router_training *t) {
    return (struct host_state){.magic = "PWERTR1",
                               .step = &t->step,
                               .steps = t->options.steps,
                               .batch = t->pass.batch,
                               .tasks = t->pass.pool->tasks,
                               .parameters = t->routers->parameters,
                               .first = t->first,
                               .second = t->second,
                               .count = t->routers->count,
                               .random = &t->random};
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

static uint64_t trainable(const void *self) {
    const struct router_training *t = self;
    return t->routers->count;
}

static int result(void *self, void **bytes, size_t *size, struct error *error) {
    const struct router_training *t = self;
    return routers_to_memory(t->routers, bytes, size, error);
}

static void free_trainer(void *self) {
    router_training_free(self);
}

struct trainer router_training_trainer(struct router_training *t) {
    static const struct trainer_kind kind = {.doing = "training",
                                             .on_host = true,
                                             .step_count = step_count,
                                             .trainable = trainable,
                                             .step = step,
                                             .asked = asked,
                                             .save = save,
                                             .resume = resume,
                                             .result = result,
                                             .free = free_trainer};
    return (struct trainer){&kind, t};
}
