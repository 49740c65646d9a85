/* The methods that are one weight for every task vector: the pretrained model (0), the
 * average (1/T) and task arithmetic (lambda; Ilharco et al. 2023). */
#include "merge/method.h"

static int run_pretrained(const struct merge_input *input, struct merge_result *result,
                          struct error *error) {
    return merge_uniform(input, 0, result, error);
}

static int run_average(const struct merge_input *input, struct merge_result *result,
                       struct error *error) {
    return merge_uniform(input, 1 / (float)input->pool->tasks, result, error);
}

static int run_task_arithmetic(const struct merge_input *input,
                               struct merge_result *result, struct error *error) {
    double scales[POOL_TASKS_MAX];
    bool each;
    if (merge_scales(input, scales, &each, error) ||
        merge_uniform(input, (float)scales[0], result, error))
        return -1;
    for (size_t t = 0; t < input->pool->tasks; t++)
        result->weights[t] = (float)scales[t];
    return 0;
}

const struct merge_method merge_pretrained = {
    .name = "pretrained",
    .summary = "the pretrained model with each expert's head",
    .single = true,
    .run = run_pretrained};

const struct merge_method merge_average = {
    .name = "average", .summary = "the mean of the experts", .run = run_average};

static const struct merge_parameter task_arithmetic_parameters[] = {MERGE_SCALE, {0}};

const struct merge_method merge_task_arithmetic = {
    .name = "task-arithmetic",
    .summary = "theta_0 + sum of scale times task vectors",
    .parameters = task_arithmetic_parameters,
    .run = run_task_arithmetic};
