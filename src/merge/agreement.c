#include "merge/agreement.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "merge/examples.h"

enum { BATCH = 16 };

struct agreement {
    const struct merge_input *input;
    struct examples *examples;
    struct head_bank *heads;
    size_t most;
    float **logits; /* [tasks] of the experts, (examples, classes) */
    float *batch;   /* (BATCH, most classes) */
    float *loss;    /* (BATCH) on the device */
};

static size_t most_classes(const struct pool *pool) {
    size_t most = 1;
    for (size_t t = 0; t < pool->tasks; t++)
        if (pool->heads[t].classes > most)
            most = pool->heads[t].classes;
    return most;
}

/* The logits of examples `at` to at + n - 1 by the weights that are in place. */
static int batch_logits(struct agreement *a, size_t task, size_t at, size_t n,
                        float *out, struct error *error) {
    struct backend *b = a->input->pool->backend;
    const real *features = examples_run(a->examples, at, n, 1);
    head_bank_loss(a->heads, task, features, n, feed_labels(a->examples->feed), a->loss,
                   NULL, NULL);
    return b->download(b, out, head_bank_logits(a->heads),
                       n * a->input->pool->heads[task].classes * sizeof *out, error);
}

static int expert_logits(struct agreement *a, size_t task, struct error *error) {
    size_t classes = a->input->pool->heads[task].classes;
    if (examples_begin(a->examples, task, a->most, error))
        return -1;
    size_t count = a->examples->count;
    a->logits[task] = array_new(count, classes * sizeof **a->logits);
    if (!a->logits[task])
        return error_memory(error);
    for (size_t at = 0; at < count; at += BATCH) {
        size_t n = count - at < BATCH ? count - at : BATCH;
        if (work_stopped(a->input->work))
            return error_set(error, "stopped");
        if (batch_logits(a, task, at, n, a->logits[task] + at * classes, error))
            return -1;
    }
    return 0;
}

int agreement_new(const struct merge_input *input, size_t examples,
                  struct agreement **out, struct error *error) {
    const struct pool *pool = input->pool;
    struct backend *b = pool->backend;
    size_t classes = most_classes(pool);
    struct agreement *a = array_new(1, sizeof *a);
    if (!a)
        return error_memory(error);
    a->input = input;
    a->most = examples;
    a->logits = array_new(pool->tasks, sizeof *a->logits);
    a->batch = array_new(BATCH, classes * sizeof *a->batch);
    if (!a->logits || !a->batch) {
        error_memory(error);
        goto failed;
    }
    if (examples_new(input, BATCH, &a->examples, error) ||
        head_bank_new(b, &pool->layout->config, pool->heads, pool->tasks, BATCH,
                      &a->heads, error) ||
        b->allocate(b, BATCH * sizeof *a->loss, (void **)&a->loss, error))
        goto failed;
    for (size_t t = 0; t < pool->tasks; t++)
        if (expert_logits(a, t, error))
            goto failed;
    *out = a;
    return 0;
failed:
    agreement_free(a);
    return -1;
}

void agreement_free(struct agreement *a) {
    if (!a)
        return;
    struct backend *b = a->input->pool->backend;
    for (size_t t = 0; a->logits && t < a->input->pool->tasks; t++)
        free(a->logits[t]);
    free(a->logits);
    free(a->batch);
    b->release(b, a->loss);
    head_bank_free(a->heads);
    examples_free(a->examples);
    free(a);
}

static double log_sum(const float *logits, size_t classes) {
    double most = (double)logits[0], sum = 0;
    for (size_t c = 1; c < classes; c++)
        most = fmax(most, (double)logits[c]);
    for (size_t c = 0; c < classes; c++)
        sum += exp((double)logits[c] - most);
    return most + log(sum);
}

static double divergence(const float *from, const float *to, size_t classes) {
    double log_from = log_sum(from, classes), log_to = log_sum(to, classes), sum = 0;
    for (size_t c = 0; c < classes; c++) {
        double log_p = (double)from[c] - log_from, log_q = (double)to[c] - log_to;
        sum += exp(log_p) * (log_p - log_q);
    }
    return isfinite(sum) ? sum : INFINITY;
}

/* theta_0 + vector into the weights that examples_run reads. */
static int put_weights(struct agreement *a, const float *vector, struct error *error) {
    struct backend *b = a->input->pool->backend;
    struct merge_result result = {0};
    struct merge_segment segment = {.count = a->input->pool->layout->size}, *segments;
    float *weight = NULL;
    if (b->allocate(b, sizeof segment, (void **)&segments, error))
        return -1;
    int status = b->allocate(b, sizeof *weight, (void **)&weight, error) ||
                         merge_own_vector(a->input, vector, 1, &result, error)
                     ? -1
                     : 0;
    if (status == 0) {
        b->upload(b, segments, &segment, sizeof segment);
        b->upload(b, weight, result.weights, sizeof *weight);
        b->merge(b, a->examples->weights, a->input->pool->base, result.vectors,
                 result.stride, 1, segments, 1, weight);
        status = b->synchronise(b, error);
    }
    merge_result_clear(a->input->pool, &result);
    b->release(b, weight);
    b->release(b, segments);
    return status;
}

int agreement_distance(struct agreement *a, const float *vector, double *distance,
                       struct error *error) {
    const struct pool *pool = a->input->pool;
    *distance = 0;
    for (size_t t = 0; t < pool->tasks; t++) {
        size_t classes = pool->heads[t].classes;
        double sum = 0;
        if (examples_begin(a->examples, t, a->most, error) ||
            put_weights(a, vector, error) ||
            pool_put_head(a->input->pool, a->examples->weights, t, a->heads, error))
            return -1;
        size_t count = a->examples->count;
        for (size_t at = 0; at < count; at += BATCH) {
            size_t n = count - at < BATCH ? count - at : BATCH;
            if (work_stopped(a->input->work))
                return error_set(error, "stopped");
            if (batch_logits(a, t, at, n, a->batch, error))
                return -1;
            for (size_t i = 0; i < n; i++)
                sum += divergence(a->logits[t] + (at + i) * classes,
                                  a->batch + i * classes, classes);
        }
        if (count)
            *distance += sum / (double)count / (double)pool->tasks;
    }
    return 0;
}
