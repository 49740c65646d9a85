#include "gpu/module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void find(void *module, const char *name, void *function) {
    void *symbol = dlsym(module, name);
    if (!symbol) {
        fprintf(stderr, "the emulated module has no %s\n", name);
        exit(99);
    }
    memcpy(function, &symbol, sizeof symbol);
}

struct emulation emulation_open(void) {
    struct emulation e;
    void *module = dlopen("tests/gpu/emulated/pwemoe-cuda.so", RTLD_NOW | RTLD_LOCAL);
    if (!module) {
        fprintf(stderr, "%s\n", dlerror());
        exit(99);
    }
    setenv("PWEMOE_MODULE_DIR", "tests/gpu/emulated", 1);
    find(module, "emulation_reset", &e.reset);
    find(module, "emulation_memory", &e.memory);
    find(module, "emulation_memory_in_all", &e.memory_in_all);
    find(module, "emulation_lose_after", &e.lose_after);
    find(module, "emulation_prompt", &e.prompt);
    find(module, "emulation_no_graphs", &e.no_graphs);
    find(module, "emulation_held", &e.held);
    find(module, "emulation_replays", &e.replays);
    find(module, "emulation_devices", &e.devices);
    find(module, "emulation_heuristics", &e.heuristics);
    find(module, "emulation_products", &e.products);
    e.reset();
    return e;
}
