/* The thread that works out the hypervolume of the stored front, and what each of its
 * points adds to it: exact, at low priority; where that takes too long the volume
 * alone, by sampling (pareto/approximate.h). */
#ifndef PWEMOE_TUI_THREADS_HYPERVOLUME_H
#define PWEMOE_TUI_THREADS_HYPERVOLUME_H

#include "results/volume.h"
#include "threads/mailbox.h"

struct hypervolume_thread;
enum { HYPERVOLUME_SECONDS = 10 }; /* exact volumes of many objectives may take days */
/* seconds: what is exact, and what is not, may take so long. */
int hypervolume_start(struct mailbox *mailbox, unsigned seconds,
                      struct hypervolume_thread **hypervolume_thread,
                      struct error *error);
/* Stops what runs and waits for that. NULL is fine. */
void hypervolume_stop(struct hypervolume_thread *hypervolume_thread);
/* EVENT_VOLUME reports the result: working, known without contributions, known with
 * them; or working, and known within 1 %, or too long. The same points as last time are
 * not computed again. A computation for other points is stopped. Where memory is out
 * nothing is done. */
void hypervolume_want(struct hypervolume_thread *hypervolume_thread,
                      const struct catalog *catalog);
/* To be called now and then: gives up what has run for too long. */
void hypervolume_tick(struct hypervolume_thread *hypervolume_thread);

#endif
