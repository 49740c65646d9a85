/* What is printed on stdout or written to a file: rows, or one object, as an aligned
 * table, as CSV (RFC 4180) or as one JSON document.
 *
 * A row is an array of JSON values, one a column. A column may be meant for JSON
 * only (a nested object), for the flat formats only, or for both. Text is escaped
 * (text_escape) in the flat formats; JSON is ASCII, so no control byte of a
 * hostile file reaches a terminal. Numbers in CSV and JSON read back to the same
 * value. */
#ifndef PWEMOE_RESULTS_OUTPUT_H
#define PWEMOE_RESULTS_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

enum output_format { OUTPUT_TABLE, OUTPUT_CSV, OUTPUT_JSON }; /* --format's order */

enum { IN_TABLE = 1, IN_CSV = 2, IN_JSON = 4, IN_FLAT = 3, IN_ALL = 7 };

struct output_column {
    const char *name; /* a key; copied */
    unsigned where;   /* IN_... */
    int decimals;     /* of a real in a table; -1: as many as it needs, up to 6 */
};

struct output;

/* object: the document is one object (a table of names and values), else an array
 * of them. NULL with error where memory is out. */
struct output *output_new(enum output_format format, bool object,
                          const struct output_column *columns, size_t count,
                          struct error *error);
/* Takes the references in values [count]; NULL stands for null, which a table
 * shows as "-" and CSV as nothing. Failures are kept for output_end. */
void output_row(struct output *output, json_t *const *values);
/* Prints everything to stdout and frees. Fails where stdout does (full disk,
 * closed pipe). */
int output_end(struct output *output, struct error *error);
/* The same as CSV or JSON to a file that is open; the error is the system's reason. */
int output_write(struct output *output, FILE *out, struct error *error);
void output_free(struct output *output); /* without printing; NULL is fine */

/* Flushes stdout; -1 where anything written to it was lost. */
int output_flush(struct error *error);
/* Text in CSV that begins with =, +, - or @ gets an apostrophe in front, so that no
 * spreadsheet computes it; on: it stays as it is. */
void output_raw(bool on);
/* What is to be done first, every time output_end prints: a progress bar goes from the
 * terminal. NULL: nothing. */
void output_before(void (*clear)(void));
/* Did that fail because a pipe's reader has closed it? No message is printed then. */
bool output_reader_gone(void);

/* A JSON string from any bytes: bytes that are not UTF-8 are escaped. */
json_t *output_text(const char *text);
/* A real, or null where it is not finite. */
json_t *output_real(double value);
/* [count] reals; null where values is NULL. */
json_t *output_reals(const double *values, size_t count);
/* The object in text, or an empty object where it is none. */
json_t *output_object(const char *text);

/* Columns of a terminal that text takes; what cannot be decoded counts one a
 * byte. */
size_t output_width(const char *text);

#endif
