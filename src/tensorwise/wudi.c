/* The closed form that knows the preference (merge/wudi.h), for the matrices inside
 * numbered layers of any model; everything else is the weighted mean. */
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "merge/wudi.h"
#include "tensorwise/method.h"

/* What GPT-2 calls its layers, whose weights are [inputs, outputs]. */
static bool is_turned(const struct values *values, const char *name) {
    static const char *const names[] = {".c_attn.", ".c_fc.", ".c_proj.", ".q_attn."};
    const char *type = json_string_value(
        json_object_get(model_directory_config(values->models->base), "model_type"));
    if (!type || strncmp(type, "gpt2", 4) != 0)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strstr(name, names[i]))
            return true;
    return false;
}

/* A part of the name between dots is a number: "model.layers.3.mlp.up_proj.weight". */
static bool in_layers(const char *name) {
    for (const char *at = name; at; at = strchr(at, '.')) {
        at += *at == '.';
        size_t digits = strspn(at, "0123456789");
        if (digits && at[digits] == '.')
            return true;
    }
    return false;
}

static bool is_linear(const struct tensor *tensor) {
    size_t length = strlen(tensor->name), ending = strlen(".weight");
    return tensor->rank == 2 && tensor->shape[0] > 1 && tensor->shape[1] > 1 &&
           length > ending && !strcmp(tensor->name + length - ending, ".weight") &&
           in_layers(tensor->name) && !strstr(tensor->name, "embed") &&
           !strstr(tensor->name, "_bias.");
}

static int solve(const struct tensor_input *input, struct blend *blend,
                 struct error *error) {
    const struct values *values = input->values;
    const struct tensor *base = values->tensor->base;
    size_t experts = values->models->count;
    struct wudi_layer layer = {(size_t)base->shape[1], (size_t)base->shape[0], false};
    if (is_turned(values, base->name))
        layer = (struct wudi_layer){layer.outputs, layer.inputs, true};
    const float *each[MODELS_MAX];
    float *vectors = array_new(experts, values->count * sizeof *vectors);
    blend->made = array_new(values->count, sizeof *blend->made);
    int result = vectors && blend->made ? 0 : error_memory(error);
    for (size_t t = 0; t < experts && result == 0; t++) {
        each[t] = vectors + t * values->count;
        result = values_whole_vector(values, t, input->threads,
                                     vectors + t * values->count, error);
    }
    openblas_set_num_threads((int)input->threads);
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
    return is_linear(input->values->tensor->base) ? solve(input, blend, error) : 0;
}

static uint64_t room(const struct model_tensor *tensor, size_t experts) {
    const struct tensor *base = tensor->base;
    if (!is_linear(base))
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
     .help = "how strongly the closed form is led towards the mean"},
    {.name = "shrink",
     .initial = 0.3,
     .low = 0,
     .high = 1,
     .help = "how far a preference is drawn to equal weights"},
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
