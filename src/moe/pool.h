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
#include "model/zero_shot.h"
#include "moe/task_factors.h"

enum { POOL_TASKS_MAX = ROUTE_TASKS_MAX };

struct pool {
    struct backend *backend; /* the caller's */
    struct model_directory *pretrained;
    struct layout *layout;
    struct example_form form;
    size_t tasks;
    char **names;  /* [tasks] */
    real *base;    /* (size) */
    real *vectors; /* (tasks, size) task vectors theta_t - theta_0; or NULL, and */
    struct task_factors *factors; /* they are kept so */
    size_t room;                  /* so many vectors more (pool_make_room), */
    real *more; /* (room, size): behind the task vectors or, of factors, alone */
    struct head *heads; /* [tasks] each as its own expert has it */
    /* Where both towers of CLIP are merged: what zero-shot heads are made of again for
     * each model. prompts [tasks], those without classes of tasks whose head stays. */
    struct zero_shot *text;
    struct zero_shot_task *prompts;
};

/* What a task brings. head: a path, or "" for the expert's own classifier. made: NULL,
 * or the head itself; prompts: NULL, or what a head is made of by the text tower of
 * each model ("clip" alone). Both move into the pool and are left empty. */
struct pool_task {
    const char *name, *expert, *head;
    struct head *made;
    struct zero_shot_task *prompts;
};

/* 1 to POOL_TASKS_MAX tasks. model: "clip-vision", "clip" (both towers), "vit",
 * "gpt2-classifier" or NULL. An expert of another shape is refused. */
int pool_open(struct backend *backend, const char *model, const char *pretrained,
              const struct pool_task *tasks, size_t task_count, struct pool **pool,
              const struct work *work, struct error *error);
/* The same for those who merge by an unloader, train routers, and ask pool_vector for
 * what they read: of LoRA adapters factors are kept where task_factors_new has them. */
int pool_open_factors(struct backend *backend, const char *model,
                      const char *pretrained, const struct pool_task *tasks,
                      size_t task_count, bool always, struct pool **pool,
                      const struct work *work, struct error *error);
void pool_close(struct pool *pool); /* NULL is fine */

/* Room for so many vectors more, of zeros unless it is there. Behind task vectors,
 * which move to other memory, for a moment twice what they take. */
int pool_make_room(struct pool *pool, size_t count, struct error *error);

/* out [count] = a task's vector from element begin on, as f32 on the host: of whole
 * parameters. The dense ones come from the device, one thread at a time. */
int pool_vector(const struct pool *pool, size_t task, size_t begin, size_t count,
                float *out, struct error *error);

/* Whether a task's head is another one for each model (pool_head). */
bool pool_head_follows(const struct pool *pool, size_t task);
/* The zero-shot head of a task whose head follows, by the text tower of weights (layout
 * size) on the device; freed with head_clear. */
int pool_head(struct pool *pool, const real *weights, size_t task, struct head *head,
              struct error *error);
/* The same put into the bank's place of that task, or of each; nothing where heads do
 * not follow. */
int pool_put_head(struct pool *pool, const real *weights, size_t task,
                  struct head_bank *bank, struct error *error);
int pool_put_heads(struct pool *pool, const real *weights, struct head_bank *bank,
                   struct error *error);

#endif
