/* Numbers that Adam trains on the device: f32 master values with their state, and the
 * reals that a model computes with. And all of a training's numbers as one file, from
 * which it goes on bit for bit. */
#ifndef PWEMOE_TRAIN_TRAINED_H
#define PWEMOE_TRAIN_TRAINED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/error.h"
#include "base/random.h"

struct ranks;

struct trained {
    size_t count;                              /* 0: nothing */
    float *values, *gradient, *first, *second; /* [count] on the device */
    real *compute; /* [count] what the model reads; values themselves in f32 */
    bool owns_compute;
    float *average; /* [count] of the values of the last steps, or NULL */
};

/* Room for count numbers, the moments 0; the values are put later. compute: where the
 * model reads them, the caller's until trained_free; NULL to make that too. After a
 * failure trained_free is called as after success. */
int trained_new(struct backend *backend, struct trained *trained, size_t count,
                real *compute, struct error *error);
void trained_free(struct backend *backend, struct trained *trained);

/* values [count] of the host to the device, as f32 and as reals. */
int trained_put(struct backend *backend, struct trained *trained, const float *values,
                struct error *error);

/* Keeps the average of the values from now on; it is saved with them. */
int trained_keep_average(struct backend *backend, struct trained *trained,
                         struct error *error);
/* average += (values - average) / window. */
void trained_average(struct backend *backend, struct trained *trained, double window);
/* The average takes the values' place, and values [count], of the host, become what
 * they were; trained_put puts them back. */
int trained_show_average(struct backend *backend, struct trained *trained,
                         float *values, struct error *error);

/* One step of Adam (betas 0.9 and 0.999, epsilon 1e-8) down the gradient that is there;
 * step counts from 0. Does nothing where count is 0. */
void trained_step(struct backend *backend, struct trained *trained, double rate,
                  double decay, unsigned step);

/* The arrays as rank 0 has them, on every rank (parallel/ranks.h). Collective. */
int trained_spread(struct backend *backend, struct trained *trained,
                   struct ranks *ranks, struct error *error);

/* A training between two steps, without its arrays. */
struct training_state {
    const char *kind;     /* which training: refused by another */
    unsigned step;        /* steps done */
    uint64_t batch;       /* examples of each task at a step */
    struct random random; /* where has_random */
    bool has_random;
    /* Whatever else the training keeps: the caller's when it is saved; when it is
     * resumed in fresh memory (free()), NULL where the file has none. */
    void *extra;
    size_t extra_size;
};

/* Writes the arrays and the state to a safetensors file, with a note (or NULL). */
int trained_save(struct backend *backend, struct trained *const *list, size_t count,
                 const struct training_state *state, const char *path, const char *note,
                 struct error *error);

/* Reads such a file back into arrays of the same sizes. state holds kind, batch
 * and has_random as they must be; the rest is filled, step at most `steps`. note (or
 * NULL) receives the file's for free(), NULL where it has none. Arrays are undefined
 * after a failure.
 */
int trained_resume(struct backend *backend, struct trained *const *list, size_t count,
                   unsigned steps, struct training_state *state, const char *path,
                   char **note, struct error *error);

#endif
