#include "tensorwise/gathered.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static bool is_changed(const struct expert_tensor *source) {
    return source->whole || source->product;
}

/* As source, of `rows` rows and another dtype. */
static int describe(const struct tensor *source, size_t rows,
                    const struct dtype_entry *dtype, struct tensor *out,
                    struct error *error) {
    *out = *source;
    out->dtype = dtype->dtype;
    out->dtype_name = dtype->name;
    out->shape[0] = rows;
    out->data = NULL;
    if (dtype_measure(dtype, out->rank, out->shape, &out->count, &out->bytes))
        return 0;
    return error_set(error, "%s: its shape has no size in bytes", source->name);
}

/* Whether every row that the vocabulary asks for is there. */
static int check_rows(const int32_t *rows, size_t count, size_t most, const char *path,
                      const char *name, struct error *error) {
    for (size_t i = 0; i < count; i++)
        if (rows[i] >= 0 && (size_t)rows[i] >= most)
            return error_set(error,
                             "%s: %s has %zu rows, its tokenizer numbers up to %d",
                             path, name, most, rows[i]);
    return 0;
}

static int describe_expert(struct gathered *g, size_t t, struct error *error) {
    struct gathered_expert *expert = &g->experts[t];
    const struct tensor *own = expert->source.whole;
    const struct low_rank *product = expert->source.product;
    const char *path = g->paths[t];
    size_t rows = own ? (size_t)own->shape[0] : product->rows;
    bool same = own && own->dtype == g->base.dtype;
    if (own && (own->rank != g->base.rank ||
                (own->rank == 2 && own->shape[1] != g->base.shape[1]))) {
        char shape[128], other[128];
        return error_set(error, "%s: %s is %s, in %s it is %s", path, own->name,
                         tensor_shape_text(own, shape, sizeof shape), g->base_path,
                         tensor_shape_text(g->base_source, other, sizeof other));
    }
    if (check_rows(g->vocabulary->experts[t], g->vocabulary->rows, rows, path,
                   g->base.name, error))
        return -1;
    return describe(&g->base, g->vocabulary->rows,
                    dtype_entry_of(same ? g->base.dtype : DTYPE_F32), &expert->tensor,
                    error);
}

int gathered_new(const struct vocabulary *v, const char *base_path,
                 const char *const *paths, const struct tensor *base,
                 const struct expert_tensor *experts, struct gathered **gathered,
                 struct error *error) {
    struct gathered *g = *gathered = array_new(1, sizeof *g);
    if (!g || !(g->experts = array_new(v->count, sizeof *g->experts)))
        return error_memory(error);
    g->vocabulary = v;
    g->base_path = base_path;
    g->paths = paths;
    g->base_source = base;
    g->columns = base->rank == 2 ? (size_t)base->shape[1] : 1;
    if (describe(base, v->rows, dtype_entry_of(base->dtype), &g->base, error) ||
        check_rows(v->base, v->rows, (size_t)base->shape[0], g->base_path, base->name,
                   error))
        return -1;
    for (size_t t = 0; t < v->count; t++) {
        g->experts[t].source = experts[t];
        if (is_changed(&experts[t]) && describe_expert(g, t, error))
            return -1;
    }
    return 0;
}

void gathered_free(struct gathered *g) {
    if (!g)
        return;
    free(g->room);
    free(g->experts);
    free(g);
}

uint64_t gathered_bytes(const struct gathered *g) {
    uint64_t sum = g->base.bytes;
    for (size_t t = 0; t < g->vocabulary->count; t++)
        sum += is_changed(&g->experts[t].source) ? g->experts[t].tensor.bytes : 0;
    return sum;
}

void gathered_empty(struct gathered *g) {
    free(g->room);
    g->room = NULL;
    g->base.data = NULL;
    for (size_t t = 0; t < g->vocabulary->count; t++)
        g->experts[t].tensor.data = NULL;
}

/* --- values ----------------------------------------------------------------------- */

/* What filling has at hand. */
struct row_filling {
    struct gathered *g;
    float *left[COEFFICIENTS_MAX], *right[COEFFICIENTS_MAX]; /* factors of products */
    float *row, *sum;                                        /* [columns] */
};

static int read_row(const struct tensor *tensor, const char *path, size_t row,
                    size_t columns, float *out, struct error *error) {
    return tensor_part_to_f32(tensor, path, row * columns, columns, out, error);
}

/* A row of an expert's own, as its file has it. */
static int read_own(const struct row_filling *f, size_t t, size_t row, float *out,
                    struct error *error) {
    const struct expert_tensor *source = &f->g->experts[t].source;
    size_t columns = f->g->columns;
    if (source->whole)
        return read_row(source->whole, f->g->paths[t], row, columns, out, error);
    if (read_row(f->g->base_source, f->g->base_path, row, columns, out, error))
        return -1;
    low_rank_part(source->product, f->left[t], f->right[t], row * columns, columns,
                  f->sum);
    for (size_t i = 0; i < columns; i++)
        out[i] += f->sum[i];
    return 0;
}

/* The mean of the experts that have the token; one at least does. */
static int mean_of_experts(const struct row_filling *f, size_t index, float *out,
                           struct error *error) {
    const struct gathered *g = f->g;
    size_t have = 0;
    memset(out, 0, g->columns * sizeof *out);
    for (size_t t = 0; t < g->vocabulary->count; t++) {
        int32_t row = g->vocabulary->experts[t][index];
        const struct tensor *own = g->experts[t].source.whole;
        if (row < 0 || !own)
            continue;
        if (read_row(own, f->g->paths[t], (size_t)row, g->columns, f->row, error))
            return -1;
        for (size_t i = 0; i < g->columns; i++)
            out[i] += f->row[i];
        have++;
    }
    for (size_t i = 0; i < g->columns && have; i++)
        out[i] /= (float)have;
    return 0;
}

static void *row_at(const struct tensor *tensor, size_t row, size_t columns) {
    size_t size = dtype_size(tensor->dtype);
    return (unsigned char *)(uintptr_t)tensor->data + row * columns * size;
}

static int fill_base_row(const struct row_filling *f, size_t index,
                         struct error *error) {
    struct gathered *g = f->g;
    void *out = row_at(&g->base, index, g->columns);
    int32_t row = g->vocabulary->base[index];
    if (row >= 0) {
        memcpy(out, row_at(g->base_source, (size_t)row, g->columns),
               g->columns * dtype_size(g->base.dtype));
        return 0;
    }
    return mean_of_experts(f, index, f->sum, error) ||
                   tensor_round(g->base.name, g->base.dtype, f->sum, 0, g->columns, out,
                                error)
               ? -1
               : 0;
}

/* Behind the base model's row, which it takes where it has none. */
static int fill_own_row(const struct row_filling *f, size_t t, size_t index,
                        struct error *error) {
    struct gathered *g = f->g;
    const struct tensor *tensor = &g->experts[t].tensor;
    const struct tensor *own = g->experts[t].source.whole;
    int32_t row = g->vocabulary->experts[t][index];
    void *out = row_at(tensor, index, g->columns);
    bool same = tensor->dtype == g->base.dtype && own && own->dtype == tensor->dtype;
    const struct tensor *from = row >= 0 ? own : &g->base;
    size_t place = row >= 0 ? (size_t)row : index;
    if (same) {
        memcpy(out, row_at(from, place, g->columns),
               g->columns * dtype_size(tensor->dtype));
        return 0;
    }
    int result = row >= 0 ? read_own(f, t, place, f->row, error)
                          : read_row(&g->base, f->g->base_path, place, g->columns,
                                     f->row, error);
    if (result == 0)
        memcpy(out, f->row, g->columns * sizeof *f->row);
    return result;
}

static int fill_rows(const struct row_filling *f, struct error *error) {
    const struct gathered *g = f->g;
    for (size_t i = 0; i < g->vocabulary->rows; i++) {
        if (fill_base_row(f, i, error))
            return -1;
        for (size_t t = 0; t < g->vocabulary->count; t++)
            if (is_changed(&g->experts[t].source) && fill_own_row(f, t, i, error))
                return -1;
    }
    return 0;
}

static int read_products(struct row_filling *f, struct error *error) {
    for (size_t t = 0; t < f->g->vocabulary->count; t++) {
        const struct low_rank *product = f->g->experts[t].source.product;
        if (product &&
            low_rank_read(product, f->g->paths[t], &f->left[t], &f->right[t], error))
            return -1;
    }
    return 0;
}

int gathered_fill(struct gathered *g, struct error *error) {
    struct row_filling f = {.g = g,
                            .row = array_new(g->columns, sizeof *f.row),
                            .sum = array_new(g->columns, sizeof *f.sum)};
    g->room = malloc((size_t)gathered_bytes(g));
    unsigned char *at = g->room;
    int result = f.row && f.sum && at ? read_products(&f, error) : error_memory(error);
    if (result == 0) {
        g->base.data = at;
        at += g->base.bytes;
        for (size_t t = 0; t < g->vocabulary->count; t++)
            if (is_changed(&g->experts[t].source)) {
                g->experts[t].tensor.data = at;
                at += g->experts[t].tensor.bytes;
            }
        result = fill_rows(&f, error);
    }
    for (size_t t = 0; t < COEFFICIENTS_MAX; t++) {
        free(f.left[t]);
        free(f.right[t]);
    }
    free(f.row);
    free(f.sum);
    return result;
}
