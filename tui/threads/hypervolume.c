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
#include "pareto/pareto.h"

/* Exact volumes of many objectives may take days. */
enum { SECONDS_MOST = 10, PRIORITY = 10 };

struct job {
    size_t tasks, count;
    double reference[STORE_TASKS_MAX]; /* in the objectives' own orientation */
    double turned[STORE_TASKS_MAX];    /* minimised, as points are */
    double *points;                    /* [count, tasks] */
    int64_t *solutions;                /* [count] */
};

struct hypervolume_thread {
    pthread_t thread;
    pthread_mutex_t lock; /* over the next block */
    pthread_cond_t changed;
    struct job *next; /* NULL: nothing new is wanted */
    bool end, running;
    struct timespec since; /* it runs */

    atomic_bool stop;
    struct mailbox *mailbox;
    struct job *last; /* of the thread that asks: what it asked for */
};

void front_volume_free(struct front_volume *volume) {
    if (!volume)
        return;
    free(volume->solutions);
    free(volume->contributions);
    free(volume);
}

static int order_ids(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

bool front_volume_contribution(const struct front_volume *volume, int64_t solution,
                               double *contribution) {
    if (!volume || volume->state != VOLUME_KNOWN || !volume->contributions)
        return false;
    *contribution = 0;
    if (!volume->count)
        return true;
    const int64_t *found = bsearch(&solution, volume->solutions, volume->count,
                                   sizeof solution, order_ids);
    if (found)
        *contribution = volume->contributions[found - volume->solutions];
    return true;
}

static void job_free(struct job *job) {
    if (!job)
        return;
    free(job->points);
    free(job->solutions);
    free(job);
}

static struct job *job_new(size_t tasks, size_t count) {
    struct job *job = array_new(1, sizeof *job);
    size_t cells;
    if (!job)
        return NULL;
    job->tasks = tasks;
    if (size_multiply(count, tasks, &cells))
        job->points = array_new(cells, sizeof(double));
    job->solutions = array_new(count, sizeof(int64_t));
    if (!job->points || !job->solutions) {
        job_free(job);
        return NULL;
    }
    return job;
}

static struct job *job_copy(const struct job *from) {
    struct job *job = job_new(from->tasks, from->count);
    if (!job)
        return NULL;
    double *points = job->points;
    int64_t *solutions = job->solutions;
    *job = *from;
    job->points = points;
    job->solutions = solutions;
    if (from->count) {
        memcpy(points, from->points, from->count * from->tasks * sizeof *points);
        memcpy(solutions, from->solutions, from->count * sizeof *solutions);
    }
    return job;
}

static struct job *job_of(const struct catalog *catalog) {
    size_t tasks = catalog->tasks;
    struct job *job = job_new(tasks, catalog->count);
    if (!job)
        return NULL;
    for (size_t t = 0; t < tasks; t++) {
        const struct store_objective *objective = &catalog->recipe->tasks[t].objective;
        job->reference[t] = objective->reference;
        job->turned[t] =
            objective->maximise ? -objective->reference : objective->reference;
    }
    for (size_t i = 0; i < catalog->count; i++) {
        const struct solution *solution = &catalog->solutions[i];
        const struct store_solution *stored = &catalog->rows[i].solution;
        if (!solution->whole || solution->stale ||
            !store_kind_merged(catalog->rows[i].solution.kind))
            continue;
        for (size_t t = 0; t < tasks; t++) {
            double value = catalog_value(catalog, i, t);
            job->points[job->count * tasks + t] =
                catalog->recipe->tasks[t].objective.maximise ? -value : value;
        }
        job->solutions[job->count++] = stored->id;
    }
    return job;
}

static bool same_job(const struct job *a, const struct job *b) {
    return a && b && a->tasks == b->tasks && a->count == b->count &&
           !memcmp(a->reference, b->reference, sizeof a->reference) &&
           !memcmp(a->turned, b->turned, sizeof a->turned) &&
           (!a->count ||
            (!memcmp(a->solutions, b->solutions, a->count * sizeof *a->solutions) &&
             !memcmp(a->points, b->points, a->count * a->tasks * sizeof *a->points)));
}

/* --- the thread ---------------------------------------------------------------- */

static void post(struct hypervolume_thread *hypervolume_thread, const struct job *job,
                 enum volume_state state, double value, const double *contributions) {
    struct front_volume *volume = array_new(1, sizeof *volume);
    if (!volume)
        return;
    *volume = (struct front_volume){
        .state = state, .tasks = job->tasks, .count = job->count, .value = value};
    memcpy(volume->reference, job->reference, sizeof volume->reference);
    volume->solutions = array_new(job->count, sizeof *volume->solutions);
    if (contributions)
        volume->contributions = array_new(job->count, sizeof(double));
    if (!volume->solutions || (contributions && !volume->contributions)) {
        front_volume_free(volume);
        return;
    }
    if (job->count) {
        memcpy(volume->solutions, job->solutions,
               job->count * sizeof *volume->solutions);
        if (contributions)
            memcpy(volume->contributions, contributions, job->count * sizeof(double));
    }
    struct event event = {.kind = EVENT_VOLUME, .volume = volume};
    mailbox_post(hypervolume_thread->mailbox, &event, true);
}

/* Leaves the points of the front, one of each that are equal. */
static int keep_front(struct job *job, struct error *error) {
    bool *keep = array_new(job->count, sizeof *keep);
    size_t out = 0;
    if (!keep)
        return error_memory(error);
    long kept = pareto_filter(job->points, job->count, job->tasks, true, keep, error);
    for (size_t i = 0; kept >= 0 && i < job->count; i++)
        if (keep[i]) {
            memmove(job->points + out * job->tasks, job->points + i * job->tasks,
                    job->tasks * sizeof *job->points);
            job->solutions[out++] = job->solutions[i];
        }
    job->count = kept < 0 ? 0 : out;
    free(keep);
    return kept < 0 ? -1 : 0;
}

static bool superseded(struct hypervolume_thread *hypervolume_thread) {
    pthread_mutex_lock(&hypervolume_thread->lock);
    bool is = hypervolume_thread->next || hypervolume_thread->end;
    pthread_mutex_unlock(&hypervolume_thread->lock);
    return is;
}

static void work_out(struct hypervolume_thread *hypervolume_thread, struct job *job) {
    struct work work = {&hypervolume_thread->stop, NULL, NULL};
    struct error error;
    double value = 0;
    post(hypervolume_thread, job, VOLUME_WORKING, 0, NULL);
    if (keep_front(job, &error))
        return;
    double *contributions = array_new(job->count, sizeof *contributions);
    if (pareto_hypervolume(job->points, job->count, job->tasks, job->turned, &value,
                           &work, &error)) {
        if (!superseded(hypervolume_thread))
            post(hypervolume_thread, job, VOLUME_TOO_LONG, 0, NULL);
    } else {
        post(hypervolume_thread, job, VOLUME_KNOWN, value, NULL);
        if (contributions &&
            !pareto_contributions(job->points, job->count, job->tasks, job->turned,
                                  contributions, &work, &error))
            post(hypervolume_thread, job, VOLUME_KNOWN, value, contributions);
    }
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
        struct job *job = hypervolume_thread->next;
        hypervolume_thread->next = NULL;
        atomic_store(&hypervolume_thread->stop, false);
        clock_gettime(CLOCK_MONOTONIC, &hypervolume_thread->since);
        hypervolume_thread->running = true;
        pthread_mutex_unlock(&hypervolume_thread->lock);
        work_out(hypervolume_thread, job);
        job_free(job);
        pthread_mutex_lock(&hypervolume_thread->lock);
        hypervolume_thread->running = false;
    }
    pthread_mutex_unlock(&hypervolume_thread->lock);
    return NULL;
}

int hypervolume_start(struct mailbox *mailbox, struct hypervolume_thread **result,
                      struct error *error) {
    struct hypervolume_thread *hypervolume_thread =
        array_new(1, sizeof *hypervolume_thread);
    if (!hypervolume_thread)
        return error_memory(error);
    hypervolume_thread->mailbox = mailbox;
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
    job_free(hypervolume_thread->next);
    job_free(hypervolume_thread->last);
    free(hypervolume_thread);
}

void hypervolume_want(struct hypervolume_thread *hypervolume_thread,
                      const struct catalog *catalog) {
    struct job *job = job_of(catalog);
    struct job *copy =
        job && !same_job(job, hypervolume_thread->last) ? job_copy(job) : NULL;
    if (!copy) {
        job_free(job);
        return;
    }
    job_free(hypervolume_thread->last);
    hypervolume_thread->last = copy;
    pthread_mutex_lock(&hypervolume_thread->lock);
    job_free(hypervolume_thread->next);
    hypervolume_thread->next = job;
    atomic_store(&hypervolume_thread->stop, true);
    pthread_cond_signal(&hypervolume_thread->changed);
    pthread_mutex_unlock(&hypervolume_thread->lock);
}

void hypervolume_tick(struct hypervolume_thread *hypervolume_thread) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_mutex_lock(&hypervolume_thread->lock);
    if (hypervolume_thread->running &&
        now.tv_sec - hypervolume_thread->since.tv_sec > SECONDS_MOST)
        atomic_store(&hypervolume_thread->stop, true);
    pthread_mutex_unlock(&hypervolume_thread->lock);
}
