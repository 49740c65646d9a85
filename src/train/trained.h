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

/* A part of an array whose moments are here: from `begin` of the array on, and from
 * `at` of the moments. */
struct trained_run {
    size_t begin, count, at;
};

struct trained {
    size_t count;             /* 0: nothing */
    float *values, *gradient; /* [count] on the device */
    float *first, *second;    /* the moments [kept], on the device */
    real *compute; /* [count] what the model reads; values themselves in f32 */
    bool owns_compute;
    float *average; /* [count] of the values of the last steps, or NULL */

    struct trained_run *runs; /* [pieces] of each piece what is this process's */
    size_t *begins;           /* [pieces + 1] */
    size_t pieces, kept;
    struct ranks *ranks; /* that have the other moments; NULL: all are here */
    float *room;         /* [count] on the host, where there are ranks */
};

/* How ranks share the moments of an array out among themselves (ZeRO's first stage,
 * arXiv 1910.02054): of each of its pieces every rank has the part of ranks_part. */
struct trained_split {
    struct ranks *ranks;  /* NULL: nothing is shared */
    const size_t *begins; /* [pieces + 1], from 0 to count, multiples of 64 but the
                             last; NULL: it is one piece */
    size_t pieces;
};

/* Room for count numbers, the moments 0; the values are put later. compute: where the
 * model reads them, the caller's until trained_free; NULL to make that too. split: NULL
 * for none; its begins are copied. After a failure trained_free is called as after
 * success. */
int trained_new(struct backend *backend, struct trained *trained, size_t count,
                real *compute, const struct trained_split *split, struct error *error);
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

/* One step of Adam (betas 0.9 and 0.999, epsilon 1e-8) down the gradient that is there,
 * of the values whose moments are here; step counts from 0. Does nothing where count is
 * 0. */
void trained_step(struct backend *backend, struct trained *trained, double rate,
                  double decay, unsigned step);

/* Where ranks share the moments, around trained_step; nothing otherwise. Collective: a
 * rank that fails alone gives up (parallel/ranks.h). Each sends (size - 1) / size
 * arrays of f32. */
/* Before it: the gradient of all ranks, added up where the moments are here. */
int trained_reduce(struct backend *backend, struct trained *trained,
                   struct error *error);
/* The same where room has it already, as ranks_add_parts has left it of each piece. */
void trained_take(struct backend *backend, struct trained *trained);
/* After it: the values of all ranks. */
int trained_gather(struct backend *backend, struct trained *trained,
                   struct error *error);

/* The arrays as rank 0 has them, on every rank. Collective. path: the state that rank
 * 0 has resumed from, which has the moments that are not rank 0's; NULL where all are
 * 0. Of the other ranks it is not looked at. */
int trained_spread(struct backend *backend, struct trained *const *list, size_t count,
                   const char *path, struct ranks *ranks, struct error *error);

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

/* Writes the arrays and the state to a safetensors file, with a note (or NULL). Where
 * ranks share moments out, rank 0 does, and all others call trained_lend at that time,
 * which gives it theirs, one array after the other: the file is the same whatever the
 * number of ranks. */
int trained_save(struct backend *backend, struct trained *const *list, size_t count,
                 const struct training_state *state, const char *path, const char *note,
                 struct error *error);
int trained_lend(struct backend *backend, struct trained *const *list, size_t count,
                 struct error *error);

/* Reads such a file back into arrays of the same sizes, of moments those that are kept.
 * state holds kind, batch and has_random as they must be; the rest is filled, step at
 * most `steps`. note (or NULL) receives the file's for free(), NULL where it has none.
 * Arrays are undefined after a failure.
 */
int trained_resume(struct backend *backend, struct trained *const *list, size_t count,
                   unsigned steps, struct training_state *state, const char *path,
                   char **note, struct error *error);
/* Part `part` of array `index` of such a file into values [count of that array]. */
int trained_read(const char *path, struct trained *const *list, size_t index,
                 size_t part, float *values, struct error *error);

/* --- the parts of an array, for the files of this one --------------------------- */

enum { TRAINED_VALUES, TRAINED_FIRST, TRAINED_SECOND, TRAINED_AVERAGE, TRAINED_PARTS };
float *trained_part(const struct trained *trained, size_t part);
/* Whether ranks have the rest of it. */
bool trained_part_shared(const struct trained *trained, size_t part);
/* All of it into values [count] of the host; collective where it is shared. */
int trained_whole(struct backend *backend, const struct trained *trained, size_t part,
                  float *values, struct error *error);
/* Of all of it what is kept here, to the device. */
int trained_set(struct backend *backend, struct trained *trained, size_t part,
                const float *values, struct error *error);

#endif
