/* Routers that stand beside the vector of a distillation. */
#include <stdlib.h>
#include <string.h>

#include "backend/route.h"
#include "base/memory.h"
#include "parallel/ranks.h"
#include "train/distillation_state.h"
#include "train/factor_slopes.h"

/* Where the last layer begins, all of which is 0 at first. */
static size_t last_layer(const struct routers *routers) {
    struct route route = routers_route(routers);
    return route_parts_of(&route).output_weight;
}

static int make_routers(struct distillation *d, struct error *error) {
    struct upscaling *upscaling;
    struct routers *routers;
    struct random random;
    random_seed(&random, d->options.seed, 3);
    if (upscaling_new(d->pool->layout, d->options.beside, &upscaling, error))
        return -1;
    int result =
        routers_new(d->options.beside, (unsigned)d->options.layers, upscaling->modules,
                    d->pool->tasks + d->count, 0, &random, &routers, error);
    upscaling_free(upscaling);
    if (result)
        return -1;
    size_t first = last_layer(routers);
    memset(routers->parameters + first, 0,
           (routers->count - first) * sizeof *routers->parameters);
    if (correction_use_routers(d->correction, routers, error)) {
        routers_free(routers);
        return -1;
    }
    return 0;
}

int distillation_routers_new(struct distillation *d, struct error *error) {
    struct backend *b = d->pool->backend;
    struct router_part *part = &d->routers;
    if (d->options.beside == UPSCALE_NONE)
        return 0;
    if (make_routers(d, error) ||
        (d->pool->factors && factor_slopes_new(d->pool->factors, &part->slopes, error)))
        return -1;
    const struct routers *routers = correction_routers(d->correction);
    size_t weights = routers->modules * routers->tasks;
    part->weights = array_new(weights, sizeof *part->weights);
    part->gradient = array_new(routers->count, sizeof *part->gradient);
    if (!part->weights || !part->gradient)
        return error_memory(error);
    return trained_new(b, &part->numbers, routers->count, NULL, NULL, error) ||
                   trained_put(b, &part->numbers, routers->parameters, error) ||
                   b->allocate(b, weights * sizeof *part->sums, (void **)&part->sums,
                               error)
               ? -1
               : 0;
}

void distillation_routers_free(struct distillation *d) {
    struct backend *b = d->pool->backend;
    trained_free(b, &d->routers.numbers);
    b->release(b, d->routers.sums);
    factor_slopes_free(d->routers.slopes);
    free(d->routers.weights);
    free(d->routers.gradient);
}

/* On the device: inner products of d->slope and the vectors, module by module. */
void distillation_routers_sum(struct distillation *d) {
    struct backend *b = d->pool->backend;
    const struct layout *l = d->pool->layout;
    const struct routers *routers = correction_routers(d->correction);
    if (!routers)
        return;
    const struct upscaling *u = correction_upscaling(d->correction);
    /* Where the pool keeps factors: its tasks are not among the vectors. */
    size_t first = d->pool->factors ? d->pool->tasks : 0;
    const real *vectors = first ? d->pool->more : d->pool->vectors;
    b->zero(b, d->routers.sums,
            routers->modules * routers->tasks * sizeof *d->routers.sums);
    for (size_t i = 0; i < u->segment_count; i++) {
        const struct merge_segment *s = &u->segments[i];
        if (s->row < routers->modules && s->begin < l->text_begin)
            b->route_gradient(b, d->routers.sums + s->row * routers->tasks + first,
                              d->slope + s->begin, l->size, 1,
                              backend_at(b, vectors, (size_t)s->begin), l->size,
                              routers->tasks - first, (size_t)s->count);
    }
    if (first)
        factor_slopes_sum(d->routers.slopes, u, d->slope, routers->modules,
                          routers->tasks, d->routers.sums);
}

int distillation_routers_gradient(struct distillation *d, const double *preference,
                                  struct error *error) {
    struct backend *b = d->pool->backend;
    struct router_part *part = &d->routers;
    const struct routers *routers = correction_routers(d->correction);
    double given[ROUTE_TASKS_MAX];
    if (!routers)
        return 0;
    size_t weights = routers->modules * routers->tasks;
    if (b->download(b, part->weights, part->sums, weights * sizeof *part->weights,
                    error) ||
        ranks_add_floats(d->sharing.ranks, part->weights, weights, error))
        return -1;
    correction_weights(d->options.form, preference, d->pool->tasks, given);
    routers_backward(routers, given, part->weights, part->gradient);
    b->upload(b, part->numbers.gradient, part->gradient,
              routers->count * sizeof *part->gradient);
    return 0;
}

int distillation_routers_put(struct distillation *d, struct error *error) {
    struct backend *b = d->pool->backend;
    struct routers *routers = correction_routers(d->correction);
    return routers ? b->download(b, routers->parameters, d->routers.numbers.values,
                                 routers->count * sizeof *routers->parameters, error)
                   : 0;
}

struct routers *distillation_routers(struct distillation *d) {
    return correction_routers(d->correction);
}

const float *distillation_routers_slopes(const struct distillation *d) {
    return d->routers.gradient;
}
