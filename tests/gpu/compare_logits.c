/* Logits of the demo's front on the device and on the CPU. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compare.h"
#include "model/transformer.h"
#include "moe/routers.h"
#include "moe/unloader.h"

struct compare_ties *compare_ties;

/* The device's side of one pool: everything that a forward pass needs. */
struct side {
    struct pool *pool;
    struct upscaling *upscaling;
    struct unloader *unloader;
    struct transformer *transformer;
    struct head_bank *heads;
    real *weights;
    uint8_t *pixels;
    int32_t *labels;
    float *loss;
};

static void side_end(struct side *s) {
    struct backend *b = s->pool->backend;
    b->release(b, s->weights);
    b->release(b, s->pixels);
    b->release(b, s->labels);
    b->release(b, s->loss);
    head_bank_free(s->heads);
    transformer_free(s->transformer);
    unloader_free(s->unloader);
    upscaling_free(s->upscaling);
}

static int side_make(struct side *s, struct pool *pool, enum granularity granularity,
                     size_t images, size_t image, struct error *error) {
    struct backend *b = pool->backend;
    return upscaling_new(pool->layout, granularity, &s->upscaling, error) ||
                   unloader_new(pool, s->upscaling, &s->unloader, error) ||
                   transformer_new(b, pool->layout, &pool->form.preprocess, images,
                                   false, &s->transformer, error) ||
                   head_bank_new(b, &pool->layout->config, pool->heads, pool->tasks,
                                 images, &s->heads, error) ||
                   b->allocate(b, pool->layout->size * b->real_size,
                               (void **)&s->weights, error) ||
                   b->allocate(b, images * image, (void **)&s->pixels, error) ||
                   b->allocate(b, images * sizeof(int32_t), (void **)&s->labels,
                               error) ||
                   b->allocate(b, images * sizeof(float), (void **)&s->loss, error)
               ? -1
               : 0;
}

static int side_begin(struct side *s, struct pool *pool, enum granularity granularity,
                      size_t images, struct error *error) {
    size_t image =
        3 * pool->layout->config.image_size * pool->layout->config.image_size;
    *s = (struct side){.pool = pool};
    if (side_make(s, pool, granularity, images, image, error))
        return -1;
    transformer_in_fp8(s->transformer); /* where that is what is compared */
    return 0;
}

/* logits [count, classes] of a task's examples. */
static int side_logits(struct side *s, size_t task, const struct dataset *data,
                       float *logits, struct error *error) {
    struct backend *b = s->pool->backend;
    size_t classes = s->pool->heads[task].classes;
    b->upload(b, s->pixels, data->pixels, data->count * 3 * data->size * data->size);
    b->upload(b, s->labels, data->labels, data->count * sizeof *data->labels);
    transformer_embed(s->transformer, s->weights, s->pixels, data->count);
    const real *features = transformer_run(s->transformer, s->weights, data->count);
    head_bank_loss(s->heads, task, features, data->count, s->labels, s->loss, NULL,
                   NULL);
    return b->download(b, logits, head_bank_logits(s->heads),
                       data->count * classes * sizeof *logits, error);
}

static double largest_difference(const float *a, const float *b, size_t count) {
    double largest = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)a[i] - b[i]);
        if (!(difference <= largest)) /* NaN is the largest of all */
            largest = isnan(difference) ? INFINITY : difference;
    }
    return largest;
}

/* The mean over rows of the largest difference in each. */
static double mean_difference(const float *a, const float *b, size_t rows,
                              size_t classes) {
    double sum = 0;
    for (size_t i = 0; i < rows; i++)
        sum += largest_difference(a + i * classes, b + i * classes, classes);
    return sum / (double)rows;
}

/* The best class of a row, and how far the next is behind it. */
static size_t best_of(const float *row, size_t classes, double *margin) {
    size_t best = 0;
    double next = -INFINITY;
    for (size_t i = 1; i < classes; i++) {
        if (row[i] > row[best]) {
            next = row[best];
            best = i;
        } else if (row[i] > next) {
            next = row[i];
        }
    }
    *margin = row[best] - next;
    return best;
}

struct logits { /* of one task, by the three sides */
    float *cpu, *changed, *tested;
};

/* Compares predictions: only where two classes are within twice the tolerance of each
 * other may they differ. Returns the number of those that differ and may not. */
static size_t wrong_predictions(const struct logits *l, size_t count, size_t classes,
                                double tolerance, size_t *ties, size_t *differ) {
    size_t wrong = 0;
    *ties = 0;
    for (size_t i = 0; i < count; i++) {
        double margin, other;
        size_t a = best_of(l->cpu + i * classes, classes, &margin);
        size_t b = best_of(l->tested + i * classes, classes, &other);
        bool tie = margin <= 2 * tolerance;
        *ties += tie;
        *differ += a != b;
        wrong += a != b && !tie;
    }
    return wrong;
}

static int compare_one(struct comparison *c, struct side sides[3], unsigned index,
                       const struct routers *routers, struct error *error) {
    struct compare_ties *found = &compare_ties[index];
    struct logits logits[POOL_TASKS_MAX] = {0};
    double preference[POOL_TASKS_MAX], allowed = 0, differs = 0, mean = 0;
    size_t wrong = 0, ties = 0, differ = 0, count = 0;
    int result = -1;
    float *routing = array_new((routers->modules + 1) * c->tasks, sizeof *routing);
    if (!routing)
        return error_memory(error);
    compare_preference(c, index, preference);
    routers_forward(routers, preference, routing);
    for (size_t i = 0; i < 3; i++)
        unloader_merge(sides[i].unloader, routing, sides[i].weights);
    for (size_t t = 0; t < c->tasks; t++) {
        const struct dataset *data = c->held_out[t];
        size_t n = data->count * c->pool->heads[t].classes;
        float **places[] = {&logits[t].cpu, &logits[t].changed, &logits[t].tested};
        for (size_t i = 0; i < 3; i++) {
            *places[i] = array_new(n, sizeof(float));
            if (!*places[i]) {
                error_memory(error);
                goto done;
            }
            if (side_logits(&sides[i], t, data, *places[i], error))
                goto done;
        }
        allowed =
            fmax(allowed, largest_difference(logits[t].cpu, logits[t].changed, n));
        mean = fmax(mean, mean_difference(logits[t].cpu, logits[t].changed, data->count,
                                          c->pool->heads[t].classes));
        differs = fmax(differs, largest_difference(logits[t].cpu, logits[t].tested, n));
    }
    found->tolerance = SLACK * allowed;
    found->loss = 2 * SLACK * mean;
    for (size_t t = 0; t < c->tasks; t++) {
        wrong += wrong_predictions(&logits[t], c->held_out[t]->count,
                                   c->pool->heads[t].classes, found->tolerance,
                                   &found->ties[t], &differ);
        ties += found->ties[t];
        count += c->held_out[t]->count;
    }
    compare_verdict(c, differs <= found->tolerance,
                    "logits at preference %u: differ by %.3g at most, %.3g is allowed",
                    index, differs, found->tolerance);
    compare_verdict(c, wrong == 0,
                    "predictions at preference %u: %zu of %zu differ, %zu of them no "
                    "ties (%zu are ties)",
                    index, differ, count, wrong, ties);
    result = 0;
done:
    for (size_t t = 0; t < c->tasks; t++) {
        free(logits[t].cpu);
        free(logits[t].changed);
        free(logits[t].tested);
    }
    free(routing);
    return result;
}

int compare_logits(struct comparison *c, struct error *error) {
    struct pool *pools[] = {c->pool, c->changed, c->tested_pool};
    struct side sides[3] = {0};
    struct routers *routers;
    size_t most = 1;
    if (routers_from_memory(c->routers.blob, c->routers.size, "routers", &routers,
                            error))
        return -1;
    for (size_t t = 0; t < c->tasks; t++)
        if (c->held_out[t]->count > most)
            most = c->held_out[t]->count;
    int result = 0;
    for (size_t i = 0; i < 3; i++)
        sides[i].pool = pools[i];
    for (size_t i = 0; result == 0 && i < 3; i++)
        result = side_begin(&sides[i], pools[i], routers->granularity, most, error);
    for (unsigned i = 0; result == 0 && i < c->preferences; i++)
        result = compare_one(c, sides, i, routers, error);
    for (size_t i = 0; i < 3; i++)
        side_end(&sides[i]);
    routers_free(routers);
    return result;
}
