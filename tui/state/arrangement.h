/* From the size of the screen to rectangles: a pure function, so that every size
 * can be tested. Rectangles lie inside the screen, do not overlap and are not
 * empty. */
#ifndef PWEMOE_TUI_STATE_ARRANGEMENT_H
#define PWEMOE_TUI_STATE_ARRANGEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "terminal/canvas.h"

enum panel {
    PANEL_TITLE,
    PANEL_STATUS,
    PANEL_SIMPLEX,
    PANEL_SCATTER, /* and the two after it, where there are three tasks */
    PANEL_SCATTER_2,
    PANEL_SCATTER_3,
    PANEL_LEGEND,
    PANEL_OBJECTIVES,
    PANEL_TABLE,
    PANEL_ROUTING,
    PANEL_SIMILARITY,
    PANEL_SCALING,
    PANEL_TRAINING,
    PANEL_LOG,
    PANEL_COUNT
};

enum {
    ARRANGEMENT_LEAST_WIDTH = 20,
    ARRANGEMENT_LEAST_HEIGHT = 5,
    ARRANGEMENT_WIDE = 118
};

struct arrangement_wish {
    int width, height;
    size_t tasks;
    unsigned open;      /* bits 1 << PANEL_ROUTING ...: shown where there is room */
    enum panel instead; /* shown in place of the scatters on a narrow screen, or
                           PANEL_TITLE for none */
    enum panel focus;   /* shown alone where only one fits, or when zoomed */
    bool zoom;
    bool one_space; /* the objective space is one panel, whatever the tasks */
    bool table;     /* the solutions as a table, below the other panels */
    bool polygon;   /* four tasks and more: a polygon rather than sliders */
    int below; /* rows that are kept free above the status line of a screen that has
                  room for several panels */
};

struct arrangement {
    bool too_small; /* only the status line is there */
    bool compact;   /* one or two panels */
    bool wide;      /* a column for the open panels */
    bool shown[PANEL_COUNT];
    struct rect rect[PANEL_COUNT];
};

struct arrangement arrangement_make(const struct arrangement_wish *wish);

/* The panel at a place of the screen, or PANEL_COUNT. */
enum panel arrangement_panel_at(const struct arrangement *arrangement, int x, int y);

#endif
