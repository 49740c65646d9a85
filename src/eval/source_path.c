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
