/* The emulated CUDA backend as a module that backend_open finds, and its settings. */
#ifndef TESTS_GPU_MODULE_H
#define TESTS_GPU_MODULE_H

#include <stdbool.h>
#include <stddef.h>

struct emulation { /* settings.h, of the module */
    void (*reset)(void);
    void (*memory)(size_t bytes);
    void (*memory_in_all)(size_t bytes);
    void (*lose_after)(unsigned long operations);
    void (*prompt)(bool prompt);
    void (*no_graphs)(bool none);
    size_t (*held)(void);
    unsigned long (*replays)(void);
    void (*devices)(int devices, int driver, int capability);
    unsigned long (*heuristics)(void);
    unsigned long (*products)(unsigned n);
};

/* From now on "cuda" is the emulated device. Ends the test where it is not there. */
struct emulation emulation_open(void);

#endif
