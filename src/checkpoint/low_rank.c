#include "checkpoint/low_rank.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* out [columns, rows] = x [rows, columns] turned. */
static void turn(const float *x, size_t rows, size_t columns, float *out) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            out[j * rows + i] = x[i * columns + j];
}

int low_rank_read(const struct low_rank *p, const char *where, float **left,
                  float **right, struct error *error) {
    size_t a_count = (size_t)p->a->count, b_count = (size_t)p->b->count;
    float *a = array_new(a_count, sizeof *a), *b = array_new(b_count, sizeof *b);
    *left = array_new(p->turned ? a_count : b_count, sizeof **left);
    *right = array_new(p->turned ? b_count : a_count, sizeof **right);
    int result = a && b && *left && *right ? 0 : error_memory(error);
    if (result == 0)
        result =
            tensor_to_f32(p->a, where, a, error) || tensor_to_f32(p->b, where, b, error)
                ? -1
                : 0;
    if (result == 0 && p->turned) { /* (B A)' = A' B' */
        turn(a, p->rank, p->rows, *left);
        turn(b, p->columns, p->rank, *right);
    } else if (result == 0) {
        memcpy(*left, b, b_count * sizeof *b);
        memcpy(*right, a, a_count * sizeof *a);
    }
    for (size_t i = 0; result == 0 && i < p->rows * p->rank; i++)
        (*left)[i] = (float)(p->scale * (double)(*left)[i]);
    free(a);
    free(b);
    if (result == 0)
        return 0;
    free(*left);
    free(*right);
    *left = *right = NULL;
    return -1;
}

void low_rank_part(const struct low_rank *p, const float *left, const float *right,
                   size_t from, size_t count, float *out) {
    while (count > 0) {
        size_t row = from / p->columns, column = from % p->columns;
        size_t some = p->columns - column < count ? p->columns - column : count;
        memset(out, 0, some * sizeof *out);
        for (size_t k = 0; k < p->rank; k++) {
            const float factor = left[row * p->rank + k];
            const float *x = right + k * p->columns + column;
#pragma omp simd
            for (size_t i = 0; i < some; i++)
                out[i] += factor * x[i];
        }
        out += some;
        from += some;
        count -= some;
    }
}
