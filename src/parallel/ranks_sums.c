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

/* One turn: part `out` goes to the next rank, while part `in` comes from the one before
 * and takes the place of this rank's, or is added to it. */
static int turn(struct ranks *r, float *values, size_t count, unsigned out, unsigned in,
                bool add, struct error *error) {
    enum { MOST = PIECE / sizeof *values };
    unsigned next = (r->rank + 1) % r->size, last = (r->rank + r->size - 1) % r->size;
    size_t from = ranks_part(r, count, out), from_end = ranks_part(r, count, out + 1);
    size_t to = ranks_part(r, count, in), to_end = ranks_part(r, count, in + 1);
    float *piece = r->piece;
    /* Of two lengths: the longer part may have one piece more. */
    while (from < from_end || to < to_end) {
        size_t sends = from_end - from < MOST ? from_end - from : MOST;
        size_t takes = to_end - to < MOST ? to_end - to : MOST;
        if (ranks_exchange(r, next, values + from, sends * sizeof *values, last, piece,
                           takes * sizeof *values, error))
            return -1;
        for (size_t i = 0; i < takes; i++)
            values[to + i] = add ? piece[i] + values[to + i] : piece[i];
        from += sends;
        to += takes;
    }
    return 0;
}

/* Part j begins at rank j + 1 and comes to its end at rank j. */
int ranks_add_parts(struct ranks *r, float *values, size_t count, struct error *error) {
    unsigned n = ranks_size(r);
    for (unsigned s = 0; s + 1 < n; s++)
        if (turn(r, values, count, (r->rank + 2 * n - 1 - s) % n,
                 (r->rank + 2 * n - 2 - s) % n, true, error))
            return -1;
    return 0;
}

int ranks_gather_parts(struct ranks *r, float *values, size_t count,
                       struct error *error) {
    unsigned n = ranks_size(r);
    for (unsigned s = 0; s + 1 < n; s++)
        if (turn(r, values, count, (r->rank + n - s) % n, (r->rank + 2 * n - 1 - s) % n,
                 false, error))
            return -1;
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
