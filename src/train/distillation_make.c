/* Making the distillation: what its experts answer, and its memory. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "moe/correction_bytes.h"
#include "parallel/ranks.h"
#include "train/distillation_state.h"
#include "train/optimiser.h"

/* --- the experts' answers --------------------------------------------------------- */

/* Gives every example that the steps will draw of a task a row, and those that are held
 * back; of a few examples, all of them. Rows are in the order of the examples. labels
 * [count], -1 for the others. */
static int choose_rows(const struct distillation *d, const struct dataset *data,
                       size_t task, int32_t *labels, size_t *rows,
                       struct error *error) {
    const struct distillation_options *o = &d->options;
    const struct held_back *h = &d->held;
    uint64_t draws = o->steps * o->batch;
    bool all = draws >= h->used_count[task];
    struct batches batches;
    if (data->count > INT32_MAX)
        return error_set(error, "%zu training examples are too many", data->count);
    for (size_t i = 0; i < data->count; i++)
        labels[i] = all ? 0 : -1;
    for (size_t i = 0; i < h->held_count[task]; i++)
        labels[h->held[task][i]] = 0;
    if (!all && batches_begin(&batches, h->used_count[task], o->seed, task, error))
        return -1;
    for (uint64_t i = 0; !all && i < draws; i++) {
        uint32_t index;
        batches_next(&batches, 1, &index);
        labels[h->used[task][index]] = 0;
    }
    if (!all)
        batches_end(&batches);
    *rows = 0;
    for (size_t i = 0; i < data->count; i++)
        if (labels[i] >= 0)
            labels[i] = (int32_t)(*rows)++;
    return 0;
}

/* Features of n examples to the rows of the table from `first` on. */
static void answer(struct distillation *d, size_t task, const real *features,
                   const int32_t *labels, size_t n, size_t first) {
    struct backend *b = d->pool->backend;
    struct answers *a = &d->answers[task];
    size_t classes = d->pool->heads[task].classes, most = d->part;
    size_t width = model_config_features(&d->pool->layout->config);
    for (size_t i = 0; i < n; i += most) {
        size_t part = n - i < most ? n - i : most;
        head_bank_loss(d->heads, task, backend_at(b, features, i * width), part, labels,
                       d->batch->loss, NULL, NULL);
        b->copy(b, a->logits + (first + i) * classes, head_bank_logits(d->heads),
                part * classes * sizeof *a->logits);
    }
}

/* A task's expert over the examples that have a row, in the order of rows: over those
 * that are this process's. */
static int run_expert(struct distillation *d, struct feed *feed, size_t task,
                      const struct dataset *data, const struct work *work,
                      struct error *error) {
    struct pool *pool = d->pool;
    struct answers *a = &d->answers[task];
    double alone[POOL_TASKS_MAX] = {0};
    size_t most = pool->tasks * d->part, n = 0, first, end;
    uint32_t *order = array_new(a->rows, sizeof *order);
    if (!order)
        return error_memory(error);
    for (size_t i = 0; i < data->count; i++)
        if (a->data.labels[i] >= 0)
            order[a->data.labels[i]] = (uint32_t)i;
    alone[task] = 1;
    sharing_range(d->sharing.ranks, a->rows, &first, &end);
    int result = closed_base_merge(d->base, d->correction, alone, d->weights, error);
    for (; result == 0 && first < end; first += n) {
        n = end - first < most ? end - first : most;
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

/* With ranks, collective: each asks for its own rows. result: of what comes before. */
static int ask_experts(struct distillation *d, const struct dataset *const *train,
                       int result, const struct work *work, struct error *error) {
    struct pool *pool = d->pool;
    struct backend *b = pool->backend;
    struct feed *feed = NULL;
    if (result == 0)
        result = feed_new(b, pool->layout, train, pool->tasks, pool->tasks * d->part,
                          &feed, error);
    result = ranks_agree(d->sharing.ranks, result, error);
    for (size_t t = 0; result == 0 && t < pool->tasks; t++) {
        struct answers *a = &d->answers[t];
        size_t bytes;
        if (!size_multiply(a->rows, pool->heads[t].classes * sizeof(float), &bytes))
            result = error_memory(error);
        if (result == 0)
            result = b->allocate(b, bytes, (void **)&a->logits, error);
        if (result == 0)
            result = run_expert(d, feed, t, train[t], work, error);
        result = distillation_share_answers(d, t, result, error);
    }
    feed_free(feed);
    return result;
}

/* --- making and freeing ----------------------------------------------------------- */

static int choose_data(struct distillation *d, const struct dataset *const *train,
                       struct error *error) {
    size_t tasks = d->pool->tasks;
    d->answers = array_new(tasks, sizeof *d->answers);
    d->data = array_new(tasks, sizeof *d->data);
    d->preference = array_new(tasks, sizeof *d->preference);
    if (!d->answers || !d->data || !d->preference)
        return error_memory(error);
    if (held_back_choose(&d->held, train, tasks, (size_t)d->options.held_back,
                         (unsigned)d->options.steps, error))
        return -1;
    for (size_t t = 0; t < tasks; t++) {
        struct answers *a = &d->answers[t];
        d->data[t] = train[t];
        if (d->options.loss != DISTILLATION_DISTIL)
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

/* The pieces in which ranks add up the gradient of D: a block each, where that is
 * enough for the ring; what is made last, before the blocks, is one too. */
static int cut_gradient(struct distillation *d, struct error *error) {
    const struct layout *l = d->pool->layout;
    size_t least = (size_t)ranks_size(d->sharing.ranks) * RANKS_RING_PART;
    size_t end = l->text_begin, count = 1;
    d->begins = array_new(l->config.layers + 2, sizeof *d->begins);
    if (!d->begins)
        return error_memory(error);
    d->begins[0] = end; /* from the end on, and turned below */
    for (size_t i = l->config.layers; d->sharing.ranks && i-- > 0;)
        if (end - l->blocks[i].norm1_gamma >= least)
            d->begins[count++] = end = l->blocks[i].norm1_gamma;
    if (end > 0)
        d->begins[count++] = 0;
    d->pieces = count - 1;
    for (size_t i = 0; i < count / 2; i++) {
        size_t other = d->begins[i];
        d->begins[i] = d->begins[count - 1 - i];
        d->begins[count - 1 - i] = other;
    }
    return 0;
}

static int allocate(struct distillation *d, struct error *error) {
    struct pool *pool = d->pool;
    struct backend *b = pool->backend;
    size_t size = pool->layout->size, rows = pool->tasks * d->part;
    size_t features = model_config_features(&pool->layout->config);
    /* No image's features know of a text tower: D stays 0 there. */
    size_t text_begin = pool->layout->text_begin;
    /* Nothing of D is trained where its factors are. Of several vectors all moments are
     * here: to gather what other ranks have moved would cost a model for each. */
    const struct trained_split split = {
        .ranks = d->count == 1 && !d->options.rank ? d->sharing.ranks : NULL,
        .begins = d->count == 1 || d->options.rank ? d->begins : NULL,
        .pieces = d->options.rank ? 0 : d->pieces};
    if (trained_new(b, &d->vector, (d->count - 1) * size + text_begin,
                    correction_vector(d->correction), &split, error))
        return -1;
    if (d->sharing.ranks && d->count > 1 && !d->options.rank &&
        !(d->gathered = array_new(text_begin, sizeof *d->gathered)))
        return error_memory(error);
    if (d->count == 1)
        d->slope = d->vector.gradient;
    else if (b->allocate(b, text_begin * sizeof *d->slope, (void **)&d->slope, error))
        return -1;
    return distillation_routers_new(d, error) || distillation_heads_new(d, error) ||
                   b->allocate(b, size * b->real_size, (void **)&d->weights, error) ||
                   b->allocate(b, rows * features * b->real_size,
                               (void **)&d->dfeatures, error)
               ? -1
               : 0;
}

/* Batches are drawn of what is not held back, which has a feed of its own. */
static int divide(struct distillation *d, struct error *error) {
    struct pool *pool = d->pool;
    if (!held_back_any(&d->held))
        return 0;
    for (size_t t = 0; t < pool->tasks; t++)
        if (task_batch_choose(d->batch, t, d->held.used[t], d->held.used_count[t],
                              error))
            return -1;
    return feed_new(pool->backend, pool->layout, d->data, pool->tasks,
                    pool->tasks * d->part, &d->held_feed, error);
}

/* What is trained in place of D, where that is so. */
static int make_factors(struct distillation *d, const float *start,
                        struct error *error) {
    const struct distillation_options *o = &d->options;
    struct backend *b = d->pool->backend;
    const struct layout *l = d->pool->layout;
    const struct trained_split split = {.ranks = d->sharing.ranks};
    if (o->rank && o->form == CORRECTION_LINEAR)
        return tensor_factors_new(b, l, d->count, (size_t)o->rank, o->seed, start,
                                  &split, &d->tensors, error);
    return o->rank ? factors_new(b, l, (size_t)o->rank, o->seed, start, &split,
                                 &d->factors, error)
                   : 0;
}

/* Of the form wudi the closed form, its ridge chosen on the examples. */
static int make_base(struct distillation *d, const struct dataset *const *train,
                     const struct work *work, struct error *error) {
    if (d->options.form != CORRECTION_WUDI)
        return 0;
    const struct merge_share *share = shared_layers_share(&d->layers);
    int result = closed_base_choose(d->pool, train, share, &d->ridge, work, error) ||
                         closed_base_new(d->pool, d->ridge, share, &d->base, error)
                     ? -1
                     : 0;
    return shared_layers_agree(&d->layers, result, error);
}

static int fill(struct distillation *d, const struct dataset *const *train,
                const struct work *work, struct error *error) {
    struct backend *b = d->pool->backend;
    float *start = array_new(d->count * d->pool->layout->size, sizeof *start);
    struct trained *list[DISTILLATION_LISTS];
    /* The experts answer while every D_k is 0: of the form linear a unit preference has
     * its own. */
    int result = start ? trained_put(b, &d->vector, start, error) : error_memory(error);
    if (d->options.loss == DISTILLATION_DISTIL)
        result = ask_experts(d, train, result, work, error);
    result = ranks_agree(d->sharing.ranks, result, error);
    if (result == 0)
        result = distillation_start(d, train, start, work, error);
    if (result == 0)
        result = trained_put(b, &d->vector, start, error);
    if (result == 0)
        result = make_factors(d, start, error);
    free(start);
    size_t trained =
        result == 0 && d->options.average > 0 ? distillation_list(d, list) : 0;
    for (size_t i = 0; result == 0 && i < trained; i++)
        result = trained_keep_average(b, list[i], error);
    return result;
}

/* All that no other rank is asked for. */
static int make_parts(struct distillation *d, const struct dataset *const *train,
                      struct error *error) {
    struct pool *pool = d->pool;
    struct backend *b = pool->backend;
    struct distillation_options *o = &d->options;
    size_t first;
    double change;
    d->count = correction_count(o->form, pool->tasks);
    if (o->rank && d->count > 1 && o->form != CORRECTION_LINEAR)
        return error_set(error, "--rank is of one vector; leave --vectors out");
    random_seed(&d->random, o->seed, 1);
    if (o->learning_rate == 0) {
        if (distillation_change(pool, &change, error))
            return -1;
        o->learning_rate =
            change * (o->rank ? DISTILLATION_RATE_OF_RANK : DISTILLATION_RATE);
    }
    if (sharing_part(o->ranks, (size_t)o->batch, &first, &d->part, error) ||
        correction_fits(pool->layout, d->count, error) ||
        choose_data(d, train, error) ||
        correction_new(pool, o->form, &d->correction, error) ||
        head_bank_new(b, &pool->layout->config, pool->heads, pool->tasks, d->part,
                      &d->heads, error) ||
        task_batch_new(b, pool->layout, d->data, pool->tasks, d->part, 0, o->seed,
                       &d->batch, error))
        return -1;
    task_batch_share(d->batch, (size_t)o->batch, first);
    return task_batch_transformer(d->batch, &pool->form.preprocess, &d->transformer,
                                  error) ||
                   sharing_open(&d->sharing, d->held.count, pool->tasks, error) ||
                   cut_gradient(d, error) || allocate(d, error) || divide(d, error)
               ? -1
               : 0;
}

/* All ranks take one way, whatever the devices of each are. */
static int compare_devices(struct distillation *d, struct error *error) {
    struct ranks *ranks = d->sharing.ranks;
    double hosts = d->pool->backend->record_begin ? 0 : 1;
    if (ranks_add_doubles(ranks, &hosts, 1, error))
        return -1;
    d->on_hosts = hosts == ranks_size(ranks);
    return shared_layers_open(&d->layers, d->pool->backend, ranks, error);
}

int distillation_new(struct pool *pool, const struct dataset *const *train,
                     const struct distillation_options *options,
                     struct distillation **out, const struct work *work,
                     struct error *error) {
    struct distillation *d = array_new(1, sizeof *d);
    if (d) {
        d->options = *options;
        d->pool = pool;
        d->sharing.ranks = options->ranks;
        d->sharing.work = work;
    }
    int result = d ? make_parts(d, train, error) : error_memory(error);
    result = ranks_agree(options->ranks, result, error);
    if (result == 0)
        result = compare_devices(d, error);
    if (result == 0)
        result = make_base(d, train, work, error);
    if (result == 0)
        result = fill(d, train, work, error);
    if (result)
        distillation_free(d);
    else
        *out = d;
    return result;
}

void distillation_free(struct distillation *d) {
    if (!d)
        return;
    struct backend *b = d->pool->backend;
    task_batch_free(d->batch);
    factors_free(d->factors);
    tensor_factors_free(d->tensors);
    if (d->slope != d->vector.gradient)
        b->release(b, d->slope);
    distillation_routers_free(d);
    distillation_heads_free(d);
    trained_free(b, &d->vector);
    b->release(b, d->weights);
    b->release(b, d->dfeatures);
    feed_free(d->held_feed);
    transformer_free(d->transformer);
    head_bank_free(d->heads);
    sharing_close(&d->sharing);
    free(d->gathered);
    free(d->begins);
    free(d->resumed);
    closed_base_free(d->base);
    correction_free(d->correction);
    for (size_t t = 0; d->answers && t < d->pool->tasks; t++) {
        b->release(b, d->answers[t].logits);
        free(d->answers[t].data.labels);
    }
    held_back_clear(&d->held);
    free(d->answers);
    free(d->data);
    free(d->preference);
    free(d);
}
