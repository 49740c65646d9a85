#include "merge/layers.h"

#include "base/blas_room.h"

/* What the layers that are being made may take in all. */
static const size_t room_bytes = (size_t)1 << 30;

void layers_mean(const struct merge_input *input, const float *vectors,
                 const double *weights, float scale, float *merged) {
    const struct pool *pool = input->pool;
    size_t size = pool->layout->size;
    if (!vectors) {
        double scaled[POOL_TASKS_MAX];
        for (size_t t = 0; t < pool->tasks; t++)
            scaled[t] = (double)scale * weights[t];
        task_factors_sum(pool->factors, scaled, 0, size, merged);
        return;
    }
#pragma omp parallel for simd num_threads(pool->backend->threads) schedule(static)
    for (size_t i = 0; i < size; i++) {
        float sum = 0;
        for (size_t t = 0; t < pool->tasks; t++)
            sum += (float)weights[t] * vectors[t * size + i];
        merged[i] = scale * sum;
    }
}

int layers_make(const struct merge_input *input, const struct layers_progress *progress,
                size_t count, size_t room,
                int (*make)(void *self, size_t index, struct error *error), void *self,
                struct error *error) {
    unsigned threads = input->pool->backend->threads;
    size_t fit = room_bytes / (room ? room : 1);
    size_t done = 0;
    int result = 0;
    if (fit < threads)
        threads = fit < 1 ? 1 : (unsigned)fit;
    threads = blas_room_beside(threads, error);
    if (threads == 0)
        return -1;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (size_t i = 0; i < count; i++) {
        struct error own;
        int status = work_stopped(input->work) ? error_set(&own, "stopped")
                                               : make(self, i, &own);
#pragma omp critical
        if (status && result == 0) {
            *error = own;
            result = -1;
        } else if (status == 0 && progress) {
            work_report(input->work, progress->what, progress->before + ++done,
                        progress->total);
        }
    }
    return result;
}
