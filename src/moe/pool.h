/* The pool of models: the pretrained one and the task vectors of its experts, as
 * arenas on one device. */
#ifndef PWEMOE_MOE_POOL_H
#define PWEMOE_MOE_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"
#include "base/work.h"
#include "checkpoint/directory.h"
#include "model/feed.h"
#include "model/heads.h"
#include "model/layout.h"

enum { POOL_TASKS_MAX = ROUTE_TASKS_MAX };

struct pool {
    struct backend *backend; /* the caller's */
    struct model_directory *pretrained;
    struct layout *layout;
    struct example_form form;
    size_t tasks;
    real *base;         /* (size) */
    real *vectors;      /* (tasks, size) task vectors theta_t - theta_0 */
    bool room;          /* for one vector more behind them (pool_make_room) */
    struct head *heads; /* [tasks] */
};

/* What a task brings. head: a path, or "" for the expert's own classifier. made: NULL,
 * or the head itself; it moves into the pool and is left empty. */
struct pool_task {
    const char *name, *expert, *head;
    struct head *made;
};

/* 1 to POOL_TASKS_MAX tasks. model: "clip-vision", "vit", "gpt2-classifier" or
 * NULL. An expert of another
 * shape is refused. */
int pool_open(struct backend *backend, const char *model, const char *pretrained,
              const struct pool_task *tasks, size_t task_count, struct pool **pool,
              const struct work *work, struct error *error);
void pool_close(struct pool *pool); /* NULL is fine */

/* Room for one vector more behind the task vectors, of zeros, once: they move to other
 * memory, for a moment twice what they take. */
int pool_make_room(struct pool *pool, struct error *error);

#endif
