/* What ranks_connection.c and ranks_sums.c share: the connection, and bytes between two
 * ranks. */
#ifndef PWEMOE_PARALLEL_RANKS_STATE_H
#define PWEMOE_PARALLEL_RANKS_STATE_H

#include "parallel/module.h"
#include "parallel/ranks.h"

enum {
    TAG_TOGETHER = 1, /* of collective functions */
    TAG_MESSAGE = 2,  /* of ranks_send */
    PIECE = 1 << 22   /* most bytes of one message of a collective function */
};

/* What tells whether a process lives. */
struct peer {
    char machine[128];
    int64_t process;
};

struct ranks {
    const struct parallel_module *module;
    unsigned rank, size;
    uint64_t sent;
    void *piece;        /* [PIECE] */
    struct peer *peers; /* [size] */
    bool lost;          /* the connection with others */
};

int ranks_send_bytes(struct ranks *ranks, unsigned to, int tag, const void *bytes,
                     size_t size, struct error *error);
/* What another rank sends with TAG_TOGETHER, which has to be of this size. Fails where
 * that rank has ended. */
int ranks_receive_bytes(struct ranks *ranks, unsigned from, void *bytes, size_t size,
                        struct error *error);
/* Both at the same time, with TAG_TOGETHER; of no bytes there is no message. */
int ranks_exchange(struct ranks *ranks, unsigned to, const void *out, size_t out_size,
                   unsigned from, void *in, size_t in_size, struct error *error);

#endif
