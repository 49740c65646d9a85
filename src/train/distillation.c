#include "train/distillation.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "checkpoint/safetensors.h"
#include "merge/method.h"
#include "model/transformer.h"
#include "moe/correction.h"
#include "train/optimiser.h"
#include "train/task_batch.h"

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

    /* D as f32 with its Adam state, on the device; compute is what merges read: values
     * themselves where reals are f32. */
    float *values, *gradient, *first, *second;
    real *compute;
    real *weights;      /* (layout size) the merged model */
    real *dfeatures;    /* (tasks batch, D) */
    double *preference; /* [tasks] */
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

static int put_vector(struct distillation *d, const float *vector,
                      struct error *error) {
    struct backend *b = d->pool->backend;
    size_t size = d->pool->layout->size;
    b->upload(b, d->values, vector, size * sizeof *vector);
    if ((void *)d->compute != (void *)d->values)
        b->upload_real(b, d->compute, vector, size);
    return b->synchronise(b, error);
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
    size_t size = pool->layout->size, bytes = size * sizeof(float);
    size_t rows = pool->tasks * d->options.batch;
    size_t features = model_config_features(&pool->layout->config);
    d->compute = correction_vector(d->correction);
    if (b->real_size == sizeof(float))
        d->values = (float *)d->compute;
    else if (b->allocate(b, bytes, (void **)&d->values, error))
        return -1;
    return b->allocate(b, bytes, (void **)&d->gradient, error) ||
                   b->allocate(b, bytes, (void **)&d->first, error) ||
                   b->allocate(b, bytes, (void **)&d->second, error) ||
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
        result = put_vector(d, start, error);
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
    if ((void *)d->values != (void *)d->compute)
        b->release(b, d->values);
    b->release(b, d->gradient);
    b->release(b, d->first);
    b->release(b, d->second);
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
    return d->gradient + offset;
}

static void gradient_ready(void *self, size_t offset, size_t count) {
    (void)self;
    (void)offset;
    (void)count;
}

/* Forward and backward of the batch at hand: d->gradient is D's. */
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
    struct backend *b = d->pool->backend;
    const struct distillation_options *o = &d->options;
    struct adam adam = {.learning_rate = (float)optimiser_cosine(
                            o->learning_rate, 0.1, 0, d->step, (unsigned)o->steps),
                        .beta1 = 0.9f,
                        .beta2 = 0.999f,
                        .epsilon = 1e-8f,
                        .step = d->step + 1};
    real *compute = (void *)d->compute == (void *)d->values ? NULL : d->compute;
    b->adam(b, d->values, compute, d->gradient, d->first, d->second,
            d->pool->layout->size, &adam);
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
    return b->download(b, gradient, d->gradient,
                       d->pool->layout->size * sizeof *gradient, error);
}

int distillation_vector(struct distillation *d, float *vector, struct error *error) {
    struct backend *b = d->pool->backend;
    return b->download(b, vector, d->values, d->pool->layout->size * sizeof *vector,
                       error);
}

int distillation_set_vector(struct distillation *d, const float *vector,
                            struct error *error) {
    return put_vector(d, vector, error);
}

/* --- the state, a file --------------------------------------------------------------
 */

enum { PARTS = 3, TEXT = 24 };

static const char state_kind[] = "pwemoe-distillation";

static const char *const part_names[PARTS] = {"values", "first", "second"};

static float *part_of(const struct distillation *d, size_t part) {
    return part == 0 ? d->values : part == 1 ? d->first : d->second;
}

struct state_writer {
    struct distillation *d;
    float *part; /* downloaded when its first byte is asked for */
};

static int read_state(void *self, size_t index, uint64_t offset, void *out, size_t room,
                      size_t *got, struct error *error) {
    struct state_writer *w = self;
    struct backend *b = w->d->pool->backend;
    size_t bytes = w->d->pool->layout->size * sizeof(float);
    if (offset == 0 && b->download(b, w->part, part_of(w->d, index), bytes, error))
        return -1;
    *got = bytes - offset < room ? (size_t)(bytes - offset) : room;
    memcpy(out, (char *)w->part + offset, *got);
    return 0;
}

static int save_file(void *self, const char *path, const char *note,
                     struct error *error) {
    struct distillation *d = self;
    size_t size = d->pool->layout->size;
    struct state_writer writer = {d, array_new(size, sizeof(float))};
    struct tensor_source sources[PARTS];
    char at[TEXT], drawn[TEXT], random[4 * 16 + 4];
    const uint64_t *r = d->random.state;
    if (!writer.part)
        return error_memory(error);
    for (size_t i = 0; i < PARTS; i++)
        sources[i] = (struct tensor_source){.name = part_names[i],
                                            .dtype_name = "F32",
                                            .rank = 1,
                                            .shape = {size},
                                            .bytes = size * sizeof(float)};
    snprintf(at, sizeof at, "%u", d->step);
    snprintf(drawn, sizeof drawn, "%" PRIu64, d->batch->seen[0]);
    snprintf(random, sizeof random, "%" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64,
             r[0], r[1], r[2], r[3]);
    const char *metadata[] = {
        "kind", state_kind,           "step", at,  "drawn", drawn, "random",
        random, note ? "note" : NULL, note,   NULL};
    int result =
        safetensors_write(path, sources, PARTS, metadata, read_state, &writer, error);
    free(writer.part);
    return result;
}

static bool read_numbers(const struct safetensors *file, const struct distillation *d,
                         unsigned *at, uint64_t *drawn, struct random *random) {
    const char *kind = safetensors_metadata(file, "kind");
    const char *step_text = safetensors_metadata(file, "step");
    const char *drawn_text = safetensors_metadata(file, "drawn");
    const char *random_text = safetensors_metadata(file, "random");
    uint64_t *r = random->state;
    return kind && strcmp(kind, state_kind) == 0 && step_text && drawn_text &&
           random_text && sscanf(step_text, "%u", at) == 1 && *at <= d->options.steps &&
           sscanf(drawn_text, "%" SCNu64, drawn) == 1 &&
           *drawn == *at * d->options.batch &&
           sscanf(random_text, "%" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64, r, r + 1,
                  r + 2, r + 3) == 4 &&
           random_usable(random);
}

static int resume_from(struct distillation *d, const struct safetensors *file,
                       const char *path, float *part, struct error *error) {
    struct backend *b = d->pool->backend;
    size_t size = d->pool->layout->size;
    unsigned at;
    uint64_t drawn;
    struct random random;
    if (!read_numbers(file, d, &at, &drawn, &random))
        return error_set(error, "%s: is no state of such a run; start a new one", path);
    for (size_t i = 0; i < PARTS; i++) {
        const struct tensor *tensor = safetensors_find(file, part_names[i]);
        if (!tensor || tensor->dtype != DTYPE_F32 || tensor->count != size)
            return error_set(error, "%s: %s is not of this run's size", path,
                             part_names[i]);
        if (tensor_to_f32(tensor, path, part, error))
            return -1;
        if (i == 0 && put_vector(d, part, error))
            return -1;
        b->upload(b, part_of(d, i), part, size * sizeof *part);
        if (b->synchronise(b, error))
            return -1;
    }
    d->step = at;
    d->random = random;
    for (size_t t = 0; t < d->pool->tasks; t++)
        task_batch_resume(d->batch, t, drawn);
    return 0;
}

static int resume_file(void *self, const char *path, char **note, struct error *error) {
    struct distillation *d = self;
    struct safetensors *file;
    *note = NULL;
    if (safetensors_open(path, &file, error))
        return -1;
    float *part = array_new(d->pool->layout->size, sizeof *part);
    int result = part ? resume_from(d, file, path, part, error) : error_memory(error);
    const char *kept = safetensors_metadata(file, "note");
    if (result == 0 && kept && !(*note = strdup(kept)))
        result = error_memory(error);
    free(part);
    safetensors_close(file);
    return result;
}

/* --- as a trainer -------------------------------------------------------------------
 */

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
