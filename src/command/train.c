/* pwemoe train: the distilled correction, routers by LS, EPO, MGDA or STCH, or the
 * coefficients of AdaMerging. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "command/command.h"
#include "command/io/paths.h"
#include "command/io/settings.h"
#include "command/train.h"
#include "command/work/runs.h"
#include "command/work/training.h"
#include "eval/sources.h"
#include "store/lease.h"
#include "train/adamerging.h"
#include "train/distillation.h"
#include "train/router_training.h"

/* The kinds of run, a bit each: which rows are settings of which. */
enum {
    ROUTERS = 1 << 0,
    CORRECTION = 1 << 1,
    BOTH = ROUTERS | CORRECTION,
    SMOOTHED = 1 << 2, /* routers by stch */
    COEFFICIENTS = 1 << 3,
    EACH = BOTH | COEFFICIENTS
};

struct train_options {
    unsigned method;      /* of METHODS */
    unsigned upscale;     /* of UPSCALES */
    unsigned loss, start; /* of a correction, as the next */
    uint64_t held_back;
    struct router_training_options how;
    struct training_options training;
};

#define DISTIL "distil"
#define ADAMERGING "adamerging"
#define METHODS DISTIL "|" COMBINE_NAMES "|" ADAMERGING
#define UPSCALES "mlp|attn+mlp|all|whole|tensor"
/* Steps of a correction and of AdaMerging; a run keeps a correction's learning rate as
 * so many digits. */
enum { STEPS = 1200, ADAMERGING_STEPS = 500 };
static const double adamerging_rate = 0.001;
#define RATE_FORMAT "%.3g"

static const struct option_spec options[] = {
    {.name = "method",
     .type = OPTION_CHOICE,
     .value = "M",
     .choices = METHODS,
     .initial = DISTIL,
     .help = "distil: one more vector beside the task vectors, by the experts' own "
             "answers; routers, by how the tasks' losses become one: ls, epo, mgda or "
             "stch; or adamerging, coefficients that make the answers certain, without "
             "a preference (default distil; ls where an option of routers is given)",
     .offset = offsetof(struct train_options, method)},
    {.name = "upscale",
     .type = OPTION_CHOICE,
     .value = "G",
     .choices = UPSCALES,
     .initial = "attn+mlp",
     .help = "Which modules get a router: mlp, attn+mlp or all; with --method "
             "adamerging what gets a coefficient a task: the whole model, or each "
             "tensor (its default)",
     .offset = offsetof(struct train_options, upscale)},
    {.name = "loss",
     .type = OPTION_CHOICE,
     .value = "L",
     .choices = DISTILLATION_LOSSES,
     .initial = "distil",
     .help =
         "With --method distil: distil, the divergence from the experts' answers, "
         "which needs no labels; ce, cross-entropy with the labels; or entropy, that "
         "of the merged model's own answers",
     .kept = CORRECTION,
     .offset = offsetof(struct train_options, loss)},
    {.name = "start",
     .type = OPTION_CHOICE,
     .value = "S",
     .choices = DISTILLATION_STARTS,
     .initial = "wudi",
     .help = "With --method distil: the vector starts at the closed form of `pwemoe "
             "merge --method wudi`, or at zero",
     .kept = CORRECTION,
     .offset = offsetof(struct train_options, start)},
    SMOOTHING_OPTION(struct train_options, how.smoothing, SMOOTHED),
    {.name = "router-hidden-layers",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "2",
     .minimum = 1,
     .maximum = 2,
     .help = "Linear layers of a router",
     .kept = ROUTERS,
     .key = "layers",
     .offset = offsetof(struct train_options, how.layers)},
    {.name = "lambda",
     .type = OPTION_REAL,
     .value = "L",
     .initial = "0.3",
     .minimum = -10,
     .maximum = 10,
     .help = "Scaling coefficient that training starts from, and of what has no router",
     .kept = ROUTERS | COEFFICIENTS,
     .offset = offsetof(struct train_options, how.lambda)},
    {.name = "alpha",
     .type = OPTION_REAL,
     .value = "A",
     .initial = "1",
     .maximum = 1000,
     .above_minimum = true,
     .help = "Concentration of the Dirichlet distribution of preferences",
     .kept = BOTH,
     .offset = offsetof(struct train_options, how.alpha)},
    {.name = "lr",
     .type = OPTION_REAL,
     .value = "R",
     .initial = "0.01",
     .maximum = 100,
     .above_minimum = true,
     .help = "Learning rate; it falls along a cosine to a tenth. Without it a "
             "correction has 0.15 of the mean change of a weight in fine-tuning; "
             "adamerging has 0.001, which does not fall",
     .kept = EACH,
     .offset = offsetof(struct train_options, how.learning_rate)},
    {.name = "weight-decay",
     .type = OPTION_REAL,
     .value = "D",
     .minimum = 0,
     .maximum = 10,
     .help = "Decoupled weight decay (default 0, which is Adam; for GPT-2 0.01)",
     .kept = ROUTERS,
     .untold = "0",
     .offset = offsetof(struct train_options, how.weight_decay)},
    {.name = "steps",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .minimum = 1,
     .maximum = 10000000,
     .help = "Steps (default 1200; of routers 4000, for GPT-2 2000; of adamerging 500)",
     .kept = EACH,
     .offset = offsetof(struct train_options, how.steps)},
    {.name = "batch",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "16",
     .minimum = 1,
     .maximum = 65536,
     .help = "Examples of each task a step",
     .kept = EACH,
     .offset = offsetof(struct train_options, how.batch)},
    {.name = "hold-back",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "64",
     .maximum = 1000000,
     .help = "With --method distil: training examples of each task, at most a tenth of "
             "them, that no step sees: the vector that does best on them is kept, and "
             "training ends early where that gets no better; 0: none",
     .kept = CORRECTION,
     .untold = "0",
     .offset = offsetof(struct train_options, held_back)},
    TRAINING_OPTIONS(struct train_options, training, how.seed, EACH),
    {0}};

struct train_run {
    struct training training;
    struct train_options o;       /* as typed, then as the run has them */
    char method[16], upscale[16]; /* as the store knows them */
};

static bool is_correction(const struct train_run *s) {
    return strcmp(s->method, DISTIL) == 0;
}

static bool is_adamerging(const struct train_run *s) {
    return strcmp(s->method, ADAMERGING) == 0;
}

/* As the store knows it. */
static const char *upscale_of(const struct train_run *s) {
    return is_correction(s) ? STORE_CORRECTION : s->upscale;
}

static unsigned kind_of(const struct train_run *s) {
    bool smoothed = combine_is(s->method, COMBINE_STCH);
    return is_correction(s)   ? CORRECTION
           : is_adamerging(s) ? COEFFICIENTS
           : smoothed         ? ROUTERS | SMOOTHED
                              : ROUTERS;
}

/* What is another number for another kind of model or of run. */
static void settings_of_model(struct train_run *s) {
    const struct invocation *invocation = s->training.invocation;
    bool gpt2 = model_kind_is(s->training.recipe->model, MODEL_GPT2);
    struct router_training_options usual =
        router_training_defaults(gpt2 ? MODEL_GPT2 : MODEL_CLIP_VISION);
    if (!command_given(invocation, "steps"))
        s->o.how.steps = is_correction(s)   ? STEPS
                         : is_adamerging(s) ? ADAMERGING_STEPS
                                            : usual.steps;
    if (!command_given(invocation, "weight-decay"))
        s->o.how.weight_decay = usual.weight_decay;
    if (is_correction(s) && !command_given(invocation, "lr"))
        s->o.how.learning_rate = 0; /* distillation_change decides */
    if (is_adamerging(s) && !command_given(invocation, "lr"))
        s->o.how.learning_rate = adamerging_rate;
}

static bool is_wanted(void *self, const struct store_run *run) {
    const struct train_run *s = self;
    const struct invocation *invocation = s->training.invocation;
    return store_trains(run->upscale) != STORE_TRAINS_MODEL &&
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
    snprintf(s->method, sizeof s->method, "%s", t->run.method);
    snprintf(s->upscale, sizeof s->upscale, "%s", t->run.upscale);
    if (training_settings(t, options, &s->o, kind_of(s), NULL, error))
        return -1;
    t->run.steps = (unsigned)s->o.how.steps;
    return 0;
}

/* --- a correction -------------------------------------------------------------------
 */

/* Where the state of an unfinished one is: beside the store, large as three models. */
static int name_state(struct train_run *s, struct error *error) {
    struct training *t = &s->training;
    t->state =
        text_format("%s.run%lld.state", store_path(t->store), (long long)t->run.id);
    return t->state ? 0 : error_memory(error);
}

/* A run that goes on has its state where the store says; one that was stopped before
 * its first save has none, and starts again. */
static int find_state(struct train_run *s, struct error *error) {
    struct training *t = &s->training;
    char *place = training_state_place(t, t->run.id, error);
    if (!place)
        return -1;
    bool saved = *place != '\0';
    t->state = saved ? path_join(t->folder, place) : NULL;
    free(place);
    if (!saved)
        return name_state(s, error);
    if (!t->state)
        return error_memory(error);
    if (path_exists(t->state))
        return 0;
    return error_set(error,
                     "run %lld was saved in %s, which does not exist; begin a new run "
                     "without --resume",
                     (long long)t->run.id, t->state);
}

static int load_correction(struct train_run *s, struct error *error) {
    struct training *t = &s->training;
    struct distillation *distillation;
    double change;
    if (s->o.how.learning_rate == 0) {
        char rate[32];
        if (distillation_change(t->pool, &change, error))
            return -1;
        snprintf(rate, sizeof rate, RATE_FORMAT, DISTILLATION_RATE * change);
        s->o.how.learning_rate = strtod(rate, NULL);
        if (!(s->o.how.learning_rate > 0))
            return error_set(error, "the experts are the pretrained model: there is "
                                    "nothing to merge");
    }
    const struct distillation_options how = {.loss = s->o.loss,
                                             .start = s->o.start,
                                             .alpha = s->o.how.alpha,
                                             .learning_rate = s->o.how.learning_rate,
                                             .steps = s->o.how.steps,
                                             .batch = s->o.how.batch,
                                             .held_back = s->o.held_back,
                                             .seed = s->o.how.seed};
    if ((t->run.id && find_state(s, error)) ||
        distillation_new(t->pool, (const struct dataset *const *)t->train, &how,
                         &distillation, t->invocation->work, error))
        return -1;
    return training_start(t, distillation_trainer(distillation), error);
}

static int load_adamerging(struct train_run *s, struct error *error) {
    struct training *t = &s->training;
    const struct router_training_options *o = &s->o.how;
    const struct adamerging_options how = {.upscale = o->upscale,
                                           .lambda = o->lambda,
                                           .learning_rate = o->learning_rate,
                                           .steps = o->steps,
                                           .batch = o->batch,
                                           .seed = o->seed};
    struct adamerging *adamerging;
    if (adamerging_new(t->pool, (const struct dataset *const *)t->train, &how,
                       &adamerging, error))
        return -1;
    return training_start(t, adamerging_trainer(adamerging), error);
}

/* Models, data, and what trains. */
static int load(struct train_run *s, struct error *error) {
    struct training *t = &s->training;
    const struct work *work = t->invocation->work;
    bool parsed =
        is_correction(s) ||
        ((is_adamerging(s) || combine_parse(s->method, &s->o.how.method, error) == 0) &&
         granularity_parse(s->upscale, &s->o.how.upscale, error) == 0);
    if (!parsed || sources_check(t->recipe, t->folder, work, error) ||
        training_device(t, error) ||
        sources_pool(t->recipe, t->folder, t->backend, &t->pool, work, error) ||
        training_data(t, &t->pool->form, error))
        return -1;
    for (size_t i = 0; i < t->tasks; i++)
        if (t->train[i]->classes > t->pool->heads[i].classes)
            return error_set(error,
                             "task %s: its train data have %zu classes, its head has "
                             "%zu",
                             t->recipe->tasks[i].name, t->train[i]->classes,
                             t->pool->heads[i].classes);
    if (is_correction(s))
        return load_correction(s, error);
    if (is_adamerging(s))
        return load_adamerging(s, error);
    struct router_training *routers;
    if (router_training_new(t->pool, (const struct dataset *const *)t->train, &s->o.how,
                            &routers, error))
        return -1;
    return training_start(t, router_training_trainer(routers), error);
}

static int begin(struct train_run *s, struct error *error) {
    json_t *parameters = json_object();
    if (settings_write(options, &s->o, kind_of(s), parameters, error)) {
        json_decref(parameters);
        return -1;
    }
    if (training_begin(&s->training, s->method, upscale_of(s), (unsigned)s->o.how.steps,
                       parameters, error))
        return -1;
    return is_correction(s) ? name_state(s, error) : 0;
}

static int check_tasks(const struct train_run *s, struct error *error) {
    if (s->training.tasks >= 2)
        return 0;
    return error_set(error, "training needs at least two tasks; %s has one",
                     store_path(s->training.store));
}

/* The line for the log, and how training ended where there is something to say. */
static void tell_end(struct training *t, bool complete) {
    char remark[256] = "";
    if (complete && t->trainer.kind->remark)
        t->trainer.kind->remark(t->trainer.self, remark, sizeof remark);
    command_log(t->invocation, t->store, "train: run %lld (%s, %s), %u of %u steps%s%s",
                (long long)t->run.id, t->run.method, t->run.upscale, t->run.steps_done,
                t->run.steps, *remark ? "; " : "", remark);
    if (*remark)
        command_note(t->invocation, "%s", remark);
}

/* Trains to the end, a new run or the one that goes on. */
static int finish_run(struct train_run *s, struct error *error) {
    struct training *t = &s->training;
    if (load(s, error) || (!s->o.training.resume && begin(s, error)))
        return -1;
    int result = training_loop(t, error);
    if (result == 1 && training_finish(t, error))
        result = -1;
    if (result == 1 && t->state)
        unlink(t->state);
    if (result < 0)
        return -1;
    tell_end(t, result == 1);
    return result;
}

static int run_session(struct train_run *s, struct error *error) {
    struct training *t = &s->training;
    if (check_tasks(s, error))
        return -1;
    settings_of_model(s);
    if (s->o.training.resume && find_run(s, error))
        return -1;
    int result = finish_run(s, error);
    if (result < 0 || runs_print(t->invocation, t->store, &t->run, NULL, error))
        return -1;
    return result == 1 ? 0 : training_stopped(t, error);
}

static bool asks_for_routers(const struct invocation *invocation) {
    return command_given(invocation, "upscale") ||
           command_given(invocation, "router-hidden-layers") ||
           command_given(invocation, "lambda") ||
           command_given(invocation, "weight-decay");
}

/* Coefficients are of the whole model or of tensors, routers of modules. */
static int choose_upscale(struct train_run *s, const struct invocation *invocation,
                          struct error *error) {
    options_choice(UPSCALES, s->o.upscale, s->upscale, sizeof s->upscale);
    if (is_adamerging(s) && !command_given(invocation, "upscale"))
        snprintf(s->upscale, sizeof s->upscale, "tensor");
    bool coefficients =
        strcmp(s->upscale, "whole") == 0 || strcmp(s->upscale, "tensor") == 0;
    if (s->o.training.resume || coefficients == is_adamerging(s))
        return 0;
    return error_set(error, "--upscale %s goes with --method %s", s->upscale,
                     coefficients ? ADAMERGING : COMBINE_NAMES);
}

static int check_options(const struct train_run *s, const struct invocation *invocation,
                         struct error *error) {
    char what[32];
    snprintf(what, sizeof what, "--method %.15s", s->method);
    if (is_correction(s) && command_given(invocation, "upscale"))
        return error_set(error, "--upscale cannot be used with %s; leave it out", what);
    return settings_belong(options, invocation->given, kind_of(s), what, error);
}

/* The session that the command line asks for. */
static int begin_session(struct train_run *s, const struct invocation *invocation,
                         struct error *error) {
    *s = (struct train_run){.o = *(const struct train_options *)invocation->options};
    if (training_usage(&s->o.training, error))
        return -1;
    options_choice(METHODS, s->o.method, s->method, sizeof s->method);
    if (!command_given(invocation, "method") && !s->o.training.resume &&
        asks_for_routers(invocation))
        snprintf(s->method, sizeof s->method, "ls");
    if (!s->o.training.resume && check_options(s, invocation, error))
        return -1;
    return choose_upscale(s, invocation, error);
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    struct train_run s;
    enum exit_status status = EXIT_FAILED;
    if (begin_session(&s, invocation, error))
        return EXIT_USAGE;
    if (training_open(&s.training, invocation, &s.o.training, error) == 0) {
        if (run_session(&s, error) == 0)
            status = EXIT_DONE;
        else
            training_explain(&s.training, error);
    }
    training_close(&s.training);
    return status;
}

/* --- as a part of another command --------------------------------------------------
 */

/* Whether a run has just these settings; a rate that the models decide is left out. */
static bool is_same(void *self, const struct store_run *run) {
    const struct train_run *s = self;
    uint64_t every = ~(uint64_t)0;
    struct error different;
    if (!store_run_is(run, s->method, upscale_of(s)))
        return false;
    for (size_t i = 0; options[i].name; i++)
        if (s->o.how.learning_rate == 0 && strcmp(options[i].name, "lr") == 0)
            every &= ~((uint64_t)1 << i);
    json_t *stored = json_loads(run->parameters, 0, NULL);
    bool same = stored && settings_agree(options, &s->o, every, kind_of(s), stored,
                                         &different) == 0;
    json_decref(stored);
    return same;
}

/* 1 complete, 0 stopped, -1. */
static int take_run(struct train_run *s, struct error *error) {
    struct training *t = &s->training;
    bool found;
    if (check_tasks(s, error))
        return -1;
    settings_of_model(s);
    if (runs_take(t->store, is_same, s, &t->run, &found, error))
        return -1;
    if (found && t->run.complete)
        return 1;
    s->o.training.resume = found;
    if (found && (store_lease_take(t->store, t->run.id, error) ||
                  training_settings(t, options, &s->o, kind_of(s), NULL, error)))
        return -1;
    return finish_run(s, error);
}

int train_take(const struct invocation *invocation, struct store_run *run,
               struct error *error) {
    struct train_run s;
    *run = (struct store_run){0};
    if (begin_session(&s, invocation, error))
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
        "every task. Without --method one more vector learns, which is added to the "
        "experts' weighted mean the more, the more evenly the preference is spread: "
        "by the experts' own answers to the training examples, without labels. With "
        "ls, epo, mgda and stch small routers learn, by Adam or AdamW. What has been "
        "learnt "
        "is saved "
        "every --save-interval steps with all that is needed to go on. Ctrl-C "
        "saves and stops; --resume then goes on to the same numbers.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_QUIET | TAKES_FORMAT | TAKES_DEVICE,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct train_options),
    .run = run,
};
