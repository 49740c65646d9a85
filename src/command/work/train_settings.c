/* What `pwemoe train` is told: the table of its options, which of them go with which
 * method, and what each method has where nothing is said. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/command.h"
#include "command/io/settings.h"
#include "command/work/train_run.h"
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
/* A correction is averaged over so large a last part of the steps. */
static const double average_part = 0.1;

const struct option_spec train_option_table[] = {
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
    {.name = "base",
     .type = OPTION_CHOICE,
     .value = "B",
     .choices = TRAIN_BASES,
     .initial = "mean",
     .help = "With --method distil: what the vector is added to: the experts' mean by "
             "the preference, or the closed form of `pwemoe merge --method wudi` "
             "(shrink 0), solved anew for each model",
     .kept = CORRECTION,
     .untold = "mean",
     .offset = offsetof(struct train_options, base)},
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
     .maximum = 1,
     .help = "With --method distil: what is kept is the average over about the last F "
             "of the steps; 0: it is as the last step left it (default 0.1; "
             "with " DISTIL_ROUTERS " and " PARETO_MERGING " 0)",
     .kept = CORRECTION,
     .untold = "0",
     .offset = offsetof(struct train_options, average)},
    {.name = "heads",
     .type = OPTION_CHOICE,
     .value = "H",
     .choices = DISTILLATION_HEADS,
     .initial = "own",
     .help = "With --method distil: trained: what each task's head changes is learnt "
             "with the vector, and depends on the preference as it does; own: heads "
             "stay the tasks' own (default trained; with " DISTIL_ROUTERS " own)",
     .kept = CORRECTION,
     .untold = "own",
     .offset = offsetof(struct train_options, heads)},
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

void train_set_method(struct train_run *s, const char *name) {
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

const char *train_upscale(const struct train_run *s) {
    return is_correction(s) ? STORE_CORRECTION : s->upscale;
}

void train_settle(struct train_run *s) {
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
    if (s->kind == CORRECTION && !command_given(invocation, "average"))
        s->o.average = average_part;
    if (s->kind == CORRECTION && !command_given(invocation, "heads"))
        s->o.heads = DISTILLATION_HEADS_TRAINED;
    if (is_tensors(s) && !command_given(invocation, "rank"))
        s->o.rank = TENSOR_RANK;
    if (is_tensors(s) && !command_given(invocation, "loss"))
        s->o.loss = DISTILLATION_ENTROPY;
    if (is_fixed(s) && !command_given(invocation, "routers"))
        options_choice_index(TRAIN_BESIDES, "tensor", &s->o.beside);
    if (is_adamerging(s) && !command_given(invocation, "lr"))
        s->o.how.learning_rate = adamerging_rate;
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
    static const char *const of_vector[] = {"lr", "rank", "vectors", "base"};
    static const char *const not_tensors[] = {"vectors", "routers", "start", "base",
                                              "heads"};
    static const char *const of_mean[] = {"vectors", "routers", "start"};
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
    for (size_t i = 0; s->o.base && i < sizeof of_mean / sizeof *of_mean; i++)
        if (command_given(invocation, of_mean[i]))
            return error_set(error, "--%s goes with --base mean; leave one of them out",
                             of_mean[i]);
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
                   settings_belong(train_option_table, invocation->given, s->kind, what,
                                   error)
               ? -1
               : 0;
}

int train_read_options(struct train_run *s, const struct invocation *invocation,
                       struct error *error) {
    *s = (struct train_run){.o = *(const struct train_options *)invocation->options};
    if (training_usage(&s->o.training, error))
        return -1;
    bool routers = !command_given(invocation, "method") && !s->o.training.resume &&
                   asks_for_routers(invocation);
    char method[sizeof s->method];
    train_set_method(
        s,
        routers ? "ls" : options_choice(METHODS, s->o.method, method, sizeof method));
    if (!s->o.training.resume && check_options(s, invocation, error))
        return -1;
    return choose_upscale(s, invocation, error);
}
