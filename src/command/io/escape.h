/* Text and bytes as the formats of a report have them. */
#ifndef PWEMOE_COMMAND_IO_ESCAPE_H
#define PWEMOE_COMMAND_IO_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

void escape_html(FILE *out, const char *text);
void escape_markdown(FILE *out, const char *text);
/* Of a cell of a table. */
void escape_latex(FILE *out, const char *text);
/* A field: quoted where that is needed, and with an apostrophe before what a
 * spreadsheet would compute. */
void escape_csv(FILE *out, const char *text);
void escape_base64(FILE *out, const unsigned char *data, size_t size);

#endif
