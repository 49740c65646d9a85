#include "support/masks.h"

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct masks {
    uint64_t blocked, caught;
    char name[32];
};

static uint64_t bit(int signal) {
    return UINT64_C(1) << (signal - 1);
}

static bool read_masks(pid_t process, int thread, struct masks *masks) {
    char path[64], line[256];
    int found = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/status", (int)process, thread);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    while (fgets(line, sizeof line, file)) {
        found += sscanf(line, "Name: %31s", masks->name) == 1;
        found += sscanf(line, "SigBlk: %" SCNx64, &masks->blocked) == 1;
        found += sscanf(line, "SigCgt: %" SCNx64, &masks->caught) == 1;
    }
    fclose(file);
    return found == 3;
}

/* The signals that a handler on this thread could be run by. */
static uint64_t open_signals(const struct masks *masks) {
    uint64_t faults = bit(SIGILL) | bit(SIGTRAP) | bit(SIGABRT) | bit(SIGBUS) |
                      bit(SIGFPE) | bit(SIGSEGV) | bit(SIGSYS);
    uint64_t library = bit(32) | bit(33); /* cancellation and setuid of threads */
    if (strcmp(masks->name, "signals") == 0)
        return 0;
    return masks->caught & ~masks->blocked & ~faults & ~library;
}

static void tell(int thread, uint64_t signals, char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "thread %d: signals", thread);
    for (int signal = 1; signal <= 64 && used < size; signal++)
        if (signals & bit(signal))
            used += (size_t)snprintf(text + used, size - used, " %d", signal);
}

struct look {
    pid_t except;
    char *text;
    size_t size, threads;
    bool taken;
};

static void look_at(pid_t process, struct look *look) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)process);
    DIR *tasks = opendir(path);
    if (!tasks)
        return;
    for (struct dirent *task; (task = readdir(tasks));) {
        struct masks masks = {.name = ""};
        int thread = atoi(task->d_name);
        if (thread <= 0 || !read_masks(process, thread, &masks))
            continue;
        look->threads++;
        look->taken = look->taken || strcmp(masks.name, "signals") == 0;
        if (look->text && !*look->text && thread != look->except &&
            open_signals(&masks))
            tell(thread, open_signals(&masks), look->text, look->size);
    }
    closedir(tasks);
}

size_t masks_open(pid_t process, pid_t except, char *text, size_t size) {
    struct look look = {.except = except, .text = text, .size = size};
    *text = '\0';
    look_at(process, &look);
    return look.threads;
}

bool masks_taken(pid_t process) {
    struct look look = {.text = NULL};
    look_at(process, &look);
    return look.taken;
}

void signals_as_usual(void) {
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL); /* of KILL and STOP it is refused, and true */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}
