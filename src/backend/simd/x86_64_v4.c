/* The kernels for x86-64-v4 processors (AVX-512). */
#include "backend/simd/kernels.h"

#ifdef __x86_64__
#include <immintrin.h>
#include <math.h>
#include <string.h>

/* After the system's headers, so that only the code below is compiled for it. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4")
#endif

#define LANES 16
#define KERNELS kernels_x86_64_v4
#define INSTRUCTION_SET "AVX-512"
#define USABLE                                                                   \
    (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&  \
     __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && \
     kernels_x86_64_v3.usable())
#include "backend/simd/kernels_body.h"

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#else
typedef int kernels_for_x86_64_only;
#endif
