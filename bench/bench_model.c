/* Forward and router training speed at real shapes with random weights, against the
 * rate of plain matrix products of the same shapes measured in the same run.
 *
 *     bench_model [--model vit-b32|vit-tiny] [--tasks T] [--batch N] [--repeat N]
 *                 [--device D]
 *
 * Operations are counted for the matrix products and attention alone, so that what
 * norms, activations and merging cost shows as a ratio below 1. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/random.h"
#include "model/transformer.h"
#include "train/router_training.h"

struct bench {
    struct backend *backend;
    struct pool pool;
    size_t tasks, batch, repeat;
    struct dataset *data;
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void die(const struct error *error) {
    fprintf(stderr, "bench_model: %s\n", error->text);
    exit(1);
}

static float *random_array(size_t count, float scale, uint64_t seed) {
    float *values = array_new(count, sizeof *values);
    struct random random;
    random_seed(&random, seed, 0);
    for (size_t i = 0; values && i < count; i++)
        values[i] = scale * (float)(random_uniform(&random) - 0.5);
    return values;
}

static real *upload_random(struct backend *b, size_t count, float scale) {
    struct error error;
    real *device;
    float *host = random_array(count, scale, count);
    if (!host || b->allocate(b, count * b->real_size, (void **)&device, &error))
        die(&error);
    b->upload_real(b, device, host, count);
    free(host);
    return device;
}

/* Operations of one image's forward pass. */
static double forward_operations(const struct model_config *c) {
    double n = (double)model_config_tokens(c), w = (double)c->width;
    double f = (double)c->mlp_width, p = (double)(c->patch_size * c->patch_size * 3);
    double block = 2 * n * (4 * w * w + 2 * w * f) + 4 * n * n * w;
    return (double)c->layers * block + 2 * (n - 1) * p * w;
}

/* Seconds of one product (m, k) (n, k)^T, the median of several. */
static double product_seconds(struct backend *b, size_t m, size_t n, size_t k) {
    struct error error;
    real *x = upload_random(b, m * k, 1), *w = upload_random(b, n * k, 1);
    real *y = upload_random(b, m * n, 1);
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
        double start = now();
        b->matmul(b, &product);
        if (b->synchronise(b, &error))
            die(&error);
        double took = now() - start;
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

static double bench_forward(struct bench *s) {
    struct backend *b = s->backend;
    const struct model_config *c = &s->pool.layout->config;
    struct transformer *t;
    struct error error;
    size_t images = s->tasks * s->batch;
    if (transformer_new(b, s->pool.layout, &s->pool.preprocess, images, false, &t,
                        &error))
        die(&error);
    uint8_t *pixels;
    if (b->allocate(b, images * 3 * c->image_size * c->image_size, (void **)&pixels,
                    &error))
        die(&error);
    double best = 1e9;
    for (size_t i = 0; i < s->repeat; i++) {
        double start = now();
        transformer_embed(t, s->pool.base, pixels, images);
        transformer_run(t, s->pool.base, images);
        if (b->synchronise(b, &error))
            die(&error);
        double took = now() - start;
        best = took < best ? took : best;
    }
    b->release(b, pixels);
    transformer_free(t);
    return best;
}

static double bench_training(struct bench *s, enum granularity upscale,
                             enum combine method) {
    struct router_training_options options = router_training_defaults();
    const struct dataset *train[POOL_TASKS_MAX];
    struct router_training *t;
    struct error error;
    double losses[POOL_TASKS_MAX], best = 1e9;
    for (size_t i = 0; i < s->tasks; i++)
        train[i] = s->data;
    options.upscale = upscale;
    options.method = method;
    options.batch = s->batch;
    if (router_training_new(&s->pool, train, &options, &t, &error))
        die(&error);
    for (size_t i = 0; i < s->repeat; i++) {
        double start = now();
        if (router_training_step(t, losses, &error))
            die(&error);
        double took = now() - start;
        best = took < best ? took : best;
    }
    router_training_free(t);
    return best;
}

static void make_pool(struct bench *s, const struct model_config *config) {
    struct error error;
    struct pool *p = &s->pool;
    p->backend = s->backend;
    p->tasks = s->tasks;
    if (preprocess_read(NULL, config->kind == MODEL_CLIP_VISION, config->image_size,
                        &p->preprocess, &error) ||
        layout_new(config, NULL, &p->layout, &error))
        die(&error);
    p->base = upload_random(s->backend, p->layout->size, 0.05f);
    p->vectors = upload_random(s->backend, p->layout->size * s->tasks, 0.005f);
    p->heads = array_new(s->tasks, sizeof *p->heads);
    size_t features = model_config_features(config);
    for (size_t t = 0; t < s->tasks; t++)
        p->heads[t] = (struct head){.classes = 10,
                                    .features = features,
                                    .weight = random_array(10 * features, 1, t)};
    struct dataset *d = s->data = array_new(1, sizeof *d);
    d->count = 64;
    d->classes = 10;
    d->size = config->image_size;
    d->pixels = array_new(d->count, 3 * d->size * d->size);
    d->labels = array_new(d->count, sizeof *d->labels);
}

static const struct {
    const char *name;
    struct model_config config;
} models[] = {{"vit-b32",
               {.kind = MODEL_CLIP_VISION,
                .layers = 12,
                .width = 768,
                .heads = 12,
                .mlp_width = 3072,
                .image_size = 224,
                .patch_size = 32,
                .channels = 3,
                .projection = 512,
                .epsilon = 1e-5f,
                .activation = ACTIVATION_QUICK_GELU,
                .qkv_bias = true,
                .pre_norm = true}},
              {"vit-l14",
               {.kind = MODEL_CLIP_VISION,
                .layers = 24,
                .width = 1024,
                .heads = 16,
                .mlp_width = 4096,
                .image_size = 224,
                .patch_size = 14,
                .channels = 3,
                .projection = 768,
                .epsilon = 1e-5f,
                .activation = ACTIVATION_QUICK_GELU,
                .qkv_bias = true,
                .pre_norm = true}},
              {"vit-tiny",
               {.kind = MODEL_VIT,
                .layers = 12,
                .width = 192,
                .heads = 3,
                .mlp_width = 768,
                .image_size = 96,
                .patch_size = 16,
                .channels = 3,
                .epsilon = 1e-6f,
                .activation = ACTIVATION_GELU,
                .qkv_bias = true,
                .patch_bias = true}}};

int main(int argc, char **argv) {
    struct bench s = {.tasks = 2, .batch = 8, .repeat = 3};
    const char *model = "vit-b32", *device = "cpu";
    static const struct option options[] = {
        {"model", 1, 0, 'm'},  {"tasks", 1, 0, 't'},  {"batch", 1, 0, 'b'},
        {"repeat", 1, 0, 'r'}, {"device", 1, 0, 'd'}, {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
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
    const struct model_config *config = NULL;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        if (strcmp(models[i].name, model) == 0)
            config = &models[i].config;
    if (!config || s.tasks < 1 || s.tasks > POOL_TASKS_MAX || s.batch < 1) {
        fprintf(stderr, "bench_model: usage: see the head of bench_model.c\n");
        return 2;
    }
    struct error error;
    char note[256];
    if (backend_open(device, PRECISION_F32, 0, &s.backend, note, &error))
        die(&error);
    make_pool(&s, config);
    size_t images = s.tasks * s.batch;
    double rate = product_rate(s.backend, config, images);
    double operations = (double)images * forward_operations(config);
    printf("%s, %s, %zu tasks, %zu images each\n", s.backend->name, model, s.tasks,
           s.batch);
    printf("  products of a block   %8.1f GFLOP/s\n", 1e-9 * rate);
    double forward = bench_forward(&s);
    printf("  forward               %8.1f GFLOP/s  %.2f of the products' rate\n",
           1e-9 * operations / forward, operations / forward / rate);
    for (int g = UPSCALE_MLP; g <= UPSCALE_ALL; g++) {
        double ls = bench_training(&s, (enum granularity)g, COMBINE_LS);
        double epo = bench_training(&s, (enum granularity)g, COMBINE_EPO);
        printf("  router step %-8s  %8.3f steps/s  %.2f forward passes; EPO %.2f times "
               "that\n",
               granularity_name((enum granularity)g), 1 / ls, ls / forward, epo / ls);
    }
    return 0;
}
