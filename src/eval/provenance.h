/* What an exported model says of itself: pwemoe.json, and the heads of all tasks.
 *
 * pwemoe.json is an object: format 1; name of the recipe; kind, method, parameters,
 * preference (array or null); model_sha256 of the tensors; pretrained and experts
 * (path, size, sha256; experts by task); objectives by task (value, low, high,
 * examples, complete), where measured; settled: of a method that decides by data what
 * its parameters leave open, the parameters as decided; weights: for each tensor the T
 * numbers that multiplied its task vectors, in the order of `tasks`, for methods that
 * are such sums. theta = theta_0 + sum_t weights[t] (theta_t - theta_0) makes the same
 * file from the sources; but where there is correction_weight, so many times a vector
 * that the run in results.db has was added, and where there is correction_weights, for
 * each tensor, so many times each of that run's; answered: of a surrogate's answer, the
 * method, parameters and preference that made the model. */
#ifndef PWEMOE_EVAL_PROVENANCE_H
#define PWEMOE_EVAL_PROVENANCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "checkpoint/export.h"
#include "moe/pool.h"
#include "store/store.h"

/* The part that the recipe gives: name, tasks, pretrained, experts. NULL when
 * memory is out. */
json_t *provenance_sources(const struct store_recipe *recipe);

/* "heads/NAME.safetensors", where a model directory keeps this task's head: the
 * task's name with '_' for every byte but letters, digits, '.', '_' and '-', and with
 * ~1, ~2, ... (the task's place) behind it where another task's would be the same.
 * free(); NULL when memory is out. */
char *provenance_head_name(const struct store_recipe *recipe, size_t task);

struct provenance {
    const struct store_recipe *recipe;
    const json_t *sources; /* provenance_sources of it */
    const struct pool *pool;
    const struct head *heads; /* [tasks] that the model was measured with */
    const struct store_solution *solution;
    const char *sha256;
    const char *dtype; /* of the weights, where it was asked for, or NULL */
    bool measured; /* false: with that dtype it is another model than the figures' */
    const struct store_evaluation *figures; /* [tasks]; examples 0: not measured */
    const float *const *weights; /* [parameters] rows of T numbers, or NULLs; */
    size_t corrections;          /* and behind them those of so many vectors more; */
    bool by_tensor;              /* these are not the same for every tensor */
    const json_t *answered; /* of an answer of a surrogate: what made it, or NULL */
    const json_t *settled;  /* parameters with what they left open decided, or NULL */
};

/* pwemoe.json and heads/TASK.safetensors, as files for an export. */
struct provenance_files {
    struct export_file *files;
    size_t count;
};
int provenance_write(const struct provenance *provenance,
                     struct provenance_files *files, struct error *error);
void provenance_files_clear(struct provenance_files *files);

#endif
