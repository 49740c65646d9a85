/* Series: the solutions that were made in one way and share a name, a mark and a
 * colour, on the screen, in charts and in reports alike. One table (series.c) says
 * which; what is not in it, as a merging method that was just added, is called by its
 * own name and takes the next mark that is free. */
#ifndef PWEMOE_RESULTS_SERIES_H
#define PWEMOE_RESULTS_SERIES_H

#include <stdbool.h>
#include <stddef.h>

#include "results/look.h"
#include "store/store.h"

struct series {
    char key[128]; /* stays the same from one reading of a file to the next */
    char name[96]; /* for people */
    enum mark mark;
    enum ink ink;
    bool answers; /* a preference is answered with plain weights: points to walk over */
    bool merged;  /* merged here: these form a front. Models trained whole and published
                     figures are shown next to it */
    bool several; /* one row is not one model (each task by its own expert) */
    size_t count; /* of its solutions */
};

/* The series of rows [count], in the order of a legend; place [count] becomes the
 * number of each row's. Where two would share a mark, the one that came later takes a
 * spare one: rows are in the order of their ids, so a series keeps its look while the
 * file grows. *series: free(). -1: memory is out. */
int series_list(const struct store_row *rows, size_t count, size_t *place,
                struct series **series, size_t *series_count);

/* "routers ls mlp (run 1)", "trained whole, ls (run 2)", "STL for cars (run 3)";
 * free(); NULL where memory is out. */
char *series_run_name(const struct store_run *run);

#endif
