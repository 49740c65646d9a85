#include "merge/head_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "merge/examples.h"
#include "merge/head_ridge.h"

enum { BATCH = 16 };

struct head_fit {
    struct merge_input input; /* of the examples */
    struct examples *examples;
    float **expert; /* [tasks] features of the experts, (examples, D) */
    float **merged; /* [tasks] those of the merged body at hand */
    size_t *counts; /* [tasks] examples */
};

/* --- the arithmetic --------------------------------------------------------------- */

struct regression {
    const struct head *head;
    size_t n, features;
    double *inputs;  /* (n, D) merged features, less their mean */
    double *lack;    /* (n, classes) what the head's answers lack, less their mean */
    double *mean;    /* (D) */
    double *missing; /* (classes) */
    double *gram;    /* (D, D) */
    double *change;  /* (classes, D) X */
};

static int open_regression(struct regression *r, const struct head *head, size_t n,
                           struct error *error) {
    size_t d = head->features;
    *r = (struct regression){.head = head, .n = n, .features = d};
    r->inputs = array_new(n, d * sizeof *r->inputs);
    r->lack = array_new(n, head->classes * sizeof *r->lack);
    r->mean = array_new(d, sizeof *r->mean);
    r->missing = array_new(head->classes, sizeof *r->missing);
    r->gram = array_new(d, d * sizeof *r->gram);
    r->change = array_new(head->classes, d * sizeof *r->change);
    return r->inputs && r->lack && r->mean && r->missing && r->gram && r->change
               ? 0
               : error_memory(error);
}

static void close_regression(struct regression *r) {
    free(r->inputs);
    free(r->lack);
    free(r->mean);
    free(r->missing);
    free(r->gram);
    free(r->change);
}

/* x [n, columns] less the mean of its rows, which mean receives. */
static void centre(double *x, size_t n, size_t columns, double *mean) {
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < columns; j++)
            mean[j] += x[i * columns + j] / (double)n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < columns; j++)
            x[i * columns + j] -= mean[j];
}

static void fill(struct regression *r, const float *merged, const float *expert,
                 bool centred) {
    size_t d = r->features, classes = r->head->classes;
    for (size_t i = 0; i < r->n; i++) {
        for (size_t j = 0; j < d; j++)
            r->inputs[i * d + j] = (double)merged[i * d + j];
        for (size_t c = 0; c < classes; c++) {
            double sum = 0;
            for (size_t j = 0; j < d; j++)
                sum += (double)r->head->weight[c * d + j] *
                       ((double)expert[i * d + j] - (double)merged[i * d + j]);
            r->lack[i * classes + c] = sum;
        }
    }
    if (centred) {
        centre(r->inputs, r->n, d, r->mean);
        centre(r->lack, r->n, classes, r->missing);
    }
}

/* r->change from what is filled. */
static int solve(struct regression *r, unsigned threads, struct error *error) {
    return head_ridge(r->inputs, r->features, r->lack, r->head->classes, r->n, r->gram,
                      r->change, threads, error);
}

static int take(const struct regression *r, bool with_bias, struct head *fitted,
                struct error *error) {
    size_t d = r->features, classes = r->head->classes;
    *fitted = (struct head){.classes = classes, .features = d};
    fitted->weight = array_new(classes, d * sizeof *fitted->weight);
    fitted->bias = with_bias ? array_new(classes, sizeof *fitted->bias) : NULL;
    if (!fitted->weight || (with_bias && !fitted->bias)) {
        head_clear(fitted);
        return error_memory(error);
    }
    for (size_t i = 0; i < classes * d; i++)
        fitted->weight[i] = (float)((double)r->head->weight[i] + r->change[i]);
    for (size_t c = 0; with_bias && c < classes; c++) {
        double bias = r->missing[c];
        for (size_t j = 0; j < d; j++)
            bias -= r->change[c * d + j] * r->mean[j];
        if (r->head->bias)
            bias += (double)r->head->bias[c];
        fitted->bias[c] = (float)bias;
    }
    return 0;
}

int head_fit_solve(const struct head *head, const float *merged, const float *expert,
                   size_t n, bool with_bias, unsigned threads, struct head *fitted,
                   struct error *error) {
    struct regression r;
    int result = open_regression(&r, head, n, error);
    if (result == 0) {
        fill(&r, merged, expert, with_bias);
        result = solve(&r, threads, error);
    }
    if (result == 0)
        result = take(&r, with_bias, fitted, error);
    close_regression(&r);
    return result;
}

/* --- over models ------------------------------------------------------------------ */

static size_t width_of(const struct head_fit *f) {
    return model_config_features(&f->input.pool->layout->config);
}

/* Each row divided by its length, as the heads of CLIP read it. */
static void normalise(float *x, size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++) {
        double squares = 0;
        for (size_t j = 0; j < width; j++)
            squares += (double)x[i * width + j] * (double)x[i * width + j];
        for (size_t j = 0; squares > 0 && j < width; j++)
            x[i * width + j] = (float)((double)x[i * width + j] / sqrt(squares));
    }
}

/* Features of the task at hand, by the weights that are in place, into out. */
static int run_examples(struct head_fit *f, float *out, struct error *error) {
    struct pool *pool = f->input.pool;
    struct backend *b = pool->backend;
    size_t count = f->examples->count, width = width_of(f);
    for (size_t at = 0; at < count; at += BATCH) {
        size_t n = count - at < BATCH ? count - at : BATCH;
        if (work_stopped(f->input.work))
            return error_set(error, "stopped");
        const real *features = examples_run(f->examples, at, n, 1);
        if (b->download_real(b, out + at * width, features, n * width, error))
            return -1;
    }
    if (pool->layout->config.kind == MODEL_CLIP_VISION)
        normalise(out, count, width);
    return 0;
}

static int ask_expert(struct head_fit *f, size_t task, struct error *error) {
    if (examples_begin(f->examples, task, HEAD_FIT_EXAMPLES, error))
        return -1;
    size_t count = f->examples->count;
    f->counts[task] = count;
    f->expert[task] = array_new(count, width_of(f) * sizeof **f->expert);
    f->merged[task] = array_new(count, width_of(f) * sizeof **f->merged);
    return f->expert[task] && f->merged[task] ? run_examples(f, f->expert[task], error)
                                              : error_memory(error);
}

int head_fit_new(struct pool *pool, const struct dataset *const *train,
                 const struct work *work, struct head_fit **out, struct error *error) {
    struct head_fit *f = array_new(1, sizeof *f);
    if (!f)
        return error_memory(error);
    f->input = (struct merge_input){.pool = pool, .train = train, .work = work};
    f->expert = array_new(pool->tasks, sizeof *f->expert);
    f->merged = array_new(pool->tasks, sizeof *f->merged);
    f->counts = array_new(pool->tasks, sizeof *f->counts);
    int result = f->expert && f->merged && f->counts
                     ? examples_new(&f->input, BATCH, &f->examples, error)
                     : error_memory(error);
    for (size_t t = 0; result == 0 && t < pool->tasks; t++)
        result = ask_expert(f, t, error);
    if (result) {
        head_fit_free(f);
        return -1;
    }
    *out = f;
    return 0;
}

void head_fit_free(struct head_fit *f) {
    if (!f)
        return;
    for (size_t t = 0; f->expert && t < f->input.pool->tasks; t++)
        free(f->expert[t]);
    for (size_t t = 0; f->merged && t < f->input.pool->tasks; t++)
        free(f->merged[t]);
    free(f->expert);
    free(f->merged);
    free(f->counts);
    examples_free(f->examples);
    free(f);
}

/* f->merged of a task. */
static int run_merged(struct head_fit *f, size_t task, const real *weights,
                      struct error *error) {
    struct pool *pool = f->input.pool;
    struct backend *b = pool->backend;
    /* Its order is that of the expert's features; the weights are then these. */
    if (examples_begin(f->examples, task, HEAD_FIT_EXAMPLES, error))
        return -1;
    b->copy(b, f->examples->weights, weights, pool->layout->size * b->real_size);
    return run_examples(f, f->merged[task], error);
}

static int fit_each(struct head_fit *f, bool with_bias, struct head *heads,
                    struct error *error) {
    struct pool *pool = f->input.pool;
    int result = 0;
    for (size_t t = 0; result == 0 && t < pool->tasks; t++)
        result =
            head_fit_solve(&pool->heads[t], f->merged[t], f->expert[t], f->counts[t],
                           with_bias, pool->backend->threads, &heads[t], error);
    return result;
}

int head_fit_run(struct head_fit *f, const real *weights, const double *preference,
                 const struct work *work, struct head *heads, struct error *error) {
    struct pool *pool = f->input.pool;
    bool with_bias = pool->layout->config.kind != MODEL_GPT2;
    const struct head_map_input shared = {pool->tasks,
                                          pool->heads,
                                          (const float *const *)f->merged,
                                          (const float *const *)f->expert,
                                          f->counts,
                                          preference,
                                          with_bias};
    int result = 0;
    f->input.work = work;
    for (size_t t = 0; t < pool->tasks; t++)
        heads[t] = (struct head){0};
    for (size_t t = 0; result == 0 && t < pool->tasks; t++)
        result = run_merged(f, t, weights, error);
    if (result == 0)
        result = preference
                     ? head_map_solve(&shared, pool->backend->threads, heads, error)
                     : fit_each(f, with_bias, heads, error);
    for (size_t t = 0; result && t < pool->tasks; t++)
        head_clear(&heads[t]);
    return result;
}
