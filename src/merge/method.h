/* Merging methods without routers: average, task arithmetic and the others.
 *
 * Every method gives theta = theta_0 + sum_t weights[t] vectors[t]: either the
 * pool's own task vectors with T weights, or vectors of the method's making. To
 * add a method: one file with a `const struct merge_method merge_NAME`, one row in
 * method.c. */
#ifndef PWEMOE_MERGE_METHOD_H
#define PWEMOE_MERGE_METHOD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"
#include "base/work.h"
#include "data/dataset.h"
#include "moe/pool.h"

/* A parameter of a method. Values are JSON numbers, or one of the words. */
struct merge_parameter {
    const char *name;  /* NULL ends a list */
    const char *words; /* "whole|tensor", the first is the default; NULL: a number */
    bool whole;        /* only whole numbers */
    double initial, low, high;
    bool each;      /* or an array of numbers, one for each task */
    bool rules;     /* an array of texts (coefficients.h), or none; not by --set */
    bool above_low; /* low itself is not allowed */
    /* "trim=dare": the parameter is there only where another one, listed before it, is
     * that word. So a model is not known by what has no part in it. */
    const char *with;
    const char *help;
};

/* The scaling coefficient lambda, of every method that has one. */
#define MERGE_SCALE                                                            \
    {                                                                          \
        .name = "scale", .initial = 0.3, .low = -10, .high = 10, .each = true, \
        .help = "scaling coefficient"                                          \
    }
/* Coefficients of single tensors, of every method that has one for each task. */
#define MERGE_WEIGHT                                                        \
    {                                                                       \
        .name = "weight", .rules = true,                                    \
        .help = "coefficients by the names of tensors: given with --weight" \
    }
/* How many examples of each task a method looks at. */
#define MERGE_EXAMPLES                                                            \
    {                                                                             \
        .name = "examples", .whole = true, .initial = 256, .low = 1, .high = 1e6, \
        .help = "training examples of each task"                                  \
    }
/* How far a preference is drawn to equal weights. */
#define MERGE_SHRINK                                             \
    {                                                            \
        .name = "shrink", .initial = 0.3, .low = 0, .high = 1,   \
        .help = "how far a preference is drawn to equal weights" \
    }
/* The seed of a method that draws at random: any that a double has exactly. */
#define MERGE_SEED .name = "seed", .whole = true, .high = 9007199254740992.0

/* Those of DARE, the same for a pool of models and for directories. */
extern const struct merge_parameter merge_dare_parameters[];
/* Those of TSV-M and Iso-C, and of Iso-CTS, in the same way. */
extern const struct merge_parameter merge_singular_parameters[],
    merge_common_singular_parameters[];

struct merge_method;
struct merge_share;

/* What a method keeps from one model of a pool to the next, which is its own business:
 * its owner begins with zeros, and ends it with merge_kept_clear before the pool goes
 * or another method comes. */
struct merge_kept {
    void *state;
    void (*free)(void *state);
};
void merge_kept_clear(struct merge_kept *kept);

struct merge_input {
    const struct merge_method *method;
    struct pool *pool;
    const json_t *parameters; /* of merge_parameters: each one is there and sound */
    const double *preference; /* [tasks], on the simplex: where the method takes one
                                 it sees equal weights in place of NULL */
    const struct dataset *const *train; /* [tasks], where the method needs data, or uses
                                           data and there are any */
    struct merge_kept *kept;            /* NULL: nothing is kept */
    const struct merge_share *share; /* other processes; NULL: none (layers_share.h) */
    const struct work *work;
};

struct merge_result {
    const real *vectors; /* on the device, `stride` elements apart; NULL: the pool's
                            task vectors, which are kept as factors */
    size_t stride, count;
    float *weights; /* [count] on the host, owned */
    real *owned;    /* device memory behind vectors, or NULL: the pool's */
};

struct merge_method {
    const char *name;
    const char *summary;   /* half a line for help */
    bool single;           /* no merge: kept as kind "single", not "merge" */
    bool needs_data;       /* training examples of every task */
    bool uses_data;        /* the same where the recipe names them, without labels */
    bool takes_preference; /* another model for each preference vector */
    const struct merge_parameter *parameters; /* NULL: none */
    /* Its linear layers, where each is made by itself (layers_share.h); or NULL. */
    const struct layers_method *layers;
    /* Decides what input->parameters leave to the method, in a copy of them, and does
     * nothing where that was done; NULL: nothing is left to it. */
    int (*settle)(const struct merge_input *input, json_t *parameters,
                  struct error *error);
    int (*run)(const struct merge_input *input, struct merge_result *result,
               struct error *error);
};

/* The table, in the order in which help lists it; count may be NULL. */
const struct merge_method *const *merge_methods(size_t *count);
/* NULL with an error naming the nearest where there is none. */
const struct merge_method *merge_method_find(const char *name, struct error *error);
/* Parameters that every method with a run function has: heads, "own", "fitted" or
 * "shared" (head_fit.h). Merging itself knows nothing of it; who measures or writes the
 * model fits them. "own" is left out of what merge_parameters gives, so that models
 * stored before keep their identity. */
const struct merge_parameter *merge_common_parameters(void);
/* What was trained, which has these alone; it is no row of the table. */
extern const struct merge_method merge_trained;
/* Whether they are fitted in either way, and whether by one map for all. */
bool merge_heads_fitted(const json_t *parameters);
bool merge_heads_shared(const json_t *parameters);
/* The parameter of that name, of the method or common, or NULL. */
const struct merge_parameter *merge_parameter_find(const struct merge_method *method,
                                                   const char *name);

/* given (an object, may be NULL), checked, with the defaults of what it lacks: a new
 * object, by which results.db knows the model. NULL with an error that names the
 * parameter and its range. */
json_t *merge_parameters(const struct merge_method *method, const json_t *given,
                         struct error *error);

/* A line for help: "0.2; above 0 and at most 1: fraction of ..." Returns out. */
char *merge_parameter_text(const struct merge_parameter *parameter, char *out,
                           size_t size);

/* The parameters with what they leave to the method decided (a new object): slow where
 * data decide. With these the same model is made for any preference, and nothing is
 * decided again. NULL with an error. */
json_t *merge_settle(const struct merge_input *input, struct error *error);

/* Refuses a preference that the method does not take, and data that it lacks. */
int merge_run(const struct merge_input *input, struct merge_result *result,
              struct error *error);
void merge_result_clear(struct pool *pool, struct merge_result *result);

/* --- for the methods ------------------------------------------------------------ */

double merge_number(const struct merge_input *input, const char *name);
/* What the task vectors are added with, of MERGE_SCALE and MERGE_WEIGHT. */
struct merge_weights {
    float all;    /* of every task and tensor, where cells is NULL */
    float *cells; /* [parameters of the layout, tasks], owned */
};
/* A scale for each task is the task's weight in every tensor, and a rule's number takes
 * its place where the rule holds; with one scale for all that number is a factor of it.
 * Fails where there is another number of scales than of tasks, and on rules for tasks
 * and tensors that are not there. */
int merge_weights_read(const struct merge_input *input, struct merge_weights *weights,
                       struct error *error);
/* The place of the value among the parameter's words, from 0. */
int merge_word(const struct merge_input *input, const char *name);

/* A result over the pool's own task vectors, every weight the same. */
int merge_uniform(const struct merge_input *input, float weight,
                  struct merge_result *result, struct error *error);
/* A result over one vector of the method's own, from the host, with that weight. */
int merge_own_vector(const struct merge_input *input, const float *vector, float weight,
                     struct merge_result *result, struct error *error);
/* The same over one that is on the device, whose memory becomes the result's. */
int merge_own_made(const struct merge_input *input, real *vector,
                   struct merge_result *result, struct error *error);
/* All task vectors as f32 on the host, the layout's size apart: the pool's own memory
 * where it can be read in place. NULL with an error; ended by merge_host_free. Not of a
 * pool that keeps factors: pool_vector has a part of one. */
const float *merge_host_vectors(const struct merge_input *input, struct error *error);
void merge_host_free(const struct merge_input *input, const float *vectors);

#endif
