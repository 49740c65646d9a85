/* Device memory and transfers; conversion between f32 and real on the device. */
#include <stdlib.h>
#include <string.h>

#include "cuda.h"
#include "element.h"

/* Floats that are converted at a time. */
enum : size_t { CHUNK = 1u << 20 };

static void scratch_free(struct scratch **at) {
    struct scratch *scratch = *at;
    *at = scratch->next;
    cudaFree(scratch->memory); /* what runs may still use it: cudaFree waits */
    free(scratch);
}

void cuda_scratch_free(struct scratch **list) {
    while (*list)
        scratch_free(list);
}

void cuda_scratch_let_go(struct scratch **list, struct scratch *scratch) {
    if (!scratch || --scratch->holders > 0 || scratch == *list)
        return;
    for (struct scratch **at = list; *at; at = &(*at)->next)
        if (*at == scratch) {
            scratch_free(at);
            return;
        }
}

void *cuda_scratch(struct cuda *cuda, size_t bytes) {
    if (cuda->scratch && bytes <= cuda->scratch->bytes)
        return cuda->scratch->memory;
    if (!cuda_unrecorded(cuda, "working space that has to grow"))
        return NULL;
    if (cuda->scratch && cuda->scratch->holders == 0)
        scratch_free(&cuda->scratch);
    bytes = (bytes + ((1u << 20) - 1)) >> 20 << 20;
    struct scratch *scratch = static_cast<struct scratch *>(calloc(1, sizeof *scratch));
    cudaError_t status =
        scratch ? cudaMalloc(&scratch->memory, bytes) : cudaErrorMemoryAllocation;
    if (status != cudaSuccess) {
        cudaGetLastError(); /* running out of memory is not sticky */
        free(scratch);
        if (!cuda_no_memory(status)) {
            cuda_check(cuda, status, "allocating");
            return NULL;
        }
        cuda_fail(cuda,
                  "cuda:%d: out of memory for %zu MiB of working space; use a "
                  "smaller --batch or --device cpu",
                  cuda->device, bytes >> 20);
        return NULL;
    }
    scratch->bytes = bytes;
    scratch->next = cuda->scratch;
    cuda->scratch = scratch;
    return scratch->memory;
}

static size_t mebibytes(size_t bytes) {
    return (bytes >> 20) + (bytes % (1u << 20) != 0);
}

static int allocate(struct backend *backend, size_t bytes, void **memory,
                    struct error *error) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || !cuda_unrecorded(cuda, "an allocation"))
        return cuda_why(backend, error);
    struct allocation *block = static_cast<struct allocation *>(malloc(sizeof *block));
    if (!block)
        return cuda_error(error, "out of memory");
    cudaError_t status = cudaMalloc(&block->memory, bytes > 0 ? bytes : 1);
    if (status == cudaSuccess)
        status = cudaMemsetAsync(block->memory, 0, bytes, cuda->stream);
    else
        block->memory = NULL;
    if (status == cudaSuccess)
        status = cuda_transfers_after(cuda);
    if (status != cudaSuccess) {
        cudaGetLastError();
        cudaFree(block->memory);
        free(block);
        if (!cuda_no_memory(status)) {
            cuda_check(cuda, status, "allocating");
            return cuda_error(error, "%s", cuda->failure.text);
        }
        backend->refused = bytes;
        return cuda_error(
            error,
            "cuda:%d: out of memory for %zu MiB (%zu MiB are in use); use a smaller "
            "--batch or --limit, or --device cpu",
            cuda->device, mebibytes(bytes), mebibytes(cuda->now));
    }
    block->bytes = bytes;
    block->next = cuda->allocations;
    cuda->allocations = block;
    cuda->now += bytes;
    if (cuda->now > cuda->peak)
        cuda->peak = cuda->now;
    *memory = block->memory;
    return 0;
}

static void release(struct backend *backend, void *memory) {
    struct cuda *cuda = reinterpret_cast<struct cuda *>(backend);
    if (memory && !cuda_unrecorded(cuda, "a release"))
        return; /* destroy frees it */
    for (struct allocation **at = &cuda->allocations; memory && *at;
         at = &(*at)->next) {
        struct allocation *block = *at;
        if (block->memory != memory)
            continue;
        *at = block->next;
        cuda->now -= block->bytes;
        cudaSetDevice(cuda->device);
        cudaFree(block->memory);
        free(block);
        return;
    }
}

static void memory_use(struct backend *backend, size_t *now, size_t *peak) {
    *now = reinterpret_cast<struct cuda *>(backend)->now;
    *peak = reinterpret_cast<struct cuda *>(backend)->peak;
}

static void memory_restart(struct backend *backend) {
    struct cuda *cuda = reinterpret_cast<struct cuda *>(backend);
    cuda->peak = cuda->now;
}

static size_t memory_left(struct backend *backend) {
    size_t left = 0, all;
    struct cuda *cuda = cuda_ready(backend);
    if (cuda)
        cuda_check(cuda, cudaMemGetInfo(&left, &all), "asking for memory");
    return left;
}

static int synchronise(struct backend *backend, struct error *error) {
    struct cuda *cuda = reinterpret_cast<struct cuda *>(backend);
    if (cuda_ready(backend) && cuda_unrecorded(cuda, "waiting for the device"))
        cuda_check(cuda, cudaStreamSynchronize(cuda->stream), "waiting for the device");
    return cuda->failed ? cuda_error(error, "%s", cuda->failure.text) : 0;
}

static void upload(struct backend *backend, void *device, const void *host,
                   size_t bytes) {
    struct cuda *cuda = cuda_ready(backend);
    if (cuda && bytes > 0 && cuda_unrecorded(cuda, "an upload"))
        cuda_check(
            cuda,
            cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, cuda->stream),
            "upload");
}

static int download(struct backend *backend, void *host, const void *device,
                    size_t bytes, struct error *error) {
    struct cuda *cuda = cuda_ready(backend);
    if (cuda && bytes > 0 && cuda_unrecorded(cuda, "a download"))
        cuda_check(
            cuda,
            cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, cuda->stream),
            "download");
    return synchronise(backend, error);
}

static __global__ void to_bf16(bf16 *to, const float *from, size_t count) {
    size_t step = (size_t)gridDim.x * blockDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step)
        to[i] = narrow<bf16>(from[i]);
}

static __global__ void from_bf16(float *to, const bf16 *from, size_t count) {
    size_t step = (size_t)gridDim.x * blockDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step)
        to[i] = widen(from[i]);
}

static void upload_bf16(struct backend *backend, real *device, const float *host,
                        size_t count) {
    struct cuda *cuda = cuda_ready(backend);
    for (size_t i = 0; cuda && i < count; i += CHUNK) {
        size_t n = count - i < CHUNK ? count - i : CHUNK;
        float *chunk = static_cast<float *>(cuda_scratch(cuda, n * sizeof *chunk));
        if (!chunk)
            return;
        upload(backend, chunk, host + i, n * sizeof *chunk);
        LAUNCH(cuda, to_bf16, cuda_blocks(cuda, n, 256), 256, 0,
               typed<bf16>(device) + i, chunk, n);
    }
}

static int download_bf16(struct backend *backend, float *host, const real *device,
                         size_t count, struct error *error) {
    struct cuda *cuda = cuda_ready(backend);
    for (size_t i = 0; cuda && i < count; i += CHUNK) {
        size_t n = count - i < CHUNK ? count - i : CHUNK;
        float *chunk = static_cast<float *>(cuda_scratch(cuda, n * sizeof *chunk));
        if (!chunk)
            break;
        LAUNCH(cuda, from_bf16, cuda_blocks(cuda, n, 256), 256, 0, chunk,
               typed<bf16>(device) + i, n);
        if (download(backend, host + i, chunk, n * sizeof *chunk, error) != 0)
            return -1;
    }
    return synchronise(backend, error);
}

static void upload_f32(struct backend *backend, real *device, const float *host,
                       size_t count) {
    upload(backend, device, host, count * sizeof *host);
}

static int download_f32(struct backend *backend, float *host, const real *device,
                        size_t count, struct error *error) {
    return download(backend, host, device, count * sizeof *host, error);
}

static void zero(struct backend *backend, void *device, size_t bytes) {
    struct cuda *cuda = cuda_ready(backend);
    if (cuda && bytes > 0)
        cuda_check(cuda, cudaMemsetAsync(device, 0, bytes, cuda->stream), "zero");
}

static void copy(struct backend *backend, void *to, const void *from, size_t bytes) {
    struct cuda *cuda = cuda_ready(backend);
    if (cuda && bytes > 0)
        cuda_check(
            cuda,
            cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, cuda->stream),
            "copy");
}

void cuda_fill_memory(struct backend *table) {
    bool narrow_type = table->precision == PRECISION_BF16;
    table->allocate = allocate;
    table->release = release;
    table->memory_use = memory_use;
    table->memory_restart = memory_restart;
    table->memory_left = memory_left;
    table->upload = upload;
    table->download = download;
    table->upload_real = narrow_type ? upload_bf16 : upload_f32;
    table->download_real = narrow_type ? download_bf16 : download_f32;
    table->zero = zero;
    table->copy = copy;
    table->synchronise = synchronise;
}
