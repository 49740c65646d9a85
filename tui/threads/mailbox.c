#include "threads/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/memory.h"
#include "results/volume.h"

struct mailbox {
    pthread_mutex_t lock;
    struct event *first, *last;
    int fd;
};

struct mailbox *mailbox_new(struct error *error) {
    struct mailbox *mailbox = array_new(1, sizeof *mailbox);
    if (!mailbox) {
        error_memory(error);
        return NULL;
    }
    mailbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mailbox->fd < 0) {
        error_set(error, "eventfd: %s", strerror(errno));
        free(mailbox);
        return NULL;
    }
    pthread_mutex_init(&mailbox->lock, NULL);
    return mailbox;
}

void mailbox_free(struct mailbox *mailbox) {
    if (!mailbox)
        return;
    for (struct event *event = mailbox->first; event;) {
        struct event *next = event->next;
        event_free(event);
        event = next;
    }
    pthread_mutex_destroy(&mailbox->lock);
    close(mailbox->fd);
    free(mailbox);
}

int mailbox_fd(const struct mailbox *mailbox) {
    return mailbox->fd;
}

static void drop_contents(struct event *event) {
    catalog_free(event->catalog);
    front_volume_free(event->volume);
    if (event->similarity)
        similarity_clear(event->similarity);
    free(event->similarity);
    free(event->names);
    free(event->weights);
}

/* The events of a kind go; what comes in their place comes last, as it came about. */
static void take_out(struct mailbox *mailbox, enum event_kind kind) {
    struct event **at = &mailbox->first;
    mailbox->last = NULL;
    while (*at) {
        struct event *event = *at;
        if (event->kind == kind) {
            *at = event->next;
            event_free(event);
        } else {
            mailbox->last = event;
            at = &event->next;
        }
    }
}

void mailbox_post(struct mailbox *mailbox, const struct event *event, bool latest) {
    struct event *copy = malloc(sizeof *copy);
    if (!copy) {
        memory_failed();
        struct event dropped = *event;
        drop_contents(&dropped);
        return;
    }
    *copy = *event;
    copy->next = NULL;
    pthread_mutex_lock(&mailbox->lock);
    if (latest)
        take_out(mailbox, event->kind);
    if (mailbox->last)
        mailbox->last->next = copy;
    else
        mailbox->first = copy;
    mailbox->last = copy;
    pthread_mutex_unlock(&mailbox->lock);
    uint64_t one = 1;
    ssize_t written = write(mailbox->fd, &one, sizeof one);
    (void)written; /* full: the loop is woken already */
}

struct event *mailbox_next(struct mailbox *mailbox) {
    pthread_mutex_lock(&mailbox->lock);
    struct event *event = mailbox->first;
    if (event) {
        mailbox->first = event->next;
        if (!mailbox->first)
            mailbox->last = NULL;
    } else {
        uint64_t count;
        ssize_t taken = read(mailbox->fd, &count, sizeof count);
        (void)taken;
    }
    pthread_mutex_unlock(&mailbox->lock);
    return event;
}

void event_free(struct event *event) {
    if (!event)
        return;
    drop_contents(event);
    free(event);
}
