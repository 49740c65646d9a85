/* The preferences that were looked at, for undo and redo. */
#ifndef PWEMOE_TUI_STATE_HISTORY_H
#define PWEMOE_TUI_STATE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct history {
    double (*items)[STORE_TASKS_MAX];
    size_t count, capacity, at; /* items[at] is the present one */
    /* The items are of an earlier session, and the present preference, `from`, is not
     * among them yet. */
    bool away;
    double from[STORE_TASKS_MAX];
    uint64_t serial; /* of its changes */
};

/* Adds one after the present one; what was undone is forgotten. Where memory is out the
 * history stays as it is. */
void history_add(struct history *history, const double *preference);

/* Begins with what was looked at an earlier time: all of it can be gone back to from
 * `here`. */
void history_take_up(struct history *history, const struct store_visits *visits,
                     const double *here, size_t tasks);
/* As the file keeps it, the last `most`: preferences are to be freed; none where memory
 * is out. */
struct store_visits history_visits(const struct history *history, size_t tasks,
                                   size_t most);
void history_clear(struct history *history);

#endif
