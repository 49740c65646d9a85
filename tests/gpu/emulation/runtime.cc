/* Devices and memory of the emulation. */
#include <map>
#include <stdio.h>
#include <stdlib.h>

#include "../settings.h"
#include "cuda_runtime.h"

const char *cudaGetErrorString(cudaError_t status) {
    switch (status) {
    case cudaSuccess:
        return "no error";
    case cudaErrorMemoryAllocation:
        return "out of memory";
    case cudaErrorInvalidConfiguration:
        return "invalid configuration argument";
    case cudaErrorLaunchOutOfResources:
        return "too many resources requested for launch";
    case cudaErrorInsufficientDriver:
        return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
        return "no CUDA-capable device is detected";
    case cudaErrorNotReady:
        return "device not ready";
    case cudaErrorStreamCaptureUnsupported:
        return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated:
        return "operation failed due to a previous error during capture";
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
    properties->totalGlobalMem = emulation.memory;
    properties->sharedMemPerBlockOptin = emulation.shared;
    properties->major = emulation.capability;
    properties->multiProcessorCount = emulation.processors;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
    return device >= 0 && device < emulation.devices ? cudaSuccess
                                                     : cudaErrorInvalidDevice;
}

/* --- memory --------------------------------------------------------------------- */
static std::map<void *, size_t> held;
static size_t held_bytes;

/* Filled with NaN, so that what is read before it was written shows. */
cudaError_t cudaMalloc(void **memory, size_t bytes) {
    cudaError_t status = emulation_settle();
    *memory = NULL;
    if (status != cudaSuccess)
        return status;
    if (bytes > (size_t)1 << 48) /* a driver that looks at the number first */
        return cudaErrorInvalidValue;
    if (bytes > emulation.memory_left || bytes > (size_t)1 << 34 ||
        held_bytes + bytes > emulation.memory ||
        posix_memalign(memory, 256, bytes) != 0)
        return cudaErrorMemoryAllocation;
    memset(*memory, emulation_counts() ? 0 : 0xff, bytes);
    held[*memory] = bytes;
    held_bytes += bytes;
    return emulation_status();
}

cudaError_t cudaFree(void *memory) {
    cudaError_t status = memory ? emulation_settle() : cudaSuccess;
    if (!memory || status != cudaSuccess)
        return status;
    held_bytes -= held[memory];
    held.erase(memory);
    free(memory);
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *left, size_t *all) {
    *all = emulation.memory;
    *left = held_bytes < emulation.memory ? emulation.memory - held_bytes : 0;
    return emulation_status();
}

bool emulation_on_device(const void *memory) {
    auto behind = held.upper_bound(const_cast<void *>(memory));
    if (behind == held.begin())
        return false;
    --behind;
    return (const char *)memory < (const char *)behind->first + behind->second;
}

size_t emulation_held(void) {
    return held_bytes;
}

static std::map<const char *, size_t> pinned;

bool emulation_pinned(const void *memory) {
    const char *at = static_cast<const char *>(memory);
    auto behind = pinned.upper_bound(at);
    if (behind == pinned.begin())
        return false;
    --behind;
    return at < behind->first + behind->second;
}

cudaError_t emulation_pin(void **memory, size_t bytes) {
    *memory = NULL;
    if (bytes > (size_t)1 << 48)
        return cudaErrorInvalidValue;
    if (bytes > emulation.memory_left || posix_memalign(memory, 4096, bytes) != 0)
        return cudaErrorMemoryAllocation;
    memset(*memory, emulation_counts() ? 0 : 0xff, bytes);
    pinned[static_cast<const char *>(*memory)] = bytes;
    return emulation_status();
}

cudaError_t cudaFreeHost(void *memory) {
    cudaError_t status = emulation_settle();
    if (status == cudaSuccess) {
        pinned.erase(static_cast<const char *>(memory));
        free(memory);
    }
    return status;
}
