/* A surrogate as bytes of results.db and back; of surrogate.h. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"
#include "checkpoint/safetensors.h"
#include "moe/quadratic.h"
#include "moe/surrogate.h"

static json_t *numbers(const double *x, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_real(x[i]));
    return array;
}

static json_t *parameters_at(const struct surrogate *s, const double *x) {
    json_t *object = json_loads(s->parameters, 0, NULL);
    if (object && !s->by_preference)
        json_object_set_new(object, "scale", numbers(x, s->tasks));
    return object;
}

char *surrogate_parameters(const struct surrogate *s, const double *x,
                           struct error *error) {
    json_t *object = parameters_at(s, x);
    char *text = object ? json_text_dump(object, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
    json_decref(object);
    if (!text)
        error_memory(error);
    return text;
}

json_t *surrogate_about(const struct surrogate *s, const double *x) {
    json_t *object =
        json_pack("{s:s, s:o}", "method", s->method, "parameters", parameters_at(s, x));
    if (object && s->by_preference)
        json_object_set_new(object, "preference", numbers(x, s->tasks));
    return object;
}

static const char blob_kind[] = "pwemoe-surrogate";
static const char *const tensor_names[] = {"coefficients", "points"};

static int read_numbers(void *self, size_t index, uint64_t offset, void *out,
                        size_t room, size_t *got, struct error *error) {
    (void)error;
    const struct surrogate *s = self;
    const double *from = index ? s->points : s->coefficients;
    size_t count = index ? 2 * s->measured * s->tasks : s->tasks * s->terms;
    size_t left = count * sizeof *from - (size_t)offset;
    *got = room < left ? room : left;
    memcpy(out, (const char *)from + offset, *got);
    return 0;
}

/* Everything but the coefficients. */
static json_t *describe(const struct surrogate *s) {
    json_t *objectives = json_array();
    for (size_t t = 0; t < s->tasks; t++) {
        const struct surrogate_objective *o = &s->objectives[t];
        json_array_append_new(
            objectives, json_pack("{s:b, s:f, s:f, s:f, s:f}", "percent", o->percent,
                                  "best", o->best, "worst", o->worst, "held_out",
                                  o->held_out, "deviation", o->deviation));
    }
    return json_pack("{s:s, s:s, s:b, s:f, s:f, s:o}", "method", s->method,
                     "parameters", s->parameters, "by_preference", s->by_preference,
                     "least", s->least, "most", s->most, "objectives", objectives);
}

int surrogate_to_memory(const struct surrogate *s, void **bytes, size_t *size,
                        struct error *error) {
    struct tensor_source sources[] = {
        {.rank = 2,
         .shape = {s->tasks, s->terms},
         .bytes = s->tasks * s->terms * sizeof(double)},
        {.rank = 2,
         .shape = {s->measured, 2 * s->tasks},
         .bytes = s->measured * 2 * s->tasks * sizeof(double)}};
    for (size_t i = 0; i < 2; i++) {
        sources[i].name = tensor_names[i];
        sources[i].dtype_name = "F64";
    }
    json_t *object = describe(s);
    char *text = object ? json_text_dump(object, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
    json_decref(object);
    if (!text)
        return error_memory(error);
    const char *metadata[] = {"format",    "pt", "kind", blob_kind,
                              "surrogate", text, NULL};
    int result = safetensors_write_memory(sources, 2, metadata, read_numbers,
                                          (void *)(uintptr_t)s, bytes, size, error);
    free(text);
    return result;
}

bool surrogate_is(const void *bytes, size_t size) {
    return safetensors_memory_is(bytes, size, blob_kind);
}

static bool take_objective(const json_t *object, struct surrogate_objective *o) {
    int percent;
    if (json_unpack((json_t *)(uintptr_t)object, "{s:b, s:F, s:F, s:F, s:F}", "percent",
                    &percent, "best", &o->best, "worst", &o->worst, "held_out",
                    &o->held_out, "deviation", &o->deviation))
        return false;
    o->percent = percent;
    return isfinite(o->best) && isfinite(o->worst) && o->best != o->worst;
}

/* A tensor of finite numbers [rows, columns], in fresh memory; NULL where it is none.
 */
static double *take_numbers(const struct safetensors *file, const char *name,
                            size_t *rows, size_t columns) {
    const struct tensor *tensor = safetensors_find(file, name);
    if (!tensor || tensor->dtype != DTYPE_F64 || tensor->rank != 2 ||
        tensor->shape[1] != columns)
        return NULL;
    double *numbers = array_new(tensor->count, sizeof *numbers);
    bool finite = numbers;
    if (numbers)
        memcpy(numbers, tensor->data, tensor->count * sizeof *numbers);
    for (size_t i = 0; finite && i < tensor->count; i++)
        finite = isfinite(numbers[i]);
    *rows = (size_t)tensor->shape[0];
    if (finite)
        return numbers;
    free(numbers);
    return NULL;
}

static bool take_tensors(const struct safetensors *file, struct surrogate *s) {
    size_t rows;
    free(s->coefficients);
    s->coefficients = take_numbers(file, tensor_names[0], &rows, s->terms);
    if (!s->coefficients || rows != s->tasks)
        return false;
    s->points = take_numbers(file, tensor_names[1], &s->measured, 2 * s->tasks);
    return s->points != NULL;
}

static bool is_object(const char *text) {
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    bool is = json_is_object(object);
    json_decref(object);
    return is;
}

static int take(const struct safetensors *file, const char *label,
                struct surrogate **out, struct error *error) {
    const char *text = safetensors_metadata(file, "surrogate");
    const char *method, *parameters;
    json_t *object = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    json_t *objectives = NULL;
    struct surrogate *s = NULL;
    int by_preference;
    double least, most;
    bool sound =
        json_unpack(object, "{s:s, s:s, s:b, s:F, s:F, s:o}", "method", &method,
                    "parameters", &parameters, "by_preference", &by_preference, "least",
                    &least, "most", &most, "objectives", &objectives) == 0 &&
        json_is_array(objectives) && least > 0 && most >= least && isfinite(most) &&
        is_object(parameters);
    int result = 0;
    if (sound)
        result = surrogate_new(json_array_size(objectives), method, parameters,
                               by_preference, &s, error);
    if (sound && result == 0) {
        s->least = least;
        s->most = most;
        for (size_t t = 0; t < s->tasks && sound; t++)
            sound = take_objective(json_array_get(objectives, t), &s->objectives[t]);
        sound = sound && take_tensors(file, s);
    }
    json_decref(object);
    if (sound && result == 0) {
        *out = s;
        return 0;
    }
    surrogate_free(s);
    return result ? error_prefix(error, "%s", label)
                  : error_set(error, "%s: is a damaged surrogate", label);
}

int surrogate_from_memory(const void *bytes, size_t size, const char *label,
                          struct surrogate **surrogate, struct error *error) {
    struct safetensors *file;
    if (safetensors_open_memory(bytes, size, label, &file, error))
        return -1;
    int result = take(file, label, surrogate, error);
    safetensors_close(file);
    return result;
}
