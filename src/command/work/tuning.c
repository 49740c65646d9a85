#include "command/work/tuning.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/memory.h"
#include "base/usage.h"
#include "command/io/paths.h"
#include "eval/provenance.h"
#include "eval/sources.h"
#include "eval/task_heads.h"
#include "model/saving.h"

/* --- settings, and the run that keeps them ------------------------------------ */

static const char *method_of(const struct tuning *t) {
    return t->tasks == 1 ? "stl" : combine_name(t->how.method);
}

static char *parameters_of(const struct tuning *t) {
    json_t *object = json_pack(
        "{s:f, s:f, s:f, s:I, s:I, s:I, s:I}", "lr", t->how.learning_rate,
        "head_lr_factor", t->how.head_rate, "weight_decay", t->how.weight_decay,
        "steps", (json_int_t)t->how.steps, "batch", (json_int_t)t->how.batch, "seed",
        (json_int_t)t->how.seed, "limit", (json_int_t)t->limit);
    if (t->tasks == 1)
        json_object_set_new(object, "task",
                            output_text(t->recipe->tasks[t->first].name));
    else
        json_object_set_new(object, "preference",
                            output_reals(t->preference, t->tasks));
    char *text = object ? json_dumps(object, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
    json_decref(object);
    return text;
}

static int stored_preference(struct tuning *t, const json_t *object,
                             struct error *error) {
    const json_t *list = json_object_get(object, "preference");
    double sum = 0;
    if (t->tasks == 1)
        return 0;
    for (size_t i = 0; i < t->tasks; i++) {
        t->preference[i] = json_number_value(json_array_get(list, i));
        sum += t->preference[i];
    }
    if (json_array_size(list) == t->tasks && sum > 0.999 && sum < 1.001)
        return 0;
    return error_set(error, "the stored run has no sound preference; start a new one");
}

static int settings_from_run(struct tuning *t, struct error *error) {
    json_t *object = json_loads(t->run.parameters, 0, NULL);
    double steps, batch, seed, limit;
    int result =
        runs_number(object, "lr", 0, 100, &t->how.learning_rate, error) ||
        runs_number(object, "head_lr_factor", 0, 10000, &t->how.head_rate, error) ||
        runs_number(object, "weight_decay", 0, 10, &t->how.weight_decay, error) ||
        runs_number(object, "steps", 0, 1e7, &steps, error) ||
        runs_number(object, "batch", 0, 65536, &batch, error) ||
        runs_number(object, "seed", 0, 9007199254740992.0, &seed, error) ||
        runs_number(object, "limit", 0, 1e9, &limit, error) ||
        stored_preference(t, object, error);
    json_decref(object);
    if (result)
        return -1;
    t->how.steps = (unsigned)steps;
    t->how.batch = batch < 1 ? 1 : (size_t)batch;
    t->how.seed = (uint64_t)seed;
    t->limit = (size_t)limit;
    return 0;
}

static bool is_wanted(void *self, const struct store_run *run) {
    const struct tuning *t = self;
    if (run->complete || *run->upscale || strcmp(run->method, method_of(t)) != 0)
        return false;
    if (t->tasks > 1)
        return true;
    json_t *object = json_loads(run->parameters, 0, NULL);
    const char *name = json_string_value(json_object_get(object, "task"));
    bool same = name && strcmp(name, t->recipe->tasks[t->first].name) == 0;
    json_decref(object);
    return same;
}

/* Whether the run's newest state is known to be at a path; an empty one stands for a
 * run that has told no place. */
static bool is_state_at(struct tuning *t, const struct store_run *run,
                        const char *path) {
    void *bytes;
    size_t size;
    if (store_run_state(t->store, run->id, &bytes, &size, NULL))
        return false;
    bool same = size == strlen(path) && (size == 0 || memcmp(bytes, path, size) == 0);
    free(bytes);
    return same;
}

static bool is_saved_here(void *self, const struct store_run *run) {
    struct tuning *t = self;
    char *here = path_stored(t->folder, t->state);
    bool same = here && is_wanted(self, run) && is_state_at(t, run, here);
    free(here);
    return same;
}

static bool is_saved_nowhere(void *self, const struct store_run *run) {
    return is_wanted(self, run) && is_state_at(self, run, "");
}

int tuning_find_run(struct tuning *t, struct error *error) {
    /* Several runs may wait, each with a state of its own. One that was killed between
     * its first state and the note of it has told no place. */
    bool found, there = path_exists(t->state);
    int reason = errno;
    if (runs_take(t->store, there ? is_saved_here : is_wanted, t, &t->run, &found,
                  error) ||
        (there && !found &&
         runs_take(t->store, is_saved_nowhere, t, &t->run, &found, error)))
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
    return settings_from_run(t, error);
}

int tuning_begin(struct tuning *t, struct error *error) {
    t->run.method = strdup(method_of(t));
    t->run.upscale = strdup("");
    t->run.parameters = parameters_of(t);
    t->run.steps = t->how.steps;
    if (!t->run.method || !t->run.upscale || !t->run.parameters)
        return error_memory(error);
    return store_run_begin(t->store, &t->run, error);
}

/* --- models and data ------------------------------------------------------------ */

/* Where a head starts: the recipe's, else (for several tasks) the expert's own,
 * else a new one. Only given heads are not trained. */
static int load_head(struct tuning *t, size_t index, struct error *error) {
    const struct store_task *task = &t->recipe->tasks[t->first + index];
    size_t features = model_config_features(&t->layout->config);
    struct head *head = &t->heads[index];
    size_t classes = t->train[index]->classes;
    int result;
    bool given = *task->head != '\0', expert = t->tasks > 1 && *task->expert.path;
    if (index > 0 && given == t->how.train_heads)
        return error_set(error,
                         "task '%s': either every task has a head in the recipe "
                         "or none has",
                         task->name);
    t->how.train_heads = !given;
    if (!given && !expert)
        return finetuning_new_head(&t->layout->config, classes, t->how.seed, head,
                                   error);
    char *path = sources_path(t->folder, given ? task->head : task->expert.path);
    struct model_directory *directory = NULL;
    if (task_is_zero_shot(task))
        result = 0; /* made already */
    else if (!path)
        result = error_memory(error);
    else if (given)
        result = head_from_file(path, features, head, error);
    else
        result = model_directory_open(path, &directory, error) ||
                         head_from_directory(directory, features, head, error)
                     ? -1
                     : 0;
    model_directory_close(directory);
    free(path);
    if (result)
        return -1;
    if (head->classes < classes)
        return error_set(error,
                         "task '%s': its train data have %zu classes, its head "
                         "has %zu",
                         task->name, classes, head->classes);
    return 0;
}

static int load_model(struct tuning *t, struct error *error) {
    char *path = sources_path(t->folder, t->recipe->pretrained.path);
    if (!path)
        return error_memory(error);
    struct model_config config;
    int result = model_directory_open(path, &t->pretrained, error) ||
                 model_config_read(model_directory_config(t->pretrained),
                                   *t->recipe->model ? t->recipe->model : NULL, path,
                                   &config, error) ||
                 layout_new(&config, t->pretrained, &t->layout, error) ||
                 example_form_read(t->pretrained, &config, &t->form, error);
    free(path);
    if (result)
        return -1;
    t->weights = array_new(t->layout->size, sizeof *t->weights);
    if (!t->weights)
        return error_memory(error);
    return layout_load(t->layout, t->pretrained, NULL, t->weights, error);
}

static int load_data(struct tuning *t, struct error *error) {
    t->train = array_new(t->tasks, sizeof *t->train);
    t->heads = array_new(t->tasks, sizeof *t->heads);
    if (!t->train || !t->heads)
        return error_memory(error);
    if (task_heads_make(t->recipe, t->folder, t->backend, t->first, t->tasks, t->heads,
                        t->invocation->work, error))
        return -1;
    for (size_t i = 0; i < t->tasks; i++) {
        struct sources_data which = {.task = t->first + i,
                                     .split = "train",
                                     .limit = t->limit,
                                     .threads =
                                         (unsigned)t->invocation->common->threads};
        if (sources_dataset(t->recipe, t->folder, &which, &t->form, &t->train[i],
                            t->invocation->work, error) ||
            load_head(t, i, error))
            return -1;
    }
    return 0;
}

int tuning_load(struct tuning *t, struct error *error) {
    const struct common *common = t->invocation->common;
    char note[256] = "";
    usage_restart();
    if (load_model(t, error) || curve_new(t->first, t->tasks, &t->curve, error))
        return -1;
    int result = backend_open(common->device, common->precision,
                              (unsigned)common->threads, &t->backend, note, error);
    command_device_note(t->invocation, note);
    if (result || load_data(t, error))
        return -1;
    struct finetuning_task_set set = {.tasks = t->tasks,
                                      .train = (const struct dataset *const *)t->train,
                                      .heads = t->heads,
                                      .preference = t->preference};
    return finetuning_new(t->backend, t->layout, &t->form.preprocess, t->weights, &set,
                          &t->how, &t->finetuning, error);
}

/* --- training --------------------------------------------------------------------- */

/* How many numbers learn. */
static uint64_t trainable(const struct tuning *t) {
    uint64_t count = 0;
    for (size_t i = 0; i < t->layout->parameter_count; i++)
        count += t->layout->parameters[i].count;
    for (size_t i = 0; t->how.train_heads && i < t->tasks; i++)
        count += t->heads[i].classes * (t->heads[i].features + (t->heads[i].bias != 0));
    return count;
}

/* state: where a state is from now on, NULL where that stays. */
static int record(struct tuning *t, bool complete, const char *state,
                  struct error *error) {
    t->run.steps_done = finetuning_step_count(t->finetuning);
    t->run.seconds = t->before + usage_clock() - t->began;
    t->run.complete = complete;
    t->run.trainable = trainable(t);
    uint64_t peak = backend_peak(t->backend);
    if (peak > t->run.peak_bytes)
        t->run.peak_bytes = peak;
    if (store_run_save(t->store, &t->run, NULL, state, state ? strlen(state) : 0,
                       t->curve.points, t->curve.count, error))
        return -1;
    curve_saved(&t->curve);
    return 0;
}

static int save(struct tuning *t, struct error *error) {
    if (finetuning_save(t->finetuning, t->state, error))
        return -1;
    char *state = path_stored(t->folder, t->state);
    int result = state ? record(t, false, state, error) : error_memory(error);
    free(state);
    return result;
}

int tuning_train(struct tuning *t, size_t save_interval, struct error *error) {
    double losses[STORE_TASKS_MAX];
    t->before = t->run.seconds;
    t->began = usage_clock();
    for (unsigned step = finetuning_step_count(t->finetuning); step < t->how.steps;
         step = finetuning_step_count(t->finetuning)) {
        work_report(t->invocation->work, "fine-tuning", step, t->how.steps);
        if (work_stopped(t->invocation->work))
            return save(t, error) ? -1 : 0;
        if (finetuning_step(t->finetuning, losses, error) ||
            curve_add(&t->curve, ++step, losses, error) ||
            (step % save_interval == 0 && step < t->how.steps && save(t, error)))
            return -1;
    }
    return 1;
}

/* One task: the head becomes the classifier. Several: heads/TASK.safetensors. */
static int write_directory(struct tuning *t, struct head *heads,
                           struct export_file *files, struct error *error) {
    bool one = t->tasks == 1 && t->how.train_heads;
    struct saving saving = {.layout = t->layout,
                            .pretrained = t->pretrained,
                            .weights = t->weights,
                            .head = one ? &heads[0] : NULL,
                            .labels = one ? t->train[0]->class_names : NULL};
    if (t->tasks > 1) {
        saving.files = files;
        saving.file_count = t->tasks;
        for (size_t i = 0; i < t->tasks; i++) {
            void *bytes;
            files[i].name = provenance_head_name(t->recipe, t->first + i);
            if (!files[i].name)
                return error_memory(error);
            if (head_to_memory(&heads[i], &bytes, &files[i].size, error))
                return -1;
            files[i].bytes = bytes;
        }
    }
    return saving_write(t->out, &saving, t->invocation->work, error);
}

int tuning_write(struct tuning *t, struct error *error) {
    struct head *heads = array_new(t->tasks, sizeof *heads);
    struct export_file *files = array_new(t->tasks, sizeof *files);
    int result = heads && files ? 0 : error_memory(error);
    if (result == 0)
        result = finetuning_weights(t->finetuning, t->weights, error);
    for (size_t i = 0; result == 0 && t->how.train_heads && i < t->tasks; i++)
        result = finetuning_head(t->finetuning, i, &heads[i], error);
    if (result == 0)
        result =
            write_directory(t, t->how.train_heads ? heads : t->heads, files, error);
    for (size_t i = 0; i < t->tasks; i++) {
        if (heads)
            head_clear(&heads[i]);
        if (files) {
            free((char *)(uintptr_t)files[i].name);
            free((void *)(uintptr_t)files[i].bytes);
        }
    }
    free(heads);
    free(files);
    return result ? -1 : record(t, true, NULL, error);
}

void tuning_keep(struct tuning *t, struct error *error) {
    struct error trouble;
    if (save(t, &trouble))
        tuning_explain(t, error);
    else
        error_set(error,
                  "%.600s; what was trained is kept in %.300s, the same command with "
                  "--resume writes it",
                  error->text, t->state);
}

void tuning_explain(struct tuning *t, struct error *error) {
    if (!t->backend || !backend_blamed(t->backend))
        return;
    if (t->run.steps_done)
        command_device_failed(error,
                              "step %u of %u is saved in %s; the same command with "
                              "--resume goes on",
                              t->run.steps_done, t->run.steps, t->state);
    else
        command_device_failed(error,
                              "nothing was saved yet; the same command begins anew");
}

void tuning_end(struct tuning *t) {
    finetuning_free(t->finetuning);
    for (size_t i = 0; i < t->tasks; i++) {
        if (t->heads)
            head_clear(&t->heads[i]);
        if (t->train)
            dataset_close(t->train[i]);
    }
    free(t->heads);
    free(t->train);
    free(t->weights);
    example_form_clear(&t->form);
    layout_free(t->layout);
    model_directory_close(t->pretrained);
    if (t->backend)
        backend_close(t->backend);
    curve_free(&t->curve);
    store_run_clear(&t->run);
    store_recipe_free(t->recipe);
    store_close(t->store);
    free(t->folder);
    free(t->out);
    free(t->state);
}
