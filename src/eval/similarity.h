/* How alike the task vectors are: cosines, module by module. */
#ifndef PWEMOE_EVAL_SIMILARITY_H
#define PWEMOE_EVAL_SIMILARITY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/work.h"
#include "model/layout.h"
#include "store/store.h"

/* A module by its name and its depth. */
struct module_place {
    char name[48]; /* "block 3 mlp" */
    char kind_name[24];
    enum module_kind kind; /* inside the blocks */
    long block;            /* -1 outside them */
};

/* Cosine similarities of the task vectors, module by module (Figure 2). */
struct similarity {
    size_t modules, pairs, tasks;
    struct module_place *module; /* [modules] */
    size_t (*pair)[2];           /* [pairs] tasks a < b */
    double *cosine;              /* [modules, pairs]; NaN where a vector is 0 */
    double *whole;               /* [pairs]: over all modules as one vector */
};

/* Reads the models: (tasks + 1) times their f32 size of memory; where all are LoRA
 * adapters, their factors and a module of each. directory is the
 * folder of results.db. Where work says stop it fails with the text "stopped". */
int similarity_make(const struct store_recipe *recipe, const char *directory,
                    struct similarity *similarity, const struct work *work,
                    struct error *error);
void similarity_clear(struct similarity *similarity);

#endif
