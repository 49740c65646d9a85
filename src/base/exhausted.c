#define _GNU_SOURCE
#include "base/exhausted.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *program;
    void (*before)(void);
} watch;

static void put(const char *text) {
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written;
}

static void end(const char *what) {
    if (watch.before)
        watch.before();
    put(watch.program);
    put(what);
    _exit(1);
}

static void on_new(void) {
    end(": out of memory in a library; what was done before is kept\n");
}

/* oneDNN's code generator throws errors of its own where a mapping is refused. */
static void on_terminate(void) {
    end(": a library could not go on, most likely for want of memory; what was done "
        "before is kept\n");
}

/* Under the name that C++'s linkage gives it: this program links no C++ itself. */
static void set(const char *name, void (*handler)(void)) {
    void *symbol = dlsym(RTLD_DEFAULT, name);
    void (*(*function)(void (*)(void)))(void);
    if (!symbol)
        return;
    memcpy(&function, &symbol, sizeof function);
    function(handler);
}

void exhausted_watch(const char *program, void (*before)(void)) {
    watch.program = program;
    watch.before = before;
    set("_ZSt15set_new_handlerPFvvE", on_new);
    set("_ZSt13set_terminatePFvvE", on_terminate);
}
