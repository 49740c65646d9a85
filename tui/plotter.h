/* The thread that draws charts: one at a time, from data of its own, so that no key
 * waits for a file and the catalog may change meanwhile. */
#ifndef PWEMOE_TUI_PLOTTER_H
#define PWEMOE_TUI_PLOTTER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "mailbox.h"
#include "plot/points.h"

enum plotter_kind { PLOTTER_SCATTER, PLOTTER_PARALLEL, PLOTTER_TERNARY };

struct plotter_job {
    enum plotter_kind kind;
    char path[512], title[128];
    struct plot_points points; /* of a scatter, of parallel coordinates */
    size_t x, y;               /* of a scatter */
    struct plot_shares shares; /* of a ternary chart */
    char corners[3][128], value[160];
};

struct plotter { /* begins as zeroes */
    pthread_t thread;
    bool started;
    atomic_bool busy;
    struct plotter_job *job;
    struct mailbox *mailbox;
};

/* Takes the job's points and shares over in any case. EVENT_PLOTTED tells how it went.
 * -1: one is being drawn, or no thread could be started. */
int plotter_begin(struct plotter *plotter, struct mailbox *mailbox,
                  const struct plotter_job *job, struct error *error);
/* Waits for what is being drawn. */
void plotter_stop(struct plotter *plotter);

#endif
