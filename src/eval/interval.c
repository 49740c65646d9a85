#include "eval/interval.h"

#include <math.h>
#include <stddef.h>

void interval_wilson(uint64_t correct, uint64_t examples, uint64_t population,
                     double *low, double *high) {
    *low = 0;
    *high = 1;
    if (examples == 0)
        return;
    double n = (double)examples, p = (double)correct / n;
    if (population > 0 && examples >= population) {
        *low = *high = p;
        return;
    }
    /* Draws without replacement vary less, by (N - n) / (N - 1): as many draws with
     * replacement as vary as little stand in for n. */
    if (population > 1)
        n *= ((double)population - 1) / ((double)population - n);
    const double z = 1.959963984540054; /* the normal's 97.5 % point */
    double scale = 1 / (1 + z * z / n), middle = (p + z * z / (2 * n)) * scale;
    double half = z * scale * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    /* At the ends the formula gives 0 and 1 but for rounding. */
    *low = correct == 0 ? 0 : fmax(middle - half, 0);
    *high = correct == examples ? 1 : fmin(middle + half, 1);
}

double interval_paired(const uint8_t *a, const uint8_t *b, uint64_t examples,
                       uint64_t better[2]) {
    better[0] = better[1] = 0;
    for (uint64_t i = 0; i < (examples + 7) / 8; i++) {
        unsigned used = examples - 8 * i < 8 ? (1u << (examples - 8 * i)) - 1 : 0xff;
        better[0] += (uint64_t)__builtin_popcount(a[i] & ~b[i] & used);
        better[1] += (uint64_t)__builtin_popcount(b[i] & ~a[i] & used);
    }
    uint64_t least = better[0] < better[1] ? better[0] : better[1];
    if (better[0] == better[1])
        return 1;
    /* Twice the tail of the binomial with one half: from its greatest term, that of
     * `least`, downwards until what is left adds nothing. */
    double n = (double)(better[0] + better[1]), k = (double)least;
    int sign;
    double term = exp(lgamma_r(n + 1, &sign) - lgamma_r(k + 1, &sign) -
                      lgamma_r(n - k + 1, &sign) - n * log(2));
    double tail = 0;
    for (; term > 0; k--) {
        tail += term;
        term *= k / (n - k + 1);
        if (term < tail * 1e-18)
            break;
    }
    return fmin(2 * tail, 1);
}
