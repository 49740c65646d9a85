#include "results/row.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

double row_average(const struct store_row *row, const struct store_recipe *recipe) {
    double sum = 0;
    size_t present = 0;
    for (size_t t = 0; t < recipe->task_count; t++)
        if (row->evaluations[t].present) {
            sum += row->evaluations[t].value;
            present++;
        }
    return present && store_recipe_averages(recipe) ? sum / (double)present
                                                    : (double)NAN;
}

int row_digits(const struct store_objective *objective, double value) {
    if (store_objective_percent(objective) || fabs(value) >= 100)
        return 2;
    return fabs(value) >= 10 ? 3 : 4;
}

double row_scale(const struct store_row *row) {
    const char *parameters = row->solution.parameters;
    if (!parameters || !strstr(parameters, "\"scale\""))
        return (double)NAN;
    json_t *object = json_loads(parameters, 0, NULL);
    json_t *scale = json_object_get(object, "scale");
    double value = json_is_number(scale) ? json_number_value(scale) : (double)NAN;
    json_decref(object);
    return value;
}
