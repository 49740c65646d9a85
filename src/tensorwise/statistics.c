#include "tensorwise/statistics.h"

#include <math.h>
#include <string.h>

bool statistics_is(const char *name) {
    const char *last = strrchr(name, '.');
    last = last ? last + 1 : name;
    return strcmp(last, "running_mean") == 0 || strcmp(last, "running_var") == 0;
}

void statistics_decide(const struct tensor_input *input, struct blend *blend) {
    const struct merge_method *head = &input->method->head;
    size_t count = input->values->models->count;
    const json_t *scale = json_object_get(input->parameters, "scale");
    bool shares = input->method->relative || input->method->unweighted || !scale;
    double sum = 0, c[MODELS_MAX];
    for (size_t t = 0; t < count; t++) {
        c[t] =
            head->takes_preference ? input->preference[t] : fmax(0, input->weights[t]);
        if (!shares)
            c[t] = fmax(0, c[t] * json_number_value(scale));
        sum += c[t];
    }
    *blend = (struct blend){.base = 1, .scale = 1};
    for (size_t t = 0; t < count; t++)
        blend->weights[t] = sum > 1 || (shares && sum > 0) ? c[t] / sum
                            : shares                       ? 1 / (double)count
                                                           : c[t];
}
