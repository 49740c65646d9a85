/* The closed form that knows the preference (merge/wudi.h), for the matrices inside
 * numbered layers of any model; everything else is the weighted mean. */
#include <stdlib.h>
#include <string.h>

#include "base/blas_room.h"
#include "base/memory.h"
#include "merge/wudi.h"
#include "tensorwise/method.h"
#include "tensorwise/naming.h"

static int solve(const struct tensor_input *input, struct blend *blend,
                 struct error *error) {
    const struct values *values = input->values;
    const struct tensor *base = values->tensor->base;
    size_t experts = values->models->count;
    struct wudi_layer layer = {(size_t)base->shape[1], (size_t)base->shape[0], false};
    if (model_directory_is_turned(values->models->base, base->name))
        layer = (struct wudi_layer){layer.outputs, layer.inputs, true};
    const float *each[MODELS_MAX];
    float *vectors = values_whole_vectors(values, input->threads, each, error);
    blend->made = array_new(values->count, sizeof *blend->made);
    int result = !vectors ? -1 : !blend->made ? error_memory(error) : 0;
    if (result == 0)
        result = blas_room_alone(input->threads, error);
    if (result == 0 &&
        wudi_solve(&layer, each, NULL, blend->weights, experts,
                   tensorwise_number(input, "ridge"), blend->made, error))
        result = error_prefix(error, "%s", base->name);
    blend->sum = BLEND_MADE;
    free(vectors);
    return result;
}

static int decide_wudi(const struct tensor_input *input, struct blend *blend,
                       struct error *error) {
    size_t experts = input->values->models->count;
    double shrink = tensorwise_number(input, "shrink");
    for (size_t t = 0; t < experts; t++)
        blend->weights[t] =
            (1 - shrink) * input->preference[t] + shrink / (double)experts;
    return naming_is_linear(input->values->tensor->base) ? solve(input, blend, error)
                                                         : 0;
}

static uint64_t room(const struct model_tensor *tensor, size_t experts) {
    const struct tensor *base = tensor->base;
    if (!naming_is_linear(base))
        return 0;
    /* The larger of the two ways round. */
    struct wudi_layer layer = {(size_t)base->shape[1], (size_t)base->shape[0], false};
    if (layer.inputs < layer.outputs && strstr(base->name, ".c_"))
        layer = (struct wudi_layer){layer.outputs, layer.inputs, true};
    return (experts + 1) * base->count * sizeof(float) + wudi_room(&layer);
}

static const struct merge_parameter parameters[] = {
    {.name = "ridge",
     .initial = 10,
     .low = 0,
     .high = 1e6,
     .above_low = true,
     .help = "how strongly the closed form is drawn towards the mean"},
    MERGE_SHRINK,
    {0}};

const struct tensorwise_method tensorwise_wudi = {
    .head = {.name = "wudi",
             .summary = "matrices of numbered layers by a closed form of the task "
                        "vectors (WUDI-Merging's objective)",
             .takes_preference = true,
             .parameters = parameters},
    .least = 1,
    .needs_pretrained = true,
    .unweighted = true,
    .decide = decide_wudi,
    .room = room};
