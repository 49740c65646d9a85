#include "state/axes.h"

#include <string.h>

/* Of all objectives, hidden ones too. */
static size_t at(const struct explorer *explorer, size_t place) {
    return explorer->axes.ordered ? explorer->axes.order[place] : place;
}

size_t axes_shown(const struct explorer *explorer, size_t *out) {
    size_t count = 0;
    for (size_t i = 0; i < explorer->tasks; i++)
        if (!explorer->axes.hidden[at(explorer, i)])
            out[count++] = at(explorer, i);
    return count;
}

size_t axes_beside(const struct explorer *explorer, size_t objective, int way) {
    size_t shown[STORE_TASKS_MAX], count = axes_shown(explorer, shown), i = 0;
    while (i < count && shown[i] != objective)
        i++;
    if (i == count)
        return shown[0];
    if (way < 0)
        return shown[i - (i > 0)];
    return shown[i + (way > 0 && i + 1 < count)];
}

void axes_move(struct explorer *explorer, size_t objective, int way) {
    struct axis_state *axes = &explorer->axes;
    size_t other = axes_beside(explorer, objective, way), a = 0, b = 0;
    for (size_t i = 0; i < explorer->tasks; i++)
        axes->order[i] = at(explorer, i);
    axes->ordered = true;
    for (size_t i = 0; i < explorer->tasks; i++) {
        a = axes->order[i] == objective ? i : a;
        b = axes->order[i] == other ? i : b;
    }
    if (axes->hidden[objective])
        return;
    /* Hidden ones between the two stay where they are. */
    axes->order[a] = other;
    axes->order[b] = objective;
    axes->serial++;
}

bool axes_hide(struct explorer *explorer, size_t objective) {
    size_t shown[STORE_TASKS_MAX];
    if (axes_shown(explorer, shown) <= 2 && !explorer->axes.hidden[objective])
        return false;
    explorer->axes.hidden[objective] = !explorer->axes.hidden[objective];
    explorer->axes.serial++;
    return true;
}

void axes_turn(struct explorer *explorer, size_t objective) {
    explorer->axes.turned[objective] = !explorer->axes.turned[objective];
    explorer->axes.serial++;
}

void axes_reset(struct explorer *explorer) {
    explorer->axes = (struct axis_state){.serial = explorer->axes.serial + 1};
}
