/* The part of the CUDA runtime that gpu/ uses, on the host: kernels are plain
 * functions whose threads are fibers, so that barriers and shuffles work, memory is
 * malloc's, so that AddressSanitizer sees every access. For the tests only. */
#ifndef EMULATION_CUDA_RUNTIME_H
#define EMULATION_CUDA_RUNTIME_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CUDART_VERSION 12000

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static /* blocks run one after the other */

struct uint3 {
    unsigned x, y, z;
};

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {
    }
};

/* --- inside kernels -------------------------------------------------------- */
struct emulation_position {
    struct uint3 thread, block;
    dim3 threads, blocks;
};
extern struct emulation_position emulation_at; /* of the fiber that runs */
#define threadIdx (emulation_at.thread)
#define blockIdx (emulation_at.block)
#define blockDim (emulation_at.threads)
#define gridDim (emulation_at.blocks)

void __syncthreads(void);
void __syncwarp(void);
/* 4 bytes from the lane whose number differs by `lanes`; every lane of the warp
 * that has not returned takes part. */
uint32_t emulation_shuffle(uint32_t value, int lanes);

static inline float __shfl_xor_sync(unsigned, float value, int lanes) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits = emulation_shuffle(bits, lanes);
    memcpy(&value, &bits, sizeof bits);
    return value;
}

static inline int __shfl_xor_sync(unsigned, int value, int lanes) {
    return (int)emulation_shuffle((uint32_t)value, lanes);
}

static inline float __uint_as_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t __float_as_uint(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* --- launching --------------------------------------------------------------- */
void emulation_run(dim3 blocks, dim3 threads, size_t shared, void (*call)(const void *),
                   const void *kernel);
void *emulation_shared(void); /* the block's dynamic shared memory */

template <class Kernel>
static void emulation_launch(dim3 blocks, dim3 threads, size_t shared, Kernel kernel) {
    emulation_run(
        blocks, threads, shared,
        [](const void *self) { (*static_cast<const Kernel *>(self))(); }, &kernel);
}

/* --- what a test may set ------------------------------------------------------ */
struct emulation_settings {
    int devices;              /* how many there are; 0: cudaErrorNoDevice */
    int driver;               /* the CUDA version it is for; 0: there is none */
    int capability;           /* major number of the compute capability */
    size_t memory_left;       /* bytes of one allocation, at most */
    bool reversed;            /* threads of a block run from the last to the first */
    unsigned long fail_after; /* this many launches succeed, then the device is lost */
};
extern struct emulation_settings emulation;
void emulation_restore(void); /* a lost device comes back */

/* --- the runtime --------------------------------------------------------------- */
enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidValue = 1,
    cudaErrorInsufficientDriver = 35,
    cudaErrorNoDevice = 100,
    cudaErrorInvalidDevice = 101,
    cudaErrorLaunchFailure = 719
};

enum cudaMemcpyKind {
    cudaMemcpyHostToDevice,
    cudaMemcpyDeviceToHost,
    cudaMemcpyDeviceToDevice
};

enum cudaDataType_t { CUDA_R_32F = 0, CUDA_R_16BF = 14 };
typedef enum cudaDataType_t cudaDataType;
enum { cudaStreamNonBlocking = 1 };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
typedef struct emulation_stream *cudaStream_t;

struct cudaDeviceProp {
    char name[256];
    size_t totalGlobalMem, sharedMemPerBlockOptin;
    int major, minor, multiProcessorCount;
};

const char *cudaGetErrorString(cudaError_t status);
cudaError_t cudaGetLastError(void);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaMalloc(void **memory, size_t bytes);
cudaError_t cudaFree(void *memory);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);

template <class Kernel>
static cudaError_t cudaFuncSetAttribute(Kernel, cudaFuncAttribute, int) {
    return cudaSuccess;
}

#endif
