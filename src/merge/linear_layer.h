/* The shape of a linear layer's weight, as methods that make layers one by one see it.
 */
#ifndef PWEMOE_MERGE_LINEAR_LAYER_H
#define PWEMOE_MERGE_LINEAR_LAYER_H

#include <stdbool.h>
#include <stddef.h>

struct linear_layer {
    size_t inputs, outputs;
    bool turned; /* arrays are [inputs, outputs], as GPT-2's Conv1D has them */
};

/* Of an array [rows, columns]. */
static inline struct linear_layer linear_layer_of(size_t rows, size_t columns,
                                                  bool turned) {
    return (struct linear_layer){.inputs = turned ? rows : columns,
                                 .outputs = turned ? columns : rows,
                                 .turned = turned};
}

#endif
