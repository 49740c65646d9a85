#include "eval/task_heads.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/names.h"
#include "eval/task_classes.h"
#include "model/zero_shot.h"

/* --- class names and templates ------------------------------------------------- */

/* The names of the task's classes, as the data or the recipe spell them. Data that have
 * numbers alone do not say what is to be looked for. */
static int read_names(const struct store_recipe *recipe, size_t index,
                      const char *directory, struct zero_shot_task *prompts,
                      struct error *error) {
    const struct store_task *task = &recipe->tasks[index];
    struct classes classes;
    if (!*task->classnames_path && !*task->test_path && !*task->train_path)
        return error_set(error,
                         "task %s: a zero-shot head needs class names, and the recipe "
                         "has neither classnames nor data",
                         task->name);
    if (task_classes_read(recipe, index, directory, &classes, NULL, error))
        return -1;
    int result = 0;
    if (!*task->classnames_path && class_numbers(classes.names, classes.count))
        result = error_set(error,
                           "task %s: %s: a zero-shot head needs class names, and these "
                           "classes are numbers; give classnames: FILE in the recipe",
                           task->name,
                           *task->test_path ? task->test_path : task->train_path);
    if (result == 0) {
        prompts->names = class_names_copy(classes.names, classes.count);
        prompts->classes = prompts->names ? classes.count : 0;
        result = prompts->names ? 0 : error_memory(error);
    }
    classes_clear(&classes);
    for (size_t i = 0; !*task->classnames_path && i < prompts->classes; i++)
        for (char *at = prompts->names[i]; *at; at++)
            if (*at == '_')
                *at = ' ';
    return result;
}

static int read_templates(const struct store_task *task, const char *directory,
                          struct zero_shot_task *prompts, struct error *error) {
    char *path = NULL;
    if (*task->templates_path &&
        !(path = sources_path(directory, task->templates_path)))
        return error_memory(error);
    int result =
        zero_shot_templates(path, &prompts->templates, &prompts->template_count, error);
    free(path);
    return result;
}

int task_prompts_read(const struct store_recipe *recipe, size_t task,
                      const char *directory, struct zero_shot_task *prompts,
                      struct error *error) {
    *prompts = (struct zero_shot_task){0};
    if (read_names(recipe, task, directory, prompts, error)) {
        zero_shot_task_clear(prompts);
        return -1;
    }
    if (read_templates(&recipe->tasks[task], directory, prompts, error) == 0)
        return 0;
    zero_shot_task_clear(prompts);
    return error_prefix(error, "task %s", recipe->tasks[task].name);
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

static int make_head(struct zero_shot *zero_shot, const struct store_recipe *recipe,
                     size_t task, const char *directory, struct head *head,
                     const struct work *work, struct error *error) {
    struct zero_shot_task prompts;
    if (task_prompts_read(recipe, task, directory, &prompts, error))
        return -1;
    int result = zero_shot_head(zero_shot, NULL, &prompts, head, work, error);
    zero_shot_task_clear(&prompts);
    return result ? error_prefix(error, "task %s", recipe->tasks[task].name) : 0;
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
    int result = zero_shot_new(backend, pretrained, NULL, &zero_shot, error);
    for (size_t i = 0; result == 0 && i < count; i++)
        if (task_is_zero_shot(&recipe->tasks[first + i]))
            result = make_head(zero_shot, recipe, first + i, directory, &heads[i], work,
                               error);
    for (size_t i = 0; result && i < count; i++)
        head_clear(&heads[i]);
    zero_shot_free(zero_shot);
    model_directory_close(pretrained);
    return result;
}
