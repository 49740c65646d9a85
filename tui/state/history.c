#include "state/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static void append(struct history *history, const double *preference) {
    size_t at = history->count ? history->at + 1 : 0;
    if (array_reserve((void **)&history->items, &history->capacity, at + 1,
                      sizeof *history->items))
        return;
    memcpy(history->items[at], preference, sizeof *history->items);
    history->at = at;
    history->count = at + 1;
}

void history_add(struct history *history, const double *preference) {
    history->serial++;
    if (history->away)
        append(history, history->from);
    history->away = false;
    append(history, preference);
}

void history_take_up(struct history *history, const struct store_visits *visits,
                     const double *here, size_t tasks) {
    if (!visits->count || array_reserve((void **)&history->items, &history->capacity,
                                        visits->count, sizeof *history->items))
        return;
    memset(history->items, 0, visits->count * sizeof *history->items);
    for (size_t i = 0; i < visits->count; i++)
        memcpy(history->items[i], visits->preferences + i * tasks,
               tasks * sizeof(double));
    memcpy(history->from, here, sizeof history->from);
    history->count = visits->count;
    history->at = visits->here;
    history->away = true;
}

struct store_visits history_visits(const struct history *history, size_t tasks,
                                   size_t most) {
    size_t first = history->at + 1 > most ? history->at + 1 - most : 0;
    size_t count = history->count - first < most ? history->count - first : most;
    struct store_visits visits = {.preferences =
                                      array_new(count * tasks, sizeof(double)),
                                  .here = history->at - first};
    for (size_t i = 0; visits.preferences && i < count; i++)
        memcpy(visits.preferences + i * tasks, history->items[first + i],
               tasks * sizeof(double));
    visits.count = visits.preferences ? count : 0;
    return visits;
}

void history_clear(struct history *history) {
    free(history->items);
    *history = (struct history){0};
}
