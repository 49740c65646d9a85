#include "eval/commanded.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu.h"
#include "base/child.h"
#include "base/json_text.h"
#include "base/memory.h"
#include "base/usage.h"
#include "eval/metric_command.h"
#include "eval/model_place.h"
#include "eval/sources.h"
#include "tensorwise/merging.h"

/* A step gives back after so long, to look for other wishes. */
enum { MOMENT = 50 /* ms */ };

/* 95 % of a normal distribution. */
static const double deviations = 1.959963984540054;

/* One task's figure of the current model, on its way. */
struct measured {
    struct child *child;  /* NULL: none runs */
    double began;         /* of usage_clock, where one runs */
    unsigned runs;        /* that have ended */
    double mean, squares; /* of their values; sum of squared differences from it */
    struct metric_figure figure;
    bool done;
};

struct commanded {
    const struct store_recipe *recipe;
    char *directory, *device;
    const char *split;
    unsigned threads, jobs;
    bool allowed;
    struct metric_command commands[STORE_TASKS_MAX];
    char *pretrained, *experts[STORE_TASKS_MAX];
    struct models models;

    bool begun, single; /* single: each task by its own expert */
    const struct tensorwise_method *method;
    json_t *parameters;
    double preference[STORE_TASKS_MAX];
    struct model_place place; /* where the merged model is */
    char *model;              /* the directory that is measured, but of `single` */
    char stamp[SHA256_HEX], hash[SHA256_HEX];
    double seconds;
    struct measured tasks[STORE_TASKS_MAX];
    struct { /* by the commands of each task, since this was opened */
        double seconds;
        uint64_t runs;
    } spent[STORE_TASKS_MAX];
};

/* --- opening ---------------------------------------------------------------------- */

static int open_models(struct commanded *c, struct error *error) {
    const struct store_recipe *recipe = c->recipe;
    const char *names[STORE_TASKS_MAX];
    for (size_t t = 0; t < recipe->task_count; t++) {
        const struct store_task *task = &recipe->tasks[t];
        names[t] = task->name;
        if (!*task->expert.path)
            return error_set(error, "task %s: has no expert", task->name);
        if (metric_command_read(task->objective.metric, &c->commands[t], error))
            return error_prefix(error, "task %s", task->name);
        if (!(c->experts[t] = sources_path(c->directory, task->expert.path)))
            return error_memory(error);
    }
    if (!(c->pretrained = sources_path(c->directory, recipe->pretrained.path)))
        return error_memory(error);
    const struct models_wish wish = {.pretrained = c->pretrained,
                                     .experts = (const char *const *)c->experts,
                                     .names = names,
                                     .count = recipe->task_count};
    int result = models_open(&wish, &c->models, error);
    for (size_t t = 0; t < recipe->task_count; t++)
        c->models.names[t] = recipe->tasks[t].name;
    return result;
}

int commanded_open(const struct store_recipe *recipe, const char *directory,
                   const struct commanded_options *options, struct commanded **out,
                   struct error *error) {
    struct commanded *c = array_new(1, sizeof *c);
    if (!c)
        return error_memory(error);
    c->recipe = recipe;
    c->split = options->split;
    c->threads = cpu_threads(options->threads);
    c->jobs = options->jobs ? options->jobs : 1;
    c->allowed = options->allowed;
    c->directory = strdup(directory);
    c->device = strdup(options->device);
    int result =
        c->directory && c->device ? open_models(c, error) : error_memory(error);
    if (result == 0)
        *out = c;
    else
        commanded_close(c);
    return result;
}

/* The end of a task's command, whether it ended by itself or is ended here. */
static void end_command(struct commanded *c, size_t task) {
    struct measured *m = &c->tasks[task];
    if (m->child)
        c->spent[task].seconds += usage_clock() - m->began;
    child_free(m->child);
    m->child = NULL;
}

/* Ends what runs, and forgets the model. */
static void restart(struct commanded *c) {
    for (size_t t = 0; t < c->recipe->task_count; t++) {
        end_command(c, t);
        c->tasks[t] = (struct measured){0};
    }
    model_place_remove(&c->place);
    free(c->model);
    json_decref(c->parameters);
    c->model = NULL;
    c->parameters = NULL;
    c->method = NULL;
    c->begun = c->single = false;
    c->hash[0] = '\0';
    c->seconds = 0;
}

void commanded_close(struct commanded *c) {
    if (!c)
        return;
    restart(c);
    models_close(&c->models);
    for (size_t t = 0; t < c->recipe->task_count; t++) {
        metric_command_clear(&c->commands[t]);
        free(c->experts[t]);
    }
    free(c->pretrained);
    free(c->directory);
    free(c->device);
    free(c);
}

/* --- making a model --------------------------------------------------------------- */

/* A scale for each task becomes the experts' coefficients, and that of all is 1. */
static int take_scales(const struct commanded *c, json_t *parameters,
                       struct coefficients *coefficients, struct error *error) {
    const json_t *scales = json_object_get(c->parameters, "scale");
    if (coefficients_parse(NULL, NULL, 0, NULL, c->models.count, coefficients, error))
        return -1;
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
    if (take_scales(c, parameters, &coefficients, error)) {
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
    restart(c);
    if (refuse_spent(c, error) ||
        begin(c, method, parameters, preference, work, error)) {
        restart(c);
        return -1;
    }
    c->begun = true;
    return 0;
}

int commanded_begin_directory(struct commanded *c, const char *path,
                              struct error *error) {
    restart(c);
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

/* --- measuring -------------------------------------------------------------------- */

static const char *model_of(const struct commanded *c, size_t task) {
    return c->single ? c->experts[task] : c->model;
}

static int start(struct commanded *c, size_t task, struct error *error) {
    const struct metric_command *command = &c->commands[task];
    char *model = realpath(model_of(c, task), NULL);
    char **words = model ? metric_command_words(command, model, c->device) : NULL;
    free(model);
    if (!words)
        return error_set(error, "%s: cannot be found, or out of memory",
                         model_of(c, task));
    c->tasks[task].began = usage_clock();
    int result = child_start((const char *const *)words, c->directory, command->timeout,
                             &c->tasks[task].child, error);
    c->spent[task].runs += result == 0;
    metric_command_free_words(words);
    return result;
}

/* Why a command that has ended gives no figure. */
static int refuse_end(struct commanded *c, size_t task, struct error *error) {
    struct child *child = c->tasks[task].child;
    bool late;
    int status = child_status(child, &late);
    const char *complaint = child_complaint(child);
    if (late)
        return error_set(error, "was stopped after %g s", c->commands[task].timeout);
    if (status > 128 && status < 128 + NSIG)
        return error_set(error, "was ended by signal %d", status - 128);
    return error_set(error, "ended with status %d%s%s", status, *complaint ? ": " : "",
                     complaint);
}

/* One run's figure into the task's. */
static int take(struct commanded *c, size_t task, struct error *error) {
    struct measured *m = &c->tasks[task];
    struct metric_figure figure;
    bool late;
    size_t size;
    int status = child_status(m->child, &late);
    const char *output = child_output(m->child, &size);
    int result = status || late ? refuse_end(c, task, error)
                                : metric_figure_read(output, size, &figure, error);
    char stamp[SHA256_HEX];
    if (result == 0 && !c->single &&
        (model_place_stamp(c->model, stamp, error) || strcmp(stamp, c->stamp) != 0))
        result = error_set(error, "changed the model that it was to measure");
    end_command(c, task);
    if (result)
        return -1;
    m->runs++;
    double before = figure.value - m->mean; /* Welford's way, exact for large values */
    m->mean += before / m->runs;
    m->squares += before * (figure.value - m->mean);
    m->figure = figure;
    unsigned repeat = c->commands[task].repeat;
    if (m->runs < repeat)
        return 0;
    if (repeat > 1) {
        double spread = m->squares / (repeat - 1);
        m->figure.value = m->mean;
        /* What a command says of its examples holds also where its runs agree. */
        m->figure.error = fmax(figure.error, sqrt(spread / repeat));
        m->figure.n *= repeat;
    }
    m->done = true;
    return 0;
}

/* Starts, waits and takes for one task. */
static int step_task(struct commanded *c, size_t task, bool may_start, int wait,
                     struct error *error) {
    struct measured *m = &c->tasks[task];
    int result = 0;
    if (m->done)
        return 0;
    if (!m->child && may_start && start(c, task, error))
        return error_prefix(error, "task %s", c->recipe->tasks[task].name);
    if (m->child && child_wait(m->child, wait))
        result = take(c, task, error);
    if (result)
        error_prefix(error, "task %s: %s", c->recipe->tasks[task].name,
                     c->commands[task].words[0]);
    return result;
}

size_t commanded_take(struct commanded *c, const struct store_evaluation *evaluations) {
    size_t taken = 0;
    for (size_t t = 0; t < c->recipe->task_count && !c->single; t++) {
        const struct store_evaluation *e = &evaluations[t];
        if (!e->present)
            continue;
        const double error = (e->high - e->value) / deviations;
        c->tasks[t] =
            (struct measured){.figure = {e->value, error, e->examples}, .done = true};
        taken++;
    }
    return taken;
}

static void describe(const struct commanded *c, size_t task, struct running *running) {
    const struct metric_figure *figure = &c->tasks[task].figure;
    double half = deviations * figure->error;
    *running = (struct running){.complete = c->tasks[task].done, .loss = NAN};
    if (!running->complete)
        return;
    running->examples = 1;
    running->value = figure->value;
    running->low = figure->value - half;
    running->high = figure->value + half;
}

int commanded_step(struct commanded *c, struct running *running, struct error *error) {
    size_t tasks = c->recipe->task_count, active = 0;
    bool complete = true;
    int wait = MOMENT;
    if (!c->begun)
        return error_set(error, "no evaluation has been started");
    if (!c->allowed)
        return error_set(error, "commands were not allowed");
    for (size_t t = 0; t < tasks; t++)
        active += c->tasks[t].child != NULL;
    for (size_t t = 0; t < tasks; t++) {
        bool runs = c->tasks[t].child != NULL,
             starts = !runs && !c->tasks[t].done && active < c->jobs;
        active += starts;
        if (step_task(c, t, starts, runs || starts ? wait : 0, error)) {
            restart(c);
            return -1;
        }
        wait = runs || starts ? 0 : wait;
        complete = complete && c->tasks[t].done;
        describe(c, t, &running[t]);
    }
    return complete;
}

void commanded_results(const struct commanded *c,
                       struct store_evaluation *evaluations) {
    for (size_t t = 0; t < c->recipe->task_count; t++) {
        struct running running;
        describe(c, t, &running);
        evaluations[t] = (struct store_evaluation){.objective = t,
                                                   .split = (char *)(uintptr_t)c->split,
                                                   .value = running.value,
                                                   .low = running.low,
                                                   .high = running.high,
                                                   .examples = c->tasks[t].figure.n,
                                                   .complete = running.complete,
                                                   .loss = NAN};
    }
}

void commanded_cost(const struct commanded *c, double *seconds) {
    *seconds = c->seconds;
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
