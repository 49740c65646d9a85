#include "tensorwise/matrices.h"

#include <stdlib.h>
#include <string.h>

#include "base/blas_room.h"
#include "base/memory.h"
#include "tensorwise/naming.h"

static struct linear_layer layer_of(const struct tensor *base, bool turned) {
    return linear_layer_of((size_t)base->shape[0], (size_t)base->shape[1], turned);
}

int matrices_make(const struct tensor_input *input, struct blend *blend,
                  int (*make)(void *self, const struct linear_layer *layer,
                              const float *const *vectors, float *made,
                              struct error *error),
                  void *self, struct error *error) {
    const struct values *values = input->values;
    const struct tensor *base = values->tensor->base;
    const struct linear_layer layer =
        layer_of(base, model_directory_is_turned(values->models->base, base->name));
    const float *each[MODELS_MAX];
    float *vectors = values_whole_vectors(values, input->threads, each, error);
    blend->made = array_new(values->count, sizeof *blend->made);
    int result = !vectors ? -1 : !blend->made ? error_memory(error) : 0;
    if (result == 0)
        result = blas_room_alone(input->threads, error);
    if (result == 0 && make(self, &layer, each, blend->made, error))
        result = error_prefix(error, "%s", base->name);
    blend->sum = BLEND_MADE;
    free(vectors);
    return result;
}

uint64_t matrices_room(const struct model_tensor *tensor, size_t experts,
                       size_t (*room)(const struct linear_layer *layer,
                                      size_t experts)) {
    const struct tensor *base = tensor->base;
    if (!naming_is_linear(base))
        return 0;
    const struct linear_layer one = layer_of(base, false), other = layer_of(base, true);
    size_t most = room(&one, experts);
    if (strstr(base->name, ".c_")) { /* as GPT-2's Conv1D, which may lie either way */
        size_t turned = room(&other, experts);
        most = turned > most ? turned : most;
    }
    return (experts + 1) * base->count * sizeof(float) + most;
}
