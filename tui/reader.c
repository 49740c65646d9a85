#define _GNU_SOURCE
#include "reader.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "eval/interval.h"
#include "volume.h"

enum { POLL_MILLISECONDS = 500 };

struct reader {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct store *store;
    struct mailbox *mailbox;
    bool stop, wake, compare;
    int64_t a, b;

    /* The thread's own. */
    struct catalog_source *source;
    int64_t version;
    size_t tasks; /* 0 until a catalog was read */
    unsigned quiet;
    struct volumes *volumes;
};

/* The paired test needs the same examples on both sides: the bits of both, over
 * splits of one size. */
static void compare(struct reader *reader, int64_t a, int64_t b, size_t tasks) {
    struct event event = {.kind = EVENT_PAIRED, .a = a, .b = b};
    for (size_t t = 0; t < tasks; t++) {
        void *bits[2] = {NULL, NULL};
        uint64_t examples[2] = {0, 0}, only[2];
        bool found[2] = {false, false};
        int64_t solutions[2] = {a, b};
        for (int i = 0; i < 2; i++)
            if (store_correct(reader->store, solutions[i], t, "test", &found[i],
                              &bits[i], &examples[i], NULL))
                found[i] = false;
        if (found[0] && found[1] && examples[0] == examples[1] && examples[0]) {
            struct event_paired *paired = &event.paired[t];
            paired->p = interval_paired(bits[0], bits[1], examples[0], only);
            paired->known = true;
            paired->only_a = only[0];
            paired->only_b = only[1];
        }
        free(bits[0]);
        free(bits[1]);
    }
    mailbox_post(reader->mailbox, &event, true);
}

/* Before a large file is read for the first time. Whatever is wrong with it is told of
 * by the read that follows. */
static void outline(struct reader *reader) {
    struct event event = {.kind = EVENT_CATALOG};
    if (catalog_source_outline(reader->source, &event.catalog, NULL) == 0 &&
        event.catalog)
        mailbox_post(reader->mailbox, &event, true);
}

/* Reads what is new where the file has changed. Once it has been quiet for a while, all
 * is read again if it was read in pieces. */
static void look(struct reader *reader) {
    enum { QUIET = 10 /* looks */ };
    struct error error;
    struct catalog *catalog = NULL;
    int64_t now = 0;
    struct event event = {.kind = EVENT_FAILED};
    int failed = store_version(reader->store, &now, &error);
    bool same = !failed && reader->tasks && now == reader->version;
    reader->quiet = same ? reader->quiet + 1 : 0;
    bool tidy = reader->quiet == QUIET && catalog_source_pieced(reader->source);
    if (same && !tidy)
        return;
    if (!failed && !reader->tasks)
        outline(reader);
    if (!failed)
        failed = catalog_source_read(reader->source, tidy, &catalog, &error);
    reader->version = failed ? now : catalog->version;
    if (failed) {
        snprintf(event.text, sizeof event.text, "%.1000s", error.text);
    } else {
        reader->tasks = catalog->tasks;
        event.kind = EVENT_CATALOG;
        event.catalog = catalog;
        volumes_want(reader->volumes, catalog);
    }
    mailbox_post(reader->mailbox, &event, true);
    if (!failed)
        catalog_source_settle(reader->source);
}

static void *run(void *self) {
    struct reader *reader = self;
    pthread_mutex_lock(&reader->lock);
    while (!reader->stop) {
        bool asked = reader->compare;
        int64_t a = reader->a, b = reader->b;
        reader->compare = reader->wake = false;
        pthread_mutex_unlock(&reader->lock);
        look(reader);
        volumes_tick(reader->volumes);
        if (asked)
            compare(reader, a, b, reader->tasks);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += POLL_MILLISECONDS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_mutex_lock(&reader->lock);
        while (!reader->stop && !reader->wake && !reader->compare)
            if (pthread_cond_timedwait(&reader->changed, &reader->lock, &until) ==
                ETIMEDOUT)
                break;
    }
    pthread_mutex_unlock(&reader->lock);
    return NULL;
}

int reader_start(struct store *store, struct mailbox *mailbox, struct reader **result,
                 struct error *error) {
    struct reader *reader = array_new(1, sizeof *reader);
    struct catalog_source *source = catalog_source_new(store);
    struct volumes *volumes = NULL;
    if (!reader || !source)
        error_memory(error);
    if (!reader || !source || volumes_start(mailbox, &volumes, error)) {
        free(reader);
        catalog_source_free(source);
        store_close(store);
        return -1;
    }
    reader->volumes = volumes;
    reader->store = store;
    reader->source = source;
    reader->mailbox = mailbox;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&reader->lock, NULL);
    pthread_cond_init(&reader->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    int failed = pthread_create(&reader->thread, NULL, run, reader);
    if (failed) {
        volumes_stop(volumes);
        catalog_source_free(source);
        store_close(store);
        free(reader);
        return error_set(error, "no thread could be started: %s", strerror(failed));
    }
    *result = reader;
    return 0;
}

void reader_stop(struct reader *reader) {
    if (!reader)
        return;
    pthread_mutex_lock(&reader->lock);
    reader->stop = true;
    pthread_cond_signal(&reader->changed);
    pthread_mutex_unlock(&reader->lock);
    pthread_join(reader->thread, NULL);
    pthread_cond_destroy(&reader->changed);
    pthread_mutex_destroy(&reader->lock);
    volumes_stop(reader->volumes);
    catalog_source_free(reader->source);
    store_close(reader->store);
    free(reader);
}

void reader_wake(struct reader *reader) {
    pthread_mutex_lock(&reader->lock);
    reader->wake = true;
    pthread_cond_signal(&reader->changed);
    pthread_mutex_unlock(&reader->lock);
}

void reader_compare(struct reader *reader, int64_t a, int64_t b) {
    pthread_mutex_lock(&reader->lock);
    reader->compare = true;
    reader->a = a;
    reader->b = b;
    pthread_cond_signal(&reader->changed);
    pthread_mutex_unlock(&reader->lock);
}
