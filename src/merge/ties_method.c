/* TIES as a method of the table (ties.h has the arithmetic). */
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

static int run_ties(const struct merge_input *input, struct merge_result *result,
                    struct error *error) {
    const struct layout *layout = input->pool->layout;
    struct ties ties = {.keep = merge_number(input, "keep"),
                        .trim = (enum ties_trim)merge_word(input, "trim"),
                        .sum = merge_word(input, "sum") ? TIES_MEAN : TIES_SUM,
                        .threads = input->pool->backend->threads};
    struct select_run *runs = tensor_runs(layout);
    float *merged = array_new(layout->size, sizeof *merged);
    const float *vectors = NULL;
    int status = -1;
    if (!runs || !merged) {
        error_memory(error);
        goto done;
    }
    vectors = merge_host_vectors(input, error);
    if (!vectors)
        goto done;
    if (ties_merge(vectors, layout->size, input->pool->tasks, runs,
                   layout->parameter_count, &ties, merged, input->work, error))
        goto done;
    status = merge_own_vector(input, merged, (float)merge_number(input, "scale"),
                              result, error);
done:
    if (vectors)
        merge_host_free(input, vectors);
    free(runs);
    free(merged);
    return status;
}

static const struct merge_parameter parameters[] = {
    MERGE_SCALE,
    {.name = "keep",
     .initial = 0.2,
     .low = 0,
     .high = 1,
     .above_low = true,
     .help = "fraction of entries that trimming keeps"},
    {.name = "trim",
     .words = "whole|tensor",
     .help = "trim over the whole vector (the original) or each tensor (mergekit)"},
    {.name = "sum",
     .words = "sum|mean",
     .help = "of the entries that agree with the elected sign"},
    {0}};

const struct merge_method merge_ties = {
    .name = "ties",
    .summary = "trim, elect sign, disjoint merge (Yadav et al. 2023)",
    .parameters = parameters,
    .run = run_ties};
