/* How one tensor is made from the base model's and the task vectors, decided for the
 * whole tensor first and then carried out block by block:
 *
 *     theta = base theta_0 + scale sum_t weights[t] trimmed_t(tau_t)
 *
 * where the sum may be one over entries of an elected sign alone (merge/ties.h). */
#ifndef PWEMOE_TENSORWISE_BLEND_H
#define PWEMOE_TENSORWISE_BLEND_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "tensorwise/models.h"

enum blend_trim {
    BLEND_KEEP,  /* everything */
    BLEND_RANGE, /* magnitudes of a range */
    BLEND_DRAW   /* drawn entry by entry */
};

enum blend_sum {
    BLEND_ALL,  /* the sum of all that was kept */
    BLEND_SUM,  /* of what has the elected sign; a sum of 0 counts as positive */
    BLEND_MEAN, /* the mean of it, weighted by weights */
    BLEND_MADE  /* `made`, a merged task vector */
};

/* Of one task vector. Magnitudes as the bits of f32 without the sign. */
struct blend_bounds {
    uint32_t low, high;       /* what is at them is kept .. */
    size_t low_cut, high_cut; /* .. before these places, what is between always */
    uint64_t sequence;        /* of draws, random_at */
};

struct blend {
    double base, scale;
    double weights[MODELS_MAX];
    enum blend_trim trim;
    enum blend_sum sum;
    struct blend_bounds bounds[MODELS_MAX];
    double keep; /* of BLEND_DRAW: the probability, by which what is kept is divided */
    float *made; /* [elements], owned by who made the blend */
};

/* Elements [from, from + count) of one tensor: base [count] becomes the merged tensor;
 * vectors [experts], stride apart, are the task vectors there and become undefined;
 * room [count]. By one thread; the result depends on neither threads nor blocks. */
void blend_block(const struct blend *blend, size_t experts, size_t from, size_t count,
                 float *base, float *vectors, size_t stride, float *room);

#endif
