#include "plotter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static int draw(const struct plotter_job *job, struct error *error) {
    struct plot_page page = {
        .path = job->path, .title = job->title, .width = 960, .height = 600};
    const char *const corners[3] = {job->corners[0], job->corners[1], job->corners[2]};
    switch (job->kind) {
    case PLOTTER_SCATTER:
        return plot_scatter(&page, &job->points.cloud, job->x, job->y, error);
    case PLOTTER_PARALLEL:
        return plot_parallel(&page, &job->points.cloud, error);
    default:
        return plot_ternary(&page, corners, job->shares.preferences, job->shares.values,
                            job->shares.count, job->value, error);
    }
}

static void *run(void *self) {
    struct plotter *plotter = self;
    struct event event = {.kind = EVENT_PLOTTED};
    struct error error = {""};
    if (draw(plotter->job, &error))
        snprintf(event.text, sizeof event.text, "%s", error.text);
    atomic_store(&plotter->busy,
                 false); /* before it is told: the next may begin then */
    mailbox_post(plotter->mailbox, &event, false);
    return NULL;
}

static void free_job(struct plotter_job *job) {
    plot_points_clear(&job->points);
    plot_shares_clear(&job->shares);
    free(job);
}

void plotter_stop(struct plotter *plotter) {
    if (!plotter->started)
        return;
    pthread_join(plotter->thread, NULL);
    plotter->started = false;
    free_job(plotter->job);
    plotter->job = NULL;
}

int plotter_begin(struct plotter *plotter, struct mailbox *mailbox,
                  const struct plotter_job *job, struct error *error) {
    struct plotter_job *copy = array_new(1, sizeof *copy);
    if (!copy) {
        struct plotter_job dropped = *job;
        plot_points_clear(&dropped.points);
        plot_shares_clear(&dropped.shares);
        return error_memory(error);
    }
    *copy = *job;
    if (atomic_load(&plotter->busy)) {
        free_job(copy);
        return error_set(error, "another chart is being drawn");
    }
    plotter_stop(plotter);
    plotter->job = copy;
    plotter->mailbox = mailbox;
    atomic_store(&plotter->busy, true);
    int failed = pthread_create(&plotter->thread, NULL, run, plotter);
    if (failed) {
        atomic_store(&plotter->busy, false);
        plotter->job = NULL;
        free_job(copy);
        return error_set(error, "no thread could be started: %s", strerror(failed));
    }
    plotter->started = true;
    return 0;
}
