/* Measuring a device: what the parts of bench_device share. */
#ifndef PWEMOE_BENCH_GPU_BENCH_H
#define PWEMOE_BENCH_GPU_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "../peer.h"
#include "../shapes.h"
#include "../timing.h"
#include "backend/backend.h"
#include "base/error.h"
#include "figures.h"
#include "moe/pool.h"
#include "moe/unloader.h"

struct bench {
    const char *device; /* as backend_open takes it */
    enum precision precision;
    unsigned threads, cores;     /* as asked for (0: all), and as it is */
    size_t tasks, batch, images; /* a step: batch of each; a drag: images of each */
    double budget;               /* seconds that one figure may take, about */
    bool small;                  /* to try the program out */
    const char *scratch;         /* folder for files */
    struct figures *figures;

    struct backend *backend;
    double copy_rate;    /* bytes a second, read and written */
    double product_rate; /* operations a second of the fastest product so far */

    const struct shape *shape; /* NULL while no model is measured */
    struct pool *pool;
    bool wants_peer;
    struct peer *peer; /* NULL: none */
    bool peer_failed;  /* it is not tried again for this shape */
};

/* Queues one run on the backend, or does all of it. */
typedef int bench_run(void *self, struct error *error);

struct bench_what {
    const char *name;
    bench_run *run;
    void *self;
    const char *peer; /* what torch_peer.py calls it; NULL: it does not do it */
    bool queued;      /* many runs are queued and waited for at once */
};

struct bench_times {
    struct timing ours;
    double peer; /* seconds, the median; NaN where there is none */
};

/* Runs that take turns with the peer's, after warming up both, the device waited for
 * around each. A peer that fails is noted and left out. */
int bench_measure(struct bench *bench, const struct bench_what *what,
                  struct bench_times *times, struct error *error);

/* One figure in milliseconds with its floor in seconds (NaN: none). */
int bench_add_time(struct bench *bench, const char *name,
                   const struct bench_times *times, double floor, struct error *error);
/* One in `unit`: what is done in a run, per second. floor in the same unit. */
int bench_add_rate(struct bench *bench, const char *name,
                   const struct bench_times *times, double work, const char *unit,
                   double floor, struct error *error);
/* One that was not timed. */
int bench_add_value(struct bench *bench, const char *name, double value,
                    const char *unit, double floor, struct error *error);

/* "f32", "bf16", "fp8" */
const char *bench_precision(const struct bench *bench);
/* Starts the peer for the present shape and precision, where one is wanted. */
void bench_start_peer(struct bench *bench);

/* --- the parts; each adds figures, and fails with what it was about in error ------ */

/* Copy bandwidth and the rate of a large square product (kernels.c). */
int bench_rates(struct bench *bench, struct error *error);
/* Each product of the model's forward and backward pass (products.c). */
int bench_products(struct bench *bench, struct error *error);
/* Merge and route-gradient of the whole model; attention, norms (kernels.c). */
int bench_arenas(struct bench *bench, struct error *error);
int bench_rows(struct bench *bench, struct error *error);
/* Forward passes; router steps of every method and granularity, with their memory
 * (models.c). */
int bench_forward(struct bench *bench, struct error *error);
int bench_steps(struct bench *bench, struct error *error);
/* From a preference to the objective vector, through the evaluator, which opens the
 * device itself (drag.c). */
int bench_drag(struct bench *bench, struct error *error);

/* --- parts that are run when they are named; each opens the device as it needs it - */

/* Time by operation of steps and a drag (operations.c). */
int bench_operations(struct bench *bench, struct error *error);
/* The products by each of cuBLAS's algorithms, their values by the plain kernel. */
int bench_algorithms(struct bench *bench, struct error *error);
/* PWEMOE_CUDA_TUNE's choices side by side; step, drag and memory of a large model; one
 * step or drag for a profiler (variants.c). */
int bench_variants(struct bench *bench, struct error *error);
int bench_large(struct bench *bench, struct error *error);
int bench_one_step(struct bench *bench, struct error *error);
int bench_one_epo_step(struct bench *bench, struct error *error);
int bench_one_drag(struct bench *bench, struct error *error);

#endif
