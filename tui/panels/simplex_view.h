/* The preference as a place: a segment (2 tasks), a triangle (3), a polygon or
 * sliders. */
#ifndef PWEMOE_TUI_PANELS_SIMPLEX_VIEW_H
#define PWEMOE_TUI_PANELS_SIMPLEX_VIEW_H

#include "panels/simplex_geometry.h"
#include "state/explorer.h"
#include "terminal/canvas.h"

void simplex_view_draw(const struct view *view, struct explorer *explorer,
                       bool focused);

#endif
