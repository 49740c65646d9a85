/* pwemoe train: routers, by LS, EPO or MGDA. */
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "command/io/settings.h"
#include "command/work/runs.h"
#include "command/work/training.h"
#include "eval/sources.h"
#include "train/router_training.h"

/* The kinds of run, a bit each: which rows are settings of which. */
enum { ROUTERS = 1 << 0 };

struct train_options {
    unsigned method;  /* of METHODS */
    unsigned upscale; /* of UPSCALES */
    struct router_training_options how;
    struct training_options training;
};

#define METHODS COMBINE_NAMES
#define UPSCALES "mlp|attn+mlp|all"

static const struct option_spec options[] = {
    {.name = "method",
     .type = OPTION_CHOICE,
     .value = "M",
     .choices = METHODS,
     .initial = "ls",
     .help = "How the tasks' losses become one: ls, epo or mgda",
     .offset = offsetof(struct train_options, method)},
    {.name = "upscale",
     .type = OPTION_CHOICE,
     .value = "G",
     .choices = UPSCALES,
     .initial = "attn+mlp",
     .help = "Which modules get a router: mlp, attn+mlp or all",
     .offset = offsetof(struct train_options, upscale)},
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
     .kept = ROUTERS,
     .offset = offsetof(struct train_options, how.lambda)},
    {.name = "alpha",
     .type = OPTION_REAL,
     .value = "A",
     .initial = "1",
     .maximum = 1000,
     .above_minimum = true,
     .help = "Concentration of the Dirichlet distribution of preferences",
     .kept = ROUTERS,
     .offset = offsetof(struct train_options, how.alpha)},
    {.name = "lr",
     .type = OPTION_REAL,
     .value = "R",
     .initial = "0.01",
     .maximum = 100,
     .above_minimum = true,
     .help = "Learning rate; it falls along a cosine to a tenth",
     .kept = ROUTERS,
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
     .help = "Steps (default 4000, for GPT-2 2000)",
     .kept = ROUTERS,
     .offset = offsetof(struct train_options, how.steps)},
    {.name = "batch",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "16",
     .minimum = 1,
     .maximum = 65536,
     .help = "Examples of each task a step",
     .kept = ROUTERS,
     .offset = offsetof(struct train_options, how.batch)},
    TRAINING_OPTIONS(struct train_options, training, how.seed, ROUTERS),
    {0}};

struct session {
    struct training training;
    struct train_options o; /* as typed, then as the run has them */
    char method[16], upscale[16];
};

/* What is another number for another kind of model. */
static void settings_of_model(struct session *s) {
    const struct invocation *invocation = s->training.invocation;
    bool gpt2 = strcmp(s->training.recipe->model, model_kind_name(MODEL_GPT2)) == 0;
    struct router_training_options usual =
        router_training_defaults(gpt2 ? MODEL_GPT2 : MODEL_CLIP_VISION);
    if (!command_given(invocation, "steps"))
        s->o.how.steps = usual.steps;
    if (!command_given(invocation, "weight-decay"))
        s->o.how.weight_decay = usual.weight_decay;
}

static bool is_wanted(void *self, const struct store_run *run) {
    const struct session *s = self;
    const struct invocation *invocation = s->training.invocation;
    bool by_number = s->o.training.run; /* then by what was typed besides */
    bool method = !by_number || command_given(invocation, "method");
    bool upscale = !by_number || command_given(invocation, "upscale");
    return *run->upscale && (!method || store_method_is(run->method, s->method)) &&
           (!upscale || strcmp(run->upscale, s->upscale) == 0);
}

/* The run to go on with, and its settings. */
static int find_run(struct session *s, struct error *error) {
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
    if (training_settings(t, options, &s->o, ROUTERS, NULL, error))
        return -1;
    t->run.steps = (unsigned)s->o.how.steps;
    snprintf(s->method, sizeof s->method, "%s", t->run.method);
    snprintf(s->upscale, sizeof s->upscale, "%s", t->run.upscale);
    return 0;
}

/* Models, data, and what trains. */
static int load(struct session *s, struct error *error) {
    struct training *t = &s->training;
    const struct work *work = t->invocation->work;
    if (combine_parse(s->method, &s->o.how.method, error) ||
        granularity_parse(s->upscale, &s->o.how.upscale, error) ||
        sources_check(t->recipe, t->folder, work, error) || training_device(t, error) ||
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
    struct router_training *routers;
    if (router_training_new(t->pool, (const struct dataset *const *)t->train, &s->o.how,
                            &routers, error))
        return -1;
    return training_start(t, router_training_trainer(routers), error);
}

static int begin(struct session *s, struct error *error) {
    json_t *parameters = json_object();
    if (settings_write(options, &s->o, ROUTERS, parameters, error)) {
        json_decref(parameters);
        return -1;
    }
    return training_begin(&s->training, s->method, s->upscale, (unsigned)s->o.how.steps,
                          parameters, error);
}

static int run_session(struct session *s, struct error *error) {
    struct training *t = &s->training;
    if (t->tasks < 2)
        return error_set(error, "routers need at least two tasks; %s has one",
                         store_path(t->store));
    settings_of_model(s);
    if ((s->o.training.resume && find_run(s, error)) || load(s, error) ||
        (!s->o.training.resume && begin(s, error)))
        return -1;
    int result = training_loop(t, error);
    if (result == 1 && training_finish(t, error))
        result = -1;
    if (result < 0 ||
        store_log(t->store, error, "train: run %lld (%s, %s), %u of %u steps",
                  (long long)t->run.id, t->run.method, t->run.upscale,
                  t->run.steps_done, t->run.steps) ||
        runs_print(t->invocation, t->store, &t->run, NULL, error))
        return -1;
    return result == 1 ? 0 : training_stopped(t, error);
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    struct session s = {.o = *(const struct train_options *)invocation->options};
    enum exit_status status = EXIT_FAILED;
    if (training_usage(&s.o.training, error))
        return EXIT_USAGE;
    options_choice(METHODS, s.o.method, s.method, sizeof s.method);
    options_choice(UPSCALES, s.o.upscale, s.upscale, sizeof s.upscale);
    if (training_open(&s.training, invocation, &s.o.training, error) == 0) {
        if (run_session(&s, error) == 0)
            status = EXIT_DONE;
        else
            training_explain(&s.training, error);
    }
    training_close(&s.training);
    return status;
}

const struct command command_train = {
    .name = "train",
    .usage = "FILE [--method M] [--upscale G] [--steps N] | FILE --resume",
    .summary = "Train routers, from a preference to a merged model",
    .text =
        "Each step draws a preference, merges the models as the routers say, and "
        "takes one batch of every task; only the routers learn, by Adam or AdamW. They "
        "are saved "
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
