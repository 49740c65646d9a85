#include "eval/sources.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eval/task_classes.h"
#include "eval/task_heads.h"

#define PUT_BACK "put the old one back or start a new results.db with pwemoe init"

/* Is the checkpoint the one that is known? Its files are read where their stamp is
 * another one; *stamp: the one they have now. */
static int check_one(const char *directory, const struct store_checkpoint *checkpoint,
                     char stamp[SHA256_HEX], const struct work *work,
                     struct error *error) {
    char *path = sources_path(directory, checkpoint->path);
    if (!path)
        return error_memory(error);
    struct fingerprint found;
    int result = model_directory_stamp(path, stamp, &found.size, error);
    bool same = result == 0 && found.size == checkpoint->size;
    if (same && !(*stamp && strcmp(stamp, checkpoint->stamp) == 0)) {
        result = model_directory_fingerprint(path, &found, work, error);
        same = result == 0 && strcmp(found.sha256, checkpoint->sha256) == 0;
    }
    if (result == 0 && !same)
        result = error_set(
            error, "%s: is not the checkpoint this file was made with; " PUT_BACK,
            path);
    free(path);
    return result;
}

/* store: where the stamp is kept, if it is another one; or NULL. */
static int check_and_keep(struct store *store, struct store_checkpoint *checkpoint,
                          const char *directory, const struct work *work,
                          struct error *error) {
    char stamp[SHA256_HEX];
    if (check_one(directory, checkpoint, stamp, work, error))
        return -1;
    if (!store || strcmp(stamp, checkpoint->stamp) == 0)
        return 0;
    memcpy(checkpoint->stamp, stamp, sizeof stamp);
    return store_stamp_put(store, checkpoint, error);
}

int sources_check(struct store *store, struct store_recipe *recipe,
                  const char *directory, const struct work *work, struct error *error) {
    if (check_and_keep(store, &recipe->pretrained, directory, work, error))
        return error_prefix(error, "pretrained model");
    for (size_t t = 0; t < recipe->task_count; t++) {
        struct store_task *task = &recipe->tasks[t];
        if (!*task->expert.sha256)
            return error_set(error,
                             "task %s: has no expert yet; make it with pwemoe finetune "
                             "--task %s",
                             task->name, task->name);
        if (check_and_keep(store, &task->expert, directory, work, error))
            return error_prefix(error, "task %s", task->name);
    }
    return 0;
}

int sources_pool(const struct store_recipe *recipe, const char *directory,
                 struct backend *backend, struct pool **pool, const struct work *work,
                 struct error *error) {
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
    result = pool_open(backend, *recipe->model ? recipe->model : NULL, pretrained,
                       tasks, count, pool, work, error);
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
