#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/cpu.h"
#include "base/memory.h"

enum { ALIGNMENT = 256, HUGE_FROM = 8 << 20, PAGE = 4096 };

/* Lies right before each block handed out. */
struct memory_block {
    void *start; /* what calloc or mmap gave */
    size_t bytes;
    size_t mapped; /* of a file, from start on; 0: of memory */
};

static int cpu_allocate(struct backend *backend, size_t bytes, void **memory,
                        struct error *error) {
    struct cpu *cpu = cpu_of(backend);
    size_t whole;
    char *start = NULL;
    if (size_add(bytes, ALIGNMENT + sizeof(struct memory_block), &whole))
        start = calloc(1, whole);
    if (!start) {
        backend->refused = bytes;
        return error_set(error,
                         "out of memory for %zu MiB on the CPU (%zu MiB are in use); "
                         "use %s",
                         bytes >> 20, cpu->now >> 20,
                         backend->spill
                             ? "fewer tasks or a smaller batch"
                             : "fewer tasks, a smaller batch or --spill DIR");
    }
    uintptr_t first = (uintptr_t)start + sizeof(struct memory_block);
    char *block = start + sizeof(struct memory_block) +
                  (ALIGNMENT - first % ALIGNMENT) % ALIGNMENT;
    ((struct memory_block *)(void *)block)[-1] = (struct memory_block){start, bytes, 0};
#ifdef MADV_HUGEPAGE
    /* Fewer, larger pages: an arena is read from end to end. Only advice. */
    if (bytes >= HUGE_FROM) {
        uintptr_t page = ((uintptr_t)block + PAGE - 1) / PAGE * PAGE;
        madvise((void *)page, bytes - PAGE, MADV_HUGEPAGE);
    }
#endif
    cpu->now += bytes;
    if (cpu->now > cpu->peak)
        cpu->peak = cpu->now;
    *memory = block;
    return 0;
}

/* A file in the folder without a name: gone with the process, however it ends. */
static int open_nameless(const char *folder, struct error *error) {
    int file = open(folder, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    char *path = file < 0 ? text_format("%s/.pwemoe-spill-XXXXXX", folder) : NULL;
    if (path) { /* of file systems that have none such */
        file = mkostemp(path, O_CLOEXEC);
        if (file >= 0)
            unlink(path);
    }
    if (file < 0)
        error_set(error, "--spill %s: no file can be made in it: %s", folder,
                  strerror(errno));
    free(path);
    return file;
}

/* All of the file's blocks are there before it is mapped: a disk that fills up would
 * end the process by SIGBUS. */
static int cpu_allocate_kept(struct backend *backend, size_t bytes, void **memory,
                             struct error *error) {
    size_t whole;
    if (!backend->spill)
        return cpu_allocate(backend, bytes, memory, error);
    if (!size_add(bytes, PAGE, &whole) || whole > INT64_MAX)
        return error_set(error, "%zu bytes of task vectors are too many", bytes);
    int file = open_nameless(backend->spill, error);
    if (file < 0)
        return -1;
    int failed = posix_fallocate(file, 0, (off_t)whole);
    char *start = failed
                      ? MAP_FAILED
                      : mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    failed = failed ? failed : start == MAP_FAILED ? errno : 0;
    close(file);
    if (failed)
        return error_set(error, "--spill %s: no room for %zu MiB of task vectors: %s",
                         backend->spill, whole >> 20, strerror(failed));
    char *block = start + PAGE;
    ((struct memory_block *)(void *)block)[-1] =
        (struct memory_block){start, bytes, whole};
    *memory = block;
    return 0;
}

static void cpu_release(struct backend *backend, void *memory) {
    if (!memory)
        return;
    struct memory_block *block = (struct memory_block *)memory - 1;
    if (block->mapped) {
        munmap(block->start, block->mapped);
        return;
    }
    cpu_of(backend)->now -= block->bytes;
    free(block->start);
}

static void memory_use(struct backend *backend, size_t *now, size_t *peak) {
    *now = cpu_of(backend)->now;
    *peak = cpu_of(backend)->peak;
}

static void memory_restart(struct backend *backend) {
    cpu_of(backend)->peak = cpu_of(backend)->now;
}

static const float *host_view(struct backend *backend, const real *memory) {
    (void)backend;
    return (const float *)memory;
}

static int synchronise(struct backend *backend, struct error *error) {
    struct cpu *cpu = cpu_of(backend);
    return cpu->failed ? error_set(error, "%s", cpu->failure.text) : 0;
}

/* memcpy on several threads where it is long. */
static void copy_bytes(struct backend *backend, void *to, const void *from,
                       size_t bytes) {
    struct cpu *cpu = cpu_of(backend);
    if (cpu->failed || bytes == 0)
        return;
    int threads = cpu_threads_for(cpu, bytes / 64);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int part = 0; part < threads; part++) {
        size_t begin, end;
        cpu_part(bytes, PAGE, part, threads, &begin, &end);
        memcpy((char *)to + begin, (const char *)from + begin, end - begin);
    }
}

static void upload_real(struct backend *backend, real *device, const float *host,
                        size_t count) {
    copy_bytes(backend, device, host, count * sizeof(float));
}

static int download(struct backend *backend, void *host, const void *device,
                    size_t bytes, struct error *error) {
    copy_bytes(backend, host, device, bytes);
    return synchronise(backend, error);
}

static int download_real(struct backend *backend, float *host, const real *device,
                         size_t count, struct error *error) {
    return download(backend, host, device, count * sizeof(float), error);
}

static void zero(struct backend *backend, void *device, size_t bytes) {
    struct cpu *cpu = cpu_of(backend);
    if (!cpu->failed && bytes > 0)
        memset(device, 0, bytes);
}

void cpu_fill_memory(struct backend *table) {
    table->allocate = cpu_allocate;
    table->allocate_kept = cpu_allocate_kept;
    table->release = cpu_release;
    table->memory_use = memory_use;
    table->memory_restart = memory_restart;
    table->upload = copy_bytes;
    table->download = download;
    table->upload_real = upload_real;
    table->download_real = download_real;
    table->zero = zero;
    table->copy = copy_bytes;
    table->synchronise = synchronise;
    table->host_view = host_view;
}
