#include "backend/cpu.h"

#include <omp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { CPU_MOST_THREADS = 1024, SCRATCH_ALIGNMENT = 64 };

void cpu_fail(struct cpu *cpu, const char *format, ...) {
    if (cpu->failed)
        return;
    char text[sizeof cpu->failure.text];
    va_list arguments;
    va_start(arguments, format);
    text_print(text, sizeof text, format, arguments);
    va_end(arguments);
    error_set(&cpu->failure, "%s", text);
    cpu->failed = true;
}

void *cpu_scratch(struct cpu *cpu, size_t count, size_t size) {
    size_t bytes = 0;
    bool fits = size_multiply(count, size, &bytes) &&
                size_add(bytes, SCRATCH_ALIGNMENT, &bytes);
    if (fits && bytes > cpu->scratch_size) {
        bytes -= bytes % SCRATCH_ALIGNMENT;
        free(cpu->scratch);
        cpu->scratch = aligned_alloc(SCRATCH_ALIGNMENT, bytes);
        cpu->scratch_size = cpu->scratch ? bytes : 0;
        fits = cpu->scratch != NULL;
    }
    if (!fits) {
        cpu_fail(cpu, "out of memory for %zu x %zu bytes of working space on the CPU",
                 count, size);
        return NULL;
    }
    return cpu->scratch;
}

static void destroy(struct backend *backend) {
    struct cpu *cpu = cpu_of(backend);
    free(cpu->scratch);
    free(cpu);
}

unsigned cpu_threads(unsigned threads) {
    int cores = omp_get_num_procs();
    unsigned wanted = threads > 0 ? threads : cores > 0 ? (unsigned)cores : 1;
    return wanted < CPU_MOST_THREADS ? wanted : CPU_MOST_THREADS;
}

int cpu_open(enum precision precision, unsigned threads, struct backend **backend,
             struct error *error) {
    if (precision == PRECISION_BF16 || precision == PRECISION_FP8)
        return error_set(error,
                         "the CPU computes in f32 only; leave --precision out, or "
                         "use a GPU with --device cuda");
    struct cpu *cpu = calloc(1, sizeof *cpu);
    if (!cpu)
        return error_memory(error);
    cpu->threads = (int)cpu_threads(threads);
    cpu->kernels = kernels_best();
    struct backend *table = &cpu->table;
    table->api_version = BACKEND_API_VERSION;
    table->precision = PRECISION_F32;
    table->real_size = sizeof(float);
    table->threads = (unsigned)cpu->threads;
    table->destroy = destroy;
    snprintf(table->name, sizeof table->name, "cpu (%d thread%s, %s)", cpu->threads,
             cpu->threads == 1 ? "" : "s", cpu->kernels->instruction_set);
    cpu_fill_memory(table);
    cpu_fill_matmul(table);
    cpu_fill_rows(table);
    cpu_fill_elementwise(table);
    cpu_fill_attention(table);
    cpu_fill_embedding(table);
    cpu_fill_merge(table);
    cpu_fill_solve(table);
    *backend = table;
    return 0;
}
