/* Pseudo-random numbers whose state can be stored: xoshiro256**, seeded by
 * splitmix64 (Blackman & Vigna, "Scrambled linear pseudorandom number
 * generators", 2021). The same seed gives the same numbers on every machine. */
#ifndef PWEMOE_BASE_RANDOM_H
#define PWEMOE_BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state[4];
};

/* stream separates generators of one seed (one per task, one per purpose). */
void random_seed(struct random *random, uint64_t seed, uint64_t stream);
uint64_t random_next(struct random *random);
/* False for a state of only zeros, which gives nothing else and is never reached: one
 * that was read from somewhere. */
bool random_usable(const struct random *random);
/* Uniform in [0, 1), 53 bits. */
double random_uniform(struct random *random);
/* Uniform integer in [0, bound), bound > 0, without bias. */
uint64_t random_below(struct random *random, uint64_t bound);
/* Standard normal (polar method, nothing cached, so state is all there is). */
double random_normal(struct random *random);
/* Gamma(shape, 1), shape > 0 (Marsaglia & Tsang 2000). */
double random_gamma(struct random *random, double shape);
/* count numbers >= 0 that sum to 1, Dirichlet(alpha, ..., alpha). */
void random_dirichlet(struct random *random, double alpha, size_t count, double *out);
/* Number `index` of the sequence that splitmix64 gives from that state: for draws in
 * any order, by any thread. */
static inline uint64_t random_at(uint64_t state, uint64_t index) {
    uint64_t z = state + (index + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
/* Fisher-Yates over count indices 0..count-1 written to out. */
void random_permutation(struct random *random, size_t count, uint32_t *out);

#endif
