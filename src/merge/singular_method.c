/* TSV-M, Iso-C and Iso-CTS as methods of the table (singular.h has the arithmetic): the
 * linear layers of the blocks and the projection, everything else the mean. */
#include <stdlib.h>

#include "base/memory.h"
#include "merge/layers.h"
#include "merge/method.h"
#include "merge/singular.h"

struct session {
    const struct merge_input *input;
    enum singular_method method;
    double common;
    const float *vectors;            /* [tasks, size] */
    const struct parameter **layers; /* the linear layers' weights */
    size_t count;
    float *merged;
};

/* Of both towers where both are merged. */
static bool is_linear(const struct layout *layout, size_t index) {
    const struct parameter *p = &layout->parameters[index];
    enum module_kind kind = layout->modules[p->module].kind;
    if (index >= layout->text_parameter)
        return is_linear(layout->text, index - layout->text_parameter);
    return p->rank == 2 && (kind == MODULE_ATTENTION || kind == MODULE_MLP ||
                            kind == MODULE_PROJECTION);
}

static struct linear_layer shape_of(const struct layout *layout,
                                    const struct parameter *p) {
    return linear_layer_of((size_t)p->shape[0], (size_t)p->shape[1],
                           layout->config.conv1d);
}

/* Lists the layers; the room of the largest. */
static int find_layers(struct session *s, size_t *room, struct error *error) {
    const struct layout *l = s->input->pool->layout;
    s->layers = array_new(l->parameter_count, sizeof *s->layers);
    if (!s->layers)
        return error_memory(error);
    for (size_t i = 0; i < l->parameter_count; i++) {
        const struct parameter *p = &l->parameters[i];
        if (!is_linear(l, i))
            continue;
        struct linear_layer shape = shape_of(l, p);
        size_t needed = singular_room(&shape, s->input->pool->tasks);
        *room = needed > *room ? needed : *room;
        s->layers[s->count++] = p;
    }
    return 0;
}

static int make_layer(void *self, size_t index, struct error *error) {
    const struct session *s = self;
    const struct pool *pool = s->input->pool;
    const struct parameter *p = s->layers[index];
    struct linear_layer shape = shape_of(pool->layout, p);
    const float *vectors[POOL_TASKS_MAX];
    for (size_t t = 0; t < pool->tasks; t++)
        vectors[t] = s->vectors + t * pool->layout->size + p->offset;
    if (singular_merge(&shape, s->method, vectors, pool->tasks, s->common,
                       s->merged + p->offset, error))
        return error_prefix(error, "%s", p->name);
    return 0;
}

static int make_vector(struct session *s, struct error *error) {
    const struct pool *pool = s->input->pool;
    double equal[POOL_TASKS_MAX];
    size_t room = 0;
    for (size_t t = 0; t < pool->tasks; t++)
        equal[t] = 1 / (double)pool->tasks;
    if (find_layers(s, &room, error))
        return -1;
    s->vectors = merge_host_vectors(s->input, error);
    if (!s->vectors)
        return -1;
    layers_mean(s->input, s->vectors, equal, 1, s->merged);
    int result =
        layers_make(s->input, "singular vectors", s->count, room, make_layer, s, error);
    merge_host_free(s->input, s->vectors);
    return result;
}

static int run(const struct merge_input *input, enum singular_method method,
               double common, struct merge_result *result, struct error *error) {
    struct session s = {.input = input, .method = method, .common = common};
    s.merged = array_new(input->pool->layout->size, sizeof *s.merged);
    int status = s.merged ? make_vector(&s, error) : error_memory(error);
    if (status == 0)
        status = merge_own_vector(input, s.merged, (float)merge_number(input, "scale"),
                                  result, error);
    free(s.merged);
    free(s.layers);
    return status;
}

static int run_tsv(const struct merge_input *input, struct merge_result *result,
                   struct error *error) {
    return run(input, SINGULAR_TSV, 0, result, error);
}

static int run_iso_c(const struct merge_input *input, struct merge_result *result,
                     struct error *error) {
    return run(input, SINGULAR_ISO_C, 0, result, error);
}

static int run_iso_cts(const struct merge_input *input, struct merge_result *result,
                       struct error *error) {
    return run(input, SINGULAR_ISO_CTS, merge_number(input, "common"), result, error);
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
    .run = run_tsv};

const struct merge_method merge_iso_c = {
    .name = "iso-c",
    .summary =
        "the sum of task vectors with equal singular values (Marczak et al. 2025)",
    .parameters = merge_singular_parameters,
    .run = run_iso_c};

const struct merge_method merge_iso_cts = {
    .name = "iso-cts",
    .summary = "the same with room for each task's own singular vectors",
    .parameters = merge_common_singular_parameters,
    .run = run_iso_cts};
