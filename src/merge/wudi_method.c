/* The closed form with a preference as a method of the table (wudi.h has the
 * arithmetic): the linear layers of the blocks, everything else the weighted mean. The
 * ridge is chosen where there are examples to choose it by. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "merge/agreement.h"
#include "merge/layers.h"
#include "merge/method.h"
#include "merge/wudi.h"

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

struct wudi_merge {
    const struct merge_input *input;
    const float *vectors;           /* [tasks, size] */
    double weights[POOL_TASKS_MAX]; /* q of wudi.h */
    double ridge;
    float *merged;
};

static struct wudi_layer layer_at(const struct layout *layout, size_t index,
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
    const struct wudi_layer layers[LAYERS] = {
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

static int solve_layer(void *self, size_t index, struct error *error) {
    const struct wudi_merge *s = self;
    const struct pool *pool = s->input->pool;
    const float *vectors[POOL_TASKS_MAX];
    size_t offset;
    struct wudi_layer layer = layer_at(pool->layout, index, &offset);
    for (size_t t = 0; t < pool->tasks; t++)
        vectors[t] = s->vectors + t * pool->layout->size + offset;
    return wudi_solve(&layer, vectors, s->weights, pool->tasks, s->ridge,
                      s->merged + offset, error);
}

/* What the largest layer needs. */
static size_t room_of_layer(const struct layout *layout) {
    size_t most = 1;
    for (size_t i = 0; i < layer_count(layout); i++) {
        size_t offset;
        struct wudi_layer layer = layer_at(layout, i, &offset);
        size_t room = wudi_room(&layer);
        most = room > most ? room : most;
    }
    return most;
}

/* The merged task vector at input->preference, on the host. */
static int make_vector(const struct merge_input *input, double ridge, float *merged,
                       struct error *error) {
    struct wudi_merge s = {.input = input, .ridge = ridge, .merged = merged};
    size_t tasks = input->pool->tasks;
    double shrink = merge_number(input, "shrink");
    for (size_t t = 0; t < tasks; t++)
        s.weights[t] = (1 - shrink) * input->preference[t] + shrink / (double)tasks;
    s.vectors = merge_host_vectors(input, error);
    if (!s.vectors)
        return -1;
    layers_mean(input, s.vectors, s.weights, merged);
    const struct layout *layout = input->pool->layout;
    int result = layers_make(input, NULL, layer_count(layout), room_of_layer(layout),
                             solve_layer, &s, error);
    merge_host_free(input, s.vectors);
    return result;
}

/* --- the ridge --------------------------------------------------------------------
 */

static size_t examples_of(size_t tasks) {
    size_t each = EXAMPLES / tasks;
    return each > EXAMPLES_OF_TASK ? EXAMPLES_OF_TASK
           : each < EXAMPLES_LEAST ? EXAMPLES_LEAST
                                   : each;
}

/* Of the ridges the one whose model at equal weights answers the training examples most
 * nearly as their experts do. */
static int choose_ridge(const struct merge_input *input, double *chosen,
                        struct error *error) {
    enum { COUNT = sizeof ridges / sizeof *ridges };
    struct pool *pool = input->pool;
    struct merge_input centre = *input;
    struct agreement *agreement = NULL;
    double equal[POOL_TASKS_MAX], best = INFINITY;
    float *merged = array_new(pool->layout->size, sizeof *merged);
    int result = merged
                     ? agreement_new(input, examples_of(pool->tasks), &agreement, error)
                     : error_memory(error);
    for (size_t t = 0; t < pool->tasks; t++)
        equal[t] = 1 / (double)pool->tasks;
    centre.preference = equal;
    *chosen = ridge_untried;
    for (size_t i = 0; result == 0 && i < COUNT; i++) {
        double distance;
        work_report(input->work, "choosing the ridge", i, COUNT);
        result = make_vector(&centre, ridges[i], merged, error) ||
                         agreement_distance(agreement, merged, &distance, error)
                     ? -1
                     : 0;
        if (result == 0 && distance < best) {
            best = distance;
            *chosen = ridges[i];
        }
    }
    agreement_free(agreement);
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

static int run_wudi(const struct merge_input *input, struct merge_result *result,
                    struct error *error) {
    float *merged = array_new(input->pool->layout->size, sizeof *merged);
    int status = merged ? 0 : error_memory(error);
    if (status == 0)
        status = make_vector(input, merge_number(input, "ridge"), merged, error) ||
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
     .help = "how strongly the closed form is led towards the mean; 0 chooses 0.01, "
             "0.1, 1 or 10 by the experts' answers to training examples, 10 without"},
    {.name = "shrink",
     .initial = 0.3,
     .low = 0,
     .high = 1,
     .help = "how far a preference is drawn to equal weights"},
    {0}};

const struct merge_method merge_wudi = {
    .name = "wudi",
    .summary = "linear layers by a closed form of the task vectors (WUDI-Merging's "
               "objective)",
    .uses_data = true,
    .takes_preference = true,
    .parameters = parameters,
    .settle = settle,
    .run = run_wudi};
