/* The models that commands measure: made, known by their hash, exported. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"
#include "base/usage.h"
#include "eval/commanded_state.h"

/* --- making a model --------------------------------------------------------------- */

/* Rules, and a scale for each task, become the experts' coefficients; the scale of all
 * is 1 with the latter. */
static int take_weights(const struct commanded *c, json_t *parameters,
                        struct coefficients *coefficients, struct error *error) {
    const json_t *scales = json_object_get(c->parameters, "scale");
    const json_t *rules = json_object_get(c->parameters, "weight");
    const char *texts[RULES_MAX];
    const struct tensor_names names = models_names(&c->models);
    for (size_t i = 0; i < json_array_size(rules) && i < RULES_MAX; i++)
        texts[i] = json_string_value(json_array_get(rules, i));
    if (coefficients_parse(NULL, texts, json_array_size(rules), c->models.names,
                           c->models.count, coefficients, error) ||
        coefficients_check(coefficients, &names, false, error))
        return -1;
    json_object_del(parameters, "weight");
    if (!json_is_array(scales))
        return 0;
    if (json_array_size(scales) != c->models.count)
        return error_set(error, "%s: scale has %zu numbers, there are %zu tasks",
                         c->method->head.name, json_array_size(scales),
                         c->models.count);
    for (size_t t = 0; t < c->models.count; t++)
        coefficients->scales[t] = json_number_value(json_array_get(scales, t));
    return json_object_set_new(parameters, "scale", json_real(1)) ? error_memory(error)
                                                                  : 0;
}

static int write_model(struct commanded *c, const char *path, const json_t *about,
                       const struct work *work, struct error *error) {
    struct coefficients coefficients;
    json_t *parameters = json_copy(c->parameters);
    if (!parameters)
        return error_memory(error);
    if (take_weights(c, parameters, &coefficients, error)) {
        coefficients_clear(&coefficients);
        json_decref(parameters);
        return -1;
    }
    const struct merging merging = {.models = &c->models,
                                    .method = c->method,
                                    .parameters = parameters,
                                    .coefficients = &coefficients,
                                    .preference = c->preference,
                                    .shard_size = (uint64_t)5e9,
                                    .threads = c->threads};
    int result = merging_write(&merging, path, about, work, error);
    coefficients_clear(&coefficients);
    json_decref(parameters);
    return result;
}

static json_t *about_model(const struct commanded *c) {
    json_t *object = json_pack("{s:i, s:o, s:s, s:O}", "format", 1, "name",
                               json_text_string(c->recipe->name), "method",
                               c->method->head.name, "parameters", c->parameters);
    if (!object || !c->method->head.takes_preference)
        return object;
    json_t *preference = json_array();
    for (size_t t = 0; t < c->models.count; t++)
        json_array_append_new(preference, json_real(c->preference[t]));
    json_object_set_new(object, "preference", preference);
    return object;
}

/* The parameters of a solution, as the methods here have them: a ridge that is left to
 * data is the one of where there are none. */
static int take_parameters(struct commanded *c, const char *parameters,
                           struct error *error) {
    json_t *given = json_loads(parameters && *parameters ? parameters : "{}",
                               JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(given)) {
        json_decref(given);
        return error_set(error, "parameters of %s are not a JSON object",
                         c->method->head.name);
    }
    if (json_number_value(json_object_get(given, "ridge")) == 0)
        json_object_del(given, "ridge");
    c->parameters = merge_parameters(&c->method->head, given, error);
    json_decref(given);
    return c->parameters ? 0 : -1;
}

static int make_model(struct commanded *c, const struct work *work,
                      struct error *error) {
    double began = usage_clock();
    json_t *about = about_model(c);
    uint64_t bytes = models_bytes(&c->models) / (c->models.count + 1);
    if (model_place_new(bytes, &c->place, error)) {
        json_decref(about);
        return -1;
    }
    if (!about || !(c->model = text_format("%s/model", c->place.path))) {
        json_decref(about);
        return error_memory(error);
    }
    int result = write_model(c, c->model, about, work, error);
    json_decref(about);
    c->seconds = usage_clock() - began;
    return result;
}

/* The pretrained model is measured where it lies. */
static int begin(struct commanded *c, const char *method, const char *parameters,
                 const double *preference, const struct work *work,
                 struct error *error) {
    size_t tasks = c->recipe->task_count;
    if (store_method_role(method) == STORE_ROLE_EXPERTS) {
        c->single = true;
        return 0;
    }
    if (store_method_role(method) == STORE_ROLE_PRETRAINED) {
        c->model = strdup(c->pretrained);
        return c->model ? model_place_stamp(c->model, c->stamp, error)
                        : error_memory(error);
    }
    if (!(c->method = tensorwise_method_find(method, error)))
        return -1;
    if (preference && !c->method->head.takes_preference)
        return error_set(error, "%s takes no preference", method);
    if (tasks < c->method->least || (c->method->most && tasks > c->method->most))
        return error_set(error, "%s does not merge %zu experts", method, tasks);
    for (size_t t = 0; t < tasks; t++)
        c->preference[t] = preference ? preference[t] : 1 / (double)tasks;
    return take_parameters(c, parameters, error) || make_model(c, work, error) ||
                   model_place_stamp(c->model, c->stamp, error)
               ? -1
               : 0;
}

bool commanded_spent(const struct commanded *c, char line[256]) {
    char why[96];
    for (size_t t = 0; t < c->recipe->task_count; t++)
        if (metric_command_spent(&c->commands[t], c->spent[t].seconds, c->spent[t].runs,
                                 why)) {
            snprintf(line, 256, "task %s: %s", TEXT_CUT(c->recipe->tasks[t].name, 120),
                     why);
            return true;
        }
    return false;
}

static int refuse_spent(const struct commanded *c, struct error *error) {
    char line[256];
    return commanded_spent(c, line) ? error_set(error, "%s", line) : 0;
}

int commanded_begin_method(struct commanded *c, const char *method,
                           const char *parameters, const double *preference,
                           const struct work *work, struct error *error) {
    commanded_restart(c);
    if (refuse_spent(c, error) ||
        begin(c, method, parameters, preference, work, error)) {
        commanded_restart(c);
        return -1;
    }
    c->begun = true;
    return 0;
}

int commanded_begin_directory(struct commanded *c, const char *path,
                              struct error *error) {
    commanded_restart(c);
    if (refuse_spent(c, error))
        return -1;
    /* Commands run in another folder than this program. */
    c->model = realpath(path, NULL);
    if (!c->model)
        return error_set(error, "%s: %s", path, strerror(errno));
    if (model_place_stamp(c->model, c->stamp, error))
        return -1;
    c->begun = true;
    return 0;
}

/* --- the model -------------------------------------------------------------------- */

int commanded_sha256(struct commanded *c, char hex[SHA256_HEX], struct error *error) {
    struct fingerprint fingerprint;
    hex[0] = '\0';
    if (c->single)
        return 0;
    if (!c->begun)
        return error_set(error, "no model was made");
    if (!*c->hash) {
        if (model_directory_fingerprint(c->model, &fingerprint, NULL, error))
            return -1;
        memcpy(c->hash, fingerprint.sha256, sizeof c->hash);
    }
    memcpy(hex, c->hash, sizeof c->hash);
    return 0;
}

int commanded_export(struct commanded *c, const char *path,
                     const struct store_solution *solution, const struct work *work,
                     struct error *error) {
    char hash[SHA256_HEX];
    if (!c->method)
        return error_set(error, "the model is already a directory; copy it");
    if (commanded_sha256(c, hash, error))
        return -1;
    if (*solution->model_sha256 && strcmp(solution->model_sha256, hash) != 0)
        return error_set(error,
                         "%s: the model made now is not the one that was measured (its "
                         "tensors differ); measure it again",
                         path);
    json_t *about = about_model(c);
    int result = about ? write_model(c, path, about, work, error) : error_memory(error);
    json_decref(about);
    return result;
}
