/* Shapes of real models, the operations that they need, and the memory. */
#ifndef PWEMOE_BENCH_SHAPES_H
#define PWEMOE_BENCH_SHAPES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/layout.h"
#include "moe/upscaling.h"

struct shape {
    const char *name; /* "vit-b32", "vit-l14", "vit-tiny", "tiny" */
    struct model_config config;
};

/* An unknown name is an error that says which there are. */
const struct shape *shape_find(const char *name, struct error *error);

/* Parameters of the layout, its gaps not counted. */
double shape_parameters(const struct layout *layout);

/* Operations of one image's forward pass: two for each multiplication of the matrix
 * products and of attention; all else is not counted. stem: with the patch embedding.
 */
double shape_forward_operations(const struct model_config *config, bool stem);
/* The same of one image's share of a router step: forward, backward to the lowest
 * module with a router, and the weight gradients of modules with routers. */
double shape_step_operations(const struct model_config *config,
                             enum granularity granularity);

/* Elements of the arena that routers steer. */
size_t shape_steered(const struct upscaling *upscaling);

/* Bytes of device memory, reckoned from the layout for `tasks` task vectors and `real`
 * bytes an element. Not in it: a backend's own working space. */
struct shape_memory {
    double pool;       /* base and task vectors */
    double merge;      /* with the merged model */
    double evaluation; /* with the activations and inputs of a batch of images */
    double training;   /* rather with those of a router step; tasks x batch images */
};

struct shape_use {
    size_t tasks, real;
    size_t batch;   /* examples of each task in a training step */
    size_t images;  /* of an evaluation batch */
    size_t batches; /* of a training step that are on the device: 2 where the next one
                       is sent ahead */
    bool gathers;   /* struct backend's: gradients are kept of a whole module */
    size_t groups;  /* gradients kept apart: 1 for LS, `tasks` for EPO and MGDA */
};

struct shape_memory shape_memory_of(const struct layout *layout,
                                    const struct shape_use *use);

#endif
