/* The same work by a plain PyTorch formulation, in a process of its own that runs
 * when it is told to and says how long it took: bench/gpu/torch_peer.py. So the two
 * programs take turns, and what slows the machine slows both. */
#ifndef PWEMOE_BENCH_PEER_H
#define PWEMOE_BENCH_PEER_H

#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"

struct peer;

struct peer_options {
    const char *device; /* "cpu", "cuda:0" */
    const char *shape;
    enum precision precision;
    size_t tasks, batch, images;
    unsigned threads;  /* on the CPU */
    double parameters; /* of the model: the peer's must have as many */
};

/* Starts $PYTHON (python3 where it is not set) on $srcdir/bench/gpu/torch_peer.py and
 * waits until it has made its model. That there is no PyTorch is an error as any. */
int peer_open(const struct peer_options *options, struct peer **peer,
              struct error *error);
void peer_close(struct peer *peer); /* NULL is fine */

/* What it is: "PyTorch 2.9.0 on NVIDIA H200, bf16 weights". */
const char *peer_name(const struct peer *peer);

/* Has it do what is named (torch_peer.py says what there is) `repeat` times; seconds
 * of one of them. */
int peer_run(struct peer *peer, const char *what, size_t repeat, double *seconds,
             struct error *error);

#endif
