/* A router's arithmetic on the host, in f32: for the CPU backend, and for all that
 * wants routing weights without a device (moe/routers.c). Sums are taken in order, so
 * that a device that does the same without fusing products gives the same bits. */
#ifndef PWEMOE_BACKEND_ROUTE_H
#define PWEMOE_BACKEND_ROUTE_H

#include "backend/backend.h"

#ifdef __cplusplus
#define ROUTE_INLINE static inline __host__ __device__
#else
#define ROUTE_INLINE static inline
#endif

/* Where the four arrays begin in the parameters, and how many units the output layer
 * reads: 2T hidden ones, or the T entries of the preference itself. */
struct route_parts {
    size_t hidden_weight, hidden_bias, output_weight, output_bias;
    size_t hidden;
};

ROUTE_INLINE struct route_parts route_parts_of(const struct route *r) {
    struct route_parts p = {0, 0, 0, 0, r->tasks};
    if (r->layers == 2) {
        p.hidden = 2 * r->tasks;
        p.hidden_bias = r->modules * p.hidden * r->tasks;
        p.output_weight = p.hidden_bias + r->modules * p.hidden;
    }
    p.output_bias = p.output_weight + r->modules * r->tasks * p.hidden;
    return p;
}

/* x [hidden]: what the output layer of a module reads at preference [tasks]. */
void route_hidden(const struct route *r, size_t module, const float *preference,
                  float *x);
/* weights [modules + 1, tasks] */
void route_weights(const struct route *r, const float *preference, float *weights);

#undef ROUTE_INLINE
#endif
