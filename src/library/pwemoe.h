/* libpwemoe: merged models for preferences between tasks, measured and exported, from
 * your own program. It works on the results.db that `pwemoe init` made, and on what
 * `pwemoe train` has trained, as pwemoe-explore does.
 *
 *     cc program.c $(pkg-config --cflags --libs pwemoe)
 *
 * This header alone is the interface; what it declares stays as it is until the first
 * number of the version changes. Functions that can fail return 0 or -1, and
 * pwemoe_error tells why, in one line. A struct pwemoe is used by one thread at a time;
 * several may have the same file open. Nothing here prints, exits or takes signals;
 * tasks that a command measures are refused, as no command is run. */
#ifndef PWEMOE_H
#define PWEMOE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* To be called first in main(), by a program that handles signals: no handler may run
 * on a thread that computes (Debian 12's oneDNN keeps its stack pointer elsewhere while
 * it multiplies), and the libraries start threads before main(). Starts the program
 * again, once, with `signals` (ended by 0) blocked in all of those. When it returns
 * they are as usual in this thread alone. It ignores SIGPIPE and SIGXFSZ. */
void pwemoe_start(char **argv, const int *signals);

struct pwemoe;

struct pwemoe_options {
    const char *device; /* "auto" (also NULL), "cpu", "cuda", "cuda:N" */
    unsigned threads;   /* of the CPU; 0: one for each core */
    /* Looked at between batches; where it returns other than 0 the call fails with
     * "stopped", and nothing incomplete is stored. May be NULL. */
    int (*stop)(void *self);
    void *self;
};

/* Opens a results.db to read and write. options: NULL for all defaults. Models and data
 * are read by the first call that needs them. On failure *out is an object that only
 * pwemoe_error and pwemoe_close take, or NULL where memory is out. */
int pwemoe_open(const char *path, const struct pwemoe_options *options,
                struct pwemoe **out);
void pwemoe_close(struct pwemoe *pwemoe); /* NULL is fine */

/* Why the last call that failed did so; "" before any. */
const char *pwemoe_error(const struct pwemoe *pwemoe);

struct pwemoe_task {
    const char *name, *unit; /* "cars", "%"; they live as long as the object */
    int maximise;            /* 1: more is better */
};
size_t pwemoe_tasks(const struct pwemoe *pwemoe);
struct pwemoe_task pwemoe_task(const struct pwemoe *pwemoe, size_t task);

/* What answers a preference: "distil correction, 1200 steps". It is what the newest
 * complete training run made, or a closed form where nothing is trained; "" where there
 * is one task only. As of the last call that read the file; it holds until the next. */
const char *pwemoe_answers(const struct pwemoe *pwemoe);

struct pwemoe_figure {
    double value, low, high; /* in the task's unit, with its 95 % interval */
    uint64_t examples;       /* held-out examples behind it; 0: published by others */
};

/* The model at a preference [tasks] (numbers of at least 0 that add up to 1), measured
 * on the held-out data of every task: figures [tasks], and the solution's number in the
 * file (solution may be NULL). What the file knows is not measured again; what is
 * measured is stored. */
int pwemoe_measure(struct pwemoe *pwemoe, const double *preference,
                   struct pwemoe_figure *figures, int64_t *solution);

/* Writes that model as a Hugging Face model directory, which must not exist. */
int pwemoe_export(struct pwemoe *pwemoe, const double *preference,
                  const char *directory);

struct pwemoe_point {
    int64_t solution;
    const double *preference; /* [tasks], or NULL: made without one */
    const double *values;     /* [tasks] in the tasks' units */
    const char *method;       /* "distil", "ties" */
};
/* The merged models of the file that no other one dominates, whoever measured them.
 * They hold until the next call. */
int pwemoe_front(struct pwemoe *pwemoe, const struct pwemoe_point **points,
                 size_t *count);

#ifdef __cplusplus
}
#endif

#endif
