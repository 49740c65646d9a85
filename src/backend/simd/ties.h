/* The two passes of TIES over the task vectors: magnitudes counted for the thresholds,
 * and what is above them merged. */

enum { MAGNITUDE = INT32_MAX, BLOCK = 32, QUEUE = 64 };

/* A block with magnitudes in the bins, and which. */
struct hit {
    uint32_t block, inside;
};

INLINE void count_hits(const float *x, const struct hit *hits, size_t count,
                       const struct magnitude_bins *bins) {
    for (size_t h = 0; h < count; h++)
        for (uint32_t inside = hits[h].inside; inside; inside &= inside - 1) {
            int32_t bits;
            memcpy(&bits, x + hits[h].block + __builtin_ctz(inside), sizeof bits);
            bins->counts[(uint32_t)((bits & MAGNITUDE) - bins->low) >> bins->shift]++;
        }
}

/* Some blocks of a long vector have something in the bins, without any order: they are
 * noted down, which takes no branch, and looked at later. */
static size_t count_magnitudes(const float *x, size_t count,
                               const struct magnitude_bins *bins) {
    const vi low = bins->low - (vi){0}, high = bins->high - (vi){0};
    struct hit hits[QUEUE];
    vi less = {0};
    size_t i = 0, below = 0, waiting = 0;
    while (i + BLOCK <= count) {
        size_t stop = count - i < QUEUE * BLOCK ? count : i + QUEUE * BLOCK;
        for (; i + BLOCK <= stop; i += BLOCK) {
            uint32_t inside = 0;
#pragma GCC unroll 8
            for (size_t k = 0; k < BLOCK; k += LANES) {
                vi magnitude = (vi)v_load(x + i + k) & MAGNITUDE;
                vi under = (vi)(magnitude < low);
                less -= under;
                inside |= (uint32_t)v_bits((vi)(magnitude <= high) & ~under) << k;
            }
            hits[waiting] = (struct hit){(uint32_t)i, inside};
            waiting += inside != 0;
        }
        count_hits(x, hits, waiting, bins);
        waiting = 0;
    }
    for (size_t lane = 0; lane < LANES; lane++)
        below += (size_t)less[lane];
    for (; i < count; i++) {
        int32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= MAGNITUDE;
        if (bits < bins->low)
            below++;
        else if (bits <= bins->high)
            bins->counts[(uint32_t)(bits - bins->low) >> bins->shift]++;
    }
    return below;
}

/* Counts of lanes, which overflow after 2^31 vectors. */
struct ties_lanes {
    vi positive, negative, cancelled;
};

/* The first n lanes of merged entries, with nothing in the others. Both sides are added
 * up, since the sign is known when everything has been. */
INLINE vf ties_merge_lanes(const struct ties_stretch *stretch, size_t i, const size_t n,
                           const bool mean, struct ties_lanes *signs) {
    const float *x = stretch->vectors + i;
    vf sum = v_splat(0), above = sum, below = sum;
    vi some = {0}, many_above = {0}, many_below = {0};
    for (size_t t = 0; t < stretch->tasks; t++, x += stretch->stride) {
        vi bits = (vi)(n == LANES ? v_load(x) : v_load_part(x, n, 0));
        vi kept = bits & (vi)((bits & MAGNITUDE) >= stretch->least[t]);
        vi minus = kept >> 31;
        some |= kept;
        sum += (vf)kept;
        above += (vf)(kept & ~minus);
        below += (vf)(kept & minus);
        if (mean) {
            many_above -= (vi)(kept > 0);
            many_below -= minus;
        }
    }
    vi positive = (vi)(sum > 0.0f), negative = (vi)(sum < 0.0f);
    signs->positive -= positive;
    signs->negative -= negative;
    signs->cancelled |= (vi)(some != 0) & ~(positive | negative);
    vi up = stretch->zero_positive ? ~negative : positive;
    vf total = v_select(up, above, below);
    if (!mean)
        return total;
    vi many = (up & many_above) | (~up & many_below);
    many += (vi)(many == 0); /* -1 where nothing counts: 0 / -1 */
    return total / __builtin_convertvector(many, vf);
}

INLINE struct ties_signs ties_run(const struct ties_stretch *stretch, const bool mean) {
    struct ties_lanes lanes = {{0}, {0}, {0}};
    struct ties_signs signs = {0, 0, false};
    size_t i = 0, count = stretch->count;
    for (; i + LANES <= count; i += LANES)
        v_store(stretch->merged + i, ties_merge_lanes(stretch, i, LANES, mean, &lanes));
    if (i < count)
        v_store_part(stretch->merged + i,
                     ties_merge_lanes(stretch, i, count - i, mean, &lanes), count - i);
    for (size_t lane = 0; lane < LANES; lane++) {
        signs.positive += (size_t)lanes.positive[lane];
        signs.negative += (size_t)lanes.negative[lane];
        signs.cancelled |= lanes.cancelled[lane] != 0;
    }
    return signs;
}

static struct ties_signs ties(const struct ties_stretch *stretch) {
    return stretch->mean ? ties_run(stretch, true) : ties_run(stretch, false);
}
