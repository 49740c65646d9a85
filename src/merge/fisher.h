/* Fisher merging (Matena & Raffel 2022): each parameter is the mean of the experts',
 * weighted by how sure each is of it. The arithmetic alone, on arrays on the host; a
 * task's Fisher diagonal is needed only while it is added.
 *
 * merged = sum_t c_t (F_t + floor) tau_t / sum_t c_t (F_t + floor), where c_t is
 * 1 / (|F_t| + floor) with normalisation (over all parameters, Euclidean), else 1.
 * The same weights give the task vectors' mean and the experts'. */
#ifndef PWEMOE_MERGE_FISHER_H
#define PWEMOE_MERGE_FISHER_H

#include <stdbool.h>
#include <stddef.h>

/* fisher [count] += scale * gradient^2; scale is one over the number of examples.
 * The gradient is of sum over examples and labels of sqrt(p) log p, sqrt(p) held
 * fixed (one of each batch), or of one example's and label's log p with p in scale. */
void fisher_add(float *fisher, const float *gradient, size_t count, double scale,
                unsigned threads);

/* The Euclidean norm; does not depend on threads. */
double fisher_norm(const float *fisher, size_t count, unsigned threads);

/* One task joins: numerator and denominator [count], 0 at first. */
void fisher_join(float *numerator, float *denominator, const float *fisher,
                 const float *vector, size_t count, bool normalise, double floor,
                 unsigned threads);

/* numerator becomes the merged task vector. */
void fisher_finish(float *numerator, const float *denominator, size_t count,
                   unsigned threads);

#endif
