/* What `show` and `plot` say about routers and task vectors, as plain numbers. */
#ifndef PWEMOE_COMMAND_WORK_ANALYSIS_H
#define PWEMOE_COMMAND_WORK_ANALYSIS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/work.h"
#include "model/layout.h"
#include "store/store.h"

struct analysis_module {
    char name[48]; /* "block 3 mlp" */
    char kind_name[24];
    enum module_kind kind; /* inside the blocks */
    long block;            /* -1 outside them */
};

/* Routing weights of every module at each unit preference (the paper's Figure 8) and
 * at equal ones. */
struct routing {
    size_t modules, tasks;
    unsigned layers;                /* linear layers of each router */
    size_t parameters;              /* of each router */
    struct analysis_module *module; /* [modules], in order of depth */
    float *weights;                 /* [tasks (preference), modules, tasks] */
    float *equal;                   /* [modules, tasks] */
};

/* From routers as the store keeps them; no model is needed. */
int routing_make(const struct store_routers *routers, size_t tasks,
                 struct routing *routing, struct error *error);
void routing_clear(struct routing *routing);

/* Cosine similarities of the task vectors, module by module (Figure 2). */
struct similarity {
    size_t modules, pairs, tasks;
    struct analysis_module *module; /* [modules] */
    size_t (*pair)[2];              /* [pairs] tasks a < b */
    double *cosine;                 /* [modules, pairs]; NaN where a vector is 0 */
};

/* Reads the models: (tasks + 1) times their f32 size of memory. directory is the
 * folder of results.db. */
int similarity_make(const struct store_recipe *recipe, const char *directory,
                    struct similarity *similarity, const struct work *work,
                    struct error *error);
void similarity_clear(struct similarity *similarity);

/* The routers of a run: run 0 is the one that answers (answerer_run) among those of
 * this method and granularity, where these are not NULL. run and routers are the
 * caller's to clear. */
int analysis_find_routers(struct store *store, uint64_t run, const char *method,
                          const char *upscale, struct store_run *found,
                          struct store_routers *routers, struct error *error);
/* The same among runs that have modules to steer: corrections are passed over, unless
 * named by run. */
extern const char ANALYSIS_ANY_MODULES[]; /* for upscale */

#endif
