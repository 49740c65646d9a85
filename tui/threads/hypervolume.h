/* The thread that works out the hypervolume of the stored front, and what each of its
 * points adds to it: exact, at low priority, given up where it takes too long. */
#ifndef PWEMOE_TUI_THREADS_HYPERVOLUME_H
#define PWEMOE_TUI_THREADS_HYPERVOLUME_H

#include "results/volume.h"
#include "threads/mailbox.h"

struct hypervolume_thread;
int hypervolume_start(struct mailbox *mailbox,
                      struct hypervolume_thread **hypervolume_thread,
                      struct error *error);
/* Stops what runs and waits for that. NULL is fine. */
void hypervolume_stop(struct hypervolume_thread *hypervolume_thread);
/* EVENT_VOLUME reports the result: working, known without contributions, known with
 * them. The same points as last time are not computed again. A computation for other
 * points is stopped. Where memory is out nothing is done. */
void hypervolume_want(struct hypervolume_thread *hypervolume_thread,
                      const struct catalog *catalog);
/* To be called now and then: gives up what has run for too long. */
void hypervolume_tick(struct hypervolume_thread *hypervolume_thread);

#endif
