/* Symmetric positive definite systems in f64, for matrices of some thousand rows. */
#ifndef PWEMOE_MERGE_SOLVE_H
#define PWEMOE_MERGE_SOLVE_H

#include <stddef.h>

/* c [rows, columns] -= a [rows, depth] b, where b's element (column, k) is
 * b[column * b_column + k * b_depth]: both b and its transpose. 0, or -1 when memory
 * is out, c then being partly done. */
struct product {
    double *c;
    size_t c_stride;
    const double *a;
    size_t a_stride;
    const double *b;
    size_t b_column, b_depth;
    size_t rows, columns, depth;
};
int solve_subtract(const struct product *product, unsigned threads);

/* to [rows, columns] += left' right of left [n, rows] and right [n, columns]. 0, or -1
 * when memory is out, to then being partly done. */
int solve_add_products(double *to, const double *left, size_t rows, const double *right,
                       size_t columns, size_t n, unsigned threads);

/* rows [count, size] times the inverse of matrix [size, size], in place, by Cholesky's
 * factors, which overwrite the lower triangle; the upper is not read. Returns 0, -1
 * when memory is out, 1 where the matrix is not positive definite in f64. */
int solve_rows(double *matrix, size_t size, double *rows, size_t count,
               unsigned threads);

#endif
