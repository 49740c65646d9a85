/* The thread that draws charts: one at a time, from data of its own, so that no key
 * waits for a file and the catalog may change meanwhile. */
#ifndef PWEMOE_TUI_THREADS_CHART_WRITER_H
#define PWEMOE_TUI_THREADS_CHART_WRITER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "plot/cells_data.h"
#include "plot/lines_data.h"
#include "plot/points.h"
#include "threads/mailbox.h"

enum chart_writer_kind {
    CHART_SCATTER,
    CHART_PARALLEL,
    CHART_TERNARY,
    CHART_SCALING,
    CHART_SIMILARITY,
    CHART_SIMPLEX,
    CHART_ROUTING,
    CHART_TRAINING
};

struct chart_writer_job {
    enum chart_writer_kind kind;
    char path[512], title[384];
    struct plot_points points; /* of a scatter, of parallel coordinates */
    size_t x, y;               /* of a scatter */
    struct plot_shares shares; /* of a ternary chart */
    struct lines_data lines;   /* of scaling curves, similarity by depth, training */
    struct cells_data cells;   /* of figures over the simplex, of routing weights */
};

struct chart_writer { /* begins as zeroes */
    pthread_t thread;
    bool started;
    atomic_bool busy;
    struct chart_writer_job *job;
    struct mailbox *mailbox;
};

/* Takes the job's points, shares, lines and cells over in any case. EVENT_PLOTTED tells
 * how it went. -1: one is being drawn, or no thread could be started. */
int chart_writer_begin(struct chart_writer *chart_writer, struct mailbox *mailbox,
                       const struct chart_writer_job *job, struct error *error);
/* Waits for what is being drawn. */
void chart_writer_stop(struct chart_writer *chart_writer);

#endif
