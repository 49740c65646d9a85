/* Databases for tests: made through the store, with figures that
 * follow a formula, so that a test knows what must be on the screen. */
#ifndef PWEMOE_TESTS_RESULTS_FIXTURE_H
#define PWEMOE_TESTS_RESULTS_FIXTURE_H

#include <stddef.h>

#include "../support/folder.h"
#include "store/store.h"

/* A group's setup: characters are UTF-8. */
int fixture_utf8(void **state);

struct fixture_options {
    size_t tasks;
    size_t edge;              /* of the grid of stored preferences; 0: none */
    const char *const *names; /* NULL: alpha, beta, ... */
    bool baselines;
    bool log;
    bool losses; /* objectives are losses, of which less is better */
};

/* What the fixture says objective t is at a preference: concave, from 60 with no
 * weight to 90 with all of it. */
double fixture_value(const double *preference, size_t t);
/* The same as a loss: convex, from 0.8 with no weight to 0.2 with all of it. */
double fixture_loss(const double *preference, size_t t);

/* Three tasks on the tiny ViT models of tests/golden/model, images of noise that the
 * fixture writes beside path, and routers as they are before training: everything
 * that an evaluation and an export need. examples: held-out images a task. */
void fixture_write_real(const char *path, size_t examples);
/* The same as pwemoe init leaves it: without routers. */
void fixture_write_untrained(const char *path, size_t examples);

/* One more solution, completely measured on the test split (imported where its kind is
 * "import"); its id is set. */
void fixture_put(struct store *store, struct store_solution *solution,
                 const double *values, size_t tasks);
/* Writes path; checkpoints are named but do not exist. Ends the test on failure. */
void fixture_write(const char *path, const struct fixture_options *options);
/* So many merged models, none of which another dominates, with figures scattered
 * between 0 and 100: a front whose exact hypervolume may be out of reach. */
void fixture_scatter(const char *path, size_t tasks, size_t count);
/* One more run of such a file that was interrupted after its first save: the number of
 * its routers. */
int64_t fixture_interrupt_run(const char *path);
/* One of so many tasks in a folder, with baselines and log: its path. */
void fixture_write_in(const char *folder, size_t tasks, size_t edge, char path[4096]);

#endif
