/* Devices, memory and streams of the emulation. */
#include <stdio.h>
#include <stdlib.h>

#include "cuda_runtime.h"

const char *cudaGetErrorString(cudaError_t status) {
    switch (status) {
    case cudaSuccess:
        return "no error";
    case cudaErrorMemoryAllocation:
        return "out of memory";
    case cudaErrorInsufficientDriver:
        return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
        return "no CUDA-capable device is detected";
    case cudaErrorLaunchFailure:
        return "unspecified launch failure";
    default:
        return "invalid argument";
    }
}

cudaError_t cudaDriverGetVersion(int *version) {
    *version = emulation.driver;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count) {
    *count = emulation.devices;
    return emulation.driver < CUDART_VERSION ? cudaErrorInsufficientDriver
           : emulation.devices == 0          ? cudaErrorNoDevice
                                             : cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device) {
    if (device < 0 || device >= emulation.devices)
        return cudaErrorInvalidDevice;
    memset(properties, 0, sizeof *properties);
    snprintf(properties->name, sizeof properties->name, "Emulated GPU %d", device);
    properties->totalGlobalMem = (size_t)8 << 30;
    properties->sharedMemPerBlockOptin = 227 * 1024;
    properties->major = emulation.capability;
    properties->multiProcessorCount = 3; /* few and odd: strides and waves occur */
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
    return device >= 0 && device < emulation.devices ? cudaSuccess
                                                     : cudaErrorInvalidDevice;
}

/* Filled with NaN, so that what is read before it was written shows. */
cudaError_t cudaMalloc(void **memory, size_t bytes) {
    if (bytes > emulation.memory_left || bytes > (size_t)1 << 34 ||
        posix_memalign(memory, 256, bytes) != 0) {
        *memory = NULL;
        return cudaErrorMemoryAllocation;
    }
    memset(*memory, 0xff, bytes);
    return cudaSuccess;
}

cudaError_t cudaFree(void *memory) {
    free(memory);
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind,
                            cudaStream_t) {
    memcpy(to, from, bytes);
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t) {
    if (bytes > 0)
        memset(memory, value, bytes);
    return cudaSuccess;
}

struct emulation_stream {
    int unused;
};

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
    *stream = static_cast<cudaStream_t>(malloc(sizeof(struct emulation_stream)));
    return *stream ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    free(stream);
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t) {
    return cudaSuccess;
}
