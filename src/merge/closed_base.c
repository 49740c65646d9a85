#include "merge/closed_base.h"

#include <stdlib.h>

#include "base/memory.h"
#include "merge/method.h"

static const char method_name[] = "wudi";

struct closed_base {
    struct pool *pool;
    const struct merge_method *method;
    json_t *parameters;
    struct merge_kept kept;
    const struct merge_share *share;
};

/* The method's parameters with this ridge (0: it is to be chosen); NULL with an error.
 */
static json_t *parameters_of(const struct merge_method *method, double ridge,
                             struct error *error) {
    json_t *given = json_pack("{s:f, s:f}", "ridge", ridge, "shrink", 0.0);
    json_t *parameters = given ? merge_parameters(method, given, error) : NULL;
    if (!given)
        error_memory(error);
    json_decref(given);
    return parameters;
}

int closed_base_choose(struct pool *pool, const struct dataset *const *train,
                       const struct merge_share *share, double *ridge,
                       const struct work *work, struct error *error) {
    struct merge_input input = {.method = merge_method_find(method_name, error),
                                .pool = pool,
                                .train = train,
                                .share = share,
                                .work = work};
    json_t *asked = input.method ? parameters_of(input.method, 0, error) : NULL;
    if (!asked)
        return -1;
    input.parameters = asked;
    json_t *settled = merge_settle(&input, error);
    if (settled)
        *ridge = json_number_value(json_object_get(settled, "ridge"));
    json_decref(asked);
    json_decref(settled);
    return settled ? 0 : -1;
}

int closed_base_new(struct pool *pool, double ridge, const struct merge_share *share,
                    struct closed_base **out, struct error *error) {
    struct closed_base *base = array_new(1, sizeof *base);
    if (!base)
        return error_memory(error);
    base->pool = pool;
    base->share = share;
    base->method = merge_method_find(method_name, error);
    if (base->method)
        base->parameters = parameters_of(base->method, ridge, error);
    if (!base->parameters) {
        closed_base_free(base);
        return -1;
    }
    *out = base;
    return 0;
}

void closed_base_free(struct closed_base *base) {
    if (!base)
        return;
    json_decref(base->parameters);
    merge_kept_clear(&base->kept);
    free(base);
}

const json_t *closed_base_parameters(const struct closed_base *base) {
    return base->parameters;
}

/* The task that has all the weight, or `tasks`: its vector is the closed form, but for
 * rounding. */
static size_t only_task(const double *preference, size_t tasks) {
    size_t t = 0;
    while (t < tasks && preference[t] != 1)
        t++;
    return t;
}

/* One task's vector into the correction's base. */
static int put_vector(struct pool *pool, const struct correction *correction,
                      size_t task, struct error *error) {
    struct backend *b = pool->backend;
    size_t size = pool->layout->size;
    if (!pool->factors) {
        b->copy(b, correction_base(correction),
                backend_at(b, pool->vectors, task * size), size * b->real_size);
        return 0;
    }
    float *vector = array_new(size, sizeof *vector);
    int result =
        vector ? pool_vector(pool, task, 0, size, vector, error) : error_memory(error);
    if (result == 0) {
        b->upload_real(b, correction_base(correction), vector, size);
        result = b->synchronise(b, error);
    }
    free(vector);
    return result;
}

static int put_base(struct closed_base *base, const struct correction *correction,
                    const double *preference, struct error *error) {
    struct pool *pool = base->pool;
    struct backend *b = pool->backend;
    size_t bytes = pool->layout->size * b->real_size;
    size_t only = only_task(preference, pool->tasks);
    struct merge_result merged;
    struct merge_input input = {.method = base->method,
                                .pool = pool,
                                .parameters = base->parameters,
                                .preference = preference,
                                .kept = &base->kept,
                                .share = base->share};
    if (only < pool->tasks)
        return put_vector(pool, correction, only, error);
    if (merge_run(&input, &merged, error))
        return -1;
    b->copy(b, correction_base(correction), merged.vectors, bytes);
    int result = b->synchronise(b, error);
    merge_result_clear(pool, &merged);
    return result;
}

int closed_base_merge(struct closed_base *base, struct correction *correction,
                      const double *preference, real *out, struct error *error) {
    if (base && put_base(base, correction, preference, error))
        return -1;
    correction_merge(correction, preference, out);
    return 0;
}
