/* A file that appears whole or not at all: written beside its place under a name
 * of its own that begins with a dot, synced, and renamed. */
#ifndef PWEMOE_BASE_DRAFT_H
#define PWEMOE_BASE_DRAFT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct draft;

/* shown is what errors call the file. */
int draft_open(const char *path, const char *shown, struct draft **draft,
               struct error *error);
/* Asks for room for that many bytes where the file system can, so that a full disk
 * is told before anything is written. */
int draft_reserve(struct draft *draft, uint64_t bytes, struct error *error);
int draft_write(struct draft *draft, const void *bytes, size_t count,
                struct error *error);
/* Syncs and renames, or removes and fails; frees draft either way. */
int draft_commit(struct draft *draft, struct error *error);
/* A whole file from memory. */
int draft_write_file(const char *path, const char *shown, const void *bytes,
                     size_t count, struct error *error);
/* The same where nothing has the file's name; what has it stays as it is. */
int draft_write_new(const char *path, const char *shown, const void *bytes,
                    size_t count, struct error *error);
/* Removes what was written and frees draft; NULL is fine. */
void draft_discard(struct draft *draft);

#endif
