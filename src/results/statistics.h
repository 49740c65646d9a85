/* Statistics of a few numbers: rank correlation, means and paired differences. */
#ifndef PWEMOE_RESULTS_STATISTICS_H
#define PWEMOE_RESULTS_STATISTICS_H

#include <stddef.h>

/* Spearman's rank correlation of x and y [count], equal numbers sharing the mean of
 * their ranks. NaN where either has no two different numbers. Takes count^2. */
double statistics_spearman(const double *x, const double *y, size_t count);

/* The mean of x [count], and half the width of its 95 % interval by Student's t: NaN
 * for fewer than two numbers. */
void statistics_mean(const double *x, size_t count, double *mean, double *half);

/* Two-sided p-value of the paired t test of a and b [count]. Where all differences are
 * the same it is 1 for differences of 0 and 0 for others; NaN for fewer than two. */
double statistics_paired(const double *a, const double *b, size_t count);

/* Of two models on the same examples, one of which is right on only_a that the other
 * misses, the other on only_b: how many examples in all would make McNemar's test
 * (normal approximation, 5 %) decide, if they went on differing so often. INFINITY
 * where both differ equally often. */
double statistics_deciding(double only_a, double only_b, double examples);

/* How probable a |t| at least as large is, by Student's distribution. */
double statistics_student(double t, double freedom);

#endif
