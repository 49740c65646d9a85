/* Long work: how it is stopped, and how it says how far it is. */
#ifndef PWEMOE_BASE_WORK_H
#define PWEMOE_BASE_WORK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* What long-running functions take. Any member may be NULL; a NULL struct work
 * means neither. Functions that see stop set return at the next safe point with
 * what is finished kept; each says how its caller can tell. */
struct work {
    const atomic_bool *stop; /* set by another thread, that of signals for one */
    void (*progress)(void *self, const char *what, size_t done, size_t total);
    void *self;
};

static inline bool work_stopped(const struct work *work) {
    return work && work->stop && atomic_load_explicit(work->stop, memory_order_relaxed);
}

static inline void work_report(const struct work *work, const char *what, size_t done,
                               size_t total) {
    if (work && work->progress)
        work->progress(work->self, what, done, total);
}

#endif
