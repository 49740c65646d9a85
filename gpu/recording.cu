/* Recordings: the stream captured as a graph, launched as often as is liked. What a
 * product's algorithm is was settled when the same operations ran before, and cuBLAS's
 * working space is the backend's for good; only our own scratch memory can grow, and
 * recordings hold the one that they name (memory.cu). */
#include <stdlib.h>

#include "cuda.h"

struct recording {
    cudaGraphExec_t graph;
    struct scratch *scratch; /* NULL: there was none */
};

bool cuda_unrecorded(struct cuda *cuda, const char *what) {
    if (!cuda->recording)
        return true;
    cuda_fail(cuda, "cuda:%d: %s cannot be recorded", cuda->device, what);
    return false;
}

static int record_begin(struct backend *backend, struct error *error) {
    struct cuda *cuda = cuda_ready(backend);
    /* Other threads' calls do not concern this thread's stream. */
    if (cuda && cuda_unrecorded(cuda, "a recording"))
        cuda->recording = cuda_check(
            cuda,
            cudaStreamBeginCapture(cuda->stream, cudaStreamCaptureModeThreadLocal),
            "beginning to record");
    cuda = reinterpret_cast<struct cuda *>(backend);
    return cuda->failed ? cuda_error(error, "%s", cuda->failure.text) : 0;
}

void cuda_record_stop(struct cuda *cuda, cudaGraph_t *graph) {
    *graph = NULL;
    if (!cuda->recording)
        return;
    cuda->recording = false;
    cudaSetDevice(cuda->device);
    cudaError_t status = cudaStreamEndCapture(cuda->stream, graph);
    if (cuda->failed)
        cudaGetLastError(); /* why it failed is known better */
    else
        cuda_check(cuda, status, "recording");
}

static int record_end(struct backend *backend, struct recording **recording,
                      struct error *error) {
    struct cuda *cuda = reinterpret_cast<struct cuda *>(backend);
    cudaGraph_t graph;
    cudaError_t status = cudaSuccess;
    cuda_record_stop(cuda, &graph);
    struct recording *made = static_cast<struct recording *>(calloc(1, sizeof *made));
    if (!cuda->failed && made && graph)
        status = cudaGraphInstantiate(&made->graph, graph, 0);
    if (graph)
        cudaGraphDestroy(graph);
    if (made && status == cudaErrorMemoryAllocation)
        cudaGetLastError();
    else
        cuda_check(cuda, status, "making a recording");
    if (cuda->failed || !made || !made->graph) {
        free(made);
        return cuda->failed
                   ? cuda_error(error, "%s", cuda->failure.text)
                   : cuda_error(error, "cuda:%d: out of memory for a recording",
                                cuda->device);
    }
    made->scratch = cuda->scratch;
    if (made->scratch)
        made->scratch->holders++;
    *recording = made;
    return 0;
}

static void replay(struct backend *backend, struct recording *recording) {
    struct cuda *cuda = cuda_ready(backend);
    if (cuda && cuda_unrecorded(cuda, "a recording"))
        cuda_check(cuda, cudaGraphLaunch(recording->graph, cuda->stream),
                   "a recording");
}

static void recording_free(struct backend *backend, struct recording *recording) {
    struct cuda *cuda = reinterpret_cast<struct cuda *>(backend);
    if (!recording)
        return;
    cudaSetDevice(cuda->device);
    /* It may still run: the graph waits for that by itself, the scratch by cudaFree. */
    cudaGraphExecDestroy(recording->graph);
    cuda_scratch_let_go(cuda, recording->scratch);
    free(recording);
}

void cuda_fill_recording(struct backend *table) {
    table->record_begin = record_begin;
    table->record_end = record_end;
    table->replay = replay;
    table->recording_free = recording_free;
}
