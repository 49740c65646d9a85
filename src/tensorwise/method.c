#include "tensorwise/method.h"

#include <string.h>

#include "base/memory.h"
#include "base/random.h"

#define METHOD_TABLE     \
    ROW(average)         \
    ROW(task_arithmetic) \
    ROW(ties)            \
    ROW(dare)            \
    ROW(breadcrumbs)     \
    ROW(della)           \
    ROW(slerp)           \
    ROW(karcher)         \
    ROW(model_stock)     \
    ROW(wudi)            \
    ROW(tsv_m)           \
    ROW(iso_c)           \
    ROW(iso_cts)

#define ROW(name) extern const struct tensorwise_method tensorwise_##name;
METHOD_TABLE
#undef ROW
#define ROW(name) &tensorwise_##name,
static const struct tensorwise_method *const methods[] = {METHOD_TABLE};
#undef ROW

enum { METHODS = sizeof methods / sizeof *methods };

const struct tensorwise_method *const *tensorwise_methods(size_t *count) {
    if (count)
        *count = METHODS;
    return methods;
}

const struct tensorwise_method *tensorwise_method_find(const char *name,
                                                       struct error *error) {
    const char *names[METHODS];
    for (size_t i = 0; i < METHODS; i++) {
        if (strcmp(methods[i]->head.name, name) == 0)
            return methods[i];
        names[i] = methods[i]->head.name;
    }
    const char *nearest = text_nearest(name, names, METHODS);
    error_set(error, "unknown merging method '%s'%s%s%s", name,
              nearest ? "; did you mean " : "", nearest ? nearest : "",
              nearest ? "?" : "; see pwemoe merge-to --help");
    return NULL;
}

double tensorwise_number(const struct tensor_input *input, const char *name) {
    return json_number_value(json_object_get(input->parameters, name));
}

int tensorwise_word(const struct tensor_input *input, const char *name) {
    const struct merge_input place = {.method = &input->method->head,
                                      .parameters = input->parameters};
    return merge_word(&place, name);
}

uint64_t tensorwise_sequence(const struct tensor_input *input, size_t expert) {
    struct random random;
    uint64_t hash = 14695981039346656037u; /* FNV-1a of the name */
    for (const char *c = input->values->tensor->base->name; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    random_seed(&random, (uint64_t)tensorwise_number(input, "seed"), expert);
    return random_at(random.state[0], hash);
}
