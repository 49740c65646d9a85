/* Routers: from a preference vector to routing weights, one small network a
 * module. R(r) = W2 relu(W1 r + b1) + b2 with W1 [2T, T], W2 [T, 2T]; the variant
 * with one layer is R(r) = W r + b. They live on the host in f32, a few thousand
 * numbers in all. */
#ifndef PWEMOE_MOE_ROUTERS_H
#define PWEMOE_MOE_ROUTERS_H

#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"
#include "base/random.h"
#include "moe/upscaling.h"

struct routers {
    enum granularity granularity;
    unsigned layers; /* 1 or 2 */
    size_t modules, tasks;
    float lambda; /* of what is not upscaled, and of the start */
    size_t count; /* parameters */
    /* All parameters: hidden.weight [M, 2T, T], hidden.bias [M, 2T], output.weight
     * [M, T, 2T], output.bias [M, T] (one layer: only the last two, output.weight
     * [M, T, T]). */
    float *parameters;
};

/* The size of that array. */
size_t routers_parameter_count(unsigned layers, size_t modules, size_t tasks);

/* Weights N(0, 0.01^2), first bias 0, second bias lambda: task arithmetic. */
int routers_new(enum granularity granularity, unsigned layers, size_t modules,
                size_t tasks, float lambda, struct random *random,
                struct routers **routers, struct error *error);
void routers_free(struct routers *routers); /* NULL is fine */

/* What a backend is told of them; parameters are these, on the host. */
struct route routers_route(const struct routers *routers);
/* weights [modules + 1, tasks] at preference [tasks]; the last row is lambda. */
void routers_forward(const struct routers *routers, const double *preference,
                     float *weights);
/* gradient [count] = d loss / d parameters from dweights [modules, tasks], at the
 * same preference. */
void routers_backward(const struct routers *routers, const double *preference,
                      const float *dweights, float *gradient);
/* jacobian [modules, tasks, tasks]: d weights[m][t] / d preference[s]. */
void routers_jacobian(const struct routers *routers, const double *preference,
                      float *jacobian);

/* As safetensors bytes (freed with free()) and back. metadata holds granularity,
 * layers, lambda, tasks; every size is checked on the way in. label names the blob
 * in errors. */
int routers_to_memory(const struct routers *routers, void **bytes, size_t *size,
                      struct error *error);
int routers_from_memory(const void *bytes, size_t size, const char *label,
                        struct routers **routers, struct error *error);

#endif
