/* The tensor cores and asynchronous copies as gpu/tile.h uses them. Words go from lane
 * to lane by the layouts of the PTX ISA, so that a kernel that holds an operand wrongly
 * computes wrongly here, too. */
#include <stdio.h>
#include <stdlib.h>
#include <vector>

#include "cuda_bf16.h"

static float half_of(uint32_t word, int upper) {
    __nv_bfloat16 x;
    x.bits = (unsigned short)(upper ? word >> 16 : word);
    return __bfloat162float(x);
}

/* Each lane reads the row that it names when it comes: what is written to it later by
 * a lane that has gone on is not seen, as on the card. */
void emulation_load_matrices(uint32_t (&x)[4], const void *row, bool transposed) {
    if ((uintptr_t)row % 16 != 0) {
        fputs("emulation: ldmatrix of a row that does not begin on 16 bytes\n", stderr);
        abort();
    }
    uint32_t mine[4];
    memcpy(mine, row, sizeof mine);
    const uint32_t(*words)[EMULATION_WORDS] = emulation_exchange(mine, 4);
    int g = emulation_lane() / 4, t = emulation_lane() % 4;
    for (int i = 0; i < 4; i++) {
        const uint32_t(*matrix)[EMULATION_WORDS] = words + 8 * i;
        if (!transposed) {
            x[i] = matrix[g][t];
        } else {
            uint32_t first = matrix[2 * t][g / 2], second = matrix[2 * t + 1][g / 2];
            x[i] = g % 2 ? first >> 16 | (second & 0xffff0000u)
                         : (first & 0xffffu) | second << 16;
        }
    }
}

/* The products are exact; their sum is cut to f32 towards zero, which is where tensor
 * cores err (Fasi, Higham, Mikaitis, Pranesh, "Numerical behavior of NVIDIA tensor
 * cores", 2021). */
static float cut(double sum) {
    float x = (float)sum;
    return fabs((double)x) > fabs(sum) ? nextafterf(x, 0) : x;
}

void emulation_multiply(float (&sums)[4], const uint32_t (&left)[4], uint32_t right_0,
                        uint32_t right_1) {
    const uint32_t mine[] = {left[0], left[1], left[2], left[3], right_0, right_1};
    const uint32_t(*words)[EMULATION_WORDS] = emulation_exchange(mine, 6);
    int g = emulation_lane() / 4, t = emulation_lane() % 4;
    for (int i = 0; i < 4; i++) {
        int column = 2 * t + i % 2;
        double sum = (double)sums[i];
        for (int k = 0; k < 16; k++) {
            int pair = k % 8 / 2;
            float a = half_of(words[4 * g + pair][i / 2 + 2 * (k / 8)], k % 2);
            float b = half_of(words[4 * column + pair][4 + k / 8], k % 2);
            sum += (double)(a * b);
        }
        sums[i] = cut(sum);
    }
}

/* A copy is made only when its thread waits for it; until then nothing good lies
 * where it goes. */
struct copy {
    void *to;
    const void *from;
    bool inside;
};
static std::vector<struct copy> pending[1024];

void emulation_copy_later(void *to, const void *from, bool inside) {
    if ((uintptr_t)to % 16 != 0 || (inside && (uintptr_t)from % 16 != 0)) {
        fputs("emulation: cp.async of what does not begin on 16 bytes\n", stderr);
        abort();
    }
    memset(to, 0xff, 16);
    pending[emulation_thread()].push_back({to, from, inside});
}

bool emulation_copying(void) {
    return !pending[emulation_thread()].empty();
}

void emulation_copy_now(void) {
    std::vector<struct copy> &copies = pending[emulation_thread()];
    for (const struct copy &c : copies)
        if (c.inside)
            memcpy(c.to, c.from, 16);
        else
            memset(c.to, 0, 16);
    copies.clear();
}
