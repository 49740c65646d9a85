#include "results/ticks.h"

#include <math.h>
#include <stdio.h>

struct ticks ticks_at_step(double low, double high, double step, size_t most) {
    struct ticks ticks = {.step = step};
    /* Beyond 2^50 neighbours of a number differ by more than a step, or nearly. */
    double begin = ceil(low / step - 1e-6), end = floor(high / step + 1e-6);
    if (!(fabs(begin) < 0x1p50 && fabs(end) < 0x1p50) || begin > end)
        return ticks;
    ticks.first = begin;
    ticks.count = (size_t)fmin(end - begin + 1, (double)most);
    return ticks;
}

struct ticks ticks_of(double low, double high, size_t most) {
    struct ticks ticks = {.step = 1};
    static const double round[] = {1, 2, 5, 10};
    double parts = most ? (double)most : 1;
    double rough = high / parts - low / parts;
    if (!(rough > 0) || !isfinite(rough))
        return ticks;
    double power = pow(10, floor(log10(rough)));
    if (!(power > 0) || !isfinite(power * 10))
        return ticks;
    size_t k = 0;
    while (k < 3 && rough / power > round[k] * 1.000001)
        k++;
    ticks.step = power * round[k];
    return ticks_at_step(low, high, ticks.step, (size_t)parts + 1);
}

double ticks_at(const struct ticks *ticks, size_t i) {
    return (ticks->first + (double)i) * ticks->step + 0.0;
}

char *ticks_text(const struct ticks *ticks, size_t i, char *out, size_t size) {
    double value = ticks_at(ticks, i);
    int decimals = 0; /* as many as the step has: two for 0.25 */
    for (double step = ticks->step;
         decimals <= 6 && fabs(step - round(step)) > 1e-6 * step; step *= 10)
        decimals++;
    if (decimals > 6 || fabs(value) >= 1e7)
        snprintf(out, size, "%.6g", value);
    else
        snprintf(out, size, "%.*f", decimals, value);
    return out;
}

double ticks_clamp(double value) {
    return value > TICKS_LARGEST    ? TICKS_LARGEST
           : value < -TICKS_LARGEST ? -TICKS_LARGEST
                                    : value;
}
