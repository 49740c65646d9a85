#include "train/factors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { LAYERS = 4 }; /* of a block: queries-keys-values, output, fc1, fc2 */

/* A matrix of D, and where its factors are among the numbers. */
struct factor_layer {
    struct factors_layer at;
    size_t up, down; /* U and V */
};

/* What is trained as it is. */
struct matrix_range {
    size_t offset, count, place;
};

struct factors {
    struct backend *backend;
    size_t rank, size;
    struct factor_layer *layers;
    size_t layer_count;
    struct matrix_range *ranges;
    size_t range_count;
    float *start; /* (size) on the device */
    struct trained numbers;
};

size_t factors_layers_most(const struct layout *layout) {
    return layout->config.layers * LAYERS;
}

static int by_offset(const void *a, const void *b) {
    const struct factors_layer *one = a, *other = b;
    return one->offset < other->offset ? -1 : one->offset > other->offset;
}

size_t factors_layers(const struct layout *l, size_t rank,
                      struct factors_layer *layers) {
    size_t count = 0;
    for (size_t block = 0; block < l->config.layers; block++) {
        const struct block_offsets *o = &l->blocks[block];
        size_t d = l->config.width, m = l->config.mlp_width;
        struct factors_layer each[LAYERS] = {{o->qkv_weight, 3 * d, d},
                                             {o->out_weight, d, d},
                                             {o->fc1_weight, m, d},
                                             {o->fc2_weight, d, m}};
        for (size_t i = 0; i < LAYERS; i++) {
            if (l->config.conv1d) {
                size_t rows = each[i].rows;
                each[i].rows = each[i].columns;
                each[i].columns = rows;
            }
            if (rank < each[i].rows && rank < each[i].columns)
                layers[count++] = each[i];
        }
    }
    qsort(layers, count, sizeof *layers, by_offset);
    return count;
}

/* Places of all numbers; what lies between the layers is ranges. Returns how many. */
static size_t place_numbers(struct factors *f, size_t end) {
    size_t place = 0, at = 0;
    for (size_t i = 0; i <= f->layer_count; i++) {
        size_t next = i < f->layer_count ? f->layers[i].at.offset : end;
        if (next > at) {
            f->ranges[f->range_count++] = (struct matrix_range){at, next - at, place};
            place += next - at;
        }
        if (i == f->layer_count)
            break;
        struct factor_layer *l = &f->layers[i];
        l->down = place;
        l->up = place + f->rank * l->at.columns;
        place = l->up + l->at.rows * f->rank;
        at = l->at.offset + l->at.rows * l->at.columns;
    }
    return place;
}

static int put_numbers(struct factors *f, const float *start, uint64_t seed,
                       struct error *error) {
    struct random random;
    float *values = array_new(f->numbers.count, sizeof *values);
    float scale = (float)(1 / sqrt((double)f->rank));
    if (!values)
        return error_memory(error);
    random_seed(&random, seed, 2);
    for (size_t i = 0; i < f->layer_count; i++)
        for (size_t j = 0; j < f->rank * f->layers[i].at.columns; j++)
            values[f->layers[i].down + j] = scale * (float)random_normal(&random);
    for (size_t i = 0; i < f->range_count; i++)
        memcpy(values + f->ranges[i].place, start + f->ranges[i].offset,
               f->ranges[i].count * sizeof *values);
    int result = trained_put(f->backend, &f->numbers, values, error);
    free(values);
    return result;
}

int factors_new(struct backend *b, const struct layout *layout, size_t rank,
                uint64_t seed, const float *start, const struct trained_split *split,
                struct factors **out, struct error *error) {
    if (b->real_size != sizeof(float))
        return error_set(error, "a correction of low rank is trained in f32; give "
                                "--precision f32");
    struct factors *f = array_new(1, sizeof *f);
    if (!f)
        return error_memory(error);
    *f = (struct factors){.backend = b, .rank = rank, .size = layout->size};
    size_t most = factors_layers_most(layout);
    struct factors_layer *found = array_new(most, sizeof *found);
    f->layers = array_new(most, sizeof *f->layers);
    f->ranges = array_new(most + 1, sizeof *f->ranges);
    int result = found && f->layers && f->ranges ? 0 : error_memory(error);
    if (result == 0) {
        f->layer_count = factors_layers(layout, rank, found);
        for (size_t i = 0; i < f->layer_count; i++)
            f->layers[i].at = found[i];
        size_t count = place_numbers(f, layout->text_begin);
        result =
            b->allocate(b, layout->size * sizeof *start, (void **)&f->start, error) ||
                    trained_new(b, &f->numbers, count, NULL, split, error)
                ? -1
                : 0;
    }
    free(found);
    if (result == 0) {
        b->upload(b, f->start, start, layout->size * sizeof *start);
        result = put_numbers(f, start, seed, error);
    }
    if (result) {
        factors_free(f);
        return -1;
    }
    *out = f;
    return 0;
}

void factors_free(struct factors *f) {
    if (!f)
        return;
    trained_free(f->backend, &f->numbers);
    f->backend->release(f->backend, f->start);
    free(f->layers);
    free(f->ranges);
    free(f);
}

struct trained *factors_numbers(struct factors *f) {
    return &f->numbers;
}

void factors_put(const struct factors *f, float *vector) {
    struct backend *b = f->backend;
    const float *values = f->numbers.values;
    b->copy(b, vector, f->start, f->size * sizeof *vector);
    for (size_t i = 0; i < f->layer_count; i++) {
        const struct factor_layer *l = &f->layers[i];
        b->matmul(b, &(struct matmul){.m = l->at.rows,
                                      .n = l->at.columns,
                                      .k = f->rank,
                                      .a = (const real *)(values + l->up),
                                      .lda = f->rank,
                                      .b = (const real *)(values + l->down),
                                      .ldb = l->at.columns,
                                      .c = vector + l->at.offset,
                                      .ldc = l->at.columns,
                                      .c_is_f32 = true,
                                      .accumulate = true});
    }
    for (size_t i = 0; i < f->range_count; i++)
        b->copy(b, vector + f->ranges[i].offset, values + f->ranges[i].place,
                f->ranges[i].count * sizeof *vector);
}

void factors_gradient(struct factors *f, const float *gradient) {
    struct backend *b = f->backend;
    const float *values = f->numbers.values;
    float *out = f->numbers.gradient;
    for (size_t i = 0; i < f->layer_count; i++) {
        const struct factor_layer *l = &f->layers[i];
        const real *given = (const real *)(gradient + l->at.offset);
        b->matmul(b, &(struct matmul){.m = l->at.rows,
                                      .n = f->rank,
                                      .k = l->at.columns,
                                      .a = given,
                                      .lda = l->at.columns,
                                      .b = (const real *)(values + l->down),
                                      .ldb = l->at.columns,
                                      .transpose_b = true,
                                      .c = out + l->up,
                                      .ldc = f->rank,
                                      .c_is_f32 = true});
        b->matmul(b, &(struct matmul){.m = f->rank,
                                      .n = l->at.columns,
                                      .k = l->at.rows,
                                      .a = (const real *)(values + l->up),
                                      .lda = f->rank,
                                      .transpose_a = true,
                                      .b = given,
                                      .ldb = l->at.columns,
                                      .c = out + l->down,
                                      .ldc = l->at.columns,
                                      .c_is_f32 = true});
    }
    for (size_t i = 0; i < f->range_count; i++)
        b->copy(b, out + f->ranges[i].place, gradient + f->ranges[i].offset,
                f->ranges[i].count * sizeof *out);
}
