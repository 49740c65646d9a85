#include "threads/chart_writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static int draw(const struct chart_writer_job *job, struct error *error) {
    enum { ROW = 18 }; /* points, for letters in a row of cells */
    size_t rows = job->cells.cells.row_count;
    struct plot_page page = {.path = job->path,
                             .title = *job->title ? job->title : NULL,
                             .width = 960,
                             .height = 600};
    struct plot_surface surface = plot_shares_surface(&job->shares);
    switch (job->kind) {
    case CHART_SCATTER:
        return plot_scatter(&page, &job->points.cloud, job->x, job->y, error);
    case CHART_PARALLEL:
        return plot_parallel(&page, &job->points.cloud, error);
    case CHART_SCALING:
    case CHART_SIMILARITY:
    case CHART_TRAINING:
        return plot_lines(&page, &job->lines.grid, error);
    case CHART_SIMPLEX:
    case CHART_ROUTING:
        page.height = fmin(2000, fmax(page.height, 110 + ROW * (double)rows));
        return plot_heat(&page, &job->cells.cells, error);
    default:
        return plot_ternary(&page, &surface, error);
    }
}

static void *run(void *self) {
    struct chart_writer *chart_writer = self;
    struct event event = {.kind = EVENT_PLOTTED};
    struct error error = {.text = ""};
    if (draw(chart_writer->job, &error))
        snprintf(event.text, sizeof event.text, "%s", error.text);
    atomic_store(&chart_writer->busy,
                 false); /* before it is told: the next may begin then */
    mailbox_post(chart_writer->mailbox, &event, false);
    return NULL;
}

static void clear_job(struct chart_writer_job *job) {
    plot_points_clear(&job->points);
    plot_shares_clear(&job->shares);
    lines_data_clear(&job->lines);
    cells_data_clear(&job->cells);
}

static void free_job(struct chart_writer_job *job) {
    clear_job(job);
    free(job);
}

void chart_writer_stop(struct chart_writer *chart_writer) {
    if (!chart_writer->started)
        return;
    pthread_join(chart_writer->thread, NULL);
    chart_writer->started = false;
    free_job(chart_writer->job);
    chart_writer->job = NULL;
}

int chart_writer_begin(struct chart_writer *chart_writer, struct mailbox *mailbox,
                       const struct chart_writer_job *job, struct error *error) {
    struct chart_writer_job *copy = array_new(1, sizeof *copy);
    if (!copy) {
        struct chart_writer_job dropped = *job;
        clear_job(&dropped);
        return error_memory(error);
    }
    *copy = *job;
    if (atomic_load(&chart_writer->busy)) {
        free_job(copy);
        return error_set(error, "another chart is being drawn");
    }
    chart_writer_stop(chart_writer);
    chart_writer->job = copy;
    chart_writer->mailbox = mailbox;
    atomic_store(&chart_writer->busy, true);
    int failed = pthread_create(&chart_writer->thread, NULL, run, chart_writer);
    if (failed) {
        atomic_store(&chart_writer->busy, false);
        chart_writer->job = NULL;
        free_job(copy);
        return error_set(error, "cannot start a thread: %s", strerror(failed));
    }
    chart_writer->started = true;
    return 0;
}
