/* The methods that are one weight for every task vector. */
#ifndef PWEMOE_MERGE_LINEAR_H
#define PWEMOE_MERGE_LINEAR_H

#include "merge/method.h"

/* The pretrained model with the experts' heads: every weight 0. */
extern const struct merge_method merge_pretrained;
/* The mean of the experts: every weight 1/T. */
extern const struct merge_method merge_average;
/* Every weight lambda (Ilharco et al. 2023), 0.3 by default. */
extern const struct merge_method merge_task_arithmetic;

#endif
