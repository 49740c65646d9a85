/* What the evaluation thread makes of a preference: the model, its figures, its export.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/usage.h"
#include "eval/interval.h"
#include "eval/keeping.h"
#include "results/answerer.h"
#include "threads/evaluation_state.h"

/* The method that routers were trained with: solutions are known by it. */
static void find_method(struct evaluation *evaluation, int64_t run) {
    struct store_run *runs = NULL;
    size_t count = 0;
    evaluation->method[0] = '\0';
    if (store_runs(evaluation->store, &runs, &count, NULL))
        return;
    for (size_t i = 0; i < count; i++)
        if (runs[i].id == run)
            snprintf(evaluation->method, sizeof evaluation->method, "%s",
                     runs[i].method);
    store_runs_free(runs, count);
}

/* The closed form has none, whatever the evaluator used before. */
static size_t modules_of(const struct evaluation *evaluation) {
    return catalog_is_closed(evaluation->routers)
               ? 0
               : evaluator_modules(evaluation->evaluator);
}

int evaluation_use_routers(struct evaluation *evaluation, int64_t id,
                           struct error *error) {
    int64_t run;
    if (evaluation->routers == id)
        return 0;
    evaluation->routers = 0;
    if (!catalog_is_closed(id)) {
        if (keeping_use_routers(evaluation->evaluator, evaluation->store, id, &run,
                                error))
            return -1;
        find_method(evaluation, run);
    }
    evaluation->routers = id;
    struct event event = {.kind = EVENT_MODULES, .modules = modules_of(evaluation)};
    event.names = array_new(event.modules, sizeof *event.names);
    if (!event.names)
        return error_memory(error);
    for (size_t m = 0; m < event.modules; m++)
        snprintf(event.names[m], sizeof event.names[m], "%s",
                 evaluator_module_name(evaluation->evaluator, m));
    mailbox_post(evaluation->mailbox, &event, false);
    return 0;
}

static int post_routing(struct evaluation *evaluation, struct error *error) {
    struct event event = {.kind = EVENT_ROUTING,
                          .serial = evaluation->now.serial,
                          .modules = modules_of(evaluation)};
    size_t cells;
    if (size_multiply(event.modules, evaluation->recipe->task_count, &cells))
        event.weights = array_new(cells, sizeof *event.weights);
    if (!event.weights)
        return error_memory(error);
    if (event.modules &&
        evaluator_routing(evaluation->evaluator, evaluation->now.preference,
                          event.weights, error)) {
        free(event.weights);
        return -1;
    }
    mailbox_post(evaluation->mailbox, &event, true);
    return 0;
}

int evaluation_make_model(struct evaluation *evaluation, const double *preference,
                          const struct work *work, struct error *error) {
    int result = answerer_begin(evaluation->evaluator, evaluation->routers, preference,
                                work, error);
    evaluation_progress(evaluation, "", 0, 0); /* what it said of its work is over */
    return result;
}

int evaluation_take_known(struct evaluation *evaluation, struct error *error) {
    size_t taken;
    return keeping_take_known(evaluation->evaluator, evaluation->store, "test", &taken,
                              error);
}

static int begin_now(struct evaluation *evaluation, struct error *error) {
    const struct evaluation_wish *now = &evaluation->now;
    struct work work = {&evaluation->hurry, evaluation_progress, evaluation};
    return evaluation_use_routers(evaluation, now->routers, error) ||
                   post_routing(evaluation, error) ||
                   (now->evaluate &&
                    (evaluation_make_model(evaluation, now->preference, &work, error) ||
                     evaluation_take_known(evaluation, error)))
               ? -1
               : 0;
}

/* A closed form that takes long is left when something else is wanted; what was being
 * made is wanted again after that, unless it is a new preference. */
static bool wish_again(struct evaluation *evaluation) {
    if (!atomic_load(&evaluation->hurry))
        return false;
    pthread_mutex_lock(&evaluation->lock);
    if (!evaluation->has_wish) {
        evaluation->wish = evaluation->now;
        evaluation->has_wish = true;
    }
    pthread_mutex_unlock(&evaluation->lock);
    return true;
}

void evaluation_begin(struct evaluation *evaluation) {
    struct error error;
    evaluation->evaluating = evaluation->filling = false;
    evaluation->began = usage_clock();
    if (!evaluation->evaluator || !evaluation->now.routers)
        return;
    int result = begin_now(evaluation, &error);
    if (result && evaluation_replace_device(evaluation, &error))
        result = begin_now(evaluation, &error);
    else if (result && !evaluation->evaluator)
        return; /* told already */
    if (result && wish_again(evaluation))
        return;
    if (result)
        evaluation_post(evaluation, EVENT_TROUBLE, error.text);
    else
        evaluation->evaluating = evaluation->now.evaluate;
}

static struct store_solution describe(struct evaluation *evaluation,
                                      double *preference) {
    return answerer_solution(evaluation->routers, evaluation->method, preference);
}

/* Where evaluations take milliseconds, the hash is what a next preference would have
 * to wait for: it is computed when nothing is wanted. */
static void hash_later(struct evaluation *evaluation, int64_t solution) {
    if (evaluation->unhashed_count == UNHASHED_MAX) {
        evaluation->unhashed_count--;
        memmove(evaluation->unhashed, evaluation->unhashed + 1,
                evaluation->unhashed_count * sizeof *evaluation->unhashed);
    }
    struct unhashed *u = &evaluation->unhashed[evaluation->unhashed_count++];
    u->solution = solution;
    u->routers = evaluation->routers;
    memcpy(u->preference, evaluation->now.preference, sizeof u->preference);
}

/* The model of the last solution that waits is made again, which gives the same to the
 * bit, and its hash joins the figures in the file. */
void evaluation_hash_one(struct evaluation *evaluation) {
    struct unhashed *u = &evaluation->unhashed[evaluation->unhashed_count - 1];
    struct work work = {.stop = &evaluation->hurry};
    struct error error;
    int result = evaluation_use_routers(evaluation, u->routers, &error) ||
                 evaluation_make_model(evaluation, u->preference, &work, &error) ||
                 keeping_hash(evaluation->evaluator, evaluation->store, u->solution,
                              &work, &error);
    if (result && atomic_load(&evaluation->hurry))
        return; /* it goes on waiting */
    evaluation->unhashed_count--;
    if (result && !evaluation_replace_device(evaluation, &error))
        evaluation_post(evaluation, EVENT_TROUBLE, error.text);
}

int evaluation_keep(struct evaluation *evaluation, struct error *error) {
    struct store_solution solution = describe(evaluation, evaluation->now.preference);
    struct event event = {.kind = EVENT_STORED,
                          .serial = evaluation->now.serial,
                          .routers = evaluation->routers,
                          .seconds = usage_clock() - evaluation->began};
    bool later = evaluator_on_device(evaluation->evaluator);
    if (!evaluation->writes)
        return error_set(error, "not stored: the file cannot be written");
    if (keeping_figures(evaluation->evaluator, evaluation->store, !later, &solution,
                        error)) {
        error_prefix(error, "not stored");
        return -1;
    }
    if (later)
        hash_later(evaluation, solution.id);
    mailbox_post(evaluation->mailbox, &event, false);
    return 0;
}

void evaluation_step(struct evaluation *evaluation) {
    struct event event = {.kind = EVENT_RUNNING, .serial = evaluation->now.serial};
    struct error error;
    evaluator_prefer(evaluation->evaluator, atomic_load(&evaluation->preferred));
    int result = evaluator_step(evaluation->evaluator, event.running, &error);
    if (result < 0) {
        evaluation->evaluating = false;
        if (evaluation_replace_device(evaluation, &error))
            evaluation_begin(evaluation);
        else if (evaluation->evaluator)
            evaluation_post(evaluation, EVENT_TROUBLE, error.text);
        return;
    }
    if (result == 1) {
        /* Under --limit all that was to be seen is not yet the whole split. */
        struct store_evaluation evaluations[STORE_TASKS_MAX];
        evaluator_results(evaluation->evaluator, evaluations);
        for (size_t t = 0; t < evaluation->recipe->task_count; t++)
            event.running[t].complete = evaluations[t].complete;
    }
    /* Nor does the interval shrink towards the limit's own examples. */
    for (size_t t = 0; evaluation->options.limit && t < evaluation->recipe->task_count;
         t++) {
        struct running *running = &event.running[t];
        if (running->complete || !running->examples)
            continue;
        interval_wilson(running->correct, running->examples, 0, &running->low,
                        &running->high);
        running->low *= 100;
        running->high *= 100;
    }
    /* What is shown as measured is in the file. */
    if (result == 1) {
        evaluation->evaluating = false;
        if (evaluation->writes && evaluation_keep(evaluation, &error))
            evaluation_post(evaluation, EVENT_TROUBLE, error.text);
    }
    mailbox_post(evaluation->mailbox, &event, true);
}

/* --- export --------------------------------------------------------------------- */

static void on_export_progress(void *self, const char *what, size_t done,
                               size_t total) {
    struct evaluation *evaluation = self;
    struct event event = {.kind = EVENT_EXPORTING, .done = done, .total = total};
    (void)what;
    mailbox_post(evaluation->mailbox, &event, true);
}

void evaluation_export_now(struct evaluation *evaluation,
                           struct evaluation_export *request) {
    struct work work = {&evaluation->stop_export, on_export_progress, evaluation};
    struct error error = {.text = ""};
    /* The evaluator has one model at a time: what was evaluated begins again. */
    bool again = evaluation->evaluating && !evaluation->filling;
    if (evaluation->filling)
        evaluation_put_fill_back(evaluation);
    evaluation->evaluating = false;
    if (!evaluation->evaluator) {
        error_set(&error, "nothing can be exported while checkpoints are missing");
    } else if (evaluation_use_routers(evaluation, request->routers, &error) == 0 &&
               evaluation_make_model(evaluation, request->preference, &work, &error) ==
                   0) {
        struct store_solution solution = describe(evaluation, request->preference);
        if (request->measured)
            memcpy(solution.model_sha256, request->model_sha256,
                   sizeof solution.model_sha256);
        if (evaluator_export(evaluation->evaluator, request->path, &solution,
                             request->measured ? request->figures : NULL, request->head,
                             NULL, &work, &error) == 0) {
            error.text[0] = '\0';
            if (evaluation->writes)
                store_log(evaluation->store, NULL, "explorer: exported %s",
                          request->path);
        }
    }
    evaluation_post(evaluation, EVENT_EXPORTED, error.text);
    if (*error.text)
        evaluation_replace_device(evaluation, &error);
    if (again)
        evaluation_begin(evaluation);
}
