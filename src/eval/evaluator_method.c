/* Models by the methods of the table (merge/method.h), for an evaluator. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/usage.h"
#include "eval/evaluator_state.h"
#include "eval/sources.h"
#include "merge/layers_share.h"

/* Of each task at most, where a method does with some. */
enum { SOME = 64 };

/* What follows from the weights. */
static int complete_merged(struct evaluator *e, struct error *error) {
    stored_dtype_round(e->stored, e->weights);
    return pool_put_heads(e->pool, e->weights, e->heads, error) ||
                   e->backend->synchronise(e->backend, error)
               ? -1
               : 0;
}

/* The result of a method as plain weights. */
static int put_merged(struct evaluator *e, struct error *error) {
    struct backend *b = e->backend;
    const struct merge_result *m = &e->merged;
    if (!m->vectors) {
        unloader_merge(e->plain_unloader, m->weights, e->weights);
        return complete_merged(e, error);
    }
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
    result = complete_merged(e, error);
done:
    b->release(b, segments);
    b->release(b, weights);
    return result;
}

/* --- training data ---------------------------------------------------------------- */

static void close_train(const struct dataset **train, size_t count) {
    for (size_t t = 0; train && t < count; t++)
        dataset_close((struct dataset *)(uintptr_t)train[t]);
    free(train);
}

/* Reads what is learnt from without labels, or `limit` examples of each (0: all). */
static const struct dataset **read_train(struct evaluator *e, size_t limit,
                                         const struct work *work, struct error *error) {
    const struct dataset **train = array_new(e->tasks, sizeof *train);
    if (!train)
        error_memory(error);
    for (size_t t = 0; train && t < e->tasks; t++) {
        struct sources_data which = {
            .task = t, .unlabelled = true, .limit = limit, .threads = e->threads};
        struct dataset *data;
        if (sources_dataset(e->recipe, e->directory, &which, &e->pool->form, &data,
                            work, error)) {
            close_train(train, t);
            return NULL;
        }
        train[t] = data;
    }
    return train;
}

/* --- what a method leaves to the data --------------------------------------------- */

void evaluator_forget_settled(struct evaluator *e) {
    json_decref(e->asked);
    json_decref(e->settled);
    e->asked = e->settled = NULL;
    e->settled_method = NULL;
}

/* Settles the parameters of input, once for each method and parameters: a drag over
 * many preferences asks for the same ones. Some examples will do for it. */
static int settle(struct evaluator *e, struct merge_input *input, struct error *error) {
    if (!input->method->settle) {
        evaluator_forget_settled(e);
        return 0;
    }
    if (e->settled_method == input->method && json_equal(e->asked, input->parameters)) {
        input->parameters = e->settled;
        return 0;
    }
    evaluator_forget_settled(e);
    const struct dataset **some = NULL;
    if (input->method->uses_data && !input->train &&
        sources_have_examples(e->recipe, e->directory)) {
        some = read_train(e, SOME, input->work, error);
        if (!some)
            return -1;
    }
    struct merge_input with = *input;
    if (some)
        with.train = some;
    json_t *settled = merge_settle(&with, error);
    close_train(some, e->tasks);
    if (!settled)
        return -1;
    e->settled_method = input->method;
    e->asked = json_deep_copy(input->parameters);
    e->settled = settled;
    if (!e->asked)
        return error_memory(error);
    input->parameters = settled;
    return 0;
}

/* --- heads fitted to the model ---------------------------------------------------- */

void evaluator_clear_fitted(struct evaluator *e) {
    for (size_t t = 0; e->fitted && t < e->tasks; t++)
        head_clear(&e->fitted[t]);
    free(e->fitted);
    e->fitted = NULL;
}

void evaluator_free_head_fit(struct evaluator *e) {
    head_fit_free(e->head_fit);
    close_train(e->head_examples, e->tasks);
    e->head_fit = NULL;
    e->head_examples = NULL;
}

/* The same examples whatever the method has read for itself. */
static int open_head_fit(struct evaluator *e, const struct work *work,
                         struct error *error) {
    if (e->head_fit)
        return 0;
    if (!sources_have_examples(e->recipe, e->directory))
        return error_set(error,
                         "fitted heads need examples of every task; name them in the "
                         "recipe (unlabelled: ... or train: ...)");
    e->head_examples = read_train(e, HEAD_FIT_EXAMPLES, work, error);
    if (!e->head_examples)
        return -1;
    if (head_fit_new(e->pool, e->head_examples, work, &e->head_fit, error) == 0)
        return 0;
    evaluator_free_head_fit(e);
    return -1;
}

int evaluator_put_heads(struct evaluator *e, struct head *heads, struct error *error) {
    evaluator_clear_fitted(e); /* of the same model, put before */
    head_bank_free(e->own_heads);
    e->own_heads = NULL;
    e->fitted = heads;
    if (head_bank_new(e->backend, &e->pool->layout->config, heads, e->tasks,
                      forward_batch_size(e->forward), &e->own_heads, error) == 0)
        return 0;
    evaluator_clear_fitted(e);
    return -1;
}

/* To the model that is in place; its batches are then answered by these heads. */
static int fit_heads(struct evaluator *e, const double *shared, const struct work *work,
                     struct error *error) {
    struct head *heads = array_new(e->tasks, sizeof *heads);
    if (!heads)
        return error_memory(error);
    if (head_fit_run(e->head_fit, e->weights, shared, work, heads, error)) {
        free(heads); /* all are empty */
        return -1;
    }
    return evaluator_put_heads(e, heads, error);
}

int evaluator_fit_heads(struct evaluator *e, const double *shared,
                        const struct work *work, struct error *error) {
    if (e->current != CURRENT_PREFERENCE && e->current != CURRENT_METHOD)
        return error_set(error, "no merged model was made");
    if (open_head_fit(e, work, error))
        return -1;
    double began = usage_clock();
    if (fit_heads(e, shared, work, error))
        return -1;
    e->seconds += usage_clock() - began;
    return 0;
}

/* --- beginning -------------------------------------------------------------------- */

static int make(struct evaluator *e, struct merge_input *input, struct error *error) {
    if (input->method->needs_data && !e->train &&
        !(e->train = read_train(e, 0, input->work, error)))
        return -1;
    input->train = e->train;
    bool fitted = merge_heads_fitted(input->parameters);
    double equal[POOL_TASKS_MAX];
    const double *shared = NULL;
    for (size_t t = 0; t < e->tasks; t++)
        equal[t] = 1 / (double)e->tasks;
    if (merge_heads_shared(input->parameters))
        shared = input->preference ? input->preference : equal;
    if (settle(e, input, error) || (fitted && open_head_fit(e, input->work, error)))
        return -1;
    evaluator_make_begin(e);
    if (merge_run(input, &e->merged, error) || put_merged(e, error) ||
        (fitted && fit_heads(e, shared, input->work, error)))
        return -1;
    evaluator_make_end(e);
    return 0;
}

/* What the method is given; its parameters are for json_decref. */
static int find_input(struct evaluator *e, const char *method, const char *parameters,
                      const double *preference, const struct work *work,
                      struct merge_input *input, struct error *error) {
    const struct merge_method *found = merge_method_find(method, error);
    if (!found)
        return -1;
    json_error_t where;
    json_t *given = json_loads(parameters && *parameters ? parameters : "{}",
                               JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(given)) {
        json_decref(given);
        return error_set(error, "parameters of %s are not a JSON object", method);
    }
    json_t *all = merge_parameters(found, given, error);
    json_decref(given);
    if (!all)
        return -1;
    *input = (struct merge_input){.method = found,
                                  .pool = e->pool,
                                  .parameters = all,
                                  .preference = preference,
                                  .kept = &e->kept,
                                  .share = e->share,
                                  .work = work};
    if (e->kept_method != found)
        merge_kept_clear(&e->kept);
    e->kept_method = found;
    return 0;
}

int evaluator_begin_method(struct evaluator *e, const char *method,
                           const char *parameters, const double *preference,
                           const struct work *work, struct error *error) {
    if (e->commanded)
        return commanded_begin_method(e->commanded, method, parameters, preference,
                                      work, error);
    evaluator_restart(e);
    merge_result_clear(e->pool, &e->merged);
    if (store_method_role(method) == STORE_ROLE_EXPERTS) {
        evaluator_put_expert(e, 0);
        e->current = CURRENT_SINGLE;
        return e->backend->synchronise(e->backend, error);
    }
    struct merge_input input;
    if (find_input(e, method, parameters, preference, work, &input, error))
        return -1;
    json_t *all = (json_t *)(uintptr_t)input.parameters;
    int result = make(e, &input, error);
    json_decref(all);
    if (result)
        return -1;
    e->current = CURRENT_METHOD;
    return 0;
}

int evaluator_make_layers(struct evaluator *e, const char *method,
                          const char *parameters, const double *preference,
                          const size_t *indices, size_t count, void **bytes,
                          size_t *size, const struct work *work, struct error *error) {
    struct merge_input input;
    if (e->commanded)
        return error_set(error, "commands measure these tasks: no layers are made");
    if (find_input(e, method, parameters, preference, work, &input, error))
        return -1;
    int result = layers_serve(&input, indices, count, bytes, size, error);
    json_decref((json_t *)(uintptr_t)input.parameters);
    return result;
}
