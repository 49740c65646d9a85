/* pwemoe train: the distilled correction, routers by LS, EPO, MGDA or STCH, or the
 * coefficients of AdaMerging. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/command.h"
#include "command/io/settings.h"
#include "command/train.h"
#include "command/work/runs.h"
#include "command/work/train_run.h"
#include "parallel/ranks.h"
#include "store/lease.h"

static bool is_wanted(void *self, const struct store_run *run) {
    const struct train_run *s = self;
    const struct invocation *invocation = s->training.invocation;
    return store_trains(run->upscale) != STORE_TRAINS_MODEL &&
           store_trains(run->upscale) != STORE_TRAINS_SURROGATE &&
           store_run_is(run, command_given(invocation, "method") ? s->method : NULL,
                        command_given(invocation, "upscale") ? s->upscale : NULL);
}

/* The run to go on with, and its settings. */
static int find_run(struct train_run *s, struct error *error) {
    struct training *t = &s->training;
    bool found;
    if (training_find(t, is_wanted, s, &found, error))
        return -1;
    if (!found)
        return error_set(error,
                         "%s has no unfinished run %s; `pwemoe show FILE routers` "
                         "lists the runs",
                         store_path(t->store),
                         s->o.training.run ? "of that number"
                                           : "of this method and granularity");
    train_set_method(s, t->run.method);
    snprintf(s->upscale, sizeof s->upscale, "%s", t->run.upscale);
    if (training_settings(t, train_option_table, &s->o, s->kind, NULL, error))
        return -1;
    t->run.steps = (unsigned)s->o.how.steps;
    return 0;
}

static int begin(struct train_run *s, struct error *error) {
    json_t *parameters = json_object();
    if (settings_write(train_option_table, &s->o, s->kind, parameters, error)) {
        json_decref(parameters);
        return -1;
    }
    if (training_begin(&s->training, s->method, train_upscale(s),
                       (unsigned)s->o.how.steps, parameters, error))
        return -1;
    return s->kind & CORRECTION ? train_name_state(s, error) : 0;
}

static int check_tasks(const struct train_run *s, struct error *error) {
    if (s->training.tasks >= 2)
        return 0;
    return error_set(error, "training needs at least two tasks; %s has one",
                     store_path(s->training.store));
}

/* By itself, or rank 0 of those that train together. */
static bool is_first(const struct invocation *invocation) {
    return ranks_rank(invocation->ranks) == 0;
}

/* The line for the log, and how training ended where there is something to say. */
static void tell_end(struct training *t, bool complete) {
    char remark[320] = "";
    if (complete && t->trainer.kind->remark)
        t->trainer.kind->remark(t->trainer.self, remark, sizeof remark);
    command_log(t->invocation, t->store, "train: run %lld (%s, %s), %u of %u steps%s%s",
                (long long)t->run.id, t->run.method, t->run.upscale, t->run.steps_done,
                t->run.steps, *remark ? "; " : "", remark);
    if (*remark)
        command_note(t->invocation, "%s", remark);
}

static void tell_traffic(const struct training *t, unsigned steps, uint64_t sent) {
    const struct ranks *ranks = t->invocation->ranks;
    if (ranks && steps)
        command_note(t->invocation, "%u ranks; this one sent %.0f bytes a step",
                     ranks_size(ranks), (double)sent / steps);
}

/* All that comes before the first step of a new run, or of the one that goes on. */
static int make_ready(struct train_run *s, struct error *error) {
    return train_load(s, error) || (!s->o.training.resume && begin(s, error)) ? -1 : 0;
}

/* Trains to the end. */
static int finish_run(struct train_run *s, struct error *error) {
    struct training *t = &s->training;
    unsigned before = t->trainer.kind->step_count(t->trainer.self);
    uint64_t sent = ranks_sent(t->invocation->ranks);
    int result = training_loop(t, error);
    if (!is_first(t->invocation))
        return result;
    if (result >= 0)
        tell_traffic(t, t->trainer.kind->step_count(t->trainer.self) - before,
                     ranks_sent(t->invocation->ranks) - sent);
    if (result == 1 && training_finish(t, error)) {
        /* Asked to stop by the last of it, which is made again: all steps are saved. */
        struct error unsaid;
        bool stopped = t->state && work_stopped(t->invocation->work);
        result = stopped && training_save(t, &unsaid) == 0 ? 0 : -1;
    }
    if (result == 1 && t->state)
        unlink(t->state);
    if (result < 0)
        return -1;
    tell_end(t, result == 1);
    return result;
}

static int prepare_session(struct train_run *s, struct error *error) {
    if (check_tasks(s, error))
        return -1;
    train_settle(s);
    if (s->o.training.resume && find_run(s, error))
        return -1;
    if (s->training.invocation->ranks && s->kind & COEFFICIENTS)
        return error_set(error,
                         "by mpirun routers and corrections are trained; start %s "
                         "without it",
                         s->method);
    return make_ready(s, error);
}

static int run_session(struct train_run *s, struct error *error) {
    struct training *t = &s->training;
    struct ranks *ranks = t->invocation->ranks;
    if (ranks_agree(ranks, prepare_session(s, error), error) ||
        training_share(t, error))
        return -1;
    int result = finish_run(s, error);
    if (ranks_agree(ranks, result < 0 ? -1 : 0, error))
        return -1;
    if (!is_first(t->invocation))
        return 0;
    if (runs_print(t->invocation, t->store, &t->run, NULL, error))
        return -1;
    return result == 1 ? 0 : training_stopped(t, error);
}

/* Rank 0 first: it brings a file of an older format up to date. */
static int open_session(struct train_run *s, const struct invocation *invocation,
                        struct error *error) {
    const struct training_options *o = &s->o.training;
    bool first = is_first(invocation);
    int result = first ? training_open(&s->training, invocation, o, error) : 0;
    if (ranks_agree(invocation->ranks, result, error))
        return -1;
    if (!first)
        result = training_open(&s->training, invocation, o, error);
    return ranks_agree(invocation->ranks, result, error);
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    struct train_run s;
    enum exit_status status = EXIT_FAILED;
    if (train_read_options(&s, invocation, error))
        return EXIT_USAGE;
    if (open_session(&s, invocation, error) == 0) {
        if (run_session(&s, error) == 0)
            status = EXIT_DONE;
        else
            training_explain(&s.training, error);
    }
    training_close(&s.training);
    return status;
}

/* --- as a part of another command ------------------------------------------------- */

/* Whether a run has just these settings; a rate that the models decide is left out. */
static bool is_same(void *self, const struct store_run *run) {
    const struct train_run *s = self;
    uint64_t every = ~(uint64_t)0;
    struct error different;
    if (!store_run_is(run, s->method, train_upscale(s)))
        return false;
    for (size_t i = 0; train_option_table[i].name; i++)
        if (s->o.how.learning_rate == 0 &&
            strcmp(train_option_table[i].name, "lr") == 0)
            every &= ~((uint64_t)1 << i);
    json_t *stored = json_loads(run->parameters, 0, NULL);
    bool same = stored && settings_agree(train_option_table, &s->o, every, s->kind,
                                         stored, &different) == 0;
    json_decref(stored);
    return same;
}

/* 1 complete, 0 stopped, -1. */
static int take_run(struct train_run *s, struct error *error) {
    struct training *t = &s->training;
    bool found;
    if (check_tasks(s, error))
        return -1;
    train_settle(s);
    if (runs_take(t->store, is_same, s, &t->run, &found, error))
        return -1;
    if (found && t->run.complete)
        return 1;
    s->o.training.resume = found;
    if (found &&
        (store_lease_take(t->store, t->run.id, error) ||
         training_settings(t, train_option_table, &s->o, s->kind, NULL, error)))
        return -1;
    return make_ready(s, error) ? -1 : finish_run(s, error);
}

int train_take(const struct invocation *invocation, struct store_run *run,
               struct error *error) {
    struct train_run s;
    *run = (struct store_run){0};
    if (train_read_options(&s, invocation, error))
        return -1;
    int result = training_open(&s.training, invocation, &s.o.training, error)
                     ? -1
                     : take_run(&s, error);
    if (result < 0)
        training_explain(&s.training, error);
    if (result == 1) {
        *run = s.training.run; /* its strings move */
        s.training.run = (struct store_run){0};
    }
    training_close(&s.training);
    return result;
}

const struct command command_train = {
    .name = "train",
    .usage = "FILE [--method M] [--upscale G] [--steps N] | FILE --resume",
    .summary = "Train what turns a preference into a merged model",
    .text =
        "Each step draws a preference, merges the models at it, and takes one batch of "
        "every task. Without --method it trains a correction: one more vector, added "
        "to the experts' weighted mean, and more of it the more evenly the preference "
        "is spread. It learns from the experts' own answers to the training examples, "
        "without labels. With ls, epo, mgda and stch small routers are trained, by "
        "Adam or AdamW. The state is saved every --save-interval steps. Ctrl-C saves "
        "and stops; --resume continues with the same results.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_USUAL | TAKES_FORMAT | TAKES_MODELS,
    .together = ALONGSIDE,
    .stops = true,
    .options = train_option_table,
    .options_size = sizeof(struct train_options),
    .run = run,
};
