#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eval/evaluator_state.h"
#include "eval/finite.h"
#include "eval/interval.h"
#include "eval/metric_command.h"
#include "eval/provenance.h"
#include "eval/sources.h"

/* --- opening ------------------------------------------------------------------- */

static int open_held_out(struct evaluator *e, const struct store_recipe *recipe,
                         const char *directory, const struct evaluator_options *options,
                         const struct work *work, struct error *error) {
    for (size_t t = 0; t < e->tasks; t++) {
        struct dataset *data;
        struct sources_data which = {.task = t,
                                     .split = e->split,
                                     .limit = options->limit,
                                     .threads = options->threads};
        work_report(work, "reading images", t, e->tasks);
        if (sources_dataset(recipe, directory, &which, &e->pool->form, &data, work,
                            error) ||
            held_out_open(&e->held_out[t], data, t, options->limit, error))
            return -1;
        if (data->classes > e->pool->heads[t].classes)
            return error_set(error,
                             "task %s: its %s data have %zu classes, its head has %zu",
                             recipe->tasks[t].name, e->split, data->classes,
                             e->pool->heads[t].classes);
    }
    work_report(work, "reading images", e->tasks, e->tasks);
    return 0;
}

static int allocate(struct evaluator *e, size_t batch, struct error *error) {
    struct backend *b = e->backend;
    const struct layout *l = e->pool->layout;
    /* What forward keeps on the device is a share of what the rest has left. */
    if (upscaling_new(l, UPSCALE_NONE, &e->plain, error) ||
        unloader_new(e->pool, e->plain, &e->plain_unloader, error) ||
        stored_dtype_new(e->pool, &e->stored, error) ||
        b->allocate(b, l->size * b->real_size, (void **)&e->weights, error) ||
        forward_new(b, l, &e->pool->form.preprocess, e->held_out, e->tasks, batch,
                    &e->forward, error) ||
        head_bank_new(b, &l->config, e->pool->heads, e->tasks,
                      forward_batch_size(e->forward), &e->heads, error))
        return -1;
    forward_heads(e->forward, e->heads);
    return 0;
}

/* Where it fails the caller closes what is there. */
static int open_on(struct evaluator *e, const char *device, const char *directory,
                   const struct evaluator_options *options, char note[256],
                   const struct work *work, struct error *error) {
    struct store_recipe *recipe = e->recipe;
    e->held_out = array_new(e->tasks, sizeof *e->held_out);
    e->queued = array_new(e->tasks, sizeof *e->queued);
    e->directory = text_format("%s", directory);
    e->sources = provenance_sources(recipe);
    if (!e->held_out || !e->queued || !e->directory || !e->sources)
        return error_memory(error);
    return sources_check(options->store, recipe, directory, work, error) ||
                   backend_open(device, options->precision, options->threads,
                                &e->backend, note, error) ||
                   backend_spill(e->backend, options->spill, error) ||
                   sources_pool_factors(recipe, directory, e->backend, &e->pool, work,
                                        error) ||
                   open_held_out(e, recipe, directory, options, work, error) ||
                   allocate(e, options->batch, error)
               ? -1
               : 0;
}

/* Models that are measured by commands, once a person allows them. */
static int open_commanded(struct evaluator *e, const char *directory,
                          const struct evaluator_options *options,
                          const struct work *work, struct error *error) {
    if (options->precision == PRECISION_FP8)
        return error_set(error, "its tasks are measured by commands, which compute as "
                                "they like; leave out --precision fp8");
    const struct commanded_options how = {.device = options->device,
                                          .split = e->split,
                                          .threads = options->threads,
                                          .jobs = options->jobs,
                                          .job_devices = options->job_devices,
                                          .allowed = options->allow_commands};
    if (!options->allow_commands && !options->makes_only)
        return error_set(error, "its tasks are measured by commands, which run only "
                                "with --allow-commands: read them first (pwemoe show "
                                "FILE objectives)");
    return sources_check(options->store, e->recipe, directory, work, error) ||
                   commanded_open(e->recipe, directory, &how, &e->commanded, error)
               ? -1
               : 0;
}

int evaluator_open(struct store_recipe *recipe, const char *directory,
                   const struct evaluator_options *options, struct evaluator **out,
                   char note[256], const struct work *work, struct error *error) {
    const char *device = options->device;
    bool own_choice = strcmp(device, "auto") == 0 &&
                      options->precision != PRECISION_BF16 &&
                      options->precision != PRECISION_FP8;
    for (;;) {
        struct evaluator *e = array_new(1, sizeof *e);
        if (!e)
            return error_memory(error);
        e->recipe = recipe;
        e->tasks = recipe->task_count;
        e->threads = options->threads;
        e->share = options->share;
        bool train = options->split && store_split_trains(options->split);
        e->split = train ? "train" : "test";
        char told[256] = "";
        if (metric_is_command(recipe)) {
            if (open_commanded(e, directory, options, work, error) == 0) {
                *out = e;
                return 0;
            }
            evaluator_close(e);
            return -1;
        }
        int result = open_on(e, device, directory, options, told, work, error);
        if (*told)
            memcpy(note, told, sizeof told);
        if (result == 0) {
            *out = e;
            return 0;
        }
        struct backend *b = e->backend;
        bool elsewhere = own_choice && b && backend_blamed(b);
        bool lost = b && backend_lost(b);
        evaluator_close(e);
        if (!elsewhere && lost && !strstr(error->text, "--device cpu"))
            return error_set(error, "%s; or use --device cpu",
                             TEXT_CUT(error->text, 900));
        if (!elsewhere)
            return -1;
        snprintf(note, 256, "%s; the CPU is used", TEXT_CUT(error->text, 200));
        own_choice = false;
        device = "cpu";
    }
}

void evaluator_close(struct evaluator *e) {
    if (!e)
        return;
    commanded_close(e->commanded);
    struct backend *b = e->backend;
    if (e->pool)
        merge_result_clear(e->pool, &e->merged);
    merge_kept_clear(&e->kept);
    evaluator_clear_fitted(e);
    evaluator_free_head_fit(e);
    forward_free(e->forward);
    e->forward = NULL;
    for (size_t t = 0; e->held_out && t < e->tasks; t++)
        held_out_close(&e->held_out[t]);
    free(e->held_out);
    free(e->queued);
    if (b)
        b->release(b, e->weights);
    evaluator_drop_answers(e);
    json_decref(e->answered);
    unloader_free(e->plain_unloader);
    stored_dtype_free(e->stored);
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
    evaluator_forget_settled(e);
    json_decref(e->sources);
    free(e);
}

size_t evaluator_tasks(const struct evaluator *e) {
    return e->tasks;
}

size_t evaluator_examples(const struct evaluator *e, size_t task) {
    return e->commanded ? 1 : e->held_out[task].data->count;
}

const char *evaluator_device(const struct evaluator *e) {
    return e->commanded ? "commands" : e->backend->name;
}

struct backend *evaluator_backend(struct evaluator *e) {
    return e->backend;
}

void evaluator_remark(const struct evaluator *e, char line[256]) {
    *line = '\0';
    if (e->commanded)
        return;
    backend_remark(e->backend, line);
}

bool evaluator_on_device(const struct evaluator *e) {
    return !e->commanded && !e->backend->host_view;
}

bool evaluator_lost(const struct evaluator *e) {
    return !e->commanded && backend_lost(e->backend);
}

bool evaluator_device_blamed(const struct evaluator *e) {
    return !e->commanded && backend_blamed(e->backend);
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

/* The next batch: of one task after another, as much of each as it would get were it
 * alone. Returns the number of parts; 0: all is queued. */
static size_t compose(struct evaluator *e, struct part *parts) {
    size_t room = forward_room(e->forward), share = forward_share(e->forward);
    size_t count = 0;
    while (room > 0 && count < forward_parts(e->forward)) {
        size_t task = next_task(e);
        if (task == e->tasks)
            break;
        if (e->current == CURRENT_SINGLE && e->single != task) {
            if (count > 0)
                break; /* what is queued needs the weights that are in place */
            evaluator_put_expert(e, task);
        }
        size_t first = e->queued[task], n = e->held_out[task].data->count - first;
        n = n < share ? n : share;
        n = n < room ? n : room;
        struct part *last = count > 0 ? &parts[count - 1] : NULL;
        if (last && last->task == task)
            last->count += n;
        else
            parts[count++] = (struct part){task, first, n};
        e->queued[task] += n;
        room -= n;
    }
    return count;
}

/* Queues batches until forward has as many as it takes, or all are queued. */
static int queue(struct evaluator *e, struct error *error) {
    struct head_bank *heads = e->own_heads ? e->own_heads : e->heads;
    while (forward_has_room(e->forward)) {
        struct part parts[FORWARD_PARTS_MAX];
        size_t count = compose(e, parts);
        if (count == 0)
            return 0;
        if (forward_queue(e->forward, e->weights, heads, parts, count, error))
            return -1;
    }
    return 0;
}

static int collect(struct evaluator *e, struct error *error) {
    struct forward_result result;
    if (forward_queued(e->forward) == 0)
        return evaluator_settle(e, error);
    if (forward_collect(e->forward, &result, error))
        return -1;
    if (e->due) /* the first batch is done, and it beside that */
        e->seconds = unloader_seconds(e->unloader);
    e->due = false;
    for (size_t i = 0, at = 0; i < result.count; i++) {
        const struct part *part = &result.parts[i];
        if (finite_check(e, part, result.predictions + at, result.loss + at,
                         forward_batch_size(e->forward), error))
            return -1;
        held_out_see(&e->held_out[part->task], result.predictions + at,
                     result.loss + at, part->count);
        at += part->count;
    }
    return 0;
}

int evaluator_step(struct evaluator *e, struct running *running, struct error *error) {
    if (e->commanded)
        return commanded_step(e->commanded, running, error);
    if (e->current == CURRENT_NONE)
        return error_set(error, "no evaluation has been started");
    if (queue(e, error) || collect(e, error)) {
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
    if (e->commanded) {
        commanded_results(e->commanded, evaluations);
        return;
    }
    for (size_t t = 0; t < e->tasks; t++) {
        const struct held_out *h = &e->held_out[t];
        struct running r;
        held_out_describe(h, &r);
        struct store_evaluation *v = &evaluations[t];
        *v = (struct store_evaluation){.objective = t,
                                       .split = (char *)(uintptr_t)e->split,
                                       .value = r.value,
                                       .examples = h->seen,
                                       .loss = r.loss,
                                       .fp8 = e->backend->fp8};
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
