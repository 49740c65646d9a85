/* The thread that works out the hypervolume of the stored front, and what each of its
 * points adds to it: exact, at low priority, given up where it takes too long. */
#ifndef PWEMOE_TUI_THREADS_HYPERVOLUME_H
#define PWEMOE_TUI_THREADS_HYPERVOLUME_H

#include "threads/mailbox.h"

enum volume_state {
    VOLUME_WORKING, /* nothing else is known yet */
    VOLUME_KNOWN,
    VOLUME_TOO_LONG /* it was given up */
};

/* Of all whole and measured rows, up to the reference point that is stored with the
 * file. */
struct front_volume {
    enum volume_state state;
    size_t tasks, count; /* points of the front */
    double reference[STORE_TASKS_MAX];
    double value;
    int64_t *solutions;    /* [count], rising */
    double *contributions; /* [count]; NULL: not known (yet, or given up) */
};
void front_volume_free(struct front_volume *volume); /* NULL is fine */
/* What a solution adds; 0 for one that is not of the front. false: not known. */
bool front_volume_contribution(const struct front_volume *volume, int64_t solution,
                               double *contribution);

struct hypervolume_thread;
int hypervolume_start(struct mailbox *mailbox,
                      struct hypervolume_thread **hypervolume_thread,
                      struct error *error);
/* Stops what runs and waits for that. NULL is fine. */
void hypervolume_stop(struct hypervolume_thread *hypervolume_thread);
/* EVENT_VOLUME tells what comes of it: working, known without contributions, known
 * with them. The same points as last time are not worked out again. What runs for
 * others is stopped. Where memory is out nothing is done. */
void hypervolume_want(struct hypervolume_thread *hypervolume_thread,
                      const struct catalog *catalog);
/* To be called now and then: gives up what has run for too long. */
void hypervolume_tick(struct hypervolume_thread *hypervolume_thread);

#endif
