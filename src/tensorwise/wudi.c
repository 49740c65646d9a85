/* The closed form that knows the preference (merge/wudi.h), for the matrices inside
 * numbered layers of any model; everything else is the weighted mean. */
#include "merge/wudi.h"
#include "tensorwise/matrices.h"
#include "tensorwise/naming.h"

struct closed_form {
    const double *weights; /* [experts] */
    size_t experts;
    double ridge;
};

static int solve(void *self, const struct linear_layer *layer,
                 const float *const *vectors, float *made, struct error *error) {
    const struct closed_form *f = self;
    return wudi_solve(layer, vectors, NULL, f->weights, f->experts, f->ridge, made,
                      error);
}

static int decide_wudi(const struct tensor_input *input, struct blend *blend,
                       struct error *error) {
    size_t experts = input->values->models->count;
    double shrink = tensorwise_number(input, "shrink");
    for (size_t t = 0; t < experts; t++)
        blend->weights[t] =
            (1 - shrink) * input->preference[t] + shrink / (double)experts;
    struct closed_form form = {blend->weights, experts,
                               tensorwise_number(input, "ridge")};
    return naming_is_linear(input->values->tensor->base)
               ? matrices_make(input, blend, solve, &form, error)
               : 0;
}

static size_t room_of_layer(const struct linear_layer *layer, size_t experts) {
    (void)experts;
    return wudi_room(layer);
}

static uint64_t room(const struct model_tensor *tensor, size_t experts) {
    return matrices_room(tensor, experts, room_of_layer);
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
