#include "eval/task_check.h"

#include <omp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "checkpoint/directory.h"
#include "data/folder.h"
#include "data/idx.h"
#include "data/image.h"
#include "data/tsv.h"
#include "eval/sources.h"
#include "eval/task_heads.h"
#include "model/heads.h"

/* error, with the task's name before it, to whoever listens. */
static void tell(const struct task_check *c, size_t task, struct error *error) {
    char mark[160];
    text_escape(mark, sizeof mark, c->recipe->tasks[task].name);
    size_t length = strlen("task ") + strlen(mark);
    if (strncmp(error->text, "task ", 5) != 0 ||
        strncmp(error->text + 5, mark, strlen(mark)) != 0 || error->text[length] != ':')
        error_prefix(error, "task %s", c->recipe->tasks[task].name);
    c->wrong.say(c->wrong.self, error->text);
}

struct named_remarks {
    const struct remarks *to;
    const char *task;
};

static void say_of_task(void *self, const char *text) {
    const struct named_remarks *named = self;
    struct error line;
    error_set(&line, "task %s: %s", named->task, text);
    named->to->say(named->to->self, line.text);
}

/* --- heads -------------------------------------------------------------------- */

/* The head that a model of this task would get, which must reach its classes. */
static int check_head(const struct task_check *c, const struct store_task *task,
                      size_t classes, struct error *error) {
    size_t features = model_config_features(&c->layout->config);
    struct head head = {0};
    bool own = !*task->head;
    const char *from = own ? task->expert.path : task->head;
    if (!*from) /* finetune makes both */
        return 0;
    char *path = sources_path(c->directory, from);
    struct model_directory *expert = NULL;
    int result = path ? 0 : error_memory(error);
    if (result == 0 && own)
        result = sources_open_expert(c->recipe, c->directory, path, &expert, error) ||
                         head_from_directory(expert, features, &head, error)
                     ? -1
                     : 0;
    else if (result == 0)
        result = head_from_file(path, features, &head, error);
    if (result == 0 && head.classes < classes)
        result = error_set(error, "%s: its head has %zu outputs, the data %zu classes",
                           path, head.classes, classes);
    model_directory_close(expert);
    head_clear(&head);
    free(path);
    return result;
}

/* --- pictures ------------------------------------------------------------------ */

static int read_picture(const char *folder, const char *name, struct error *error) {
    struct image image;
    char *path = text_format("%s/%s", folder, name);
    int result = path ? image_read(path, &image, error) : error_memory(error);
    if (result == 0)
        image_release(&image);
    free(path);
    return result;
}

/* Decodes one picture of each class, or all; up to so many faults are told. */
static int check_pictures(const struct task_check *c, size_t task, const char *path,
                          bool plain, struct error *error) {
    enum { TOLD_MAX = 5 };
    struct class_folders folders;
    bool nested = task_form(&c->recipe->tasks[task]).nested;
    if (plain ? plain_folder_read(path, &folders, error)
              : class_folders_read(path, nested, &folders, error)) {
        tell(c, task, error);
        return 0;
    }
    size_t faults = 0, done = 0;
    bool stopped = false;
#pragma omp parallel for schedule(dynamic, 4)
    for (size_t i = 0; i < folders.count; i++) {
        bool first = i == 0 || folders.labels[i] != folders.labels[i - 1];
        struct error problem;
        if (!first && !c->thorough)
            continue;
        if (work_stopped(c->work)) {
#pragma omp atomic write
            stopped = true;
            continue;
        }
        if (read_picture(path, folders.files[i], &problem)) {
#pragma omp critical(task_check_told)
            if (faults++ < TOLD_MAX)
                tell(c, task, &problem);
        }
        size_t now;
#pragma omp atomic capture
        now = ++done;
        if (omp_get_thread_num() == 0)
            work_report(c->work, "checking images", now, folders.count);
    }
    if (faults > TOLD_MAX) {
        error_set(error, "%s: %zu more files cannot be read", path, faults - TOLD_MAX);
        tell(c, task, error);
    }
    class_folders_release(&folders);
    return stopped ? error_set(error, "stopped; nothing was written") : 0;
}

static int check_idx(const char *path, struct error *error) {
    struct idx_images images;
    uint8_t *labels = NULL;
    size_t count;
    char *beside = idx_labels_path(path, error);
    if (!beside)
        return -1;
    int result = idx_labels_read(beside, &labels, &count, error);
    if (result == 0 && (result = idx_images_open(path, &images, error)) == 0) {
        if (images.count != count)
            result = error_set(error, "%s has %zu images, %s has %zu labels", path,
                               images.count, beside, count);
        idx_images_close(&images);
    }
    free(labels);
    free(beside);
    return result;
}

static int check_plain_idx(const char *path, struct error *error) {
    struct idx_images images;
    if (idx_images_open(path, &images, error))
        return -1;
    idx_images_close(&images);
    return 0;
}

/* Those without labels; the others are read whole for their labels. */
static int check_texts(const struct task_check *c, size_t task, struct error *error) {
    const struct store_task *t = &c->recipe->tasks[task];
    struct data_form form = task_form(t);
    struct tsv tsv;
    if (!task_has_unlabelled(t))
        return 0;
    form.unlabelled = true;
    char *path = sources_path(c->directory, t->unlabelled_path);
    if (!path)
        return error_memory(error);
    if (tsv_read(path, &form, &tsv, error))
        tell(c, task, error);
    else
        tsv_free(&tsv);
    free(path);
    return 0;
}

static int check_split(const struct task_check *c, size_t task, const char *named,
                       bool labelled, bool plain, struct error *error) {
    struct stat about;
    if (!named || !*named)
        return 0;
    char *path = sources_path(c->directory, named);
    if (!path)
        return error_memory(error);
    int result = 0;
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        result = check_pictures(c, task, path, plain, error);
    else if ((labelled && check_idx(path, error)) || /* else its labels are told of */
             (plain && check_plain_idx(path, error)))
        tell(c, task, error);
    free(path);
    return result;
}

/* --- all ------------------------------------------------------------------------ */

int task_check(const struct task_check *c, size_t t, struct error *error) {
    const struct store_task *task = &c->recipe->tasks[t];
    struct named_remarks named = {&c->remarks, task->name};
    struct remarks remarks = {say_of_task, &named};
    struct classes classes;
    size_t count = 0;
    if (task_classes_read(c->recipe, t, c->directory, &classes, &remarks, error)) {
        tell(c, t, error);
    } else {
        count = classes.count;
        classes_clear(&classes);
    }
    if (task_is_zero_shot(task)) {
        struct zero_shot_task prompts;
        if (count && task_prompts_read(c->recipe, t, c->directory, &prompts, error))
            tell(c, t, error);
        else if (count)
            zero_shot_task_clear(&prompts);
    } else if (check_head(c, task, count, error)) {
        tell(c, t, error);
    }
    if (model_config_is_text(&c->layout->config))
        return check_texts(c, t, error);
    return check_split(c, t, task->train_path, count > 0, false, error) ||
                   check_split(c, t, task->test_path, count > 0, false, error) ||
                   check_split(c, t, task->unlabelled_path, false, true, error)
               ? -1
               : 0;
}
