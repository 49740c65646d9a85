/* Training runs: their rows of output, and what saving one as it goes needs. */
#ifndef PWEMOE_COMMAND_WORK_RUNS_H
#define PWEMOE_COMMAND_WORK_RUNS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "command/command.h"
#include "store/store.h"

struct output *runs_begin(const struct invocation *invocation, struct error *error);
int runs_add(struct output *output, struct store *store, const struct store_run *run,
             struct error *error);

/* The rows of one run alone. */
int runs_print(const struct invocation *invocation, struct store *store,
               const struct store_run *run, struct error *error);

/* Puts the newest run that `wanted` takes into *run, whose strings are then the
 * caller's; found false where there is none. */
int runs_take(struct store *store, bool (*wanted)(void *self, const struct store_run *),
              void *self, struct store_run *run, bool *found, struct error *error);

/* A number among a stored run's parameters, within bounds: the file may be someone
 * else's. */
int runs_number(const json_t *parameters, const char *key, double low, double high,
                double *value, struct error *error);

/* The loss curve between two saves: the mean of every RUNS_CURVE steps. */
enum { RUNS_CURVE = 10 };

struct curve {
    size_t first, tasks; /* the tasks that are trained: first, first + 1, ... */
    double *sums;        /* [tasks] of the steps since the last point */
    unsigned steps;
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

#endif
