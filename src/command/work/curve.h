/* The loss curve of a run: points between two saves, and what of it a saved state
 * keeps, so that a run that goes on has the same curve as one that was never
 * interrupted. */
#ifndef PWEMOE_COMMAND_WORK_CURVE_H
#define PWEMOE_COMMAND_WORK_CURVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "store/store.h"

/* A point is the mean of so many steps; the first is that of step 1 alone. */
enum { CURVE_STEPS = 10 };

struct curve {
    size_t first, tasks; /* the tasks that are trained: first, first + 1, ... */
    double *sums;        /* [tasks] of the steps since the last point */
    unsigned steps;      /* how many those are */
    struct store_curve_point *points; /* since the last save */
    size_t count, capacity;
};

int curve_new(size_t first, size_t tasks, struct curve *curve, struct error *error);
/* losses [tasks] of step `step` (from 1). Fails where one is not finite. */
int curve_add(struct curve *curve, unsigned step, const double *losses,
              struct error *error);
/* After a save: the points are stored. */
void curve_saved(struct curve *curve);
void curve_free(struct curve *curve);

/* The steps that are in no point yet, and with `points` the points since the last save
 * too, as text (freed with free(), NULL without memory); and back into a new curve of a
 * run at step `step`. The text may come from elsewhere: -1 where it is not of this
 * form. */
char *curve_text(const struct curve *curve, bool points);
int curve_resume(struct curve *curve, unsigned step, const char *text,
                 struct error *error);

#endif
