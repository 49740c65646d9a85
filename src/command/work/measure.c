#include "command/work/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/io/paths.h"
#include "eval/data_watch.h"
#include "eval/keeping.h"
#include "eval/metric_command.h"
#include "merge/method.h"
#include "parallel/handout.h"
#include "results/solutions.h"

static void note(void *self, const char *text) {
    command_note(self, "%s", text);
}

/* What is known of other data is stale before anyone asks what is known. */
static int watch_data(struct measure *measure, struct error *error) {
    const struct invocation *invocation = measure->invocation;
    struct remarks remarks = {note, (void *)(uintptr_t)invocation};
    char *folder = store_folder(measure->path);
    if (!folder)
        return error_memory(error);
    int result = data_watch(measure->store, measure->recipe, folder, measure->split,
                            &remarks, invocation->work, error);
    free(folder);
    return result;
}

int measure_check_split(const struct store_recipe *recipe, const char *option,
                        bool train, struct error *error) {
    if (!train || !metric_is_command(recipe))
        return 0;
    return error_set(error,
                     "%s train: commands measure these tasks and know no splits; leave "
                     "it out",
                     option);
}

int measure_open(const struct invocation *invocation, const char *path,
                 const struct measure_options *options, struct measure *measure,
                 struct error *error) {
    memset(measure, 0, sizeof *measure);
    measure->invocation = invocation;
    measure->options = options;
    measure->path = path;
    measure->split = options->split == 0 ? "test" : "train";
    measure->total = 1;
    bool writes = ranks_rank(invocation->ranks) == 0;
    if (store_open(path, writes ? STORE_READ_WRITE : STORE_READ_ONLY, &measure->store,
                   error) == 0 &&
        store_recipe(measure->store, &measure->recipe, error) == 0 &&
        measure_check_split(measure->recipe, "--split", options->split != 0, error) ==
            0 &&
        (!writes || watch_data(measure, error) == 0))
        return 0;
    measure_close(measure);
    return -1;
}

/* What is going to be run, for who has allowed it. */
static void show_commands(const struct measure *measure) {
    for (size_t t = 0;
         metric_is_command(measure->recipe) && t < measure->recipe->task_count; t++)
        command_note(measure->invocation, "%s is measured by %s",
                     measure->recipe->tasks[t].name,
                     measure->recipe->tasks[t].objective.metric);
}

int measure_load(struct measure *measure, struct error *error) {
    char *folder = store_folder(measure->path);
    if (!folder)
        return error_memory(error);
    char note[256] = "";
    const struct common *common = measure->invocation->common;
    struct evaluator_options how = {
        .device = common->device,
        .precision = common->precision,
        .threads = (unsigned)common->threads,
        .batch = (size_t)measure->options->batch,
        .limit = (size_t)measure->options->limit,
        .split = measure->split,
        .store = ranks_rank(measure->invocation->ranks) ? NULL : measure->store,
        .allow_commands = measure->options->allow_commands,
        .makes_only = measure->options->makes_only,
        .jobs = (unsigned)measure->options->jobs,
        .job_devices = measure->options->job_devices,
        .spill = common->spill,
        .share = measure->share.run ? &measure->share : NULL};
    if (how.allow_commands)
        show_commands(measure);
    int result = evaluator_open(measure->recipe, folder, &how, &measure->evaluator,
                                note, measure->invocation->work, error);
    free(folder);
    command_device_note(measure->invocation, note);
    if (result)
        return -1;
    for (size_t t = 0; t < evaluator_tasks(measure->evaluator); t++)
        measure->examples += evaluator_examples(measure->evaluator, t);
    return 0;
}

void measure_close(struct measure *measure) {
    char remark[256] = "";
    if (measure->evaluator)
        evaluator_remark(measure->evaluator, remark);
    if (*remark)
        command_device_note(measure->invocation, remark);
    size_t layers = measure->layers_here + measure->layers_elsewhere;
    if (layers)
        command_note(measure->invocation, "of %zu linear layers other ranks made %zu",
                     layers, measure->layers_elsewhere);
    evaluator_close(measure->evaluator);
    store_recipe_free(measure->recipe);
    store_close(measure->store);
    free(measure->ids);
    memset(measure, 0, sizeof *measure);
}

int measure_add_id(struct measure *measure, int64_t id, struct error *error) {
    if (array_reserve((void **)&measure->ids, &measure->id_capacity,
                      measure->id_count + 1, sizeof *measure->ids))
        return error_memory(error);
    measure->ids[measure->id_count++] = id;
    return 0;
}

/* How many of all are done, by other ranks too. */
static size_t done_by_all(const struct measure *measure) {
    return measure->done + (measure->handout ? handout_kept(measure->handout) : 0);
}

int measure_steps(struct measure *measure, const char *what, struct error *error) {
    const struct work *work = measure->invocation->work;
    struct running running[STORE_TASKS_MAX];
    for (;;) {
        if (work_stopped(work))
            return 0;
        int step = evaluator_step(measure->evaluator, running, error);
        if (step < 0)
            return -1;
        size_t seen = 0;
        for (size_t t = 0; t < measure->recipe->task_count; t++)
            seen += (size_t)running[t].examples;
        work_report(work, what, done_by_all(measure) * measure->examples + seen,
                    measure->total * measure->examples);
        if (step == 1)
            return 1;
    }
}

int measure_finish(struct measure *measure, const char *what,
                   struct store_solution *solution, struct error *error) {
    int result = measure_steps(measure, what, error);
    if (result != 1)
        return result;
    if (keeping_figures(measure->evaluator, measure->store, true, solution, error) ||
        measure_add_id(measure, solution->id, error))
        return -1;
    measure->done++;
    return 1;
}

static bool is_equal_weights(const double *preference, size_t tasks) {
    for (size_t t = 0; t < tasks; t++)
        if (fabs(preference[t] - 1 / (double)tasks) > 1e-9)
            return false;
    return true;
}

/* id is left 0 where the store has it without complete figures, or not at all; those in
 * fp8 do for who asks for no more. */
static int find_measured(struct measure *measure, const struct store_solution *wanted,
                         int64_t *id, struct error *error) {
    enum store_state state = STORE_STATE_NONE;
    if (store_solution_find(measure->store, wanted, id, error) ||
        (*id &&
         store_solution_state(measure->store, *id, measure->split, &state, error)))
        return -1;
    bool coarse = state == STORE_STATE_FP8 &&
                  measure->invocation->common->precision != PRECISION_FP8;
    if (!store_state_settled(state) || coarse)
        *id = 0;
    return 0;
}

int measure_known(struct measure *measure, const struct store_solution *wanted,
                  struct error *error) {
    int64_t id;
    if (find_measured(measure, wanted, &id, error))
        return -1;
    /* Files of before methods took preferences have merges at equal weights without
     * one. */
    if (!id && wanted->kind == STORE_KIND_MERGE && wanted->preference &&
        is_equal_weights(wanted->preference, measure->recipe->task_count)) {
        struct store_solution without = *wanted;
        without.preference = NULL;
        if (find_measured(measure, &without, &id, error))
            return -1;
    }
    if (!id)
        return 0;
    return measure_add_id(measure, id, error) ? -1 : 1;
}

/* By the routers that the evaluator has. */
static int begin_preference(struct measure *measure,
                            const struct store_solution *solution,
                            struct error *error) {
    struct evaluator *evaluator = measure->evaluator;
    json_t *parameters = json_loads(solution->parameters, 0, NULL);
    bool fitted = merge_heads_fitted(parameters);
    bool shared = merge_heads_shared(parameters);
    json_decref(parameters);
    if (evaluator_begin_preference(evaluator, solution->preference, error))
        return -1;
    return fitted ? evaluator_fit_heads(evaluator, shared ? solution->preference : NULL,
                                        measure->invocation->work, error)
                  : 0;
}

int measure_begin(struct measure *measure, const struct store_solution *solution,
                  struct error *error) {
    struct evaluator *evaluator = measure->evaluator;
    if (solution->kind == STORE_KIND_MERGE || solution->kind == STORE_KIND_SINGLE)
        return evaluator_begin_method(evaluator, solution->method, solution->parameters,
                                      solution->preference, measure->invocation->work,
                                      error);
    if (solution->kind != STORE_KIND_PWEMOE)
        return error_set(error, "solution %lld is of kind %s: it cannot be made again",
                         (long long)solution->id, store_kind_name(solution->kind));
    if (keeping_use_routers(evaluator, measure->store, solution->routers, NULL, error))
        return -1;
    return begin_preference(measure, solution, error);
}

int measure_begin_next(struct measure *measure, const struct store_solution *solution,
                       int64_t *used, struct error *error) {
    if (solution->routers && *used == solution->routers)
        return begin_preference(measure, solution, error);
    *used = solution->routers;
    return measure_begin(measure, solution, error);
}

void measure_explain(struct measure *measure, struct error *error) {
    if (!measure->evaluator || !evaluator_device_blamed(measure->evaluator))
        return;
    command_device_failed(error,
                          "%zu of %zu are measured and kept; the same command goes on",
                          measure->done, measure->total);
}

int measure_take_known(struct measure *m, struct error *error) {
    size_t taken;
    if (keeping_take_known(m->evaluator, m->store, m->split, &taken, error))
        return -1;
    m->taken += taken;
    return 0;
}

bool measure_ends(const struct measure *measure) {
    char line[256];
    return work_stopped(measure->invocation->work) ||
           (measure->evaluator && evaluator_spent(measure->evaluator, line));
}

enum exit_status measure_report(struct measure *measure, bool stopped,
                                const char *go_on, struct error *error) {
    int result = solutions_print(measure->invocation->common->format, measure->store,
                                 measure->recipe, measure->split, measure->ids,
                                 measure->id_count, error);
    if (measure->taken)
        command_note(
            measure->invocation,
            "%zu figures are of models that were measured before, made another "
            "way: their commands were not run again",
            measure->taken);
    if (result && measure->done)
        error_prefix(error, "%zu measured and kept, but not shown", measure->done);
    char why[256] = "stopped";
    if (result == 0 && stopped) {
        if (measure->evaluator && !work_stopped(measure->invocation->work))
            evaluator_spent(measure->evaluator, why);
        result = error_set(error, "%s; %zu of %zu are measured and kept; %s", why,
                           measure->done, measure->total, go_on);
    }
    return result ? EXIT_FAILED : EXIT_DONE;
}
