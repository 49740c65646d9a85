/* What task vectors are added with: a number for each task, and for each tensor by its
 * name (of method.h). */
#include <stdlib.h>

#include "base/memory.h"
#include "merge/coefficients.h"
#include "merge/method.h"

static const char *name_at(const void *self, size_t index) {
    const struct layout *layout = self;
    return layout->parameters[index].name;
}

/* *factor: of all coefficients. */
static int read_coefficients(const struct merge_input *input, struct coefficients *c,
                             double *factor, struct error *error) {
    const json_t *scale = json_object_get(input->parameters, "scale");
    const json_t *rules = json_object_get(input->parameters, "weight");
    const struct layout *layout = input->pool->layout;
    const char *texts[RULES_MAX];
    size_t tasks = input->pool->tasks, count = json_array_size(rules);
    for (size_t i = 0; i < count && i < RULES_MAX; i++)
        texts[i] = json_string_value(json_array_get(rules, i));
    if (coefficients_parse(NULL, texts, count, (const char *const *)input->pool->names,
                           tasks, c, error))
        return -1;
    *factor = json_is_array(scale) ? 1 : json_number_value(scale);
    if (json_is_array(scale) && json_array_size(scale) != tasks)
        return error_set(error, "%s: scale has %zu numbers, there are %zu tasks",
                         input->method->name, json_array_size(scale), tasks);
    for (size_t t = 0; json_is_array(scale) && t < tasks; t++)
        c->scales[t] = json_number_value(json_array_get(scale, t));
    const struct tensor_names names = {name_at, layout, layout->parameter_count};
    return coefficients_check(c, &names, false, error);
}

int merge_weights_read(const struct merge_input *input, struct merge_weights *weights,
                       struct error *error) {
    const struct layout *layout = input->pool->layout;
    struct coefficients coefficients;
    double factor = 1, of_tensor[COEFFICIENTS_MAX];
    size_t tasks = input->pool->tasks;
    *weights = (struct merge_weights){0};
    int result = read_coefficients(input, &coefficients, &factor, error);
    bool each = json_is_array(json_object_get(input->parameters, "scale"));
    weights->all = (float)factor;
    if (result == 0 && (each || coefficients.rule_count)) {
        weights->cells =
            array_new(layout->parameter_count, tasks * sizeof *weights->cells);
        if (!weights->cells)
            result = error_memory(error);
    }
    for (size_t k = 0; weights->cells && k < layout->parameter_count; k++) {
        coefficients_of(&coefficients, layout->parameters[k].name, of_tensor);
        for (size_t t = 0; t < tasks; t++)
            weights->cells[k * tasks + t] = (float)(factor * of_tensor[t]);
    }
    coefficients_clear(&coefficients);
    return result;
}
