#include "merge/singular.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "moe/thin_svd.h"

/* What is being put together of one layer. */
struct singular {
    const struct linear_layer *layer;
    const float *const *vectors;
    size_t tasks;
    struct thin_svd whole; /* of matrices of the layer's shape */
    /* Chosen singular vectors: (rows, count) and (count, columns), and their values. */
    size_t count, filled;
    double *left, *right, *values;
};

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t most(size_t a, size_t b) {
    return a > b ? a : b;
}

size_t singular_room(const struct linear_layer *l, size_t tasks) {
    size_t rank = most(least(l->inputs, l->outputs), tasks);
    return sizeof(double) *
           (l->inputs * l->outputs + rank * (4 * (l->inputs + l->outputs) + 8 * rank));
}

static int begin(struct thin_svd *d, size_t rows, size_t columns, struct error *error) {
    return thin_svd_begin(d, rows, columns, "a layer", error);
}

/* What is a rounding error of f32 is not real. */
static int decompose(struct thin_svd *d, struct error *error) {
    return thin_svd_decompose(d, 0x1p-23, "a layer", error);
}

/* x (rows, columns) becomes the polar factor of itself. */
static int make_orthonormal(double *x, size_t rows, size_t columns,
                            struct error *error) {
    struct thin_svd d;
    int result = begin(&d, rows, columns, error);
    if (result == 0) {
        memcpy(d.matrix, x, rows * columns * sizeof *x);
        result = decompose(&d, error);
    }
    if (result == 0)
        cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)columns,
                    (int)d.real, 1, d.left, (int)rows, d.right, (int)d.rank, 0, x,
                    (int)rows);
    thin_svd_end(&d);
    return result;
}

/* --- putting together ------------------------------------------------------------- */

static void put_vector(struct singular *s, const float *vector) {
    size_t cells = s->whole.rows * s->whole.columns;
    for (size_t i = 0; i < cells; i++)
        s->whole.matrix[i] = (double)vector[i];
}

static void put_sum(struct singular *s) {
    size_t cells = s->whole.rows * s->whole.columns;
    put_vector(s, s->vectors[0]);
    for (size_t t = 1; t < s->tasks; t++)
        for (size_t i = 0; i < cells; i++)
            s->whole.matrix[i] += (double)s->vectors[t][i];
}

static int choose_room(struct singular *s, size_t count, struct error *error) {
    s->count = count;
    s->left = array_new(s->whole.rows * count, sizeof *s->left);
    s->right = array_new(count * s->whole.columns, sizeof *s->right);
    s->values = array_new(count, sizeof *s->values);
    return s->left && s->right && s->values ? 0 : error_memory(error);
}

/* The first n singular vectors of what was decomposed join the chosen ones; those that
 * are noise as zeros. */
static void choose(struct singular *s, size_t n) {
    const struct thin_svd *d = &s->whole;
    for (size_t j = 0; j < n; j++, s->filled++) {
        if (j >= d->real)
            continue;
        memcpy(s->left + s->filled * d->rows, d->left + j * d->rows,
               d->rows * sizeof *s->left);
        cblas_dcopy((int)d->columns, d->right + j, (int)d->rank, s->right + s->filled,
                    (int)s->count);
        s->values[s->filled] = d->values[j];
    }
}

static void take(const struct singular *s, const double *result, float *merged) {
    size_t cells = s->whole.rows * s->whole.columns;
    for (size_t i = 0; i < cells; i++)
        merged[i] = (float)result[i];
}

/* merged = polar(left) diag(values) polar(right) of the chosen ones. */
static int join(struct singular *s, float *merged, struct error *error) {
    size_t rows = s->whole.rows, columns = s->whole.columns;
    if (make_orthonormal(s->left, rows, s->count, error) ||
        make_orthonormal(s->right, s->count, columns, error))
        return -1;
    for (size_t j = 0; j < s->count; j++)
        cblas_dscal((int)rows, s->values[j], s->left + j * rows, 1);
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)columns,
                (int)s->count, 1, s->left, (int)rows, s->right, (int)s->count, 0,
                s->whole.matrix, (int)rows);
    take(s, s->whole.matrix, merged);
    return 0;
}

static int merge_tsv(struct singular *s, float *merged, struct error *error) {
    size_t each = most(s->whole.rank / s->tasks, 1);
    if (choose_room(s, each * s->tasks, error))
        return -1;
    for (size_t t = 0; t < s->tasks; t++) {
        put_vector(s, s->vectors[t]);
        if (decompose(&s->whole, error))
            return -1;
        choose(s, each);
    }
    return join(s, merged, error);
}

static double mean_of(const double *x, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i];
    return sum / (double)count;
}

static int merge_iso_c(struct singular *s, float *merged, struct error *error) {
    struct thin_svd *d = &s->whole;
    put_sum(s);
    if (decompose(d, error))
        return -1;
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)d->rows,
                (int)d->columns, (int)d->real, mean_of(d->values, d->rank), d->left,
                (int)d->rows, d->right, (int)d->rank, 0, d->matrix, (int)d->rows);
    take(s, d->matrix, merged);
    return 0;
}

/* The matrix of whole, without its part in the space of the outputs that the first
 * `common` chosen vectors span. */
static void leave_common(struct singular *s, const double *left, const double *right,
                         size_t common, double *inner) {
    const struct thin_svd *d = &s->whole;
    int rows = (int)d->rows, columns = (int)d->columns, k = (int)common;
    if (common == 0)
        return;
    if (s->layer->turned) { /* outputs are the rows: (I - L L') X */
        cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, k, columns, rows, 1, left,
                    rows, d->matrix, rows, 0, inner, k);
        cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, rows, columns, k, -1,
                    left, rows, inner, k, 1, d->matrix, rows);
    } else { /* the columns: X (I - R' R) */
        int stride = (int)s->count;
        cblas_dgemm(CblasColMajor, CblasNoTrans, CblasTrans, rows, k, columns, 1,
                    d->matrix, rows, right, stride, 0, inner, rows);
        cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, rows, columns, k, -1,
                    inner, rows, right, stride, 1, d->matrix, rows);
    }
}

/* How many vectors each task has of its own. */
static size_t own_of_task(size_t rank, size_t tasks, double common) {
    size_t shared = (size_t)floor((double)rank * common);
    size_t each = (size_t)nearbyint((double)(rank - shared) / (double)tasks);
    return each * tasks > rank ? rank / tasks : each;
}

static int merge_iso_cts(struct singular *s, double common, float *merged,
                         struct error *error) {
    size_t rank = s->whole.rank, each = own_of_task(rank, s->tasks, common);
    size_t shared = rank - each * s->tasks;
    double *inner =
        array_new(rank * most(s->whole.rows, s->whole.columns), sizeof *inner);
    int result = inner ? choose_room(s, rank, error) : error_memory(error);
    if (result == 0) {
        put_sum(s);
        result = decompose(&s->whole, error);
    }
    if (result == 0)
        choose(s, shared);
    for (size_t t = 0; result == 0 && each && t < s->tasks; t++) {
        put_vector(s, s->vectors[t]);
        leave_common(s, s->left, s->right, shared, inner);
        result = decompose(&s->whole, error);
        if (result == 0)
            choose(s, each);
    }
    free(inner);
    if (result)
        return -1;
    double mean = mean_of(s->values, rank);
    for (size_t i = 0; i < rank; i++)
        s->values[i] = mean;
    return join(s, merged, error);
}

int singular_merge(const struct linear_layer *layer, enum singular_method method,
                   const float *const *vectors, size_t tasks, double common,
                   float *merged, struct error *error) {
    struct singular s = {.layer = layer, .vectors = vectors, .tasks = tasks};
    size_t rows = layer->turned ? layer->outputs : layer->inputs;
    size_t columns = layer->turned ? layer->inputs : layer->outputs;
    int result = begin(&s.whole, rows, columns, error);
    if (result == 0)
        result = method == SINGULAR_TSV     ? merge_tsv(&s, merged, error)
                 : method == SINGULAR_ISO_C ? merge_iso_c(&s, merged, error)
                                            : merge_iso_cts(&s, common, merged, error);
    thin_svd_end(&s.whole);
    free(s.left);
    free(s.right);
    free(s.values);
    return result;
}
