/* pwemoe finetune: every parameter trained, a task's expert or one model for all. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "checkpoint/directory.h"
#include "command/command.h"
#include "command/io/paths.h"
#include "command/work/measure.h"
#include "command/work/tuning.h"
#include "pareto/simplex.h"

struct finetune_options {
    const char *task, *method, *preference, *out;
    double rate, head_rate, decay;
    uint64_t steps, batch, limit, save_interval;
    bool resume;
};

static const struct option_spec options[] = {
    {.name = "task",
     .type = OPTION_TEXT,
     .value = "T",
     .help = "The task whose expert is made",
     .offset = offsetof(struct finetune_options, task)},
    {.name = "method",
     .type = OPTION_TEXT,
     .value = "M",
     .help = "stl: the expert of --task, or of every task that has none; ls, epo or "
             "mgda: one model for all tasks instead, a baseline",
     .offset = offsetof(struct finetune_options, method)},
    {.name = "preference",
     .type = OPTION_TEXT,
     .value = "R",
     .help = "With --method ls or epo: weights of the tasks, their sum 1 (default: "
             "equal)",
     .offset = offsetof(struct finetune_options, preference)},
    {.name = "out",
     .type = OPTION_TEXT,
     .value = "DIR",
     .help = "The model directory to write: it must not exist, or be empty (default "
             "experts/T or trained/M beside FILE)",
     .offset = offsetof(struct finetune_options, out)},
    {.name = "steps",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "1000",
     .minimum = 1,
     .maximum = 10000000,
     .help = "Steps",
     .offset = offsetof(struct finetune_options, steps)},
    {.name = "batch",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "32",
     .minimum = 1,
     .maximum = 65536,
     .help = "Examples a step",
     .offset = offsetof(struct finetune_options, batch)},
    {.name = "lr",
     .type = OPTION_REAL,
     .value = "R",
     .initial = "0.0001",
     .maximum = 100,
     .above_minimum = true,
     .help =
         "Learning rate; it rises over the first twentieth of the steps, then falls "
         "to 0 along a cosine",
     .offset = offsetof(struct finetune_options, rate)},
    {.name = "head-lr-factor",
     .type = OPTION_REAL,
     .value = "F",
     .initial = "10",
     .maximum = 10000,
     .above_minimum = true,
     .help = "A new head learns so many times faster",
     .offset = offsetof(struct finetune_options, head_rate)},
    {.name = "weight-decay",
     .type = OPTION_REAL,
     .value = "D",
     .initial = "0.01",
     .minimum = 0,
     .maximum = 10,
     .help = "Decoupled weight decay (AdamW)",
     .offset = offsetof(struct finetune_options, decay)},
    {.name = "limit",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "0",
     .maximum = 1000000000,
     .help = "Only so many training examples; 0 is all",
     .offset = offsetof(struct finetune_options, limit)},
    {.name = "save-interval",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "500",
     .minimum = 1,
     .maximum = 10000000,
     .help = "Save the state every N steps, in DIR.state",
     .offset = offsetof(struct finetune_options, save_interval)},
    {.name = "resume",
     .type = OPTION_FLAG,
     .help = "Go on from DIR.state, with the settings it was made with",
     .offset = offsetof(struct finetune_options, resume)},
    {0}};

/* --- what is asked for -------------------------------------------------------- */

/* The task whose expert is made; NULL where one model is trained for all. */
static const char *expert_of(const struct tuning *t) {
    return t->tasks == 1 ? t->recipe->tasks[t->first].name : NULL;
}

static void settings_from_options(struct tuning *t) {
    const struct finetune_options *o = t->invocation->options;
    enum combine method = t->how.method;
    t->how = finetuning_defaults();
    t->how.method = method;
    t->how.learning_rate = o->rate;
    t->how.head_rate = o->head_rate;
    t->how.weight_decay = o->decay;
    t->how.steps = (unsigned)o->steps;
    t->how.batch = (size_t)o->batch;
    t->how.seed = t->invocation->common->seed;
    t->limit = (size_t)o->limit;
}

static int find_task(struct tuning *t, const char *wanted, struct error *error) {
    const char *names[STORE_TASKS_MAX];
    for (size_t i = 0; i < t->recipe->task_count; i++) {
        names[i] = t->recipe->tasks[i].name;
        if (strcmp(names[i], wanted) == 0) {
            t->first = i;
            t->tasks = 1;
            t->preference[0] = 1;
            return 0;
        }
    }
    const char *nearest = text_nearest(wanted, names, t->recipe->task_count);
    if (nearest)
        return error_set(error, "no task '%s'; did you mean '%s'?", wanted, nearest);
    return error_set(error, "no task '%s'; `pwemoe show FILE objectives` lists them",
                     wanted);
}

/* One task, or all of them where task is NULL. */
static int choose_tasks(struct tuning *t, const char *task, struct error *error) {
    const struct finetune_options *o = t->invocation->options;
    if (task)
        return find_task(t, task, error);
    if (t->recipe->task_count < 2)
        return error_set(error, "--method is for several tasks; there is one");
    t->tasks = t->recipe->task_count;
    for (size_t i = 0; i < t->tasks; i++)
        t->preference[i] = 1 / (double)t->tasks;
    if (o->preference && simplex_parse(o->preference, t->tasks, t->preference, error))
        return error_prefix(error, "--preference");
    return 0;
}

/* A place that cannot be written is found out before the training. */
static int check_parent(const char *path, struct error *error) {
    char *parent = path_folder(path);
    if (!parent)
        return error_memory(error);
    int result = access(parent, W_OK | X_OK);
    if (result)
        error_set(error, "%s: cannot be made: %s: %s", path, parent, strerror(errno));
    free(parent);
    return result;
}

static int choose_out(struct tuning *t, struct error *error) {
    const struct finetune_options *o = t->invocation->options;
    const char *task = expert_of(t);
    if (o->out) {
        t->out = strdup(o->out);
    } else {
        char *parent = path_join(t->folder, task ? "experts" : "trained");
        if (parent && mkdir(parent, 0777) && errno != EEXIST) {
            error_set(error, "%s: %s", parent, strerror(errno));
            free(parent);
            return -1;
        }
        if (parent)
            t->out = path_join(parent, task ? task : combine_name(t->how.method));
        free(parent);
    }
    if (t->out)
        t->state = text_format("%s.state", t->out);
    if (!t->out || !t->state)
        return error_memory(error);
    if (path_exists(t->out) && !path_empty_folder(t->out))
        return error_set(
            error, "%s is there already; remove it or choose another --out", t->out);
    return check_parent(t->out, error);
}

/* --- what is done with the model ------------------------------------------------ */

/* The directory becomes the task's expert. */
static int keep_expert(struct tuning *t, struct error *error) {
    struct fingerprint fingerprint;
    struct store_checkpoint expert = {.path = path_stored(t->folder, t->out)};
    if (!expert.path)
        return error_memory(error);
    int result = model_directory_fingerprint(t->out, &fingerprint, NULL, error);
    if (result == 0) {
        expert.size = fingerprint.size;
        memcpy(expert.sha256, fingerprint.sha256, sizeof expert.sha256);
        result = store_set_expert(t->store, t->first, &expert, error) ||
                         store_log(t->store, error, "finetune: task %s, %u steps, %s",
                                   t->recipe->tasks[t->first].name, t->run.steps_done,
                                   expert.path)
                     ? -1
                     : 0;
    }
    free(expert.path);
    return result;
}

/* The directory is measured on every task and stored as a solution. */
static int measure_model(struct tuning *t, struct error *error) {
    static const struct measure_options all = {.split = 0};
    struct measure m;
    if (measure_open(t->invocation, t->invocation->operands[0], &all, &m, error))
        return -1;
    struct store_solution solution = {.kind = "train",
                                      .method = t->run.method,
                                      .parameters = t->run.parameters,
                                      .preference = t->preference,
                                      .label = t->out};
    int result =
        measure_load(&m, error) || evaluator_begin_directory(m.evaluator, t->out, error)
            ? -1
            : measure_finish(&m, "eval", &solution, error);
    if (result == 1)
        result = store_log(m.store, error, "finetune: all tasks by %s, %u steps, %s",
                           t->run.method, t->run.steps_done, t->out) ||
                         measure_report(&m, false, "", error) != EXIT_DONE
                     ? -1
                     : 0;
    else if (result == 0)
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

static int train(struct tuning *t, struct error *error) {
    const struct finetune_options *o = t->invocation->options;
    bool expert = expert_of(t);
    if (choose_out(t, error))
        return -1;
    /* Of several experts at most one was stopped half-way. */
    bool resume = o->resume && (!t->several || path_exists(t->state));
    if ((resume && tuning_find_run(t, error)) || tuning_load(t, error) ||
        (resume ? finetuning_resume(t->finetuning, t->state, error)
                : tuning_begin(t, error))) {
        tuning_explain(t, error);
        return -1;
    }
    int result = tuning_train(t, (size_t)o->save_interval, error);
    if (result == 1 && tuning_write(t, error)) {
        tuning_keep(t, error);
        return -1;
    }
    if (result < 0) {
        tuning_explain(t, error);
        return -1;
    }
    if (result == 0) {
        if (store_log(t->store, error, "finetune: run %lld stopped at step %u of %u",
                      (long long)t->run.id, t->run.steps_done, t->run.steps))
            return -1;
        return error_set(error,
                         "stopped after step %u of %u, which is saved in %s; the same "
                         "command with --resume goes on",
                         t->run.steps_done, t->run.steps, t->state);
    }
    if (expert && keep_expert(t, error))
        return -1;
    unlink(t->state);
    return expert ? runs_print(t->invocation, t->store, &t->run, error)
                  : measure_model(t, error);
}

/* A task's expert, or one model for all tasks where task is NULL. */
static enum exit_status tune(const struct invocation *invocation, const char *task,
                             enum combine method, bool several, struct error *error) {
    struct tuning t = {.invocation = invocation, .several = several};
    t.how.method = method;
    settings_from_options(&t);
    enum exit_status status = EXIT_FAILED;
    t.folder = store_folder(invocation->operands[0]);
    if (!t.folder)
        error_memory(error);
    else if (store_open(invocation->operands[0], STORE_READ_WRITE, &t.store, error) ==
                 0 &&
             store_recipe(t.store, &t.recipe, error) == 0) {
        if (choose_tasks(&t, task, error))
            status = EXIT_USAGE;
        else if (train(&t, error) == 0)
            status = EXIT_DONE;
    }
    tuning_end(&t);
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
            status = tune(invocation, recipe->tasks[i].name, COMBINE_LS, true, error);
            made++;
        }
    store_recipe_free(recipe);
    if (made == 0) {
        error_set(error, "%s: every task has an expert; --task T makes one anew", file);
        return EXIT_FAILED;
    }
    return status;
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const struct finetune_options *o = invocation->options;
    bool experts = o->method && strcmp(o->method, "stl") == 0;
    enum combine method = COMBINE_LS;
    if (!o->task && !o->method)
        error_set(error, "give --task T or --method stl|ls|epo|mgda");
    else if (o->task && o->method && !experts)
        error_set(error,
                  "--task is for one expert, --method %s for all tasks; give one",
                  o->method);
    else if (o->preference && (o->task || experts))
        error_set(error, "--preference goes with --method ls or epo");
    else if (o->out && experts && !o->task)
        error_set(error, "--out is for one model; give --task T too");
    else if (o->preference && strcmp(o->method, "mgda") == 0)
        error_set(error, "mgda takes no preference; leave --preference out");
    else if (o->method && !experts && combine_parse(o->method, &method, NULL))
        error_set(error, "method \"%s\" is not one of stl, ls, epo, mgda", o->method);
    else
        return experts && !o->task ? tune_experts(invocation, error)
                                   : tune(invocation, o->task, method, false, error);
    return EXIT_USAGE;
}

const struct command command_finetune = {
    .name = "finetune",
    .usage = "FILE --task T | --method M [--preference R] [--out DIR] [--steps N]",
    .summary = "Train a task's expert, or one model for all tasks",
    .text =
        "Trains every parameter of the pretrained model (AdamW). With --task: on the "
        "task's training data, with a new linear head where the task has none of "
        "its own; the expert is written as a model directory and becomes the "
        "task's in FILE, and figures of an earlier expert are then stale. --method stl "
        "does that for every task without an expert. With the other methods: on all "
        "tasks, the heads starting from the experts' own; the model is measured and "
        "stored. Ctrl-C saves the state, and --resume goes on to the same numbers.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_QUIET | TAKES_FORMAT | TAKES_SEED | TAKES_DEVICE,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct finetune_options),
    .run = run,
};
