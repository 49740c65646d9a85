/* pwemoe finetune: the expert of one task, from the pretrained model. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/backend.h"
#include "base/memory.h"
#include "command/command.h"
#include "command/paths.h"
#include "command/runs.h"
#include "eval/sources.h"
#include "model/saving.h"
#include "store/store.h"
#include "train/finetuning.h"

struct finetune_options {
    const char *task, *out;
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
    {.name = "out",
     .type = OPTION_TEXT,
     .value = "DIR",
     .help = "The model directory to write: it must not exist, or be empty (default "
             "experts/T beside FILE)",
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

struct session {
    const struct invocation *invocation;
    struct store *store;
    struct store_recipe *recipe;
    char *folder, *out, *state;
    size_t task;
    struct finetuning_options how;
    size_t limit;
    struct store_run run; /* its strings are owned */
    struct backend *backend;
    struct model_directory *pretrained;
    struct layout *layout;
    struct preprocess preprocess;
    struct dataset *train;
    float *weights; /* (layout size) on the host */
    struct head head;
    struct finetuning *finetuning;
    struct curve curve;
    double began, before;
};

/* --- settings ------------------------------------------------------------- */

static char *parameters_of(const struct session *s) {
    json_t *object = json_pack(
        "{s:o, s:f, s:f, s:f, s:I, s:I, s:I, s:I}", "task",
        output_text(s->recipe->tasks[s->task].name), "lr", s->how.learning_rate,
        "head_lr_factor", s->how.head_rate, "weight_decay", s->how.weight_decay,
        "steps", (json_int_t)s->how.steps, "batch", (json_int_t)s->how.batch, "seed",
        (json_int_t)s->how.seed, "limit", (json_int_t)s->limit);
    char *text = object ? json_dumps(object, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
    json_decref(object);
    return text;
}

static void settings_from_options(struct session *s) {
    const struct finetune_options *o = s->invocation->options;
    s->how = finetuning_defaults();
    s->how.learning_rate = o->rate;
    s->how.head_rate = o->head_rate;
    s->how.weight_decay = o->decay;
    s->how.steps = (unsigned)o->steps;
    s->how.batch = (size_t)o->batch;
    s->how.seed = s->invocation->common->seed;
    s->limit = (size_t)o->limit;
}

/* A number of a stored run within bounds: the file may be someone else's. */
static int stored_number(const json_t *object, const char *key, double high,
                         double *value, struct error *error) {
    const json_t *number = json_object_get(object, key);
    *value = json_number_value(number);
    if (json_is_number(number) && *value >= 0 && *value <= high)
        return 0;
    return error_set(error, "the stored run has no sound '%s'; start a new one", key);
}

static int settings_from_run(struct session *s, struct error *error) {
    json_t *object = json_loads(s->run.parameters, 0, NULL);
    double steps, batch, seed, limit;
    int result =
        stored_number(object, "lr", 100, &s->how.learning_rate, error) ||
        stored_number(object, "head_lr_factor", 10000, &s->how.head_rate, error) ||
        stored_number(object, "weight_decay", 10, &s->how.weight_decay, error) ||
        stored_number(object, "steps", 1e7, &steps, error) ||
        stored_number(object, "batch", 65536, &batch, error) ||
        stored_number(object, "seed", 9007199254740992.0, &seed, error) ||
        stored_number(object, "limit", 1e9, &limit, error);
    json_decref(object);
    if (result)
        return -1;
    s->how.steps = (unsigned)steps;
    s->how.batch = batch < 1 ? 1 : (size_t)batch;
    s->how.seed = (uint64_t)seed;
    s->limit = (size_t)limit;
    return 0;
}

static bool is_run_of(const struct store_run *run, const char *task) {
    json_t *object = json_loads(run->parameters, 0, NULL);
    const char *name = json_string_value(json_object_get(object, "task"));
    bool same = name && strcmp(name, task) == 0;
    json_decref(object);
    return same && !run->complete && strcmp(run->method, "stl") == 0;
}

static int find_run(struct session *s, struct error *error) {
    const char *task = s->recipe->tasks[s->task].name;
    struct store_run *runs;
    size_t count, found = SIZE_MAX;
    if (store_runs(s->store, &runs, &count, error))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (is_run_of(&runs[i], task))
            found = i;
    if (found != SIZE_MAX) {
        s->run = runs[found]; /* its strings move out of the array */
        memset(&runs[found], 0, sizeof runs[found]);
    }
    store_runs_free(runs, count);
    if (found == SIZE_MAX)
        return error_set(error, "%s has no unfinished run of task '%s'",
                         store_path(s->store), task);
    if (!path_exists(s->state))
        return error_set(error,
                         "%s: %s; --out names the directory that the run was to "
                         "write",
                         s->state, strerror(errno));
    return 0;
}

/* --- where it goes -------------------------------------------------------- */

static int find_task(struct session *s, const char *wanted, struct error *error) {
    const char *names[STORE_TASKS_MAX];
    for (size_t t = 0; t < s->recipe->task_count; t++) {
        names[t] = s->recipe->tasks[t].name;
        if (strcmp(names[t], wanted) == 0) {
            s->task = t;
            return 0;
        }
    }
    const char *nearest = text_nearest(wanted, names, s->recipe->task_count);
    if (nearest)
        return error_set(error, "no task '%s'; did you mean '%s'?", wanted, nearest);
    return error_set(error, "no task '%s'; `pwemoe show FILE objectives` lists them",
                     wanted);
}

static int choose_out(struct session *s, struct error *error) {
    const struct finetune_options *o = s->invocation->options;
    if (o->out) {
        s->out = strdup(o->out);
    } else {
        char *experts = path_join(s->folder, "experts");
        if (experts && mkdir(experts, 0777) && errno != EEXIST) {
            error_set(error, "%s: %s", experts, strerror(errno));
            free(experts);
            return -1;
        }
        if (experts)
            s->out = path_join(experts, s->recipe->tasks[s->task].name);
        free(experts);
    }
    if (s->out)
        s->state = text_format("%s.state", s->out);
    if (!s->out || !s->state)
        return error_memory(error);
    if (path_exists(s->out) && !path_empty_folder(s->out))
        return error_set(
            error, "%s is there already; remove it or choose another --out", s->out);
    return 0;
}

/* --- models and data ------------------------------------------------------ */

static int load_head(struct session *s, struct error *error) {
    const struct store_task *task = &s->recipe->tasks[s->task];
    size_t features = model_config_features(&s->layout->config);
    if (strcmp(task->head, "zero-shot") == 0)
        return error_set(
            error,
            "task '%s': a zero-shot head cannot be used for training here; "
            "give head: FILE.safetensors in the recipe",
            task->name);
    s->how.train_heads = !*task->head;
    if (!*task->head)
        return finetuning_new_head(s->train->classes, features, s->how.seed, &s->head,
                                   error);
    char *path = sources_path(s->folder, task->head);
    int result =
        path ? head_from_file(path, features, &s->head, error) : error_memory(error);
    free(path);
    if (result)
        return -1;
    if (s->head.classes < s->train->classes)
        return error_set(error,
                         "task '%s': its train images have %zu classes, its head "
                         "has %zu",
                         task->name, s->train->classes, s->head.classes);
    return 0;
}

static int load_model(struct session *s, struct error *error) {
    char *path = sources_path(s->folder, s->recipe->pretrained.path);
    if (!path)
        return error_memory(error);
    struct model_config config;
    int result = model_directory_open(path, &s->pretrained, error) ||
                 model_config_read(model_directory_config(s->pretrained),
                                   *s->recipe->model ? s->recipe->model : NULL, path,
                                   &config, error) ||
                 layout_new(&config, s->pretrained, &s->layout, error) ||
                 preprocess_read(model_directory_preprocessor(s->pretrained),
                                 config.kind == MODEL_CLIP_VISION, config.image_size,
                                 &s->preprocess, error);
    free(path);
    if (result)
        return -1;
    s->weights = array_new(s->layout->size, sizeof *s->weights);
    if (!s->weights)
        return error_memory(error);
    return layout_load(s->layout, s->pretrained, NULL, s->weights, error);
}

static int load(struct session *s, struct error *error) {
    const struct common *common = s->invocation->common;
    char note[256] = "";
    struct sources_data which = {.task = s->task,
                                 .split = "train",
                                 .limit = s->limit,
                                 .threads = (unsigned)common->threads};
    if (load_model(s, error) ||
        sources_dataset(s->recipe, s->folder, &which, &s->preprocess, &s->train,
                        s->invocation->work, error) ||
        load_head(s, error))
        return -1;
    int result =
        backend_open(common->device, common->precision ? PRECISION_BF16 : PRECISION_F32,
                     (unsigned)common->threads, &s->backend, note, error);
    command_device_note(s->invocation, note);
    if (result)
        return -1;
    static const double whole = 1;
    const struct dataset *train = s->train;
    struct finetuning_task_set set = {
        .tasks = 1, .train = &train, .heads = &s->head, .preference = &whole};
    return finetuning_new(s->backend, s->layout, &s->preprocess, s->weights, &set,
                          &s->how, &s->finetuning, error);
}

/* --- training ------------------------------------------------------------- */

static int begin(struct session *s, struct error *error) {
    s->run.method = strdup("stl");
    s->run.upscale = strdup("");
    s->run.parameters = parameters_of(s);
    s->run.steps = s->how.steps;
    if (!s->run.method || !s->run.upscale || !s->run.parameters)
        return error_memory(error);
    return store_run_begin(s->store, &s->run, error);
}

static int record(struct session *s, bool complete, struct error *error) {
    s->run.steps_done = finetuning_step_count(s->finetuning);
    s->run.seconds = s->before + runs_clock() - s->began;
    s->run.complete = complete;
    if (store_run_save(s->store, &s->run, NULL, NULL, 0, s->curve.points,
                       s->curve.count, error))
        return -1;
    curve_saved(&s->curve);
    return 0;
}

static int save(struct session *s, struct error *error) {
    return finetuning_save(s->finetuning, s->state, error) || record(s, false, error)
               ? -1
               : 0;
}

/* 1 all steps are done, 0 stopped (and saved), -1. */
static int train(struct session *s, struct error *error) {
    const struct finetune_options *o = s->invocation->options;
    s->before = s->run.seconds;
    s->began = runs_clock();
    for (unsigned step = finetuning_step_count(s->finetuning); step < s->how.steps;
         step = finetuning_step_count(s->finetuning)) {
        double loss;
        work_report(s->invocation->work, "fine-tuning", step, s->how.steps);
        if (work_stopped(s->invocation->work))
            return save(s, error) ? -1 : 0;
        if (finetuning_step(s->finetuning, &loss, error))
            return -1;
        if (curve_add(&s->curve, ++step, &loss, error) ||
            (step % o->save_interval == 0 && step < s->how.steps && save(s, error)))
            return -1;
    }
    return 1;
}

/* Writes the directory and makes it the task's expert. */
static int finish(struct session *s, struct error *error) {
    struct head head = {0};
    if (finetuning_weights(s->finetuning, s->weights, error) ||
        finetuning_head(s->finetuning, 0, &head, error))
        return -1;
    struct saving saving = {.layout = s->layout,
                            .pretrained = s->pretrained,
                            .weights = s->weights,
                            .head = s->how.train_heads ? &head : NULL,
                            .labels =
                                s->how.train_heads ? s->train->class_names : NULL};
    int result = saving_write(s->out, &saving, s->invocation->work, error);
    head_clear(&head);
    if (result)
        return -1;
    struct fingerprint fingerprint;
    struct store_checkpoint expert = {.path = path_stored(s->folder, s->out)};
    if (!expert.path)
        return error_memory(error);
    result = model_directory_fingerprint(s->out, &fingerprint, NULL, error);
    if (result == 0) {
        expert.size = fingerprint.size;
        memcpy(expert.sha256, fingerprint.sha256, sizeof expert.sha256);
        result = store_set_expert(s->store, s->task, &expert, error) ||
                         record(s, true, error) ||
                         store_log(s->store, error, "finetune: task %s, %u steps, %s",
                                   s->recipe->tasks[s->task].name, s->run.steps_done,
                                   expert.path)
                     ? -1
                     : 0;
    }
    free(expert.path);
    if (result == 0)
        unlink(s->state);
    return result;
}

static int print_run(struct session *s, struct error *error) {
    struct output *output = runs_begin(s->invocation, error);
    if (!output)
        return -1;
    if (runs_add(output, s->store, &s->run, error)) {
        output_free(output);
        return -1;
    }
    return output_end(output, error);
}

static int run_session(struct session *s, struct error *error) {
    const struct finetune_options *o = s->invocation->options;
    if (choose_out(s, error) ||
        (o->resume && (find_run(s, error) || settings_from_run(s, error))) ||
        load(s, error) || curve_new(s->task, 1, &s->curve, error) ||
        (o->resume ? finetuning_resume(s->finetuning, s->state, error)
                   : begin(s, error)))
        return -1;
    int result = train(s, error);
    if (result < 0)
        return -1;
    if (result == 1)
        return finish(s, error) || print_run(s, error) ? -1 : 0;
    if (store_log(s->store, error, "finetune: task %s stopped at step %u of %u",
                  s->recipe->tasks[s->task].name, s->run.steps_done, s->run.steps))
        return -1;
    return error_set(error,
                     "stopped after step %u of %u, which is saved in %s; the same "
                     "command with --resume goes on",
                     s->run.steps_done, s->run.steps, s->state);
}

static void end_session(struct session *s) {
    finetuning_free(s->finetuning);
    head_clear(&s->head);
    free(s->weights);
    dataset_close(s->train);
    layout_free(s->layout);
    model_directory_close(s->pretrained);
    if (s->backend)
        backend_close(s->backend);
    curve_free(&s->curve);
    store_run_clear(&s->run);
    store_recipe_free(s->recipe);
    store_close(s->store);
    free(s->folder);
    free(s->out);
    free(s->state);
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const struct finetune_options *o = invocation->options;
    if (!o->task) {
        error_set(error, "--task is missing; give the task whose expert is made");
        return EXIT_USAGE;
    }
    struct session s = {.invocation = invocation};
    settings_from_options(&s);
    enum exit_status status = EXIT_FAILED;
    s.folder = path_folder(invocation->operands[0]);
    if (!s.folder)
        error_memory(error);
    else if (store_open(invocation->operands[0], STORE_READ_WRITE, &s.store, error) ==
                 0 &&
             store_recipe(s.store, &s.recipe, error) == 0) {
        if (find_task(&s, o->task, error))
            status = EXIT_USAGE;
        else if (run_session(&s, error) == 0)
            status = EXIT_DONE;
    }
    end_session(&s);
    return status;
}

const struct command command_finetune = {
    .name = "finetune",
    .usage = "FILE --task T [--out DIR] [--steps N]",
    .summary = "Make a task's expert from the pretrained model",
    .text =
        "Trains every parameter of the pretrained model on the task's training data "
        "(AdamW), with a new linear head where the task has none of its own, writes "
        "the expert as a model directory and makes it the task's in FILE. Figures of "
        "an earlier expert are then stale. Ctrl-C saves the state, and --resume goes "
        "on to the same numbers.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_QUIET | TAKES_FORMAT | TAKES_SEED | TAKES_DEVICE,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct finetune_options),
    .run = run,
};
