/* Pixels to rows of patches, rows to tokens, rows picked by index. */
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
    table->gather_rows = gather_rows;
    table->scatter_rows = scatter_rows;
}
