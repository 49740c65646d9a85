/* The methods that look at training data: Fisher merging and RegMean. Both stream:
 * one expert's statistics at a time. */
#ifndef PWEMOE_MERGE_STREAMED_H
#define PWEMOE_MERGE_STREAMED_H

#include "merge/method.h"

extern const struct merge_method merge_fisher;
extern const struct merge_method merge_regmean;

#endif
