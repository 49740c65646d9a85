/* pwemoe init: a new results.db from a recipe. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "checkpoint/directory.h"
#include "command/command.h"
#include "command/io/paths.h"
#include "command/io/point_file.h"
#include "command/io/recipe.h"
#include "command/work/init.h"
#include "eval/data_watch.h"
#include "eval/metric_command.h"
#include "eval/sources.h"
#include "eval/task_check.h"
#include "eval/task_heads.h"
#include "model/config.h"
#include "model/layout.h"
#include "model/zero_shot.h"
#include "store/store.h"

struct init_options {
    const char *reference;
    bool thorough;
};

static const struct option_spec options[] = {
    {.name = "ref",
     .type = OPTION_TEXT,
     .value = "R",
     .help = "The reference point of the hypervolume, in percent: a number for each "
             "task, or one for all (default 0)",
     .offset = offsetof(struct init_options, reference)},
    {.name = "thorough",
     .type = OPTION_FLAG,
     .help = "Decode every picture instead of one of each class",
     .offset = offsetof(struct init_options, thorough)},
    {0}};

/* Whether both end alike, where the shorter one is all of it: the same fault, met again
 * by who asks on behalf of a task. */
static bool same_fault(const char *a, const char *b) {
    size_t x = strlen(a), y = strlen(b), least = x < y ? x : y;
    return least && strcmp(a + x - least, b + y - least) == 0;
}

/* All that is wrong is told, each by a line. */
void init_wrong(struct init *s, const char *text) {
    if (s->faults && same_fault(s->last.text, text))
        return;
    if (s->faults++)
        command_complain("%s", s->last.text);
    error_set(&s->last, "%s", text);
}

/* Kept until all is well: where something is wrong, that alone is told. */
void init_remark(struct init *s, const char *path, const char *text) {
    char *line = text_format("%s%s%s", path ? path : "", path ? ": " : "", text);
    if (line && !array_reserve((void **)&s->remarks, &s->remark_room,
                               s->remark_count + 1, sizeof *s->remarks))
        s->remarks[s->remark_count++] = line;
    else
        free(line);
}

/* --- paths ---------------------------------------------------------------- */

/* OWNER/NAME, as hubs call what they have. */
static bool looks_like_hub(const char *path) {
    const char *slash = strchr(path, '/');
    return slash && slash != path && slash[1] && !strchr(slash + 1, '/') &&
           path[0] != '.';
}

/* A path of the recipe as one that can be opened from here. */
int init_locate(const struct init *s, const char *path, const char *what, char **found,
                struct error *error) {
    *found = path_join(s->recipe_folder, path);
    if (!*found)
        return error_memory(error);
    if (path_exists(*found))
        return 0;
    error_set(
        error, "%s: %s: %s%s", *found, what, strerror(errno),
        looks_like_hub(path)
            ? "; download models and data of a hub first, and give their folder here"
            : "");
    free(*found);
    *found = NULL;
    return -1;
}

/* A path of the recipe as the store keeps it: "" where there is none. */
static int keep_path(const struct init *s, const char *path, const char *what,
                     char **kept, struct error *error) {
    if (!path) {
        *kept = strdup("");
        return *kept ? 0 : error_memory(error);
    }
    char *found;
    if (init_locate(s, path, what, &found, error))
        return -1;
    *kept = path_stored(s->store_folder, found, error);
    free(found);
    return *kept ? 0 : -1;
}

/* Of the pretrained model and every expert that there is; stamps first, so that what
 * changes while it is read shows. */
static int fingerprint(const struct init *s, struct store_recipe *out,
                       struct error *error) {
    size_t most = out->task_count + 1, count = 0, failed;
    struct store_checkpoint **kept = array_new(most, sizeof *kept);
    struct fingerprint *found = array_new(most, sizeof *found);
    char **paths = array_new(most, sizeof *paths);
    int result = kept && found && paths ? 0 : error_memory(error);
    for (size_t i = 0; result == 0 && i < most; i++) {
        struct store_checkpoint *one =
            i == 0 ? &out->pretrained : &out->tasks[i - 1].expert;
        if (!*one->path)
            continue;
        kept[count] = one;
        paths[count] = sources_path(s->store_folder, one->path);
        result = paths[count] ? model_directory_stamp(paths[count], one->stamp,
                                                      &one->size, error)
                              : error_memory(error);
        count++;
    }
    if (result == 0)
        result = model_directories_fingerprint((const char *const *)paths, count, found,
                                               &failed, s->invocation->work, error);
    for (size_t i = 0; result == 0 && i < count; i++) {
        kept[i]->size = found[i].size;
        memcpy(kept[i]->sha256, found[i].sha256, sizeof kept[i]->sha256);
    }
    for (size_t i = 0; paths && i < most; i++)
        free(paths[i]);
    free(paths);
    free(found);
    free(kept);
    return result;
}

/* --- the recipe as the store keeps it ------------------------------------- */

static int keep_head(const struct init *s, const struct recipe_task *task, char **kept,
                     struct error *error) {
    bool clip = s->layout->config.kind == MODEL_CLIP_VISION;
    bool zero_shot = task->head ? strcmp(task->head, "zero-shot") == 0 : clip;
    if (zero_shot && !clip)
        return error_set(error,
                         "head zero-shot needs a CLIP model; leave it out for the "
                         "expert's own head");
    if (!zero_shot)
        return keep_path(s, task->head, "the head", kept, error);
    *kept = strdup("zero-shot");
    return *kept ? 0 : error_memory(error);
}

/* A failure that is one of the recipe's, told with the task's name. */
static void wrong_in(struct init *s, const char *task, struct error *error) {
    if (!*error->text)
        return; /* told already */
    if (task)
        error_prefix(error, "task '%s'", task);
    init_wrong(s, error->text);
}

/* How the task's files are read. What is for tables is nothing to images, and the other
 * way round. */
static int keep_reading(struct init *s, const struct recipe_task *task,
                        struct store_task *kept, struct error *error) {
    bool table = s->layout && model_config_is_text(&s->layout->config);
    const struct {
        const char *key, *value;
        char **kept;
        bool of_table;
    } keys[] = {{"text", task->text, &kept->text, true},
                {"pair", task->pair, &kept->pair, true},
                {"label", task->label, &kept->label, true},
                {"quoting", task->quoting, &kept->quoting, true},
                {"classes", task->classes, &kept->classes, false}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *value = keys[i].value;
        if (!value || strcmp(value, "*") == 0)
            continue;
        if (s->layout && keys[i].of_table != table) {
            error_set(error, "`%s: %s` is for %s", keys[i].key, value,
                      table ? "folders of images" : "tables of texts");
            wrong_in(s, task->name, error);
        }
        *keys[i].kept = strdup(keys[i].of_table ? value : "nested");
        if (!*keys[i].kept)
            return error_memory(error);
    }
    return 0;
}

/* Paths and names; *whole: nothing of it is missing. */
static int keep_task(struct init *s, const struct recipe_task *task, double reference,
                     struct store_task *kept, bool *whole, struct error *error) {
    struct store_objective *objective = &kept->objective;
    objective->maximise = true;
    objective->reference = reference;
    kept->name = strdup(task->name);
    objective->name = strdup(task->name);
    objective->metric = strdup("accuracy");
    objective->unit = strdup("%");
    if (!kept->name || !objective->name || !objective->metric || !objective->unit)
        return error_memory(error);
    const struct {
        const char *path, *what;
        char **kept;
    } paths[] = {{task->expert, "the expert", &kept->expert.path},
                 {task->train, "training data", &kept->train_path},
                 {task->test, "test data", &kept->test_path},
                 {task->unlabelled, "unlabelled data", &kept->unlabelled_path},
                 {task->classnames, "class names", &kept->classnames_path},
                 {task->templates, "templates", &kept->templates_path}};
    if (keep_reading(s, task, kept, error))
        return -1;
    *whole = true;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (keep_path(s, paths[i].path, paths[i].what, paths[i].kept, error)) {
            wrong_in(s, task->name, error);
            *whole = false;
        }
    if (task->measure && init_keep_command(s, task, objective, error)) {
        wrong_in(s, task->name, error);
        *whole = false;
    }
    if (s->layout && keep_head(s, task, &kept->head, error)) {
        wrong_in(s, task->name, error);
        *whole = false;
    }
    if (s->layout && task->expert && kept->expert.path &&
        init_check_expert(s, task, error))
        wrong_in(s, NULL, error);
    return 0;
}

/* Both towers are merged where an expert has another text tower: the store's word for
 * it. */
static int keep_towers(struct init *s, struct error *error) {
    if (!s->layout || !text_tower_merged(&s->text))
        return 0;
    char *remark = text_tower_remark(&s->text);
    if (remark)
        init_remark(s, NULL, remark);
    free(remark);
    free(s->out->model);
    s->out->model = strdup("clip");
    return s->out->model ? 0 : error_memory(error);
}

static void say_remark(void *self, const char *text) {
    init_remark(self, NULL, text);
}

static void say_wrong(void *self, const char *text) {
    init_wrong(self, text);
}

static int stopped(const struct init *s, struct error *error) {
    return work_stopped(s->invocation->work)
               ? error_set(error, "stopped; nothing was written")
               : 0;
}

/* What measuring would find out. */
static int check_task(struct init *s, size_t task, struct error *error) {
    const struct init_options *o = s->invocation->options;
    struct task_check check = {.recipe = s->out,
                               .directory = s->store_folder,
                               .layout = s->layout,
                               .thorough = o->thorough,
                               .work = s->invocation->work,
                               .remarks = {say_remark, s},
                               .wrong = {say_wrong, s}};
    return task_check(&check, task, error);
}

/* Nothing is better than 0 where less is better. */
static void remark_on_reference(struct init *s) {
    for (size_t t = 0; t < s->out->task_count; t++)
        if (!s->out->tasks[t].objective.maximise) {
            init_remark(s, NULL,
                        "less is better in some task, and the hypervolume's reference "
                        "point is 0 there; give a worse one by --ref to have volumes");
            return;
        }
}

static int keep_recipe(struct init *s, const double *reference, size_t references,
                       struct error *error) {
    const struct recipe *recipe = s->recipe;
    struct store_recipe *out = s->out = calloc(1, sizeof *out);
    if (!out)
        return error_memory(error);
    out->tasks = array_new(recipe->task_count, sizeof *out->tasks);
    out->name = strdup(recipe->name ? recipe->name : "");
    bool commanded = init_is_commanded(s);
    out->model = strdup(commanded   ? MODEL_ANY
                        : s->layout ? model_kind_name(s->layout->config.kind)
                                    : "");
    out->text = strdup(recipe->text);
    if (!out->tasks || !out->name || !out->model || !out->text)
        return error_memory(error);
    out->task_count = recipe->task_count;
    if ((s->layout || commanded) &&
        keep_path(s, recipe->pretrained, "the pretrained model", &out->pretrained.path,
                  error))
        return -1;
    bool zero_shot = false;
    for (size_t t = 0; t < recipe->task_count; t++) {
        double r = references ? reference[references == 1 ? 0 : t] : 0;
        bool whole = false;
        if (stopped(s, error) ||
            keep_task(s, &recipe->tasks[t], r, &out->tasks[t], &whole, error) ||
            (s->layout && whole && check_task(s, t, error)))
            return -1;
        zero_shot =
            zero_shot || (out->tasks[t].head && task_is_zero_shot(&out->tasks[t]));
    }
    if (zero_shot && zero_shot_check(s->pretrained, error))
        wrong_in(s, NULL, error);
    if (s->faults) {
        *error = s->last;
        return -1;
    }
    if (keep_towers(s, error))
        return -1;
    if (stopped(s, error) || fingerprint(s, out, error))
        return -1;
    if (!references)
        remark_on_reference(s);
    return 0;
}

/* What figures will be measured on is known from the beginning. */
static int watch_data(const struct init *s, struct store *store, struct error *error) {
    static const char *const splits[] = {"test", "train"};
    for (size_t i = 0; i < 2; i++)
        if (data_watch(store, s->out, s->store_folder, splits[i], NULL,
                       s->invocation->work, error))
            return work_stopped(s->invocation->work)
                       ? error_set(error, "stopped; nothing was written")
                       : -1;
    return 0;
}

static int create(const struct init *s, const char *path, struct error *error) {
    struct store *store;
    if (store_create(path, s->out, &store, error))
        return -1;
    if (watch_data(s, store, error)) {
        store_close(store);
        unlink(path);
        return -1;
    }
    command_log(s->invocation, store, "init from %s: %zu tasks, %s",
                s->invocation->operands[1], s->recipe->task_count, s->out->model);
    store_close(store);
    return 0;
}

static int set_up(struct init *s, const double *reference, size_t references,
                  struct error *error) {
    const char *path = s->invocation->operands[0];
    s->recipe_folder = path_folder(s->invocation->operands[1]);
    s->store_folder = path_folder(path);
    if (!s->recipe_folder || !s->store_folder)
        return error_memory(error);
    if (path_exists(path))
        return error_set(error, "%s exists already; choose another name or remove it",
                         path);
    if (!path_exists(s->store_folder))
        return error_set(error, "%s: %s", s->store_folder, strerror(errno));
    if (init_is_commanded(s) ? init_match_models(s, error)
                             : init_open_pretrained(s, error)) {
        wrong_in(s, NULL, error);
        layout_free(s->layout);
        s->layout = NULL;
    }
    if (keep_recipe(s, reference, references, error))
        return -1;
    return create(s, path, error);
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const struct init_options *o = invocation->options;
    double *reference = NULL;
    size_t references = 0;
    if (o->reference &&
        points_vector(o->reference, "--ref", &reference, &references, error))
        return EXIT_USAGE;
    struct init s = {.invocation = invocation};
    enum exit_status status = EXIT_FAILED;
    if (recipe_read(invocation->operands[1], &s.recipe, error) == 0) {
        if (references > 1 && references != s.recipe->task_count) {
            error_set(error, "--ref has %zu numbers, the recipe has %zu tasks",
                      references, s.recipe->task_count);
            status = EXIT_USAGE;
        } else if (set_up(&s, reference, references, error) == 0) {
            status = EXIT_DONE;
            for (size_t i = 0; i < s.remark_count; i++)
                command_note(invocation, "%s", s.remarks[i]);
            command_note(invocation, "%s: %s, %zu tasks", invocation->operands[0],
                         s.out->model, s.recipe->task_count);
        }
    }
    for (size_t i = 0; i < s.remark_count; i++)
        free(s.remarks[i]);
    free(s.remarks);
    store_recipe_free(s.out);
    layout_free(s.layout);
    model_directory_close(s.pretrained);
    recipe_free(s.recipe);
    free(s.recipe_folder);
    free(s.store_folder);
    free(reference);
    return status;
}

const struct command command_init = {
    .name = "init",
    .usage = "FILE RECIPE",
    .summary = "Make a results.db from a recipe",
    .text = "Reads RECIPE (YAML: name, model, pretrained, and for each task expert, "
            "train, test, head, classnames, templates and how these are read; paths "
            "are relative to it), compares every expert with the pretrained model "
            "tensor by tensor, checks heads, classes and data, and prints everything "
            "that is wrong, one line each; if nothing is, it creates FILE, which must "
            "not exist yet. Paths below FILE's folder are stored relative to it. "
            "`pwemoe finetune` makes the expert of a task that has none.",
    .operands_min = 2,
    .operands_max = 2,
    .common = TAKES_USUAL,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct init_options),
    .run = run,
};
