/* The part of the CUDA runtime that gpu/ uses, on the host: kernels are plain
 * functions whose threads are fibers, so that barriers and shuffles work, memory is
 * malloc's, so that AddressSanitizer sees every access. For the tests only. */
#ifndef EMULATION_CUDA_RUNTIME_H
#define EMULATION_CUDA_RUNTIME_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <functional>
#include <tuple>

/* Kernels leave registers unset that they do not read; GCC at -O3 cannot follow why. */
#if defined __GNUC__ && !defined __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#define CUDART_VERSION 12000

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

struct uint3 {
    unsigned x, y, z;
};

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {
    }
};

/* --- inside kernels -------------------------------------------------------- */
struct emulation_stream;
struct emulation_position {
    struct uint3 thread, block;
    dim3 threads, blocks;
};
extern struct emulation_position emulation_at; /* of the fiber that runs */
#define threadIdx (emulation_at.thread)
#define blockIdx (emulation_at.block)
#define blockDim (emulation_at.threads)
#define gridDim (emulation_at.blocks)

/* The place is that of the call: threads of a block that wait for one another at
 * different places end the test. */
#define __syncthreads() emulation_block_barrier(__FILE__, __LINE__)
void emulation_block_barrier(const char *file, int line);
/* A barrier; whether any of the block's threads says so. */
#define __syncthreads_or(x) emulation_block_any(x, __FILE__, __LINE__)
int emulation_block_any(int x, const char *file, int line);
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

static inline uint32_t __shfl_xor_sync(unsigned, uint32_t value, int lanes) {
    return emulation_shuffle(value, lanes);
}

static inline double __shfl_xor_sync(unsigned, double value, int lanes) {
    uint32_t words[2];
    memcpy(words, &value, sizeof words);
    words[0] = emulation_shuffle(words[0], lanes);
    words[1] = emulation_shuffle(words[1], lanes);
    memcpy(&value, words, sizeof value);
    return value;
}

static inline int min(int a, int b) {
    return a < b ? a : b;
}

static inline int max(int a, int b) {
    return a > b ? a : b;
}

/* What gpu/tile.h's functions do on the card (tensor.cc). */
void emulation_load_matrices(uint32_t (&x)[4], const void *row, bool transposed);
void emulation_multiply(float (&sums)[4], const uint32_t (&left)[4], uint32_t right_0,
                        uint32_t right_1);
void emulation_copy_later(void *to, const void *from, bool inside);
void emulation_copy_now(void);
bool emulation_copying(void); /* the calling thread has copies on their way */

enum { EMULATION_LANES = 32, EMULATION_WORDS = 6 };
/* Every lane's words, once all 32 lanes of the warp have come; theirs are exactly
 * these 32, or the test ends. Good until the lane's next exchange. */
const uint32_t (*emulation_exchange(const uint32_t *words, int count))[EMULATION_WORDS];
int emulation_lane(void);
/* The number of the calling thread in its block. */
unsigned emulation_thread(void);

/* Rounded each by itself, never fused. */
static inline float __fmul_rn(float a, float b) {
    volatile float product = a * b;
    return product;
}

static inline float __fadd_rn(float a, float b) {
    volatile float sum = a + b;
    return sum;
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
/* static_most: bytes that the kernel's static arrays may have. */
void emulation_run(dim3 blocks, dim3 threads, size_t shared, size_t static_most,
                   void (*call)(const void *), const void *kernel);
/* What a device would say of such a launch (limits.cc). True: it may be; *static_most
 * is set. False: it is refused, as cudaGetLastError then says. */
bool emulation_may_launch(const void *kernel, const char *name, dim3 blocks,
                          dim3 threads, size_t shared, size_t *static_most);
void *emulation_shared(void); /* the block's dynamic shared memory */
/* A kernel's shared array (static: blocks run one after the other), filled with NaN by
 * the block's first thread that comes by. */
void emulation_fresh(void *memory, size_t bytes);

/* Runs on a stream, now or when that is waited for; or is captured. */
void emulation_queue(struct emulation_stream *stream, std::function<void(void)> run);

/* Work of the device that is counted (counting.cc): a kernel of so many blocks, or of a
 * product, a copy and the like the bytes that it reads and writes at least. */
struct emulation_work {
    const char *name;
    size_t blocks, bytes;
    double flop;
};
/* Queues it as above; it is counted instead where EMULATION_COUNT says so. */
void emulation_queue_work(struct emulation_stream *stream,
                          const struct emulation_work &work,
                          std::function<void(void)> run);
/* By so many microseconds, for events that keep the time. */
void emulation_takes_longer(struct emulation_stream *stream, unsigned long by);
bool emulation_counts(void); /* that is so */
/* Whether this block of a kernel is run: not every one where they are counted. */
bool emulation_looks_at(size_t block, size_t blocks);
bool emulation_on_device(const void *memory);

template <class Function, class Kernel>
static void emulation_launch(struct emulation_stream *stream, Function *function,
                             const char *name, dim3 blocks, dim3 threads, size_t shared,
                             Kernel kernel) {
    size_t static_most;
    if (!emulation_may_launch(reinterpret_cast<const void *>(function), name, blocks,
                              threads, shared, &static_most))
        return;
    emulation_queue_work(
        stream, {name, (size_t)blocks.x * blocks.y * blocks.z, 0, 0}, [=] {
            emulation_run(
                blocks, threads, shared, static_most,
                [](const void *self) { (*static_cast<const Kernel *>(self))(); },
                &kernel);
        });
}

enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidValue = 1,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorInsufficientDriver = 35,
    cudaErrorNoDevice = 100,
    cudaErrorInvalidDevice = 101,
    cudaErrorNotReady = 600,
    cudaErrorLaunchOutOfResources = 701,
    cudaErrorLaunchFailure = 719,
    cudaErrorStreamCaptureUnsupported = 900,
    cudaErrorStreamCaptureInvalidated = 901
};

/* --- what a test may set ------------------------------------------------------ */
struct emulation_settings {
    int devices = 1;             /* how many there are; 0: cudaErrorNoDevice */
    int driver = CUDART_VERSION; /* the CUDA version it is for; 0: none */
    int capability = 9;          /* major number of the compute capability */
    size_t shared = 227 * 1024;  /* bytes of shared memory a block may ask for */
    size_t memory_left = (size_t)1 << 40; /* bytes of one allocation, at most */
    size_t memory = (size_t)8 << 30;      /* bytes of all */
    unsigned order = 0;                   /* in which threads run: see settings.h */
    unsigned long fail_after = ~0ul;   /* so many operations succeed, then it is lost */
    bool prompt = false;               /* transfers beside what runs are done at once */
    bool late = false;                 /* all is done as late as it may be */
    bool no_graphs = false;            /* there is no memory for one */
    bool no_algorithms = false;        /* cuBLAS has none */
    bool no_solver = false;            /* cuSOLVER is not found */
    unsigned long spoil_captures = 0;  /* so many captures fail */
    unsigned long replays = 0;         /* graphs that were launched */
    unsigned long calls = 0, runs = 0; /* operations: queued by the host, and done */
    unsigned long heuristics = 0;      /* cuBLAS was asked for algorithms */
    unsigned long chosen[3] = {};      /* products that were done by each of them */
    int processors = 3;                /* few and odd: strides and waves occur */
};
extern struct emulation_settings emulation;
void emulation_restore(void);        /* a lost device comes back */
void emulation_shuffle_orders(void); /* begins emulation.order's series */
/* dlopen and dlsym, for the libraries of solver.cc. */
void *emulation_library(const char *file);
void *emulation_symbol(const char *name);
/* Counts one operation; true: the device is lost, and nothing is to be done. */
bool emulation_lost(void);
void emulation_fail(cudaError_t status); /* for cudaGetLastError */
cudaError_t emulation_status(void);      /* of a device that was lost, or cudaSuccess */
/* What waits for all streams to be idle. While one is captured it spoils that. */
cudaError_t emulation_settle(void);

/* --- the runtime --------------------------------------------------------------- */
enum cudaMemcpyKind {
    cudaMemcpyHostToDevice,
    cudaMemcpyDeviceToHost,
    cudaMemcpyDeviceToDevice
};

enum cudaDataType_t { CUDA_R_32F = 0, CUDA_R_16BF = 14, CUDA_R_8F_E4M3 = 28 };
typedef enum cudaDataType_t cudaDataType;
enum { cudaStreamNonBlocking = 1 };
enum { cudaEventDefault = 0, cudaEventDisableTiming = 2 };
enum { cudaEventRecordDefault = 0, cudaEventRecordExternal = 1 };
enum { cudaHostAllocDefault = 0 };
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal = 1 };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
typedef struct emulation_stream *cudaStream_t;
typedef struct emulation_event *cudaEvent_t;
typedef struct emulation_graph *cudaGraph_t, *cudaGraphExec_t;

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
cudaError_t cudaMemGetInfo(size_t *left, size_t *all);
cudaError_t cudaFreeHost(void *memory);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *instance, cudaGraph_t graph,
                                 unsigned long long flags);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t instance);
cudaError_t cudaGraphLaunch(cudaGraphExec_t instance, cudaStream_t stream);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream,
                                     unsigned flags);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventQuery(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to);

cudaError_t cudaProfilerStart(void);
cudaError_t cudaProfilerStop(void);

cudaError_t emulation_pin(void **memory, size_t bytes);
bool emulation_pinned(const void *memory); /* it lies in memory that was */
template <class T>
static cudaError_t cudaHostAlloc(T **memory, size_t bytes, unsigned) {
    return emulation_pin(reinterpret_cast<void **>(memory), bytes);
}

cudaError_t emulation_ask_shared(const void *kernel, int bytes);
template <class Function>
static cudaError_t cudaFuncSetAttribute(Function *kernel, cudaFuncAttribute,
                                        int bytes) {
    return emulation_ask_shared(reinterpret_cast<const void *>(kernel), bytes);
}

#endif
