/* One instruction set's kernels. The including file defines LANES (floats in a
 * vector), KERNELS (the table's name), INSTRUCTION_SET and USABLE; everything
 * here is static but the table, so this header is for those files only. */
#include <math.h>
#include <stdint.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "backend/simd/vector.h"

#include "backend/simd/elementwise.h"

#include "backend/simd/rows.h"

#include "backend/simd/attention.h"

#include "backend/simd/attention_short.h"

#include "backend/simd/merge.h"

#include "backend/simd/squares.h"

#include "backend/simd/ties.h"

static bool usable(void) {
    return USABLE;
}

const struct kernels KERNELS = {
    .instruction_set = INSTRUCTION_SET,
    .usable = usable,
    .activation = activation,
    .activation_backward = activation_backward,
    .bias_activation = bias_activation,
    .add = add,
    .layer_norm_row = layer_norm_row,
    .layer_norm_backward_row = layer_norm_backward_row,
    .layer_norm_gradient = layer_norm_gradient,
    .column_sums = column_sums,
    .l2_normalise_row = l2_normalise_row,
    .l2_normalise_backward_row = l2_normalise_backward_row,
    .cross_entropy_row = cross_entropy_row,
    .divergence_row = divergence_row,
    .entropy_row = entropy_row,
    .attention_scratch = attention_scratch,
    .attention = attention,
    .attention_backward = attention_backward,
    .lanes = LANES,
    .attention_short_scratch = attention_short_scratch,
    .attention_short = attention_short,
    .attention_short_backward = attention_short_backward,
    .merge = merge,
    .products = products,
    .adam = adam,
    .add_scaled = add_scaled,
    .add_squares = add_squares,
    .add_squared_product = add_squared_product,
    .count_magnitudes = count_magnitudes,
    .ties = ties,
};
