/* TSV-M, Iso-C and Iso-CTS (merge/singular.h), for the matrices inside numbered layers
 * of any model; everything else is the mean. */
#include <stdlib.h>

#include "base/blas_room.h"
#include "base/memory.h"
#include "merge/singular.h"
#include "tensorwise/method.h"
#include "tensorwise/naming.h"

static struct singular_layer shape_of(const struct tensor *base, bool turned) {
    return (struct singular_layer){.outputs = (size_t)base->shape[turned ? 1 : 0],
                                   .inputs = (size_t)base->shape[turned ? 0 : 1],
                                   .turned = turned};
}

static int solve(const struct tensor_input *input, enum singular_method method,
                 double common, struct blend *blend, struct error *error) {
    const struct values *values = input->values;
    const struct tensor *base = values->tensor->base;
    size_t experts = values->models->count;
    struct singular_layer layer =
        shape_of(base, model_directory_is_turned(values->models->base, base->name));
    const float *each[MODELS_MAX];
    float *vectors = values_whole_vectors(values, input->threads, each, error);
    blend->made = array_new(values->count, sizeof *blend->made);
    int result = !vectors ? -1 : !blend->made ? error_memory(error) : 0;
    if (result == 0)
        result = blas_room_alone(input->threads, error);
    if (result == 0 &&
        singular_merge(&layer, method, each, experts, common, blend->made, error))
        result = error_prefix(error, "%s", base->name);
    blend->sum = BLEND_MADE;
    free(vectors);
    return result;
}

static int decide(const struct tensor_input *input, enum singular_method method,
                  double common, struct blend *blend, struct error *error) {
    size_t experts = input->values->models->count;
    blend->scale = tensorwise_number(input, "scale");
    for (size_t t = 0; t < experts; t++)
        blend->weights[t] = 1 / (double)experts;
    return naming_is_linear(input->values->tensor->base)
               ? solve(input, method, common, blend, error)
               : 0;
}

static int decide_tsv(const struct tensor_input *input, struct blend *blend,
                      struct error *error) {
    return decide(input, SINGULAR_TSV, 0, blend, error);
}

static int decide_iso_c(const struct tensor_input *input, struct blend *blend,
                        struct error *error) {
    return decide(input, SINGULAR_ISO_C, 0, blend, error);
}

static int decide_iso_cts(const struct tensor_input *input, struct blend *blend,
                          struct error *error) {
    return decide(input, SINGULAR_ISO_CTS, tensorwise_number(input, "common"), blend,
                  error);
}

static uint64_t room(const struct model_tensor *tensor, size_t experts) {
    const struct tensor *base = tensor->base;
    if (!naming_is_linear(base))
        return 0;
    struct singular_layer layer = shape_of(base, false);
    return (experts + 1) * base->count * sizeof(float) + singular_room(&layer, experts);
}

#define METHOD(identifier, text, what, list, decider)                \
    const struct tensorwise_method tensorwise_##identifier = {       \
        .head = {.name = text, .summary = what, .parameters = list}, \
        .least = 1,                                                  \
        .needs_pretrained = true,                                    \
        .unweighted = true,                                          \
        .decide = decider,                                           \
        .room = room}

METHOD(tsv_m, "tsv-m",
       "singular vectors of the task vectors side by side (Gargiulo et al. 2025)",
       merge_singular_parameters, decide_tsv);
METHOD(iso_c, "iso-c",
       "the sum of the task vectors with equal singular values (Marczak et al. 2025)",
       merge_singular_parameters, decide_iso_c);
METHOD(iso_cts, "iso-cts",
       "the same, a part of the singular vectors from each task (Marczak et al. 2025)",
       merge_common_singular_parameters, decide_iso_cts);
