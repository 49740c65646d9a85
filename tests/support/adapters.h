/* Pools of LoRA adapters, their task vectors dense and as factors. Part of cmocka
 * tests: whatever goes wrong here fails the running test. */
#ifndef PWEMOE_TESTS_SUPPORT_ADAPTERS_H
#define PWEMOE_TESTS_SUPPORT_ADAPTERS_H

#include "moe/pool.h"

enum { ADAPTERS = 3 };

/* A file of golden/, for free(). */
char *adapters_content(const char *name, size_t *size);
/* A file in a folder. */
void adapters_put(const char *in, const char *name, const void *bytes, size_t size);
/* Paths in folder() of adapters of golden/lora's "clip", "vit" or "gpt2": the golden
 * one with every number another one, and another for each task. */
void adapters_make(char path[ADAPTERS][1024], const char *kind);
/* The two pools of such. */
void adapters_pools(const char *kind, const char path[ADAPTERS][1024],
                    struct backend *backend, struct pool **dense,
                    struct pool **factors);

#endif
