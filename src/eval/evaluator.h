/* From a solution to its objective vector: the pool of models and the held-out
 * data in memory, one merged model at a time, batch after batch.
 *
 * This is what the explorer, `pwemoe front` and `pwemoe eval` drive. A struct
 * evaluator is used by one thread at a time and never writes to the store; the
 * caller stores what is complete (keeping.h). */
#ifndef PWEMOE_EVAL_EVALUATOR_H
#define PWEMOE_EVAL_EVALUATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/error.h"
#include "base/sha256.h"
#include "base/work.h"
#include "checkpoint/dtype.h"
#include "eval/running.h"
#include "store/store.h"

struct evaluator;
struct merge_share;

struct evaluator_options {
    const char *device; /* "auto", "cpu", "cuda:N" */
    enum precision precision;
    unsigned threads;  /* 0: one for each core */
    size_t batch;      /* images a batch; 0: a default for the device */
    size_t limit;      /* at most this many held-out examples of each task; 0: all */
    const char *split; /* "test" or "train" */
    struct store
        *store; /* keeps the stamps of checkpoints (sources.h); NULL: none are kept */
    /* Where commands measure the tasks (metric_command.h): whether they may be run,
     * which a person has to say who knows the file, how many at a time (0: one, or one
     * for each device) and on which devices (job_devices.h; NULL: all see all). */
    bool allow_commands;
    bool makes_only; /* models are made, and nothing is measured */
    unsigned jobs;
    const char *job_devices;
    const char *spill; /* a folder for the task vectors (backend_spill), or NULL */
    const struct merge_share *share; /* who makes layers beside it (layers_share.h);
                                        NULL: nobody */
};

/* recipe must live as long as the evaluator; its stamps are brought up to date.
 * Loads pretrained model, experts, heads and held-out data as the recipe says.
 * Checkpoints whose fingerprint is not the stored one are refused, naming them.
 * note receives the line of backend_open, or, under "auto", that of a GPU whose memory
 * is too small, instead of which the CPU is used. progress: "reading", bytes or images.
 */
int evaluator_open(struct store_recipe *recipe, const char *directory,
                   const struct evaluator_options *options,
                   struct evaluator **evaluator, char note[256],
                   const struct work *work, struct error *error);
void evaluator_close(struct evaluator *evaluator); /* NULL is fine */

size_t evaluator_tasks(const struct evaluator *evaluator);
/* Held-out examples of a task. */
size_t evaluator_examples(const struct evaluator *evaluator, size_t task);
/* "cpu (2 threads, AVX2)" */
const char *evaluator_device(const struct evaluator *evaluator);

/* Where it runs, to be measured: no operation of it may be called meanwhile. */
struct backend *evaluator_backend(struct evaluator *evaluator);
/* What backend_remark has to say of it; "": nothing. */
void evaluator_remark(const struct evaluator *evaluator, char line[256]);
/* Whether that has memory of its own. */
bool evaluator_on_device(const struct evaluator *evaluator);
/* Whether the device has failed (backend_lost): everything fails from then on, but
 * evaluator_close, and another evaluator on "cpu" can go on. */
bool evaluator_lost(const struct evaluator *evaluator);
/* After a failure: whether the device may be its reason (backend_blamed). */
bool evaluator_device_blamed(const struct evaluator *evaluator);

/* Makes routers, or a correction (moe/correction.h), as a blob of the store, the
 * current ones for evaluator_begin_preference. Refused where they do not fit the pool.
 */
int evaluator_use_routers(struct evaluator *evaluator, const void *blob, size_t size,
                          struct error *error);
/* What the routers' panel shows. Modules in order of depth: "block 3 mlp"; none of a
 * correction. */
size_t evaluator_modules(const struct evaluator *evaluator);
const char *evaluator_module_name(const struct evaluator *evaluator, size_t module);
/* weights [modules, tasks] of the current routers at a preference. */
int evaluator_routing(const struct evaluator *evaluator, const double *preference,
                      float *weights, struct error *error);

/* Starts the evaluation of a merged model; one that runs is dropped. The weights
 * are unloaded (the merge is done) before these return. */
int evaluator_begin_preference(struct evaluator *evaluator, const double *preference,
                               struct error *error);
/* kind "merge": methods average, task-arithmetic, ...; kind "single": methods
 * "pretrained", "stl" (each task by its own expert). parameters: JSON object.
 * preference: [tasks], or NULL; refused where the method takes none. */
int evaluator_begin_method(struct evaluator *evaluator, const char *method,
                           const char *parameters, const double *preference,
                           const struct work *work, struct error *error);

/* Some layers of such a model for another process (layers_serve): method and parameters
 * are those of layers_group_input there, on the same pool. Nothing of it stays here. */
int evaluator_make_layers(struct evaluator *evaluator, const char *method,
                          const char *parameters, const double *preference,
                          const size_t *indices, size_t count, void **bytes,
                          size_t *size, const struct work *work, struct error *error);

/* After evaluator_begin_preference: fits each task's head to the current model
 * (merge/head_fit.h), or where shared is not NULL, all of them by one map at that
 * preference [tasks]; it is measured and exported with these. A method does it by
 * itself where its parameters have heads=fitted or shared. */
int evaluator_fit_heads(struct evaluator *evaluator, const double *shared,
                        const struct work *work, struct error *error);

/* The model in a directory of the pool's shape: an export, or one trained
 * elsewhere. Each task's head is heads/TASK.safetensors of the directory where it
 * has that, else the pool's. It is not exported again. */
int evaluator_begin_directory(struct evaluator *evaluator, const char *path,
                              struct error *error);

/* Whether commands measure; and, after a begin, figures of this very model that are
 * known, of which commands are then not run: how many. */
bool evaluator_commanded(const struct evaluator *evaluator);
size_t evaluator_take(struct evaluator *evaluator,
                      const struct store_evaluation *evaluations);
/* Whether a budget of commands that measure leaves no other model: a begin then fails.
 * line says whose. */
bool evaluator_spent(const struct evaluator *evaluator, char line[256]);

/* What the last begin took to make the model, without loading and measuring: seconds,
 * and the memory that was needed (backend_peak). On the CPU that counts all that the
 * evaluator holds, from before the making on. 0 and 0 for models that are not made
 * (a directory; each task by its own expert). */
void evaluator_cost(const struct evaluator *evaluator, double *seconds,
                    uint64_t *peak_bytes);

/* Evaluates one batch: of the task with the fewest examples seen, relative to its
 * split, among those preferred as long as they have any, in one order fixed for all
 * solutions; on a GPU of several such tasks, side by side. Returns 1 when every task is
 * complete (running then holds the final figures), 0 when there is more, -1. */
int evaluator_step(struct evaluator *evaluator, struct running *running /* [tasks] */,
                   struct error *error);

/* Whose batches come first, a bit a task (0: none's): those that somebody waits for.
 * Holds until it is changed; each task's own order stays. */
void evaluator_prefer(struct evaluator *evaluator, uint64_t tasks);

/* The current model's hash: SHA-256 over the tensors as export writes them. That takes
 * all of the weights to the host and some tenths of a second for a model of 90 million
 * numbers, too long between two preferences of a drag. Where work says stop it fails
 * with the text "stopped". */
int evaluator_model_sha256(struct evaluator *evaluator, char hex[SHA256_HEX],
                           const struct work *work, struct error *error);
/* Fills evaluations [tasks] for store_evaluations_put, split and all. `correct` points
 * into the evaluator and holds until the next begin. */
void evaluator_results(const struct evaluator *evaluator,
                       struct store_evaluation *evaluations);

/* Exports the current model; solution describes it in pwemoe.json, with figures
 * [tasks] (those of the store; NULL: what this evaluator has measured). Where
 * solution has a hash and the model has another, nothing is written. head: a task
 * number whose head becomes the model's classifier, or -1. dtype: of the weights, NULL
 * for those of the pretrained model; where another changes values, pwemoe.json has no
 * figures (evaluator_keeps_values). */
int evaluator_export(struct evaluator *evaluator, const char *path,
                     const struct store_solution *solution,
                     const struct store_evaluation *figures, int head,
                     const enum dtype *dtype, const struct work *work,
                     struct error *error);
/* Whether models of this evaluator are the same ones with weights of that dtype. */
bool evaluator_keeps_values(const struct evaluator *evaluator, enum dtype dtype);

#endif
