/* EMULATION_COUNT=FILE: nothing is computed; what the device would do between the
 * profiler's start and stop is counted and written to FILE, a line for each kernel and
 * kind of operation: launches, blocks, MB, GFLOP. So the launches of a model of any
 * size are had in seconds. Memory is zeros, so that what is read back is a number.
 *
 * The bytes of a product, a copy or a memset are those of its matrices, each once.
 * Those of a kernel are what its accesses of device memory ask for, caches aside: of a
 * few blocks, which are run, and taken to be like the others. They are counted where
 * the module was compiled to tell of its accesses (-fsanitize=thread makes each a call,
 * and the functions called are here); else they are left out. */
#include <algorithm>
#include <map>
#include <stdio.h>
#include <stdlib.h>
#include <string>

#include "cuda_runtime.h"

struct counted {
    unsigned long launches = 0;
    double blocks = 0, bytes = 0, flop = 0;
};

static std::map<std::string, struct counted> counts;
static bool counting;
static unsigned long calls_before;

static const char *file() {
    static const char *const name = getenv("EMULATION_COUNT");
    return name;
}

static bool is_transfer(const struct emulation_work &work) {
    return work.blocks == 0 && (strcmp(work.name, "copy to device") == 0 ||
                                strcmp(work.name, "copy to host") == 0);
}

bool emulation_counts() {
    return file() != NULL;
}

/* --- accesses of the blocks that are run --------------------------------------------
 */

static double seen_bytes;
static bool looking;

static void see(const void *at, size_t bytes) {
    if (looking && emulation_on_device(at))
        seen_bytes += (double)bytes;
}

extern "C" {
#define ACCESS(bytes)                              \
    void __tsan_read##bytes(void *at) {            \
        see(at, bytes);                            \
    }                                              \
    void __tsan_write##bytes(void *at) {           \
        see(at, bytes);                            \
    }                                              \
    void __tsan_unaligned_read##bytes(void *at) {  \
        see(at, bytes);                            \
    }                                              \
    void __tsan_unaligned_write##bytes(void *at) { \
        see(at, bytes);                            \
    }
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)
void __tsan_read_range(void *at, size_t bytes) {
    see(at, bytes);
}
void __tsan_write_range(void *at, size_t bytes) {
    see(at, bytes);
}
void __tsan_init() {
}
void __tsan_func_entry(void *) {
}
void __tsan_func_exit() {
}
void __tsan_vptr_update(void **, void *) {
}
}

enum : size_t { LOOKED_AT = 3 }; /* blocks */

bool emulation_looks_at(size_t block, size_t blocks) {
    if (!file() || blocks <= LOOKED_AT)
        return true;
    return block == 0 || block == blocks / 2 || block == blocks - 1;
}

/* --- the counts ----------------------------------------------------------------------
 */

static void count(const struct emulation_work &work, const std::function<void()> &run) {
    if (is_transfer(work))
        run();
    if (!counting)
        return;
    seen_bytes = 0;
    looking = true;
    if (work.blocks > 0)
        run();
    looking = false;
    size_t ran = std::min(work.blocks, (size_t)LOOKED_AT);
    struct counted &c = counts[work.name];
    c.launches++;
    c.blocks += (double)work.blocks;
    c.bytes += (double)work.bytes;
    if (ran > 0)
        c.bytes += seen_bytes * (double)work.blocks / (double)ran;
    c.flop += work.flop;
}

void emulation_queue_work(struct emulation_stream *stream,
                          const struct emulation_work &work,
                          std::function<void()> run) {
    if (!file())
        emulation_queue(stream, run);
    else
        emulation_queue(stream, [=] { count(work, run); });
}

cudaError_t cudaProfilerStart() {
    counts.clear();
    calls_before = emulation.calls;
    counting = true;
    return cudaSuccess;
}

cudaError_t cudaProfilerStop() {
    if (!file() || !counting)
        return cudaSuccess;
    cudaError_t status = emulation_settle();
    counting = false;
    FILE *out = fopen(file(), "w");
    if (!out)
        return cudaErrorInvalidValue;
    struct counted all;
    for (const auto &at : counts) {
        const struct counted &c = at.second;
        fprintf(out, "%-44s %6lu %10.0f %10.3f MB %10.3f GFLOP\n", at.first.c_str(),
                c.launches, c.blocks, c.bytes / 1e6, c.flop / 1e9);
        all.launches += c.launches;
        all.blocks += c.blocks;
        all.bytes += c.bytes;
        all.flop += c.flop;
    }
    fprintf(out, "%-44s %6lu %10.0f %10.3f MB %10.3f GFLOP, %lu calls of the host\n",
            "all", all.launches, all.blocks, all.bytes / 1e6, all.flop / 1e9,
            emulation.calls - calls_before);
    fclose(out);
    return status;
}
