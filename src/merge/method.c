#include "merge/method.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "merge/linear.h"

static const struct merge_method *const methods[] = {
    &merge_pretrained,
    &merge_average,
    &merge_task_arithmetic,
};

enum { METHODS = sizeof methods / sizeof *methods };

const struct merge_method *const *merge_methods(size_t *count) {
    if (count)
        *count = METHODS;
    return methods;
}

const struct merge_method *merge_method_find(const char *name, struct error *error) {
    const char *names[METHODS];
    for (size_t i = 0; i < METHODS; i++) {
        if (strcmp(methods[i]->name, name) == 0)
            return methods[i];
        names[i] = methods[i]->name;
    }
    const char *nearest = text_nearest(name, names, METHODS);
    if (nearest)
        error_set(error, "merging method \"%s\" is not known; did you mean %s?", name,
                  nearest);
    else
        error_set(error, "merging method \"%s\" is not known; see pwemoe merge --help",
                  name);
    return NULL;
}

static bool knows(const struct merge_method *method, const char *key) {
    if (method->takes_scale && strcmp(key, "scale") == 0)
        return true;
    for (size_t i = 0; method->keys && method->keys[i]; i++)
        if (strcmp(method->keys[i], key) == 0)
            return true;
    return false;
}

int merge_run(const struct merge_method *method, const struct merge_input *input,
              struct merge_result *result, struct error *error) {
    *result = (struct merge_result){0};
    void *at = json_object_iter((json_t *)input->parameters);
    for (; at; at = json_object_iter_next((json_t *)input->parameters, at))
        if (!knows(method, json_object_iter_key(at)))
            return error_set(error, "%s takes no parameter \"%s\"", method->name,
                             json_object_iter_key(at));
    if (method->run(input, result, error)) {
        merge_result_clear(input->pool, result);
        return -1;
    }
    return 0;
}

void merge_result_clear(struct pool *pool, struct merge_result *result) {
    free(result->weights);
    pool->backend->release(pool->backend, result->owned);
    *result = (struct merge_result){0};
}

int merge_scale(const json_t *parameters, double fallback, double *scale,
                struct error *error) {
    const json_t *value = json_object_get(parameters, "scale");
    *scale = fallback;
    if (!value)
        return 0;
    if (!json_is_number(value) || !isfinite(json_number_value(value)))
        return error_set(error, "scale must be a number");
    *scale = json_number_value(value);
    return 0;
}

int merge_uniform(const struct merge_input *input, float weight,
                  struct merge_result *result, struct error *error) {
    struct pool *pool = input->pool;
    result->vectors = pool->vectors;
    result->stride = pool->layout->size;
    result->count = pool->tasks;
    result->weights = array_new(pool->tasks, sizeof *result->weights);
    if (!result->weights)
        return error_memory(error);
    for (size_t t = 0; t < pool->tasks; t++)
        result->weights[t] = weight;
    return 0;
}
