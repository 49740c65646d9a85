/* What one step of Adam multiplies by, the same on every device; C and CUDA's C++. */
#ifndef PWEMOE_BACKEND_ADAM_H
#define PWEMOE_BACKEND_ADAM_H

#include <math.h>

#include "backend/backend.h"

struct adam_factors {
    float beta1, beta2;    /* decay of the moments */
    float keep;            /* 1 - learning_rate * weight_decay */
    float step;            /* learning_rate / (1 - beta1^n) */
    float root_correction; /* 1 / sqrt(1 - beta2^n) */
    float epsilon;
};

/* torch.optim.AdamW's arithmetic, worked out in f64: the decay first, then the step
 * with both moments corrected for their start at zero. */
static inline struct adam_factors adam_factors_of(const struct adam *adam) {
    double rate = (double)adam->learning_rate, steps = (double)adam->step;
    double first = 1 - pow((double)adam->beta1, steps);
    double second = 1 - pow((double)adam->beta2, steps);
    struct adam_factors factors;
    factors.beta1 = adam->beta1;
    factors.beta2 = adam->beta2;
    factors.keep = (float)(1 - rate * (double)adam->weight_decay);
    factors.step = (float)(rate / first);
    factors.root_correction = (float)(1 / sqrt(second));
    factors.epsilon = adam->epsilon;
    return factors;
}

#endif
