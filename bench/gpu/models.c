/* Whole models: forward passes, and steps of training routers. */
#include <math.h>
#include <stdio.h>

#include "../synthetic.h"
#include "base/usage.h"
#include "bench.h"
#include "machine.h"
#include "model/transformer.h"
#include "train/router_training.h"

static const double mib = 1024.0 * 1024.0;

/* --- forward ----------------------------------------------------------------- */

struct forward {
    struct bench *s;
    struct transformer *transformer;
    uint8_t *pixels;
    size_t batches, images;
};

static int run_forward(void *self, struct error *error) {
    (void)error;
    struct forward *f = self;
    const struct pool *pool = f->s->pool;
    for (size_t i = 0; i < f->batches; i++) {
        transformer_embed(f->transformer, pool->base, f->pixels, f->images);
        transformer_run(f->transformer, pool->base, f->images);
    }
    return 0;
}

/* batches passes of so many images each. */
static int measure_forward(struct bench *s, size_t batches, size_t images,
                           const char *peer, struct error *error) {
    struct backend *b = s->backend;
    const struct model_config *c = &s->shape->config;
    struct forward f = {.s = s, .batches = batches, .images = images};
    struct bench_times times;
    char name[64];
    int result = -1;
    snprintf(name, sizeof name, "forward, %zu x %zu images", batches, images);
    if (transformer_new(b, s->pool->layout, &s->pool->form.preprocess, images, false,
                        &f.transformer, error))
        return -1;
    double operations = (double)(batches * images) * shape_forward_operations(c, true);
    if (b->allocate(b, images * 3 * c->image_size * c->image_size, (void **)&f.pixels,
                    error) == 0 &&
        bench_measure(s,
                      &(struct bench_what){.name = name,
                                           .run = run_forward,
                                           .self = &f,
                                           .peer = peer,
                                           .queued = true},
                      &times, error) == 0)
        result = bench_add_time(s, name, &times, operations / s->product_rate, error);
    b->release(b, f.pixels);
    transformer_free(f.transformer);
    return result;
}

int bench_forward(struct bench *s, struct error *error) {
    return measure_forward(s, s->tasks, s->images, "forward", error) ||
                   measure_forward(s, 1, s->tasks * s->images, NULL, error)
               ? -1
               : 0;
}

/* --- how long the host waits for the device ---------------------------------- */

/* The backend's own functions, while those below stand in their place. */
static struct {
    int (*synchronise)(struct backend *, struct error *);
    int (*download)(struct backend *, void *, const void *, size_t, struct error *);
    int (*wait)(struct backend *, backend_ticket, struct error *);
    double waited;
} original;

static int waiting_synchronise(struct backend *b, struct error *error) {
    double start = usage_clock();
    int result = original.synchronise(b, error);
    original.waited += usage_clock() - start;
    return result;
}

static int waiting_download(struct backend *b, void *host, const void *device,
                            size_t bytes, struct error *error) {
    double start = usage_clock();
    int result = original.download(b, host, device, bytes, error);
    original.waited += usage_clock() - start;
    return result;
}

/* --- steps ------------------------------------------------------------------- */

struct steps {
    struct router_training *training;
    double losses[POOL_TASKS_MAX];
};

static int run_step(void *self, struct error *error) {
    struct steps *t = self;
    return router_training_trainer(t->training)
        .kind->step(t->training, t->losses, error);
}

static int waiting_wait(struct backend *b, backend_ticket ticket, struct error *error) {
    double start = usage_clock();
    int result = original.wait(b, ticket, error);
    original.waited += usage_clock() - start;
    return result;
}

/* The part of a step's time in which the host does not wait for the device: on a
 * device with memory of its own, what a recording or a faster host could save. */
static int measure_host(struct bench *s, struct steps *t, const char *name,
                        struct error *error) {
    enum { STEPS = 5 };
    struct backend *b = s->backend;
    char title[96];
    int result = 0;
    original.synchronise = b->synchronise;
    original.download = b->download;
    original.wait = b->wait;
    original.waited = 0;
    b->synchronise = waiting_synchronise;
    b->download = waiting_download;
    if (b->wait)
        b->wait = waiting_wait;
    double start = usage_clock();
    for (int i = 0; result == 0 && i < STEPS; i++)
        result = run_step(t, error);
    double took = usage_clock() - start;
    b->synchronise = original.synchronise;
    b->download = original.download;
    b->wait = original.wait;
    snprintf(title, sizeof title, "host's share, %s", name);
    return result ? -1
                  : bench_add_value(s, title, 100 * (1 - original.waited / took), "%",
                                    NAN, error);
}

/* Device memory that is held while training, and what the layout says. */
static int add_memory(struct bench *s, const char *name, size_t groups,
                      struct error *error) {
    struct backend *b = s->backend;
    size_t now, peak;
    char title[96];
    struct shape_use use = {.tasks = s->tasks,
                            .real = b->real_size,
                            .batch = s->batch,
                            .images = s->images,
                            .batches = b->pin ? 2 : 1,
                            .gathers = b->gathers,
                            .groups = groups};
    b->memory_use(b, &now, &peak);
    snprintf(title, sizeof title, "memory, %s", name);
    if (bench_add_value(s, title, (double)now / mib, "MiB",
                        shape_memory_of(s->pool->layout, &use).training / mib, error))
        return -1;
    double card = machine_memory_used(b);
    if (isnan(card) || s->peer)
        return 0;
    snprintf(title, sizeof title, "card's memory in use, %s", name);
    return bench_add_value(s, title, card, "MiB", NAN, error);
}

static double step_floor(const struct bench *s, const struct upscaling *upscaling,
                         size_t groups) {
    double images = (double)(s->tasks * s->batch), tasks = (double)s->tasks;
    double element = (double)s->backend->real_size;
    double merge = (tasks + 2) * (double)s->pool->layout->size * element;
    double route = (double)shape_steered(upscaling) *
                   (tasks * element + (double)groups * sizeof(float));
    return images * shape_step_operations(&s->shape->config, upscaling->granularity) /
               s->product_rate +
           (merge + route) / s->copy_rate;
}

static int measure_step(struct bench *s, const struct dataset *const *train,
                        enum combine method, struct upscaling *upscaling,
                        double *seconds, struct error *error) {
    struct router_training_options options =
        router_training_defaults(MODEL_CLIP_VISION);
    struct steps t = {0};
    struct bench_times times;
    enum granularity granularity = upscaling->granularity;
    size_t groups = combine_per_task(method) ? s->tasks : 1;
    char name[40], peer[32];
    options.method = method;
    options.upscale = granularity;
    options.batch = s->batch;
    snprintf(name, sizeof name, "%s step, %s", combine_name(method),
             granularity_name(granularity));
    snprintf(peer, sizeof peer, "%s:%s", combine_name(method),
             granularity_name(granularity));
    if (router_training_new(s->pool, train, &options, &t.training, error))
        return error_prefix(error, "%s", name);
    int result = -1;
    if (run_step(&t, error))
        goto done;
    /* The first of all, so that the peer's memory is not on the card yet. */
    if (granularity == UPSCALE_ATTN_MLP && add_memory(s, name, groups, error))
        goto done;
    bench_start_peer(s);
    if (bench_measure(
            s,
            &(struct bench_what){.name = name,
                                 .run = run_step,
                                 .self = &t,
                                 .peer = method == COMBINE_MGDA ? NULL : peer},
            &times, error) ||
        bench_add_time(s, name, &times, step_floor(s, upscaling, groups), error))
        goto done;
    *seconds = times.ours.median;
    result = measure_host(s, &t, name, error);
done:
    router_training_free(t.training);
    return result;
}

/* All methods at one granularity. */
static int measure_granularity(struct bench *s, const struct dataset *const *train,
                               enum granularity granularity, struct error *error) {
    static const enum combine methods[] = {COMBINE_LS, COMBINE_EPO, COMBINE_MGDA};
    struct upscaling *upscaling;
    double seconds[3];
    char name[64];
    int result = 0;
    if (upscaling_new(s->pool->layout, granularity, &upscaling, error))
        return -1;
    for (size_t i = 0; result == 0 && i < 3; i++)
        result = measure_step(s, train, methods[i], upscaling, &seconds[i], error);
    for (size_t i = 0; result == 0 && i < 3; i++) {
        snprintf(name, sizeof name, "4,000 %s steps, %s, by that",
                 combine_name(methods[i]), granularity_name(granularity));
        result = bench_add_value(s, name, 4000 * seconds[i], "s", NAN, error);
    }
    for (size_t i = 1; result == 0 && i < 3; i++) {
        snprintf(name, sizeof name, "%s step to ls step, %s", combine_name(methods[i]),
                 granularity_name(granularity));
        result = bench_add_value(s, name, seconds[i] / seconds[0], "times", NAN, error);
    }
    upscaling_free(upscaling);
    return result;
}

int bench_steps(struct bench *s, struct error *error) {
    /* attn+mlp first: its memory is looked at before the peer takes some. */
    static const enum granularity order[] = {UPSCALE_ATTN_MLP, UPSCALE_MLP,
                                             UPSCALE_ALL};
    struct dataset *data = synthetic_dataset(s->shape->config.image_size, 4 * s->batch);
    const struct dataset *train[POOL_TASKS_MAX];
    if (!data)
        return error_memory(error);
    for (size_t t = 0; t < s->tasks; t++)
        train[t] = data;
    int result = 0;
    for (size_t i = 0; result == 0 && i < 3; i++)
        result = measure_granularity(s, train, order[i], error);
    dataset_close(data);
    return result;
}
