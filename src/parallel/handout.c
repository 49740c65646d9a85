#include "parallel/handout.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"

/* What a message is. Another rank asks, and is given a job or told to ask again (rank 0
 * answers that in its next handout) or to go. What it made of a job, that it failed, or
 * that it was stopped is an asking as well. */
enum kind { ASK, RESULT, FAILED, STOPPED, JOB, LATER, GO };

/* BUSY: before it asks for the first time, too. IDLE: it has asked, and is answered
 * when all are. */
enum state { BUSY, IDLE, GONE };

struct worker {
    enum state state;
    bool has_job;
    size_t job;
};

struct handout {
    struct ranks *ranks;
    const struct handout_jobs *jobs;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    size_t next, kept;
    bool stopped, lost; /* nothing more is given; a job went with its rank */
    bool failed;
    struct error error;
    struct worker *workers; /* [size], the thread's; that of rank 0 is not used */
};

/* --- what both threads do ------------------------------------------------------- */

bool handout_take(struct handout *h, size_t *job) {
    pthread_mutex_lock(&h->lock);
    bool given =
        !h->stopped && !work_stopped(h->jobs->work) && h->next < h->jobs->count;
    if (given)
        *job = h->next++;
    pthread_mutex_unlock(&h->lock);
    return given;
}

size_t handout_kept(struct handout *h) {
    pthread_mutex_lock(&h->lock);
    size_t kept = h->kept;
    pthread_mutex_unlock(&h->lock);
    return kept;
}

void handout_stop(struct handout *h) {
    pthread_mutex_lock(&h->lock);
    h->stopped = true;
    pthread_mutex_unlock(&h->lock);
}

/* The first failure is the one that is told. */
static void fail(struct handout *h, const struct error *error) {
    pthread_mutex_lock(&h->lock);
    if (!h->failed)
        h->error = *error;
    h->failed = h->stopped = true;
    pthread_mutex_unlock(&h->lock);
}

/* --- the thread that answers ---------------------------------------------------- */

static int keep(struct handout *h, struct worker *w, const struct ranks_message *m,
                struct error *error) {
    if (!w->has_job)
        return error_set(error, "rank %u sent a result that belongs to no job",
                         m->from);
    if (h->jobs->keep(h->jobs->self, w->job, m->bytes, m->size, error))
        return -1;
    pthread_mutex_lock(&h->lock);
    h->kept++;
    pthread_mutex_unlock(&h->lock);
    return 0;
}

/* What a rank has to say of its last job. */
static void hear(struct handout *h, const struct ranks_message *m) {
    struct worker *w = &h->workers[m->from];
    struct error error = {.text = ""};
    switch (m->kind) {
    case RESULT:
        if (keep(h, w, m, &error))
            fail(h, &error);
        break;
    case FAILED:
        error_set(&error, "rank %u: %s", m->from, (const char *)m->bytes);
        fail(h, &error);
        break;
    case STOPPED:
        handout_stop(h);
        pthread_mutex_lock(&h->lock);
        h->lost = true;
        pthread_mutex_unlock(&h->lock);
        break;
    default:
        break;
    }
    w->has_job = false;
    w->state = IDLE;
}

static int answer(struct handout *h, unsigned rank, struct error *error) {
    struct worker *w = &h->workers[rank];
    void *bytes = NULL;
    size_t size = 0;
    if (!handout_take(h, &w->job))
        return 0;
    w->has_job = true;
    w->state = BUSY;
    int result = h->jobs->pack(h->jobs->self, w->job, &bytes, &size, error) ||
                         ranks_send(h->ranks, rank, JOB, bytes, size, error)
                     ? -1
                     : 0;
    free(bytes);
    return result;
}

/* Those that have ended without a word. */
static void look_after(struct handout *h) {
    char line[128];
    for (unsigned i = 1; i < ranks_size(h->ranks); i++) {
        struct worker *w = &h->workers[i];
        if (w->state != BUSY || !ranks_gone(h->ranks, i))
            continue;
        w->state = GONE;
        pthread_mutex_lock(&h->lock);
        h->lost = h->lost || w->has_job;
        pthread_mutex_unlock(&h->lock);
        snprintf(line, sizeof line, "rank %u has ended unexpectedly%s", i,
                 w->has_job ? "; what it worked on is left out" : "");
        h->jobs->tell(h->jobs->self, line);
    }
}

static bool is_over(const struct handout *h) {
    for (unsigned i = 1; i < ranks_size(h->ranks); i++)
        if (h->workers[i].state == BUSY)
            return false;
    return true;
}

static int put_off(struct handout *h, struct error *error) {
    for (unsigned i = 1; i < ranks_size(h->ranks); i++)
        if (h->workers[i].state == IDLE &&
            ranks_send(h->ranks, i, LATER, NULL, 0, error))
            return -1;
    return 0;
}

static void *answer_all(void *self) {
    struct handout *h = self;
    struct error error;
    for (unsigned idle = 0; !is_over(h);) {
        struct ranks_message message;
        int there = ranks_look(h->ranks, &message, &error);
        if (there > 0) {
            idle = 0;
            hear(h, &message);
            free(message.bytes);
            there = answer(h, message.from, &error) ? -1 : 1;
        }
        if (there < 0) {
            fail(h, &error);
            return NULL;
        }
        if (there > 0)
            continue;
        struct timespec time = {.tv_nsec = idle < 100 ? 100000 : 1000000};
        nanosleep(&time, NULL);
        if (++idle % 100 == 0)
            look_after(h);
    }
    if (put_off(h, &error))
        fail(h, &error);
    return NULL;
}

/* --- rank 0 --------------------------------------------------------------------- */

int handout_begin(struct ranks *ranks, const struct handout_jobs *jobs,
                  struct handout **out, struct error *error) {
    struct handout *h = array_new(1, sizeof *h);
    struct worker *workers = array_new(ranks_size(ranks), sizeof *workers);
    if (!h || !workers) {
        free(h);
        free(workers);
        return error_memory(error);
    }
    *h = (struct handout){.ranks = ranks, .jobs = jobs, .workers = workers};
    pthread_mutex_init(&h->lock, NULL);
    if (pthread_create(&h->thread, NULL, answer_all, h)) {
        pthread_mutex_destroy(&h->lock);
        free(h->workers);
        free(h);
        return error_set(error, "cannot start the thread that answers the other ranks");
    }
    *out = h;
    return 0;
}

int handout_end(struct handout *h, struct error *error) {
    pthread_join(h->thread, NULL);
    bool all = h->next == h->jobs->count && !h->lost;
    int result = h->failed ? -1 : all ? 1 : 0;
    if (h->failed)
        *error = h->error;
    pthread_mutex_destroy(&h->lock);
    free(h->workers);
    free(h);
    return result;
}

int handout_dismiss(struct ranks *ranks, struct error *error) {
    unsigned size = ranks_size(ranks), left = size - 1, looks = 0;
    bool *gone = array_new(size, sizeof *gone);
    if (!gone)
        return error_memory(error);
    int result = 0;
    while (left && result == 0) {
        struct ranks_message message;
        int there = ranks_look(ranks, &message, error);
        if (there < 0) {
            result = -1;
        } else if (there) {
            free(message.bytes);
            gone[message.from] = true;
            result = ranks_send(ranks, message.from, GO, NULL, 0, error);
            left--;
        } else if (++looks % 100 == 0) {
            for (unsigned i = 1; i < size; i++)
                if (!gone[i] && ranks_gone(ranks, i)) {
                    gone[i] = true;
                    left--;
                }
        } else {
            nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
        }
    }
    free(gone);
    return result;
}

/* --- the others ----------------------------------------------------------------- */

int handout_serve(struct ranks *ranks,
                  int (*serve)(void *self, const void *bytes, size_t size,
                               void **result, size_t *result_size, struct error *error),
                  void *self, struct error *error) {
    if (ranks_send(ranks, 0, ASK, NULL, 0, error))
        return -1;
    for (;;) {
        struct ranks_message message;
        struct error why = {.text = ""};
        void *made = NULL;
        size_t size = 0;
        int kind = ASK;
        if (ranks_wait(ranks, &message, error))
            return -1;
        if (message.kind == JOB) {
            int done = serve(self, message.bytes, message.size, &made, &size, &why);
            kind = done > 0 ? RESULT : done == 0 ? STOPPED : FAILED;
        }
        free(message.bytes);
        if (message.kind == GO)
            return 0;
        int lost = kind == FAILED
                       ? ranks_send(ranks, 0, kind, why.text, sizeof why.text, error)
                       : ranks_send(ranks, 0, kind, made, size, error);
        free(made);
        if (lost)
            return -1;
    }
}
