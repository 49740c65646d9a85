/* Of commanded.h: opening, running commands, taking their figures. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu.h"
#include "base/child.h"
#include "base/memory.h"
#include "base/usage.h"
#include "eval/commanded_state.h"
#include "eval/job_devices.h"
#include "eval/sources.h"

/* A step gives back after so long, to look for other wishes. */
enum { MOMENT = 50 /* ms */ };

/* 95 % of a normal distribution. */
static const double deviations = 1.959963984540054;

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

/* How many commands at a time, and what each sees of the machine's devices. */
static int take_jobs(struct commanded *c, const struct commanded_options *options,
                     struct error *error) {
    const char *devices = options->job_devices;
    c->jobs = options->jobs ? options->jobs : 1;
    if (!devices)
        return 0;
    size_t count = job_devices_count(devices);
    if (count == 0)
        return error_set(error,
                         "--job-devices '%s': give a device for each command at a time "
                         "with commas between, as 0,1,2 or 0+1,2+3",
                         devices);
    if (options->jobs > count)
        return error_set(error,
                         "--job-devices '%s' are %zu for %u commands at a time; give "
                         "--jobs %zu, or name a device again for each command that "
                         "shares it",
                         devices, count, options->jobs, count);
    c->jobs = options->jobs ? options->jobs : (unsigned)count;
    c->devices = strdup(devices);
    return c->devices ? 0 : error_memory(error);
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
    c->allowed = options->allowed;
    c->directory = strdup(directory);
    c->device = strdup(options->job_devices ? "cuda:0" : options->device);
    int result = c->directory && c->device
                     ? take_jobs(c, options, error) || open_models(c, error) ? -1 : 0
                     : error_memory(error);
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

void commanded_restart(struct commanded *c) {
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
    commanded_restart(c);
    models_close(&c->models);
    for (size_t t = 0; t < c->recipe->task_count; t++) {
        metric_command_clear(&c->commands[t]);
        free(c->experts[t]);
    }
    free(c->pretrained);
    free(c->directory);
    free(c->device);
    free(c->devices);
    free(c);
}

/* --- measuring -------------------------------------------------------------------- */

static const char *model_of(const struct commanded *c, size_t task) {
    return c->single ? c->experts[task] : c->model;
}

/* The first place that no other command has. */
static size_t free_place(const struct commanded *c) {
    for (size_t place = 0;; place++) {
        bool taken = false;
        for (size_t t = 0; t < c->recipe->task_count; t++)
            taken = taken || (c->tasks[t].child && c->tasks[t].place == place);
        if (!taken)
            return place;
    }
}

static int start(struct commanded *c, size_t task, struct error *error) {
    const struct metric_command *command = &c->commands[task];
    size_t place = free_place(c);
    char setting[JOB_DEVICE_SETTING] = "";
    char *model = realpath(model_of(c, task), NULL);
    char **words = model ? metric_command_words(command, model, c->device) : NULL;
    free(model);
    if (!words)
        return error_set(error, "%s: cannot be found, or out of memory",
                         model_of(c, task));
    if (c->devices)
        job_devices_setting(c->devices, place, setting);
    c->tasks[task].place = place;
    c->tasks[task].began = usage_clock();
    int result =
        child_start((const char *const *)words, c->directory, *setting ? setting : NULL,
                    command->timeout, &c->tasks[task].child, error);
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
            commanded_restart(c);
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
