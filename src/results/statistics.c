#include "results/statistics.h"

#include <math.h>
#include <stdbool.h>

/* --- ranks ------------------------------------------------------------------------ */

static double rank_of(const double *x, size_t count, size_t i) {
    size_t less = 0, equal = 0;
    for (size_t k = 0; k < count; k++) {
        less += x[k] < x[i];
        equal += x[k] == x[i];
    }
    return (double)less + ((double)equal + 1) / 2;
}

double statistics_spearman(const double *x, const double *y, size_t count) {
    double middle = ((double)count + 1) / 2, both = 0, of_x = 0, of_y = 0;
    for (size_t i = 0; i < count; i++) {
        double a = rank_of(x, count, i) - middle, b = rank_of(y, count, i) - middle;
        both += a * b;
        of_x += a * a;
        of_y += b * b;
    }
    return of_x > 0 && of_y > 0 ? both / sqrt(of_x * of_y) : (double)NAN;
}

/* --- Student's t ------------------------------------------------------------------ */

/* The continued fraction of the incomplete beta function, by Lentz's method (DLMF
 * 8.17.22): it converges fast for x below (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x) {
    const double tiny = 1e-300;
    double c = 1, d = 1 / fmax(tiny, 1 - (a + b) * x / (a + 1)), f = d;
    for (int m = 1; m < 500; m++) {
        for (int odd = 0; odd < 2; odd++) {
            double k = m,
                   factor = odd ? -(a + k) * (a + b + k) * x /
                                      ((a + 2 * k) * (a + 2 * k + 1))
                                : k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k));
            d = 1 + factor * d;
            c = 1 + factor / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            f *= c * d;
        }
        if (fabs(c * d - 1) < 1e-15)
            break;
    }
    return f;
}

/* I_x(a, b), the regularised incomplete beta function. */
static double beta_share(double a, double b, double x) {
    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    double front =
        exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double statistics_student(double t, double freedom) {
    return beta_share(freedom / 2, 0.5, freedom / (freedom + t * t));
}

/* The t that is exceeded on either side once in twenty times, by halving. */
static double student_twentieth(double freedom) {
    double low = 0, high = 1000;
    for (int i = 0; i < 200; i++) {
        double middle = (low + high) / 2;
        if (statistics_student(middle, freedom) > 0.05)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

static double mean_of(const double *x, size_t count, double *deviation) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i];
    double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    *deviation = count > 1 ? sqrt(squares / (double)(count - 1)) : (double)NAN;
    return mean;
}

void statistics_mean(const double *x, size_t count, double *mean, double *half) {
    double deviation;
    *mean = count ? mean_of(x, count, &deviation) : (double)NAN;
    *half = count > 1
                ? student_twentieth((double)count - 1) * deviation / sqrt((double)count)
                : (double)NAN;
}

double statistics_paired(const double *a, const double *b, size_t count) {
    if (count < 2)
        return (double)NAN;
    double mean = 0, squares = 0;
    bool same = true;
    for (size_t i = 0; i < count; i++) {
        mean += (a[i] - b[i]) / (double)count;
        same = same && a[i] - b[i] == a[0] - b[0];
    }
    if (same)
        return a[0] == b[0] ? 1 : 0;
    for (size_t i = 0; i < count; i++)
        squares += (a[i] - b[i] - mean) * (a[i] - b[i] - mean);
    double error = sqrt(squares / (double)(count - 1) / (double)count);
    return statistics_student(mean / error, (double)count - 1);
}

/* The statistic (a - b)^2 / (a + b) grows as the examples do. */
double statistics_deciding(double only_a, double only_b, double examples) {
    static const double critical = 3.841458820694124; /* chi-squared, 1 degree, 5 % */
    double difference = only_a - only_b;
    return difference == 0
               ? INFINITY
               : examples * critical * (only_a + only_b) / (difference * difference);
}
