/* Methods that make a model's linear layers one by one, and other processes that make
 * some of them: the layers know nothing of each other.
 *
 * Layers are handed out in groups, those that cost most first. What makes a layer is
 * the same everywhere, so that the bits of a model do not depend on who made what. */
#ifndef PWEMOE_MERGE_LAYERS_SHARE_H
#define PWEMOE_MERGE_LAYERS_SHARE_H

#include <stddef.h>

#include "merge/linear_layer.h"
#include "merge/method.h"

/* Some of a model's layers, to be made. */
struct layers_part {
    const size_t *indices; /* [count] */
    size_t count;
    const float *const *vectors; /* [count, tasks]: the layer's part of each task
                                    vector; NULL where the pool keeps factors */
    float *const *made;          /* [count], shaped as a layer's part of one */
    size_t before, total;        /* how many were begun before, of all: for progress */
};

/* The task vectors [tasks] of the at-th layer of a part, which is ended by
 * layers_vectors_free. Several threads may ask at once. */
struct layers_vectors {
    const float *of[POOL_TASKS_MAX];
    float *own; /* what was made for it; or NULL */
};
int layers_vectors_find(const struct merge_input *input, const struct layers_part *part,
                        size_t at, struct layers_vectors *vectors, struct error *error);
void layers_vectors_free(struct layers_vectors *vectors);
/* The bytes that it takes for a layer of so many numbers. */
size_t layers_vectors_room(const struct merge_input *input, size_t cells);

/* What a method says of its layers. */
struct layers_method {
    size_t (*count)(const struct layout *layout);
    /* *offset: of its weight in the layout. */
    struct linear_layer (*at)(const struct layout *layout, size_t index,
                              size_t *offset);
    int (*make)(const struct merge_input *input, const struct layers_part *part,
                struct error *error);
};

struct layers_groups;

/* Where input->share has others that are free (NULL: there are none). */
struct merge_share {
    /* How many; 0 while they do something else. */
    unsigned (*others)(void *self);
    /* Makes every group, here by layers_group_make or elsewhere by layers_serve, whose
     * bytes come back to layers_group_put. */
    int (*run)(void *self, struct layers_groups *groups, struct error *error);
    void *self;
    unsigned threads; /* how many layers a group has where there are enough; 0: as
                         many as this process has threads */
};

/* merged [layout size] on the host: the mean of the task vectors with weights [tasks],
 * and in it the layers of input->method. */
int layers_merge(const struct merge_input *input, const double *weights, float *merged,
                 struct error *error);

/* --- for who shares them out ------------------------------------------------------ */

size_t layers_group_count(const struct layers_groups *groups);
/* By which method, parameters (nothing is left open in them) and preference. */
const struct merge_input *layers_group_input(const struct layers_groups *groups);
/* The indices of its layers. */
const size_t *layers_group(const struct layers_groups *groups, size_t group,
                           size_t *count);
/* How many numbers they are. */
size_t layers_group_cells(const struct layers_groups *groups, size_t group);
int layers_group_make(struct layers_groups *groups, size_t group, struct error *error);
/* Different groups may be put, and one be made, at the same time. */
int layers_group_put(struct layers_groups *groups, size_t group, const void *bytes,
                     size_t size, struct error *error);
/* The layers of one that was made here, as layers_group_put takes them. */
void layers_group_get(const struct layers_groups *groups, size_t group, float *cells);

/* In the other process: those layers [count] of input->method, one after another as
 * f32; for free(). Refuses indices that the model does not have. */
int layers_serve(const struct merge_input *input, const size_t *indices, size_t count,
                 void **bytes, size_t *size, struct error *error);

#endif
