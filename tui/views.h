/* The panels, one file each: they read the model and draw into their view. A
 * focused panel's heading stands out. */
#ifndef PWEMOE_TUI_VIEWS_H
#define PWEMOE_TUI_VIEWS_H

#include "canvas.h"
#include "model.h"

/* Objectives a (x) and b (y) against each other (scatter_view.c). */
void scatter_view_draw(const struct view *view, struct model *model, size_t a, size_t b,
                       bool focused);
/* Three objectives as a box that turns (solid_view.c), and all of them as upright axes
 * (parallel_view.c). */
void solid_view_draw(const struct view *view, struct model *model, bool focused);
void parallel_view_draw(const struct view *view, struct model *model, bool focused);
void legend_view_draw(const struct view *view, const struct model *model, bool focused);
/* The series whose line in the legend is at a place, or SIZE_MAX. */
size_t legend_view_at(const struct view *view, const struct model *model, int x, int y);

void objectives_view_draw(const struct view *view, const struct model *model,
                          bool focused);
void routing_view_draw(const struct view *view, const struct model *model,
                       bool focused);
void scaling_view_draw(const struct view *view, const struct model *model,
                       bool focused);
void training_view_draw(const struct view *view, const struct model *model,
                        bool focused);
void log_view_draw(const struct view *view, const struct model *model, bool focused);

/* Pages over the frame. Both return how many lines there are in all. */
int help_view_draw(const struct view *view, int scroll);
int compare_view_draw(const struct view *view, const struct model *model, int scroll);

/* The whole frame: layout, panels, title, status and dialog. *layout receives
 * where everything is. */
void frame_draw(struct canvas *canvas, struct model *model, struct layout *layout);

#endif
