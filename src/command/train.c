/* pwemoe train: the distilled correction, routers by LS, EPO, MGDA or STCH, or the
 * coefficients of AdaMerging. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "command/command.h"
#include "command/io/settings.h"
#include "command/train.h"
#include "command/work/runs.h"
#include "command/work/train_run.h"
#include "parallel/ranks.h"
#include "store/lease.h"
#include "train/distillation.h"

#define DISTIL "distil"
#define ADAMERGING "adamerging"
/* Routers that learn by the experts' answers, around a correction that does not. */
#define DISTIL_ROUTERS "distil-routers"
#define PARETO_MERGING "pareto-merging"
#define METHODS \
    DISTIL "|" DISTIL_ROUTERS "|" PARETO_MERGING "|" COMBINE_ALL_NAMES "|" ADAMERGING
#define UPSCALES "mlp|attn+mlp|all|whole|tensor"
/* Steps of a correction and of AdaMerging. */
enum { STEPS = 1200, ADAMERGING_STEPS = 500 };
/* That of its tensors. */
enum { TENSOR_RANK = 16 };
static const double adamerging_rate = 0.001;

static const struct option_spec options[] = {
    {.name = "method",
     .type = OPTION_CHOICE,
     .value = "M",
     .choices = METHODS,
     .initial = DISTIL,
     .help = "distil: one more vector beside the task vectors, by the experts' own "
             "answers; distil-routers: routers by these answers, around the closed "
             "form; pareto-merging: a tensor of low rank a layer beside one base; "
             "routers, by how the tasks' losses become one: ls, epo, mgda, "
             "stch, or hv, the hypervolume of several models; or adamerging, "
             "coefficients that make the answers certain, without "
             "a preference; with an option of routers it is ls",
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
    {.name = "vectors",
     .type = OPTION_CHOICE,
     .value = "V",
     .choices = TRAIN_VECTORS,
     .initial = "one",
     .help = "With --method distil: one vector that is added the more, the more evenly "
             "the preference is spread; or one for each task, or each pair of tasks, "
             "by their weights",
     .kept = CORRECTION,
     .untold = "one",
     .offset = offsetof(struct train_options, vectors)},
    {.name = "routers",
     .type = OPTION_CHOICE,
     .value = "G",
     .choices = TRAIN_BESIDES,
     .initial = "none",
     .help = "With --method distil: routers that learn beside the vector, and at which "
             "modules; with distil-routers (tensor is its default) these learn alone. "
             "linear: each linear layer by itself, tensor: each tensor",
     .kept = CORRECTION,
     .untold = "none",
     .offset = offsetof(struct train_options, beside)},
    {.name = "router-lr",
     .type = OPTION_REAL,
     .value = "R",
     .initial = "0.01",
     .maximum = 100,
     .above_minimum = true,
     .help = "Learning rate of --routers",
     .kept = CORRECTION,
     .untold = "0.01",
     .offset = offsetof(struct train_options, router_rate)},
    {.name = "average",
     .type = OPTION_REAL,
     .value = "F",
     .initial = "0",
     .maximum = 1,
     .help = "With --method distil: what is kept is the average over about the last F "
             "of the steps; 0: it is as the last step left it",
     .kept = CORRECTION,
     .untold = "0",
     .offset = offsetof(struct train_options, average)},
    SMOOTHING_OPTION(struct train_options, how.smoothing, SMOOTHED),
    {.name = "rays",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "4",
     .minimum = 2,
     .maximum = 64,
     .help = "With --method hv: preferences of a step, on the same examples",
     .kept = RAYS,
     .offset = offsetof(struct train_options, how.rays)},
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
     .kept = ROUTERS | COEFFICIENTS | TENSORS,
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
             "correction has 0.15 of the mean change of a weight in fine-tuning, with "
             "--rank 0.05; adamerging has 0.001, which does not fall",
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
     .help = "Steps (default 1200; of routers 4000, for GPT-2 2000, with hv divided by "
             "--rays; of adamerging 500)",
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
    {.name = "rank",
     .type = OPTION_UNSIGNED,
     .value = "K",
     .maximum = 4096,
     .help =
         "With --method distil: of each linear layer only a product of two matrices "
         "K numbers wide is learnt, beyond where the vector starts; 0: all of it",
     .kept = CORRECTION,
     .untold = "0",
     .offset = offsetof(struct train_options, rank)},
    TRAINING_OPTIONS(struct train_options, training, how.seed, EACH),
    {0}};

static void set_method(struct train_run *s, const char *name) {
    snprintf(s->method, sizeof s->method, "%s", name);
    s->kind = strcmp(name, DISTIL) == 0           ? CORRECTION
              : strcmp(name, DISTIL_ROUTERS) == 0 ? CORRECTION | FIXED
              : strcmp(name, PARETO_MERGING) == 0 ? CORRECTION | TENSORS
              : strcmp(name, ADAMERGING) == 0     ? COEFFICIENTS
              : combine_is(name, COMBINE_STCH)    ? ROUTERS | SMOOTHED
              : combine_is(name, COMBINE_HV)      ? ROUTERS | RAYS
                                                  : ROUTERS;
}

static bool is_correction(const struct train_run *s) {
    return s->kind & CORRECTION;
}

static bool is_fixed(const struct train_run *s) {
    return s->kind & FIXED;
}

static bool is_tensors(const struct train_run *s) {
    return s->kind & TENSORS;
}

static bool is_adamerging(const struct train_run *s) {
    return s->kind & COEFFICIENTS;
}

/* As the store knows it. */
static const char *upscale_of(const struct train_run *s) {
    return is_correction(s) ? STORE_CORRECTION : s->upscale;
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
                         : s->kind & RAYS   ? usual.steps / s->o.how.rays
                                            : usual.steps;
    if (!command_given(invocation, "weight-decay"))
        s->o.how.weight_decay = usual.weight_decay;
    if (is_correction(s) && !command_given(invocation, "lr"))
        s->o.how.learning_rate = 0; /* distillation_change decides */
    if (is_tensors(s) && !command_given(invocation, "rank"))
        s->o.rank = TENSOR_RANK;
    if (is_tensors(s) && !command_given(invocation, "loss"))
        s->o.loss = DISTILLATION_ENTROPY;
    if (is_fixed(s) && !command_given(invocation, "routers"))
        options_choice_index(TRAIN_BESIDES, "tensor", &s->o.beside);
    if (is_adamerging(s) && !command_given(invocation, "lr"))
        s->o.how.learning_rate = adamerging_rate;
}

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
    set_method(s, t->run.method);
    snprintf(s->upscale, sizeof s->upscale, "%s", t->run.upscale);
    if (training_settings(t, options, &s->o, s->kind, NULL, error))
        return -1;
    t->run.steps = (unsigned)s->o.how.steps;
    return 0;
}

static int begin(struct train_run *s, struct error *error) {
    json_t *parameters = json_object();
    if (settings_write(options, &s->o, s->kind, parameters, error)) {
        json_decref(parameters);
        return -1;
    }
    if (training_begin(&s->training, s->method, upscale_of(s), (unsigned)s->o.how.steps,
                       parameters, error))
        return -1;
    return is_correction(s) ? train_name_state(s, error) : 0;
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
    char remark[256] = "";
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
    if (result == 1 && training_finish(t, error))
        result = -1;
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
    settings_of_model(s);
    if (s->o.training.resume && find_run(s, error))
        return -1;
    if (s->training.invocation->ranks && !(s->kind & ROUTERS))
        return error_set(error,
                         "by mpirun routers are trained (--method %s); start "
                         "%s without it",
                         COMBINE_ALL_NAMES, s->method);
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
        snprintf(s->upscale, sizeof s->upscale, "%s", granularity_name(UPSCALE_TENSOR));
    enum granularity granularity;
    if (granularity_parse(s->upscale, &granularity, error))
        return -1;
    bool coefficients = granularity == UPSCALE_WHOLE || granularity == UPSCALE_TENSOR;
    if (s->o.training.resume || coefficients == is_adamerging(s))
        return 0;
    return error_set(error, "--upscale %s goes with --method %s", s->upscale,
                     coefficients ? ADAMERGING : COMBINE_ALL_NAMES);
}

/* What one of the two that learn cannot have without itself. */
static int check_vector(const struct train_run *s, const struct invocation *invocation,
                        struct error *error) {
    static const char *const of_vector[] = {"lr", "rank", "vectors"};
    static const char *const not_tensors[] = {"vectors", "routers", "start"};
    bool none =
        s->o.beside == 0 && (!is_fixed(s) || command_given(invocation, "routers"));
    if (!is_correction(s))
        return 0;
    for (size_t i = 0; is_tensors(s) && i < sizeof not_tensors / sizeof *not_tensors;
         i++)
        if (command_given(invocation, not_tensors[i]))
            return error_set(error, "--%s cannot be used with --method " PARETO_MERGING,
                             not_tensors[i]);
    if (is_tensors(s) && command_given(invocation, "rank") && s->o.rank == 0)
        return error_set(error,
                         "--method " PARETO_MERGING " needs a rank of 1 or more");
    if (s->o.rank && s->o.vectors)
        return error_set(error, "--rank is of one vector; leave --vectors out");
    if (none && command_given(invocation, "router-lr"))
        return error_set(error, "--router-lr is of routers; give --routers, too");
    if (none && is_fixed(s))
        return error_set(error, "--method " DISTIL_ROUTERS " without routers has "
                                "nothing to train");
    for (size_t i = 0; is_fixed(s) && i < sizeof of_vector / sizeof *of_vector; i++)
        if (command_given(invocation, of_vector[i]))
            return error_set(error,
                             "--%s is of a vector that learns; --method " DISTIL_ROUTERS
                             " leaves it as it starts",
                             of_vector[i]);
    return 0;
}

static int check_options(const struct train_run *s, const struct invocation *invocation,
                         struct error *error) {
    char what[32];
    snprintf(what, sizeof what, "--method %s", TEXT_CUT(s->method, 15));
    if (is_correction(s) && command_given(invocation, "upscale"))
        return error_set(error, "--upscale cannot be used with %s; leave it out", what);
    return check_vector(s, invocation, error) ||
                   settings_belong(options, invocation->given, s->kind, what, error)
               ? -1
               : 0;
}

/* The session that the command line asks for. */
static int begin_session(struct train_run *s, const struct invocation *invocation,
                         struct error *error) {
    *s = (struct train_run){.o = *(const struct train_options *)invocation->options};
    if (training_usage(&s->o.training, error))
        return -1;
    bool routers = !command_given(invocation, "method") && !s->o.training.resume &&
                   asks_for_routers(invocation);
    char method[sizeof s->method];
    set_method(s, routers
                      ? "ls"
                      : options_choice(METHODS, s->o.method, method, sizeof method));
    if (!s->o.training.resume && check_options(s, invocation, error))
        return -1;
    return choose_upscale(s, invocation, error);
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    struct train_run s;
    enum exit_status status = EXIT_FAILED;
    if (begin_session(&s, invocation, error))
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
    bool same = stored &&
                settings_agree(options, &s->o, every, s->kind, stored, &different) == 0;
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
                  training_settings(t, options, &s->o, s->kind, NULL, error)))
        return -1;
    return make_ready(s, error) ? -1 : finish_run(s, error);
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
        "every task. Without --method it trains a correction: one more vector, added "
        "to the experts' weighted mean, and more of it the more evenly the preference "
        "is spread. It learns from the experts' own answers to the training examples, "
        "without labels. With ls, epo, mgda and stch small routers are trained, by "
        "Adam or AdamW. The state is saved every --save-interval steps. Ctrl-C saves "
        "and stops; --resume continues with the same results.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_USUAL | TAKES_FORMAT | TAKES_DEVICE,
    .together = ALONGSIDE,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct train_options),
    .run = run,
};
