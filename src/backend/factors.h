/* Symmetric positive definite systems in f32 on the host, by LAPACK: what the CPU's
 * `solve` does with each, and what methods that divide layers among threads call. */
#ifndef PWEMOE_BACKEND_FACTORS_H
#define PWEMOE_BACKEND_FACTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* system [n, n], of which the lower triangle is read, becomes Cholesky's factor, and
 * each row of right [rows, n] that row times system^-1; turned: right [n, rows] becomes
 * system^-1 right. One thread's, after base/blas_room.h; n and rows are below INT_MAX.
 * Returns 0, or the place from 1 of the first pivot that is not positive; right is then
 * as it was. */
int32_t factors_divide(float *system, size_t n, float *right, size_t rows, bool turned);

#endif
