#include "merge/fisher.h"

#include <math.h>

enum { PART = 1 << 14 }; /* elements whose squares are summed before they are added */

void fisher_add(float *fisher, const float *gradient, size_t count, double scale,
                unsigned threads) {
    float factor = (float)scale;
#pragma omp parallel for simd num_threads(threads) schedule(static)
    for (size_t i = 0; i < count; i++)
        fisher[i] += factor * gradient[i] * gradient[i];
}

static double sum_of_squares(const float *x, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}

double fisher_norm(const float *fisher, size_t count, unsigned threads) {
    /* Groups of parts whose sums are kept, so that they are added in one order. */
    enum { GROUP = 256 };
    double total = 0;
    for (size_t begin = 0; begin < count; begin += (size_t)GROUP * PART) {
        double sums[GROUP] = {0};
#pragma omp parallel for num_threads(threads) schedule(static)
        for (size_t p = 0; p < GROUP; p++) {
            size_t at = begin + p * PART;
            if (at < count)
                sums[p] =
                    sum_of_squares(fisher + at, count - at < PART ? count - at : PART);
        }
        for (size_t p = 0; p < GROUP; p++)
            total += sums[p];
    }
    return sqrt(total);
}

void fisher_join(float *numerator, float *denominator, const float *fisher,
                 const float *vector, size_t count, bool normalise, double floor,
                 unsigned threads) {
    double norm = normalise ? fisher_norm(fisher, count, threads) : 0;
    float share = (float)(normalise ? 1 / (norm + floor) : 1), least = (float)floor;
#pragma omp parallel for simd num_threads(threads) schedule(static)
    for (size_t i = 0; i < count; i++) {
        float weight = share * (fisher[i] + least);
        numerator[i] += weight * vector[i];
        denominator[i] += weight;
    }
}

void fisher_finish(float *numerator, const float *denominator, size_t count,
                   unsigned threads) {
#pragma omp parallel for simd num_threads(threads) schedule(static)
    for (size_t i = 0; i < count; i++)
        numerator[i] = denominator[i] > 0 ? numerator[i] / denominator[i] : 0;
}
