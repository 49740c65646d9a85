#include "train/tensor_factors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "train/factors.h"

/* A matrix as it is stored, and where its numbers begin: A, B, and G_0. */
struct tensor_layer {
    struct factors_layer at;
    size_t left, right, core;
};

struct tensor_factors {
    struct backend *backend;
    size_t tasks, rank, size;
    struct tensor_layer *layers;
    size_t layer_count;
    float *start;               /* (tasks, size) on the device, as what follows */
    float *room;                /* as large as A or B of the largest layer */
    float *contracted, *square; /* (rank, rank) */
    struct trained numbers;
};

/* Returns how many numbers there are; *most: of the largest A or B. */
static size_t place_layers(struct tensor_factors *f, const struct layout *layout,
                           struct factors_layer *found, size_t *most) {
    size_t place = 0;
    f->layer_count = factors_layers(layout, f->rank, found);
    *most = 0;
    for (size_t i = 0; i < f->layer_count; i++) {
        struct tensor_layer *l = &f->layers[i];
        size_t rows = found[i].rows * f->rank, columns = found[i].columns * f->rank;
        *l = (struct tensor_layer){found[i], place, place + rows,
                                   place + rows + columns};
        place = l->core + f->tasks * f->rank * f->rank;
        *most = rows > *most ? rows : *most;
        *most = columns > *most ? columns : *most;
    }
    return place;
}

static int put_numbers(struct tensor_factors *f, uint64_t seed, struct error *error) {
    struct random random;
    float *values = array_new(f->numbers.count, sizeof *values);
    double scale = 1 / sqrt((double)f->rank);
    if (!values)
        return error_memory(error);
    random_seed(&random, seed, 4);
    for (size_t i = 0; i < f->layer_count; i++)
        for (size_t j = f->layers[i].left; j < f->layers[i].core; j++)
            values[j] = (float)(scale * random_normal(&random));
    int result = trained_put(f->backend, &f->numbers, values, error);
    free(values);
    return result;
}

static int allocate(struct tensor_factors *f, const struct layout *layout,
                    const float *start, uint64_t seed,
                    const struct trained_split *split, struct error *error) {
    struct backend *b = f->backend;
    size_t whole = f->tasks * layout->size * sizeof *start, most;
    size_t square = f->rank * f->rank * sizeof *start;
    struct factors_layer *found = array_new(factors_layers_most(layout), sizeof *found);
    f->layers = array_new(factors_layers_most(layout), sizeof *f->layers);
    if (!found || !f->layers) {
        free(found);
        return error_memory(error);
    }
    size_t count = place_layers(f, layout, found, &most);
    free(found);
    if (count == 0)
        return error_set(error, "no linear layer is wider than the rank %zu", f->rank);
    if (b->allocate(b, whole, (void **)&f->start, error) ||
        b->allocate(b, most * sizeof *f->room, (void **)&f->room, error) ||
        b->allocate(b, square, (void **)&f->contracted, error) ||
        b->allocate(b, square, (void **)&f->square, error) ||
        trained_new(b, &f->numbers, count, NULL, split, error))
        return -1;
    b->upload(b, f->start, start, whole);
    return put_numbers(f, seed, error);
}

int tensor_factors_new(struct backend *b, const struct layout *layout, size_t tasks,
                       size_t rank, uint64_t seed, const float *start,
                       const struct trained_split *split, struct tensor_factors **out,
                       struct error *error) {
    if (b->real_size != sizeof(float))
        return error_set(error, "tensors of low rank are trained in f32; give "
                                "--precision f32");
    struct tensor_factors *f = array_new(1, sizeof *f);
    if (!f)
        return error_memory(error);
    *f = (struct tensor_factors){
        .backend = b, .tasks = tasks, .rank = rank, .size = layout->size};
    if (allocate(f, layout, start, seed, split, error)) {
        tensor_factors_free(f);
        return -1;
    }
    *out = f;
    return 0;
}

void tensor_factors_free(struct tensor_factors *f) {
    if (!f)
        return;
    struct backend *b = f->backend;
    trained_free(b, &f->numbers);
    b->release(b, f->start);
    b->release(b, f->room);
    b->release(b, f->contracted);
    b->release(b, f->square);
    free(f->layers);
    free(f);
}

struct trained *tensor_factors_numbers(struct tensor_factors *f) {
    return &f->numbers;
}

/* --- products --------------------------------------------------------------------- */

/* c [m, n] (+)= a b, each without space between its rows; turned ones are stored as
 * their transposes. */
static void multiply(struct backend *b, const float *a, bool turn_a, const float *x,
                     bool turn_x, float *c, size_t m, size_t n, size_t k, bool add) {
    b->matmul(b, &(struct matmul){.m = m,
                                  .n = n,
                                  .k = k,
                                  .a = (const real *)a,
                                  .lda = turn_a ? m : k,
                                  .transpose_a = turn_a,
                                  .b = (const real *)x,
                                  .ldb = turn_x ? k : n,
                                  .transpose_b = turn_x,
                                  .c = c,
                                  .ldc = n,
                                  .c_is_f32 = true,
                                  .accumulate = add});
}

void tensor_factors_put(const struct tensor_factors *f, float *vectors) {
    struct backend *b = f->backend;
    const float *values = f->numbers.values;
    size_t k = f->rank;
    b->copy(b, vectors, f->start, f->tasks * f->size * sizeof *vectors);
    for (size_t i = 0; i < f->layer_count; i++) {
        const struct tensor_layer *l = &f->layers[i];
        for (size_t t = 0; t < f->tasks; t++) {
            multiply(b, values + l->core + t * k * k, false, values + l->right, false,
                     f->room, k, l->at.columns, k, false);
            multiply(b, values + l->left, false, f->room, false,
                     vectors + t * f->size + l->at.offset, l->at.rows, l->at.columns, k,
                     true);
        }
    }
}

void tensor_factors_gradient(struct tensor_factors *f, const float *slope,
                             const double *preference) {
    struct backend *b = f->backend;
    const float *values = f->numbers.values;
    float *out = f->numbers.gradient;
    size_t k = f->rank, square = k * k;
    for (size_t i = 0; i < f->layer_count; i++) {
        const struct tensor_layer *l = &f->layers[i];
        const float *given = slope + l->at.offset;
        size_t rows = l->at.rows, columns = l->at.columns;
        b->zero(b, f->contracted, square * sizeof *f->contracted);
        for (size_t t = 0; t < f->tasks; t++)
            b->add_scaled(b, f->contracted, values + l->core + t * square,
                          (float)preference[t], square);
        /* slope B', of which A's gradient and the G_t's are made. */
        multiply(b, given, false, values + l->right, true, f->room, rows, k, columns,
                 false);
        multiply(b, f->room, false, f->contracted, true, out + l->left, rows, k, k,
                 false);
        multiply(b, values + l->left, true, f->room, false, f->square, k, k, rows,
                 false);
        b->zero(b, out + l->core, f->tasks * square * sizeof *out);
        for (size_t t = 0; t < f->tasks; t++)
            b->add_scaled(b, out + l->core + t * square, f->square,
                          (float)preference[t], square);
        multiply(b, values + l->left, true, given, false, f->room, k, columns, rows,
                 false);
        multiply(b, f->contracted, true, f->room, false, out + l->right, k, columns, k,
                 false);
    }
}
