/* A text file in memory. */
#ifndef PWEMOE_DATA_TEXT_FILE_H
#define PWEMOE_DATA_TEXT_FILE_H

#include <stddef.h>

#include "base/error.h"
#include "base/work.h"

/* Every reader of text gets it from here, so that all take the same as text: a byte
 * order mark is dropped, and lines end in LF, whether the file has LF, CR LF or CR. */

/* The text of a file of at most `most` bytes; *text has room for one more and is freed
 * with free(). UTF-16, a zero byte in the text, and anything but a regular file are
 * errors. Errors begin with the path. */
int text_file_read(const char *path, size_t most, char **text, size_t *size,
                   struct error *error);

/* The same of a descriptor that may be a pipe's, to its end, which is waited for until
 * work says stop; label stands for the path. */
int text_stream_read(int descriptor, const char *label, size_t most,
                     const struct work *work, char **text, size_t *size,
                     struct error *error);

/* The same from *size bytes in memory, copied; *size becomes that of the text. */
int text_file_copy(const char *bytes, size_t *size, size_t most, const char *label,
                   char **text, struct error *error);

/* The line at *at without its LF, which becomes '\0', and *at behind it; NULL at the
 * end, where a byte may be written. */
char *text_next_line(char **at, char *end);

#endif
