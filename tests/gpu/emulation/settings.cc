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
}

void emulation_reset(void) {
    emulation = {1, CUDART_VERSION, 9,     (size_t)1 << 40, (size_t)8 << 30,
                 0, ~0ul,           false, false,           0};
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

unsigned long emulation_replays(void) {
    return emulation.replays;
}

void emulation_order(unsigned order) {
    emulation.order = order;
    emulation_shuffle_orders();
}

void emulation_lose_after(unsigned long operations) {
    emulation.fail_after = operations;
}
