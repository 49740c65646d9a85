/* Thin singular value decompositions by LAPACK in f64: matrix = left diag(values)
 * right, everything by columns, as LAPACK has matrices. */
#ifndef PWEMOE_MOE_THIN_SVD_H
#define PWEMOE_MOE_THIN_SVD_H

#include <stddef.h>

#include "base/error.h"

struct thin_svd {
    size_t rows, columns, rank;    /* rank: the smaller of the two */
    double *matrix;                /* (rows, columns), lost when it is decomposed */
    double *left, *values, *right; /* (rows, rank), falling, (rank, columns) */
    size_t real; /* leading values that are no rounding errors beside the first */
};

/* Memory for matrices of that shape, which the caller fills; ended by thin_svd_end,
 * also after a failure. `what` is named by errors: "a layer". */
int thin_svd_begin(struct thin_svd *svd, size_t rows, size_t columns, const char *what,
                   struct error *error);
/* Values of at most epsilon max(rows, columns) of the first are not real. Fails on
 * numbers that are not finite and without memory. BLAS has the threads that the caller
 * gave it (base/blas_room.h). */
int thin_svd_decompose(struct thin_svd *svd, double epsilon, const char *what,
                       struct error *error);
void thin_svd_end(struct thin_svd *svd);

#endif
