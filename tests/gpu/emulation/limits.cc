/* What a device refuses to launch. Static shared arrays are known only once a block
 * runs: fibers.cc looks at those. */
#include <map>
#include <stdio.h>

#include "../settings.h"
#include "cuda_runtime.h"

/* Shared memory that needs no asking, static and dynamic together. */
enum : size_t { UNASKED = 48 * 1024 };
/* A multiprocessor has 64 Ki registers and a thread up to 255 of them: more threads
 * than these need a bound that the compiler keeps, which the emulation knows nothing
 * of. */
enum { MOST_THREADS = 256 };

static std::map<const void *, size_t> asked_for; /* dynamic bytes by kernel */

cudaError_t emulation_ask_shared(const void *kernel, int bytes) {
    if (bytes < 0 || (size_t)bytes > emulation.shared)
        return cudaErrorInvalidValue;
    asked_for[kernel] = (size_t)bytes;
    return cudaSuccess;
}

static void nothing() {
}

bool emulation_launches(unsigned threads, unsigned blocks, size_t shared,
                        size_t asked) {
    const void *kernel = reinterpret_cast<const void *>(nothing);
    size_t left;
    asked_for.erase(kernel);
    if (asked > 0 && emulation_ask_shared(kernel, (int)asked) != cudaSuccess)
        return false;
    bool may = emulation_may_launch(kernel, "a trial", dim3(1, blocks), threads, shared,
                                    &left);
    cudaGetLastError();
    return may;
}

bool emulation_may_launch(const void *kernel, const char *name, dim3 blocks,
                          dim3 threads, size_t shared, size_t *static_most) {
    auto known = asked_for.find(kernel);
    size_t most = known != asked_for.end() ? known->second : (size_t)UNASKED;
    size_t all = known != asked_for.end() ? emulation.shared : (size_t)UNASKED;
    unsigned long count = (unsigned long)threads.x * threads.y * threads.z;
    cudaError_t status = cudaSuccess;
    if (count == 0 || blocks.x == 0 || blocks.y == 0 || blocks.z == 0 ||
        blocks.x > 0x7fffffff || blocks.y > 65535 || blocks.z > 65535 || threads.z > 64)
        status = cudaErrorInvalidConfiguration;
    else if (count > MOST_THREADS)
        status = cudaErrorLaunchOutOfResources;
    else if (shared > most)
        status = cudaErrorInvalidValue;
    if (status != cudaSuccess) {
        fprintf(stderr,
                "emulation: %s: %lu threads and %zu bytes of shared memory in [%u, %u, "
                "%u] blocks are not launched\n",
                name, count, shared, blocks.x, blocks.y, blocks.z);
        emulation_fail(status);
        return false;
    }
    *static_most = all - shared;
    return true;
}
