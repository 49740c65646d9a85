/* The closed form with a preference as a method of the table (wudi.h has the
 * arithmetic): the linear layers of the blocks, everything else the weighted mean. The
 * ridge is chosen where there are examples to choose it by. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "merge/agreement.h"
#include "merge/layers.h"
#include "merge/layers_share.h"
#include "merge/layers_solve.h"
#include "merge/method.h"
#include "merge/wudi.h"
#include "merge/wudi_device.h"

enum {
    LAYERS = 4,            /* of a block: queries-keys-values, output, fc1, fc2 */
    EXAMPLES = 256,        /* of all tasks, that a ridge is chosen on */
    EXAMPLES_OF_TASK = 64, /* at most, and 16 at least */
    EXAMPLES_LEAST = 16,
};

/* The ridges that are tried, and the one where there is nothing to try them on: near
 * to averaging, which it does not fall behind on any pool measured (docs/methods.md).
 */
static const double ridges[] = {0.01, 0.1, 1, 10};
static const double ridge_untried = 10;

/* Products of the first so many layers, which are the same for all preferences. A
 * device has them from the second preference on: one alone is made without. */
struct kept_products {
    size_t layers, tasks;
    struct wudi_products *of; /* [layers, tasks]; the first has NULLs: not made yet */
    bool by_device;           /* it may be that it has them, and none are kept here */
    size_t preferences;       /* that were asked for */
    struct wudi_device *device;
};

/* Some layers of one model. */
struct wudi_merge {
    const struct merge_input *input;
    const struct layers_part *part;
    struct kept_products *kept;     /* or NULL */
    double weights[POOL_TASKS_MAX]; /* q of wudi.h */
    double ridge;
};

static struct linear_layer layer_at(const struct layout *layout, size_t index,
                                    size_t *offset) {
    size_t block = index / LAYERS, begin = 0;
    if (block >= layout->config.layers) { /* of the text tower */
        block -= layout->config.layers;
        begin = layout->text_begin;
        layout = layout->text;
    }
    const struct model_config *c = &layout->config;
    const struct block_offsets *o = &layout->blocks[block];
    const size_t offsets[LAYERS] = {o->qkv_weight, o->out_weight, o->fc1_weight,
                                    o->fc2_weight};
    const struct linear_layer layers[LAYERS] = {
        {c->width, 3 * c->width, c->conv1d},
        {c->width, c->width, c->conv1d},
        {c->width, c->mlp_width, c->conv1d},
        {c->mlp_width, c->width, c->conv1d},
    };
    *offset = begin + offsets[index % LAYERS];
    return layers[index % LAYERS];
}

static size_t layer_count(const struct layout *layout) {
    size_t blocks = layout->config.layers;
    return (layout->text ? blocks + layout->text->config.layers : blocks) * LAYERS;
}

/* --- what is kept from one preference to the next --------------------------------- */

static void free_kept(void *state) {
    struct kept_products *kept = state;
    wudi_device_free(kept->device);
    for (size_t i = 0; i < kept->layers * kept->tasks; i++) {
        free(kept->of[i].gram);
        free(kept->of[i].cube);
    }
    free(kept->of);
    free(kept);
}

/* How many layers' products fit into an eighth of the machine's memory. */
static size_t layers_that_fit(const struct layout *layout, size_t tasks) {
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    double left = pages > 0 && page > 0 ? (double)pages * (double)page / 8 : 0;
    size_t count = layer_count(layout), i = 0, offset;
    for (; i < count; i++) {
        struct linear_layer layer = layer_at(layout, i, &offset);
        left -= (double)tasks * (double)wudi_products_bytes(&layer);
        if (left < 0)
            break;
    }
    return i;
}

/* NULL where nothing can be kept, which costs time alone. */
static struct kept_products *keep(const struct merge_input *input) {
    if (!input->kept)
        return NULL;
    if (input->kept->state)
        return input->kept->state;
    struct kept_products *kept = array_new(1, sizeof *kept);
    size_t tasks = input->pool->tasks;
    size_t layers = layers_that_fit(input->pool->layout, tasks);
    struct wudi_products *of =
        kept && layers ? array_new(layers, tasks * sizeof *of) : NULL;
    if (!of) {
        free(kept);
        return NULL;
    }
    const struct backend *b = input->pool->backend;
    *kept = (struct kept_products){.layers = layers,
                                   .tasks = tasks,
                                   .of = of,
                                   .by_device = !b->host_view && b->solve};
    *input->kept = (struct merge_kept){kept, free_kept};
    return kept;
}

/* The layer's products, made where that was not done yet; *products is NULL where they
 * are not kept. */
static int find_products(const struct wudi_merge *s, size_t index,
                         const struct linear_layer *layer, const float *const *vectors,
                         const struct wudi_products **products, struct error *error) {
    *products = NULL;
    if (!s->kept || s->kept->by_device || index >= s->kept->layers)
        return 0;
    size_t tasks = s->kept->tasks;
    struct wudi_products *of = s->kept->of + index * tasks;
    for (size_t t = 0; t < tasks; t++) {
        if (of[t].gram)
            continue;
        struct wudi_products made = {
            array_new(layer->inputs, layer->inputs * sizeof(float)),
            array_new(layer->inputs, layer->outputs * sizeof(float)), false};
        int result = made.gram && made.cube
                         ? wudi_prepare(layer, vectors[t], &made, error)
                         : error_memory(error);
        if (result) {
            free(made.gram);
            free(made.cube);
            return -1;
        }
        of[t] = made;
    }
    *products = of;
    return 0;
}

/* --- models ----------------------------------------------------------------------- */

/* What a layer of the part is made of. */
struct ingredients {
    struct linear_layer layer;
    struct layers_vectors vectors;
    const struct wudi_products *products;
};

/* Ended by layers_vectors_free. */
static int find_ingredients(const struct wudi_merge *s, size_t at,
                            struct ingredients *of, struct error *error) {
    const struct pool *pool = s->input->pool;
    size_t index = s->part->indices[at], offset;
    of->layer = layer_at(pool->layout, index, &offset);
    if (layers_vectors_find(s->input, s->part, at, &of->vectors, error))
        return -1;
    if (find_products(s, index, &of->layer, of->vectors.of, &of->products, error)) {
        layers_vectors_free(&of->vectors);
        return -1;
    }
    return 0;
}

static int solve_layer(void *self, size_t at, struct error *error) {
    const struct wudi_merge *s = self;
    struct ingredients of;
    if (find_ingredients(s, at, &of, error))
        return -1;
    int result = wudi_solve(&of.layer, of.vectors.of, of.products, s->weights,
                            s->input->pool->tasks, s->ridge, s->part->made[at], error);
    layers_vectors_free(&of.vectors);
    return result;
}

/* --- the same on a device, which solves what is added up here --------------------- */

static struct linear_layer shape_of(void *self, size_t at) {
    const struct wudi_merge *s = self;
    size_t offset;
    return layer_at(s->input->pool->layout, s->part->indices[at], &offset);
}

static int fill_system(void *self, size_t at, float *system, float *right,
                       struct error *error) {
    const struct wudi_merge *s = self;
    struct ingredients of;
    if (find_ingredients(s, at, &of, error))
        return -1;
    int result = wudi_system(&of.layer, of.vectors.of, of.products, s->weights,
                             s->input->pool->tasks, s->ridge, system, right, error);
    layers_vectors_free(&of.vectors);
    return result;
}

static void take_solved(void *self, size_t at, const float *solved) {
    const struct wudi_merge *s = self;
    struct linear_layer layer = shape_of(self, at);
    memcpy(s->part->made[at], solved, layer.inputs * layer.outputs * sizeof *solved);
}

static int unsolved(void *self, size_t at, struct error *error) {
    const struct wudi_merge *s = self;
    struct linear_layer layer = shape_of(self, at);
    return wudi_unsolved(&layer, s->ridge, error);
}

/* What the largest layer of them needs. */
static size_t room_of_layer(const struct wudi_merge *s) {
    size_t most = 1;
    for (size_t i = 0; i < s->part->count; i++) {
        struct linear_layer layer = shape_of((void *)(uintptr_t)s, i);
        size_t room = wudi_room(&layer) +
                      layers_vectors_room(s->input, layer.inputs * layer.outputs);
        most = room > most ? room : most;
    }
    return most;
}

static void put_weights(const struct merge_input *input, double *weights) {
    size_t tasks = input->pool->tasks;
    double shrink = merge_number(input, "shrink");
    for (size_t t = 0; t < tasks; t++)
        weights[t] = (1 - shrink) * input->preference[t] + shrink / (double)tasks;
}

static int make_layers(const struct merge_input *input, const struct layers_part *part,
                       struct error *error) {
    struct wudi_merge s = {.input = input,
                           .part = part,
                           .kept = keep(input),
                           .ridge = merge_number(input, "ridge")};
    put_weights(input, s.weights);
    const struct layers_systems systems = {.count = part->count,
                                           .room = room_of_layer(&s),
                                           .self = &s,
                                           .shape = shape_of,
                                           .fill = fill_system,
                                           .take = take_solved,
                                           .unsolved = unsolved};
    bool done;
    int result = layers_solve(input, &systems, &done, error);
    if (result == 0 && !done)
        result = layers_make(input, NULL, systems.count, systems.room, solve_layer, &s,
                             error);
    return result;
}

/* The merged task vector at input->preference, on the host. */
static int make_vector(const struct merge_input *input, float *merged,
                       struct error *error) {
    double weights[POOL_TASKS_MAX];
    put_weights(input, weights);
    return layers_merge(input, weights, merged, error);
}

/* --- the ridge -------------------------------------------------------------------- */

static size_t examples_of(size_t tasks) {
    size_t each = EXAMPLES / tasks;
    return each > EXAMPLES_OF_TASK ? EXAMPLES_OF_TASK
           : each < EXAMPLES_LEAST ? EXAMPLES_LEAST
                                   : each;
}

static int with_ridge(struct merge_input *input, json_t *parameters, double ridge,
                      struct error *error) {
    input->parameters = parameters;
    return json_object_set_new(parameters, "ridge", json_real(ridge))
               ? error_memory(error)
               : 0;
}

/* Of the ridges the one whose model at equal weights answers the training examples most
 * nearly as their experts do. */
static int choose_ridge(const struct merge_input *input, double *chosen,
                        struct error *error) {
    enum { COUNT = sizeof ridges / sizeof *ridges };
    struct pool *pool = input->pool;
    struct merge_input centre = *input;
    struct merge_kept own = {0}; /* several ridges of one preference: on the host */
    struct kept_products *kept;
    struct agreement *agreement = NULL;
    double equal[POOL_TASKS_MAX], best = INFINITY;
    float *merged = array_new(pool->layout->size, sizeof *merged);
    json_t *parameters = json_deep_copy(input->parameters);
    int result = merged && parameters
                     ? agreement_new(input, examples_of(pool->tasks), &agreement, error)
                     : error_memory(error);
    for (size_t t = 0; t < pool->tasks; t++)
        equal[t] = 1 / (double)pool->tasks;
    centre.preference = equal;
    if (input->kept && !pool->backend->host_view) {
        centre.kept = &own;
        kept = keep(&centre);
        if (kept)
            kept->by_device = false;
    }
    *chosen = ridge_untried;
    for (size_t i = 0; result == 0 && i < COUNT; i++) {
        double distance;
        work_report(input->work, "choosing the ridge", i, COUNT);
        result = with_ridge(&centre, parameters, ridges[i], error) ||
                         make_vector(&centre, merged, error) ||
                         agreement_distance(agreement, merged, &distance, error)
                     ? -1
                     : 0;
        if (result == 0 && distance < best) {
            best = distance;
            *chosen = ridges[i];
        }
    }
    agreement_free(agreement);
    merge_kept_clear(&own);
    json_decref(parameters);
    free(merged);
    return result;
}

static int settle(const struct merge_input *input, json_t *parameters,
                  struct error *error) {
    double ridge = merge_number(input, "ridge");
    if (ridge > 0)
        return 0;
    ridge = ridge_untried;
    if (input->train && choose_ridge(input, &ridge, error))
        return -1;
    return json_object_set_new(parameters, "ridge", json_real(ridge))
               ? error_memory(error)
               : 0;
}

/* By what a device has of all preferences. *done is false where it has not. */
static int run_on_device(const struct merge_input *input, struct merge_result *result,
                         bool *done, struct error *error) {
    struct backend *b = input->pool->backend;
    struct kept_products *kept = keep(input);
    double weights[POOL_TASKS_MAX], ridge = merge_number(input, "ridge");
    real *out;
    *done = false;
    if (!kept || !kept->by_device || ++kept->preferences < 2)
        return 0;
    if (kept->device && wudi_device_ridge(kept->device) != ridge) {
        wudi_device_free(kept->device);
        kept->device = NULL;
    }
    if (!kept->device && wudi_device_new(input, ridge, &kept->device, error))
        return -1;
    kept->by_device = kept->device != NULL;
    if (!kept->device)
        return 0;
    put_weights(input, weights);
    if (b->allocate(b, input->pool->layout->size * b->real_size, (void **)&out, error))
        return -1;
    if (wudi_device_merge(kept->device, weights, out, done, error) == 0 && *done)
        return merge_own_made(input, out, result, error);
    b->release(b, out);
    if (*done || backend_lost(b))
        return -1;
    wudi_device_free(kept->device);
    kept->device = NULL;
    kept->by_device = false;
    return 0;
}

static int run_wudi(const struct merge_input *input, struct merge_result *result,
                    struct error *error) {
    bool done;
    if (run_on_device(input, result, &done, error))
        return -1;
    if (done)
        return 0;
    float *merged = array_new(input->pool->layout->size, sizeof *merged);
    int status = merged ? 0 : error_memory(error);
    if (status == 0)
        status = make_vector(input, merged, error) ||
                         merge_own_vector(input, merged, 1, result, error)
                     ? -1
                     : 0;
    free(merged);
    return status;
}

static const struct merge_parameter parameters[] = {
    {.name = "ridge",
     .initial = 0,
     .low = 0,
     .high = 1e6,
     .help = "how strongly the closed form is drawn towards the mean; 0 chooses 0.01, "
             "0.1, 1 or 10 by the experts' answers to training examples, 10 without"},
    MERGE_SHRINK,
    {0}};

static const struct layers_method layers = {layer_count, layer_at, make_layers};

const struct merge_method merge_wudi = {
    .name = "wudi",
    .summary = "linear layers by a closed form of the task vectors (WUDI-Merging's "
               "objective)",
    .uses_data = true,
    .takes_preference = true,
    .parameters = parameters,
    .layers = &layers,
    .settle = settle,
    .run = run_wudi};
