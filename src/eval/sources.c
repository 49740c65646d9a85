#include "eval/sources.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eval/task_classes.h"
#include "eval/task_heads.h"

#define PUT_BACK "put the old one back or start a new results.db with pwemoe init"

/* The pretrained model and the experts, and which of them are read. */
struct check {
    size_t count;
    struct store_checkpoint *of[STORE_TASKS_MAX + 1];
    char *path[STORE_TASKS_MAX + 1];
    char stamp[STORE_TASKS_MAX + 1][SHA256_HEX]; /* as they are now */
    bool same[STORE_TASKS_MAX + 1];
};

static int refuse(const char *path, struct error *error) {
    return error_set(
        error, "%s: is not the checkpoint this file was made with; " PUT_BACK, path);
}

/* Which checkpoint an error is about. */
static int name_of(const struct store_recipe *recipe, size_t which,
                   struct error *error) {
    return which == 0 ? error_prefix(error, "pretrained model")
                      : error_prefix(error, "task %s", recipe->tasks[which - 1].name);
}

/* What size and stamp tell, without reading a file. */
static int check_stamp(struct check *check, const char *directory, size_t which,
                       struct error *error) {
    const struct store_checkpoint *one = check->of[which];
    unsigned long long size;
    char *path = check->path[which] = sources_path(directory, one->path);
    if (!path)
        return error_memory(error);
    if (model_directory_stamp(path, check->stamp[which], &size, error))
        return -1;
    if (size != one->size)
        return refuse(path, error);
    check->same[which] =
        *check->stamp[which] && strcmp(check->stamp[which], one->stamp) == 0;
    return 0;
}

/* Reads those whose stamps are not the ones that are known. *failed: which of all. */
static int check_contents(struct check *check, const struct work *work, size_t *failed,
                          struct error *error) {
    struct fingerprint found[STORE_TASKS_MAX + 1];
    const char *paths[STORE_TASKS_MAX + 1];
    size_t which[STORE_TASKS_MAX + 1], count = 0, wrong;
    for (size_t i = 0; i < check->count; i++)
        if (!check->same[i]) {
            which[count] = i;
            paths[count++] = check->path[i];
        }
    if (count &&
        model_directories_fingerprint(paths, count, found, &wrong, work, error)) {
        *failed = which[wrong];
        return -1;
    }
    for (size_t i = 0; i < count; i++)
        if (strcmp(found[i].sha256, check->of[which[i]]->sha256) != 0) {
            *failed = which[i];
            return refuse(paths[i], error);
        }
    return 0;
}

/* store: where the stamps are kept that are others; or NULL. */
static int check_all(struct check *check, struct store *store,
                     struct store_recipe *recipe, const char *directory,
                     const struct work *work, struct error *error) {
    size_t failed = 0;
    check->of[check->count++] = &recipe->pretrained;
    for (size_t t = 0; t < recipe->task_count; t++)
        check->of[check->count++] = &recipe->tasks[t].expert;
    for (size_t i = 0; i < check->count; i++) {
        if (!*check->of[i]->sha256 && i > 0)
            return error_set(error,
                             "task %s: has no expert yet; make it with pwemoe finetune "
                             "--task %s",
                             recipe->tasks[i - 1].name, recipe->tasks[i - 1].name);
        if (check_stamp(check, directory, i, error))
            return name_of(recipe, i, error);
    }
    if (check_contents(check, work, &failed, error))
        return name_of(recipe, failed, error);
    for (size_t i = 0; store && i < check->count; i++) {
        struct store_checkpoint *one = check->of[i];
        if (strcmp(check->stamp[i], one->stamp) == 0)
            continue;
        memcpy(one->stamp, check->stamp[i], sizeof one->stamp);
        if (store_stamp_put(store, one, error))
            return name_of(recipe, i, error);
    }
    return 0;
}

int sources_check(struct store *store, struct store_recipe *recipe,
                  const char *directory, const struct work *work, struct error *error) {
    struct check check = {.count = 0};
    int result = check_all(&check, store, recipe, directory, work, error);
    for (size_t i = 0; i < check.count; i++)
        free(check.path[i]);
    return result;
}

static int make_pool(const struct store_recipe *recipe, const char *directory,
                     struct backend *backend, bool factors, struct pool **pool,
                     const struct work *work, struct error *error) {
    const char *model = *recipe->model ? recipe->model : NULL;
    size_t count = recipe->task_count;
    int result = -1;
    char *pretrained = sources_path(directory, recipe->pretrained.path);
    struct pool_task *tasks = array_new(count, sizeof *tasks);
    char **paths = array_new(2 * count, sizeof *paths);
    struct head *made = array_new(count, sizeof *made);
    struct zero_shot_task *prompts = array_new(count, sizeof *prompts);
    bool both_towers = model_has_both_towers(recipe->model);
    if (!pretrained || !tasks || !paths || !made || !prompts) {
        error_memory(error);
        goto done;
    }
    if (!both_towers &&
        task_heads_make(recipe, directory, backend, 0, count, made, work, error))
        goto done;
    for (size_t t = 0; t < count; t++) {
        const struct store_task *task = &recipe->tasks[t];
        paths[2 * t] = sources_path(directory, task->expert.path);
        paths[2 * t + 1] =
            *task->head ? sources_path(directory, task->head) : text_format("%s", "");
        if (!paths[2 * t] || !paths[2 * t + 1]) {
            error_memory(error);
            goto done;
        }
        tasks[t] = (struct pool_task){
            .name = task->name, .expert = paths[2 * t], .head = paths[2 * t + 1]};
        if (!task_is_zero_shot(task))
            continue;
        if (!both_towers) {
            tasks[t].made = &made[t];
            continue;
        }
        if (task_prompts_read(recipe, t, directory, &prompts[t], error))
            goto done;
        tasks[t].prompts = &prompts[t];
    }
    result = factors ? pool_open_factors(backend, model, pretrained, tasks, count,
                                         false, pool, work, error)
                     : pool_open(backend, model, pretrained, tasks, count, pool, work,
                                 error);
done:
    for (size_t i = 0; paths && i < 2 * count; i++)
        free(paths[i]);
    for (size_t t = 0; made && t < count; t++)
        head_clear(&made[t]);
    for (size_t t = 0; prompts && t < count; t++)
        zero_shot_task_clear(&prompts[t]);
    free(prompts);
    free(made);
    free(paths);
    free(tasks);
    free(pretrained);
    return result;
}

int sources_pool(const struct store_recipe *recipe, const char *directory,
                 struct backend *backend, struct pool **pool, const struct work *work,
                 struct error *error) {
    return make_pool(recipe, directory, backend, false, pool, work, error);
}

int sources_pool_factors(const struct store_recipe *recipe, const char *directory,
                         struct backend *backend, struct pool **pool,
                         const struct work *work, struct error *error) {
    return make_pool(recipe, directory, backend, true, pool, work, error);
}

int sources_dataset(const struct store_recipe *recipe, const char *directory,
                    const struct sources_data *which, const struct example_form *form,
                    struct dataset **dataset, const struct work *work,
                    struct error *error) {
    const struct store_task *task = &recipe->tasks[which->task];
    const char *named = which->unlabelled ? task_examples_path(task)
                                          : store_task_data(task, which->split);
    if (!*named && which->unlabelled)
        return error_set(error,
                         "task %s: the recipe names neither unlabelled nor train data; "
                         "give it `unlabelled:` there and make the file again with "
                         "pwemoe init",
                         task->name);
    if (!*named)
        return error_set(
            error,
            "task %s: the recipe names no %s data; give it `%s:` there and "
            "make the file again with pwemoe init",
            task->name, which->split, which->split);
    char *path = sources_path(directory, named);
    struct classes classes = {0};
    int result = -1;
    if (!path) {
        error_memory(error);
    } else if (task_classes_read(recipe, which->task, directory, &classes, NULL,
                                 error) == 0) {
        struct data_form reading = task_form(task);
        reading.unlabelled = which->unlabelled && task_has_unlabelled(task);
        struct dataset_options options = {.form = &reading,
                                          .preprocess = &form->preprocess,
                                          .tokenizer = form->tokenizer,
                                          .longest = form->longest,
                                          .classes = &classes,
                                          .limit = which->limit,
                                          .threads = which->threads};
        result = dataset_open(path, &options, dataset, work, error);
        if (result)
            error_prefix(error, "task %s", task->name);
    }
    classes_clear(&classes);
    free(path);
    return result;
}
