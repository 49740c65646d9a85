/* pwemoe finetune: every parameter trained, a task's expert or one model for all. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "checkpoint/directory.h"
#include "command/command.h"
#include "command/io/paths.h"
#include "command/io/settings.h"
#include "command/work/tuned.h"
#include "command/work/tuning.h"
#include "pareto/simplex.h"

/* The kinds of run, a bit each: which rows are settings of which. */
enum { WHOLE_MODELS = 1 << 0 };

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
     .help = "A new head learns so many times faster",
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
    TRAINING_OPTIONS(struct finetune_options, training, how.seed, WHOLE_MODELS),
    {0}};

/* What is asked for, as typed and then as the run has it. */
struct request {
    struct finetune_options o;
    const char *task;   /* whose expert is made; NULL: one model for all tasks */
    const char *method; /* "stl", "ls", ...; of a run by its number, NULL at first */
    bool several;       /* one expert of several that are made one after another */
    struct tuning tuning;
};

/* --- what is asked for -------------------------------------------------------- */

static int find_task(struct request *r, const char *wanted, struct error *error) {
    struct training *t = &r->tuning.training;
    if (store_task_find(t->recipe, wanted, &t->first, error))
        return -1;
    r->task = t->recipe->tasks[t->first].name;
    t->tasks = 1;
    r->tuning.preference[0] = 1;
    return 0;
}

/* One task, or all of them where r->task is NULL. */
static int choose_tasks(struct request *r, struct error *error) {
    struct training *t = &r->tuning.training;
    double *preference = r->tuning.preference;
    if (r->task)
        return find_task(r, r->task, error);
    if (t->tasks < 2)
        return error_set(error, "--method is for several tasks; there is one");
    for (size_t i = 0; i < t->tasks; i++)
        preference[i] = 1 / (double)t->tasks;
    if (r->o.preference && simplex_parse(r->o.preference, t->tasks, preference, error))
        return error_prefix(error, "--preference");
    return 0;
}

/* --- a run that goes on ------------------------------------------------------------
 */

static const char *stored_task(const json_t *parameters) {
    return json_string_value(json_object_get(parameters, "task"));
}

static bool is_wanted(void *self, const struct store_run *run) {
    const struct request *r = self;
    if (*run->upscale || !store_method_is(run->method, r->method))
        return false;
    if (!r->task)
        return true;
    json_t *object = json_loads(run->parameters, 0, NULL);
    const char *name = stored_task(object);
    bool same = name && strcmp(name, r->task) == 0;
    json_decref(object);
    return same;
}

/* Where a run's newest state is, as the store has it; "" for one that has told no
 * place. NULL without memory or where it cannot be read. */
static char *state_place(struct request *r, int64_t run, struct error *error) {
    void *bytes;
    size_t size;
    if (store_run_state(r->tuning.training.store, run, &bytes, &size, error))
        return NULL;
    char *place = strndup(bytes ? bytes : "", size);
    free(bytes);
    if (!place)
        error_memory(error);
    return place;
}

static bool is_state_at(struct request *r, const struct store_run *run,
                        const char *wanted) {
    char *place = state_place(r, run->id, NULL);
    bool same = place && strcmp(place, wanted) == 0;
    free(place);
    return same;
}

static bool is_saved_here(void *self, const struct store_run *run) {
    struct request *r = self;
    struct training *t = &r->tuning.training;
    char *here = path_stored(t->folder, t->state);
    bool same = here && is_wanted(self, run) && is_state_at(r, run, here);
    free(here);
    return same;
}

static bool is_saved_nowhere(void *self, const struct store_run *run) {
    return is_wanted(self, run) && is_state_at(self, run, "");
}

/* The run whose state is at t->state: several may wait, each with its own. One that was
 * killed between its first state and the note of it has told no place. */
static int find_by_state(struct request *r, struct error *error) {
    struct training *t = &r->tuning.training;
    bool found, there = path_exists(t->state);
    int reason = errno;
    if (training_find(t, there ? is_saved_here : is_wanted, r, &found, error) ||
        (there && !found && training_find(t, is_saved_nowhere, r, &found, error)))
        return -1;
    if (!found && there)
        return error_set(error,
                         "%s: is the state of no unfinished run of this kind in %s; "
                         "begin anew without --resume",
                         t->state, store_path(t->store));
    if (!found)
        return error_set(error,
                         "%s has no unfinished run of this kind; `pwemoe show "
                         "FILE routers` lists the runs",
                         store_path(t->store));
    if (!there)
        return error_set(error,
                         "%s: %s; --out names the directory that the run was to "
                         "write",
                         t->state, strerror(reason));
    return 0;
}

/* The directory that a run was to write: its state's name without the ending. */
static int out_of_run(struct request *r, struct error *error) {
    static const char ending[] = ".state";
    struct training *t = &r->tuning.training;
    char *place = state_place(r, t->run.id, error);
    if (!place)
        return -1;
    size_t length = strlen(place), extra = strlen(ending);
    int result = 0;
    if (length <= extra || strcmp(place + length - extra, ending) != 0) {
        result =
            error_set(error, "run %lld has saved nothing; begin anew without --resume",
                      (long long)t->run.id);
    } else {
        place[length - extra] = '\0';
        r->tuning.out = path_join(t->folder, place);
        if (!r->tuning.out)
            result = error_memory(error);
    }
    free(place);
    return result;
}

/* A run by its number says itself what it makes. */
static int find_by_number(struct request *r, struct error *error) {
    struct training *t = &r->tuning.training;
    bool found;
    if (training_find(t, is_wanted, r, &found, error))
        return -1;
    if (!found)
        return error_set(error,
                         "%s has no unfinished run %lld of a whole model; `pwemoe show "
                         "FILE routers` lists the runs",
                         store_path(t->store), (long long)r->o.training.run);
    r->method = t->run.method;
    json_t *object = json_loads(t->run.parameters, 0, NULL);
    const char *task = stored_task(object);
    bool one = store_method_role(r->method) == STORE_ROLE_EXPERTS;
    if (one && r->o.preference) {
        json_decref(object);
        return error_set(error, "--preference goes with --method ls or epo");
    }
    int result = !one    ? 0
                 : !task ? error_set(error, "the stored run has no sound 'task'; start "
                                            "a new one")
                         : find_task(r, task, error);
    json_decref(object);
    if (result || (!one && choose_tasks(r, error)))
        return -1;
    return r->o.out ? 0 : out_of_run(r, error);
}

static int stored_preference(struct request *r, const json_t *object,
                             struct error *error) {
    const json_t *list = json_object_get(object, "preference");
    size_t tasks = r->tuning.training.tasks;
    double *preference = r->tuning.preference, sum = 0;
    bool differs = false;
    if (tasks == 1)
        return 0;
    for (size_t i = 0; i < tasks; i++) {
        double stored = json_number_value(json_array_get(list, i));
        differs |= fabs(stored - preference[i]) > 1e-9;
        preference[i] = stored;
        sum += stored;
    }
    if (json_array_size(list) != tasks || !(sum > 0.999 && sum < 1.001))
        return error_set(error,
                         "the stored run has no sound preference; start a new one");
    if (differs && r->o.preference)
        return error_set(error,
                         "--preference %s: the run has another, and goes on with "
                         "that; leave the option out, or begin a new run without "
                         "--resume",
                         r->o.preference);
    return 0;
}

static int stored_settings(struct request *r, struct error *error) {
    struct training *t = &r->tuning.training;
    json_t *object;
    if (training_settings(t, options, &r->o, WHOLE_MODELS, &object, error))
        return -1;
    int result = stored_preference(r, object, error);
    json_decref(object);
    t->run.steps = (unsigned)r->o.how.steps;
    return result;
}

/* --- a run that begins -------------------------------------------------------------
 */

static int begin(struct request *r, struct error *error) {
    const struct training *t = &r->tuning.training;
    json_t *parameters = json_object();
    if (settings_write(options, &r->o, WHOLE_MODELS, parameters, error)) {
        json_decref(parameters);
        return -1;
    }
    if (r->task)
        json_object_set_new(parameters, "task", output_text(r->task));
    else
        json_object_set_new(parameters, "preference",
                            output_reals(r->tuning.preference, t->tasks));
    return training_begin(&r->tuning.training, r->method, "", (unsigned)r->o.how.steps,
                          parameters, error);
}

static int choose_out(struct request *r, struct error *error) {
    return tuning_place(&r->tuning, r->o.out, r->task ? "experts" : "trained",
                        r->task ? r->task : r->method, error);
}

static int train(struct request *r, bool resume, struct error *error) {
    struct tuning *t = &r->tuning;
    if ((resume && stored_settings(r, error)))
        return -1;
    t->how = r->o.how;
    combine_parse(r->method, &t->how.method, NULL); /* stl's does not matter */
    if (tuning_load(t, error) || (!resume && begin(r, error)))
        return -1;
    int result = training_loop(&t->training, error);
    if (result == 1 && tuned_write(t, error))
        result = -1;
    if (result < 0)
        return -1;
    if (result == 0) {
        const struct store_run *run = &t->training.run;
        return store_log(t->training.store, error,
                         "finetune: run %lld stopped at step %u of %u",
                         (long long)run->id, run->steps_done, run->steps)
                   ? -1
                   : training_stopped(&t->training, error);
    }
    unlink(t->training.state);
    return r->task ? tuned_expert(t, error) : tuned_model(t, error);
}

/* Finds out what is to be done; EXIT_DONE where that is clear. */
static enum exit_status prepare(struct request *r, bool *resume, struct error *error) {
    struct training *t = &r->tuning.training;
    *resume = r->o.training.resume;
    if (r->o.training.run)
        return find_by_number(r, error) || choose_out(r, error) ? EXIT_FAILED
                                                                : EXIT_DONE;
    if (choose_tasks(r, error))
        return EXIT_USAGE;
    if (choose_out(r, error))
        return EXIT_FAILED;
    /* Of several experts at most one was stopped half-way. */
    *resume = *resume && (!r->several || path_exists(t->state));
    return *resume && find_by_state(r, error) ? EXIT_FAILED : EXIT_DONE;
}

/* A task's expert, or one model for all tasks where task is NULL. */
static enum exit_status tune(const struct invocation *invocation, const char *task,
                             const char *method, bool several, struct error *error) {
    struct request r = {.o = *(const struct finetune_options *)invocation->options,
                        .task = task,
                        .method = method,
                        .several = several};
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
        error_set(error, "%s: every task has an expert; --task T makes one anew", file);
        return EXIT_FAILED;
    }
    return status;
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const struct finetune_options *o = invocation->options;
    char method[16] = "stl";
    bool given = command_given(invocation, "method");
    if (given)
        options_choice(METHODS, o->method, method, sizeof method);
    bool experts = given && store_method_role(method) == STORE_ROLE_EXPERTS;
    if (training_usage(&o->training, error))
        return EXIT_USAGE;
    if (!o->task && !given && !o->training.run)
        error_set(error, "give --task T or --method " METHODS);
    else if (o->task && given && !experts)
        error_set(error,
                  "--task is for one expert, --method %s for all tasks; give one",
                  method);
    else if (o->preference && (o->task || experts))
        error_set(error, "--preference goes with --method ls or epo");
    else if (o->out && experts && !o->task)
        error_set(error, "--out is for one model; give --task T too");
    else if (o->preference && strcmp(method, "mgda") == 0)
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
        "task's training data, with a new linear head where the task has none of "
        "its own; the expert is written as a model directory and becomes the "
        "task's in FILE, and figures of an earlier expert are then stale. --method stl "
        "does that for every task without an expert. With the other methods: on all "
        "tasks, the heads starting from the experts' own; the model is measured and "
        "stored. Ctrl-C saves the state, and --resume goes on to the same numbers.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_QUIET | TAKES_FORMAT | TAKES_DEVICE,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct finetune_options),
    .run = run,
};
