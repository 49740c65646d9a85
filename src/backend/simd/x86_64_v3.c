/* The kernels for x86-64-v3 processors (AVX2). */
#include "backend/simd/kernels.h"

#ifdef __x86_64__
#include <immintrin.h>
#include <math.h>
#include <string.h>

/* After the system's headers, so that only the code below is compiled for it. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#endif

#define LANES 8
#define KERNELS kernels_x86_64_v3
#define INSTRUCTION_SET "AVX2"
#define USABLE                                                          \
    (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && \
     __builtin_cpu_supports("bmi2"))
#include "backend/simd/kernels_body.h"

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#else
typedef int kernels_for_x86_64_only;
#endif
