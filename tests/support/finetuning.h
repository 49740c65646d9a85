/* Fine-tuning as `pwemoe finetune` does it where nothing else is asked. */
#ifndef PWEMOE_TESTS_SUPPORT_FINETUNING_H
#define PWEMOE_TESTS_SUPPORT_FINETUNING_H

#include "train/finetuning.h"

static inline struct finetuning_options finetuning_defaults(void) {
    return (struct finetuning_options){.method = COMBINE_LS,
                                       .smoothing = 0.1,
                                       .learning_rate = 1e-4,
                                       .head_rate = 10,
                                       .weight_decay = 0.01,
                                       .steps = 1000,
                                       .batch = 32,
                                       .train_heads = true};
}

#endif
