#include "threads/evaluation.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "threads/evaluation_state.h"

void evaluation_post(struct evaluation *evaluation, enum event_kind kind,
                     const char *text) {
    struct event event = {.kind = kind};
    snprintf(event.text, sizeof event.text, "%s", TEXT_CUT(text, 1000));
    mailbox_post(evaluation->mailbox, &event, false);
}

void evaluation_progress(void *self, const char *what, size_t done, size_t total) {
    struct evaluation *evaluation = self;
    struct event event = {.kind = EVENT_PROGRESS, .done = done, .total = total};
    snprintf(event.text, sizeof event.text, "%s", what);
    mailbox_post(evaluation->mailbox, &event, true);
}

static void take_change(struct evaluation *evaluation,
                        const struct file_change *change) {
    static const char *const kept[] = {[CHANGE_BOOKMARK] = "bookmarks stay as they are",
                                       [CHANGE_SELECTION] = "the selection is not kept",
                                       [CHANGE_VISITS] = ""};
    struct error error;
    char said[1100];
    struct event event = {.kind = EVENT_KEPT, .serial = change->serial};
    if (!evaluation->writes) {
        error_set(&error, "the file cannot be written; %s", kept[change->kind]);
        if (*kept[change->kind])
            evaluation_post(evaluation, EVENT_TROUBLE, error.text);
    } else if (file_change_apply(evaluation->store, change, &evaluation->changed_file,
                                 said, sizeof said, &error)) {
        evaluation_post(evaluation, EVENT_TROUBLE, error.text);
    } else if (change->kind == CHANGE_SELECTION) {
        mailbox_post(evaluation->mailbox, &event, true);
    } else if (*said) {
        evaluation_post(evaluation, EVENT_DONE, said);
    }
}

/* Waits for a while, with the lock; true: nobody wanted anything meanwhile. */
static bool paused(struct evaluation *evaluation) {
    enum {
        PAUSE = 250 * 1000 * 1000
    }; /* ns: longer than between two moves of a drag */
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += PAUSE;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    return pthread_cond_timedwait(&evaluation->changed, &evaluation->lock, &until) ==
           ETIMEDOUT;
}

/* One thing to do; called with the lock held, which is let go meanwhile. */
static void take_turn(struct evaluation *evaluation) {
    if (evaluation->changes) {
        struct file_change *change = evaluation->changes;
        evaluation->changes = change->next;
        pthread_mutex_unlock(&evaluation->lock);
        take_change(evaluation, change);
        file_change_free(change);
    } else if (evaluation->has_wish) {
        struct evaluation_wish wish = evaluation->wish;
        evaluation->has_wish = false;
        atomic_store(&evaluation->hurry, atomic_load(&evaluation->stop));
        pthread_mutex_unlock(&evaluation->lock);
        if (evaluation->filling)
            evaluation_put_fill_back(evaluation);
        evaluation->now = wish;
        evaluation_begin(evaluation);
    } else if (evaluation->has_export) {
        struct evaluation_export request = evaluation->export;
        evaluation->has_export = false;
        pthread_mutex_unlock(&evaluation->lock);
        evaluation_export_now(evaluation, &request);
    } else if (evaluation->evaluating) {
        pthread_mutex_unlock(&evaluation->lock);
        if (!evaluation->filling)
            evaluation_step(evaluation);
        else if (atomic_load(&evaluation->fill_wanted) == evaluation->filled.serial)
            evaluation_step_fill(evaluation);
        else
            evaluation->filling = evaluation->evaluating = false;
    } else if (evaluation->has_fill && evaluation->unhashed_count < UNHASHED_MAX) {
        evaluation->filled = evaluation->fill;
        evaluation->has_fill = false;
        atomic_store(&evaluation->hurry, atomic_load(&evaluation->stop));
        pthread_mutex_unlock(&evaluation->lock);
        evaluation_begin_fill(evaluation);
    } else if (evaluation->unhashed_count && evaluation->evaluator &&
               paused(evaluation)) {
        atomic_store(&evaluation->hurry, false);
        pthread_mutex_unlock(&evaluation->lock);
        evaluation_hash_one(evaluation);
    } else {
        if (!evaluation->unhashed_count)
            pthread_cond_wait(&evaluation->changed, &evaluation->lock);
        return;
    }
    pthread_mutex_lock(&evaluation->lock);
}

static void *run(void *self) {
    struct evaluation *evaluation = self;
    if (evaluation_open_store(evaluation) == 0) {
        evaluation_open_evaluator(evaluation);
        pthread_mutex_lock(&evaluation->lock);
        while (!atomic_load(&evaluation->stop))
            take_turn(evaluation);
        while (evaluation->changes) /* asked for before the end */
            take_turn(evaluation);
        pthread_mutex_unlock(&evaluation->lock);
    }
    evaluator_close(evaluation->evaluator);
    store_recipe_free(evaluation->recipe);
    store_close(evaluation->store);
    atomic_store(&evaluation->ended, true);
    return NULL;
}

int evaluation_start(const struct evaluation_options *options, struct mailbox *mailbox,
                     struct evaluation **result, struct error *error) {
    struct evaluation *evaluation = array_new(1, sizeof *evaluation);
    if (!evaluation)
        return error_memory(error);
    evaluation->options = *options;
    evaluation->mailbox = mailbox;
    atomic_init(&evaluation->stop, false);
    atomic_init(&evaluation->ended, false);
    atomic_init(&evaluation->stop_export, false);
    atomic_init(&evaluation->preferred, 0);
    atomic_init(&evaluation->hurry, false);
    atomic_init(&evaluation->fill_wanted, 0);
    pthread_mutex_init(&evaluation->lock, NULL);
    pthread_cond_init(&evaluation->changed, NULL);
    int failed = pthread_create(&evaluation->thread, NULL, run, evaluation);
    if (failed) {
        free(evaluation);
        return error_set(error, "cannot start a thread: %s", strerror(failed));
    }
    *result = evaluation;
    return 0;
}

/* With the lock. Another connection: the thread's own is not this one's to use. */
static void make_changes(struct evaluation *evaluation) {
    struct file_changed changed = {0};
    struct store *store = NULL;
    struct error error;
    char said[1100];
    if (evaluation->changes &&
        store_open(evaluation->options.path, STORE_READ_WRITE, &store, &error) == 0)
        while (evaluation->changes) {
            struct file_change *change = evaluation->changes;
            evaluation->changes = change->next;
            /* Nobody is left to be told of a name that is taken. */
            (void)file_change_apply(store, change, &changed, said, sizeof said, &error);
            file_change_free(change);
        }
    file_changed_clear(&changed);
    store_close(store);
}

void evaluation_end(struct evaluation *evaluation) {
    static const struct timespec moment = {0, 10 * 1000 * 1000};
    enum { MOMENTS = 40 };
    if (!evaluation)
        return;
    pthread_mutex_lock(&evaluation->lock);
    atomic_store(&evaluation->stop, true);
    atomic_store(&evaluation->stop_export, true);
    atomic_store(&evaluation->hurry, true);
    pthread_cond_signal(&evaluation->changed);
    pthread_mutex_unlock(&evaluation->lock);
    for (int i = 0; i < MOMENTS && !atomic_load(&evaluation->ended); i++)
        nanosleep(&moment, NULL);
    if (atomic_load(&evaluation->ended) || pthread_mutex_trylock(&evaluation->lock))
        return;
    make_changes(evaluation);
    pthread_mutex_unlock(&evaluation->lock);
}

void evaluation_stop(struct evaluation *evaluation) {
    if (!evaluation)
        return;
    evaluation_end(evaluation);
    pthread_join(evaluation->thread, NULL);
    while (evaluation->changes) {
        struct file_change *next = evaluation->changes->next;
        file_change_free(evaluation->changes);
        evaluation->changes = next;
    }
    file_changed_clear(&evaluation->changed_file);
    pthread_cond_destroy(&evaluation->changed);
    pthread_mutex_destroy(&evaluation->lock);
    free(evaluation);
}

void evaluation_want(struct evaluation *evaluation,
                     const struct evaluation_wish *wish) {
    pthread_mutex_lock(&evaluation->lock);
    evaluation->wish = *wish;
    evaluation->has_wish = true;
    atomic_store(&evaluation->hurry, true);
    pthread_cond_signal(&evaluation->changed);
    pthread_mutex_unlock(&evaluation->lock);
}

void evaluation_fill(struct evaluation *evaluation,
                     const struct evaluation_fill *fill) {
    pthread_mutex_lock(&evaluation->lock);
    evaluation->fill = *fill;
    evaluation->has_fill = true;
    atomic_store(&evaluation->fill_wanted, fill->serial);
    pthread_cond_signal(&evaluation->changed);
    pthread_mutex_unlock(&evaluation->lock);
}

void evaluation_fill_stop(struct evaluation *evaluation) {
    pthread_mutex_lock(&evaluation->lock);
    evaluation->has_fill = false;
    atomic_store(&evaluation->fill_wanted, 0);
    /* What is being made for it is left; what is looked at begins again by itself. */
    atomic_store(&evaluation->hurry, true);
    pthread_mutex_unlock(&evaluation->lock);
}

void evaluation_prefer(struct evaluation *evaluation, uint64_t tasks) {
    atomic_store(&evaluation->preferred, tasks);
}

bool evaluation_export_begin(struct evaluation *evaluation,
                             const struct evaluation_export *request) {
    pthread_mutex_lock(&evaluation->lock);
    bool free_to = !evaluation->has_export;
    if (free_to) {
        evaluation->export = *request;
        evaluation->has_export = true;
        atomic_store(&evaluation->hurry, true);
        atomic_store(&evaluation->stop_export, false);
        pthread_cond_signal(&evaluation->changed);
    }
    pthread_mutex_unlock(&evaluation->lock);
    return free_to;
}

void evaluation_export_stop(struct evaluation *evaluation) {
    atomic_store(&evaluation->stop_export, true);
}

void evaluation_change(struct evaluation *evaluation, struct file_change *asked) {
    struct file_change *change = file_change_copy(asked);
    if (!change) {
        evaluation_post(evaluation, EVENT_TROUBLE, "out of memory");
        return;
    }
    /* In the order in which they were wanted. */
    pthread_mutex_lock(&evaluation->lock);
    struct file_change **end = &evaluation->changes;
    while (*end)
        end = &(*end)->next;
    *end = change;
    atomic_store(&evaluation->hurry, true);
    pthread_cond_signal(&evaluation->changed);
    pthread_mutex_unlock(&evaluation->lock);
}
