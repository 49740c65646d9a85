/* The selection: solutions that were marked one by one, taken by a box in a scatter or
 * by ranges on the axes of the parallel coordinates. Every view shows the same one,
 * what is outside is grey, and the file keeps it. Its flags are those of the catalog.
 */
#ifndef PWEMOE_TUI_STATE_SELECTION_H
#define PWEMOE_TUI_STATE_SELECTION_H

#include "state/explorer.h"

size_t selection_count(const struct explorer *explorer);
bool selection_has(const struct explorer *explorer, size_t row);
/* Is there a selection that this row is not in? */
bool selection_outside(const struct explorer *explorer, size_t row);

void selection_toggle(struct explorer *explorer, size_t row);
void selection_clear(struct explorer *explorer);
/* These rows and no others; or these besides those that are. */
void selection_set(struct explorer *explorer, const size_t *rows, size_t count,
                   bool besides);
/* The visible rows whose values of objectives a and b lie in both ranges. */
void selection_box(struct explorer *explorer, size_t a, struct range x, size_t b,
                   struct range y, bool besides);

/* A range of an objective, or range_empty() for none. The selection is then what is
 * visible and in all of them. */
void selection_range(struct explorer *explorer, size_t objective, struct range range);
bool selection_has_range(const struct explorer *explorer, size_t objective);
/* Before the next catalog is taken: goes on there with what was selected here, until
 * the file has that. */
void selection_carry(struct explorer *explorer, struct catalog *next);
/* The ids of what is selected, ascending; free(). NULL where memory is out. */
int64_t *selection_ids(const struct explorer *explorer, size_t *count);

#endif
