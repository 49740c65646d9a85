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
    if (evaluator_settle(e, error) ||
        b->download_real(b, weights, e->weights, size, error)) {
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
        return correction_row(e->correction, offset);
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

/* The hash of the tensors as they will be written, in that dtype (NULL: as they are);
 * -1 where the model made now is not the one that was measured. */
static int export_hash(const struct evaluator *e, const char *path,
                       const struct store_solution *solution, const enum dtype *dtype,
                       const float *weights, char hash[SHA256_HEX],
                       const struct work *work, struct error *error) {
    const struct layout *l = e->pool->layout;
    const struct model_directory *pretrained = e->pool->pretrained;
    if (saving_hash(l, pretrained, NULL, weights, hash, work, error))
        return -1;
    if (*solution->model_sha256 && strcmp(solution->model_sha256, hash) != 0)
        return error_set(
            error,
            "%s: the model made now is not the one that was measured (its tensors "
            "differ); evaluate it again with this device and precision",
            path);
    return dtype ? saving_hash(l, pretrained, dtype, weights, hash, work, error) : 0;
}

/* What the current model says of itself, as files: what is given (the solution, its
 * figures or NULL, hash, heads, dtype, whether it is the model that was measured) and
 * what the evaluator knows. */
static int describe(struct evaluator *e, struct provenance what,
                    struct provenance_files *files, struct error *error) {
    const struct layout *l = e->pool->layout;
    bool corrected = e->current == CURRENT_PREFERENCE && e->correction;
    struct store_evaluation *own = array_new(e->tasks, sizeof *own);
    const float **rows = array_new(l->parameter_count, sizeof *rows);
    int result = own && rows ? 0 : error_memory(error);
    if (result == 0) {
        if (what.measured)
            evaluator_results(e, own);
        for (size_t i = 0; i < l->parameter_count; i++)
            rows[i] = weights_at(e, l->parameters[i].offset);
        what.recipe = e->recipe;
        what.sources = e->sources;
        what.pool = e->pool;
        what.weights = rows;
        if (corrected)
            what.corrections =
                correction_count(correction_form(e->correction), e->tasks);
        what.by_tensor = corrected && correction_routers(e->correction);
        what.answered = e->answered;
        what.settled = e->current == CURRENT_METHOD ? e->settled
                       : corrected && e->base       ? closed_base_parameters(e->base)
                                                    : NULL;
        if (!what.figures || !what.measured)
            what.figures = own;
        result = provenance_write(&what, files, error);
    }
    free(own);
    free(rows);
    return result;
}

/* One task's head among the tensors, with the names of its classes. Numbers are no
 * names: LABEL_0, LABEL_1, ... then. */
static void place_head(const struct evaluator *e, const struct head *heads, size_t task,
                       struct saving *saving) {
    const struct dataset *data = e->held_out[task].data;
    saving->head = &heads[task];
    if (data->classes == saving->head->classes &&
        !class_numbers(data->class_names, data->classes))
        saving->labels = data->class_names;
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
    if (e->current == CURRENT_DIRECTORY)
        return error_set(error, "the model is already a directory; copy it");
    if (head >= 0 && e->pool->layout->config.kind == MODEL_CLIP_VISION)
        return error_set(error,
                         "a CLIP model has no classifier for a task's head; leave "
                         "--head out: the heads are in %s/heads",
                         path);
    float *weights = download_weights(e, error);
    struct head *heads = weights ? current_heads(e, dtype, error) : NULL;
    const struct head *used = e->fitted ? e->fitted : heads;
    struct provenance_files files = {0};
    char hash[SHA256_HEX];
    struct provenance what = {.heads = used,
                              .solution = solution,
                              .sha256 = hash,
                              .figures = figures,
                              .dtype = dtype ? dtype_entry_of(*dtype)->name : NULL,
                              .measured = !dtype || evaluator_keeps_values(e, *dtype)};
    int result =
        heads ? export_hash(e, path, solution, dtype, weights, hash, work, error) : -1;
    if (result == 0)
        result = describe(e, what, &files, error);
    if (result == 0) {
        struct saving saving = {.layout = e->pool->layout,
                                .pretrained = e->pool->pretrained,
                                .weights = weights,
                                .dtype = dtype,
                                .files = files.files,
                                .file_count = files.count};
        if (head >= 0 && (size_t)head < e->tasks)
            place_head(e, used, (size_t)head, &saving);
        result = saving_write(path, &saving, work, error);
    }
    provenance_files_clear(&files);
    if (heads)
        free_heads(e, heads);
    free(weights);
    return result;
}
