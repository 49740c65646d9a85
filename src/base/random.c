#include "base/random.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *state) {
    uint64_t next = random_at(*state, 0);
    *state += 0x9e3779b97f4a7c15u;
    return next;
}

void random_seed(struct random *random, uint64_t seed, uint64_t stream) {
    uint64_t state = seed;
    uint64_t mixed = splitmix64(&state) ^ (stream * 0xd1342543de82ef95u);
    for (int i = 0; i < 4; i++)
        random->state[i] = splitmix64(&mixed);
}

static uint64_t rotate(uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
}

uint64_t random_next(struct random *random) {
    uint64_t *s = random->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

bool random_usable(const struct random *random) {
    const uint64_t *state = random->state;
    return state[0] | state[1] | state[2] | state[3];
}

double random_uniform(struct random *random) {
    return (double)(random_next(random) >> 11) * 0x1p-53;
}

uint64_t random_below(struct random *random, uint64_t bound) {
    /* Numbers below 2^64 mod bound would make small results more likely. */
    uint64_t refused = (0 - bound) % bound, x;
    do
        x = random_next(random);
    while (x < refused);
    return x % bound;
}

double random_normal(struct random *random) {
    double u, v, s;
    do {
        u = 2 * random_uniform(random) - 1;
        v = 2 * random_uniform(random) - 1;
        s = u * u + v * v;
    } while (s >= 1 || s == 0);
    return u * sqrt(-2 * log(s) / s);
}

double random_gamma(struct random *random, double shape) {
    if (shape < 1) { /* Gamma(a) = Gamma(a + 1) U^(1/a) */
        double u = 1 - random_uniform(random);
        return random_gamma(random, shape + 1) * pow(u, 1 / shape);
    }
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = random_normal(random), v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        double u = 1 - random_uniform(random);
        if (log(u) < x * x / 2 + d - d * v + d * log(v))
            return d * v;
    }
}

void random_dirichlet(struct random *random, double alpha, size_t count, double *out) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += out[i] = random_gamma(random, alpha);
    if (sum > 0)
        for (size_t i = 0; i < count; i++)
            out[i] /= sum;
    else /* every draw underflowed (a tiny alpha): the limit is a random vertex */
        out[random_below(random, count)] = 1;
}

void random_permutation(struct random *random, size_t count, uint32_t *out) {
    for (size_t i = 0; i < count; i++) {
        size_t j = (size_t)random_below(random, i + 1);
        out[i] = out[j];
        out[j] = (uint32_t)i;
    }
}
