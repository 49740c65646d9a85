#define _GNU_SOURCE
#include "threads/watcher.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/memory.h"
#include "eval/interval.h"
#include "threads/hypervolume.h"

enum { POLL_MILLISECONDS = 500 };

struct watcher {
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
    struct stat file; /* that was opened */
    int gone; /* what was told of it: 0 it is there, 1 it is not, 2 another is */
    struct hypervolume_thread *hypervolume_thread;
};

/* The paired test needs the same examples on both sides: the bits of both, over
 * splits of one size. */
static void compare(struct watcher *watcher, int64_t a, int64_t b, size_t tasks) {
    struct event event = {.kind = EVENT_PAIRED, .a = a, .b = b};
    for (size_t t = 0; t < tasks; t++) {
        void *bits[2] = {NULL, NULL};
        uint64_t examples[2] = {0, 0}, only[2];
        bool found[2] = {false, false};
        int64_t solutions[2] = {a, b};
        for (int i = 0; i < 2; i++)
            if (store_correct(watcher->store, solutions[i], t, "test", &found[i],
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
    mailbox_post(watcher->mailbox, &event, true);
}

/* Before a large file is read for the first time. Whatever is wrong with it is told of
 * by the read that follows. */
static void outline(struct watcher *watcher) {
    struct event event = {.kind = EVENT_CATALOG};
    if (catalog_source_outline(watcher->source, &event.catalog, NULL) == 0 &&
        event.catalog)
        mailbox_post(watcher->mailbox, &event, true);
}

/* Reads what is new where the file has changed. Once it has been quiet for a while, all
 * is read again if it was read in pieces. */
static void look(struct watcher *watcher) {
    enum { QUIET = 10 /* looks */ };
    struct error error;
    struct catalog *catalog = NULL;
    int64_t now = 0;
    struct event event = {.kind = EVENT_FAILED};
    int failed = store_version(watcher->store, &now, &error);
    bool same = !failed && watcher->tasks && now == watcher->version;
    watcher->quiet = same ? watcher->quiet + 1 : 0;
    bool tidy = watcher->quiet == QUIET && catalog_source_pieced(watcher->source);
    if (same && !tidy)
        return;
    if (!failed && !watcher->tasks)
        outline(watcher);
    if (!failed)
        failed = catalog_source_read(watcher->source, tidy, &catalog, &error);
    watcher->version = failed ? now : catalog->version;
    if (failed) {
        snprintf(event.text, sizeof event.text, "%s", TEXT_CUT(error.text, 1000));
    } else {
        watcher->tasks = catalog->tasks;
        event.kind = EVENT_CATALOG;
        event.catalog = catalog;
        hypervolume_want(watcher->hypervolume_thread, catalog);
    }
    mailbox_post(watcher->mailbox, &event, true);
    if (!failed)
        catalog_source_settle(watcher->source);
}

/* A file that is renamed or removed is still read, but nobody else sees what becomes of
 * it: that is told once. */
static void look_for_file(struct watcher *watcher) {
    static const char *const told[] = {"the file is back",
                                       "the file has been removed or renamed: what is "
                                       "shown is what it was, and what is "
                                       "measured now goes with it",
                                       "another file has taken its name: what is shown "
                                       "is the one before; leave and open "
                                       "it anew"};
    struct stat now;
    int gone =
        stat(store_path(watcher->store), &now)                                     ? 1
        : now.st_dev != watcher->file.st_dev || now.st_ino != watcher->file.st_ino ? 2
                                                                                   : 0;
    if (gone == watcher->gone)
        return;
    watcher->gone = gone;
    struct event event = {.kind = gone ? EVENT_TROUBLE : EVENT_DONE};
    snprintf(event.text, sizeof event.text, "%s", told[gone]);
    mailbox_post(watcher->mailbox, &event, false);
}

static void *run(void *self) {
    struct watcher *watcher = self;
    pthread_mutex_lock(&watcher->lock);
    while (!watcher->stop) {
        bool asked = watcher->compare;
        int64_t a = watcher->a, b = watcher->b;
        watcher->compare = watcher->wake = false;
        pthread_mutex_unlock(&watcher->lock);
        look(watcher);
        look_for_file(watcher);
        hypervolume_tick(watcher->hypervolume_thread);
        if (asked)
            compare(watcher, a, b, watcher->tasks);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += POLL_MILLISECONDS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_mutex_lock(&watcher->lock);
        while (!watcher->stop && !watcher->wake && !watcher->compare)
            if (pthread_cond_timedwait(&watcher->changed, &watcher->lock, &until) ==
                ETIMEDOUT)
                break;
    }
    pthread_mutex_unlock(&watcher->lock);
    return NULL;
}

int watcher_start(struct store *store, struct mailbox *mailbox, struct watcher **result,
                  struct error *error) {
    struct watcher *watcher = array_new(1, sizeof *watcher);
    struct catalog_source *source = catalog_source_new(store);
    struct hypervolume_thread *hypervolume_thread = NULL;
    if (!watcher || !source)
        error_memory(error);
    if (!watcher || !source ||
        hypervolume_start(mailbox, HYPERVOLUME_SECONDS, &hypervolume_thread, error)) {
        free(watcher);
        catalog_source_free(source);
        store_close(store);
        return -1;
    }
    watcher->hypervolume_thread = hypervolume_thread;
    watcher->store = store;
    watcher->source = source;
    watcher->mailbox = mailbox;
    if (stat(store_path(store), &watcher->file))
        watcher->gone = 1;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&watcher->lock, NULL);
    pthread_cond_init(&watcher->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    int failed = pthread_create(&watcher->thread, NULL, run, watcher);
    if (failed) {
        hypervolume_stop(hypervolume_thread);
        catalog_source_free(source);
        store_close(store);
        free(watcher);
        return error_set(error, "cannot start a thread: %s", strerror(failed));
    }
    *result = watcher;
    return 0;
}

void watcher_stop(struct watcher *watcher) {
    if (!watcher)
        return;
    pthread_mutex_lock(&watcher->lock);
    watcher->stop = true;
    pthread_cond_signal(&watcher->changed);
    pthread_mutex_unlock(&watcher->lock);
    pthread_join(watcher->thread, NULL);
    pthread_cond_destroy(&watcher->changed);
    pthread_mutex_destroy(&watcher->lock);
    hypervolume_stop(watcher->hypervolume_thread);
    catalog_source_free(watcher->source);
    store_close(watcher->store);
    free(watcher);
}

void watcher_wake(struct watcher *watcher) {
    pthread_mutex_lock(&watcher->lock);
    watcher->wake = true;
    pthread_cond_signal(&watcher->changed);
    pthread_mutex_unlock(&watcher->lock);
}

void watcher_compare(struct watcher *watcher, int64_t a, int64_t b) {
    pthread_mutex_lock(&watcher->lock);
    watcher->compare = true;
    watcher->a = a;
    watcher->b = b;
    pthread_cond_signal(&watcher->changed);
    pthread_mutex_unlock(&watcher->lock);
}
