#include <stdlib.h>

#include "base/memory.h"
#include "eval/evaluator_state.h"
#include "eval/interval.h"
#include "eval/provenance.h"
#include "eval/sources.h"

enum { BATCH = 64 };

/* --- opening ------------------------------------------------------------------- */

static int open_held_out(struct evaluator *e, const struct store_recipe *recipe,
                         const char *directory, const struct evaluator_options *options,
                         const struct work *work, struct error *error) {
    const char *split = options->split ? options->split : "test";
    for (size_t t = 0; t < e->tasks; t++) {
        struct dataset *data;
        struct sources_data which = {.task = t,
                                     .split = split,
                                     .limit = options->limit,
                                     .threads = options->threads};
        work_report(work, "reading images", t, e->tasks);
        if (sources_dataset(recipe, directory, &which, &e->pool->form, &data,
                            work, error) ||
            held_out_open(&e->held_out[t], data, t, options->limit, error))
            return -1;
        if (data->classes > e->pool->heads[t].classes)
            return error_set(
                error, "task %s: its %s data have %zu classes, its head has %zu",
                recipe->tasks[t].name, split, data->classes, e->pool->heads[t].classes);
    }
    work_report(work, "reading images", e->tasks, e->tasks);
    return 0;
}

static int allocate(struct evaluator *e, size_t batch, struct error *error) {
    struct backend *b = e->backend;
    const struct layout *l = e->pool->layout;
    return upscaling_new(l, UPSCALE_NONE, &e->plain, error) ||
                   unloader_new(e->pool, e->plain, &e->plain_unloader, error) ||
                   forward_new(b, l, &e->pool->form.preprocess, e->held_out, e->tasks, batch,
                               &e->forward, error) ||
                   head_bank_new(b, &l->config, e->pool->heads, e->tasks, batch,
                                 &e->heads, error) ||
                   b->allocate(b, l->size * b->real_size, (void **)&e->weights, error)
               ? -1
               : 0;
}

int evaluator_open(const struct store_recipe *recipe, const char *directory,
                   const struct evaluator_options *options, struct evaluator **out,
                   char note[256], const struct work *work, struct error *error) {
    struct evaluator *e = array_new(1, sizeof *e);
    if (!e)
        return error_memory(error);
    e->tasks = recipe->task_count;
    e->held_out = array_new(e->tasks, sizeof *e->held_out);
    e->queued = array_new(e->tasks, sizeof *e->queued);
    if (!e->held_out || !e->queued) {
        evaluator_close(e);
        return error_memory(error);
    }
    if (sources_check(recipe, directory, work, error) ||
        backend_open(options->device, options->bf16 ? PRECISION_BF16 : PRECISION_F32,
                     options->threads, &e->backend, note, error) ||
        sources_pool(recipe, directory, e->backend, &e->pool, work, error) ||
        open_held_out(e, recipe, directory, options, work, error) ||
        allocate(e, options->batch ? options->batch : BATCH, error)) {
        evaluator_close(e);
        return -1;
    }
    e->recipe = recipe;
    e->threads = options->threads;
    e->directory = text_format("%s", directory);
    e->sources = provenance_sources(recipe);
    if (!e->sources || !e->directory) {
        evaluator_close(e);
        return error_memory(error);
    }
    *out = e;
    return 0;
}

void evaluator_close(struct evaluator *e) {
    if (!e)
        return;
    struct backend *b = e->backend;
    if (e->pool)
        merge_result_clear(e->pool, &e->merged);
    forward_free(e->forward);
    for (size_t t = 0; e->held_out && t < e->tasks; t++)
        held_out_close(&e->held_out[t]);
    free(e->held_out);
    free(e->queued);
    if (b)
        b->release(b, e->weights);
    free(e->routing);
    routers_free(e->routers);
    unloader_free(e->unloader);
    upscaling_free(e->upscaling);
    unloader_free(e->plain_unloader);
    upscaling_free(e->plain);
    head_bank_free(e->heads);
    head_bank_free(e->own_heads);
    pool_close(e->pool);
    if (b)
        backend_close(b);
    for (size_t t = 0; e->train && t < e->tasks; t++)
        dataset_close((struct dataset *)(uintptr_t)e->train[t]);
    free(e->train);
    free(e->directory);
    json_decref(e->sources);
    free(e->names);
    free(e);
}

size_t evaluator_tasks(const struct evaluator *e) {
    return e->tasks;
}

size_t evaluator_examples(const struct evaluator *e, size_t task) {
    return e->held_out[task].data->count;
}

const char *evaluator_device(const struct evaluator *e) {
    return e->backend->name;
}

/* --- stepping -------------------------------------------------------------------- */

/* The task to evaluate next, or the number of tasks where all are complete. One
 * model for all: the one that is furthest behind; single models: one after
 * another, since each needs weights of its own. */
static size_t next_among(const struct evaluator *e, uint64_t among) {
    size_t best = e->tasks;
    double least = 1;
    for (size_t t = 0; t < e->tasks; t++) {
        if (!(among >> t & 1))
            continue;
        double part = (double)e->queued[t] / (double)e->held_out[t].data->count;
        if (part < least) {
            best = t;
            least = part;
            if (e->current == CURRENT_SINGLE)
                break;
        }
    }
    return best;
}

static size_t next_task(const struct evaluator *e) {
    size_t task = e->current == CURRENT_SINGLE ? e->tasks : next_among(e, e->preferred);
    return task < e->tasks ? task : next_among(e, UINT64_MAX);
}

void evaluator_prefer(struct evaluator *e, uint64_t tasks) {
    e->preferred = tasks;
}

/* Queues batches until forward has as many as it takes, or all are queued. */
static int queue(struct evaluator *e, struct error *error) {
    while (e->in_flight < forward_depth(e->forward)) {
        size_t task = next_task(e);
        if (task == e->tasks)
            return 0;
        if (e->current == CURRENT_SINGLE && e->single != task)
            evaluator_put_expert(e, task);
        size_t left = e->held_out[task].data->count - e->queued[task];
        size_t most = forward_batch_size(e->forward), n = left < most ? left : most;
        if (forward_queue(e->forward, e->weights,
                          e->own_heads ? e->own_heads : e->heads, task, e->queued[task],
                          n, error))
            return -1;
        e->queued[task] += n;
        e->in_flight++;
    }
    return 0;
}

static int collect(struct evaluator *e, struct error *error) {
    struct forward_result result;
    if (forward_collect(e->forward, &result, error))
        return -1;
    e->in_flight--;
    held_out_see(&e->held_out[result.task], result.predictions, result.loss,
                 result.count);
    return 0;
}

int evaluator_step(struct evaluator *e, struct running *running, struct error *error) {
    if (e->current == CURRENT_NONE)
        return error_set(error, "no evaluation was begun");
    if (queue(e, error) || (e->in_flight > 0 && collect(e, error))) {
        e->current = CURRENT_NONE;
        return -1;
    }
    bool complete = true;
    for (size_t t = 0; t < e->tasks; t++) {
        held_out_describe(&e->held_out[t], &running[t]);
        complete = complete && running[t].complete;
    }
    return complete;
}

/* --- results ---------------------------------------------------------------------- */

void evaluator_results(const struct evaluator *e,
                       struct store_evaluation *evaluations) {
    for (size_t t = 0; t < e->tasks; t++) {
        const struct held_out *h = &e->held_out[t];
        struct running r;
        held_out_describe(h, &r);
        struct store_evaluation *v = &evaluations[t];
        *v = (struct store_evaluation){
            .objective = t, .value = r.value, .examples = h->seen, .loss = r.loss};
        v->complete = r.complete && h->whole;
        if (h->seen) /* as a sample of all such images, not of this split */
            interval_wilson(h->correct, h->seen, 0, &v->low, &v->high);
        v->low *= 100;
        v->high *= 100;
        if (h->whole) {
            v->correct = h->bits;
            v->correct_size = (size_t)(h->seen + 7) / 8;
        }
    }
}
