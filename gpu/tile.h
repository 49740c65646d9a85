/* Products of small bf16 matrices on the tensor cores, one warp together, sums in f32.
 * Operands come from shared memory; the 32 lanes hold them and the sums as mma.sync
 * m16n8k16 wants them (PTX ISA, "Matrix fragments for mma.m16n8k16"): with
 * g = lane / 4 and t = lane % 4,
 *   sums  [16, 8]:  x[0], x[1] row g, columns 2t and 2t + 1; x[2], x[3] row g + 8
 *   left  [16, 16]: x[0] row g, columns 2t and 2t + 1; x[1] row g + 8; x[2], x[3] the
 *                   same rows, columns 2t + 8 and 2t + 9
 *   right [16, 8]:  two words, rows 2t and 2t + 1, then 2t + 8 and 2t + 9, column g
 * so that two neighbouring sums, narrowed, are a left operand as they are. Every lane
 * of the warp calls each of these functions. Rows in shared memory begin on 16 bytes
 * and lie an odd multiple of 16 bytes apart (modulo 128, from one to the next eight
 * different banks). The tests' emulation exchanges the same words between its lanes. */
#ifndef PWEMOE_GPU_TILE_H
#define PWEMOE_GPU_TILE_H

#include "element.h"

/* Two bf16 in a word, the first in its lower half. */
static __device__ __forceinline__ uint32_t narrow_two(float first, float second) {
#ifdef PWEMOE_EMULATION
    return __bfloat16_as_ushort(__float2bfloat16_rn(first)) |
           (uint32_t)__bfloat16_as_ushort(__float2bfloat16_rn(second)) << 16;
#else
    uint32_t word; /* the instruction names the upper half first */
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(second), "f"(first));
    return word;
#endif
}

/* 2^x by the hardware: relative errors up to 2^-22, 0 below 2^-126. exp2f would take
 * three instructions more, to keep what is less than that. */
static __device__ __forceinline__ float power_of_two(float x) {
#ifdef PWEMOE_EMULATION
    return x < -126 ? 0 : exp2f(x);
#else
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
#endif
}

/* Four matrices of 8 x 8, lane l naming row l % 8 of matrix l / 8: x[i] is elements
 * 2t and 2t + 1 of row g of matrix i. */
static __device__ __forceinline__ void tile_load(uint32_t (&x)[4], const bf16 *row) {
#ifdef PWEMOE_EMULATION
    emulation_load_matrices(x, row, false);
#else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
                 : "r"((uint32_t)__cvta_generic_to_shared(row))
                 : "memory");
#endif
}

/* The same of the matrices transposed: x[i] is column g, rows 2t and 2t + 1. */
static __device__ __forceinline__ void tile_load_transposed(uint32_t (&x)[4],
                                                            const bf16 *row) {
#ifdef PWEMOE_EMULATION
    emulation_load_matrices(x, row, true);
#else
    asm volatile(
        "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
        : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
        : "r"((uint32_t)__cvta_generic_to_shared(row))
        : "memory");
#endif
}

/* sums [16, 8] += left [16, 16] times the right operand [16, 8] of two words. */
static __device__ __forceinline__ void tile_multiply(float (&sums)[4],
                                                     const uint32_t (&left)[4],
                                                     uint32_t right_0,
                                                     uint32_t right_1) {
#ifdef PWEMOE_EMULATION
    emulation_multiply(sums, left, right_0, right_1);
#else
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right_0),
          "r"(right_1));
#endif
}

/* 16 bytes on their way to shared memory, there once copies_wait has returned (and, for
 * other threads, after a barrier): they pass by the registers. Zeros where inside is
 * false; `from` is then not read. */
static __device__ __forceinline__ void copy_16(bf16 *to, const bf16 *from,
                                               bool inside) {
#ifdef PWEMOE_EMULATION
    emulation_copy_later(to, from, inside);
#else
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :
                 : "r"((uint32_t)__cvta_generic_to_shared(to)),
                   "l"(__cvta_generic_to_global(from)), "r"(inside ? 16 : 0)
                 : "memory");
#endif
}

/* Waits for the calling thread's copies. */
static __device__ __forceinline__ void copies_wait(void) {
#ifdef PWEMOE_EMULATION
    emulation_copy_now();
#else
    asm volatile("cp.async.wait_all;" : : : "memory");
#endif
}

static __device__ __forceinline__ int tile_lane(void) {
    return (int)threadIdx.x % WARP;
}

/* left = 16 rows of 16 columns, the rows `apart` elements apart. */
static __device__ __forceinline__ void left_load(uint32_t (&left)[4], const bf16 *rows,
                                                 int apart) {
    int lane = tile_lane();
    tile_load(left, rows + lane % 16 * apart + lane / 16 * 8);
}

/* Two right operands side by side, [16, 16] in all: words 0 and 1 are columns 0 to 7,
 * words 2 and 3 columns 8 to 15. Row n in memory is column n of the operand. */
static __device__ __forceinline__ void
right_load_columns(uint32_t (&right)[4], const bf16 *columns, int apart) {
    int lane = tile_lane();
    tile_load(right, columns + (lane % 8 + lane / 16 * 8) * apart + lane / 8 % 2 * 8);
}

/* The same of an operand whose rows are rows in memory. */
static __device__ __forceinline__ void right_load_rows(uint32_t (&right)[4],
                                                       const bf16 *rows, int apart) {
    int lane = tile_lane();
    tile_load_transposed(right, rows + lane % 16 * apart + lane / 16 * 8);
}

/* sums, two side by side, += left times the two operands of right. */
static __device__ __forceinline__ void tile_multiply_two(float (&sums_0)[4],
                                                         float (&sums_1)[4],
                                                         const uint32_t (&left)[4],
                                                         const uint32_t (&right)[4]) {
    tile_multiply(sums_0, left, right[0], right[1]);
    tile_multiply(sums_1, left, right[2], right[3]);
}

/* Two neighbouring sums as a left operand. */
static __device__ __forceinline__ void
left_narrow(uint32_t (&left)[4], const float (&sums_0)[4], const float (&sums_1)[4]) {
    left[0] = narrow_two(sums_0[0], sums_0[1]);
    left[1] = narrow_two(sums_0[2], sums_0[3]);
    left[2] = narrow_two(sums_1[0], sums_1[1]);
    left[3] = narrow_two(sums_1[2], sums_1[3]);
}

/* 16 neighbouring elements of row g of two neighbouring sums: words first and second,
 * narrowed, of each. Two lanes exchange a word, so that each writes 8 bytes and four of
 * them a whole sector of 32. */
static __device__ __forceinline__ void tile_store_row(bf16 *to, uint32_t first,
                                                      uint32_t second, bool inside) {
    int t = tile_lane() % 4;
    uint32_t other = __shfl_xor_sync(0xffffffffu, t % 2 ? first : second, 1);
    pack<bf16, 4> p;
    p.word[0] = t % 2 ? other : first;
    p.word[1] = t % 2 ? second : other;
    if (inside)
        *reinterpret_cast<pack<bf16, 4> *>(to + (t % 2 ? 2 * t + 6 : 2 * t)) = p;
}

#endif
