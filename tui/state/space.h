/* The objective space as the scatters, the 3-D view and the parallel coordinates
 * share it: which of them is shown, of which objectives, how wide. */
#ifndef PWEMOE_TUI_STATE_SPACE_H
#define PWEMOE_TUI_STATE_SPACE_H

#include "state/explorer.h"
#include "state/range.h"

/* Turns the box about its upright axis and tilts it, in radians. */
void space_turn(struct explorer *explorer, double turn, double tilt);
/* Puts an objective among the three of the box in place of the one that has been there
 * longest; one that is there stays. */
void space_choose(struct explorer *explorer, size_t objective);
bool space_has(const struct explorer *explorer, size_t objective);

/* A row of routers: one of ours, not a baseline. */
bool space_is_ours(const struct catalog *catalog, size_t row);

/* The mean over the tasks is one more axis, numbered after the last objective, where
 * they are alike. */
bool space_has_mean(const struct explorer *explorer);
/* What a row has of an objective or of the mean; NaN: nothing. */
double space_value(const struct catalog *catalog, size_t row, size_t objective);
/* explorer_figure, also of the mean, whose interval is that of independent figures. */
bool space_figure(const struct explorer *explorer, size_t objective,
                  struct figure *figure);

/* What differences in an objective are small or large beside: a hundred where figures
 * are percentages, else the greatest magnitude of the range. Above 0. */
double space_scale(const struct explorer *explorer, size_t objective,
                   struct range range);

/* A range that shows the front and what lies around it: the routers' points, the
 * present one, and baselines not farther from them than a third of their extent (a
 * pretrained model without its heads would else press the front into one corner).
 * false: nothing is measured. */
bool space_range(const struct explorer *explorer, size_t objective,
                 struct range *range);

/* The range that scatters show: that, or the part of it that was zoomed to. */
bool space_window(const struct explorer *explorer, size_t objective,
                  struct range *range);
bool space_is_zoomed(const struct explorer *explorer, size_t objective);
/* Zooms an objective's axis by a factor (below 1: closer) around a value that stays
 * where it is. */
void space_zoom(struct explorer *explorer, size_t objective, double factor,
                double around);
/* Moves what is shown of it by a share of its width. */
void space_pan(struct explorer *explorer, size_t objective, double share);
/* Ends zooming; where nothing is zoomed, the next of enum fit. Its name. */
const char *space_fit(struct explorer *explorer);

/* Which visible rows of routers no other dominates in the three objectives of the box,
 * [catalog->count], kept until the catalog or the legend changes. NULL: memory is out.
 */
const bool *space_front(struct explorer *explorer);

#endif
