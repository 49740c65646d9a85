#include "train/distillation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "merge/method.h"
#include "model/transformer.h"
#include "moe/correction.h"
#include "train/optimiser.h"
#include "train/task_batch.h"
#include "train/trained.h"

/* What one task's expert answers. A row is of an example; the task's data are given to
 * the batches with the rows' numbers in place of labels. */
struct answers {
    struct dataset data; /* the caller's, but labels */
    float *logits;       /* (rows, classes) on the device */
    size_t rows;
};

struct distillation {
    struct distillation_options options;
    struct pool *pool;
    struct correction *correction;
    struct transformer *transformer;
    struct head_bank *heads;
    struct task_batch *batch;
    struct answers *answers;     /* [tasks] */
    const struct dataset **data; /* [tasks] what batches are drawn from */
    struct random random;        /* of the preferences */
    unsigned step;

    struct trained vector; /* D; merges read its reals, which are the correction's */
    real *weights;         /* (layout size) the merged model */
    real *dfeatures;       /* (tasks batch, D) */
    double *preference;    /* [tasks] */
};

/* --- the rate, and the start --------------------------------------------------------
 */

int distillation_change(struct pool *pool, double *change, struct error *error) {
    struct backend *b = pool->backend;
    const struct layout *l = pool->layout;
    float *vector = array_new(l->size, sizeof *vector);
    double sum = 0, count = 0;
    int result = vector ? 0 : error_memory(error);
    for (size_t t = 0; result == 0 && t < pool->tasks; t++) {
        result = b->download_real(b, vector, backend_at(b, pool->vectors, t * l->size),
                                  l->size, error);
        for (size_t i = 0; result == 0 && i < l->parameter_count; i++) {
            const struct parameter *p = &l->parameters[i];
            for (size_t j = 0; j < p->count; j++)
                sum += fabs((double)vector[p->offset + j]);
            count += (double)p->count;
        }
    }
    free(vector);
    *change = count > 0 ? sum / count : 0;
    return result;
}

/* The closed form's merged vector at equal weights, on the host. */
static int closed_form(struct pool *pool, const struct dataset *const *train,
                       float *vector, const struct work *work, struct error *error) {
    struct merge_input input = {.method = merge_method_find("wudi", error),
                                .pool = pool,
                                .train = train,
                                .work = work};
    struct merge_result merged;
    json_t *parameters =
        input.method ? merge_parameters(input.method, NULL, error) : NULL;
    if (!parameters)
        return -1;
    input.parameters = parameters;
    int result = merge_run(&input, &merged, error);
    json_decref(parameters);
    if (result)
        return -1;
    struct backend *b = pool->backend;
    result = b->download_real(b, vector, merged.vectors, pool->layout->size, error);
    merge_result_clear(pool, &merged);
    return result;
}

/* D's start into vector [size]. */
static int start_vector(struct distillation *d, const struct dataset *const *train,
                        float *vector, const struct work *work, struct error *error) {
    struct pool *pool = d->pool;
    struct backend *b = pool->backend;
    size_t size = pool->layout->size;
    if (d->options.start == DISTILLATION_ZERO)
        return 0;
    float *other = array_new(size, sizeof *other);
    int result =
        other ? closed_form(pool, train, vector, work, error) : error_memory(error);
    float share = 1 / (float)pool->tasks;
    for (size_t t = 0; result == 0 && t < pool->tasks; t++) {
        result = b->download_real(b, other, backend_at(b, pool->vectors, t * size),
                                  size, error);
        for (size_t i = 0; result == 0 && i < size; i++)
            vector[i] -= share * other[i];
    }
    free(other);
    return result;
}

/* --- the experts' answers -----------------------------------------------------------
 */

/* Gives every example that the steps will draw of a task a row; of a few examples, all
 * of them in their order. labels [count], -1 for the others. */
static int choose_rows(const struct distillation *d, const struct dataset *data,
                       size_t task, int32_t *labels, size_t *rows,
                       struct error *error) {
    const struct distillation_options *o = &d->options;
    uint64_t draws = o->steps * o->batch;
    if (data->count > INT32_MAX)
        return error_set(error, "%zu training examples are too many", data->count);
    *rows = 0;
    if (draws >= data->count) {
        for (size_t i = 0; i < data->count; i++)
            labels[i] = (int32_t)(*rows)++;
        return 0;
    }
    struct batches batches;
    for (size_t i = 0; i < data->count; i++)
        labels[i] = -1;
    if (batches_begin(&batches, data->count, o->seed, task, error))
        return -1;
    for (uint64_t i = 0; i < draws; i++) {
        uint32_t index;
        batches_next(&batches, 1, &index);
        if (labels[index] < 0)
            labels[index] = (int32_t)(*rows)++;
    }
    batches_end(&batches);
    return 0;
}

/* Features of n examples to the rows of the table from `first` on. */
static void answer(struct distillation *d, size_t task, const real *features,
                   const int32_t *labels, size_t n, size_t first) {
    struct backend *b = d->pool->backend;
    struct answers *a = &d->answers[task];
    size_t classes = d->pool->heads[task].classes, most = d->options.batch;
    size_t width = model_config_features(&d->pool->layout->config);
    for (size_t i = 0; i < n; i += most) {
        size_t part = n - i < most ? n - i : most;
        head_bank_loss(d->heads, task, backend_at(b, features, i * width), part, labels,
                       d->batch->loss, NULL, NULL);
        b->copy(b, a->logits + (first + i) * classes, head_bank_logits(d->heads),
                part * classes * sizeof *a->logits);
    }
}

/* A task's expert over the examples that have a row, in the order of rows. */
static int run_expert(struct distillation *d, struct feed *feed, size_t task,
                      const struct dataset *data, const struct work *work,
                      struct error *error) {
    struct pool *pool = d->pool;
    struct answers *a = &d->answers[task];
    double alone[POOL_TASKS_MAX] = {0};
    size_t most = pool->tasks * d->options.batch, n = 0, first = 0;
    uint32_t *order = array_new(a->rows, sizeof *order);
    if (!order)
        return error_memory(error);
    for (size_t i = 0; i < data->count; i++)
        if (a->data.labels[i] >= 0)
            order[a->data.labels[i]] = (uint32_t)i;
    alone[task] = 1;
    correction_merge(d->correction, alone, d->weights);
    int result = 0;
    for (; result == 0 && first < a->rows; first += n) {
        n = a->rows - first < most ? a->rows - first : most;
        work_report(work, "asking the experts", task * a->rows + first,
                    pool->tasks * a->rows);
        if (work_stopped(work)) {
            result = error_set(error, "stopped");
            break;
        }
        for (size_t i = 0; i < n; i++)
            feed_put(feed, i, data, order[first + i]);
        feed_embed(feed, d->transformer, d->weights, n);
        answer(d, task, transformer_run(d->transformer, d->weights, n),
               feed_labels(feed), n, first);
        result = pool->backend->synchronise(pool->backend, error);
    }
    free(order);
    return result;
}

static int ask_experts(struct distillation *d, const struct dataset *const *train,
                       const struct work *work, struct error *error) {
    struct pool *pool = d->pool;
    struct backend *b = pool->backend;
    struct feed *feed;
    if (feed_new(b, pool->layout, train, pool->tasks, pool->tasks * d->options.batch,
                 &feed, error))
        return -1;
    int result = 0;
    for (size_t t = 0; result == 0 && t < pool->tasks; t++) {
        struct answers *a = &d->answers[t];
        size_t bytes;
        if (!size_multiply(a->rows, pool->heads[t].classes * sizeof(float), &bytes))
            result = error_memory(error);
        if (result == 0)
            result = b->allocate(b, bytes, (void **)&a->logits, error);
        if (result == 0)
            result = run_expert(d, feed, t, train[t], work, error);
    }
    feed_free(feed);
    return result;
}

/* --- making and freeing -------------------------------------------------------------
 */

static int choose_data(struct distillation *d, const struct dataset *const *train,
                       struct error *error) {
    size_t tasks = d->pool->tasks;
    d->answers = array_new(tasks, sizeof *d->answers);
    d->data = array_new(tasks, sizeof *d->data);
    d->preference = array_new(tasks, sizeof *d->preference);
    if (!d->answers || !d->data || !d->preference)
        return error_memory(error);
    for (size_t t = 0; t < tasks; t++) {
        struct answers *a = &d->answers[t];
        d->data[t] = train[t];
        if (d->options.loss == DISTILLATION_CE)
            continue;
        a->data = *train[t];
        a->data.labels = array_new(train[t]->count, sizeof *a->data.labels);
        if (!a->data.labels)
            return error_memory(error);
        if (choose_rows(d, train[t], t, a->data.labels, &a->rows, error))
            return -1;
        d->data[t] = &a->data;
    }
    return 0;
}

static int allocate(struct distillation *d, struct error *error) {
    struct pool *pool = d->pool;
    struct backend *b = pool->backend;
    size_t size = pool->layout->size, rows = pool->tasks * d->options.batch;
    size_t features = model_config_features(&pool->layout->config);
    return trained_new(b, &d->vector, size, correction_vector(d->correction), error) ||
                   b->allocate(b, size * b->real_size, (void **)&d->weights, error) ||
                   b->allocate(b, rows * features * b->real_size,
                               (void **)&d->dfeatures, error)
               ? -1
               : 0;
}

static int fill(struct distillation *d, const struct dataset *const *train,
                const struct work *work, struct error *error) {
    float *start = array_new(d->pool->layout->size, sizeof *start);
    int result =
        start ? start_vector(d, train, start, work, error) : error_memory(error);
    if (result == 0)
        result = trained_put(d->pool->backend, &d->vector, start, error);
    free(start);
    if (result == 0 && d->options.loss != DISTILLATION_CE)
        result = ask_experts(d, train, work, error);
    return result;
}

int distillation_new(struct pool *pool, const struct dataset *const *train,
                     const struct distillation_options *options,
                     struct distillation **out, const struct work *work,
                     struct error *error) {
    struct backend *b = pool->backend;
    struct distillation *d = array_new(1, sizeof *d);
    if (!d)
        return error_memory(error);
    d->options = *options;
    d->pool = pool;
    random_seed(&d->random, options->seed, 1);
    double change;
    if (d->options.learning_rate == 0) {
        if (distillation_change(pool, &change, error))
            goto failed;
        d->options.learning_rate = DISTILLATION_RATE * change;
    }
    if (correction_fits(pool->layout, error) || choose_data(d, train, error) ||
        correction_new(pool, &d->correction, error) ||
        head_bank_new(b, &pool->layout->config, pool->heads, pool->tasks,
                      options->batch, &d->heads, error) ||
        task_batch_new(b, pool->layout, d->data, pool->tasks, options->batch, 0,
                       options->seed, &d->batch, error) ||
        task_batch_transformer(d->batch, &pool->form.preprocess, &d->transformer,
                               error) ||
        allocate(d, error) || fill(d, train, work, error))
        goto failed;
    *out = d;
    return 0;
failed:
    distillation_free(d);
    return -1;
}

void distillation_free(struct distillation *d) {
    if (!d)
        return;
    struct backend *b = d->pool->backend;
    trained_free(b, &d->vector);
    b->release(b, d->weights);
    b->release(b, d->dfeatures);
    task_batch_free(d->batch);
    transformer_free(d->transformer);
    head_bank_free(d->heads);
    correction_free(d->correction);
    for (size_t t = 0; d->answers && t < d->pool->tasks; t++) {
        b->release(b, d->answers[t].logits);
        free(d->answers[t].data.labels);
    }
    free(d->answers);
    free(d->data);
    free(d->preference);
    free(d);
}

/* --- a step -------------------------------------------------------------------------
 */

static float *place_gradient(void *self, size_t offset, size_t count, size_t *stride) {
    struct distillation *d = self;
    (void)count;
    *stride = d->pool->layout->size;
    return d->vector.gradient + offset;
}

static void gradient_ready(void *self, size_t offset, size_t count) {
    (void)self;
    (void)offset;
    (void)count;
}

/* Forward and backward of the batch at hand: d->vector.gradient is D's. */
static void forward_backward(struct distillation *d, const double *preference) {
    struct pool *pool = d->pool;
    struct backend *b = pool->backend;
    struct task_batch *batch = d->batch;
    size_t features = model_config_features(&pool->layout->config);
    size_t n = batch->examples, whole = pool->tasks * n;
    double weights[POOL_TASKS_MAX], g = correction_weight(preference, pool->tasks);
    for (size_t t = 0; t < pool->tasks; t++)
        weights[t] = g * preference[t];
    correction_merge(d->correction, preference, d->weights);
    task_batch_embed(batch, d->transformer, d->weights);
    task_batch_weigh(batch, weights);
    const real *x = transformer_run(d->transformer, d->weights, whole);
    for (size_t t = 0; t < pool->tasks; t++) {
        const real *of_task = backend_at(b, x, t * n * features);
        real *back = backend_at(b, d->dfeatures, t * n * features);
        const int32_t *labels = batch->labels + t * n;
        float *loss = batch->loss + t * n, *scale = batch->scale + t * n;
        if (d->options.loss == DISTILLATION_CE)
            head_bank_loss(d->heads, t, of_task, n, labels, loss, scale, back);
        else
            head_bank_divergence(d->heads, t, of_task, n, d->answers[t].logits,
                                 d->answers[t].rows, labels, loss, scale, back);
    }
    struct gradient_sink sink = {
        .self = d, .place = place_gradient, .ready = gradient_ready};
    transformer_backward(d->transformer, d->weights, d->dfeatures, &whole, 1, &sink);
    task_batch_fetch(batch);
}

static void update(struct distillation *d) {
    const struct distillation_options *o = &d->options;
    double rate =
        optimiser_cosine(o->learning_rate, 0.1, 0, d->step, (unsigned)o->steps);
    trained_step(d->pool->backend, &d->vector, rate, 0, d->step);
}

static int step(void *self, double *losses, struct error *error) {
    struct distillation *d = self;
    struct random random = d->random;
    random_dirichlet(&random, d->options.alpha, d->pool->tasks, d->preference);
    task_batch_next(d->batch);
    forward_backward(d, d->preference);
    update(d);
    if (d->step + 1 < d->options.steps)
        task_batch_ahead(d->batch);
    if (task_batch_collect(d->batch, losses, error))
        return -1;
    d->random = random;
    d->step++;
    task_batch_done(d->batch);
    return 0;
}

int distillation_gradient(struct distillation *d, const double *preference, size_t n,
                          double *losses, float *gradient, struct error *error) {
    struct backend *b = d->pool->backend;
    if (n > d->options.batch)
        return error_set(error, "a batch that was not planned");
    task_batch_given(d->batch, d->data, n);
    forward_backward(d, preference);
    if (task_batch_collect(d->batch, losses, error))
        return -1;
    return b->download(b, gradient, d->vector.gradient,
                       d->pool->layout->size * sizeof *gradient, error);
}

int distillation_vector(struct distillation *d, float *vector, struct error *error) {
    struct backend *b = d->pool->backend;
    return b->download(b, vector, d->vector.values,
                       d->pool->layout->size * sizeof *vector, error);
}

int distillation_set_vector(struct distillation *d, const float *vector,
                            struct error *error) {
    return trained_put(d->pool->backend, &d->vector, vector, error);
}

/* --- as a trainer -------------------------------------------------------------------
 */

static const char state_kind[] = "pwemoe-distillation";

static int save_file(void *self, const char *path, const char *note,
                     struct error *error) {
    struct distillation *d = self;
    struct trained *list[] = {&d->vector};
    struct training_state state = {.kind = state_kind,
                                   .step = d->step,
                                   .batch = d->options.batch,
                                   .random = d->random,
                                   .has_random = true};
    return trained_save(d->pool->backend, list, 1, &state, path, note, error);
}

static int resume_file(void *self, const char *path, char **note, struct error *error) {
    struct distillation *d = self;
    struct trained *list[] = {&d->vector};
    struct training_state state = {
        .kind = state_kind, .batch = d->options.batch, .has_random = true};
    if (trained_resume(d->pool->backend, list, 1, (unsigned)d->options.steps, &state,
                       path, note, error))
        return -1;
    d->step = state.step;
    d->random = state.random;
    for (size_t t = 0; t < d->pool->tasks; t++)
        task_batch_resume(d->batch, t, state.step * state.batch);
    return 0;
}

static unsigned step_count(const void *self) {
    return ((const struct distillation *)self)->step;
}

static uint64_t trainable(const void *self) {
    const struct layout *l = ((const struct distillation *)self)->pool->layout;
    uint64_t count = 0;
    for (size_t i = 0; i < l->parameter_count; i++)
        count += l->parameters[i].count;
    return count;
}

/* Each would be as large as a model: there is one, of the last step. */
static int result(void *self, void **bytes, size_t *size, struct error *error) {
    struct distillation *d = self;
    *bytes = NULL;
    *size = 0;
    if (d->step < d->options.steps)
        return 0;
    float *vector = array_new(d->pool->layout->size, sizeof *vector);
    int status = vector ? distillation_vector(d, vector, error) : error_memory(error);
    if (status == 0)
        status = correction_to_memory(d->pool->layout, d->pool->tasks, vector, bytes,
                                      size, error);
    free(vector);
    return status;
}

static void free_trainer(void *self) {
    distillation_free(self);
}

struct trainer distillation_trainer(struct distillation *d) {
    static const struct trainer_kind kind = {.doing = "training",
                                             .step_count = step_count,
                                             .trainable = trainable,
                                             .step = step,
                                             .save_file = save_file,
                                             .resume_file = resume_file,
                                             .result = result,
                                             .free = free_trainer};
    return (struct trainer){&kind, d};
}
