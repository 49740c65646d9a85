/* Forward and router training speed at real shapes with random weights, against the
 * rate of plain matrix products of the same shapes and, where $PYTHON has PyTorch,
 * against the same work in PyTorch (bench/gpu/torch_peer.py), in turns.
 *
 *     bench_model [--model vit-b32|vit-l14|vit-tiny] [--tasks T] [--batch N]
 *                 [--repeat N] [--device D] [--no-peer] [--small]
 *
 * Operations are counted for the matrix products and attention alone, so that what
 * norms, activations and merging cost shows as a ratio to the floor, the time that
 * these would take at the rate of a block's products. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/start.h"
#include "base/usage.h"
#include "lines.h"
#include "model/transformer.h"
#include "peer.h"
#include "shapes.h"
#include "synthetic.h"
#include "timing.h"
#include "train/distillation.h"
#include "train/router_training.h"

enum { REPEAT_MOST = 100 };

struct bench {
    struct backend *backend;
    const struct shape *shape;
    struct pool *pool;
    struct dataset *data;
    struct peer *peer;
    size_t tasks, batch, repeat;
    struct lines lines;
};

static void die(const struct error *error) {
    fprintf(stderr, "bench_model: %s\n", error->text);
    exit(1);
}

/* Seconds of one product (m, k) (n, k)^T, the least of several. */
static double product_seconds(struct backend *b, size_t m, size_t n, size_t k) {
    struct error error;
    real *x = NULL, *w = NULL, *y = NULL;
    if (synthetic_reals(b, m * k, 1, &x, &error) ||
        synthetic_reals(b, n * k, 1, &w, &error) ||
        synthetic_reals(b, m * n, 1, &y, &error))
        die(&error);
    struct matmul product = {.m = m,
                             .n = n,
                             .k = k,
                             .a = x,
                             .lda = k,
                             .b = w,
                             .ldb = k,
                             .transpose_b = true,
                             .c = y,
                             .ldc = n};
    double best = 1e9;
    for (int i = 0; i < 8; i++) {
        double start = usage_clock();
        b->matmul(b, &product);
        if (b->synchronise(b, &error))
            die(&error);
        double took = usage_clock() - start;
        best = took < best ? took : best;
    }
    b->release(b, x);
    b->release(b, w);
    b->release(b, y);
    return best;
}

/* Operations a second of the products of one block. */
static double product_rate(struct backend *b, const struct model_config *c,
                           size_t images) {
    size_t n = images * model_config_tokens(c), w = c->width, f = c->mlp_width;
    double seconds = product_seconds(b, n, 3 * w, w) + product_seconds(b, n, w, w) +
                     product_seconds(b, n, f, w) + product_seconds(b, n, w, f);
    double nd = (double)n, wd = (double)w;
    return 2 * nd * (4 * wd * wd + 2 * wd * (double)f) / seconds;
}

/* `repeat` runs that take turns with the peer's, after one each that is not counted;
 * the peer's least seconds are NaN where there is none. */
static struct timing in_turns(struct bench *s, int (*run)(void *, struct error *),
                              void *self, const char *peer, double *theirs) {
    double ours[REPEAT_MOST], others[REPEAT_MOST];
    struct error error;
    *theirs = NAN;
    for (size_t i = 0; i <= s->repeat; i++) {
        double start = usage_clock(), seconds;
        if (run(self, &error) || s->backend->synchronise(s->backend, &error))
            die(&error);
        double took = usage_clock() - start;
        if (s->peer && peer_run(s->peer, peer, 1, &seconds, &error))
            die(&error);
        /* Its threads still spin for a moment. */
        nanosleep(&(struct timespec){.tv_nsec = s->peer ? 10000000 : 0}, NULL);
        if (i > 0) {
            ours[i - 1] = took;
            others[i - 1] = seconds;
        }
    }
    if (s->peer)
        *theirs = timing_of(others, s->repeat).least;
    return timing_of(ours, s->repeat);
}

struct forward {
    const struct bench *bench;
    struct transformer *transformer;
    uint8_t *pixels;
};

/* As the peer's: a pass over the images of each task. */
static int run_forward(void *self, struct error *error) {
    (void)error;
    struct forward *f = self;
    const struct bench *s = f->bench;
    for (size_t t = 0; t < s->tasks; t++) {
        transformer_embed(f->transformer, s->pool->base, f->pixels, s->batch);
        transformer_run(f->transformer, s->pool->base, s->batch);
    }
    return 0;
}

static struct timing bench_forward(struct bench *s, double *peer) {
    struct backend *b = s->backend;
    const struct model_config *c = &s->shape->config;
    struct forward f = {.bench = s};
    struct error error;
    if (transformer_new(b, s->pool->layout, &s->pool->form.preprocess, s->batch, false,
                        &f.transformer, &error) ||
        b->allocate(b, s->batch * 3 * c->image_size * c->image_size, (void **)&f.pixels,
                    &error))
        die(&error);
    struct timing timing = in_turns(s, run_forward, &f, "forward", peer);
    b->release(b, f.pixels);
    transformer_free(f.transformer);
    return timing;
}

static int run_step(void *self, struct error *error) {
    double losses[POOL_TASKS_MAX];
    return router_training_trainer(self).kind->step(self, losses, error);
}

static struct timing bench_training(struct bench *s, enum granularity upscale,
                                    enum combine method, double *peer) {
    struct router_training_options options =
        router_training_defaults(MODEL_CLIP_VISION);
    const struct dataset *train[POOL_TASKS_MAX];
    struct router_training *t;
    struct error error;
    char name[32];
    for (size_t i = 0; i < s->tasks; i++)
        train[i] = s->data;
    options.upscale = upscale;
    options.method = method;
    options.batch = s->batch;
    if (router_training_new(s->pool, train, &options, &t, &error))
        die(&error);
    snprintf(name, sizeof name, "%s:%s", combine_name(method),
             granularity_name(upscale));
    struct timing timing = in_turns(s, run_step, t, name, peer);
    router_training_free(t);
    return timing;
}

/* Steps of a correction beside steps of routers at every module, in turns, after one
 * each that is not counted: the same images, one merged model each. */
static struct timing bench_correction(struct bench *s, double *routers) {
    struct router_training_options beside = router_training_defaults(MODEL_CLIP_VISION);
    struct distillation_options options = {
        .loss = DISTILLATION_DISTIL,
        .start = DISTILLATION_ZERO,
        .alpha = 1,
        .steps = 2 * s->repeat + 2,
        .batch = s->batch,
        .beside = UPSCALE_NONE,
        .average = 0.1,
    };
    const struct dataset *train[POOL_TASKS_MAX];
    double losses[POOL_TASKS_MAX], took[2][REPEAT_MOST];
    struct router_training *r;
    struct distillation *d;
    struct error error;
    for (size_t i = 0; i < s->tasks; i++)
        train[i] = s->data;
    beside.upscale = UPSCALE_ALL;
    beside.batch = s->batch;
    /* The correction first: it moves the pool's vectors, which routers point to. */
    if (distillation_new(s->pool, train, &options, &d, NULL, &error) ||
        router_training_new(s->pool, train, &beside, &r, &error))
        die(&error);
    struct trainer trainers[] = {distillation_trainer(d), router_training_trainer(r)};
    for (size_t i = 0; i <= s->repeat; i++)
        for (size_t k = 0; k < 2; k++) {
            double start = usage_clock();
            if (trainers[k].kind->step(trainers[k].self, losses, &error) ||
                s->backend->synchronise(s->backend, &error))
                die(&error);
            if (i > 0)
                took[k][i - 1] = usage_clock() - start;
        }
    router_training_free(r);
    distillation_free(d);
    *routers = timing_of(took[1], s->repeat).least;
    return timing_of(took[0], s->repeat);
}

static void open_peer(struct bench *s, const char *device) {
    struct error error;
    struct peer_options options = {.device = device,
                                   .shape = s->shape->name,
                                   .precision = PRECISION_F32,
                                   .tasks = s->tasks,
                                   .batch = s->batch,
                                   .images = s->batch,
                                   .threads = s->backend->threads,
                                   .parameters = shape_parameters(s->pool->layout)};
    if (peer_open(&options, &s->peer, &error))
        figures_note(&s->lines.figures, "no ratio to PyTorch: %s", error.text);
    else
        json_object_set_new(s->lines.figures.about, "peer",
                            json_string(peer_name(s->peer)));
}

/* Least milliseconds, as times of one machine are compared by their least. */
static void add_time(struct bench *s, const char *name, const struct timing *timing,
                     double floor, double peer, const char *peer_name) {
    struct figure figure = {.shape = s->shape->name,
                            .precision = "f32",
                            .value = 1e3 * timing->least,
                            .unit = "ms",
                            .floor = 1e3 * floor,
                            .floor_unit = "ms",
                            .peer = 1e3 * peer,
                            .peer_name = peer_name,
                            .repeats = timing->repeats,
                            .spread = timing->spread};
    snprintf(figure.name, sizeof figure.name, "%s", name);
    lines_add(&s->lines, &figure);
}

static void bench_all(struct bench *s) {
    double images = (double)(s->tasks * s->batch), peer;
    const struct model_config *config = &s->shape->config;
    double rate = product_rate(s->backend, config, s->tasks * s->batch);
    struct timing forward = bench_forward(s, &peer);
    add_time(s, "forward", &forward,
             images * shape_forward_operations(config, true) / rate, peer, NULL);
    for (int g = UPSCALE_MLP; g <= UPSCALE_ALL; g++) {
        enum granularity granularity = (enum granularity)g;
        double floor = images * shape_step_operations(config, granularity) / rate;
        static const enum combine methods[] = {COMBINE_LS, COMBINE_EPO};
        for (int m = 0; m < 2; m++) {
            char name[64];
            struct timing step = bench_training(s, granularity, methods[m], &peer);
            snprintf(name, sizeof name, "router step, %s, %s",
                     granularity_name(granularity), combine_name(methods[m]));
            add_time(s, name, &step, floor, peer, NULL);
        }
    }
    struct timing correction = bench_correction(s, &peer);
    add_time(s, "correction's step", &correction, NAN, peer, "router step, all");
}

int main(int argc, char **argv) {
    start_process(argv, NULL); /* as the programs do */
    struct bench s = {.tasks = 2, .batch = 8, .repeat = 3};
    lines_begin(&s.lines, "model", &argc, argv);
    const char *model = s.lines.small ? "tiny" : "vit-b32", *device = "cpu";
    if (s.lines.small)
        s.batch = s.repeat = 1;
    int with_peer = !s.lines.small;
    const struct option options[] = {{"model", 1, 0, 'm'},
                                     {"tasks", 1, 0, 't'},
                                     {"batch", 1, 0, 'b'},
                                     {"repeat", 1, 0, 'r'},
                                     {"device", 1, 0, 'd'},
                                     {"no-peer", 0, &with_peer, 0},
                                     {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 0:
            break;
        case 'm':
            model = optarg;
            break;
        case 't':
            s.tasks = strtoul(optarg, NULL, 10);
            break;
        case 'b':
            s.batch = strtoul(optarg, NULL, 10);
            break;
        case 'r':
            s.repeat = strtoul(optarg, NULL, 10);
            break;
        case 'd':
            device = optarg;
            break;
        default:
            return 2;
        }
    }
    struct error error;
    s.shape = shape_find(model, &error);
    if (!s.shape)
        die(&error);
    if (s.tasks < 1 || s.tasks > POOL_TASKS_MAX || s.batch < 1 || s.repeat < 1 ||
        s.repeat > REPEAT_MOST) {
        fprintf(stderr, "bench_model: usage: see the head of bench_model.c\n");
        return 2;
    }
    if (backend_open(device, PRECISION_F32, 0, &s.backend, NULL, &error) ||
        synthetic_pool(s.backend, s.shape, s.tasks, &s.pool, &error))
        die(&error);
    s.data = synthetic_dataset(s.shape->config.image_size, 4 * s.batch);
    if (!s.data)
        die(&(struct error){.text = "out of memory"});
    json_object_set_new(s.lines.figures.about, "tasks",
                        json_integer((json_int_t)s.tasks));
    json_object_set_new(s.lines.figures.about, "images_of_a_task",
                        json_integer((json_int_t)s.batch));
    if (with_peer)
        open_peer(&s, device);
    bench_all(&s);
    peer_close(s.peer);
    int status = lines_end(&s.lines, s.backend);
    dataset_close(s.data);
    pool_close(s.pool);
    backend_close(s.backend);
    return status;
}
