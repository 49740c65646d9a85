#include "eval/task_heads.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "data/folder.h"
#include "eval/sources.h"
#include "model/zero_shot.h"

bool task_is_zero_shot(const struct store_task *task) {
    return strcmp(task->head, "zero-shot") == 0;
}

/* --- class names and templates ------------------------------------------------- */

static bool is_folder(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static bool is_there(const char *path) {
    struct stat about;
    return stat(path, &about) == 0;
}

static bool same_names(const struct task_prompts *prompts, char *const *names,
                       size_t count) {
    bool same = count == prompts->classes;
    for (size_t i = 0; same && i < count; i++)
        same = strcmp(names[i], prompts->names[i]) == 0;
    return same;
}

/* Class folders of test and train as names, left as they are spelt. */
static int read_folders(const char *test, const char *train,
                        struct task_prompts *prompts, struct error *error) {
    const char *from = *test ? test : train;
    if (!*from)
        return error_set(error,
                         "a zero-shot head needs class names, and the recipe has "
                         "neither classnames nor data");
    if (is_there(from) && !is_folder(from))
        return error_set(error,
                         "%s: a zero-shot head needs class names, and this has no "
                         "class folders; give classnames: FILE in the recipe",
                         from);
    if (class_folder_names(from, &prompts->names, &prompts->classes, error))
        return -1;
    if (from == train || !is_folder(train))
        return 0;
    char **names;
    size_t count;
    if (class_folder_names(train, &names, &count, error))
        return -1;
    bool same = same_names(prompts, names, count);
    class_names_release(names, count);
    if (!same)
        return error_set(error,
                         "%s and %s have not the same class folders, so that labels "
                         "would mean other classes",
                         test, train);
    return 0;
}

static int read_names(const struct store_task *task, const char *directory,
                      struct task_prompts *prompts, struct error *error) {
    if (*task->classnames_path) {
        char *path = sources_path(directory, task->classnames_path);
        int result =
            path ? class_names_read(path, &prompts->names, &prompts->classes, error)
                 : error_memory(error);
        free(path);
        return result;
    }
    char *test = sources_path(*task->test_path ? directory : NULL, task->test_path);
    char *train = sources_path(*task->train_path ? directory : NULL, task->train_path);
    int result =
        test && train ? read_folders(test, train, prompts, error) : error_memory(error);
    for (size_t i = 0; result == 0 && i < prompts->classes; i++)
        for (char *at = prompts->names[i]; *at; at++)
            if (*at == '_')
                *at = ' ';
    free(test);
    free(train);
    return result;
}

static int read_templates(const struct store_task *task, const char *directory,
                          struct task_prompts *prompts, struct error *error) {
    char *path = NULL;
    if (*task->templates_path &&
        !(path = sources_path(directory, task->templates_path)))
        return error_memory(error);
    int result =
        zero_shot_templates(path, &prompts->templates, &prompts->template_count, error);
    free(path);
    return result;
}

int task_prompts_read(const struct store_task *task, const char *directory,
                      struct task_prompts *prompts, struct error *error) {
    *prompts = (struct task_prompts){0};
    if (read_names(task, directory, prompts, error) == 0 &&
        read_templates(task, directory, prompts, error) == 0)
        return 0;
    task_prompts_clear(prompts);
    return error_prefix(error, "task %s", task->name);
}

void task_prompts_clear(struct task_prompts *prompts) {
    class_names_release(prompts->names, prompts->classes);
    class_names_release(prompts->templates, prompts->template_count);
    *prompts = (struct task_prompts){0};
}

/* --- heads ------------------------------------------------------------------------ */

/* The pretrained directory, where one of the tasks needs it; else *pretrained is NULL.
 */
static int open_pretrained(const struct store_recipe *recipe, const char *directory,
                           size_t first, size_t count,
                           struct model_directory **pretrained, struct error *error) {
    size_t wanted = 0;
    *pretrained = NULL;
    for (size_t i = 0; i < count; i++)
        wanted += task_is_zero_shot(&recipe->tasks[first + i]);
    if (!wanted)
        return 0;
    char *path = sources_path(directory, recipe->pretrained.path);
    int result =
        path ? model_directory_open(path, pretrained, error) : error_memory(error);
    free(path);
    return result;
}

int task_heads_check(const struct store_recipe *recipe, const char *directory,
                     struct error *error) {
    struct model_directory *pretrained;
    if (open_pretrained(recipe, directory, 0, recipe->task_count, &pretrained, error))
        return -1;
    int result = pretrained ? zero_shot_check(pretrained, error) : 0;
    model_directory_close(pretrained);
    for (size_t t = 0; result == 0 && t < recipe->task_count; t++) {
        struct task_prompts prompts;
        if (!task_is_zero_shot(&recipe->tasks[t]))
            continue;
        result = task_prompts_read(&recipe->tasks[t], directory, &prompts, error);
        if (result == 0)
            task_prompts_clear(&prompts);
    }
    return result;
}

static int make_head(struct zero_shot *zero_shot, const struct store_task *task,
                     const char *directory, struct head *head, const struct work *work,
                     struct error *error) {
    struct task_prompts prompts;
    if (task_prompts_read(task, directory, &prompts, error))
        return -1;
    struct zero_shot_task text = {.names = prompts.names,
                                  .classes = prompts.classes,
                                  .templates = prompts.templates,
                                  .template_count = prompts.template_count};
    int result = zero_shot_head(zero_shot, &text, head, work, error);
    task_prompts_clear(&prompts);
    return result ? error_prefix(error, "task %s", task->name) : 0;
}

int task_heads_make(const struct store_recipe *recipe, const char *directory,
                    struct backend *backend, size_t first, size_t count,
                    struct head *heads, const struct work *work, struct error *error) {
    struct model_directory *pretrained;
    struct zero_shot *zero_shot = NULL;
    memset(heads, 0, count * sizeof *heads);
    if (open_pretrained(recipe, directory, first, count, &pretrained, error))
        return -1;
    if (!pretrained)
        return 0;
    int result = zero_shot_new(backend, pretrained, &zero_shot, error);
    for (size_t i = 0; result == 0 && i < count; i++)
        if (task_is_zero_shot(&recipe->tasks[first + i]))
            result = make_head(zero_shot, &recipe->tasks[first + i], directory,
                               &heads[i], work, error);
    for (size_t i = 0; result && i < count; i++)
        head_clear(&heads[i]);
    zero_shot_free(zero_shot);
    model_directory_close(pretrained);
    return result;
}
