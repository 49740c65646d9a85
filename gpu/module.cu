/* What the module exports: which devices there are, and a backend on one. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/module.h"
#include "cuda.h"

int cuda_error(struct error *error, const char *format, ...) {
    if (error) {
        error->memory = false;
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
    }
    return -1;
}

void cuda_fail(struct cuda *cuda, const char *format, ...) {
    if (cuda->failed)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(cuda->failure.text, sizeof cuda->failure.text, format, arguments);
    va_end(arguments);
    cuda->failed = true;
}

void cuda_refuse(struct cuda *cuda, const char *format, ...) {
    struct error *why = cuda->recording ? &cuda->refusal : &cuda->failure;
    bool *kept = cuda->recording ? &cuda->refused : &cuda->failed;
    if (cuda->failed || *kept)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why->text, sizeof why->text, format, arguments);
    va_end(arguments);
    *kept = true;
}

int cuda_why(const struct backend *backend, struct error *error) {
    const struct cuda *cuda = reinterpret_cast<const struct cuda *>(backend);
    return cuda_error(error, "%s",
                      cuda->failed ? cuda->failure.text : cuda->refusal.text);
}

bool cuda_check(struct cuda *cuda, cudaError_t status, const char *what) {
    if (status == cudaSuccess)
        return !cuda->failed && !cuda->refused;
    cuda_refuse(cuda, "cuda:%d: %s: %s", cuda->device, what,
                cudaGetErrorString(status));
    return false;
}

struct cuda *cuda_ready(struct backend *backend) {
    struct cuda *cuda = reinterpret_cast<struct cuda *>(backend);
    if (cuda->failed || cuda->refused)
        return NULL;
    /* The device is a setting of the thread, and threads may change. */
    return cuda_check(cuda, cudaSetDevice(cuda->device), "choosing the device") ? cuda
                                                                                : NULL;
}

static int count(unsigned *devices, struct error *error) {
    int number = 0, driver = 0;
    cudaError_t status = cudaGetDeviceCount(&number);
    *devices = status == cudaSuccess ? (unsigned)number : 0;
    if (status == cudaSuccess || status == cudaErrorNoDevice)
        return 0;
    /* The same status says that there is no driver, or an older one. */
    if (status == cudaErrorInsufficientDriver &&
        cudaDriverGetVersion(&driver) == cudaSuccess) {
        if (driver == 0)
            return 0;
        return cuda_error(
            error,
            "the NVIDIA driver is for CUDA %d.%d at most, this module for "
            "%d.%d; update the driver",
            driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000,
            CUDART_VERSION % 1000 / 10);
    }
    return cuda_error(error,
                      "no usable GPU: %s; nvidia-smi may say more, and --sandbox off "
                      "whether pwemoe's own sandbox is in the way",
                      cudaGetErrorString(status));
}

static int describe(unsigned index, char line[96], struct error *error) {
    struct cudaDeviceProp device;
    cudaError_t status = cudaGetDeviceProperties(&device, (int)index);
    if (status != cudaSuccess)
        return cuda_error(error, "cuda:%u: %s", index, cudaGetErrorString(status));
    snprintf(line, 96, "%.48s, %zu MiB, compute capability %d.%d", device.name,
             device.totalGlobalMem >> 20, device.major, device.minor);
    return 0;
}

static void destroy(struct backend *backend) {
    struct cuda *cuda = reinterpret_cast<struct cuda *>(backend);
    cudaGraph_t graph;
    cuda_record_stop(cuda, &graph);
    if (graph)
        cudaGraphDestroy(graph);
    cudaSetDevice(cuda->device);
    if (cuda->stream)
        cudaStreamSynchronize(cuda->stream);
    cuda_side_free(cuda->side);
    cuda_transfers_free(cuda->transfers);
    while (cuda->allocations) {
        struct allocation *next = cuda->allocations->next;
        cudaFree(cuda->allocations->memory);
        free(cuda->allocations);
        cuda->allocations = next;
    }
    cuda_marks_free(cuda);
    cuda_products_free(cuda->products);
    cuda_solver_free(cuda->solver);
    cuda_scratch_free(&cuda->scratch);
    cudaFree(cuda->workspace);
    if (cuda->blas)
        cublasLtDestroy(cuda->blas);
    if (cuda->stream)
        cudaStreamDestroy(cuda->stream);
    free(cuda);
}

/* All that can be missing is asked for here rather than at the first operation. */
static int prepare(struct cuda *cuda, struct error *error) {
    struct cudaDeviceProp device;
    cudaError_t status = cudaSetDevice(cuda->device);
    if (status == cudaSuccess)
        status = cudaGetDeviceProperties(&device, cuda->device);
    if (status == cudaSuccess && device.major < 8)
        return cuda_error(error,
                          "cuda:%d: %.48s has compute capability %d.%d, 8.0 is needed",
                          cuda->device, device.name, device.major, device.minor);
    if (status == cudaSuccess && cuda->table.fp8 &&
        device.major * 10 + device.minor < 89)
        return cuda_error(error,
                          "cuda:%d: %.48s has compute capability %d.%d, --precision "
                          "fp8 needs 8.9; leave it out",
                          cuda->device, device.name, device.major, device.minor);
    if (status == cudaSuccess)
        status = cudaStreamCreateWithFlags(&cuda->stream, cudaStreamNonBlocking);
    if (status == cudaSuccess)
        status = cuda_transfers_new(&cuda->transfers);
    if (status == cudaSuccess)
        status = cuda_side_new(&cuda->side);
    if (status == cudaSuccess)
        status = cudaMalloc(&cuda->workspace, CUDA_WORKSPACE);
    if (status != cudaSuccess)
        return cuda_error(error, "cuda:%d: %s%s", cuda->device,
                          cudaGetErrorString(status),
                          status == cudaErrorMemoryAllocation
                              ? "; others use the GPU: wait, or use --device cpu"
                              : "");
    cublasStatus_t blas = cublasLtCreate(&cuda->blas);
    if (blas != CUBLAS_STATUS_SUCCESS)
        return cuda_error(error, "cuda:%d: cuBLAS does not start (%s)", cuda->device,
                          cublasLtGetStatusString(blas));
    cuda->processors = device.multiProcessorCount;
    cuda->shared_limit = device.sharedMemPerBlockOptin;
    snprintf(cuda->table.name, sizeof cuda->table.name, "cuda:%d %.64s%s", cuda->device,
             device.name, cuda->table.fp8 ? " in fp8" : "");
    return 0;
}

int cuda_open(unsigned index, enum precision precision, struct backend **backend,
              struct error *error) {
    struct cuda *cuda = static_cast<struct cuda *>(calloc(1, sizeof *cuda));
    if (!cuda)
        return cuda_error(error, "out of memory");
    cuda->device = (int)index;
    struct backend *table = &cuda->table;
    table->api_version = BACKEND_API_VERSION;
    table->fp8 = precision == PRECISION_FP8;
    table->precision = table->fp8 ? PRECISION_BF16 : precision;
    table->real_size = table->precision == PRECISION_BF16 ? 2 : 4;
    table->destroy = destroy;
    if (cuda_tuning(&cuda->tuning, error) != 0 || prepare(cuda, error) != 0) {
        destroy(table);
        return -1;
    }
    cuda_fill_memory(table);
    if (cuda->tuning.recording)
        cuda_fill_recording(table);
    if (cuda->tuning.aside)
        cuda_fill_side(table);
    table->gathers = cuda->tuning.gathers;
    table->merges_ahead =
        cuda->tuning.recording && cuda->tuning.aside && cuda->tuning.ahead;
    cuda_fill_transfers(table);
    cuda_fill_marks(table);
    cuda_fill_algorithms(cuda);
    cuda_fill_matmul(table);
    cuda_fill_squares(table);
    cuda_fill_rows(table);
    cuda_fill_losses(table);
    cuda_fill_elementwise(table);
    cuda_fill_attention(table);
    cuda_fill_embedding(table);
    cuda_fill_merge(table);
    cuda_fill_route(table);
    cuda_fill_solve(table);
    /* A module built for other cards is found out by its first kernel. */
    void *probe;
    float value = 0;
    if (table->allocate(table, sizeof value, &probe, error) != 0) {
        destroy(table);
        return -1;
    }
    table->add_scaled(table, static_cast<float *>(probe), static_cast<float *>(probe),
                      0, 1);
    if (table->download(table, &value, probe, sizeof value, error) != 0) {
        destroy(table);
        return -1;
    }
    table->release(table, probe);
    *backend = table;
    return 0;
}

static const struct backend_module module = {BACKEND_API_VERSION, count, describe,
                                             cuda_open};

extern "C" __attribute__((visibility("default"))) const struct backend_module *
pwemoe_backend_module(void);

const struct backend_module *pwemoe_backend_module(void) {
    return &module;
}
