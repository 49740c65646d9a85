/* Round values along an axis, for the screen and for charts alike. */
#ifndef PWEMOE_RESULTS_TICKS_H
#define PWEMOE_RESULTS_TICKS_H

#include <stddef.h>

/* Figures come from files: 1e16 and its neighbour are a range whose step is below what
 * its numbers can be told apart by, and nothing may count its way across that. So ticks
 * are numbered, and there are few of them. */
struct ticks {
    double step;  /* a round one; positive and finite */
    size_t count; /* at most most + 1; 0 where numbers do not tell that many apart */
    double first; /* the first one's multiple of step */
};

/* Of low .. high, at most `most` steps of 1, 2 or 5 times a power of ten apart; any
 * doubles. */
struct ticks ticks_of(double low, double high, size_t most);

/* The first `most` multiples of a step in low .. high; any doubles, the step above 0.
 */
struct ticks ticks_at_step(double low, double high, double step, size_t most);

/* The value of tick i; a zero is a zero. */
double ticks_at(const struct ticks *ticks, size_t i);

/* That value as text: with the decimals that the step needs, and short however large
 * the number. Returns out. */
char *ticks_text(const struct ticks *ticks, size_t i, char *out, size_t size);

/* A figure as an axis takes it: of those that a file may hold beyond this, differences
 * have no number. */
#define TICKS_LARGEST 1e300
double ticks_clamp(double value);

#endif
