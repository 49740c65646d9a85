/* pwemoe train: routers, by LS, EPO or MGDA. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/memory.h"
#include "base/usage.h"
#include "command/command.h"
#include "command/io/paths.h"
#include "command/work/runs.h"
#include "eval/sources.h"
#include "store/store.h"
#include "train/router_training.h"

struct train_options {
    const char *method, *upscale;
    uint64_t layers, steps, batch, save_interval, limit, run;
    double lambda, alpha, rate;
    bool resume;
};

static const struct option_spec options[] = {
    {.name = "method",
     .type = OPTION_TEXT,
     .value = "M",
     .initial = "ls",
     .help = "How the tasks' losses become one: ls, epo or mgda",
     .offset = offsetof(struct train_options, method)},
    {.name = "upscale",
     .type = OPTION_TEXT,
     .value = "G",
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
     .offset = offsetof(struct train_options, layers)},
    {.name = "lambda",
     .type = OPTION_REAL,
     .value = "L",
     .initial = "0.3",
     .minimum = -10,
     .maximum = 10,
     .help = "Scaling coefficient that training starts from, and of what has no router",
     .offset = offsetof(struct train_options, lambda)},
    {.name = "alpha",
     .type = OPTION_REAL,
     .value = "A",
     .initial = "1",
     .maximum = 1000,
     .above_minimum = true,
     .help = "Concentration of the Dirichlet distribution of preferences",
     .offset = offsetof(struct train_options, alpha)},
    {.name = "lr",
     .type = OPTION_REAL,
     .value = "R",
     .initial = "0.01",
     .maximum = 100,
     .above_minimum = true,
     .help = "Learning rate; it falls along a cosine to a tenth",
     .offset = offsetof(struct train_options, rate)},
    {.name = "steps",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .minimum = 1,
     .maximum = 10000000,
     .help = "Steps (default 4000, for GPT-2 2000)",
     .offset = offsetof(struct train_options, steps)},
    {.name = "batch",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "16",
     .minimum = 1,
     .maximum = 65536,
     .help = "Examples of each task a step",
     .offset = offsetof(struct train_options, batch)},
    {.name = "limit",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "0",
     .maximum = 1000000000,
     .help = "Only so many training examples a task; 0 is all",
     .offset = offsetof(struct train_options, limit)},
    {.name = "save-interval",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "500",
     .minimum = 1,
     .maximum = 10000000,
     .help = "Save every N steps",
     .offset = offsetof(struct train_options, save_interval)},
    {.name = "resume",
     .type = OPTION_FLAG,
     .help = "Go on with the newest unfinished run of this --method and --upscale (or "
             "with --run), with its own settings",
     .offset = offsetof(struct train_options, resume)},
    {.name = "run",
     .type = OPTION_UNSIGNED,
     .value = "ID",
     .minimum = 1,
     .maximum = 9007199254740992.0,
     .help = "With --resume: this run",
     .offset = offsetof(struct train_options, run)},
    {0}};

struct session {
    const struct invocation *invocation;
    struct store *store;
    struct store_recipe *recipe;
    char *folder;
    struct router_training_options how;
    size_t limit;         /* training examples a task */
    struct store_run run; /* id 0: not begun. Its strings are owned */
    struct backend *backend;
    struct pool *pool;
    struct dataset **train; /* [tasks] */
    struct router_training *training;
    struct curve curve;
    double began, before; /* the clock at the start; seconds of earlier sessions */
};

/* --- settings, as options and as the run's parameters --------------------- */

static char *parameters_of(const struct session *s) {
    const struct router_training_options *how = &s->how;
    json_t *object =
        json_pack("{s:I, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I}", "layers",
                  (json_int_t)how->layers, "lambda", how->lambda, "alpha", how->alpha,
                  "lr", how->learning_rate, "weight_decay", how->weight_decay, "steps",
                  (json_int_t)how->steps, "batch", (json_int_t)how->batch, "seed",
                  (json_int_t)how->seed, "limit", (json_int_t)s->limit);
    char *text = object ? json_dumps(object, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
    json_decref(object);
    return text;
}

static int settings_from_options(struct session *s, struct error *error) {
    const struct train_options *o = s->invocation->options;
    s->how = router_training_defaults(MODEL_CLIP_VISION);
    if (combine_parse(o->method, &s->how.method, error) ||
        granularity_parse(o->upscale, &s->how.upscale, error))
        return -1;
    s->how.layers = (unsigned)o->layers;
    s->how.lambda = o->lambda;
    s->how.alpha = o->alpha;
    s->how.learning_rate = o->rate;
    s->how.batch = (size_t)o->batch;
    s->how.seed = s->invocation->common->seed;
    s->limit = (size_t)o->limit;
    return 0;
}

/* What is another number for another kind of model. */
static void settings_of_model(struct session *s) {
    const struct train_options *o = s->invocation->options;
    bool gpt2 = strcmp(s->recipe->model, model_kind_name(MODEL_GPT2)) == 0;
    struct router_training_options usual =
        router_training_defaults(gpt2 ? MODEL_GPT2 : MODEL_CLIP_VISION);
    s->how.steps = o->steps ? (unsigned)o->steps : usual.steps;
    s->how.weight_decay = usual.weight_decay;
}

static int settings_from_run(struct session *s, struct error *error) {
    json_t *object = json_loads(s->run.parameters, 0, NULL);
    double layers, steps, batch, seed, limit;
    s->how.weight_decay = 0; /* runs of older versions do not tell it */
    int result =
        combine_parse(s->run.method, &s->how.method, error) ||
        granularity_parse(s->run.upscale, &s->how.upscale, error) ||
        runs_number(object, "layers", 1, 2, &layers, error) ||
        runs_number(object, "lambda", -10, 10, &s->how.lambda, error) ||
        runs_number(object, "alpha", 1e-300, 1000, &s->how.alpha, error) ||
        runs_number(object, "lr", 1e-300, 100, &s->how.learning_rate, error) ||
        (json_object_get(object, "weight_decay") &&
         runs_number(object, "weight_decay", 0, 10, &s->how.weight_decay, error)) ||
        runs_number(object, "steps", 1, 1e7, &steps, error) ||
        runs_number(object, "batch", 1, 65536, &batch, error) ||
        runs_number(object, "seed", 0, 9007199254740992.0, &seed, error) ||
        runs_number(object, "limit", 0, 1e9, &limit, error);
    json_decref(object);
    if (result)
        return -1;
    s->how.layers = (unsigned)layers;
    s->how.steps = (unsigned)steps;
    s->how.batch = (size_t)batch;
    s->how.seed = (uint64_t)seed;
    s->limit = (size_t)limit;
    return 0;
}

static bool is_wanted(void *self, const struct store_run *run) {
    const struct train_options *o = self;
    bool named = o->run ? run->id == (int64_t)o->run
                        : strcmp(run->method, o->method) == 0 &&
                              strcmp(run->upscale, o->upscale) == 0;
    return named && !run->complete && *run->upscale;
}

/* Puts the run to go on with into s->run. */
static int find_run(struct session *s, struct error *error) {
    struct train_options o = *(const struct train_options *)s->invocation->options;
    bool found;
    if (runs_take(s->store, is_wanted, &o, &s->run, &found, error))
        return -1;
    if (found)
        return 0;
    return error_set(error,
                     "%s has no unfinished run %s; `pwemoe show FILE routers` "
                     "lists the runs",
                     store_path(s->store),
                     o.run ? "of that number" : "of this method and granularity");
}

/* --- models and data ------------------------------------------------------ */

static int load(struct session *s, struct error *error) {
    const struct common *common = s->invocation->common;
    const struct work *work = s->invocation->work;
    char note[256] = "";
    usage_restart();
    int result = sources_check(s->recipe, s->folder, work, error) ||
                 backend_open(common->device, common->precision,
                              (unsigned)common->threads, &s->backend, note, error) ||
                 sources_pool(s->recipe, s->folder, s->backend, &s->pool, work, error);
    command_device_note(s->invocation, note);
    if (result)
        return -1;
    s->train = array_new(s->recipe->task_count, sizeof *s->train);
    if (!s->train)
        return error_memory(error);
    for (size_t t = 0; t < s->recipe->task_count; t++) {
        struct sources_data which = {.task = t,
                                     .split = "train",
                                     .limit = s->limit,
                                     .threads = (unsigned)common->threads};
        if (sources_dataset(s->recipe, s->folder, &which, &s->pool->form, &s->train[t],
                            work, error))
            return -1;
        if (s->train[t]->classes > s->pool->heads[t].classes)
            return error_set(error,
                             "task %s: its train data have %zu classes, its head has "
                             "%zu",
                             s->recipe->tasks[t].name, s->train[t]->classes,
                             s->pool->heads[t].classes);
    }
    return router_training_new(s->pool, (const struct dataset *const *)s->train,
                               &s->how, &s->training, error);
}

static int resume(struct session *s, struct error *error) {
    void *state;
    size_t size;
    if (store_run_state(s->store, s->run.id, &state, &size, error))
        return -1;
    /* A run that was stopped before its first save starts again. */
    int result = state ? router_training_resume(s->training, state, size, error) : 0;
    free(state);
    return result;
}

static int begin(struct session *s, struct error *error) {
    s->run.method = strdup(combine_name(s->how.method));
    s->run.upscale = strdup(granularity_name(s->how.upscale));
    s->run.parameters = parameters_of(s);
    s->run.steps = s->how.steps;
    if (!s->run.method || !s->run.upscale || !s->run.parameters)
        return error_memory(error);
    return store_run_begin(s->store, &s->run, error);
}

/* --- training ------------------------------------------------------------- */

static int save(struct session *s, struct error *error) {
    struct store_routers routers = {.run = s->run.id,
                                    .step = router_training_step_count(s->training)};
    void *state = NULL;
    size_t state_size = 0;
    s->run.steps_done = routers.step;
    s->run.seconds = s->before + usage_clock() - s->began;
    s->run.complete = routers.step == s->how.steps;
    s->run.trainable = router_training_routers(s->training)->count;
    uint64_t peak = backend_peak(s->backend);
    if (peak > s->run.peak_bytes)
        s->run.peak_bytes = peak;
    int result = routers_to_memory(router_training_routers(s->training), &routers.blob,
                                   &routers.size, error) ||
                 router_training_save(s->training, &state, &state_size, error) ||
                 store_run_save(s->store, &s->run, &routers, state, state_size,
                                s->curve.points, s->curve.count, error);
    free(routers.blob);
    free(state);
    if (result)
        return -1;
    curve_saved(&s->curve);
    return 0;
}

/* The device has failed: the routers are the host's, as the last finished step left
 * them, and are saved. */
static void save_from_device(struct session *s, struct error *error) {
    struct error trouble;
    unsigned step = router_training_step_count(s->training);
    if (step != s->run.steps_done && save(s, &trouble)) {
        error_set(error, "%.400s; and then: %.400s", error->text, trouble.text);
        return;
    }
    command_device_failed(error,
                          "step %u of %u is saved; pwemoe train %s --resume --run %lld "
                          "goes on",
                          step, s->how.steps, s->invocation->operands[0],
                          (long long)s->run.id);
}

/* 1 all steps are done, 0 stopped (and saved), -1. */
static int train(struct session *s, struct error *error) {
    const struct train_options *o = s->invocation->options;
    double losses[STORE_TASKS_MAX];
    s->before = s->run.seconds;
    s->began = usage_clock();
    for (unsigned step = router_training_step_count(s->training); step < s->how.steps;
         step = router_training_step_count(s->training)) {
        work_report(s->invocation->work, "training", step, s->how.steps);
        if (work_stopped(s->invocation->work))
            return step == s->run.steps_done || save(s, error) == 0 ? 0 : -1;
        if (router_training_step(s->training, losses, error)) {
            if (backend_blamed(s->backend))
                save_from_device(s, error);
            return -1;
        }
        if (curve_add(&s->curve, ++step, losses, error))
            return -1;
        if ((step % o->save_interval == 0 || step == s->how.steps) && save(s, error))
            return -1;
    }
    return 1;
}

static int run_session(struct session *s, struct error *error) {
    const struct train_options *o = s->invocation->options;
    if (s->recipe->task_count < 2)
        return error_set(error, "routers need at least two tasks; %s has one",
                         store_path(s->store));
    settings_of_model(s);
    if (o->resume && (find_run(s, error) || settings_from_run(s, error)))
        return -1;
    if (load(s, error)) {
        if (s->backend && backend_blamed(s->backend))
            command_device_failed(error, "no step was done; the same command %s",
                                  o->resume ? "goes on" : "begins anew");
        return -1;
    }
    if (curve_new(0, s->recipe->task_count, &s->curve, error) ||
        (o->resume ? resume(s, error) : begin(s, error)))
        return -1;
    int result = train(s, error);
    if (result < 0)
        return -1;
    if (store_log(s->store, error, "train: run %lld (%s, %s), %u of %u steps",
                  (long long)s->run.id, s->run.method, s->run.upscale,
                  s->run.steps_done, s->run.steps) ||
        runs_print(s->invocation, s->store, &s->run, error))
        return -1;
    if (result == 1)
        return 0;
    return error_set(error,
                     "stopped after step %u of %u, which is saved; pwemoe train %s "
                     "--resume --run %lld goes on",
                     s->run.steps_done, s->run.steps, s->invocation->operands[0],
                     (long long)s->run.id);
}

static void end_session(struct session *s) {
    router_training_free(s->training);
    for (size_t t = 0; s->train && t < s->recipe->task_count; t++)
        dataset_close(s->train[t]);
    free(s->train);
    pool_close(s->pool);
    if (s->backend)
        backend_close(s->backend);
    curve_free(&s->curve);
    store_run_clear(&s->run);
    store_recipe_free(s->recipe);
    store_close(s->store);
    free(s->folder);
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    struct session s = {.invocation = invocation};
    if (settings_from_options(&s, error))
        return EXIT_USAGE;
    enum exit_status status = EXIT_FAILED;
    s.folder = store_folder(invocation->operands[0]);
    if (!s.folder)
        error_memory(error);
    else if (store_open(invocation->operands[0], STORE_READ_WRITE, &s.store, error) ==
                 0 &&
             store_recipe(s.store, &s.recipe, error) == 0 &&
             run_session(&s, error) == 0)
        status = EXIT_DONE;
    end_session(&s);
    return status;
}

const struct command command_train = {
    .name = "train",
    .usage = "FILE [--method M] [--upscale G] [--steps N] | FILE --resume",
    .summary = "Train routers, from a preference to a merged model",
    .text =
        "Each step draws a preference, merges the models as the routers say, and "
        "takes one batch of every task; only the routers learn, by Adam (for GPT-2 by "
        "AdamW, weight decay 0.01). They are saved "
        "every --save-interval steps with all that is needed to go on. Ctrl-C "
        "saves and stops; --resume then goes on to the same numbers.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_QUIET | TAKES_FORMAT | TAKES_SEED | TAKES_DEVICE,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct train_options),
    .run = run,
};
