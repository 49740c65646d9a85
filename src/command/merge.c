/* pwemoe merge: models merged without routers, measured and kept. */
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"
#include "command/command.h"
#include "command/work/measure_list.h"
#include "command/work/method_settings.h"
#include "merge/coefficients.h"
#include "merge/method.h"
#include "parallel/ranks.h"
#include "pareto/simplex.h"

enum { SCALES_MAX = 10000 };

struct merge_options {
    const char *methods, *scales, *keep, *settings, *preference;
    struct option_texts weights;
    bool again;
    struct measure_options measure;
};

static const struct option_spec options[] = {
    {.name = "method",
     .type = OPTION_TEXT,
     .value = "M[,...]",
     .offer = settings_offer_methods,
     .help = "One of the methods below, or several separated by commas",
     .offset = offsetof(struct merge_options, methods)},
    {.name = "scales",
     .type = OPTION_TEXT,
     .value = "A:B:N",
     .help = "N scaling coefficients from A to B, for methods that have one; a single "
             "number (default each method's own); or TASK=X,... for every task, of "
             "task-arithmetic, ties and dare",
     .offset = offsetof(struct merge_options, scales)},
    {.name = "weight",
     .type = OPTION_TEXTS,
     .value = "[TASK:]PATTERN=X",
     .help = "The coefficient in tensors whose name has PATTERN (*, ? and {0..11}), or "
             "=X..Y from the first to the last of {0..11}; of several the last holds; "
             "of task-arithmetic, ties and dare",
     .offset = offsetof(struct merge_options, weights)},
    {.name = "keep",
     .type = OPTION_TEXT,
     .value = "K",
     .help = "Fraction of entries that ties keeps (same as --set keep=K; default 0.2)",
     .offset = offsetof(struct merge_options, keep)},
    {.name = "set",
     .type = OPTION_TEXT,
     .value = "P=V[,...]",
     .offer = settings_offer,
     .help =
         "Parameters of the methods below; each applies to the methods that have it",
     .offset = offsetof(struct merge_options, settings)},
    {.name = "preference",
     .type = OPTION_TEXT,
     .value = "R",
     .help = "A number for each task, their sum 1, for methods that take a preference "
             "(default equal weights)",
     .offset = offsetof(struct merge_options, preference)},
    {.name = "again",
     .type = OPTION_FLAG,
     .help = "Measure again even if complete figures are stored",
     .offset = offsetof(struct merge_options, again)},
    MEASURE_OPTIONS(struct merge_options, measure),
    {0}};

/* One model to make. */
struct job {
    enum store_kind kind;
    char *method, *parameters;
    bool takes_preference;
};

struct jobs {
    struct job *items;
    size_t count, capacity;
    double preference[STORE_TASKS_MAX]; /* of the methods that take one */
    size_t *wanted;                     /* [wanted_count] numbers of those to measure */
    size_t wanted_count;
};

static void jobs_clear(struct jobs *jobs) {
    for (size_t i = 0; i < jobs->count; i++) {
        free(jobs->items[i].method);
        free(jobs->items[i].parameters);
    }
    free(jobs->items);
    free(jobs->wanted);
}

/* "0:1:11" or "0.3" into fresh numbers, each the decimal that a person means:
 * 0.3, not 0.30000000000000004. */
static int parse_scales(const char *text, double **scales, size_t *count,
                        struct error *error) {
    char copy[128];
    double ends[2];
    uint64_t n = 1;
    snprintf(copy, sizeof copy, "%s", text);
    char *b = strchr(copy, ':'), *c = b ? strchr(b + 1, ':') : NULL;
    if (b)
        *b++ = '\0';
    if (c)
        *c++ = '\0';
    bool sound = strlen(text) < sizeof copy && options_real(copy, &ends[0]) && !b == !c;
    if (sound && b)
        sound = options_real(b, &ends[1]) && options_unsigned(c, &n) && n >= 1 &&
                n <= SCALES_MAX;
    if (!sound)
        return error_set(error,
                         "--scales '%s': give A:B:N, N numbers from A to B (at "
                         "most %d), or one number",
                         text, SCALES_MAX);
    *count = (size_t)n;
    if (!(*scales = array_new(*count, sizeof **scales)))
        return error_memory(error);
    for (size_t i = 0; i < n; i++) {
        double at = ends[0];
        if (n > 1)
            at += (ends[1] - ends[0]) * (double)i / (double)(n - 1);
        char decimal[40];
        snprintf(decimal, sizeof decimal, "%.12g", at);
        (*scales)[i] = strtod(decimal, NULL);
    }
    return 0;
}

/* method: NULL for stl, which the table of methods has not: it is no one model. */
static int add_job(struct jobs *jobs, const struct merge_method *method,
                   const json_t *parameters, struct error *error) {
    if (array_reserve((void **)&jobs->items, &jobs->capacity, jobs->count + 1,
                      sizeof *jobs->items))
        return error_memory(error);
    struct job *job = &jobs->items[jobs->count];
    *job = (struct job){
        .kind = !method || method->single ? STORE_KIND_SINGLE : STORE_KIND_MERGE,
        .method = strdup(method ? method->name : store_role_name(STORE_ROLE_EXPERTS)),
        .takes_preference = method && method->takes_preference};
    job->parameters = parameters
                          ? json_text_dump(parameters, JSON_SORT_KEYS | JSON_COMPACT)
                          : strdup("{}");
    jobs->count++;
    return job->method && job->parameters ? 0 : error_memory(error);
}

struct merge_wish {
    const double *scales; /* NULL: as the settings or the methods have it */
    size_t count;
    const json_t *settings;
};

static int add_method(struct jobs *jobs, const char *name,
                      const struct merge_wish *wanted, struct error *error) {
    if (store_method_role(name) == STORE_ROLE_EXPERTS)
        return add_job(jobs, NULL, NULL, error);
    const struct merge_method *method = merge_method_find(name, error);
    if (!method)
        return -1;
    bool scaled = wanted->scales && merge_parameter_find(method, "scale");
    for (size_t i = 0; i < (scaled ? wanted->count : 1); i++) {
        json_t *parameters = settings_of(method, wanted->settings,
                                         scaled ? &wanted->scales[i] : NULL, error);
        int result = parameters ? add_job(jobs, method, parameters, error) : -1;
        json_decref(parameters);
        if (result)
            return -1;
    }
    return 0;
}

/* A setting that none of the methods has is a mistake. */
static int check_settings(const char *methods, const json_t *settings,
                          struct error *error) {
    void *at = json_object_iter((json_t *)(uintptr_t)settings);
    for (; at; at = json_object_iter_next((json_t *)(uintptr_t)settings, at)) {
        const char *setting = json_object_iter_key(at);
        char *names = strdup(methods), *rest = names, *name;
        bool found = !names;
        while (!found && (name = strsep(&rest, ","))) {
            const struct merge_method *method = merge_method_find(name, NULL);
            found = method && merge_parameter_find(method, setting);
        }
        free(names);
        if (!found)
            return error_set(error, "%s has no parameter '%s'; --help lists them",
                             methods, setting);
    }
    return 0;
}

/* A preference that none of the methods takes is a mistake too. */
static int check_preference(const struct merge_options *o, const struct jobs *jobs,
                            struct error *error) {
    bool taken = !o->preference;
    for (size_t i = 0; i < jobs->count; i++)
        taken = taken || jobs->items[i].takes_preference;
    return taken ? 0
                 : error_set(error,
                             "%s takes no preference; --help lists the methods that do",
                             o->methods);
}

static int list_jobs(const struct merge_options *o, struct jobs *jobs,
                     struct error *error) {
    double *scales = NULL;
    struct merge_wish wanted = {0};
    if (o->scales && !strchr(o->scales, '=') &&
        parse_scales(o->scales, &scales, &wanted.count, error))
        return -1;
    json_t *settings = settings_parse(o->settings, o->keep, error);
    wanted.scales = scales;
    wanted.settings = settings;
    int result = settings ? check_settings(o->methods, settings, error) : -1;
    if (result == 0 && o->scales && json_object_get(settings, "scale"))
        result = error_set(error, "give only one of --scales and --set scale");
    char *names = strdup(o->methods), *rest = names, *name;
    if (result == 0 && !names)
        result = error_memory(error);
    while (result == 0 && (name = strsep(&rest, ",")))
        result = add_method(jobs, name, &wanted, error);
    if (result == 0)
        result = check_preference(o, jobs, error);
    free(names);
    json_decref(settings);
    free(scales);
    return result;
}

/* What --scales TASK=X,... and --weight say. */
struct coefficient_wish {
    json_t *scales; /* NULL: one for all, */
    size_t spread;  /* which stands for that of each of so many; 0: it is a factor */
    json_t *rules;  /* NULL: none */
};

/* A job's parameters with them. As in merge-to, a number of --scales is what a task
 * has where no rule holds, and that of --set scale a factor of all. */
static int put_coefficients(struct job *job, const struct merge_method *method,
                            const struct coefficient_wish *wish, struct error *error) {
    json_t *parameters = json_loads(job->parameters, 0, NULL), *each = json_array();
    json_t *scale = json_object_get(parameters, "scale");
    for (size_t t = 0; t < wish->spread; t++)
        json_array_append(each, scale);
    if (wish->scales || wish->spread)
        json_object_set(parameters, "scale", wish->scales ? wish->scales : each);
    if (wish->rules)
        json_object_set(parameters, "weight", wish->rules);
    json_t *checked = merge_parameters(method, parameters, error);
    free(job->parameters);
    job->parameters =
        checked ? json_text_dump(checked, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
    int result = !checked ? -1 : !job->parameters ? error_memory(error) : 0;
    json_decref(each);
    json_decref(parameters);
    json_decref(checked);
    return result;
}

static int put_into_jobs(struct jobs *jobs, const struct coefficient_wish *wish,
                         struct error *error) {
    size_t used = 0;
    for (size_t i = 0; i < jobs->count; i++) {
        struct job *job = &jobs->items[i];
        const struct merge_method *method = merge_method_find(job->method, NULL);
        const struct merge_parameter *scale =
            method ? merge_parameter_find(method, "scale") : NULL;
        if (!scale || !scale->each)
            continue;
        if (put_coefficients(job, method, wish, error))
            return -1;
        used++;
    }
    return used ? 0
                : error_set(error, "none of the methods takes %s",
                            wish->scales ? "a scale for each task" : "--weight");
}

static int use_coefficients(const struct merge_options *o,
                            const struct store_recipe *recipe, struct jobs *jobs,
                            struct error *error) {
    const char *names[STORE_TASKS_MAX];
    struct coefficients coefficients;
    struct coefficient_wish wish = {0};
    bool named = o->scales && strchr(o->scales, '=');
    if (!named && !o->weights.count)
        return 0;
    for (size_t t = 0; t < recipe->task_count; t++)
        names[t] = recipe->tasks[t].name;
    int result =
        coefficients_parse(named ? o->scales : NULL, o->weights.items, o->weights.count,
                           names, recipe->task_count, &coefficients, error);
    if (named)
        wish.scales = json_array();
    else if (o->scales)
        wish.spread = recipe->task_count;
    if (o->weights.count)
        wish.rules = json_array();
    for (size_t t = 0; named && t < recipe->task_count && result == 0; t++)
        json_array_append_new(wish.scales, json_real(coefficients.scales[t]));
    for (size_t i = 0; i < o->weights.count; i++)
        json_array_append_new(wish.rules, json_string(o->weights.items[i]));
    coefficients_clear(&coefficients);
    if (result == 0)
        result = put_into_jobs(jobs, &wish, error);
    json_decref(wish.scales);
    json_decref(wish.rules);
    return result;
}

static struct store_solution solution_of(struct jobs *jobs, size_t i) {
    const struct job *job = &jobs->items[i];
    return (struct store_solution){.kind = job->kind,
                                   .method = job->method,
                                   .parameters = job->parameters,
                                   .preference =
                                       job->takes_preference ? jobs->preference : NULL,
                                   .label = ""};
}

static struct store_solution wanted_solution(void *self, size_t i) {
    struct jobs *jobs = self;
    return solution_of(jobs, jobs->wanted[i]);
}

/* 1 all looked up, 0 stopped, -1. */
static int find_wanted(struct measure *m, struct jobs *jobs, struct error *error) {
    const struct merge_options *o = m->invocation->options;
    jobs->wanted = array_new(jobs->count, sizeof *jobs->wanted);
    if (!jobs->wanted)
        return error_memory(error);
    for (size_t i = 0; i < jobs->count; i++) {
        struct store_solution solution = solution_of(jobs, i);
        if (work_stopped(m->invocation->work))
            return 0;
        int known = o->again ? 0 : measure_known(m, &solution, error);
        if (known < 0)
            return -1;
        if (!known)
            jobs->wanted[jobs->wanted_count++] = i;
        work_report(m->invocation->work, "looking up", i + 1, jobs->count);
    }
    m->total = jobs->wanted_count;
    return 1;
}

static enum exit_status run_jobs(struct measure *m, struct jobs *jobs,
                                 struct error *error) {
    const struct merge_options *o = m->invocation->options;
    int result = find_wanted(m, jobs, error);
    const struct measure_list list = {.count = jobs->wanted_count,
                                      .at = wanted_solution,
                                      .self = jobs,
                                      .what = "merge"};
    if (result == 1 && list.count < jobs->count)
        command_note(m->invocation, "%zu of %zu were measured before",
                     jobs->count - list.count, jobs->count);
    if (result == 1)
        result = measure_listed(m, &list, error);
    if (result < 0)
        measure_explain(m, error);
    if (m->done)
        command_log(m->invocation, m->store, "merge: %s, %zu models measured%s",
                    o->methods, m->done, result == 1 ? "" : ", not finished");
    if (result < 0)
        return EXIT_FAILED;
    return measure_report(m, result == 0, "the same command goes on", error);
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const struct merge_options *o = invocation->options;
    if (!o->methods) {
        error_set(error, "--method is missing; --help lists the methods");
        return EXIT_USAGE;
    }
    struct jobs jobs = {0};
    enum exit_status status = EXIT_USAGE;
    struct measure m;
    if (list_jobs(o, &jobs, error) == 0) {
        status = EXIT_FAILED;
        if (ranks_rank(invocation->ranks))
            status =
                measure_serve(invocation, invocation->operands[0], &o->measure, error);
        else if (measure_open(invocation, invocation->operands[0], &o->measure, &m,
                              error) == 0) {
            for (size_t t = 0; t < m.recipe->task_count; t++)
                jobs.preference[t] = 1 / (double)m.recipe->task_count;
            if (o->preference && simplex_parse(o->preference, m.recipe->task_count,
                                               jobs.preference, error)) {
                error_prefix(error, "--preference");
                status = EXIT_USAGE;
            } else if (use_coefficients(o, m.recipe, &jobs, error)) {
                status = EXIT_USAGE;
            } else {
                status = run_jobs(&m, &jobs, error);
            }
            measure_close(&m);
        }
    }
    jobs_clear(&jobs);
    return status;
}

/* The methods with their parameters, from the table. */
static void help_methods(FILE *out) {
    size_t count;
    const struct merge_method *const *methods = merge_methods(&count);
    fputs("\nMethods, and what --set tells them:\n", out);
    options_help_entry(out, store_role_name(STORE_ROLE_EXPERTS),
                       "each task by its own expert, for comparison");
    for (size_t i = 0; i < count; i++)
        settings_help(methods[i], out);
    fputs("\nAll of them except stl have:\n", out);
    settings_help_parameters(merge_common_parameters(), out);
}

const struct command command_merge = {
    .name = "merge",
    .usage = "FILE --method M [--scales A:B:N]",
    .summary = "Merge without routers: baselines, measured and kept",
    .text = "Makes each model, measures it on every task and stores the figures. "
            "Models whose figures are stored already are not measured again. Ctrl-C "
            "keeps what is finished, and the same command continues.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_USUAL | TAKES_FORMAT | TAKES_MODELS,
    .together = SERVE,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct merge_options),
    .more_help = help_methods,
    .run = run,
};
