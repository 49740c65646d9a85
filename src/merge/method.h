/* Merging methods without routers: average, task arithmetic and the others.
 *
 * Every method gives theta = theta_0 + sum_t weights[t] vectors[t]: either the
 * pool's own task vectors with T weights, or vectors of the method's making. To
 * add a method: one file with a struct merge_method, one row in method.c. */
#ifndef PWEMOE_MERGE_METHOD_H
#define PWEMOE_MERGE_METHOD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"
#include "base/work.h"
#include "moe/pool.h"

struct merge_input {
    struct pool *pool;
    const json_t *parameters; /* an object: {"scale": 0.3}; checked by the method */
    const struct work *work;
};

struct merge_result {
    const real *vectors; /* on the device, `stride` elements apart */
    size_t stride, count;
    float *weights; /* [count] on the host, owned */
    real *owned;    /* device memory behind vectors, or NULL: the pool's */
};

struct merge_method {
    const char *name;
    const char *summary;     /* half a line for help */
    bool takes_scale;        /* has a scaling coefficient lambda ("scale") */
    const char *const *keys; /* other parameters it knows, NULL at the end */
    int (*run)(const struct merge_input *input, struct merge_result *result,
               struct error *error);
};

/* The table, in the order in which help lists it; count may be NULL. */
const struct merge_method *const *merge_methods(size_t *count);
/* NULL with an error naming the nearest where there is none. */
const struct merge_method *merge_method_find(const char *name, struct error *error);

/* Checks that parameters has only keys the method knows, then runs it. */
int merge_run(const struct merge_method *method, const struct merge_input *input,
              struct merge_result *result, struct error *error);
void merge_result_clear(struct pool *pool, struct merge_result *result);

/* "scale" of parameters, or fallback; an error where it is no finite number. */
int merge_scale(const json_t *parameters, double fallback, double *scale,
                struct error *error);
/* A result over the pool's own task vectors, every weight the same. */
int merge_uniform(const struct merge_input *input, float weight,
                  struct merge_result *result, struct error *error);

#endif
