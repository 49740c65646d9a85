/* TIES and DARE as methods of the table (ties.h has the arithmetic). */
#include "merge/method.h"

#include <stdlib.h>

#include "base/memory.h"
#include "merge/ties.h"

/* The parameters of the model as runs of the arena, padding left out. */
static struct select_run *tensor_runs(const struct layout *layout) {
    struct select_run *runs = array_new(layout->parameter_count, sizeof *runs);
    for (size_t i = 0; runs && i < layout->parameter_count; i++)
        runs[i] = (struct select_run){.begin = layout->parameters[i].offset,
                                      .count = layout->parameters[i].count};
    return runs;
}

static int read_vector(void *self, size_t task, size_t begin, size_t count, float *out,
                       struct error *error) {
    return pool_vector(self, task, begin, count, out, error);
}

/* merged [layout size] */
static int trim_and_merge(const struct merge_input *input,
                          const struct select_run *runs, const struct ties *ties,
                          float *merged, struct error *error) {
    struct pool *pool = input->pool;
    size_t count = pool->layout->parameter_count;
    const struct ties_source source = {pool, read_vector};
    if (pool->factors)
        return ties_merge_read(&source, pool->tasks, runs, count, ties, merged,
                               input->work, error);
    const float *vectors = merge_host_vectors(input, error);
    if (!vectors)
        return -1;
    int result = ties_merge(vectors, pool->layout->size, pool->tasks, runs, count, ties,
                            merged, input->work, error);
    merge_host_free(input, vectors);
    return result;
}

/* The merged task vector by ties, times the scaling coefficient. */
static int merge_trimmed(const struct merge_input *input, struct ties ties,
                         struct merge_result *result, struct error *error) {
    const struct layout *layout = input->pool->layout;
    struct select_run *runs = tensor_runs(layout);
    ties.threads = input->pool->backend->threads;
    float *merged = array_new(layout->size, sizeof *merged);
    struct merge_weights weights = {0};
    int status = -1;
    if (!runs || !merged) {
        error_memory(error);
        goto done;
    }
    if (merge_weights_read(input, &weights, error))
        goto done;
    ties.weights = weights.cells;
    if (trim_and_merge(input, runs, &ties, merged, error))
        goto done;
    status =
        merge_own_vector(input, merged, weights.cells ? 1 : weights.all, result, error);
done:
    free(runs);
    free(weights.cells);
    free(merged);
    return status;
}

static int run_ties(const struct merge_input *input, struct merge_result *result,
                    struct error *error) {
    struct ties ties = {.keep = merge_number(input, "keep"),
                        .trim = (enum ties_trim)merge_word(input, "trim"),
                        .sum = merge_word(input, "sum") ? TIES_MEAN : TIES_SUM,
                        .seed = (uint64_t)merge_number(input, "seed")};
    return merge_trimmed(input, ties, result, error);
}

static int run_dare(const struct merge_input *input, struct merge_result *result,
                    struct error *error) {
    struct ties ties = {.keep = 1 - merge_number(input, "drop"),
                        .trim = TIES_TRIM_DARE,
                        .sum = TIES_ALL,
                        .seed = (uint64_t)merge_number(input, "seed")};
    return merge_trimmed(input, ties, result, error);
}

static const struct merge_parameter ties_parameters[] = {
    MERGE_SCALE,
    MERGE_WEIGHT,
    {.name = "keep",
     .initial = 0.2,
     .low = 0,
     .high = 1,
     .above_low = true,
     .help = "fraction of entries that trimming keeps"},
    {.name = "trim",
     .words = "whole|tensor|dare",
     .help = "trim over the whole vector (the original), in each tensor (mergekit), or "
             "by chance (DARE)"},
    {.name = "sum",
     .words = "sum|mean",
     .help = "of the entries that agree with the elected sign"},
    {MERGE_SEED, .with = "trim=dare", .help = "another seed, other entries"},
    {0}};

const struct merge_method merge_ties = {
    .name = "ties",
    .summary = "trim, elect sign, disjoint merge (Yadav et al. 2023)",
    .parameters = ties_parameters,
    .run = run_ties};

const struct merge_parameter merge_dare_parameters[] = {
    MERGE_SCALE,
    MERGE_WEIGHT,
    {.name = "drop",
     .initial = 0.5,
     .low = 0,
     .high = 0.999,
     .help = "probability that an entry of a task vector is dropped"},
    {MERGE_SEED, .help = "another seed, other entries"},
    {0}};

const struct merge_method merge_dare = {
    .name = "dare",
    .summary =
        "task arithmetic with entries dropped by chance, the rest divided by the "
        "probability to stay (Yu et al. 2024)",
    .parameters = merge_dare_parameters,
    .run = run_dare};
