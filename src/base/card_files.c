#include "base/card_files.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/child.h"
#include "base/memory.h"

enum { MOST_SECONDS = 5 };

static bool is_there(const char *folder, const char *name) {
    char *path = text_format("%s/%s", folder, name);
    bool there = path && access(path, F_OK) == 0;
    free(path);
    return there;
}

static void run(const char *const *words) {
    struct child *child;
    struct error error;
    if (child_start(words, "/", NULL, MOST_SECONDS, &child, &error))
        return;
    while (child_wait(child, 100) == 0)
        ;
    child_free(child);
}

void card_files_make(const char *folder, const char *program) {
    if (access(program, X_OK) != 0)
        return;
    if (!is_there(folder, "nvidiactl") || !is_there(folder, "nvidia0"))
        run((const char *const[]){program, "-c=0", "-c=255", NULL});
    if (!is_there(folder, "nvidia-uvm"))
        run((const char *const[]){program, "-u", "-c=0", NULL});
}
