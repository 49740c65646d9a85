/* Elements on the device: f32 or bf16 in memory, f32 in registers; 16-byte
 * accesses; sums over a warp. */
#ifndef PWEMOE_GPU_ELEMENT_H
#define PWEMOE_GPU_ELEMENT_H

#include <cuda_bf16.h>
#include <cuda_runtime.h>
#include <stdint.h>

typedef __nv_bfloat16 bf16;

enum { WARP = 32 };

/* Elements in 16 bytes. */
template <class T> constexpr int wide = 16 / (int)sizeof(T);

static __device__ __forceinline__ float widen(float x) {
    return x;
}

static __device__ __forceinline__ float widen(bf16 x) {
    return __bfloat162float(x);
}

template <class T> static __device__ __forceinline__ T narrow(float x);

template <> __device__ __forceinline__ float narrow<float>(float x) {
    return x;
}

template <> __device__ __forceinline__ bf16 narrow<bf16>(float x) {
    return __float2bfloat16_rn(x);
}

/* V elements as they lie in memory, moved by one access. Two bf16 share a register,
 * the first in its lower half. */
template <class T, int V> struct alignas(sizeof(T) * V) pack {
    static_assert(sizeof(T) * V % 4 == 0, "whole words");
    uint32_t word[sizeof(T) * V / 4];

    __device__ __forceinline__ float get(int i) const {
        if (sizeof(T) == 4)
            return __uint_as_float(word[i]);
        return __uint_as_float(i % 2 ? word[i / 2] & 0xffff0000u : word[i / 2] << 16);
    }

    __device__ __forceinline__ void set(int i, float x) {
        if (sizeof(T) == 4) {
            word[i] = __float_as_uint(x);
        } else {
            uint32_t bits = __bfloat16_as_ushort(__float2bfloat16_rn(x));
            word[i / 2] = i % 2 ? (word[i / 2] & 0xffffu) | bits << 16 : bits;
        }
    }
};

template <> struct pack<bf16, 1> {
    bf16 element;

    __device__ __forceinline__ float get(int) const {
        return widen(element);
    }

    __device__ __forceinline__ void set(int, float x) {
        element = narrow<bf16>(x);
    }
};

template <class T, int V>
static __device__ __forceinline__ void load(float (&to)[V], const T *from) {
    pack<T, V> p = *reinterpret_cast<const pack<T, V> *>(from);
#pragma unroll
    for (int i = 0; i < V; i++)
        to[i] = p.get(i);
}

template <class T, int V>
static __device__ __forceinline__ void store(T *to, const float (&from)[V]) {
    pack<T, V> p;
#pragma unroll
    for (int i = 0; i < V; i++)
        p.set(i, from[i]);
    *reinterpret_cast<pack<T, V> *>(to) = p;
}

/* Every lane gets the sum, or the greatest (NaN is dropped). All lanes call. */
static __device__ __forceinline__ float warp_sum(float x) {
#pragma unroll
    for (int step = WARP / 2; step > 0; step /= 2)
        x += __shfl_xor_sync(0xffffffffu, x, step);
    return x;
}

static __device__ __forceinline__ double warp_sum(double x) {
#pragma unroll
    for (int step = WARP / 2; step > 0; step /= 2)
        x += __shfl_xor_sync(0xffffffffu, x, step);
    return x;
}

static __device__ __forceinline__ float warp_greatest(float x) {
#pragma unroll
    for (int step = WARP / 2; step > 0; step /= 2)
        x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, step));
    return x;
}

/* The real pointers of the table's functions as the element type they hold. */
template <class T> static T *typed(real *x) {
    return reinterpret_cast<T *>(x);
}

template <class T> static const T *typed(const real *x) {
    return reinterpret_cast<const T *>(x);
}

/* Whether all of them may be read 16 bytes at a time. NULL is aligned. */
template <class... P> static bool all_aligned(const P *...pointers) {
    uintptr_t bits = 0;
    ((bits |= (uintptr_t)pointers), ...);
    return bits % 16 == 0;
}

#endif
