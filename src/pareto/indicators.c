#include <math.h>

#include "pareto/pareto.h"

double pareto_igd(const double *points, size_t count, const double *references,
                  size_t reference_count, size_t objectives) {
    double sum = 0;
    for (size_t i = 0; i < reference_count; i++) {
        double nearest = INFINITY;
        for (size_t k = 0; k < count; k++) {
            double square = 0;
            for (size_t j = 0; j < objectives; j++) {
                double d = points[k * objectives + j] - references[i * objectives + j];
                square += d * d;
            }
            nearest = fmin(nearest, square);
        }
        sum += sqrt(nearest);
    }
    return sum / (double)reference_count;
}

double pareto_igd_plus(const double *points, size_t count, const double *references,
                       size_t reference_count, size_t objectives) {
    double sum = 0;
    for (size_t i = 0; i < reference_count; i++) {
        double nearest = INFINITY;
        for (size_t k = 0; k < count; k++) {
            double square = 0;
            for (size_t j = 0; j < objectives; j++) {
                double d = points[k * objectives + j] - references[i * objectives + j];
                square += d > 0 ? d * d : 0;
            }
            nearest = fmin(nearest, square);
        }
        sum += sqrt(nearest);
    }
    return sum / (double)reference_count;
}

double pareto_epsilon_additive(const double *points, size_t count,
                               const double *references, size_t reference_count,
                               size_t objectives) {
    double epsilon = -INFINITY;
    for (size_t i = 0; i < reference_count; i++) {
        double least = INFINITY;
        for (size_t k = 0; k < count; k++) {
            double worst = -INFINITY;
            for (size_t j = 0; j < objectives; j++)
                worst = fmax(worst, points[k * objectives + j] -
                                        references[i * objectives + j]);
            least = fmin(least, worst);
        }
        epsilon = fmax(epsilon, least);
    }
    return epsilon;
}
