/* The charts of pwemoe plot: each kind from what a results.db holds to a page. */
#ifndef PWEMOE_COMMAND_WORK_PLOT_DRAW_H
#define PWEMOE_COMMAND_WORK_PLOT_DRAW_H

#include <stdbool.h>
#include <stdint.h>

#include "command/command.h"
#include "plot/kinds.h"
#include "results/catalog.h"

struct plot_options {
    unsigned kind, split;
    const char *out, *x, *y, *task, *method, *where, *upscale, *title, *size;
    uint64_t run, dpi;
    double font;
    unsigned theme;
    bool no_title;
};

enum plot_kind {
    PLOT_SCATTER,
    PLOT_TERNARY,
    PLOT_PARALLEL,
    PLOT_SIMPLEX,
    PLOT_ROUTING,
    PLOT_SCALING,
    PLOT_SIMILARITY,
    PLOT_TRAINING,
    PLOT_ATTAINMENT,
    PLOT_KINDS
};
#define PLOT_KIND_NAMES \
    "scatter|ternary|parallel|simplex|routing|scaling|similarity|training|attainment"

struct plot {
    const struct invocation *invocation;
    const struct plot_options *options;
    struct store *store;
    struct catalog *catalog;
    const struct store_recipe *recipe;
    bool *wanted; /* [count] */
    bool usage;   /* the command line is at fault */
    char title[512];
    struct plot_page page;
};

/* The kind that is asked for; what a page of it is called goes into title. */
int plot_draw(struct plot *plot, struct error *error);

#endif
