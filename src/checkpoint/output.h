/* A file that appears whole or not at all: written beside its place under a name
 * of its own that begins with a dot, synced, and renamed. For this folder. */
#ifndef PWEMOE_CHECKPOINT_OUTPUT_H
#define PWEMOE_CHECKPOINT_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct output;

/* expected bytes are asked for at once where the file system can, so that a full
 * disk is told before anything is written. */
int output_open(const char *path, uint64_t expected, struct output **output,
                struct error *error);
int output_write(struct output *output, const void *bytes, size_t count,
                 struct error *error);
/* Syncs and renames, or removes and fails; frees output either way. */
int output_commit(struct output *output, struct error *error);
/* Removes what was written and frees output; NULL is fine. */
void output_discard(struct output *output);

/* Puts the entries of the folder at path on the disk. */
int folder_sync(const char *path, struct error *error);
/* The folder that path lies in, and a name ".LAST.NUMBER.tmp" in it that is unlike
 * any given before by this process; last is path's last component. Both are in
 * fresh memory; -1 when memory is out. */
int path_beside(const char *path, char **folder, char **temporary);

#endif
