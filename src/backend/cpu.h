/* Inside the CPU backend: its state, and the groups of operations that fill its
 * table. Compute is f32; the work of each call is divided among `threads`
 * OpenMP threads of the calling thread, in a way that depends on nothing but the
 * shapes and their number, so that results repeat to the bit. */
#ifndef PWEMOE_BACKEND_CPU_H
#define PWEMOE_BACKEND_CPU_H

#include "backend/backend.h"
#include "backend/simd/kernels.h"

struct cpu {
    struct backend table; /* first: a struct backend * is a struct cpu * */
    const struct kernels *kernels;
    int threads;
    size_t now, peak; /* bytes held through allocate */
    void *scratch;    /* grown by cpu_scratch, kept between calls */
    size_t scratch_size;
    bool failed;
    struct error failure; /* the first one */
};

static inline struct cpu *cpu_of(struct backend *backend) {
    return (struct cpu *)backend;
}

static inline float *cpu_floats(real *x) {
    return (float *)(void *)x;
}

static inline const float *cpu_const_floats(const real *x) {
    return (const float *)(const void *)x;
}

/* A new CPU backend; threads 0 means one for each core. */
int cpu_open(enum precision precision, unsigned threads, struct backend **backend,
             struct error *error);

/* The number of host threads that a request for `threads` gives; 0 means one for each
 * core. */
unsigned cpu_threads(unsigned threads);

/* count * size bytes, aligned to 64, valid until the next call; contents are
 * undefined. NULL when memory is out, which is then the backend's failure. */
void *cpu_scratch(struct cpu *cpu, size_t count, size_t size);

/* Keeps the first failure. */
void cpu_fail(struct cpu *cpu, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Elements [*begin, *end) of `count` for one of `parts`, in units of `unit`. */
static inline void cpu_part(size_t count, size_t unit, int part, int parts,
                            size_t *begin, size_t *end) {
    size_t units = count / unit + (count % unit != 0);
    size_t share = units / (size_t)parts, rest = units % (size_t)parts;
    size_t p = (size_t)part;
    size_t first = p * share + (p < rest ? p : rest);
    size_t last = first + share + (p < rest ? 1 : 0);
    *begin = first * unit < count ? first * unit : count;
    *end = last * unit < count ? last * unit : count;
}

/* Threads worth using for this many elements of memory-bound work. */
static inline int cpu_threads_for(const struct cpu *cpu, size_t elements) {
    size_t worth = 1 + elements / 16384;
    return worth < (size_t)cpu->threads ? (int)worth : cpu->threads;
}

void cpu_fill_memory(struct backend *table);
void cpu_fill_matmul(struct backend *table);
void cpu_fill_rows(struct backend *table);
void cpu_fill_elementwise(struct backend *table);
void cpu_fill_attention(struct backend *table);
void cpu_fill_embedding(struct backend *table);
void cpu_fill_merge(struct backend *table);
void cpu_fill_solve(struct backend *table);

#endif
