/* The one way to open a file that a user, a recipe or a store names. */
#ifndef PWEMOE_BASE_FILE_H
#define PWEMOE_BASE_FILE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* Names come from files that anyone may have made, and behind one may lie a pipe that
 * nobody writes to, a device without an end, or a terabyte. So every reader opens here:
 * opening never waits, only regular files pass, each reader says the largest size it
 * takes. Errors begin with the path and say what lies there. */

/* "FOLDER/NAME" in the caller's memory, so that nothing is said to be missing only
 * because memory is; NULL where it is longer than any system call takes. */
const char *file_path_in(char path[PATH_MAX], const char *folder, const char *name);

/* "a pipe" and so on of what is no regular file, by its st_mode. */
const char *file_kind(mode_t mode);

/* A descriptor to read from, which the caller closes, and the size; -1 with error. */
int file_open(const char *path, uint64_t most, uint64_t *size, struct error *error);

/* Nothing there (errno is ENOENT) is *descriptor -1 without an error. */
int file_open_optional(const char *path, uint64_t most, int *descriptor, uint64_t *size,
                       struct error *error);

/* A whole file in memory, which is freed with free(); room for one byte more is there.
 * What is read is never more than `most`, also where the file grows meanwhile or says
 * that it is smaller (as those of /proc do). */
int file_read(const char *path, size_t most, char **bytes, size_t *size,
              struct error *error);

/* The same of a descriptor; path for errors. expected: the size it is said to have. */
int file_read_all(int descriptor, const char *path, size_t expected, size_t most,
                  char **bytes, size_t *size, struct error *error);

#endif
