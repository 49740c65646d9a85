/* What all ranks add up, and what rank 0 tells all of them. */
#include "parallel/ranks_state.h"

/* --- a tree --------------------------------------------------------------------- */

/* The tree's edge at which a rank hangs: rank 0's is beyond all ranks. */
static unsigned edge_of(const struct ranks *r) {
    unsigned edge = 1;
    while (edge < r->size && !(r->rank & edge))
        edge *= 2;
    return edge;
}

int ranks_broadcast(struct ranks *r, void *bytes, size_t size, struct error *error) {
    if (!r)
        return 0;
    unsigned edge = edge_of(r);
    for (size_t done = 0; done < size;) {
        size_t count = size - done < PIECE ? size - done : PIECE;
        char *at = (char *)bytes + done;
        if (r->rank && ranks_receive_bytes(r, r->rank - edge, at, count, error))
            return -1;
        for (unsigned k = edge / 2; k; k /= 2)
            if (r->rank + k < r->size &&
                ranks_send_bytes(r, r->rank + k, TAG_TOGETHER, at, count, error))
                return -1;
        done += count;
    }
    return 0;
}

static void add_floats(void *to, const void *values, size_t bytes) {
    float *sum = to;
    const float *more = values;
    for (size_t i = 0; i < bytes / sizeof *sum; i++)
        sum[i] += more[i];
}

static void add_doubles(void *to, const void *values, size_t bytes) {
    double *sum = to;
    const double *more = values;
    for (size_t i = 0; i < bytes / sizeof *sum; i++)
        sum[i] += more[i];
}

static int add_by_tree(struct ranks *r, void *bytes, size_t size,
                       void (*add)(void *to, const void *values, size_t bytes),
                       struct error *error) {
    if (!r)
        return 0;
    unsigned edge = edge_of(r);
    for (size_t done = 0; done < size;) {
        size_t count = size - done < PIECE ? size - done : PIECE;
        char *at = (char *)bytes + done;
        for (unsigned k = 1; k < edge && r->rank + k < r->size; k *= 2) {
            if (ranks_receive_bytes(r, r->rank + k, r->piece, count, error))
                return -1;
            add(at, r->piece, count);
        }
        if (r->rank &&
            ranks_send_bytes(r, r->rank - edge, TAG_TOGETHER, at, count, error))
            return -1;
        done += count;
    }
    return ranks_broadcast(r, bytes, size, error);
}

/* --- a ring, for long vectors ----------------------------------------------------- */

/* Parts begin where kernels and caches like to: at multiples of 64 numbers. */
enum { RUN = 64 };

size_t ranks_part(const struct ranks *r, size_t count, unsigned rank) {
    unsigned size = ranks_size(r);
    if (rank >= size)
        return count;
    return (size_t)((unsigned __int128)(count / RUN) * rank / size) * RUN;
}

/* From where to where values go, or come. */
struct stretch {
    size_t begin, end;
};

static struct stretch part_of(const struct ranks *r, size_t count, unsigned rank) {
    return (struct stretch){ranks_part(r, count, rank), ranks_part(r, count, rank + 1)};
}

/* One turn: `out` goes to the next rank, while `in` comes from the one before and takes
 * the place of this rank's, or is added to it. */
static int turn(struct ranks *r, float *values, struct stretch out, struct stretch in,
                bool add, struct error *error) {
    enum { MOST = PIECE / sizeof *values };
    unsigned next = (r->rank + 1) % r->size, last = (r->rank + r->size - 1) % r->size;
    float *piece = r->piece;
    /* Of two lengths: the longer part may have more pieces. */
    while (out.begin < out.end || in.begin < in.end) {
        size_t sends = out.end - out.begin < MOST ? out.end - out.begin : MOST;
        size_t takes = in.end - in.begin < MOST ? in.end - in.begin : MOST;
        if (ranks_exchange(r, next, values + out.begin, sends * sizeof *values, last,
                           piece, takes * sizeof *values, error))
            return -1;
        for (size_t i = 0; i < takes; i++)
            values[in.begin + i] = add ? piece[i] + values[in.begin + i] : piece[i];
        out.begin += sends;
        in.begin += takes;
    }
    return 0;
}

/* Part j begins at rank j + 1 and comes to its end at rank j. */
int ranks_add_parts(struct ranks *r, float *values, size_t count, struct error *error) {
    unsigned n = ranks_size(r);
    for (unsigned s = 0; s + 1 < n; s++)
        if (turn(r, values, part_of(r, count, (r->rank + 2 * n - 1 - s) % n),
                 part_of(r, count, (r->rank + 2 * n - 2 - s) % n), true, error))
            return -1;
    return 0;
}

int ranks_gather_parts(struct ranks *r, float *values, size_t count,
                       struct error *error) {
    unsigned n = ranks_size(r);
    for (unsigned s = 0; s + 1 < n; s++)
        if (turn(r, values, part_of(r, count, (r->rank + n - s) % n),
                 part_of(r, count, (r->rank + 2 * n - 1 - s) % n), false, error))
            return -1;
    return 0;
}

int ranks_gather_stretches(struct ranks *r, float *values, const size_t *begins,
                           struct error *error) {
    unsigned n = ranks_size(r);
    for (unsigned s = 0; s + 1 < n; s++) {
        unsigned out = (r->rank + n - s) % n, in = (r->rank + 2 * n - 1 - s) % n;
        if (turn(r, values, (struct stretch){begins[out], begins[out + 1]},
                 (struct stretch){begins[in], begins[in + 1]}, false, error))
            return -1;
    }
    return 0;
}

int ranks_add_floats(struct ranks *r, float *values, size_t count,
                     struct error *error) {
    if (r && count / RANKS_RING_PART >= r->size)
        return ranks_add_parts(r, values, count, error) ||
                       ranks_gather_parts(r, values, count, error)
                   ? -1
                   : 0;
    return add_by_tree(r, values, count * sizeof *values, add_floats, error);
}

int ranks_add_doubles(struct ranks *r, double *values, size_t count,
                      struct error *error) {
    return add_by_tree(r, values, count * sizeof *values, add_doubles, error);
}
