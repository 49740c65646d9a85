#define _GNU_SOURCE
#include "threads/hypervolume.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

enum { PRIORITY = 10 };
static const struct approximation ROUGHLY = {.epsilon = 0.01};

struct hypervolume_thread {
    pthread_t thread;
    pthread_mutex_t lock; /* over the next block */
    pthread_cond_t changed;
    struct volume_points *next; /* NULL: nothing new is wanted */
    bool end, running;
    unsigned seconds;
    struct timespec since; /* it runs */

    atomic_bool stop;
    struct mailbox *mailbox;
    struct volume_points *last; /* of the thread that asks: what it asked for */
};

static void points_free(struct volume_points *points) {
    if (points)
        volume_points_clear(points);
    free(points);
}

static struct volume_points *points_of(const struct catalog *catalog) {
    struct volume_points *points = array_new(1, sizeof *points);
    if (points && volume_points_make(points, catalog, NULL) == 0)
        return points;
    free(points);
    return NULL;
}

/* --- the thread ---------------------------------------------------------------- */

static void post(struct hypervolume_thread *hypervolume_thread,
                 const struct volume_points *points, enum volume_state state,
                 double value, double within, const double *contributions) {
    struct event event = {.kind = EVENT_VOLUME,
                          .volume =
                              front_volume_new(points, state, value, contributions)};
    if (!event.volume)
        return;
    event.volume->within = within;
    mailbox_post(hypervolume_thread->mailbox, &event, true);
}

static bool superseded(struct hypervolume_thread *hypervolume_thread) {
    pthread_mutex_lock(&hypervolume_thread->lock);
    bool is = hypervolume_thread->next || hypervolume_thread->end;
    pthread_mutex_unlock(&hypervolume_thread->lock);
    return is;
}

/* After what was exact has been given up: time again, unless other points are wanted.
 */
static bool begin_again(struct hypervolume_thread *hypervolume_thread) {
    pthread_mutex_lock(&hypervolume_thread->lock);
    bool wanted = !hypervolume_thread->next && !hypervolume_thread->end;
    if (wanted) {
        atomic_store(&hypervolume_thread->stop, false);
        clock_gettime(CLOCK_MONOTONIC, &hypervolume_thread->since);
    }
    pthread_mutex_unlock(&hypervolume_thread->lock);
    return wanted;
}

static void work_out(struct hypervolume_thread *hypervolume_thread,
                     struct volume_points *points) {
    struct work work = {&hypervolume_thread->stop, NULL, NULL};
    struct oriented *front = &points->points;
    double value = 0;
    post(hypervolume_thread, points, VOLUME_WORKING, 0, 0, NULL);
    if (oriented_keep(front, true, NULL))
        return;
    if (oriented_volume(front, NULL, &value, NULL, &work, NULL)) {
        if (!begin_again(hypervolume_thread))
            return;
        if (oriented_volume(front, &ROUGHLY, &value, NULL, &work, NULL) == 0)
            post(hypervolume_thread, points, VOLUME_KNOWN, value, ROUGHLY.epsilon,
                 NULL);
        else if (!superseded(hypervolume_thread))
            post(hypervolume_thread, points, VOLUME_TOO_LONG, 0, 0, NULL);
        return;
    }
    post(hypervolume_thread, points, VOLUME_KNOWN, value, 0, NULL);
    double *contributions = array_new(front->count, sizeof *contributions);
    if (contributions && !oriented_contributions(front, contributions, &work, NULL))
        post(hypervolume_thread, points, VOLUME_KNOWN, value, 0, contributions);
    free(contributions);
}

static void *run(void *self) {
    struct hypervolume_thread *hypervolume_thread = self;
    /* Evaluations go before. On Linux this is of the thread alone; where it is refused
     * it runs as the others do. */
    int lowered = setpriority(PRIO_PROCESS, (id_t)gettid(), PRIORITY);
    (void)lowered;
    pthread_mutex_lock(&hypervolume_thread->lock);
    for (;;) {
        while (!hypervolume_thread->next && !hypervolume_thread->end)
            pthread_cond_wait(&hypervolume_thread->changed, &hypervolume_thread->lock);
        if (hypervolume_thread->end)
            break;
        struct volume_points *points = hypervolume_thread->next;
        hypervolume_thread->next = NULL;
        atomic_store(&hypervolume_thread->stop, false);
        clock_gettime(CLOCK_MONOTONIC, &hypervolume_thread->since);
        hypervolume_thread->running = true;
        pthread_mutex_unlock(&hypervolume_thread->lock);
        work_out(hypervolume_thread, points);
        points_free(points);
        pthread_mutex_lock(&hypervolume_thread->lock);
        hypervolume_thread->running = false;
    }
    pthread_mutex_unlock(&hypervolume_thread->lock);
    return NULL;
}

int hypervolume_start(struct mailbox *mailbox, unsigned seconds,
                      struct hypervolume_thread **result, struct error *error) {
    struct hypervolume_thread *hypervolume_thread =
        array_new(1, sizeof *hypervolume_thread);
    if (!hypervolume_thread)
        return error_memory(error);
    hypervolume_thread->mailbox = mailbox;
    hypervolume_thread->seconds = seconds;
    atomic_init(&hypervolume_thread->stop, false);
    pthread_mutex_init(&hypervolume_thread->lock, NULL);
    pthread_cond_init(&hypervolume_thread->changed, NULL);
    int failed =
        pthread_create(&hypervolume_thread->thread, NULL, run, hypervolume_thread);
    if (failed) {
        pthread_cond_destroy(&hypervolume_thread->changed);
        pthread_mutex_destroy(&hypervolume_thread->lock);
        free(hypervolume_thread);
        return error_set(error, "cannot start a thread: %s", strerror(failed));
    }
    *result = hypervolume_thread;
    return 0;
}

void hypervolume_stop(struct hypervolume_thread *hypervolume_thread) {
    if (!hypervolume_thread)
        return;
    pthread_mutex_lock(&hypervolume_thread->lock);
    hypervolume_thread->end = true;
    atomic_store(&hypervolume_thread->stop, true);
    pthread_cond_signal(&hypervolume_thread->changed);
    pthread_mutex_unlock(&hypervolume_thread->lock);
    pthread_join(hypervolume_thread->thread, NULL);
    pthread_cond_destroy(&hypervolume_thread->changed);
    pthread_mutex_destroy(&hypervolume_thread->lock);
    points_free(hypervolume_thread->next);
    points_free(hypervolume_thread->last);
    free(hypervolume_thread);
}

void hypervolume_want(struct hypervolume_thread *hypervolume_thread,
                      const struct catalog *catalog) {
    struct volume_points *points = points_of(catalog), *last = hypervolume_thread->last;
    struct volume_points *next = points && !(last && volume_points_same(points, last))
                                     ? points_of(catalog)
                                     : NULL;
    if (!next) {
        points_free(points);
        return;
    }
    points_free(last);
    hypervolume_thread->last = points;
    pthread_mutex_lock(&hypervolume_thread->lock);
    points_free(hypervolume_thread->next);
    hypervolume_thread->next = next;
    atomic_store(&hypervolume_thread->stop, true);
    pthread_cond_signal(&hypervolume_thread->changed);
    pthread_mutex_unlock(&hypervolume_thread->lock);
}

void hypervolume_tick(struct hypervolume_thread *hypervolume_thread) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_mutex_lock(&hypervolume_thread->lock);
    if (hypervolume_thread->running &&
        now.tv_sec - hypervolume_thread->since.tv_sec > hypervolume_thread->seconds)
        atomic_store(&hypervolume_thread->stop, true);
    pthread_mutex_unlock(&hypervolume_thread->lock);
}
