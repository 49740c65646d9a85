/* The making of models for an evaluator: routers, and every way to begin. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/usage.h"
#include "eval/evaluator_state.h"
#include "eval/provenance.h"
#include "eval/sources.h"
#include "moe/correction_bytes.h"
#include "moe/correction_heads.h"

/* --- routers --------------------------------------------------------------------- */

void evaluator_drop_answers(struct evaluator *e) {
    if (e->forward && e->unloader)
        forward_forget(e->forward, e->unloader);
    routers_free(e->routers);
    unloader_free(e->unloader);
    upscaling_free(e->upscaling);
    correction_free(e->correction);
    correction_heads_free(e->head_changes, e->tasks);
    closed_base_free(e->base);
    surrogate_free(e->surrogate);
    free(e->routing);
    free(e->names);
    e->routers = NULL;
    e->unloader = NULL;
    e->upscaling = NULL;
    e->correction = NULL;
    e->head_changes = NULL;
    e->base = NULL;
    e->surrogate = NULL;
    e->routing = NULL;
    e->names = NULL;
    if (e->current == CURRENT_PREFERENCE)
        e->current = CURRENT_NONE;
}

static int use_correction(struct evaluator *e, const void *blob, size_t size,
                          struct error *error) {
    struct backend *b = e->backend;
    const struct layout *l = e->pool->layout;
    struct correction *correction = NULL;
    struct closed_base *base = NULL;
    struct correction_parts parts;
    if (correction_from_memory(blob, size, "correction", l, e->tasks, &parts, error))
        return -1;
    /* The pool's vectors may move: a result over them goes first. */
    merge_result_clear(e->pool, &e->merged);
    if (e->current == CURRENT_METHOD)
        e->current = CURRENT_NONE;
    int result =
        parts.heads ? correction_heads_fit(parts.heads, e->pool->heads, e->tasks, error)
                    : 0;
    if (result == 0)
        result = correction_new(e->pool, parts.form, &correction, error);
    if (result == 0 && parts.routers) {
        result = correction_use_routers(correction, parts.routers, error);
        if (result == 0)
            parts.routers = NULL;
    }
    if (result == 0 && parts.form == CORRECTION_WUDI)
        result = closed_base_new(e->pool, parts.ridge, e->share, &base, error);
    if (result == 0) {
        evaluator_drop_answers(e);
        b->upload_real(b, correction_vector(correction), parts.vectors,
                       correction_count(parts.form, e->tasks) * l->size);
        result = b->synchronise(b, error);
    }
    struct head *heads = parts.heads;
    parts.heads = NULL;
    correction_parts_clear(&parts);
    if (result) {
        correction_heads_free(heads, e->tasks);
        closed_base_free(base);
        correction_free(correction);
        return -1;
    }
    e->correction = correction;
    e->head_changes = heads;
    e->base = base;
    return 0;
}

static int use_routers(struct evaluator *e, const void *blob, size_t size,
                       struct error *error) {
    struct routers *routers = NULL;
    struct upscaling *upscaling = NULL;
    struct unloader *unloader = NULL;
    float *routing = NULL;
    char(*names)[48] = NULL;
    if (routers_from_memory(blob, size, "routers", &routers, error))
        return -1;
    if (upscaling_new(e->pool->layout, routers->granularity, &upscaling, error))
        goto failed;
    if (routers->tasks != e->tasks || routers->modules != upscaling->modules) {
        error_set(error,
                  "routers for %zu tasks and %zu modules do not fit this pool of %zu "
                  "tasks and %zu modules",
                  routers->tasks, routers->modules, e->tasks, upscaling->modules);
        goto failed;
    }
    routing = array_new(upscaling->rows * e->tasks, sizeof *routing);
    names = array_new(routers->modules, sizeof *names);
    if (!routing || !names) {
        error_memory(error);
        goto failed;
    }
    for (size_t m = 0; m < routers->modules; m++)
        upscaling_module_name(upscaling, m, names[m], sizeof names[m]);
    if (unloader_new(e->pool, upscaling, &unloader, error) ||
        unloader_place(unloader, routers, error))
        goto failed;
    evaluator_drop_answers(e);
    e->names = names;
    e->routers = routers;
    e->upscaling = upscaling;
    e->unloader = unloader;
    e->routing = routing;
    return 0;
failed:
    unloader_free(unloader);
    free(routing);
    free(names);
    upscaling_free(upscaling);
    routers_free(routers);
    return -1;
}

static int use_surrogate(struct evaluator *e, const void *blob, size_t size,
                         struct error *error) {
    struct surrogate *surrogate;
    if (surrogate_from_memory(blob, size, "surrogate", &surrogate, error))
        return -1;
    if (surrogate->tasks != e->recipe->task_count) {
        error_set(error, "a surrogate of %zu tasks does not fit this pool of %zu",
                  surrogate->tasks, e->recipe->task_count);
        surrogate_free(surrogate);
        return -1;
    }
    evaluator_drop_answers(e);
    e->surrogate = surrogate;
    return 0;
}

int evaluator_use_routers(struct evaluator *e, const void *blob, size_t size,
                          struct error *error) {
    if (surrogate_is(blob, size))
        return use_surrogate(e, blob, size, error);
    if (e->commanded)
        return error_set(error, "models of this file have no routers");
    return correction_is(blob, size) ? use_correction(e, blob, size, error)
                                     : use_routers(e, blob, size, error);
}

size_t evaluator_modules(const struct evaluator *e) {
    return e->routers ? e->routers->modules : 0;
}

const char *evaluator_module_name(const struct evaluator *e, size_t module) {
    return e->names[module];
}

int evaluator_routing(const struct evaluator *e, const double *preference,
                      float *weights, struct error *error) {
    if (e->correction || e->surrogate)
        return 0;
    if (!e->routers)
        return error_set(error, "there are no routers; train some with pwemoe train");
    size_t modules = e->routers->modules;
    float *all = array_new((modules + 1) * e->tasks, sizeof *all);
    if (!all)
        return error_memory(error);
    routers_forward(e->routers, preference, all);
    memcpy(weights, all, modules * e->tasks * sizeof *weights);
    free(all);
    return 0;
}

/* --- beginning ------------------------------------------------------------------- */

void evaluator_restart(struct evaluator *e) {
    e->current = CURRENT_NONE;
    e->seconds = 0;
    e->due = false;
    e->peak_bytes = 0;
    json_decref(e->answered);
    e->answered = NULL;
    head_bank_free(e->own_heads);
    e->own_heads = NULL;
    evaluator_clear_fitted(e);
    forward_begin(e->forward, false, 0);
    for (size_t t = 0; t < e->tasks; t++) {
        e->queued[t] = 0;
        held_out_restart(&e->held_out[t]);
    }
}

void evaluator_make_begin(struct evaluator *e) {
    backend_peak_restart(e->backend);
    e->began = usage_clock();
}

void evaluator_make_end(struct evaluator *e) {
    e->seconds = e->due ? 0 : usage_clock() - e->began;
    e->peak_bytes = backend_peak(e->backend);
}

int evaluator_settle(struct evaluator *e, struct error *error) {
    if (!e->due)
        return 0;
    forward_make_now(e->forward);
    if (e->backend->synchronise(e->backend, error))
        return -1;
    e->seconds = unloader_seconds(e->unloader);
    e->due = false;
    return 0;
}

bool evaluator_commanded(const struct evaluator *e) {
    return e->commanded;
}

size_t evaluator_take(struct evaluator *e, const struct store_evaluation *evaluations) {
    return e->commanded ? commanded_take(e->commanded, evaluations) : 0;
}

bool evaluator_spent(const struct evaluator *e, char line[256]) {
    return e->commanded && commanded_spent(e->commanded, line);
}

void evaluator_cost(const struct evaluator *e, double *seconds, uint64_t *peak_bytes) {
    *seconds = e->seconds;
    *peak_bytes = e->peak_bytes;
    if (e->commanded)
        commanded_cost(e->commanded, seconds);
}

/* The surrogate's best at the preference, made as any merge is. */
static int begin_answer(struct evaluator *e, const double *preference,
                        struct error *error) {
    double x[SURROGATE_TASKS_MAX];
    const struct surrogate *s = e->surrogate;
    if (surrogate_answer(s, preference, x, error))
        return -1;
    char *parameters = surrogate_parameters(s, x, error);
    if (!parameters)
        return -1;
    int result = evaluator_begin_method(e, s->method, parameters,
                                        s->by_preference ? x : NULL, NULL, error);
    if (result == 0) {
        json_decref(e->answered);
        e->answered = surrogate_about(s, x);
        if (!e->answered)
            result = error_memory(error);
    }
    free(parameters);
    return result;
}

/* By routers: where nothing but the batches waits for the weights they are made beside
 * the first one. */
static void begin_routed(struct evaluator *e, const double *preference) {
    struct backend *b = e->backend;
    routers_forward(e->routers, preference, e->routing);
    upscaling_put_text(e->upscaling, preference, e->tasks, e->routing);
    unloader_aim(e->unloader, preference);
    forward_begin(e->forward,
                  e->upscaling->lowest >= e->pool->layout->blocks[0].norm1_gamma,
                  e->routers->lambda);
    e->due =
        b->merges_ahead && b->mark && !stored_dtype_rounds(e->stored) && !e->pool->text;
    if (e->due)
        forward_make(e->forward, e->unloader, e->weights);
    else
        unloader_merge_aimed(e->unloader, e->weights);
}

/* What follows from the weights; or, where those are due, whether the device works. */
static int complete(struct evaluator *e, struct error *error) {
    struct backend *b = e->backend;
    bool done;
    if (e->due)
        return b->done(b, 0, &done, error);
    stored_dtype_round(e->stored, e->weights);
    return pool_put_heads(e->pool, e->weights, e->heads, error) ||
                   b->synchronise(b, error)
               ? -1
               : 0;
}

/* Those that the correction changes, at a preference; at a unit preference each is the
 * task's own. */
static int change_heads(struct evaluator *e, const double *preference,
                        struct error *error) {
    double g = correction_weight(preference, e->tasks);
    if (!e->head_changes || g == 0)
        return 0;
    struct head *heads =
        correction_heads_at(e->pool->heads, e->head_changes, e->tasks, g, error);
    return heads ? evaluator_put_heads(e, heads, error) : -1;
}

int evaluator_begin_preference(struct evaluator *e, const double *preference,
                               struct error *error) {
    if (e->surrogate)
        return begin_answer(e, preference, error);
    if (!e->routers && !e->correction)
        return error_set(error, "there are no routers; train some with pwemoe train");
    evaluator_restart(e);
    evaluator_make_begin(e);
    if (e->correction) {
        if (closed_base_merge(e->base, e->correction, preference, e->weights, error))
            return -1;
    } else {
        begin_routed(e, preference);
    }
    if (complete(e, error) || change_heads(e, preference, error))
        return -1;
    evaluator_make_end(e);
    e->current = CURRENT_PREFERENCE;
    return 0;
}

void evaluator_put_expert(struct evaluator *e, size_t task) {
    float weights[POOL_TASKS_MAX] = {0};
    weights[task] = 1;
    unloader_merge(e->plain_unloader, weights, e->weights);
    stored_dtype_round(e->stored, e->weights);
    if (pool_head_follows(e->pool, task))
        head_bank_put(e->heads, task, &e->pool->heads[task]);
    e->single = task;
}

/* Heads of the directory at path; where it has none, those of its own text tower or the
 * pool's: into e->own_heads, or e->heads where there are none. */
static int use_directory_heads(struct evaluator *e, const char *path,
                               struct error *error) {
    size_t features = model_config_features(&e->pool->layout->config);
    struct head *found = array_new(e->tasks, sizeof *found); /* to be cleared */
    struct head *heads = array_new(e->tasks, sizeof *heads); /* what is used */
    bool any = false;
    int result = found && heads ? 0 : error_memory(error);
    for (size_t t = 0; result == 0 && t < e->tasks; t++) {
        heads[t] = e->pool->heads[t];
        char *name = provenance_head_name(e->recipe, t);
        char *file = name ? text_format("%s/%s", path, name) : NULL;
        free(name);
        if (!file) {
            result = error_memory(error);
        } else if (access(file, F_OK) == 0) {
            result = head_from_file(file, features, &found[t], error);
            if (result == 0 && found[t].classes < e->held_out[t].data->classes)
                result =
                    error_set(error, "%s has %zu classes, the task's images %zu", file,
                              found[t].classes, e->held_out[t].data->classes);
            heads[t] = found[t];
            any = true;
        } else if (pool_head_follows(e->pool, t)) {
            result = pool_head(e->pool, e->weights, t, &found[t], error);
            heads[t] = found[t];
            any = true;
        }
        free(file);
    }
    if (result == 0 && any)
        result = head_bank_new(e->backend, &e->pool->layout->config, heads, e->tasks,
                               forward_batch_size(e->forward), &e->own_heads, error);
    for (size_t t = 0; found && t < e->tasks; t++)
        head_clear(&found[t]);
    free(found);
    free(heads);
    return result;
}

int evaluator_begin_directory(struct evaluator *e, const char *path,
                              struct error *error) {
    if (e->commanded)
        return commanded_begin_directory(e->commanded, path, error);
    evaluator_restart(e);
    struct model_directory *directory;
    if (model_directory_open(path, &directory, error))
        return -1;
    size_t size = e->pool->layout->size;
    float *weights = array_new(size, sizeof *weights);
    int result = weights ? layout_load(e->pool->layout, directory, NULL, weights, error)
                         : error_memory(error);
    model_directory_close(directory);
    if (result == 0) {
        e->backend->upload_real(e->backend, e->weights, weights, size);
        result = e->backend->synchronise(e->backend, error);
    }
    free(weights);
    if (result || use_directory_heads(e, path, error))
        return -1;
    e->current = CURRENT_DIRECTORY;
    return 0;
}
