#include "eval/data_watch.h"

#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file_stamp.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "data/folder.h"
#include "data/idx.h"
#include "eval/metric_command.h"
#include "eval/sources.h"
#include "eval/task_heads.h"
#include "model/config.h"

#define BYTES_MAX (1LL << 36) /* of one file; no reader takes more */

struct file {
    char *path; /* owned */
    char *name; /* below the folder; owned */
};

struct files {
    struct file *at;
    size_t count, capacity;
};

static void files_clear(struct files *files) {
    for (size_t i = 0; i < files->count; i++) {
        free(files->at[i].path);
        free(files->at[i].name);
    }
    free(files->at);
    *files = (struct files){0};
}

/* Takes path over, also when it fails. */
static int add(struct files *files, char *path, const char *name, struct error *error) {
    char *copy = strdup(name);
    if (!path || !copy ||
        array_reserve((void **)&files->at, &files->capacity, files->count + 1,
                      sizeof *files->at)) {
        free(path);
        free(copy);
        return error_memory(error);
    }
    files->at[files->count++] = (struct file){path, copy};
    return 0;
}

static int add_folders(struct files *files, const char *path, bool nested,
                       struct error *error) {
    struct class_folders folders;
    if (class_folders_read(path, nested, &folders, error))
        return -1;
    int result = 0;
    for (size_t i = 0; result == 0 && i < folders.count; i++)
        result = add(files, text_format("%s/%s", path, folders.files[i]),
                     folders.files[i], error);
    class_folders_release(&folders);
    return result;
}

static int list(const struct store_recipe *recipe, size_t t, const char *directory,
                const char *split, struct files *files, struct error *error) {
    const struct store_task *task = &recipe->tasks[t];
    const char *named = store_task_data(task, split);
    const char *besides[] = {task->classnames_path, task->templates_path,
                             task_is_zero_shot(task) ? "" : task->head};
    struct stat about;
    char *path = sources_path(directory, named);
    if (!path)
        return error_memory(error);
    int result;
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode)) {
        result = add_folders(files, path, task_form(task).nested, error);
    } else {
        result = add(files, strdup(path), "examples", error);
        if (result == 0 && !model_kind_is(recipe->model, MODEL_GPT2)) {
            char *labels = idx_labels_path(path, error);
            result = labels ? add(files, labels, "labels", error) : -1;
        }
    }
    free(path);
    for (size_t i = 0; result == 0 && i < sizeof besides / sizeof *besides; i++)
        if (*besides[i]) {
            char name[8];
            snprintf(name, sizeof name, "%zu", i);
            result = add(files, sources_path(directory, besides[i]), name, error);
        }
    return result;
}

/* What the command of a task is: no file where it is found along PATH. */
static int list_command(const struct store_task *task, const char *directory,
                        struct files *files, struct error *error) {
    struct metric_command command;
    struct stat about;
    if (metric_command_read(task->objective.metric, &command, error))
        return -1;
    size_t word = strchr(command.words[0], '/') ? 0 : 1;
    char *path =
        word < command.count ? sources_path(directory, command.words[word]) : NULL;
    int result = 0;
    if (path && stat(path, &about) == 0 && S_ISREG(about.st_mode)) {
        result = add(files, path, "command", error);
        path = NULL;
    }
    free(path);
    metric_command_clear(&command);
    return result;
}

static void add_text(struct sha256 *hash, const char *text) {
    sha256_add(hash, text, strlen(text) + 1);
}

static void add_classes(struct sha256 *hash, const struct classes *classes) {
    for (size_t i = 0; i < classes->count; i++)
        add_text(hash, classes->names[i]);
    add_text(hash, "");
}

/* Names, sizes, times and inodes. */
static int stamp(const struct files *files, const struct classes *classes,
                 struct store_data *data, struct error *error) {
    struct file_stamp made;
    int result = file_stamp_begin(&made, error);
    if (result == 0)
        add_classes(made.hash, classes);
    data->files = files->count;
    for (size_t i = 0; result == 0 && i < files->count; i++) {
        struct stat about;
        if (stat(files->at[i].path, &about) || !S_ISREG(about.st_mode) ||
            about.st_size > BYTES_MAX) {
            result = error_set(error, "%s: not a file that is read", files->at[i].path);
            break;
        }
        file_stamp_text(&made, files->at[i].name);
        file_stamp_file(&made, &about);
        data->size += (unsigned long long)about.st_size;
    }
    file_stamp_end(&made, data->stamp);
    return result;
}

/* Names and contents; the digest does not depend on how many threads read. */
static int contents(const struct files *files, const struct classes *classes,
                    const char *what, const struct work *work, struct store_data *data,
                    struct error *error) {
    char(*each)[SHA256_HEX] = array_new(files->count, sizeof *each);
    bool failed = false, stopped = false;
    size_t done = 0;
    if (!each)
        return error_memory(error);
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t i = 0; i < files->count; i++) {
        struct error problem;
        unsigned long long size;
        size_t now;
        if (work_stopped(work)) {
#pragma omp atomic write
            stopped = true;
            continue;
        }
        if (sha256_file(files->at[i].path, each[i], &size, NULL, &problem)) {
#pragma omp critical(data_watch_failed)
            {
                failed = true;
                *error = problem;
            }
        }
#pragma omp atomic capture
        now = ++done;
        if (omp_get_thread_num() == 0)
            work_report(work, what, now, files->count);
    }
    struct sha256 *hash = stopped || failed ? NULL : sha256_new();
    if (hash) {
        add_classes(hash, classes);
        for (size_t i = 0; i < files->count; i++) {
            add_text(hash, files->at[i].name);
            add_text(hash, each[i]);
        }
        sha256_finish(hash, data->sha256);
    } else if (stopped) {
        error_set(error, "stopped");
    } else if (!failed) {
        error_memory(error);
    }
    free(each);
    return hash ? 0 : -1;
}

static int watch(struct store *store, const struct store_recipe *recipe, size_t task,
                 const char *directory, const char *split, bool *changed,
                 const struct work *work, struct error *error) {
    struct files files = {0};
    struct classes classes = {0};
    struct store_data now = {0}, before;
    struct error unread = {.memory = false};
    bool found, commanded = metric_is_command(recipe);
    *changed = false;
    if (store_data_get(store, task, split, &found, &before, error))
        return -1;
    int result = 0;
    int listed =
        commanded
            ? list_command(&recipe->tasks[task], directory, &files, &unread)
            : task_classes_read(recipe, task, directory, &classes, NULL, &unread) ||
                  list(recipe, task, directory, split, &files, &unread);
    if (listed == 0 && files.count > 0 && stamp(&files, &classes, &now, &unread) == 0 &&
        !(found && *now.stamp && strcmp(now.stamp, before.stamp) == 0)) {
        char what[160];
        snprintf(what, sizeof what, "fingerprint of the %s data of %s", split,
                 recipe->tasks[task].name);
        if (contents(&files, &classes, what, work, &now, &unread) == 0)
            result = store_data_put(store, task, split, &now, changed, error);
        else if (work_stopped(work))
            result = error_set(error, "stopped");
    }
    if (result == 0 && unread.memory) /* who loads them may have more of it */
        result = error_memory(error);
    classes_clear(&classes);
    files_clear(&files);
    return result;
}

int data_watch(struct store *store, const struct store_recipe *recipe,
               const char *directory, const char *split, const struct remarks *remarks,
               const struct work *work, struct error *error) {
    for (size_t t = 0; t < recipe->task_count; t++) {
        const struct store_task *task = &recipe->tasks[t];
        bool changed;
        if (!*store_task_data(task, split) && !metric_is_command(recipe))
            continue;
        if (watch(store, recipe, t, directory, split, &changed, work, error))
            return -1;
        if (!changed)
            continue;
        struct error line;
        if (metric_is_command(recipe))
            error_set(&line,
                      "task %s: the program of its command has changed; figures "
                      "measured before are stale",
                      task->name);
        else
            error_set(
                &line,
                "task %s: the %s data have changed; figures measured before are stale",
                task->name, split);
        if (remarks)
            remarks->say(remarks->self, line.text);
        if (store_log(store, error, "%s", line.text))
            return -1;
    }
    return 0;
}
