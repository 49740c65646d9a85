#include "train/optimiser.h"

#include <math.h>

void optimiser_adam(float *parameters, const float *gradient, float *first,
                    float *second, size_t count, const struct adam *adam) {
    double correct1 = 1 - pow(adam->beta1, adam->step);
    double correct2 = 1 - pow(adam->beta2, adam->step);
    float size = (float)(adam->learning_rate / correct1);
    float root = (float)sqrt(correct2);
    float keep = 1 - adam->learning_rate * adam->weight_decay;
    for (size_t i = 0; i < count; i++) {
        float g = gradient[i];
        first[i] = adam->beta1 * first[i] + (1 - adam->beta1) * g;
        second[i] = adam->beta2 * second[i] + (1 - adam->beta2) * g * g;
        float scale = sqrtf(second[i]) / root + adam->epsilon;
        parameters[i] = parameters[i] * keep - size * first[i] / scale;
    }
}

double optimiser_cosine(double rate, double last, unsigned warmup, unsigned step,
                        unsigned steps) {
    if (step < warmup)
        return rate * (step + 1) / warmup;
    double lowest = rate * last, part = 0;
    if (steps > warmup)
        part = (double)(step - warmup) / (steps - warmup);
    return lowest + (rate - lowest) * (1 + cos(M_PI * part)) / 2;
}
