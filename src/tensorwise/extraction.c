#include "tensorwise/extraction.h"

#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/blas_room.h"
#include "base/memory.h"
#include "merge/coefficients.h"
#include "tensorwise/naming.h"
#include "tensorwise/values.h"

/* LAPACK's eigenvectors of symmetric matrices by its Fortran interface, which OpenBLAS
 * has. */
extern void dsyevr_(const char *job, const char *range, const char *triangle,
                    const int *order, double *matrix, const int *stride,
                    const double *low, const double *high, const int *first,
                    const int *last, const double *tolerance, int *found,
                    double *values, double *vectors, const int *vector_stride,
                    int *support, double *work, const int *room, int *whole,
                    const int *whole_room, int *status, size_t, size_t, size_t);

void extraction_clear(struct extraction *e) {
    for (size_t i = 0; i < e->count; i++) {
        free(e->items[i].left);
        free(e->items[i].right);
    }
    free(e->items);
    *e = (struct extraction){0};
}

/* --- the leading singular vectors ------------------------------------------------- */

/* The `rank` greatest eigenvalues of gram (order, order), rising, and their vectors
 * (order, rank) by columns; gram is lost. */
static int leading(double *gram, size_t order, size_t rank, double *values,
                   double *vectors, struct error *error) {
    int n = (int)order, first = (int)(order - rank + 1), found = 0, status = 0;
    int room = -1, whole_room = -1, wanted_whole = 0;
    double wanted = 0, none = 0;
    int *support = array_new(2 * rank, sizeof *support), *whole = NULL;
    double *work = NULL;
    if (!support)
        return error_memory(error);
    dsyevr_("V", "I", "L", &n, gram, &n, &none, &none, &first, &n, &none, &found,
            values, vectors, &n, support, &wanted, &room, &wanted_whole, &whole_room,
            &status, 1, 1, 1);
    room = (int)wanted;
    whole_room = wanted_whole;
    work = array_new((size_t)room, sizeof *work);
    whole = array_new((size_t)whole_room, sizeof *whole);
    bool there = work && whole;
    if (there)
        dsyevr_("V", "I", "L", &n, gram, &n, &none, &none, &first, &n, &none, &found,
                values, vectors, &n, support, work, &room, whole, &whole_room, &status,
                1, 1, 1);
    free(support);
    free(work);
    free(whole);
    if (!there)
        return error_memory(error);
    return status || found != (int)rank
               ? error_set(error, "singular vectors of a tensor did not converge")
               : 0;
}

/* What a decomposition needs besides: the change in f64, the products of its rows or of
 * its columns, whichever are fewer. */
struct decomposition {
    double *change; /* [rows, columns] */
    double *gram, *values, *vectors, *product;
};

static void decomposition_clear(struct decomposition *d) {
    free(d->change);
    free(d->gram);
    free(d->values);
    free(d->vectors);
    free(d->product);
}

/* left and right by the vectors of the smaller side and what the change makes of them,
 * the square root of each singular value in both. */
static void put_factors(struct extracted *x, const struct decomposition *d,
                        bool by_rows, size_t order) {
    size_t other = by_rows ? x->columns : x->rows;
    for (size_t k = 0; k < x->rank; k++) {
        size_t from = x->rank - 1 - k; /* values rise */
        double value = sqrt(fmax(0, d->values[from]));
        double mine = sqrt(value), its = value > 0 ? 1 / mine : 0;
        for (size_t i = 0; i < order; i++) {
            float v = (float)(mine * d->vectors[from * order + i]);
            if (by_rows)
                x->left[i * x->rank + k] = v;
            else
                x->right[k * x->columns + i] = v;
        }
        for (size_t i = 0; i < other; i++) {
            float v = (float)(its * d->product[from * other + i]);
            if (by_rows)
                x->right[k * x->columns + i] = v;
            else
                x->left[i * x->rank + k] = v;
        }
    }
}

/* The norm of change - B A, the factors as they are in f32. */
static double left_over(const struct extracted *x, double *change) {
    double squares = 0;
    for (size_t i = 0; i < x->rows; i++) {
        double *row = change + i * x->columns;
        for (size_t k = 0; k < x->rank; k++) {
            const double factor = (double)x->left[i * x->rank + k];
            const float *right = x->right + k * x->columns;
            for (size_t j = 0; j < x->columns; j++)
                row[j] -= factor * (double)right[j];
        }
        for (size_t j = 0; j < x->columns; j++)
            squares += row[j] * row[j];
    }
    return sqrt(squares);
}

static int decompose(struct extracted *x, struct decomposition *d,
                     struct error *error) {
    bool by_rows = x->rows <= x->columns;
    size_t order = by_rows ? x->rows : x->columns,
           other = by_rows ? x->columns : x->rows;
    int n = (int)order, m = (int)other, stride = (int)x->columns, rank = (int)x->rank;
    d->gram = array_new(order, order * sizeof *d->gram);
    d->values = array_new(order, sizeof *d->values);
    d->vectors = array_new(order, x->rank * sizeof *d->vectors);
    d->product = array_new(other, x->rank * sizeof *d->product);
    x->left = array_new(x->rows, x->rank * sizeof *x->left);
    x->right = array_new(x->rank, x->columns * sizeof *x->right);
    if (!d->gram || !d->values || !d->vectors || !d->product || !x->left || !x->right)
        return error_memory(error);
    cblas_dsyrk(CblasRowMajor, CblasUpper, by_rows ? CblasNoTrans : CblasTrans, n, m, 1,
                d->change, stride, 0, d->gram, n);
    if (leading(d->gram, order, x->rank, d->values, d->vectors, error))
        return -1;
    /* product [rank, other]: the vectors, rows here, times the change or its turned. */
    cblas_dgemm(CblasRowMajor, CblasNoTrans, by_rows ? CblasNoTrans : CblasTrans, rank,
                m, n, 1, d->vectors, n, d->change, stride, 0, d->product, m);
    put_factors(x, d, by_rows, order);
    x->error = left_over(x, d->change);
    return 0;
}

/* --- one tensor ------------------------------------------------------------------- */

/* The change as f64 [rows, columns] of x, and its norm. */
static void put_change(struct extracted *x, const float *vector, bool turned,
                       double *change) {
    double squares = 0;
    for (size_t i = 0; i < x->rows; i++)
        for (size_t j = 0; j < x->columns; j++) {
            double v = (double)vector[turned ? j * x->rows + i : i * x->columns + j];
            change[i * x->columns + j] = v;
            squares += v * v;
        }
    x->norm = sqrt(squares);
}

static int extract(struct extracted *x, const float *vector, bool turned,
                   struct error *error) {
    struct decomposition d = {0};
    if (x->rows > INT_MAX || x->columns > INT_MAX)
        return error_set(error, "%s: is too large", x->base->name);
    d.change = array_new(x->rows, x->columns * sizeof *d.change);
    int result = d.change ? 0 : error_memory(error);
    if (result == 0) {
        put_change(x, vector, turned, d.change);
        result = decompose(x, &d, error);
    }
    decomposition_clear(&d);
    return result;
}

size_t extraction_whole(const struct extraction_wish *wish, const char *name) {
    for (size_t i = 0; i < wish->whole_count; i++) {
        /* The module is all before the last dot, or its end behind a dot. */
        const char *dot = strrchr(name, '.');
        size_t length = strlen(wish->whole[i]), before = dot ? (size_t)(dot - name) : 0;
        if (dot && length <= before &&
            strncmp(dot - length, wish->whole[i], length) == 0 &&
            (length == before || dot[-(ptrdiff_t)length - 1] == '.'))
            return i;
    }
    return SIZE_MAX;
}

static bool is_target(const struct extraction_wish *wish, const struct tensor *tensor) {
    double share;
    size_t length = strlen(tensor->name), tail = strlen(".weight");
    if ((tensor->rank != 2 && tensor->rank != 4) || tensor->shape[0] < 2 ||
        tensor->count / tensor->shape[0] < 2 || length <= tail ||
        strcmp(tensor->name + length - tail, ".weight") != 0)
        return false;
    return wish->include ? coefficients_match(wish->include, tensor->name, &share)
                         : naming_in_layers(tensor->name);
}

/* One more item, of the tensor that was changed by vector. */
static int add_item(struct extraction *e, const struct extraction_wish *wish,
                    const struct tensor *base, const float *vector, bool turned,
                    struct error *error) {
    struct extracted *x = &e->items[e->count++];
    size_t rows = (size_t)base->shape[0], columns = (size_t)base->count / rows;
    bool embedding = naming_is_embedding(base);
    turned = turned || embedding;
    *x = (struct extracted){.base = base,
                            .rows = turned ? columns : rows,
                            .columns = turned ? rows : columns,
                            .embedding = embedding};
    x->rank = wish->rank;
    if (x->rank > rows)
        x->rank = rows;
    if (x->rank > columns)
        x->rank = columns;
    return extract(x, vector, turned, error);
}

static int take_tensor(const struct models *models, size_t index,
                       const struct extraction_wish *wish, struct extraction *e,
                       struct error *error) {
    const struct model_tensor *tensor = &models->tensors[index];
    struct values values;
    float *vector = array_new((size_t)tensor->base->count, sizeof *vector);
    int result =
        vector ? values_open(models, tensor, &values, error) : error_memory(error);
    if (vector && result == 0)
        result = values_whole_vector(&values, 0, wish->threads, vector, error);
    if (vector)
        values_close(&values);
    double squares = 0;
    for (size_t i = 0; result == 0 && i < tensor->base->count; i++)
        squares += (double)vector[i] * (double)vector[i];
    bool turned = model_directory_is_turned(models->base, tensor->base->name);
    bool whole = extraction_whole(wish, tensor->base->name) != SIZE_MAX;
    if (result == 0 && squares > 0 && !whole && is_target(wish, tensor->base)) {
        result = add_item(e, wish, tensor->base, vector, turned, error);
        e->error = hypot(e->error, e->items[e->count - 1].error);
        e->turned |= turned;
    } else if (result == 0 && squares > 0 && !whole) {
        e->first = e->left_out++ ? e->first : tensor->base->name;
        e->error = hypot(e->error, sqrt(squares));
    }
    e->norm = hypot(e->norm, sqrt(squares));
    free(vector);
    return result;
}

int extraction_run(const struct models *models, const struct extraction_wish *wish,
                   struct extraction *e, const struct work *work, struct error *error) {
    *e = (struct extraction){0};
    e->items = array_new(models->tensor_count, sizeof *e->items);
    if (!e->items)
        return error_memory(error);
    if (blas_room_alone(wish->threads, error))
        return -1;
    for (size_t i = 0; i < models->tensor_count; i++) {
        work_report(work, "extracting", i, models->tensor_count);
        if (work_stopped(work))
            return error_set(error, "stopped; nothing was written");
        if (models->tensors[i].experts && take_tensor(models, i, wish, e, error))
            return -1;
    }
    if (e->count == 0)
        return error_set(error, e->norm > 0
                                    ? "no matrix in numbered layers was changed; name "
                                      "others with --include"
                                    : "the two models have the same weights");
    return 0;
}
