/* Operations beside others: a second stream with its own working space, forked from the
 * operations' stream and joined to it by events. While something is recorded both
 * become branches of one graph; else all runs in the order of the calls, since events
 * cost the host more than is won. */
#include <stdlib.h>

#include "cuda.h"

/* Parts that may wait to be joined; more of them than these and the oldest is. */
enum : unsigned { PARTS = 64 };

struct side {
    /* Its own, or the operations' while those are away. */
    cudaStream_t stream;
    struct scratch *scratch;
    void *workspace;
    cudaEvent_t fork, parts[PARTS];
    unsigned count, joined; /* parts, in all */
    bool away;              /* between aside and back: the two have changed places */
};

cudaError_t cuda_side_new(struct side **out) {
    struct side *s = static_cast<struct side *>(calloc(1, sizeof *s));
    *out = s;
    if (!s)
        return cudaErrorMemoryAllocation;
    cudaError_t status = cudaStreamCreateWithFlags(&s->stream, cudaStreamNonBlocking);
    if (status == cudaSuccess)
        status = cudaMalloc(&s->workspace, CUDA_WORKSPACE);
    if (status == cudaSuccess)
        status = cudaEventCreateWithFlags(&s->fork, cudaEventDisableTiming);
    for (unsigned i = 0; status == cudaSuccess && i < PARTS; i++)
        status = cudaEventCreateWithFlags(&s->parts[i], cudaEventDisableTiming);
    return status;
}

void cuda_side_free(struct side *s) {
    if (!s)
        return;
    if (s->stream)
        cudaStreamSynchronize(s->stream);
    for (unsigned i = 0; i < PARTS; i++)
        if (s->parts[i])
            cudaEventDestroy(s->parts[i]);
    if (s->fork)
        cudaEventDestroy(s->fork);
    cuda_scratch_free(&s->scratch);
    cudaFree(s->workspace);
    if (s->stream)
        cudaStreamDestroy(s->stream);
    free(s);
}

/* The stream, working space and cuBLAS's of the other side become the backend's. */
static void change_sides(struct cuda *cuda) {
    struct side *s = cuda->side;
    cudaStream_t stream = cuda->stream;
    struct scratch *scratch = cuda->scratch;
    void *workspace = cuda->workspace;
    cuda->stream = s->stream;
    cuda->scratch = s->scratch;
    cuda->workspace = s->workspace;
    s->stream = stream;
    s->scratch = scratch;
    s->workspace = workspace;
    s->away = !s->away;
}

static void aside(struct backend *backend) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || !cuda->recording || cuda->side->away)
        return;
    struct side *s = cuda->side;
    cuda_check(cuda, cudaEventRecord(s->fork, cuda->stream), "operations beside");
    change_sides(cuda);
    cuda_check(cuda, cudaStreamWaitEvent(cuda->stream, s->fork, 0),
               "operations beside");
}

static unsigned back(struct backend *backend) {
    struct cuda *cuda = reinterpret_cast<struct cuda *>(backend);
    struct side *s = cuda->side;
    if (!s->away)
        return s->count;
    if (cuda_ready(backend))
        cuda_check(cuda, cudaEventRecord(s->parts[s->count % PARTS], cuda->stream),
                   "operations beside");
    change_sides(cuda);
    return ++s->count;
}

/* Where a part's event has served again it is a later part that is waited for. */
static void join(struct backend *backend, unsigned number) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || number <= cuda->side->joined)
        return;
    struct side *s = cuda->side;
    cuda_check(cuda,
               cudaStreamWaitEvent(cuda->stream, s->parts[(number - 1) % PARTS], 0),
               "operations beside");
    s->joined = number;
}

void cuda_side_join(struct cuda *cuda) {
    join(&cuda->table, back(&cuda->table));
    cuda->side->joined = cuda->side->count; /* also where it has failed */
}

bool cuda_side_prepare(struct cuda *cuda) {
    size_t bytes = cuda->scratch ? cuda->scratch->bytes : 0;
    change_sides(cuda);
    bool good = !cuda->tuning.aside || bytes == 0 || cuda_scratch(cuda, bytes);
    change_sides(cuda);
    return good;
}

struct scratch **cuda_side_scratch(struct cuda *cuda) {
    return &cuda->side->scratch;
}

void cuda_fill_side(struct backend *table) {
    table->aside = aside;
    table->back = back;
    table->join = join;
}
