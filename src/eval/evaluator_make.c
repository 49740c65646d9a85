/* The making of models for an evaluator: routers, and every way to begin. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/usage.h"
#include "eval/evaluator_state.h"
#include "eval/provenance.h"
#include "eval/sources.h"

/* --- routers --------------------------------------------------------------------- */

int evaluator_use_routers(struct evaluator *e, const void *blob, size_t size,
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
    routing = array_new((routers->modules + 1) * e->tasks, sizeof *routing);
    names = array_new(routers->modules, sizeof *names);
    if (!routing || !names) {
        error_memory(error);
        goto failed;
    }
    for (size_t m = 0; m < routers->modules; m++)
        module_name(e->pool->layout, upscaling->module[m], names[m], sizeof names[m]);
    if (unloader_new(e->pool, upscaling, &unloader, error) ||
        unloader_place(unloader, routers, error))
        goto failed;
    routers_free(e->routers);
    unloader_free(e->unloader);
    upscaling_free(e->upscaling);
    free(e->routing);
    free(e->names);
    e->names = names;
    e->routers = routers;
    e->upscaling = upscaling;
    e->unloader = unloader;
    e->routing = routing;
    if (e->current == CURRENT_PREFERENCE)
        e->current = CURRENT_NONE;
    return 0;
failed:
    unloader_free(unloader);
    free(routing);
    free(names);
    upscaling_free(upscaling);
    routers_free(routers);
    return -1;
}

size_t evaluator_modules(const struct evaluator *e) {
    return e->routers ? e->routers->modules : 0;
}

const char *evaluator_module_name(const struct evaluator *e, size_t module) {
    return e->names[module];
}

int evaluator_routing(const struct evaluator *e, const double *preference,
                      float *weights, struct error *error) {
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

/* A new model begins: the last one's figures and what is queued of it are dropped. */
static void restart(struct evaluator *e) {
    e->current = CURRENT_NONE;
    e->seconds = 0;
    e->peak_bytes = 0;
    head_bank_free(e->own_heads);
    e->own_heads = NULL;
    forward_begin(e->forward, false, 0);
    for (size_t t = 0; t < e->tasks; t++) {
        e->queued[t] = 0;
        held_out_restart(&e->held_out[t]);
    }
}

/* Around the making of a model. */
static void make_begin(struct evaluator *e) {
    backend_peak_restart(e->backend);
    e->began = usage_clock();
}

static void make_end(struct evaluator *e) {
    e->seconds = usage_clock() - e->began;
    e->peak_bytes = backend_peak(e->backend);
}

void evaluator_cost(const struct evaluator *e, double *seconds, uint64_t *peak_bytes) {
    *seconds = e->seconds;
    *peak_bytes = e->peak_bytes;
}

int evaluator_begin_preference(struct evaluator *e, const double *preference,
                               struct error *error) {
    if (!e->routers)
        return error_set(error, "there are no routers; train some with pwemoe train");
    restart(e);
    make_begin(e);
    routers_forward(e->routers, preference, e->routing);
    unloader_merge_at(e->unloader, preference, e->weights);
    forward_begin(e->forward,
                  e->upscaling->lowest >= e->pool->layout->blocks[0].norm1_gamma,
                  e->routers->lambda);
    if (e->backend->synchronise(e->backend, error))
        return -1;
    make_end(e);
    e->current = CURRENT_PREFERENCE;
    return 0;
}

void evaluator_put_expert(struct evaluator *e, size_t task) {
    float weights[POOL_TASKS_MAX] = {0};
    weights[task] = 1;
    unloader_merge(e->plain_unloader, weights, e->weights);
    e->single = task;
}

/* The result of a method as plain weights. */
static int put_merged(struct evaluator *e, struct error *error) {
    struct backend *b = e->backend;
    const struct merge_result *m = &e->merged;
    struct merge_segment segment = {.count = e->pool->layout->size};
    struct merge_segment *segments = NULL;
    float *weights = NULL;
    int result = -1;
    if (b->allocate(b, sizeof segment, (void **)&segments, error) ||
        b->allocate(b, m->count * sizeof *weights, (void **)&weights, error))
        goto done;
    b->upload(b, segments, &segment, sizeof segment);
    b->upload(b, weights, m->weights, m->count * sizeof *weights);
    b->merge(b, e->weights, e->pool->base, m->vectors, m->stride, m->count, segments, 1,
             weights);
    result = b->synchronise(b, error);
done:
    b->release(b, segments);
    b->release(b, weights);
    return result;
}

/* Reads the training splits, once. */
static int load_train(struct evaluator *e, const struct work *work,
                      struct error *error) {
    if (e->train)
        return 0;
    const struct dataset **train = array_new(e->tasks, sizeof *train);
    if (!train)
        return error_memory(error);
    for (size_t t = 0; t < e->tasks; t++) {
        struct sources_data which = {
            .task = t, .split = "train", .threads = e->threads};
        struct dataset *data;
        if (sources_dataset(e->recipe, e->directory, &which, &e->pool->form, &data,
                            work, error)) {
            while (t-- > 0)
                dataset_close((struct dataset *)(uintptr_t)train[t]);
            free(train);
            return -1;
        }
        train[t] = data;
    }
    e->train = train;
    return 0;
}

int evaluator_begin_method(struct evaluator *e, const char *method,
                           const char *parameters, const double *preference,
                           const struct work *work, struct error *error) {
    restart(e);
    merge_result_clear(e->pool, &e->merged);
    if (strcmp(method, "stl") == 0) {
        evaluator_put_expert(e, 0);
        e->current = CURRENT_SINGLE;
        return e->backend->synchronise(e->backend, error);
    }
    const struct merge_method *found = merge_method_find(method, error);
    if (!found)
        return -1;
    json_error_t where;
    json_t *given = json_loads(parameters && *parameters ? parameters : "{}",
                               JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(given)) {
        json_decref(given);
        return error_set(error, "parameters of %s are no JSON object", method);
    }
    json_t *all = merge_parameters(found, given, error);
    json_decref(given);
    if (!all)
        return -1;
    int result = found->needs_data ? load_train(e, work, error) : 0;
    make_begin(e);
    if (result == 0) {
        struct merge_input input = {.method = found,
                                    .pool = e->pool,
                                    .parameters = all,
                                    .preference = preference,
                                    .train = e->train,
                                    .work = work};
        result = merge_run(&input, &e->merged, error);
    }
    json_decref(all);
    if (result || put_merged(e, error))
        return -1;
    make_end(e);
    e->current = CURRENT_METHOD;
    return 0;
}

/* Heads of the directory at path, the pool's where it has none; a bank of them. */
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
    restart(e);
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
