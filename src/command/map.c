/* pwemoe map: a front without gradients, from figures of a few merged models. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"
#include "base/usage.h"
#include "command/command.h"
#include "command/map.h"
#include "command/work/map.h"
#include "command/work/method_settings.h"
#include "command/work/runs.h"
#include "eval/metric_command.h"
#include "merge/method.h"
#include "moe/quadratic.h"
#include "pareto/simplex.h"

/* So many answers are measured at the end where nobody says how fine a grid. */
enum { ANSWERS = 16, EDGE_MOST = 11 };

static const struct option_spec options[] = {
    {.name = "base",
     .type = OPTION_TEXT,
     .value = "M",
     .initial = "task-arithmetic",
     .choices = "task-arithmetic|ties|dare|wudi",
     .help = "The merging method whose coefficients are searched: a scale for each "
             "task of task-arithmetic, ties or dare, or the preference of wudi, which "
             "starts from much better models on some pools",
     .offset = offsetof(struct map_options, base)},
    {.name = "set",
     .type = OPTION_TEXT,
     .value = "P=V[,...]",
     .offer = settings_offer,
     .help = "Parameters of that method but its scale, as `pwemoe merge --help` lists "
             "them",
     .offset = offsetof(struct map_options, settings)},
    {.name = "evaluations",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .minimum = 4,
     .maximum = 100000,
     .help = "Models to measure before the front is (default 15 for two tasks, 25 for "
             "three and five more for each further task; with --fit least-squares two "
             "and a half times the numbers of a quadratic: 53 for five, 113 for eight)",
     .offset = offsetof(struct map_options, evaluations)},
    {.name = "refine",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .maximum = 100000,
     .help = "Choose N of these one by one, where an answer is least certain (default "
             "a third)",
     .offset = offsetof(struct map_options, refine)},
    {.name = "grid",
     .type = OPTION_UNSIGNED,
     .value = "M",
     .minimum = 2,
     .maximum = 1000,
     .help =
         "Answers measured at the end: those at preferences with M points on each edge "
         "(default the most, up to 11, that make no more than 16; where that is 2, "
         "equal weights as well)",
     .offset = offsetof(struct map_options, grid)},
    {.name = "fit",
     .type = OPTION_CHOICE,
     .value = "F",
     .choices = "posterior|least-squares",
     .initial = "posterior",
     .help = "How the quadratics are fitted: under a prior whose widths are the "
             "likeliest ones, so that fewer models than a quadratic has numbers will "
             "do, or by least squares alone",
     .offset = offsetof(struct map_options, fit)},
    {.name = "fit-split",
     .type = OPTION_CHOICE,
     .value = "S",
     .choices = "auto|train|test",
     .initial = "auto",
     .help =
         "The split on which the models of the fit are measured; auto is train if the "
         "recipe has training data of every task. The front is measured on test",
     .offset = offsetof(struct map_options, fit_split)},
    MEASURE_HOW_OPTIONS(struct map_options, measure),
    {0}};

/* --- what is asked ---------------------------------------------------------------- */

/* The method's parameters without its scale, as text. */
static char *base_parameters(const struct merge_method *method, const char *settings,
                             struct error *error) {
    json_t *given = settings_parse(settings, NULL, error), *all = NULL;
    const char *name;
    json_t *value;
    bool sound = given;
    json_object_foreach(given, name, value) {
        bool known = merge_parameter_find(method, name) && strcmp(name, "scale") != 0;
        if (sound && !known)
            error_set(error, "--set: %s has no parameter '%s' that is not searched",
                      method->name, name);
        sound = sound && known;
    }
    if (sound && (all = settings_of(method, given, NULL, error)))
        json_object_del(all, "scale");
    json_decref(given);
    char *text = all ? json_text_dump(all, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
    if (all && !text)
        error_memory(error);
    json_decref(all);
    return text;
}

static int take_base(struct map *map, struct error *error) {
    const struct map_options *o = map->options;
    const struct merge_method *method = merge_method_find(o->base, error);
    if (!method)
        return -1;
    const struct merge_parameter *scale = merge_parameter_find(method, "scale");
    if (!method->takes_preference && !(scale && scale->each))
        return error_set(error,
                         "--base %s has neither a scale for each task nor a "
                         "preference",
                         o->base);
    char *parameters = base_parameters(method, o->settings, error);
    if (!parameters)
        return -1;
    int result =
        surrogate_new(map->measure.recipe->task_count, method->name, parameters,
                      method->takes_preference, &map->surrogate, error);
    free(parameters);
    return result;
}

static int take_counts(struct map *map, struct error *error) {
    const struct map_options *o = map->options;
    const struct invocation *invocation = map->measure.invocation;
    size_t terms = map->surrogate->terms, tasks = map->surrogate->tasks;
    size_t usual = (5 * terms + 1) / 2;
    map->surrogate->least_squares = o->fit == 1;
    if (!map->surrogate->least_squares && usual > 5 * tasks + 10)
        usual = 5 * tasks + 10;
    size_t least = surrogate_least(map->surrogate);
    map->evaluations = o->evaluations ? (size_t)o->evaluations : usual;
    map->refine =
        command_given(invocation, "refine") ? (size_t)o->refine : map->evaluations / 3;
    if (!command_given(invocation, "refine") && map->evaluations < map->refine + least)
        map->refine = map->evaluations > least ? map->evaluations - least : 0;
    if (map->evaluations >= map->refine + least)
        return 0;
    return error_set(error,
                     "%zu tasks need at least %zu evaluations before the refining "
                     "ones; give a greater --evaluations",
                     tasks, least);
}

static int take_split(struct map *map, struct error *error) {
    const struct store_recipe *recipe = map->measure.recipe;
    bool train = !metric_is_command(recipe);
    for (size_t t = 0; t < recipe->task_count; t++)
        train = train && *recipe->tasks[t].train_path;
    if (measure_check_split(recipe, "--fit-split", map->options->fit_split == 1, error))
        return -1;
    if (map->options->fit_split)
        train = map->options->fit_split == 1;
    map->measure.split = train ? "train" : "test";
    return 0;
}

static void take_objectives(struct map *map) {
    const struct store_recipe *recipe = map->measure.recipe;
    for (size_t t = 0; t < recipe->task_count; t++) {
        const struct store_objective *o = &recipe->tasks[t].objective;
        map->maximise[t] = o->maximise;
        map->surrogate->objectives[t].percent = store_objective_percent(o);
    }
}

/* --- the run ---------------------------------------------------------------------- */

static json_t *run_parameters(const struct map *map) {
    return json_pack(
        "{s:s, s:o, s:I, s:I, s:I, s:s, s:s}", "base", map->surrogate->method, "set",
        json_loads(map->surrogate->parameters, 0, NULL), "evaluations",
        (json_int_t)map->evaluations, "refine", (json_int_t)map->refine, "seed",
        (json_int_t)map->measure.invocation->common->seed, "split", map->measure.split,
        "fit", map->surrogate->least_squares ? "least-squares" : "posterior");
}

/* The same surrogate again is the run that the store has. */
static int find_run(struct map *map, const struct store_routers *wanted, bool *found,
                    struct error *error) {
    struct store_run *runs;
    size_t count;
    *found = false;
    if (store_runs(map->measure.store, &runs, &count, error))
        return -1;
    int result = 0;
    for (size_t i = count; i-- > 0 && result == 0 && !*found;) {
        struct store_routers last;
        bool any = false;
        if (store_trains(runs[i].upscale) != STORE_TRAINS_SURROGATE)
            continue;
        result = store_routers_last(map->measure.store, runs[i].id, &any, &last, error);
        if (result || !any)
            continue;
        *found = last.size == wanted->size &&
                 memcmp(last.blob, wanted->blob, last.size) == 0;
        map->routers = *found ? last.id : 0;
        map->run = runs[i].id;
        store_routers_clear(&last);
    }
    store_runs_free(runs, count);
    return result;
}

static int keep_new(struct map *map, struct store_routers *kept, struct error *error) {
    json_t *parameters = run_parameters(map);
    char *text =
        parameters ? json_text_dump(parameters, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
    json_decref(parameters);
    struct store_run run = {.method = "map",
                            .upscale = STORE_SURROGATE,
                            .parameters = text,
                            .steps = (unsigned)map->evaluations,
                            .steps_done = (unsigned)map->evaluations,
                            .seconds = usage_clock() - map->began,
                            .complete = true,
                            .trainable = map->surrogate->tasks * map->surrogate->terms};
    if (!text)
        return error_memory(error);
    struct store *store = map->measure.store;
    int result = store_begin(store, error);
    if (result == 0) {
        result = store_run_begin(store, &run, error);
        kept->run = run.id;
        kept->step = run.steps;
        if (result == 0)
            result = store_run_save(store, &run, kept, NULL, 0, NULL, 0, error);
        if (result)
            store_rollback(store);
        else
            result = store_commit(store, error);
    }
    map->routers = kept->id;
    map->run = run.id;
    free(text);
    return result;
}

static int keep(struct map *map, struct error *error) {
    struct store_routers kept = {0};
    bool found;
    if (surrogate_to_memory(map->surrogate, &kept.blob, &kept.size, error))
        return -1;
    int result = find_run(map, &kept, &found, error);
    if (result == 0 && !found)
        result = keep_new(map, &kept, error);
    free(kept.blob);
    return result;
}

/* --- the front -------------------------------------------------------------------- */

static size_t edge_of(const struct map *map) {
    size_t tasks = map->surrogate->tasks, edge = 2;
    if (map->options->grid)
        return (size_t)map->options->grid;
    while (edge < EDGE_MOST && simplex_grid_count(tasks, edge + 1) <= ANSWERS)
        edge++;
    return edge;
}

/* How far the surrogate was from what is measured now. */
struct missed {
    double squares[STORE_TASKS_MAX];
    size_t count;
    bool
        other_examples; /* it was fitted on training examples, and those are held out */
};

static int compare_answer(struct map *map, const double *preference,
                          struct missed *missed, struct error *error) {
    struct store_evaluation found[STORE_TASKS_MAX];
    double x[SURROGATE_TASKS_MAX], y[SURROGATE_TASKS_MAX];
    if (surrogate_answer(map->surrogate, preference, x, error))
        return -1;
    surrogate_figures(map->surrogate, x, y);
    evaluator_results(map->measure.evaluator, found);
    for (size_t t = 0; t < map->surrogate->tasks; t++)
        missed->squares[t] += pow(found[t].value - y[t], 2);
    missed->count++;
    return 0;
}

/* 1 measured, 0 stopped, -1. */
static int measure_answer(struct map *map, double *preference, struct missed *missed,
                          struct error *error) {
    struct measure *m = &map->measure;
    struct store_solution solution = {.kind = STORE_KIND_PWEMOE,
                                      .method = "map",
                                      .parameters = "{}",
                                      .preference = preference,
                                      .routers = map->routers,
                                      .label = ""};
    int known = measure_known(m, &solution, error);
    if (known)
        return known;
    if (measure_ends(m))
        return 0;
    if ((!m->evaluator && measure_load(m, error)) ||
        measure_begin(m, &solution, error) || measure_take_known(m, error))
        return measure_ends(m) ? 0 : -1;
    int result = measure_finish(m, "map: front", &solution, error);
    if (result != 1)
        return result;
    return compare_answer(map, preference, missed, error) ? -1 : 1;
}

static void say_missed(const struct map *map, const struct missed *missed) {
    const struct store_recipe *recipe = map->measure.recipe;
    char text[1024] = "";
    for (size_t t = 0; t < map->surrogate->tasks && missed->count; t++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s %.2g", t ? ", " : "",
                 TEXT_CUT(recipe->tasks[t].name, 60),
                 sqrt(missed->squares[t] / (double)missed->count));
    }
    if (missed->count)
        command_note(map->measure.invocation,
                     "%zu answers measured; the surrogate%s missed them by %s "
                     "(root of the mean square)",
                     missed->count,
                     missed->other_examples
                         ? ", fitted on training examples where these are held out,"
                         : "",
                     text);
}

/* 1 all measured, 0 stopped, -1. */
static int measure_front(struct map *map, struct error *error) {
    struct measure *m = &map->measure;
    size_t tasks = map->surrogate->tasks, edge = edge_of(map);
    size_t count = simplex_grid_count(tasks, edge), grid = count;
    struct missed missed = {0};
    if (count == 0 || count > 100000)
        return error_set(error, "--grid %zu has too many points for %zu tasks", edge,
                         tasks);
    /* Vertices alone would be the experts; equal weights stand beside them. */
    count += edge == 2 && tasks > 2 && !map->options->grid;
    if (store_split_trains(m->split)) {
        missed.other_examples = true;
        evaluator_close(m->evaluator);
        m->evaluator = NULL;
        m->examples = 0;
        m->split = "test";
    }
    m->id_count = 0;
    m->total = m->done + count;
    for (size_t i = 0; i < count; i++) {
        double preference[STORE_TASKS_MAX];
        if (i < grid)
            simplex_grid_at(tasks, edge, i, preference);
        for (size_t t = 0; t < tasks && i == grid; t++)
            preference[t] = 1 / (double)tasks;
        int result = measure_answer(map, preference, &missed, error);
        if (result != 1)
            return result;
    }
    say_missed(map, &missed);
    return 1;
}

/* --- the command ------------------------------------------------------------------ */

/* 1 done, 0 stopped, -1. */
static int make(struct map *map, struct error *error) {
    int result = map_collect(map, error);
    if (result != 1)
        return result;
    map_say_fit(map);
    if (keep(map, error))
        return -1;
    return measure_front(map, error);
}

/* What is asked; -1: used wrongly. */
static int take(struct map *map, struct error *error) {
    if (take_base(map, error) || take_counts(map, error) || take_split(map, error))
        return -1;
    take_objectives(map);
    map->measure.total = map->evaluations;
    return 0;
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    struct map map = {.options = invocation->options};
    struct measure *m = &map.measure;
    enum exit_status status = EXIT_FAILED;
    if (measure_open(invocation, invocation->operands[0], &map.options->measure, m,
                     error))
        return EXIT_FAILED;
    map.began = usage_clock();
    if (take(&map, error)) {
        status = EXIT_USAGE;
    } else {
        int result = make(&map, error);
        if (result < 0)
            measure_explain(m, error);
        if (m->done)
            command_log(invocation, m->store, "map: %zu models measured%s", m->done,
                        result == 1 ? "" : ", not finished");
        if (result >= 0)
            status = measure_report(m, result == 0, "the same command goes on", error);
    }
    map_clear(&map);
    measure_close(m);
    return status;
}

/* --- as a part of another command ------------------------------------------------- */

/* The run with the surrogate, as the store has it. */
static int move_run(struct map *map, struct store_run *run, struct error *error) {
    struct store_run *runs;
    size_t count;
    if (store_runs(map->measure.store, &runs, &count, error))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (runs[i].id == map->run) {
            *run = runs[i]; /* its strings move */
            runs[i] = (struct store_run){0};
        }
    store_runs_free(runs, count);
    return 0;
}

int map_take(const struct invocation *invocation, struct store_run *run,
             uint64_t *examples, struct error *error) {
    struct map map = {.options = invocation->options};
    *run = (struct store_run){0};
    *examples = 0;
    if (measure_open(invocation, invocation->operands[0], &map.options->measure,
                     &map.measure, error))
        return -1;
    map.began = usage_clock();
    int result = take(&map, error) ? -1 : map_collect(&map, error);
    if (result == 1) {
        map_say_fit(&map);
        result = keep(&map, error) || move_run(&map, run, error) ? -1 : 1;
    }
    if (result < 0)
        measure_explain(&map.measure, error);
    for (size_t t = 0; result == 1 && t < map.measure.recipe->task_count; t++)
        *examples += map.examples[t] * map.count;
    map_clear(&map);
    measure_close(&map.measure);
    return result;
}

const struct command command_map = {
    .name = "map",
    .usage = "FILE [--base M] [--evaluations N]",
    .summary = "Find a front without gradients: coefficients by a surrogate",
    .text =
        "Measures models at a few coefficients, fits a quadratic to every task's "
        "figures, and answers a preference with the coefficients that are best by "
        "these quadratics. Needs neither gradients nor a known architecture: it also "
        "works for tasks that commands measure. The answers are then measured, stored, "
        "explored and exported like those of routers. Measured models are not measured "
        "again: Ctrl-C keeps what is finished, and the same command continues.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_USUAL | TAKES_FORMAT | TAKES_SEED | TAKES_MODELS,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct map_options),
    .run = run,
};
