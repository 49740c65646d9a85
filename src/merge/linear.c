/* The methods that are one weight for every task vector: the pretrained model (0), the
 * average (1/T) and task arithmetic (lambda; Ilharco et al. 2023). */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "merge/method.h"

static int run_pretrained(const struct merge_input *input, struct merge_result *result,
                          struct error *error) {
    return merge_uniform(input, 0, result, error);
}

static int run_average(const struct merge_input *input, struct merge_result *result,
                       struct error *error) {
    return merge_uniform(input, 1 / (float)input->pool->tasks, result, error);
}

/* Whether every tensor has the weights of the first. */
static bool is_even(const float *cells, size_t tensors, size_t tasks) {
    for (size_t k = 1; k < tensors; k++)
        if (memcmp(cells, cells + k * tasks, tasks * sizeof *cells) != 0)
            return false;
    return true;
}

static size_t largest(const struct layout *layout) {
    size_t most = 1;
    for (size_t k = 0; k < layout->parameter_count; k++)
        if (layout->parameters[k].count > most)
            most = layout->parameters[k].count;
    return most;
}

/* The task vectors added up with other weights in each tensor. */
static int add_up(const struct merge_input *input, const float *cells,
                  struct merge_result *result, struct error *error) {
    const struct layout *layout = input->pool->layout;
    size_t tasks = input->pool->tasks;
    float *sum = array_new(layout->size, sizeof *sum);
    float *x = array_new(largest(layout), sizeof *x);
    int status = sum && x ? 0 : error_memory(error);
    for (size_t k = 0; status == 0 && k < layout->parameter_count; k++)
        for (size_t t = 0; status == 0 && t < tasks; t++) {
            const struct parameter *p = &layout->parameters[k];
            status = pool_vector(input->pool, t, p->offset, p->count, x, error);
            for (size_t i = 0; status == 0 && i < p->count; i++)
                sum[p->offset + i] += cells[k * tasks + t] * x[i];
        }
    if (status == 0)
        status = merge_own_vector(input, sum, 1, result, error);
    free(x);
    free(sum);
    return status;
}

static int run_task_arithmetic(const struct merge_input *input,
                               struct merge_result *result, struct error *error) {
    size_t tasks = input->pool->tasks;
    struct merge_weights weights;
    int status = merge_weights_read(input, &weights, error);
    if (status == 0 && weights.cells &&
        !is_even(weights.cells, input->pool->layout->parameter_count, tasks)) {
        status = add_up(input, weights.cells, result, error);
    } else if (status == 0) {
        status = merge_uniform(input, weights.all, result, error);
        if (status == 0 && weights.cells)
            memcpy(result->weights, weights.cells, tasks * sizeof *weights.cells);
    }
    free(weights.cells);
    return status;
}

const struct merge_method merge_pretrained = {
    .name = "pretrained",
    .summary = "the pretrained model with each expert's head",
    .single = true,
    .run = run_pretrained};

const struct merge_method merge_average = {
    .name = "average", .summary = "the mean of the experts", .run = run_average};

static const struct merge_parameter task_arithmetic_parameters[] = {
    MERGE_SCALE, MERGE_WEIGHT, {0}};

const struct merge_method merge_task_arithmetic = {
    .name = "task-arithmetic",
    .summary = "theta_0 + sum of scale times task vectors",
    .parameters = task_arithmetic_parameters,
    .run = run_task_arithmetic};
