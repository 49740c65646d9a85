/* Tables as text: RFC 4180 (commas, fields in double quotes, a quote in them
 * doubled), with a header line of column names; between semicolons or tabs where the
 * header has these and no comma. Line ends and byte order marks as in text_file.h;
 * empty lines, and lines that begin with #, are passed over. The file is anyone's:
 * sizes are bounded, every row has as many fields as the header, and what is wrong is
 * told with its line. */
#ifndef PWEMOE_DATA_CSV_H
#define PWEMOE_DATA_CSV_H

#include <stddef.h>

#include "base/error.h"

enum {
    CSV_BYTES_MAX = 1 << 26,
    CSV_COLUMNS_MAX = 4096,
};

struct csv {
    size_t columns, rows; /* rows without the header */
    char **names;         /* [columns] */
    char **fields;        /* [rows, columns], without quotes; "" where empty */
    size_t *lines;        /* [rows]: the line each begins on, from 1 */
    char separator;       /* ',', ';' or a tab */
    char *text;           /* what names and fields point into */
};

/* Errors begin with the path, or PATH:LINE. Freed by csv_free. */
int csv_read(const char *path, struct csv *csv, struct error *error);
/* The same of bytes in memory; label stands for the path. */
int csv_parse(const char *bytes, size_t size, const char *label, struct csv *csv,
              struct error *error);
void csv_free(struct csv *csv);

#endif
