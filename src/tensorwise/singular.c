/* TSV-M, Iso-C and Iso-CTS (merge/singular.h), for the matrices inside numbered layers
 * of any model; everything else is the mean. */
#include "merge/singular.h"
#include "tensorwise/matrices.h"
#include "tensorwise/naming.h"

struct choice {
    enum singular_method method;
    double common; /* of Iso-CTS */
    size_t experts;
};

static int merge(void *self, const struct linear_layer *layer,
                 const float *const *vectors, float *made, struct error *error) {
    const struct choice *c = self;
    return singular_merge(layer, c->method, vectors, c->experts, c->common, made,
                          error);
}

static int decide(const struct tensor_input *input, enum singular_method method,
                  double common, struct blend *blend, struct error *error) {
    struct choice choice = {method, common, input->values->models->count};
    blend->scale = tensorwise_number(input, "scale");
    for (size_t t = 0; t < choice.experts; t++)
        blend->weights[t] = 1 / (double)choice.experts;
    return naming_is_linear(input->values->tensor->base)
               ? matrices_make(input, blend, merge, &choice, error)
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
    return matrices_room(tensor, experts, singular_room);
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
