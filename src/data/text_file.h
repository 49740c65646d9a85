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

/* The same from bytes in memory, copied; label stands for the path. */
int text_file_copy(const char *bytes, size_t size, size_t most, const char *label,
                   char **text, struct error *error);

#endif
