/* What the parts of `pwemoe map` share. */
#ifndef PWEMOE_COMMAND_WORK_MAP_H
#define PWEMOE_COMMAND_WORK_MAP_H

#include "command/work/measure.h"
#include "moe/surrogate.h"

struct map_options {
    const char *base, *settings;
    uint64_t evaluations, refine, grid;
    unsigned fit;       /* 0 posterior, 1 least-squares */
    unsigned fit_split; /* 0 auto, 1 train, 2 test */
    struct measure_options measure;
};

struct map {
    const struct map_options *options;
    struct measure measure;
    struct surrogate *surrogate;
    bool maximise[STORE_TASKS_MAX];
    size_t evaluations, refine;
    /* What is measured so far, [count, tasks] each. */
    double *x, *y;
    size_t count;
    uint64_t examples[STORE_TASKS_MAX];
    struct store_row *rows; /* of the store before, [row_count]; read when needed */
    size_t row_count;
    bool rows_read;
    int64_t routers, run; /* the surrogate in the store */
    double began;
};

/* Measures the design and the refining points and fits to them. 1 done, 0 stopped, -1.
 */
int map_collect(struct map *map, struct error *error);
/* How well each objective's quadratic fits; aloud where it does not. */
void map_say_fit(const struct map *map);
/* Frees all but measure. */
void map_clear(struct map *map);

#endif
