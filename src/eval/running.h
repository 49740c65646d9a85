/* The figures of a task while it is measured. */
#ifndef PWEMOE_EVAL_RUNNING_H
#define PWEMOE_EVAL_RUNNING_H

#include <stdbool.h>
#include <stdint.h>

struct running { /* of one task */
    uint64_t examples, correct;
    double value;     /* percent correct so far; 0 with no examples */
    double low, high; /* 95 % interval in percent */
    double loss;      /* mean cross-entropy so far */
    bool complete;
};

#endif
