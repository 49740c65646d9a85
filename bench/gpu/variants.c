/* What PWEMOE_CUDA_TUNE offers, each beside the usual, twice over, so that noise shows:
 * a change is decided by such a run on a card. And single pieces of work, for profilers
 * and for models whose bench would take too long. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "machine.h"
#include "work.h"

static const char *const variants[] = {
    "",           "recording=off", "beside=off", "merge=before", "batches=off",
    "gather=off", "sums=apart",    "rows=read",  "algorithms=8"};

enum { VARIANTS = sizeof variants / sizeof *variants, PASSES = 2, PIECES = 3 };

static const char *const piece_names[PIECES] = {"ls step", "epo step", "drag"};

/* Milliseconds, the median. */
static int time_piece(struct bench *s, bench_run *run, void *self, double *milliseconds,
                      struct error *error) {
    struct bench_times times;
    struct peer *peer = s->peer;
    s->peer = NULL;
    int result = bench_measure(
        s, &(struct bench_what){.name = "", .run = run, .self = self}, &times, error);
    s->peer = peer;
    *milliseconds = 1e3 * times.ours.median;
    return result;
}

static int time_step(struct bench *s, enum combine method, double *milliseconds,
                     struct error *error) {
    struct step *step;
    if (step_new(s, method, UPSCALE_ATTN_MLP, &step, error))
        return -1;
    int result = time_piece(s, step_run, step, milliseconds, error);
    step_free(step);
    return result;
}

/* The evaluator's device is not bench's: nobody waits for it but itself. */
static int time_drag(struct bench *s, double *milliseconds, struct error *error) {
    struct drag *drag;
    if (drag_new(s, &drag, error))
        return -1;
    int result = time_piece(s, drag_run, drag, milliseconds, error);
    drag_free(drag);
    return result;
}

static int time_variant(struct bench *s, const char *tune, double milliseconds[PIECES],
                        struct error *error) {
    int result = work_open(s, tune, error) ||
                 time_step(s, COMBINE_LS, &milliseconds[0], error) ||
                 time_step(s, COMBINE_EPO, &milliseconds[1], error);
    work_close(s);
    return result || time_drag(s, &milliseconds[2], error) ? -1 : 0;
}

int bench_variants(struct bench *s, struct error *error) {
    double milliseconds[PASSES][VARIANTS][PIECES];
    int result = 0;
    for (size_t pass = 0; result == 0 && pass < PASSES; pass++)
        for (size_t v = 0; result == 0 && v < VARIANTS; v++) {
            double *now = milliseconds[pass][v];
            result = time_variant(s, variants[v], now, error);
            if (result == 0)
                printf("ab %zu %-16s ls %8.3f ms  epo %8.3f ms  drag %8.3f ms\n",
                       pass + 1, *variants[v] ? variants[v] : "as usual", now[0],
                       now[1], now[2]);
            fflush(stdout);
        }
    setenv("PWEMOE_CUDA_TUNE", "", 1);
    for (size_t v = 0; result == 0 && v < VARIANTS; v++)
        for (size_t i = 0; result == 0 && i < PIECES; i++) {
            char name[64];
            snprintf(name, sizeof name, "%s, %s", piece_names[i],
                     *variants[v] ? variants[v] : "as usual");
            result = bench_add_value(s, name,
                                     fmin(milliseconds[0][v][i], milliseconds[1][v][i]),
                                     "ms", NAN, error);
        }
    return result;
}

/* Two pieces of a model for which all the rest would take too long. */
int bench_large(struct bench *s, struct error *error) {
    double step = NAN, drag = NAN;
    size_t now, peak = 0;
    int result = work_open(s, "", error) || time_step(s, COMBINE_LS, &step, error);
    if (s->backend)
        s->backend->memory_use(s->backend, &now, &peak);
    work_close(s);
    return result || bench_add_value(s, "ls step, attn+mlp", step, "ms", NAN, error) ||
                   bench_add_value(s, "memory, ls step, attn+mlp",
                                   (double)peak / 1048576, "MiB", NAN, error) ||
                   time_drag(s, &drag, error) ||
                   bench_add_value(s, "drag to complete vector, attn+mlp", drag, "ms",
                                   NAN, error)
               ? -1
               : 0;
}

/* Warm, then one that a profiler looks at: between marks 0 and 1. */
static int profiled(struct backend *b, bench_run *run, void *self,
                    struct error *error) {
    for (int i = 0; i < 3; i++)
        if (run(self, error))
            return -1;
    if (!b->mark)
        return error_set(error, "%s has no marks", b->name);
    b->mark(b, 0);
    int result = run(self, error);
    b->mark(b, 1);
    return result || b->synchronise(b, error) ? -1 : 0;
}

/* As PWEMOE_CUDA_TUNE has it besides, where it is set. */
static const char *profiling(char tune[256]) {
    const char *more = getenv("PWEMOE_CUDA_TUNE");
    snprintf(tune, 256, "recording=off,profile=marks,%.200s", more ? more : "");
    return tune;
}

static int one_step(struct bench *s, enum combine method, struct error *error) {
    char tune[256];
    struct step *step = NULL;
    int result = work_open(s, profiling(tune), error) ||
                 step_new(s, method, UPSCALE_ATTN_MLP, &step, error) ||
                 profiled(s->backend, step_run, step, error);
    step_free(step);
    work_close(s);
    return result ? -1 : 0;
}

int bench_one_step(struct bench *s, struct error *error) {
    return one_step(s, COMBINE_LS, error);
}

int bench_one_epo_step(struct bench *s, struct error *error) {
    return one_step(s, COMBINE_EPO, error);
}

int bench_one_drag(struct bench *s, struct error *error) {
    char tune[256];
    struct drag *drag;
    setenv("PWEMOE_CUDA_TUNE", profiling(tune), 1);
    if (drag_new(s, &drag, error))
        return -1;
    int result =
        profiled(evaluator_backend(drag_evaluator(drag)), drag_run, drag, error);
    drag_free(drag);
    return result;
}
