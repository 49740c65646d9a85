/* The axes of the parallel coordinates as they are wanted: their order, which of them
 * are hidden, and which stand with the worse end on top. */
#ifndef PWEMOE_TUI_STATE_AXES_H
#define PWEMOE_TUI_STATE_AXES_H

#include "state/explorer.h"

/* The objectives whose axes are shown, from left to right, into out [tasks]; how many.
 */
size_t axes_shown(const struct explorer *explorer, size_t *out);
/* The one beside it, to the left (-1) or right (1); itself at the end. An objective
 * that is hidden has the first one beside it. */
size_t axes_beside(const struct explorer *explorer, size_t objective, int way);
/* Past the one beside it. */
void axes_move(struct explorer *explorer, size_t objective, int way);
/* Two axes stay at least. false: it is one of them. */
bool axes_hide(struct explorer *explorer, size_t objective);
void axes_turn(struct explorer *explorer, size_t objective);
/* All of them, in the tasks' order, the better end on top. */
void axes_reset(struct explorer *explorer);

#endif
