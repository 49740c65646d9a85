#include "moe/thin_svd.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

/* LAPACK's singular value decomposition by its Fortran interface, which OpenBLAS has.
 */
extern void dgesdd_(const char *job, const int *rows, const int *columns,
                    double *matrix, const int *stride, double *values, double *left,
                    const int *left_stride, double *right, const int *right_stride,
                    double *work, const int *room, int *whole, int *status,
                    size_t job_length);

int thin_svd_begin(struct thin_svd *d, size_t rows, size_t columns, const char *what,
                   struct error *error) {
    size_t cells;
    *d = (struct thin_svd){
        .rows = rows, .columns = columns, .rank = rows < columns ? rows : columns};
    if (rows > INT_MAX || columns > INT_MAX || !size_multiply(rows, columns, &cells))
        return error_set(error, "%s of %zu by %zu is too large", what, rows, columns);
    d->matrix = array_new(cells, sizeof *d->matrix);
    d->left = array_new(rows * d->rank, sizeof *d->left);
    d->values = array_new(d->rank, sizeof *d->values);
    d->right = array_new(d->rank * columns, sizeof *d->right);
    return d->matrix && d->left && d->values && d->right ? 0 : error_memory(error);
}

void thin_svd_end(struct thin_svd *d) {
    free(d->matrix);
    free(d->left);
    free(d->values);
    free(d->right);
}

int thin_svd_decompose(struct thin_svd *d, double epsilon, const char *what,
                       struct error *error) {
    int rows = (int)d->rows, columns = (int)d->columns, rank = (int)d->rank;
    int status = 0, room = -1;
    double wanted = 0;
    size_t cells = d->rows * d->columns;
    for (size_t i = 0; i < cells; i++)
        if (!isfinite(d->matrix[i]))
            return error_set(error, "%s holds numbers that are not finite", what);
    int *whole = array_new(8 * d->rank, sizeof *whole);
    dgesdd_("S", &rows, &columns, d->matrix, &rows, d->values, d->left, &rows, d->right,
            &rank, &wanted, &room, whole, &status, 1);
    room = (int)wanted;
    double *work = array_new((size_t)room, sizeof *work);
    if (whole && work)
        dgesdd_("S", &rows, &columns, d->matrix, &rows, d->values, d->left, &rows,
                d->right, &rank, work, &room, whole, &status, 1);
    bool room_found = whole && work;
    free(whole);
    free(work);
    if (!room_found)
        return error_memory(error);
    if (status)
        return error_set(error, "singular values of %s did not converge", what);
    size_t most = d->rows > d->columns ? d->rows : d->columns;
    double floor = epsilon * (double)most * d->values[0];
    d->real = 0;
    while (d->real < d->rank && d->values[d->real] > floor)
        d->real++;
    return 0;
}
