/* The emulation's settings, for tests in C. */
#ifndef TESTS_GPU_SETTINGS_H
#define TESTS_GPU_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void emulation_reset(void); /* one device of capability 9, nothing fails */
void emulation_devices(int devices, int driver, int capability);
void emulation_memory(size_t bytes); /* of a single allocation, at most */
void emulation_reverse(bool reversed);
void emulation_lose_after(unsigned long launches);

#ifdef __cplusplus
}
#endif

#endif
