/* Pixels to rows of patches, rows to tokens, tokens embedded, rows picked by index. */
#include <stdbool.h>
#include <string.h>

#include "backend/cpu.h"

enum { MOST_CHANNELS = 4 };

static void patches(struct backend *backend, real *columns, const uint8_t *pixels,
                    size_t images, size_t channels, size_t size, size_t patch,
                    const float *scale, const float *shift) {
    struct cpu *cpu = cpu_of(backend);
    if (cpu->failed)
        return;
    if (channels > MOST_CHANNELS || patch == 0) {
        cpu_fail(cpu,
                 "images of %zu channels in patches of %zu: at most %d channels, "
                 "at least one pixel",
                 channels, patch, (int)MOST_CHANNELS);
        return;
    }
    size_t edge = size / patch, width = channels * patch * patch;
    int threads = cpu_threads_for(cpu, images * edge * edge * width);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t image = 0; image < images; image++)
        for (size_t index = 0; index < edge * edge; index++) {
            float *row = cpu_floats(columns) + (image * edge * edge + index) * width;
            size_t top = index / edge * patch, left = index % edge * patch;
            for (size_t c = 0; c < channels; c++)
                for (size_t y = 0; y < patch; y++) {
                    const uint8_t *from =
                        pixels + ((image * channels + c) * size + top + y) * size +
                        left;
                    float *to = row + (c * patch + y) * patch;
#pragma omp simd
                    for (size_t x = 0; x < patch; x++)
                        to[x] = scale[c] * (float)from[x] + shift[c];
                }
        }
}

static void assemble_tokens(struct backend *backend, real *tokens, const real *embedded,
                            const real *class_vector, const real *position,
                            size_t images, size_t patch_count, size_t width) {
    struct cpu *cpu = cpu_of(backend);
    if (cpu->failed)
        return;
    size_t rows = patch_count + 1;
    int threads = cpu_threads_for(cpu, images * rows * width);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t image = 0; image < images; image++)
        for (size_t row = 0; row < rows; row++) {
            float *to = cpu_floats(tokens) + (image * rows + row) * width;
            const float *from = row == 0 ? cpu_const_floats(class_vector)
                                         : cpu_const_floats(embedded) +
                                               (image * patch_count + row - 1) * width;
            const float *at = cpu_const_floats(position) + row * width;
#pragma omp simd
            for (size_t j = 0; j < width; j++)
                to[j] = from[j] + at[j];
        }
}

static void assemble_tokens_backward(struct backend *backend, real *dembedded,
                                     const real *dtokens, size_t images,
                                     size_t patch_count, size_t width) {
    struct cpu *cpu = cpu_of(backend);
    if (cpu->failed)
        return;
    size_t run = patch_count * width;
    int threads = cpu_threads_for(cpu, images * run);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t image = 0; image < images; image++)
        memcpy(cpu_floats(dembedded) + image * run,
               cpu_const_floats(dtokens) + image * (run + width) + width,
               run * sizeof(float));
}

static void embed_tokens(struct backend *backend, real *out, const real *table,
                         const real *position, const int32_t *ids, size_t sequences,
                         size_t tokens, size_t width) {
    struct cpu *cpu = cpu_of(backend);
    if (cpu->failed)
        return;
    int threads = cpu_threads_for(cpu, sequences * tokens * width);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t i = 0; i < sequences * tokens; i++) {
        float *to = cpu_floats(out) + i * width;
        const float *from = cpu_const_floats(table) + (size_t)ids[i] * width;
        const float *at = cpu_const_floats(position) + i % tokens * width;
#pragma omp simd
        for (size_t j = 0; j < width; j++)
            to[j] = from[j] + at[j];
    }
}

/* Columns begin to end - 1 of embedding_gradient's sums. */
static void sum_tokens(float *to, const float *dx, const int32_t *ids, size_t rows,
                       size_t width, size_t begin, size_t end, float scale) {
    for (size_t i = 0; i < rows; i++) {
        float *at = to + (size_t)ids[i] * width;
        const float *from = dx + i * width;
#pragma omp simd
        for (size_t j = begin; j < end; j++)
            at[j] += scale * from[j];
    }
}

/* The same of one group's squared sums, some columns at a time. */
static void sum_squared(float *to, const float *dx, const int32_t *ids, size_t rows,
                        size_t width, size_t begin, size_t end, float scale) {
    enum { CELLS = 64 };
    float sum[CELLS];
    for (size_t i = 0; i < rows; i++) {
        bool first = true;
        for (size_t k = 0; first && k < i; k++)
            first = ids[k] != ids[i];
        if (!first)
            continue;
        for (size_t c = begin; c < end; c += CELLS) {
            size_t n = end - c < CELLS ? end - c : CELLS;
            memset(sum, 0, sizeof sum);
            for (size_t k = i; k < rows; k++)
                for (size_t j = 0; ids[k] == ids[i] && j < n; j++)
                    sum[j] += dx[k * width + c + j];
            float *at = to + (size_t)ids[i] * width + c;
            for (size_t j = 0; j < n; j++)
                at[j] += scale * sum[j] * sum[j];
        }
    }
}

/* Each thread has columns of its own, so that no two write to one place. */
static void embedding_gradient(struct backend *backend, float *to, const real *dx,
                               const int32_t *ids, size_t groups, size_t rows,
                               size_t width, bool squared, float scale) {
    struct cpu *cpu = cpu_of(backend);
    if (cpu->failed)
        return;
    int threads = cpu_threads_for(cpu, groups * rows * width);
    size_t parts = (size_t)threads;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t part = 0; part < parts; part++) {
        size_t begin = width * part / parts, end = width * (part + 1) / parts;
        for (size_t g = 0; g < groups; g++) {
            const float *from = cpu_const_floats(dx) + g * rows * width;
            if (squared)
                sum_squared(to, from, ids + g * rows, rows, width, begin, end, scale);
            else
                sum_tokens(to, from, ids + g * rows, rows, width, begin, end, scale);
        }
    }
}

static void gather_rows(struct backend *backend, real *out, const real *x,
                        const int32_t *index, size_t count, size_t width) {
    if (cpu_of(backend)->failed)
        return;
    for (size_t i = 0; i < count; i++)
        memcpy(cpu_floats(out) + i * width,
               cpu_const_floats(x) + (size_t)index[i] * width, width * sizeof(float));
}

static void scatter_rows(struct backend *backend, real *to, const real *x,
                         const int32_t *index, size_t count, size_t width) {
    if (cpu_of(backend)->failed)
        return;
    for (size_t i = 0; i < count; i++)
        memcpy(cpu_floats(to) + (size_t)index[i] * width,
               cpu_const_floats(x) + i * width, width * sizeof(float));
}

void cpu_fill_embedding(struct backend *table) {
    table->patches = patches;
    table->assemble_tokens = assemble_tokens;
    table->assemble_tokens_backward = assemble_tokens_backward;
    table->embed_tokens = embed_tokens;
    table->embedding_gradient = embedding_gradient;
    table->gather_rows = gather_rows;
    table->scatter_rows = scatter_rows;
}
