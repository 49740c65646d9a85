/* What leaves an evaluator: the current model's hash, and the model as a directory. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eval/evaluator_state.h"
#include "eval/provenance.h"
#include "model/saving.h"

/* The current model's weights on the host (freed with free()). */
static float *download_weights(struct evaluator *e, struct error *error) {
    struct backend *b = e->backend;
    size_t size = e->pool->layout->size;
    if (e->current == CURRENT_NONE || e->current == CURRENT_SINGLE) {
        error_set(error, e->current == CURRENT_NONE
                             ? "no model was made"
                             : "the experts of the tasks are not one model");
        return NULL;
    }
    float *weights = array_new(size, sizeof *weights);
    if (!weights) {
        error_memory(error);
        return NULL;
    }
    if (b->download_real(b, weights, e->weights, size, error)) {
        free(weights);
        return NULL;
    }
    return weights;
}

int evaluator_model_sha256(struct evaluator *e, char hex[SHA256_HEX],
                           const struct work *work, struct error *error) {
    if (e->commanded)
        return commanded_sha256(e->commanded, hex, error);
    if (e->current == CURRENT_SINGLE) { /* several models have no one hash */
        hex[0] = '\0';
        return 0;
    }
    float *weights = download_weights(e, error);
    if (!weights)
        return -1;
    int result = saving_hash(e->pool->layout, e->pool->pretrained, NULL, weights, hex,
                             work, error);
    free(weights);
    return result;
}

/* The T numbers that multiplied each task vector in the parameter at an offset;
 * NULL where the method is no such sum. */
static const float *weights_at(const struct evaluator *e, size_t offset) {
    if (e->current == CURRENT_PREFERENCE && e->correction)
        return e->routing;
    if (e->current == CURRENT_PREFERENCE)
        return e->routing + upscaling_row(e->upscaling, offset) * e->tasks;
    if (e->current == CURRENT_METHOD && e->merged.vectors == e->pool->vectors)
        return e->merged.weights;
    return NULL;
}

bool evaluator_keeps_values(const struct evaluator *e, enum dtype dtype) {
    return !e->commanded &&
           saving_keeps_values(e->pool->layout, e->pool->pretrained, dtype);
}

/* What follows the current model's text tower is made here, the rest is the pool's. */
static void free_heads(const struct evaluator *e, struct head *heads) {
    for (size_t t = 0; t < e->tasks; t++)
        if (pool_head_follows(e->pool, t))
            head_clear(&heads[t]);
    free(heads);
}

/* Of weights (size) on the device. */
static int make_heads(struct evaluator *e, const real *weights, struct head *heads,
                      struct error *error) {
    for (size_t t = 0; t < e->tasks; t++) {
        if (!pool_head_follows(e->pool, t))
            heads[t] = e->pool->heads[t];
        else if (pool_head(e->pool, weights, t, &heads[t], error))
            return -1;
    }
    return 0;
}

/* The heads [tasks] of the current model, in that dtype (NULL: as it is); ended by
 * free_heads. */
static struct head *current_heads(struct evaluator *e, const enum dtype *dtype,
                                  struct error *error) {
    struct backend *b = e->backend;
    size_t size = e->pool->layout->size, bytes = size * b->real_size;
    struct head *heads = array_new(e->tasks, sizeof *heads);
    real *rounded = NULL;
    int result = heads ? 0 : error_memory(error);
    if (result == 0 && e->pool->text && dtype && *dtype != DTYPE_F32) {
        result = b->allocate(b, bytes, (void **)&rounded, error);
        if (result == 0) {
            b->copy(b, rounded, e->weights, bytes);
            b->round_values(b, rounded, size,
                            *dtype == DTYPE_F16 ? ROUNDING_F16 : ROUNDING_BF16);
        }
    }
    if (result == 0)
        result = make_heads(e, rounded ? rounded : e->weights, heads, error);
    b->release(b, rounded);
    if (result == 0)
        return heads;
    if (heads)
        free_heads(e, heads);
    return NULL;
}

int evaluator_export(struct evaluator *e, const char *path,
                     const struct store_solution *solution,
                     const struct store_evaluation *figures, int head,
                     const enum dtype *dtype, const struct work *work,
                     struct error *error) {
    if (e->commanded && dtype)
        return error_set(error,
                         "models that a command measures are written in their own "
                         "dtypes; `pwemoe merge-to --dtype` writes others");
    if (e->commanded)
        return commanded_export(e->commanded, path, solution, work, error);
    const struct layout *l = e->pool->layout;
    if (e->current == CURRENT_DIRECTORY)
        return error_set(error, "the model is already a directory; copy it");
    if (head >= 0 && l->config.kind == MODEL_CLIP_VISION)
        return error_set(error,
                         "a CLIP model has no classifier for a task's head; leave "
                         "--head out: the heads are in %s/heads",
                         path);
    float *weights = download_weights(e, error);
    struct head *heads = weights ? current_heads(e, dtype, error) : NULL;
    if (!heads) {
        free(weights);
        return -1;
    }
    int result = -1;
    struct store_evaluation *own = array_new(e->tasks, sizeof *own);
    const float **rows = array_new(l->parameter_count, sizeof *rows);
    struct provenance_files files = {0};
    char hash[SHA256_HEX];
    if (!own || !rows) {
        error_memory(error);
        goto done;
    }
    if (saving_hash(l, e->pool->pretrained, NULL, weights, hash, work, error))
        goto done;
    if (*solution->model_sha256 && strcmp(solution->model_sha256, hash) != 0) {
        error_set(
            error,
            "%s: the model made now is not the one that was measured (its tensors "
            "differ); evaluate it again with this device and precision",
            path);
        goto done;
    }
    bool measured = !dtype || evaluator_keeps_values(e, *dtype);
    if (dtype && saving_hash(l, e->pool->pretrained, dtype, weights, hash, work, error))
        goto done;
    if (measured)
        evaluator_results(e, own);
    for (size_t i = 0; i < l->parameter_count; i++)
        rows[i] = weights_at(e, l->parameters[i].offset);
    const struct head *used = e->fitted ? e->fitted : heads;
    struct provenance what = {
        .recipe = e->recipe,
        .sources = e->sources,
        .pool = e->pool,
        .heads = used,
        .solution = solution,
        .sha256 = hash,
        .figures = figures && measured ? figures : own,
        .dtype = dtype ? dtype_entry_of(*dtype)->name : NULL,
        .measured = measured,
        .weights = rows,
        .corrected = e->current == CURRENT_PREFERENCE && e->correction,
        .correction_weight = e->correction_weight,
        .answered = e->answered,
        .settled = e->current == CURRENT_METHOD ? e->settled : NULL};
    if (provenance_write(&what, &files, error))
        goto done;
    struct saving saving = {.layout = l,
                            .pretrained = e->pool->pretrained,
                            .weights = weights,
                            .dtype = dtype,
                            .files = files.files,
                            .file_count = files.count};
    if (head >= 0 && (size_t)head < e->tasks) {
        saving.head = &used[head];
        const struct dataset *data = e->held_out[head].data;
        /* Numbers are no names: LABEL_0, LABEL_1, ... then. */
        if (data->classes == saving.head->classes &&
            !class_numbers(data->class_names, data->classes))
            saving.labels = data->class_names;
    }
    result = saving_write(path, &saving, work, error);
done:
    provenance_files_clear(&files);
    free_heads(e, heads);
    free(own);
    free(rows);
    free(weights);
    return result;
}
