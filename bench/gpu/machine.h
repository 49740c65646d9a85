/* Which machine the figures are of. Everything is read only. */
#ifndef PWEMOE_BENCH_GPU_MACHINE_H
#define PWEMOE_BENCH_GPU_MACHINE_H

#include <jansson.h>
#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"

/* Device, date (UTC), pwemoe's version and commit (of git in $srcdir, or
 * $PWEMOE_COMMIT), processor, and of a GPU what nvidia-smi says: driver, CUDA, memory,
 * clocks. What cannot be had is null. */
int machine_describe(const struct backend *backend, json_t *about, struct error *error);

/* The clocks of the moment as `key`, MHz; nothing on a CPU. */
void machine_clocks(const struct backend *backend, json_t *about, const char *key);

/* MiB of the card's memory that are in use by all programs; NaN where not known. */
double machine_memory_used(const struct backend *backend);

/* FOLDER/DEVICE-DATE[-PART], with a number behind it where that is there already. Freed
 * with free(). */
char *machine_file_name(const struct backend *backend, const char *folder,
                        const char *part /* or NULL */);

#endif
