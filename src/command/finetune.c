/* pwemoe finetune: every parameter trained, a task's expert or one model for all. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "checkpoint/directory.h"
#include "command/command.h"
#include "command/io/paths.h"
#include "command/io/settings.h"
#include "command/work/tuned.h"
#include "command/work/tuning.h"

/* The kinds of run, a bit each: which rows are settings of which. */
enum { WHOLE_MODELS = 1 << 0, SMOOTHED = 1 << 1 /* by stch */ };

#define METHODS "stl|" COMBINE_NAMES

struct finetune_options {
    const char *task, *preference, *out;
    unsigned method; /* of METHODS, where one was given */
    struct finetuning_options how;
    struct training_options training;
};

static const struct option_spec options[] = {
    {.name = "task",
     .type = OPTION_TEXT,
     .value = "T",
     .help = "The task whose expert is made",
     .offset = offsetof(struct finetune_options, task)},
    {.name = "method",
     .type = OPTION_CHOICE,
     .value = "M",
     .choices = METHODS,
     .help = "stl: the expert of --task, or of every task that has none; ls, epo, "
             "mgda or stch: one model for all tasks instead, a baseline",
     .offset = offsetof(struct finetune_options, method)},
    {.name = "preference",
     .type = OPTION_TEXT,
     .value = "R",
     .help =
         "With --method ls, epo or stch: weights of the tasks, their sum 1 (default: "
         "equal)",
     .offset = offsetof(struct finetune_options, preference)},
    {.name = "out",
     .type = OPTION_TEXT,
     .value = "DIR",
     .help = "The model directory to write: it must not exist, or be empty (default "
             "experts/T or trained/M beside FILE); the state while it is made is "
             "DIR.state",
     .offset = offsetof(struct finetune_options, out)},
    {.name = "steps",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "1000",
     .minimum = 1,
     .maximum = 10000000,
     .help = "Steps",
     .kept = WHOLE_MODELS,
     .offset = offsetof(struct finetune_options, how.steps)},
    {.name = "batch",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "32",
     .minimum = 1,
     .maximum = 65536,
     .help = "Examples of each task a step",
     .kept = WHOLE_MODELS,
     .offset = offsetof(struct finetune_options, how.batch)},
    {.name = "lr",
     .type = OPTION_REAL,
     .value = "R",
     .initial = "0.0001",
     .maximum = 100,
     .above_minimum = true,
     .help =
         "Learning rate; it rises over the first twentieth of the steps, then falls "
         "to 0 along a cosine",
     .kept = WHOLE_MODELS,
     .offset = offsetof(struct finetune_options, how.learning_rate)},
    {.name = "head-lr-factor",
     .type = OPTION_REAL,
     .value = "F",
     .initial = "10",
     .maximum = 10000,
     .above_minimum = true,
     .help = "Learning rate of a new head, as a multiple of --lr",
     .kept = WHOLE_MODELS,
     .offset = offsetof(struct finetune_options, how.head_rate)},
    {.name = "weight-decay",
     .type = OPTION_REAL,
     .value = "D",
     .initial = "0.01",
     .minimum = 0,
     .maximum = 10,
     .help = "Decoupled weight decay (AdamW)",
     .kept = WHOLE_MODELS,
     .offset = offsetof(struct finetune_options, how.weight_decay)},
    SMOOTHING_OPTION(struct finetune_options, how.smoothing, SMOOTHED),
    TRAINING_OPTIONS(struct finetune_options, training, how.seed, WHOLE_MODELS),
    {0}};

/* What is asked for, as typed and then as the run has it. */
struct request {
    struct finetune_options o;
    bool several; /* one expert of several that are made one after another */
    struct finetune_session tuning;
};

static unsigned kind_of(const char *method) {
    bool smoothed = combine_is(method, COMBINE_STCH);
    return smoothed ? WHOLE_MODELS | SMOOTHED : WHOLE_MODELS;
}

static int stored_settings(struct request *r, struct error *error) {
    struct training *t = &r->tuning.training;
    json_t *object;
    if (training_settings(t, options, &r->o, kind_of(r->tuning.method), &object, error))
        return -1;
    int result = tuning_stored_preference(&r->tuning, object, error);
    json_decref(object);
    t->run.steps = (unsigned)r->o.how.steps;
    return result;
}

/* --- a run that begins ------------------------------------------------------------ */

static int begin(struct request *r, struct error *error) {
    const struct training *t = &r->tuning.training;
    json_t *parameters = json_object();
    if (settings_write(options, &r->o, kind_of(r->tuning.method), parameters, error)) {
        json_decref(parameters);
        return -1;
    }
    if (r->tuning.task)
        json_object_set_new(parameters, "task", output_text(r->tuning.task));
    else
        json_object_set_new(parameters, "preference",
                            output_reals(r->tuning.preference, t->tasks));
    return training_begin(&r->tuning.training, r->tuning.method, "",
                          (unsigned)r->o.how.steps, parameters, error);
}

static int choose_out(struct request *r, struct error *error) {
    return tuning_place(&r->tuning, r->tuning.task ? "experts" : "trained",
                        r->tuning.task ? r->tuning.task : r->tuning.method, error);
}

/* A failure after the model was written: it is there, whole. */
static int tell_what_lies(const struct finetune_session *t, struct error *error) {
    if (path_exists(t->out) && !strstr(error->text, "is written"))
        error_prefix(error, "%s is written", t->out);
    return -1;
}

static int train(struct request *r, bool resume, struct error *error) {
    struct finetune_session *t = &r->tuning;
    if (resume && stored_settings(r, error))
        return -1;
    t->how = r->o.how;
    combine_parse(t->method, &t->how.method, NULL); /* stl's does not matter */
    if (tuning_load(t, error) || (!resume && begin(r, error)))
        return -1;
    int result = training_loop(&t->training, error);
    if (result == 1 && tuned_write(t, error))
        result = -1;
    if (result < 0)
        return tell_what_lies(t, error);
    if (result == 0) {
        const struct store_run *run = &t->training.run;
        command_log(t->training.invocation, t->training.store,
                    "finetune: run %lld stopped at step %u of %u", (long long)run->id,
                    run->steps_done, run->steps);
        return training_stopped(&t->training, error);
    }
    unlink(t->training.state);
    if (t->task ? tuned_expert(t, error) : tuned_model(t, error))
        return tell_what_lies(t, error);
    return 0;
}

/* Finds out what is to be done; EXIT_DONE where that is clear. */
static enum exit_status prepare(struct request *r, bool *resume, struct error *error) {
    struct training *t = &r->tuning.training;
    *resume = r->o.training.resume;
    if (r->o.training.run)
        return tuning_find_by_number(&r->tuning, error) || choose_out(r, error)
                   ? EXIT_FAILED
                   : EXIT_DONE;
    if (tuning_choose_tasks(&r->tuning, error))
        return EXIT_USAGE;
    if (choose_out(r, error))
        return EXIT_FAILED;
    /* Of several experts at most one was stopped half-way. */
    *resume = *resume && (!r->several || path_exists(t->state));
    return *resume && tuning_find_by_state(&r->tuning, error) ? EXIT_FAILED : EXIT_DONE;
}

/* A task's expert, or one model for all tasks where task is NULL. */
static enum exit_status tune(const struct invocation *invocation, const char *task,
                             const char *method, bool several, struct error *error) {
    const struct finetune_options *o = invocation->options;
    struct request r = {.o = *o,
                        .several = several,
                        .tuning = {.task = task,
                                   .method = method,
                                   .asked_preference = o->preference,
                                   .asked_out = o->out}};
    bool resume;
    enum exit_status status = EXIT_FAILED;
    if (training_open(&r.tuning.training, invocation, &r.o.training, error) == 0) {
        status = prepare(&r, &resume, error);
        if (status == EXIT_DONE && train(&r, resume, error)) {
            training_explain(&r.tuning.training, error);
            status = EXIT_FAILED;
        }
    }
    tuning_end(&r.tuning);
    return status;
}

/* An expert of every task that has none, one after another. */
static enum exit_status tune_experts(const struct invocation *invocation,
                                     struct error *error) {
    const char *file = invocation->operands[0];
    struct store *store;
    struct store_recipe *recipe = NULL;
    if (store_open(file, STORE_READ_ONLY, &store, error))
        return EXIT_FAILED;
    int result = store_recipe(store, &recipe, error);
    store_close(store);
    if (result)
        return EXIT_FAILED;
    enum exit_status status = EXIT_DONE;
    size_t made = 0;
    for (size_t i = 0; i < recipe->task_count && status == EXIT_DONE; i++)
        if (*recipe->tasks[i].expert.path == '\0') {
            status = tune(invocation, recipe->tasks[i].name,
                          store_role_name(STORE_ROLE_EXPERTS), true, error);
            made++;
        }
    store_recipe_free(recipe);
    if (made == 0) {
        error_set(error, "%s: every task has an expert; --task T makes a new one",
                  file);
        return EXIT_FAILED;
    }
    return status;
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const struct finetune_options *o = invocation->options;
    char method[16];
    snprintf(method, sizeof method, "%s", store_role_name(STORE_ROLE_EXPERTS));
    bool given = command_given(invocation, "method");
    if (given)
        options_choice(METHODS, o->method, method, sizeof method);
    bool experts = given && store_method_role(method) == STORE_ROLE_EXPERTS;
    char what[32];
    snprintf(what, sizeof what, "--method %s", method);
    if (training_usage(&o->training, error) ||
        (!o->training.run &&
         settings_belong(options, invocation->given, kind_of(method), what, error)))
        return EXIT_USAGE;
    if (!o->task && !given && !o->training.run)
        error_set(error, "give --task T or --method " METHODS);
    else if (o->task && given && !experts)
        error_set(error,
                  "--task is for one expert, --method %s for all tasks; give one",
                  method);
    else if (o->preference && (o->task || experts))
        error_set(error, "--preference needs --method ls, epo or stch");
    else if (o->out && experts && !o->task)
        error_set(error, "--out is for one model; give --task T too");
    else if (o->preference && combine_is(method, COMBINE_MGDA))
        error_set(error, "mgda takes no preference; leave --preference out");
    else if (experts && !o->task && !o->training.run)
        return tune_experts(invocation, error);
    else
        return tune(invocation, o->task, given || o->task ? method : NULL, false,
                    error);
    return EXIT_USAGE;
}

const struct command command_finetune = {
    .name = "finetune",
    .usage = "FILE --task T | --method M [--preference R] [--out DIR] [--steps N]",
    .summary = "Train a task's expert, or one model for all tasks",
    .text =
        "Trains every parameter of the pretrained model (AdamW). With --task: on the "
        "task's training data, with a new linear head where the task has none of its "
        "own; the expert is written as a model directory and becomes the task's in "
        "FILE, and figures of an earlier expert become stale. --method stl does that "
        "for every task without an expert. With the other methods: on all tasks, the "
        "heads starting from the experts' own; the model is measured and stored. "
        "Ctrl-C saves the state, and --resume continues from it with the same results.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_USUAL | TAKES_FORMAT | TAKES_DEVICE,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct finetune_options),
    .run = run,
};
