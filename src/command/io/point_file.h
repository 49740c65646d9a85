/* Point files: one point a row, numbers separated by a comma, white space or
 * both; # begins a comment; empty lines do not count. Line ends and byte order marks as
 * in data/text_file.h. */
#ifndef PWEMOE_COMMAND_IO_POINT_FILE_H
#define PWEMOE_COMMAND_IO_POINT_FILE_H

#include <stddef.h>

#include "base/error.h"
#include "base/work.h"

struct points {
    double *values; /* [count, columns], owned */
    size_t count, columns;
};

/* path "-" is standard input; a pipe is read to its end, waited for until work (may be
 * NULL) says stop. Refused with the line's number: a field that is not a
 * number, NaN and infinity, an empty field, a row of another length than the first. A
 * file without a point is an error too. */
int points_read(const char *path, const struct work *work, struct points *points,
                struct error *error);
/* The same from memory; label stands for the path. */
int points_parse(const char *bytes, size_t size, const char *label,
                 struct points *points, struct error *error);
void points_free(struct points *points);

/* "0.5,1" (commas or white space) into fresh numbers; what is the option's name
 * for the error. */
int points_vector(const char *text, const char *what, double **values, size_t *count,
                  struct error *error);

#endif
