/* The results of another results.db beside one's own. Both are of one pool: the same
 * tasks in their order, the same objectives, the same pretrained model and experts by
 * their digests, the same examples where both know theirs. What stands for the same is
 * found by content: a run by method, granularity, parameters, the time it began and the
 * routers it saved; a solution by its identity; so nothing is there twice, whichever
 * way and however often files are brought together. */
#ifndef PWEMOE_COMMAND_WORK_IMPORT_RESULTS_H
#define PWEMOE_COMMAND_WORK_IMPORT_RESULTS_H

#include "base/work.h"
#include "store/store.h"

struct import_results {
    size_t runs, advanced; /* new ones; those that had gone further there */
    size_t solutions;      /* new ones */
    size_t figures;        /* that were not here, or not whole */
    size_t others;  /* solutions measured in both whose tensors differ: ours stay */
    size_t unknown; /* tasks and splits whose examples one of the two does not know */
    size_t bookmarks;
    int64_t *ids; /* [solutions], of the new ones; free() */
};

/* All, or nothing where it fails or is stopped. Figures that are stale there, leases,
 * selections and the log stay behind. A bookmark whose name is taken by another gets
 * " (2)" and so on. */
int import_results(struct store *store, const struct store_recipe *recipe,
                   struct store *other, const struct work *work,
                   struct import_results *result, struct error *error);

#endif
