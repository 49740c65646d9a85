/* What tests of the distillation share: a small pool with examples of each task, and a
 * distillation of it. */
#ifndef TESTS_TRAIN_FIXTURE_H
#define TESTS_TRAIN_FIXTURE_H

#include "train/distillation.h"

enum { TASKS = 3, EXAMPLES = 3 };

/* f32 through two blocks forward and backward against f64; the test of the routers'
 * gradients has the same. */
#define TOLERANCE 1e-4

struct fixture {
    struct backend *backend;
    struct pool *pool;
    struct dataset *data[TASKS];
    struct distillation *distillation;
};

/* kind: "clip", "vit" or "gpt2", of golden_pool. Whatever fails fails the test. */
void open_pool(struct fixture *fixture, const char *kind);
/* From zero, on batches of EXAMPLES, with nothing held back. */
struct distillation_options options_of(enum correction_form form, uint64_t steps);
void begin(struct fixture *fixture, const struct distillation_options *options);
/* Both. */
void open_fixture(struct fixture *fixture, const char *kind,
                  const struct distillation_options *options);
/* With MANY examples of each task (golden_multiply), of "vit" alone. */
enum { MANY = 40 };
void make_many(struct fixture *fixture);
void open_many(struct fixture *fixture, const struct distillation_options *options);
void close_fixture(struct fixture *fixture);

/* first and last: plus the losses of the first and the last five; NULL is fine. */
void run_steps(struct fixture *fixture, unsigned steps, double *first, double *last);
/* The training's state into a new file, whose name path receives, for unlink(). */
enum { STATE_PATH = 40 };
void save_state(const struct fixture *fixture, char path[STATE_PATH]);
/* A distillation of these options in place of the fixture's: that goes on from such a
 * file, and that refuses to. */
void go_on(struct fixture *fixture, const struct distillation_options *options,
           const char *path);
void refuse_to_go_on(struct fixture *fixture,
                     const struct distillation_options *options, const char *path);
/* The D_k [correction_count, layout size], for free(). */
float *vectors_of(const struct fixture *fixture, enum correction_form form);
/* The trainer's result, for free(). */
void result_of(struct fixture *fixture, void **bytes, size_t *size);

#endif
