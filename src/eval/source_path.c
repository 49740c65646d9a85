#include "eval/source_path.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

char *sources_path(const char *directory, const char *path) {
    if (*path == '/' || !directory || !*directory || strcmp(directory, ".") == 0)
        return text_format("%s", path);
    return text_format("%s/%s", directory, path);
}

static const char *given(const char *text) {
    return text && *text ? text : NULL;
}

bool task_has_unlabelled(const struct store_task *task) {
    return given(task->unlabelled_path) != NULL;
}

const char *task_examples_path(const struct store_task *task) {
    return task_has_unlabelled(task) ? task->unlabelled_path : task->train_path;
}

bool sources_have_examples(const struct store_recipe *recipe, const char *directory) {
    for (size_t t = 0; t < recipe->task_count; t++) {
        const char *named = task_examples_path(&recipe->tasks[t]);
        char *path = named && *named ? sources_path(directory, named) : NULL;
        /* That memory is out is told by who then reads them. */
        bool there = named && *named && (!path || access(path, R_OK) == 0);
        free(path);
        if (!there)
            return false;
    }
    return true;
}

bool task_is_zero_shot(const struct store_task *task) {
    return strcmp(task->head, "zero-shot") == 0;
}

struct data_form task_form(const struct store_task *task) {
    const char *quoting = given(task->quoting);
    return (struct data_form){
        .text = given(task->text),
        .pair = given(task->pair),
        .label = given(task->label),
        .quoting = !quoting                      ? QUOTING_BY_NAME
                   : strcmp(quoting, "csv") == 0 ? QUOTING_CSV
                                                 : QUOTING_NONE,
        .nested = given(task->classes) != NULL,
    };
}

int sources_open_expert(const struct store_recipe *recipe, const char *directory,
                        const char *path, struct model_directory **expert,
                        struct error *error) {
    char *pretrained = sources_path(directory, recipe->pretrained.path);
    if (!pretrained)
        return error_memory(error);
    int result = model_directory_open_expert(path, pretrained, expert, error);
    free(pretrained);
    return result;
}
