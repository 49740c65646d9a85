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
void emulation_memory(size_t bytes);        /* of a single allocation, at most */
void emulation_memory_in_all(size_t bytes); /* that the device has */
void emulation_reverse(bool reversed);
/* Kernels, copies and products, from now on; what comes after them fails. */
void emulation_lose_after(unsigned long operations);
/* Transfers beside what runs are done at once, rather than when waited for. */
void emulation_prompt(bool prompt);
void emulation_no_graphs(bool none);   /* no memory for them */
unsigned long emulation_replays(void); /* since the last reset */

#ifdef __cplusplus
}
#endif

#endif
