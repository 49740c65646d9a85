/* A text file in memory. */
#ifndef PWEMOE_DATA_TEXT_FILE_H
#define PWEMOE_DATA_TEXT_FILE_H

#include <stddef.h>

#include "base/error.h"

/* The bytes of a file of at most `most`; *text has room for one more and is freed with
 * free(). What is no file, and a file with a zero byte in it, are errors. Errors begin
 * with the path. */
int text_file_read(const char *path, size_t most, char **text, size_t *size,
                   struct error *error);

/* Whether bytes are text, without a zero byte; label stands for the path. */
int text_file_check(const char *bytes, size_t size, const char *label,
                    struct error *error);

#endif
