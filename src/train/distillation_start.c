/* The rate of the distillation, and where D starts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "merge/method.h"
#include "train/distillation_state.h"

int distillation_change(struct pool *pool, double *change, struct error *error) {
    const struct layout *l = pool->layout;
    float *vector = array_new(l->size, sizeof *vector);
    double sum = 0, count = 0;
    int result = vector ? 0 : error_memory(error);
    for (size_t t = 0; result == 0 && t < pool->tasks; t++) {
        result = pool_vector(pool, t, 0, l->size, vector, error);
        for (size_t i = 0; result == 0 && i < l->text_parameter; i++) {
            const struct parameter *p = &l->parameters[i];
            for (size_t j = 0; j < p->count; j++)
                sum += fabs((double)vector[p->offset + j]);
            count += (double)p->count;
        }
    }
    free(vector);
    *change = count > 0 ? sum / count : 0;
    return result;
}

/* The closed form's merged vector at equal weights, on the host. */
static int closed_form(struct distillation *d, const struct dataset *const *train,
                       float *vector, const struct work *work, struct error *error) {
    struct pool *pool = d->pool;
    struct merge_input input = {.method = merge_method_find("wudi", error),
                                .pool = pool,
                                .train = train,
                                .share = shared_layers_share(&d->layers),
                                .work = work};
    struct merge_result merged;
    json_t *parameters =
        input.method ? merge_parameters(input.method, NULL, error) : NULL;
    if (!parameters)
        return -1;
    input.parameters = parameters;
    int result = merge_run(&input, &merged, error);
    json_decref(parameters);
    if (result)
        return -1;
    struct backend *b = pool->backend;
    result = b->download_real(b, vector, merged.vectors, pool->layout->size, error);
    merge_result_clear(pool, &merged);
    return result;
}

/* lambda sum_s tau_s - tau_t of each task; 0 in a text tower. */
static int start_at_base(struct distillation *d, float *vectors, struct error *error) {
    struct pool *pool = d->pool;
    size_t size = pool->layout->size, tasks = pool->tasks;
    float *tau = array_new(size, sizeof *tau);
    int result = tau ? 0 : error_memory(error);
    for (size_t s = 0; result == 0 && s < tasks; s++) {
        result = pool_vector(pool, s, 0, size, tau, error);
        for (size_t t = 0; result == 0 && t < tasks; t++)
            for (size_t i = 0; i < pool->layout->text_begin; i++)
                vectors[t * size + i] +=
                    (float)(d->options.lambda - (s == t ? 1 : 0)) * tau[i];
    }
    free(tau);
    return result;
}

int distillation_start(struct distillation *d, const struct dataset *const *train,
                       float *vector, const struct work *work, struct error *error) {
    struct pool *pool = d->pool;
    size_t size = pool->layout->size;
    /* A closed form is nothing ahead of itself. */
    if (d->options.start == DISTILLATION_ZERO || d->base)
        return 0;
    if (d->options.start == DISTILLATION_BASE)
        return start_at_base(d, vector, error);
    float *other = array_new(size, sizeof *other);
    int result =
        other ? closed_form(d, train, vector, work, error) : error_memory(error);
    result = shared_layers_agree(&d->layers, result, error);
    float share = 1 / (float)pool->tasks;
    for (size_t t = 0; result == 0 && t < pool->tasks; t++) {
        result = pool_vector(pool, t, 0, size, other, error);
        for (size_t i = 0; result == 0 && i < size; i++)
            vector[i] -= share * other[i];
    }
    for (size_t k = 1; result == 0 && k < d->count; k++)
        memcpy(vector + k * size, vector, size * sizeof *vector);
    free(other);
    return result;
}
