#include "command/work/tuned.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/io/paths.h"
#include "command/work/measure.h"
#include "command/work/runs.h"
#include "eval/evaluator.h"

int tuned_write(struct finetune_session *t, struct error *error) {
    struct error trouble;
    if (tuning_write(t, error) == 0)
        return 0;
    if (training_save(&t->training, &trouble) == 0)
        return error_set(error,
                         "%s; what was trained is kept in %s, the same command "
                         "with --resume writes it",
                         TEXT_CUT(error->text, 600), TEXT_CUT(t->training.state, 300));
    return -1;
}

/* --- a task's expert -------------------------------------------------------------- */

static int keep_expert(struct finetune_session *t, struct error *error) {
    struct fingerprint fingerprint;
    struct store_checkpoint expert = {
        .path = path_stored(t->training.folder, t->out, error)};
    if (!expert.path)
        return -1;
    int result = model_directory_stamp(t->out, expert.stamp, &expert.size, error);
    if (result == 0)
        result = model_directory_fingerprint(t->out, &fingerprint, NULL, error);
    if (result == 0) {
        expert.size = fingerprint.size;
        memcpy(expert.sha256, fingerprint.sha256, sizeof expert.sha256);
        result = store_set_expert(t->training.store, t->training.first, &expert, error);
    }
    free(expert.path);
    return result;
}

/* The recipe of that task alone, as it is in the store now: other tasks may have no
 * expert yet. Its strings are those of `whole`. */
static struct store_recipe recipe_of_one(const struct store_recipe *whole,
                                         size_t task) {
    struct store_recipe one = *whole;
    one.tasks = whole->tasks + task;
    one.task_count = 1;
    return one;
}

/* 1 measured, 0 stopped, -1. */
static int measure_to_the_end(const struct finetune_session *t,
                              struct evaluator *evaluator,
                              struct store_evaluation *figure, struct error *error) {
    struct running running = {0};
    const struct work *work = t->training.invocation->work;
    int result = evaluator_begin_method(evaluator, store_role_name(STORE_ROLE_EXPERTS),
                                        NULL, NULL, work, error);
    while (result == 0) {
        if (work_stopped(work))
            return 0;
        result = evaluator_step(evaluator, &running, error);
        work_report(work, "measuring the expert", running.examples,
                    evaluator_examples(evaluator, 0));
    }
    if (result == 1)
        evaluator_results(evaluator, figure);
    return result;
}

/* The expert's figure on its own task; examples 0 where there is no test data. 1, 0
 * stopped, -1. */
static int measure_expert(const struct finetune_session *t,
                          struct store_evaluation *figure, struct error *error) {
    const struct invocation *invocation = t->training.invocation;
    const struct common *common = invocation->common;
    struct store_recipe *whole = NULL;
    char note[256] = "";
    memset(figure, 0, sizeof *figure);
    if (store_recipe(t->training.store, &whole, error))
        return -1;
    struct store_recipe recipe = recipe_of_one(whole, t->training.first);
    struct evaluator_options how = {.device = common->device,
                                    .precision = common->precision,
                                    .threads = (unsigned)common->threads,
                                    .split = "test",
                                    .store = t->training.store};
    struct evaluator *evaluator = NULL;
    int result = 1;
    if (*recipe.tasks[0].test_path &&
        (result = evaluator_open(&recipe, t->training.folder, &how, &evaluator, note,
                                 invocation->work, error)) == 0)
        result = measure_to_the_end(t, evaluator, figure, error);
    evaluator_close(evaluator);
    store_recipe_free(whole);
    return result;
}

int tuned_expert(struct finetune_session *t, struct error *error) {
    struct training *g = &t->training;
    const char *task = g->recipe->tasks[g->first].name;
    struct store_evaluation figure;
    char told[96] = "";
    if (keep_expert(t, error))
        return -1;
    training_release(g); /* its memory is needed now */
    int result = measure_expert(t, &figure, error);
    if (result == 1 && figure.examples)
        snprintf(told, sizeof told, ", %.2f %% of %llu held-out examples", figure.value,
                 (unsigned long long)figure.examples);
    command_log(g->invocation, g->store, "finetune: task %s, %u steps, %s%s", task,
                g->run.steps_done, t->out, told);
    if (result < 1)
        return error_set(
            error,
            "%s is written and is the task's expert now, but is not measured: "
            "%s; pwemoe merge %s --method stl measures it",
            TEXT_CUT(t->out, 300), TEXT_CUT(result ? error->text : "stopped", 500),
            TEXT_CUT(g->invocation->operands[0], 200));
    struct run_figure row = {.task = task,
                             .value = figure.value,
                             .low = figure.low,
                             .high = figure.high,
                             .examples = figure.examples};
    return runs_print(g->invocation, g->store, &g->run, &row, error);
}

/* --- a model of all tasks --------------------------------------------------------- */

int tuned_model(struct finetune_session *t, struct error *error) {
    static const struct measure_options all = {.split = 0};
    struct measure m;
    if (measure_open(t->training.invocation, t->training.invocation->operands[0], &all,
                     &m, error))
        return -1;
    struct store_solution solution = {.kind = STORE_KIND_TRAIN,
                                      .method = t->training.run.method,
                                      .parameters = t->training.run.parameters,
                                      .preference = t->preference,
                                      .label = t->out};
    int result =
        measure_load(&m, error) || evaluator_begin_directory(m.evaluator, t->out, error)
            ? -1
            : measure_finish(&m, "eval", &solution, error);
    if (result == 1) {
        command_log(m.invocation, m.store, "finetune: all tasks by %s, %u steps, %s",
                    t->training.run.method, t->training.run.steps_done, t->out);
        result = measure_report(&m, false, "", error) != EXIT_DONE ? -1 : 0;
    } else if (result == 0)
        result = error_set(error,
                           "stopped; %s is written; pwemoe eval %s --model %s "
                           "measures it",
                           t->out, m.path, t->out);
    else if (m.evaluator && evaluator_device_blamed(m.evaluator))
        command_device_failed(error,
                              "%s is written; pwemoe eval %s --model %s measures it",
                              t->out, m.path, t->out);
    measure_close(&m);
    return result;
}
