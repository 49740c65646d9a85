/* TSV-M, Iso-C and Iso-CTS as methods of the table (singular.h has the arithmetic): the
 * linear layers of the blocks and the projection, everything else the mean. */
#include <stdlib.h>

#include "base/memory.h"
#include "merge/layers.h"
#include "merge/layers_share.h"
#include "merge/method.h"
#include "merge/singular.h"

/* Of both towers where both are merged. */
static bool is_linear(const struct layout *layout, size_t index) {
    const struct parameter *p = &layout->parameters[index];
    enum module_kind kind = layout->modules[p->module].kind;
    if (index >= layout->text_parameter)
        return is_linear(layout->text, index - layout->text_parameter);
    return p->rank == 2 && (kind == MODULE_ATTENTION || kind == MODULE_MLP ||
                            kind == MODULE_PROJECTION);
}

/* The parameter that is the index-th of the linear layers' weights. */
static const struct parameter *weight_at(const struct layout *layout, size_t index) {
    size_t i = 0;
    for (;; i++)
        if (is_linear(layout, i) && index-- == 0)
            return &layout->parameters[i];
}

static size_t layer_count(const struct layout *layout) {
    size_t count = 0;
    for (size_t i = 0; i < layout->parameter_count; i++)
        count += is_linear(layout, i);
    return count;
}

static struct linear_layer layer_at(const struct layout *layout, size_t index,
                                    size_t *offset) {
    const struct parameter *p = weight_at(layout, index);
    *offset = p->offset;
    return linear_layer_of((size_t)p->shape[0], (size_t)p->shape[1],
                           layout->config.conv1d);
}

/* Some layers of one model. */
struct singular_part {
    const struct merge_input *input;
    const struct layers_part *part;
    enum singular_method method;
    double common;
};

static int make_layer(void *self, size_t at, struct error *error) {
    const struct singular_part *s = self;
    const struct pool *pool = s->input->pool;
    size_t index = s->part->indices[at], offset;
    struct linear_layer shape = layer_at(pool->layout, index, &offset);
    struct layers_vectors vectors;
    if (layers_vectors_find(s->input, s->part, at, &vectors, error))
        return -1;
    int result = singular_merge(&shape, s->method, vectors.of, pool->tasks, s->common,
                                s->part->made[at], error);
    layers_vectors_free(&vectors);
    return result ? error_prefix(error, "%s", weight_at(pool->layout, index)->name) : 0;
}

static int make_layers(const struct merge_input *input, const struct layers_part *part,
                       enum singular_method method, double common,
                       struct error *error) {
    struct singular_part s = {input, part, method, common};
    size_t room = 0, offset;
    for (size_t i = 0; i < part->count; i++) {
        struct linear_layer shape =
            layer_at(input->pool->layout, part->indices[i], &offset);
        size_t needed = singular_room(&shape, input->pool->tasks) +
                        layers_vectors_room(input, shape.inputs * shape.outputs);
        room = needed > room ? needed : room;
    }
    return layers_make(
        input, &(struct layers_progress){"singular vectors", part->before, part->total},
        part->count, room, make_layer, &s, error);
}

static int make_tsv(const struct merge_input *input, const struct layers_part *part,
                    struct error *error) {
    return make_layers(input, part, SINGULAR_TSV, 0, error);
}

static int make_iso_c(const struct merge_input *input, const struct layers_part *part,
                      struct error *error) {
    return make_layers(input, part, SINGULAR_ISO_C, 0, error);
}

static int make_iso_cts(const struct merge_input *input, const struct layers_part *part,
                        struct error *error) {
    return make_layers(input, part, SINGULAR_ISO_CTS, merge_number(input, "common"),
                       error);
}

static const struct layers_method tsv_layers = {layer_count, layer_at, make_tsv},
                                  iso_c_layers = {layer_count, layer_at, make_iso_c},
                                  iso_cts_layers = {layer_count, layer_at,
                                                    make_iso_cts};

static int run(const struct merge_input *input, struct merge_result *result,
               struct error *error) {
    double equal[POOL_TASKS_MAX];
    for (size_t t = 0; t < input->pool->tasks; t++)
        equal[t] = 1 / (double)input->pool->tasks;
    float *merged = array_new(input->pool->layout->size, sizeof *merged);
    int status =
        merged ? layers_merge(input, equal, merged, error) : error_memory(error);
    if (status == 0)
        status = merge_own_vector(input, merged, (float)merge_number(input, "scale"),
                                  result, error);
    free(merged);
    return status;
}

#define SCALE                                                  \
    {                                                          \
        .name = "scale", .initial = 1, .low = -10, .high = 10, \
        .help = "scaling coefficient"                          \
    }

const struct merge_parameter merge_singular_parameters[] = {SCALE, {0}};

const struct merge_parameter merge_common_singular_parameters[] = {
    SCALE,
    {.name = "common",
     .initial = 0.8,
     .low = 0,
     .high = 1,
     .help = "fraction of a layer's singular vectors that all tasks share"},
    {0}};

const struct merge_method merge_tsv_m = {
    .name = "tsv-m",
    .summary =
        "each task's leading singular vectors, made orthonormal (Gargiulo et al. "
        "2025)",
    .parameters = merge_singular_parameters,
    .layers = &tsv_layers,
    .run = run};

const struct merge_method merge_iso_c = {
    .name = "iso-c",
    .summary =
        "the sum of task vectors with equal singular values (Marczak et al. 2025)",
    .parameters = merge_singular_parameters,
    .layers = &iso_c_layers,
    .run = run};

const struct merge_method merge_iso_cts = {
    .name = "iso-cts",
    .summary = "the same with room for each task's own singular vectors",
    .parameters = merge_common_singular_parameters,
    .layers = &iso_cts_layers,
    .run = run};
