/* Intervals of proportions, and comparison of two models on the same examples. */
#ifndef PWEMOE_EVAL_INTERVAL_H
#define PWEMOE_EVAL_INTERVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Wilson's 95 % score interval (Wilson 1927) of correct out of examples, as
 * fractions. population > 0: the whole split's size, the interval then shrinks to
 * the value as examples reach it (finite population correction). */
void interval_wilson(uint64_t correct, uint64_t examples, uint64_t population,
                     double *low, double *high);

/* McNemar's exact test (two-sided binomial on the discordant pairs) of two bit
 * strings over the first `examples` bits: better[0] counts where only a is right,
 * better[1] only b. Returns the p-value. */
double interval_paired(const uint8_t *a, const uint8_t *b, uint64_t examples,
                       uint64_t better[2]);

#endif
