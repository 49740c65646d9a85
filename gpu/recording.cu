/* Recordings: the stream captured as a graph, launched as often as is liked. What a
 * product's algorithm is was settled when the same operations ran before, and cuBLAS's
 * working space is the backend's for good; only our own scratch memory can grow, and
 * recordings hold the one that they name (memory.cu). */
#include <stdio.h>
#include <stdlib.h>

#include "cuda.h"

struct recording {
    cudaGraphExec_t graph;
    struct scratch *scratch, *beside; /* NULL: there was none */
};

bool cuda_unrecorded(struct cuda *cuda, const char *what) {
    if (!cuda->recording)
        return true;
    cuda_fail(cuda, "cuda:%d: %s cannot be recorded", cuda->device, what);
    return false;
}

/* An error of a recording alone: cuda_check while one is under way. */
static void refuse(struct cuda *cuda, cudaError_t status, const char *what) {
    bool recording = cuda->recording;
    cuda->recording = true;
    cuda_check(cuda, status, what);
    cuda->recording = recording;
}

/* Why there is none, where the backend is as good as before. */
static int none(struct cuda *cuda, struct error *error) {
    if (cuda->failed)
        return cuda_error(error, "%s", cuda->failure.text);
    if (!cuda->refused)
        return cuda_error(error, "cuda:%d: out of memory for a recording",
                          cuda->device);
    cuda->refused = false;
    snprintf(cuda->table.remark, sizeof cuda->table.remark,
             "nothing is recorded: %.100s", cuda->refusal.text);
    return cuda_error(error, "%s", cuda->table.remark);
}

static int record_begin(struct backend *backend, struct error *error) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || !cuda_unrecorded(cuda, "a recording") || !cuda_side_prepare(cuda))
        return cuda_why(backend, error);
    /* Other threads' calls do not concern this thread's stream. */
    cudaError_t status =
        cudaStreamBeginCapture(cuda->stream, cudaStreamCaptureModeThreadLocal);
    cuda->recording = status == cudaSuccess;
    if (cuda->recording)
        return 0;
    refuse(cuda, status, "beginning to record");
    cudaGetLastError();
    return none(cuda, error);
}

void cuda_record_stop(struct cuda *cuda, cudaGraph_t *graph) {
    *graph = NULL;
    if (!cuda->recording)
        return;
    cuda_side_join(cuda);
    cuda->recording = false;
    cudaSetDevice(cuda->device);
    cudaError_t status = cudaStreamEndCapture(cuda->stream, graph);
    refuse(cuda, status, "recording");
    if (!cuda->failed && !cuda->refused)
        return;
    cudaGetLastError(); /* why it failed is known better */
    /* An error of the recording alone leaves the stream as it was. */
    if (!cuda->failed)
        cuda_check(cuda, cudaStreamSynchronize(cuda->stream), "recording");
}

static int record_end(struct backend *backend, struct recording **recording,
                      struct error *error) {
    struct cuda *cuda = reinterpret_cast<struct cuda *>(backend);
    cudaGraph_t graph;
    cudaError_t status = cudaSuccess;
    cuda_record_stop(cuda, &graph);
    struct recording *made = static_cast<struct recording *>(calloc(1, sizeof *made));
    if (!cuda->failed && !cuda->refused && made && graph)
        status = cudaGraphInstantiate(&made->graph, graph, 0);
    if (graph)
        cudaGraphDestroy(graph);
    if (status != cudaErrorMemoryAllocation)
        refuse(cuda, status, "making a recording");
    if (status != cudaSuccess)
        cudaGetLastError();
    if (cuda->failed || cuda->refused || !made || !made->graph) {
        free(made);
        return none(cuda, error);
    }
    made->scratch = cuda->scratch;
    made->beside = *cuda_side_scratch(cuda);
    if (made->scratch)
        made->scratch->holders++;
    if (made->beside)
        made->beside->holders++;
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
    cuda_scratch_let_go(&cuda->scratch, recording->scratch);
    cuda_scratch_let_go(cuda_side_scratch(cuda), recording->beside);
    free(recording);
}

void cuda_fill_recording(struct backend *table) {
    table->record_begin = record_begin;
    table->record_end = record_end;
    table->replay = replay;
    table->recording_free = recording_free;
}
