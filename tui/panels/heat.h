/* Shades of heat maps in cells. */
#ifndef PWEMOE_TUI_PANELS_HEAT_H
#define PWEMOE_TUI_PANELS_HEAT_H

#include "terminal/canvas.h"

enum { HEAT_SHADES = 5 };

/* The shade of a share from 0 (a blank) to 1. */
wchar_t heat_shade(const struct view *view, float share);
/* Shades from 0 to 1, or the other way round, for a legend; the columns they take, at
 * most `room`. */
int heat_scale(const struct view *view, int x, int y, int room, bool falling,
               enum ink ink);
/* Without room for the whole name, "block 3 mlp" is "3 mlp". */
const char *heat_module(const struct view *view, const char *name, int width);
/* Columns for the names of modules: as many as they take, but no more than leave
 * `columns` columns of `width` (or of `least`, where that leaves no name) beside them.
 */
int heat_name_width(const struct view *view, int longest, int columns, int width,
                    int least);

#endif
