/* What the evaluation thread measures while nobody wants anything else: the next model
 * of those that fill the front, or what one would cost. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/usage.h"
#include "threads/evaluation_state.h"

static void post_filled(struct evaluation *evaluation, double took, const char *text) {
    struct event event = {.kind = EVENT_FILLED,
                          .serial = evaluation->filled.serial,
                          .routers = evaluation->filled.routers,
                          .seconds = took};
    snprintf(event.text, sizeof event.text, "%s", TEXT_CUT(text, 1000));
    evaluation->filling = evaluation->evaluating = false;
    mailbox_post(evaluation->mailbox, &event, false);
}

/* It begins again when there is time, unless it has been dropped. */
void evaluation_put_fill_back(struct evaluation *evaluation) {
    evaluation->filling = evaluation->evaluating = false;
    pthread_mutex_lock(&evaluation->lock);
    if (atomic_load(&evaluation->fill_wanted) == evaluation->filled.serial) {
        evaluation->fill = evaluation->filled;
        evaluation->has_fill = true;
    }
    pthread_mutex_unlock(&evaluation->lock);
}

static void fill_failed(struct evaluation *evaluation, const struct error *error) {
    if (evaluation_replace_device(evaluation, error))
        evaluation_put_fill_back(evaluation);
    else
        post_filled(evaluation, 0, error->text);
}

void evaluation_begin_fill(struct evaluation *evaluation) {
    const struct evaluation_fill *fill = &evaluation->filled;
    struct work work = {&evaluation->hurry, evaluation_progress, evaluation};
    struct error error;
    evaluation->filling = true;
    evaluation->began = usage_clock();
    evaluation->now = (struct evaluation_wish){.routers = fill->routers};
    memcpy(evaluation->now.preference, fill->preference, sizeof fill->preference);
    if (!evaluation->evaluator) {
        post_filled(evaluation, 0,
                    "nothing can be measured while checkpoints are missing");
    } else if (evaluation_use_routers(evaluation, fill->routers, &error) == 0 &&
               evaluation_make_model(evaluation, fill->preference, &work, &error) ==
                   0 &&
               (fill->price || evaluation_take_known(evaluation, &error) == 0)) {
        evaluation->made = usage_clock();
        evaluation->evaluating = true;
    } else if (atomic_load(&evaluation->hurry)) {
        evaluation_put_fill_back(evaluation);
    } else {
        fill_failed(evaluation, &error);
    }
}

/* One batch. For a price half a second of them tells what all would take. */
void evaluation_step_fill(struct evaluation *evaluation) {
    static const double enough = 0.5;
    struct running running[STORE_TASKS_MAX];
    struct error error;
    double done = 0, total = 0;
    int result = evaluator_step(evaluation->evaluator, running, &error);
    double now = usage_clock(), batches = now - evaluation->made;
    bool price = evaluation->filled.price;
    if (result < 0 || (result == 1 && !price && evaluation_keep(evaluation, &error))) {
        fill_failed(evaluation, &error);
        return;
    }
    for (size_t t = 0; t < evaluation->recipe->task_count; t++) {
        done += (double)running[t].examples;
        total += (double)evaluator_examples(evaluation->evaluator, t);
    }
    if (result == 1)
        post_filled(evaluation, now - evaluation->began, "");
    else if (price && batches > enough && done > 0)
        post_filled(evaluation,
                    evaluation->made - evaluation->began + batches * total / done, "");
}
