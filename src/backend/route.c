#include "backend/route.h"

void route_hidden(const struct route *r, size_t module, const float *preference,
                  float *x) {
    struct route_parts p = route_parts_of(r);
    size_t tasks = r->tasks;
    for (size_t i = 0; i < p.hidden; i++) {
        if (r->layers == 1) {
            x[i] = preference[i];
            continue;
        }
        size_t unit = module * p.hidden + i;
        const float *w = r->parameters + p.hidden_weight + unit * tasks;
        float sum = r->parameters[p.hidden_bias + unit];
        for (size_t t = 0; t < tasks; t++)
            sum += w[t] * preference[t];
        x[i] = sum > 0 ? sum : 0;
    }
}

void route_weights(const struct route *r, const float *preference, float *weights) {
    struct route_parts p = route_parts_of(r);
    size_t tasks = r->tasks;
    float x[2 * ROUTE_TASKS_MAX];
    for (size_t m = 0; m < r->modules; m++) {
        route_hidden(r, m, preference, x);
        for (size_t t = 0; t < tasks; t++) {
            size_t unit = m * tasks + t;
            const float *w = r->parameters + p.output_weight + unit * p.hidden;
            float sum = r->parameters[p.output_bias + unit];
            for (size_t i = 0; i < p.hidden; i++)
                sum += w[i] * x[i];
            weights[unit] = sum;
        }
    }
    for (size_t t = 0; t < tasks; t++)
        weights[r->modules * tasks + t] = r->lambda;
}
