#include "moe/routers.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/route.h"
#include "base/memory.h"
#include "checkpoint/safetensors.h"

struct route routers_route(const struct routers *r) {
    return (struct route){r->layers, r->modules, r->tasks, r->lambda, r->parameters};
}

static struct route_parts parts_of(const struct routers *r) {
    struct route route = routers_route(r);
    return route_parts_of(&route);
}

size_t routers_parameter_count(unsigned layers, size_t modules, size_t tasks) {
    size_t one = layers == 2 ? 2 * (2 * tasks * tasks) + 2 * tasks + tasks
                             : tasks * tasks + tasks;
    return modules * one;
}

static struct routers *routers_allocate(enum granularity granularity, unsigned layers,
                                        size_t modules, size_t tasks, float lambda) {
    struct routers *r = array_new(1, sizeof *r);
    if (!r)
        return NULL;
    r->granularity = granularity;
    r->layers = layers;
    r->modules = modules;
    r->tasks = tasks;
    r->lambda = lambda;
    r->count = routers_parameter_count(layers, modules, tasks);
    r->parameters = array_new(r->count, sizeof *r->parameters);
    if (!r->parameters) {
        routers_free(r);
        return NULL;
    }
    return r;
}

int routers_new(enum granularity granularity, unsigned layers, size_t modules,
                size_t tasks, float lambda, struct random *random,
                struct routers **routers, struct error *error) {
    struct routers *r = routers_allocate(granularity, layers, modules, tasks, lambda);
    if (!r)
        return error_memory(error);
    struct route_parts p = parts_of(r);
    for (size_t i = 0; i < p.hidden_bias; i++)
        r->parameters[i] = (float)(0.01 * random_normal(random));
    for (size_t i = p.output_weight; i < p.output_bias; i++)
        r->parameters[i] = (float)(0.01 * random_normal(random));
    for (size_t i = p.output_bias; i < r->count; i++)
        r->parameters[i] = lambda;
    *routers = r;
    return 0;
}

void routers_free(struct routers *routers) {
    if (!routers)
        return;
    free(routers->parameters);
    free(routers);
}

enum { HIDDEN_MAX = 2 * ROUTE_TASKS_MAX };

static void hidden_layer(const struct routers *r, size_t module,
                         const double *preference, float *x) {
    float given[ROUTE_TASKS_MAX];
    struct route route = routers_route(r);
    for (size_t t = 0; t < r->tasks; t++)
        given[t] = (float)preference[t];
    route_hidden(&route, module, given, x);
}

void routers_forward(const struct routers *r, const double *preference,
                     float *weights) {
    float given[ROUTE_TASKS_MAX];
    struct route route = routers_route(r);
    for (size_t t = 0; t < r->tasks; t++)
        given[t] = (float)preference[t];
    route_weights(&route, given, weights);
}

void routers_backward(const struct routers *r, const double *preference,
                      const float *dweights, float *gradient) {
    struct route_parts p = parts_of(r);
    size_t t = r->tasks, h = p.hidden;
    float x[HIDDEN_MAX];
    for (size_t m = 0; m < r->modules; m++) {
        const float *dw = dweights + m * t;
        hidden_layer(r, m, preference, x);
        for (size_t i = 0; i < t; i++) {
            gradient[p.output_bias + m * t + i] = dw[i];
            for (size_t j = 0; j < h; j++)
                gradient[p.output_weight + (m * t + i) * h + j] = dw[i] * x[j];
        }
        if (r->layers == 1)
            continue;
        for (size_t j = 0; j < h; j++) {
            float dx = 0;
            for (size_t i = 0; i < t; i++)
                dx += dw[i] * r->parameters[p.output_weight + (m * t + i) * h + j];
            if (!(x[j] > 0))
                dx = 0;
            gradient[p.hidden_bias + m * h + j] = dx;
            for (size_t i = 0; i < t; i++)
                gradient[p.hidden_weight + (m * h + j) * t + i] =
                    dx * (float)preference[i];
        }
    }
}

void routers_jacobian(const struct routers *r, const double *preference,
                      float *jacobian) {
    struct route_parts p = parts_of(r);
    size_t t = r->tasks, h = p.hidden;
    float x[HIDDEN_MAX];
    for (size_t m = 0; m < r->modules; m++) {
        hidden_layer(r, m, preference, x);
        for (size_t i = 0; i < t; i++) {
            const float *out = r->parameters + p.output_weight + (m * t + i) * h;
            float *row = jacobian + (m * t + i) * t;
            for (size_t s = 0; s < t; s++) {
                float sum = r->layers == 1 ? out[s] : 0;
                for (size_t j = 0; r->layers == 2 && j < h; j++)
                    if (x[j] > 0)
                        sum += out[j] *
                               r->parameters[p.hidden_weight + (m * h + j) * t + s];
                row[s] = sum;
            }
        }
    }
}

static int read_parameters(void *self, size_t index, uint64_t offset, void *out,
                           size_t room, size_t *got, struct error *error) {
    (void)error;
    const struct routers *r = self;
    struct route_parts p = parts_of(r);
    const size_t bounds[] = {p.hidden_weight, p.hidden_bias, p.output_weight,
                             p.output_bias, r->count};
    size_t part = index + (r->layers == 1 ? 2 : 0);
    size_t left = (bounds[part + 1] - bounds[part]) * sizeof(float) - (size_t)offset;
    *got = room < left ? room : left;
    memcpy(out, (const char *)(r->parameters + bounds[part]) + offset, *got);
    return 0;
}

int routers_to_memory(const struct routers *r, void **bytes, size_t *size,
                      struct error *error) {
    struct route_parts p = parts_of(r);
    size_t m = r->modules, t = r->tasks, h = p.hidden;
    struct tensor_source sources[] = {
        {.name = "hidden.weight",
         .rank = 3,
         .shape = {m, h, t},
         .bytes = m * h * t * 4},
        {.name = "hidden.bias", .rank = 2, .shape = {m, h}, .bytes = m * h * 4},
        {.name = "output.weight",
         .rank = 3,
         .shape = {m, t, h},
         .bytes = m * t * h * 4},
        {.name = "output.bias", .rank = 2, .shape = {m, t}, .bytes = m * t * 4}};
    for (size_t i = 0; i < 4; i++)
        sources[i].dtype_name = "F32";
    char lambda[32], layers[16];
    snprintf(lambda, sizeof lambda, "%.9g", (double)r->lambda);
    snprintf(layers, sizeof layers, "%u", r->layers);
    const char *metadata[] = {
        "format",         "pt",      "kind",
        "pwemoe-routers", "upscale", granularity_name(r->granularity),
        "layers",         layers,    "lambda",
        lambda,           NULL};
    size_t first = r->layers == 1 ? 2 : 0;
    return safetensors_write_memory(sources + first, 4 - first, metadata,
                                    read_parameters, (void *)r, bytes, size, error);
}

/* Copies a tensor of the expected shape into its place. */
static int take(const struct safetensors *file, const char *name, const char *label,
                unsigned rank, const uint64_t *shape, float *out, struct error *error) {
    const struct tensor *tensor = safetensors_find(file, name);
    if (!tensor || tensor->dtype != DTYPE_F32 || tensor->rank != rank ||
        memcmp(tensor->shape, shape, rank * sizeof *shape) != 0)
        return error_set(error, "%s: %s is missing or not of the expected shape", label,
                         name);
    return tensor_to_f32(tensor, label, out, error);
}

int routers_from_memory(const void *bytes, size_t size, const char *label,
                        struct routers **routers, struct error *error) {
    struct safetensors *file;
    if (safetensors_open_memory(bytes, size, label, &file, error))
        return -1;
    struct routers *r = NULL;
    const char *upscale = safetensors_metadata(file, "upscale");
    const char *layers = safetensors_metadata(file, "layers");
    const char *lambda = safetensors_metadata(file, "lambda");
    const struct tensor *bias = safetensors_find(file, "output.bias");
    enum granularity granularity;
    char *end = NULL;
    float coefficient = lambda ? strtof(lambda, &end) : NAN;
    bool two = layers && strcmp(layers, "2") == 0;
    if (!upscale || !layers || !bias || bias->rank != 2 || !isfinite(coefficient) ||
        *end || (!two && strcmp(layers, "1") != 0)) {
        error_set(error, "%s: is not a router file of pwemoe", label);
        goto failed;
    }
    if (granularity_parse(upscale, &granularity, error)) {
        error_prefix(error, "%s", label);
        goto failed;
    }
    uint64_t m = bias->shape[0], t = bias->shape[1], h = two ? 2 * t : t;
    if (m < 1 || m > 1 << 16 || t < 1 || h > HIDDEN_MAX) {
        error_set(error, "%s: has %llu modules and %llu tasks; that is not possible",
                  label, (unsigned long long)m, (unsigned long long)t);
        goto failed;
    }
    r = routers_allocate(granularity, two ? 2 : 1, (size_t)m, (size_t)t, coefficient);
    if (!r) {
        error_memory(error);
        goto failed;
    }
    struct route_parts p = parts_of(r);
    if ((two && (take(file, "hidden.weight", label, 3, (uint64_t[]){m, h, t},
                      r->parameters, error) ||
                 take(file, "hidden.bias", label, 2, (uint64_t[]){m, h},
                      r->parameters + p.hidden_bias, error))) ||
        take(file, "output.weight", label, 3, (uint64_t[]){m, t, h},
             r->parameters + p.output_weight, error) ||
        take(file, "output.bias", label, 2, (uint64_t[]){m, t},
             r->parameters + p.output_bias, error))
        goto failed;
    safetensors_close(file);
    *routers = r;
    return 0;
failed:
    routers_free(r);
    safetensors_close(file);
    return -1;
}
