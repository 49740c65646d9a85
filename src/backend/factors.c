#include "backend/factors.h"

#include <cblas.h>

/* LAPACK's Cholesky factor by its Fortran interface, which OpenBLAS has. */
extern void spotrf_(const char *triangle, const int *size, float *matrix,
                    const int *stride, int *status, size_t triangle_length);

int32_t factors_divide(float *system, size_t n, float *right, size_t rows,
                       bool turned) {
    int size = (int)n, height = (int)(turned ? n : rows), status = 0;
    int width = (int)(turned ? rows : n);
    enum CBLAS_SIDE side = turned ? CblasLeft : CblasRight;
    enum CBLAS_TRANSPOSE first = turned ? CblasNoTrans : CblasTrans;
    enum CBLAS_TRANSPOSE then = turned ? CblasTrans : CblasNoTrans;
    if (n == 0)
        return 0;
    /* By columns, the lower triangle is the upper one. */
    spotrf_("U", &size, system, &size, &status, 1);
    if (status || rows == 0)
        return status;
    cblas_strsm(CblasRowMajor, side, CblasLower, first, CblasNonUnit, height, width, 1,
                system, size, right, width);
    cblas_strsm(CblasRowMajor, side, CblasLower, then, CblasNonUnit, height, width, 1,
                system, size, right, width);
    return 0;
}
