#include "../settings.h"

#include "cuda_runtime.h"

void emulation_reset(void) {
    emulation = {1, CUDART_VERSION, 9, (size_t)1 << 40, false, ~0ul};
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

void emulation_reverse(bool reversed) {
    emulation.reversed = reversed;
}

void emulation_lose_after(unsigned long launches) {
    emulation.fail_after = launches;
}
