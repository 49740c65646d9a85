#include "../settings.h"

#include <stdlib.h>

#include "cuda_runtime.h"

/* For programs that know nothing of the emulation. */
__attribute__((constructor)) static void from_environment() {
    const char *lose_after = getenv("EMULATION_LOSE_AFTER");
    const char *memory = getenv("EMULATION_MEMORY");
    if (lose_after)
        emulation.fail_after = strtoul(lose_after, NULL, 10);
    if (memory)
        emulation.memory = strtoul(memory, NULL, 10);
    emulation.no_algorithms = getenv("EMULATION_NO_ALGORITHMS") != NULL;
    if (getenv("EMULATION_COUNT"))
        emulation.processors = 132; /* an H200's */
}

void emulation_reset(void) {
    emulation = emulation_settings();
    emulation_restore();
}

void emulation_devices(int devices, int driver, int capability) {
    emulation.devices = devices;
    emulation.driver = driver;
    emulation.capability = capability;
}

void emulation_memory(size_t bytes) {
    emulation.memory_left = bytes;
}

void emulation_memory_in_all(size_t bytes) {
    emulation.memory = bytes;
}

void emulation_prompt(bool prompt) {
    emulation.prompt = prompt;
}

void emulation_no_graphs(bool none) {
    emulation.no_graphs = none;
}

void emulation_no_solver(bool none) {
    emulation.no_solver = none;
}

void emulation_late(bool late) {
    emulation.late = late;
}

void emulation_shared_limit(size_t bytes) {
    emulation.shared = bytes;
}

void emulation_spoil_captures(unsigned long captures) {
    emulation.spoil_captures = captures;
}

unsigned long emulation_calls(void) {
    return emulation.calls;
}

unsigned long emulation_runs(void) {
    return emulation.runs;
}

unsigned long emulation_replays(void) {
    return emulation.replays;
}

unsigned long emulation_heuristics(void) {
    return emulation.heuristics;
}

unsigned long emulation_products(unsigned n) {
    return n < 3 ? emulation.chosen[n] : 0;
}

void emulation_order(unsigned order) {
    emulation.order = order;
    emulation_shuffle_orders();
}

void emulation_lose_after(unsigned long operations) {
    emulation.fail_after = operations;
}
