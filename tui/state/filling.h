/* Filling the front: which preferences are measured one after the other while nobody
 * wants another, what that costs, and when it is enough. */
#ifndef PWEMOE_TUI_STATE_FILLING_H
#define PWEMOE_TUI_STATE_FILLING_H

#include "state/explorer.h"

/* That many of them; and how many are measured at most. */
enum { FILL_ROW = 3, FILL_MOST = 100, FILL_GRID_MOST = 100000 };

/* Seconds for so many models, or NaN: not known. */
double filling_price(const struct explorer *explorer, size_t models);
/* "8 s", "3 min", "2.5 h". */
char *filling_time(double seconds, char *out, size_t size);
/* How many of a grid are not measured yet; SIZE_MAX: too many to ask. It is asked with
 * every key of a question: solutions are gone through once. */
size_t filling_missing(const struct explorer *explorer, size_t edge);

/* number: how many gaps, points along an edge, or per cent. */
void filling_begin(struct explorer *explorer, enum fill_kind kind, double number);
void filling_end(struct explorer *explorer);

enum filling_step {
    FILLING_WAITS,   /* nothing is to be done now */
    FILLING_MEASURE, /* filling.preference */
    FILLING_OVER     /* filling.ended says why; it has ended */
};
enum filling_step filling_next(struct explorer *explorer);
/* It is in the file, after so many seconds. */
void filling_measured(struct explorer *explorer, double seconds);
void filling_set_price(struct explorer *explorer, int64_t routers, double seconds);

/* "filling 3 of 13, 6 s left"; false where nothing is filled. */
bool filling_text(const struct explorer *explorer, char *out, size_t size);

#endif
