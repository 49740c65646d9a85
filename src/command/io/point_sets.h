/* Point files that belong together, with what they are compared with, all turned so
 * that less is better: what `pwemoe indicators` reads. */
#ifndef PWEMOE_COMMAND_IO_POINT_SETS_H
#define PWEMOE_COMMAND_IO_POINT_SETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "command/io/point_file.h"

/* As on the command line; texts may be NULL. */
struct point_sets_given {
    const char *const *files;
    size_t count;
    bool maximise;             /* every objective, where directions is NULL */
    const char *directions;    /* "min,max,..." */
    const char *reference;     /* --ref: a number for each objective or one for all */
    const char *ideal;         /* --ideal: the same */
    const char *reference_set; /* a point file */
    const char *weights;       /* a point file, each row made to sum to 1 */
};

struct point_sets {
    size_t objectives, count;
    struct points *sets;                  /* [count] */
    double *sign;                         /* [objectives]: 1 minimised, -1 maximised */
    double *reference, *ideal;            /* [objectives], or NULL */
    struct points reference_set, weights; /* values NULL where there are none */
};

/* Refused: files of different numbers of objectives, and what does not fit them, where
 * *usage says whether it is the command line that is wrong. sets is the caller's to
 * clear whatever is returned. */
int point_sets_read(const struct point_sets_given *given, struct point_sets *sets,
                    bool *usage, struct error *error);
void point_sets_clear(struct point_sets *sets);

#endif
