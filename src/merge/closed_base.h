/* A closed form as the base of a correction (moe/correction.h, the form wudi): merges
 * make it anew for each preference, where the mean of the experts is one pass over the
 * vectors. It does not draw preferences to the middle (shrink 0), so that the whole
 * weight on one task is that task's expert. */
#ifndef PWEMOE_MERGE_CLOSED_BASE_H
#define PWEMOE_MERGE_CLOSED_BASE_H

#include <jansson.h>

#include "base/error.h"
#include "base/work.h"
#include "data/dataset.h"
#include "moe/correction.h"
#include "moe/pool.h"

struct closed_base;
struct merge_share;

/* The ridge of `pwemoe merge --method wudi`, which training examples [tasks] decide.
 * share may be NULL (layers_share.h), here and below. */
int closed_base_choose(struct pool *pool, const struct dataset *const *train,
                       const struct merge_share *share, double *ridge,
                       const struct work *work, struct error *error);
/* pool and share are the caller's. */
int closed_base_new(struct pool *pool, double ridge, const struct merge_share *share,
                    struct closed_base **base, struct error *error);
void closed_base_free(struct closed_base *base); /* NULL is fine */
/* Its parameters as those of `pwemoe merge --method wudi`: the base's. */
const json_t *closed_base_parameters(const struct closed_base *base);

/* correction_merge, after the base was put where the correction has it; base is NULL
 * for a correction of another form. */
int closed_base_merge(struct closed_base *base, struct correction *correction,
                      const double *preference, real *out, struct error *error);

#endif
