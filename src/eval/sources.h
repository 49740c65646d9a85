/* From a recipe in the store to models and data in memory: the paths, the checks
 * and the refusals, in one place for evaluation and training. directory is the
 * folder that relative paths start from: that of results.db. */
#ifndef PWEMOE_EVAL_SOURCES_H
#define PWEMOE_EVAL_SOURCES_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"
#include "base/work.h"
#include "data/dataset.h"
#include "eval/source_path.h"
#include "moe/pool.h"
#include "store/store.h"

/* Compares the pretrained model and every expert with the stored fingerprints, which
 * are taken again only where the files' stamps are not those that the recipe has
 * (base/file_stamp.h); new stamps go into the recipe and the store, so that neither
 * what comes next nor the next start reads those files again. A checkpoint that is
 * missing or has changed is an error that names it. */
int sources_check(struct store *store, struct store_recipe *recipe,
                  const char *directory, const struct work *work, struct error *error);

/* The pool of the recipe's models (pool.h); zero-shot heads are made first, as
 * task_heads.h tells, or by each model's own text tower where that is merged too. */
int sources_pool(const struct store_recipe *recipe, const char *directory,
                 struct backend *backend, struct pool **pool, const struct work *work,
                 struct error *error);

/* The same by pool_open_factors. */
int sources_pool_factors(const struct store_recipe *recipe, const char *directory,
                         struct backend *backend, struct pool **pool,
                         const struct work *work, struct error *error);

struct sources_data {
    size_t task;
    const char *split; /* "train" or "test" */
    /* In place of a split: those of task_examples_path, where no label is looked at.
     * Those of the recipe's `unlabelled` are all labelled 0. */
    bool unlabelled;
    size_t limit; /* 0: all */
    unsigned threads;
};
/* One task's images or texts of one split (dataset.h). */
int sources_dataset(const struct store_recipe *recipe, const char *directory,
                    const struct sources_data *which, const struct example_form *form,
                    struct dataset **dataset, const struct work *work,
                    struct error *error);

#endif
