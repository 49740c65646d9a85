/* When things were done, by events that keep the time. */
#include <math.h>
#include <stdlib.h>

#ifndef PWEMOE_EMULATION
#include <cuda_profiler_api.h>
#endif

#include "cuda.h"

static void mark(struct backend *backend, unsigned mark) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || mark >= BACKEND_MARKS)
        return;
    if (!cuda->marks)
        cuda->marks =
            static_cast<cudaEvent_t *>(calloc(BACKEND_MARKS, sizeof *cuda->marks));
    if (!cuda->marks) {
        cuda_fail(cuda, "out of memory");
        return;
    }
    cudaEvent_t *event = &cuda->marks[mark];
    if (*event ||
        cuda_check(cuda, cudaEventCreateWithFlags(event, cudaEventDefault), "a mark"))
        /* In a recording it is what each replay does rather than an order of streams.
         */
        cuda_check(cuda,
                   cudaEventRecordWithFlags(*event, cuda->stream,
                                            cuda->recording ? cudaEventRecordExternal
                                                            : cudaEventRecordDefault),
                   "a mark");
    if (!cuda->tuning.profile || mark > 1 || cuda->recording ||
        !cuda_check(cuda, cudaStreamSynchronize(cuda->stream), "a mark"))
        return;
    if (mark == 0)
        cudaProfilerStart();
    else
        cudaProfilerStop();
}

static double between(struct backend *backend, unsigned from, unsigned to) {
    struct cuda *cuda = cuda_ready(backend);
    float milliseconds;
    if (!cuda || !cuda->marks || from >= BACKEND_MARKS || to >= BACKEND_MARKS ||
        !cuda->marks[from] || !cuda->marks[to] ||
        !cuda_check(
            cuda,
            cudaEventElapsedTime(&milliseconds, cuda->marks[from], cuda->marks[to]),
            "the time between two marks"))
        return (double)NAN;
    return 1e-3 * (double)milliseconds;
}

void cuda_marks_free(struct cuda *cuda) {
    for (unsigned i = 0; cuda->marks && i < BACKEND_MARKS; i++)
        if (cuda->marks[i])
            cudaEventDestroy(cuda->marks[i]);
    free(cuda->marks);
}

void cuda_fill_marks(struct backend *table) {
    table->mark = mark;
    table->between = between;
}
