/* Leases: a training run is continued by one process at a time.
 *
 * The process that trains a run holds its lease, a row that says which process that is,
 * with a token of its own. A process that has ended holds nothing, whatever its row
 * says: on the same machine that is found out at once, by its number and the moment it
 * began; where its number means nothing (another machine or container) after
 * LEASE_SECONDS without renewal. A process that was taken to have ended, but had not,
 * can save nothing more of the run: store_run_save wants the lease where there is one.
 */
#ifndef PWEMOE_STORE_LEASE_H
#define PWEMOE_STORE_LEASE_H

#include "store/store.h"

enum { LEASE_SECONDS = 600, LEASE_RENEWAL = 60 };

/* The lease of a run, for this store; held until store_close or until another is taken.
 * Held by a process that lives: an error that names it. */
int store_lease_take(struct store *store, int64_t run, struct error *error);
/* For long work, between steps: renews the lease where LEASE_RENEWAL seconds have gone
 * by, and does nothing where none is held or where that was less long ago. Fails where
 * another process has taken the run over. */
int store_lease_renew(struct store *store, struct error *error);

/* Before the run is saved: 0 where its lease is held here, or where no living process
 * holds it and none was held here either. */
int store_lease_check(struct store *store, int64_t run, struct error *error);
/* For store_close; failures do not matter. */
void lease_release(struct store *store);

#endif
