/* The panels, one file each: they read the explorer's state and draw into their view. A
 * focused panel's heading is highlighted. */
#ifndef PWEMOE_TUI_PANELS_VIEWS_H
#define PWEMOE_TUI_PANELS_VIEWS_H

#include "state/explorer.h"
#include "terminal/canvas.h"

/* Objectives a (x) and b (y) against each other (scatter_view.c). */
void scatter_view_draw(const struct view *view, struct explorer *explorer, size_t a,
                       size_t b, bool focused);
/* Three objectives as a box that turns (solid_view.c), and all of them as upright axes
 * (parallel_view.c). */
void solid_view_draw(const struct view *view, struct explorer *explorer, bool focused);
void parallel_view_draw(const struct view *view, struct explorer *explorer,
                        bool focused);
void legend_view_draw(const struct view *view, const struct explorer *explorer,
                      bool focused);
/* All of its lines from row y on, below each other, whatever there is room for; the row
 * after the last. */
int legend_view_list(const struct view *view, const struct explorer *explorer, int y);
/* The series whose line in the legend is at a place, or SIZE_MAX. */
size_t legend_view_at(const struct view *view, const struct explorer *explorer, int x,
                      int y);

/* The solutions as rows; which row's line is at a place, and which column's name is
 * there; SIZE_MAX: none (table_view.c). */
void table_view_draw(const struct view *view, struct explorer *explorer, bool focused);
size_t table_view_row(const struct view *view, const struct explorer *explorer, int y);
size_t table_view_column(const struct view *view, const struct explorer *explorer,
                         int x);

void objectives_view_draw(const struct view *view, struct explorer *explorer,
                          bool focused);
void routing_view_draw(const struct view *view, const struct explorer *explorer,
                       bool focused);
void similarity_view_draw(const struct view *view, const struct explorer *explorer,
                          bool focused);
void scaling_view_draw(const struct view *view, const struct explorer *explorer,
                       bool focused);
void training_view_draw(const struct view *view, const struct explorer *explorer,
                        bool focused);
void log_view_draw(const struct view *view, const struct explorer *explorer,
                   bool focused);

/* A page over the frame; returns how many lines there are in all. */
int compare_view_draw(const struct view *view, const struct explorer *explorer,
                      int scroll);

/* The whole frame: panels, title, status and dialog. *arrangement receives where
 * everything is. */
void frame_draw(struct canvas *canvas, struct explorer *explorer,
                struct arrangement *arrangement);

#endif
