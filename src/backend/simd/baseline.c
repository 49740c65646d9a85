/* The kernels for any processor, and the choice among the sets. */
#include "backend/simd/kernels.h"

#define LANES 4
#define KERNELS kernels_baseline
#define INSTRUCTION_SET "baseline"
#define USABLE true
#include "backend/simd/kernels_body.h"

const struct kernels *kernels_best(void) {
#ifdef __x86_64__
    if (kernels_x86_64_v4.usable())
        return &kernels_x86_64_v4;
    if (kernels_x86_64_v3.usable())
        return &kernels_x86_64_v3;
#endif
    return &kernels_baseline;
}
