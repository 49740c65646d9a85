/* The emulation's settings, for tests in C. */
#ifndef TESTS_GPU_SETTINGS_H
#define TESTS_GPU_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

/* A program that is run with the emulated module takes some of them from its
 * environment: EMULATION_LOSE_AFTER, operations; EMULATION_MEMORY, bytes in all;
 * EMULATION_NO_ALGORITHMS, cuBLAS has none for any product.
 * EMULATION_COUNT, a file: what the device does between the profiler's start and stop
 * (gpu/tuning.cu: profile=marks) is counted and written there, for a card of 132
 * multiprocessors; see emulation/counting.cc. */

#ifdef __cplusplus
extern "C" {
#endif

void emulation_reset(void); /* one device of capability 9, nothing fails */
void emulation_devices(int devices, int driver, int capability);
void emulation_memory(size_t bytes);        /* of a single allocation, at most */
void emulation_memory_in_all(size_t bytes); /* that the device has */
size_t emulation_held(void);                /* bytes that are allocated on the device */
/* The order in which a block's threads run from barrier to barrier: 0 from the first to
 * the last, 1 from the last to the first; any other number begins a series of random
 * orders, new after every barrier, in which whole warps are held back, at times until
 * no other can go on. A result that depends on it lacks a barrier. */
void emulation_order(unsigned order);
/* Kernels, copies and products, from now on; what comes after them fails. */
void emulation_lose_after(unsigned long operations);
/* Transfers beside what runs are done at once, rather than when waited for. */
void emulation_prompt(bool prompt);
/* What the operations do is done as late as it may be, as transfers are unless they
 * are prompt: not before something waits for it. */
void emulation_late(bool late);
void emulation_shared_limit(size_t bytes); /* that a block may ask for */
/* Whether a kernel of no static shared arrays would be launched, with dynamic shared
 * memory after asking for so much (0: without asking). */
bool emulation_launches(unsigned threads, unsigned blocks, size_t shared, size_t asked);
/* So many of the next captures meet an operation that cannot be captured. */
void emulation_spoil_captures(unsigned long captures);
/* Operations since the last reset: calls of the host (a graph is one), and those that
 * were done. */
unsigned long emulation_calls(void);
unsigned long emulation_runs(void);
/* Since the last reset: how often cuBLAS was asked for algorithms, and the products
 * that were done by number n of those that it proposes, of which 1 takes the least
 * time. */
unsigned long emulation_heuristics(void);
unsigned long emulation_products(unsigned n);
void emulation_no_graphs(bool none);   /* no memory for them */
void emulation_no_solver(bool none);   /* cuSOLVER is not found */
unsigned long emulation_replays(void); /* since the last reset */

#ifdef __cplusplus
}
#endif

#endif
