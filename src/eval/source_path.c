#include "eval/source_path.h"

#include <string.h>

#include "base/memory.h"

char *sources_path(const char *directory, const char *path) {
    if (*path == '/' || !directory || !*directory || strcmp(directory, ".") == 0)
        return text_format("%s", path);
    return text_format("%s/%s", directory, path);
}

bool task_is_zero_shot(const struct store_task *task) {
    return strcmp(task->head, "zero-shot") == 0;
}

static const char *given(const char *text) {
    return text && *text ? text : NULL;
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
