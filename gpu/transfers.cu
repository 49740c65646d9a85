/* Transfers beside what runs: one stream for each direction, events between them and
 * the stream of the operations, and pinned memory at the host's end. */
#include <stdlib.h>
#include <string.h>

#include "cuda.h"

/* Transfers under way at a time; one more waits for the oldest. */
enum : size_t { SLOTS = 64 };

struct transfer {
    backend_ticket ticket; /* 0: none yet */
    cudaEvent_t done;
};

struct transfers {
    cudaStream_t down, up;
    cudaEvent_t
        queued; /* what the operations' stream had when a download was asked for */
    cudaEvent_t zeroed; /* what it had at the last allocation: its memory is zeros */
    backend_ticket last;
    struct transfer slots[SLOTS];
};

cudaError_t cuda_transfers_new(struct transfers **out) {
    struct transfers *t = static_cast<struct transfers *>(calloc(1, sizeof *t));
    *out = t;
    if (!t)
        return cudaErrorMemoryAllocation;
    cudaError_t status = cudaStreamCreateWithFlags(&t->down, cudaStreamNonBlocking);
    if (status == cudaSuccess)
        status = cudaStreamCreateWithFlags(&t->up, cudaStreamNonBlocking);
    if (status == cudaSuccess)
        status = cudaEventCreateWithFlags(&t->queued, cudaEventDisableTiming);
    if (status == cudaSuccess)
        status = cudaEventCreateWithFlags(&t->zeroed, cudaEventDisableTiming);
    for (size_t i = 0; status == cudaSuccess && i < SLOTS; i++)
        status = cudaEventCreateWithFlags(&t->slots[i].done, cudaEventDisableTiming);
    return status;
}

void cuda_transfers_free(struct transfers *t) {
    if (!t)
        return;
    if (t->down)
        cudaStreamSynchronize(t->down);
    if (t->up)
        cudaStreamSynchronize(t->up);
    for (size_t i = 0; i < SLOTS; i++)
        if (t->slots[i].done)
            cudaEventDestroy(t->slots[i].done);
    if (t->queued)
        cudaEventDestroy(t->queued);
    if (t->zeroed)
        cudaEventDestroy(t->zeroed);
    if (t->down)
        cudaStreamDestroy(t->down);
    if (t->up)
        cudaStreamDestroy(t->up);
    free(t);
}

cudaError_t cuda_transfers_after(struct cuda *cuda) {
    return cudaEventRecord(cuda->transfers->zeroed, cuda->stream);
}

static int pin(struct backend *backend, size_t bytes, void **pinned,
               struct error *error) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || !cuda_unrecorded(cuda, "pinning memory"))
        return cuda_why(backend, error);
    cudaError_t status =
        cudaHostAlloc(pinned, bytes > 0 ? bytes : 1, cudaHostAllocDefault);
    if (status != cudaSuccess) {
        cudaGetLastError();
        if (!cuda_no_memory(status)) {
            cuda_check(cuda, status, "pinning memory");
            return cuda_error(error, "%s", cuda->failure.text);
        }
        backend->refused = bytes;
        return cuda_error(
            error,
            "cuda:%d: out of memory for %zu MiB of the host's, pinned; use "
            "a smaller --batch or --device cpu",
            cuda->device, bytes >> 20);
    }
    memset(*pinned, 0, bytes);
    return 0;
}

static void unpin(struct backend *backend, void *pinned) {
    if (!pinned)
        return;
    cudaSetDevice(reinterpret_cast<struct cuda *>(backend)->device);
    cudaFreeHost(pinned);
}

/* The transfer of that ticket, or NULL where it is done for sure: its slot was taken
 * again, which waits for it. */
static struct transfer *find(struct cuda *cuda, backend_ticket ticket) {
    struct transfer *t = &cuda->transfers->slots[ticket % SLOTS];
    return ticket != 0 && t->ticket == ticket ? t : NULL;
}

/* A slot for one more transfer; NULL with the failure kept. */
static struct transfer *take(struct cuda *cuda) {
    struct transfers *all = cuda->transfers;
    backend_ticket ticket = all->last + 1;
    struct transfer *t = &all->slots[ticket % SLOTS];
    if (t->ticket != 0 &&
        !cuda_check(cuda, cudaEventSynchronize(t->done), "waiting for a transfer"))
        return NULL;
    all->last = t->ticket = ticket;
    return t;
}

static backend_ticket download_late(struct backend *backend, void *pinned,
                                    const void *device, size_t bytes) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || !cuda_unrecorded(cuda, "a download"))
        return 0;
    struct transfers *all = cuda->transfers;
    struct transfer *t = take(cuda);
    bool good =
        t &&
        cuda_check(cuda, cudaEventRecord(all->queued, cuda->stream), "a download") &&
        cuda_check(cuda, cudaStreamWaitEvent(all->down, all->queued, 0),
                   "a download") &&
        (bytes == 0 || cuda_check(cuda,
                                  cudaMemcpyAsync(pinned, device, bytes,
                                                  cudaMemcpyDeviceToHost, all->down),
                                  "a download")) &&
        cuda_check(cuda, cudaEventRecord(t->done, all->down), "a download");
    return good ? t->ticket : 0;
}

static backend_ticket upload_early(struct backend *backend, void *device,
                                   const void *pinned, size_t bytes) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || !cuda_unrecorded(cuda, "an upload"))
        return 0;
    struct transfers *all = cuda->transfers;
    struct transfer *t = take(cuda);
    bool good =
        t &&
        cuda_check(cuda, cudaStreamWaitEvent(all->up, all->zeroed, 0), "an upload") &&
        (bytes == 0 || cuda_check(cuda,
                                  cudaMemcpyAsync(device, pinned, bytes,
                                                  cudaMemcpyHostToDevice, all->up),
                                  "an upload")) &&
        cuda_check(cuda, cudaEventRecord(t->done, all->up), "an upload");
    return good ? t->ticket : 0;
}

static void follow(struct backend *backend, backend_ticket ticket) {
    struct cuda *cuda = cuda_ready(backend);
    struct transfer *t = cuda ? find(cuda, ticket) : NULL;
    if (t && cuda_unrecorded(cuda, "an upload"))
        cuda_check(cuda, cudaStreamWaitEvent(cuda->stream, t->done, 0), "an upload");
}

static int done(struct backend *backend, backend_ticket ticket, bool *is_done,
                struct error *error) {
    struct cuda *cuda = cuda_ready(backend);
    struct transfer *t = cuda ? find(cuda, ticket) : NULL;
    *is_done = true;
    if (t && cuda_unrecorded(cuda, "asking for a transfer")) {
        cudaError_t status = cudaEventQuery(t->done);
        if (status == cudaErrorNotReady) {
            cudaGetLastError(); /* it is none */
            *is_done = false;
        } else {
            cuda_check(cuda, status, "a transfer");
        }
    }
    cuda = reinterpret_cast<struct cuda *>(backend);
    return cuda->failed ? cuda_error(error, "%s", cuda->failure.text) : 0;
}

static int wait(struct backend *backend, backend_ticket ticket, struct error *error) {
    struct cuda *cuda = cuda_ready(backend);
    struct transfer *t = cuda ? find(cuda, ticket) : NULL;
    if (t && cuda_unrecorded(cuda, "waiting for a transfer"))
        cuda_check(cuda, cudaEventSynchronize(t->done), "waiting for a transfer");
    cuda = reinterpret_cast<struct cuda *>(backend);
    return cuda->failed ? cuda_error(error, "%s", cuda->failure.text) : 0;
}

void cuda_fill_transfers(struct backend *table) {
    table->pin = pin;
    table->unpin = unpin;
    table->download_late = download_late;
    table->upload_early = upload_early;
    table->follow = follow;
    table->done = done;
    table->wait = wait;
}
