/* What `show` and `plot` say about routers, as plain numbers. */
#ifndef PWEMOE_COMMAND_WORK_ANALYSIS_H
#define PWEMOE_COMMAND_WORK_ANALYSIS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "eval/similarity.h"
#include "store/store.h"

/* Routing weights of every module at each unit preference (the paper's Figure 8) and
 * at equal ones. */
struct routing {
    size_t modules, tasks;
    unsigned layers;             /* linear layers of each router */
    size_t parameters;           /* of each router */
    struct module_place *module; /* [modules], in order of depth */
    float *weights;              /* [tasks (preference), modules, tasks] */
    float *equal;                /* [modules, tasks] */
};

/* From routers as the store keeps them; no model is needed. */
int routing_make(const struct store_routers *routers, size_t tasks,
                 struct routing *routing, struct error *error);
void routing_clear(struct routing *routing);

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
