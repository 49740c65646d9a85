/* Routers: a block for each module. A few thousand products, so that what it costs is
 * the launch, as one of a recording. */
#include "cuda.h"

#include "backend/route.h"

enum { THREADS = 128 };

/* Neither product nor sum is fused: the host gives the same bits. */
static __device__ __forceinline__ float unit_of(float bias, const float *weight,
                                                const float *x, size_t count) {
    float sum = bias;
    for (size_t i = 0; i < count; i++)
        sum = __fadd_rn(sum, __fmul_rn(weight[i], x[i]));
    return sum;
}

static __global__ void route_kernel(float *weights, const struct route r,
                                    const float *preference) {
    SHARED(float, x, [2 * ROUTE_TASKS_MAX]);
    const struct route_parts p = route_parts_of(&r);
    const size_t module = blockIdx.x, tasks = r.tasks;
    if (module == r.modules) {
        for (size_t t = threadIdx.x; t < tasks; t += THREADS)
            weights[module * tasks + t] = r.lambda;
        return;
    }
    for (size_t i = threadIdx.x; i < p.hidden; i += THREADS) {
        if (r.layers == 1) {
            x[i] = preference[i];
            continue;
        }
        size_t unit = module * p.hidden + i;
        float sum =
            unit_of(r.parameters[p.hidden_bias + unit],
                    r.parameters + p.hidden_weight + unit * tasks, preference, tasks);
        x[i] = sum > 0 ? sum : 0;
    }
    __syncthreads();
    for (size_t t = threadIdx.x; t < tasks; t += THREADS) {
        size_t unit = module * tasks + t;
        weights[unit] =
            unit_of(r.parameters[p.output_bias + unit],
                    r.parameters + p.output_weight + unit * p.hidden, x, p.hidden);
    }
}

static void evaluate(struct backend *backend, float *weights, const struct route *r,
                     const float *preference) {
    struct cuda *cuda = cuda_ready(backend);
    if (cuda)
        LAUNCH(cuda, route_kernel, (unsigned)(r->modules + 1), THREADS, 0, weights, *r,
               preference);
}

void cuda_fill_route(struct backend *table) {
    table->route = evaluate;
}
