/* A closed form's linear layers made by ranks that train together: all of them need the
 * same model at the same time, so each makes a part of its layers and all get them. The
 * bits are those of one process, whoever makes what. */
#ifndef PWEMOE_TRAIN_SHARED_LAYERS_H
#define PWEMOE_TRAIN_SHARED_LAYERS_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"
#include "merge/layers_share.h"

struct ranks;

struct shared_layers {
    struct merge_share share; /* NULLs: nothing is shared out */
    struct ranks *ranks;      /* NULL: none */
    bool agreed;              /* the last merge has failed, as all ranks know */
    size_t here, in_all; /* layers that this rank has made, of those of all models */
};

/* Collective: groups are as large as rank 0 has threads. Nothing is shared out where
 * one of the ranks has a device with memory of its own, which makes layers by itself.
 */
int shared_layers_open(struct shared_layers *layers, struct backend *backend,
                       struct ranks *ranks, struct error *error);
/* For a merge_input, of a merge that every rank runs at the same time; NULL where
 * nothing is shared out. */
const struct merge_share *shared_layers_share(const struct shared_layers *layers);
/* After such merges, and whatever else may have failed between them on this rank alone:
 * as ranks_agree, which all of them have then come to once. Collective. */
int shared_layers_agree(struct shared_layers *layers, int result, struct error *error);

#endif
