/* Comparing a device with the CPU on the demo: what the parts of compare_devices
 * share.
 *
 * Tolerances. Two devices round differently, so that their numbers differ. How much is
 * allowed is measured, not guessed: the CPU computes a second time with every weight
 * changed at random by the relative error that rounding amounts to (backward error
 * analysis: a computed product is the exact one of factors that are changed by so
 * much), and the device may differ from the CPU `SLACK` times as much as the CPU from
 * that. In f32 the change is sqrt(k) 2^-24 at most, k the length of the longest sum of
 * a product (Higham and Mary, 2019: the errors of a sum of k roundings grow with its
 * root); in bf16, whose products add up in f32, it is 2^-8, one rounding of each
 * weight, and what is slack is for the others: of task vectors, of a product's inputs,
 * of what is added to the stream. */
#ifndef TESTS_GPU_COMPARE_H
#define TESTS_GPU_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"
#include "data/dataset.h"
#include "moe/pool.h"
#include "store/store.h"

enum { SLACK = 8 };

struct comparison {
    const char *folder; /* of the demo's results.db */
    const char *device;
    enum precision precision;
    unsigned threads, against; /* of the device's side and of the CPU's */
    size_t limit;              /* held-out examples of a task, 0: all */
    unsigned preferences, steps, finetune_steps;
    size_t batch;
    bool fault; /* planted on the device's side: the comparison must fail */

    struct store_recipe *recipe;
    struct store_routers routers;
    size_t tasks;
    struct backend *cpu, *tested;
    struct pool *pool;        /* on the CPU */
    struct pool *changed;     /* on the CPU, its weights changed as above */
    struct pool *tested_pool; /* on the device, while a part has it open */
    struct dataset *held_out[POOL_TASKS_MAX], *train[POOL_TASKS_MAX];

    size_t passed, failed;
};

/* One verdict, with its line. */
void compare_verdict(struct comparison *c, bool good, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The relative change of the weights. */
double compare_rounding(const struct comparison *c);
/* Changes weights at random by at most so much, each. */
void compare_change(float *weights, size_t count, double most, uint64_t seed);

/* Every point of the front (compare_front.c): logits, predictions and figures; and a
 * model made on the device, exported and read again. */
int compare_logits(struct comparison *c, struct error *error);
int compare_front(struct comparison *c, struct error *error);
/* Router training and full fine-tuning, step by step (compare_training.c). */
int compare_router_training(struct comparison *c, struct error *error);
int compare_finetuning(struct comparison *c, struct error *error);

/* Preference `index` of those that are compared: the vertices, the centre, and between.
 */
void compare_preference(const struct comparison *c, unsigned index, double *preference);

/* What compare_logits found for compare_front: how far a logit may differ, and a task's
 * mean loss (a loss differs by twice as much as its logits at most), and how many
 * examples of each task have their two best classes nearer than that allows to tell
 * apart. */
struct compare_ties {
    double tolerance, loss;
    size_t ties[POOL_TASKS_MAX];
};
extern struct compare_ties *compare_ties; /* [preferences] */

#endif
