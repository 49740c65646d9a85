/* What the programs of `make bench` share: their lines, and the files that these are
 * kept in. Each line has what was measured, the floor, how near it is, the peer's value
 * in the same run, and how many times as fast as that ours is. */
#ifndef PWEMOE_BENCH_LINES_H
#define PWEMOE_BENCH_LINES_H

#include <stdbool.h>

#include "backend/backend.h"
#include "gpu/figures.h"

struct lines {
    const char *program; /* "backend": the end of the files' names */
    bool small;          /* --small: to try the program out, its figures are none */
    struct figures figures;
};

/* Takes --small from the arguments. Ends the program where memory is out. */
void lines_begin(struct lines *lines, const char *program, int *argc, char **argv);
/* Prints the line and keeps it. */
void lines_add(struct lines *lines, const struct figure *figure);
/* Writes $PWEMOE_BENCH_OUT/DEVICE-DATE-PROGRAM.json and .md, where that is set; returns
 * the program's exit status. */
int lines_end(struct lines *lines, const struct backend *backend);

#endif
