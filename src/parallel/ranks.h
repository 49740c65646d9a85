/* The processes that one `mpirun -n N` has started, and what they say to each other.
 *
 * Rank 0 is the one that writes results.db and speaks to the user. A NULL struct ranks
 * is one process by itself, for which none of this does anything: MPI is not even
 * opened (it is a module, module.h).
 *
 * What is added up is added in an order that N alone decides, so that the same N gives
 * the same bits on every rank and in every run; one rank's sum is its own numbers. The
 * order is that of a binomial tree: in round k = 1, 2, 4, ... the rank r with r mod 2k
 * = k sends its sum to r - k, which adds it to its own; then the total goes back down.
 * Long vectors of floats are cut into N parts that go around in a ring: rank j + 1
 * sends its own of part j to j + 2, which adds its own, and so on to rank j; then the
 * totals go around in the same way.
 *
 * All functions but those that say otherwise are collective: every rank calls them, in
 * the same order. A failure of one of them is one of the network or of another rank;
 * the only thing left then is ranks_leave. */
#ifndef PWEMOE_PARALLEL_RANKS_H
#define PWEMOE_PARALLEL_RANKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ranks;

/* As a launcher (mpirun; srun --mpi=pmix or pmi2) says by the environment, before
 * anything is opened; 1 rank, number 0, without one. local: number among the ranks of
 * this machine, of local_size (1 where it is not said). Not collective. */
struct launched {
    unsigned rank, size, local, local_size;
};
struct launched ranks_launched(void);

/* Opens the module and meets the other ranks; NULL where there are none. Before files
 * are read and before the sandbox, and once in a process. */
int ranks_join(struct ranks **ranks, struct error *error);
/* This rank cannot go on, and the others may be waiting for it: ranks_leave will end
 * them all. Not collective. NULL is fine. */
void ranks_give_up(struct ranks *ranks);
/* Waits for the others and leaves. After a failure of the connection, or ranks_give_up,
 * or where a rank is gone, that cannot be: all ranks are ended then, this one with
 * `status`. NULL is fine.
 */
void ranks_leave(struct ranks *ranks, int status);

unsigned ranks_rank(const struct ranks *ranks); /* 0 to size - 1 */
unsigned ranks_size(const struct ranks *ranks);

/* values [count] of all ranks added up, on every rank. Bytes that travel: a rank sends
 * and receives at most log2(size) + 1 vectors each way, rank 0 included; floats of
 * which each rank's part has RANKS_RING_PART or more go by the ring, where every rank
 * sends and receives 2 (size - 1) / size vectors. */
enum { RANKS_RING_PART = 16384 };
int ranks_add_floats(struct ranks *ranks, float *values, size_t count,
                     struct error *error);
/* The two halves of that ring, for those who have something to do in between. Of values
 * [count] every rank has a part, which begins at ranks_part of its number and ends at
 * that of the next: multiples of 64, but the end. ranks_add_parts leaves this rank's
 * part added up, the others of no use; ranks_gather_parts gives each rank's part to
 * all. Each sends and receives (size - 1) / size vectors. */
size_t ranks_part(const struct ranks *ranks, size_t count, unsigned rank);
int ranks_add_parts(struct ranks *ranks, float *values, size_t count,
                    struct error *error);
int ranks_gather_parts(struct ranks *ranks, float *values, size_t count,
                       struct error *error);
/* The second of them with the caller's parts: that of a rank begins at begins of its
 * number and ends at that of the next, [size + 1]. */
int ranks_gather_stretches(struct ranks *ranks, float *values, const size_t *begins,
                           struct error *error);
int ranks_add_doubles(struct ranks *ranks, double *values, size_t count,
                      struct error *error);
/* bytes [size] of rank 0 on every rank. */
int ranks_broadcast(struct ranks *ranks, void *bytes, size_t size, struct error *error);
/* 0 where every rank has result 0 (NULL: where it is 0); else -1 on all of them, with
 * the error of the first rank that has one, which names the rank. */
int ranks_agree(struct ranks *ranks, int result, struct error *error);

/* Whether a rank has ended before its time. Known of those on this machine; of others
 * it is mpirun that finds out, and ends all of them. Not collective. */
bool ranks_gone(const struct ranks *ranks, unsigned rank);

/* How many bytes this rank has sent since it joined. Not collective. */
uint64_t ranks_sent(const struct ranks *ranks);

/* --- from one rank to another; not collective ------------------------------------- */

struct ranks_message {
    unsigned from;
    int kind;    /* the sender's, 0 to 255 */
    void *bytes; /* [size], and a zero after them; for free() */
    size_t size;
};

int ranks_send(struct ranks *ranks, unsigned to, int kind, const void *bytes,
               size_t size, struct error *error);
/* The next message of any rank: 1, or 0 where there is none now. */
int ranks_look(struct ranks *ranks, struct ranks_message *message, struct error *error);
/* Waits for it, without keeping a core busy for long. Fails where rank 0 has ended. */
int ranks_wait(struct ranks *ranks, struct ranks_message *message, struct error *error);

/* The module's MPI as a line for `pwemoe info`, or why there is none; NULL where memory
 * is out. */
const char *ranks_library(char line[256]);

#endif
