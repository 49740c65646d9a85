/* An evaluator for tasks that are all measured by commands (metric_command.h): models
 * of any architecture, merged tensor by tensor into a directory that lives as long as
 * they are measured, in memory where it fits. For evaluator.h, whose functions these
 * are. */
#ifndef PWEMOE_EVAL_COMMANDED_H
#define PWEMOE_EVAL_COMMANDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/sha256.h"
#include "base/work.h"
#include "eval/running.h"
#include "store/store.h"

struct commanded;

struct commanded_options {
    const char *device, *split;
    unsigned threads; /* 0: one for each core */
    unsigned jobs;    /* commands at a time; 0: one, or one for each of job_devices */
    const char *job_devices; /* (job_devices.h) what each of them sees; NULL: all */
    bool allowed;            /* whether any may be run */
};

/* The models, which are those of the recipe (sources_check), by the names of their
 * tensors. */
int commanded_open(const struct store_recipe *recipe, const char *directory,
                   const struct commanded_options *options, struct commanded **out,
                   struct error *error);
/* Ends what runs, with its process group. NULL is fine. */
void commanded_close(struct commanded *commanded);

/* Both end what runs of the model before. */
int commanded_begin_method(struct commanded *commanded, const char *method,
                           const char *parameters, const double *preference,
                           const struct work *work, struct error *error);
int commanded_begin_directory(struct commanded *commanded, const char *path,
                              struct error *error);

/* The figures that are present of evaluations [tasks], which are of this very model: no
 * command is run for them. How many. */
size_t commanded_take(struct commanded *commanded,
                      const struct store_evaluation *evaluations);

/* Starts commands and waits for a moment. 1: all tasks are measured, 0: some are not,
 * -1: one has failed, and the others are ended. */
int commanded_step(struct commanded *commanded, struct running *running,
                   struct error *error);
void commanded_results(const struct commanded *commanded,
                       struct store_evaluation *evaluations);
/* Whether a task's budget leaves no other model, which begin then refuses; line says
 * whose: "task cars: its budget of 600 s is used up". */
bool commanded_spent(const struct commanded *commanded, char line[256]);
void commanded_cost(const struct commanded *commanded, double *seconds);

/* "" where each task has its own model. */
int commanded_sha256(struct commanded *commanded, char hex[SHA256_HEX],
                     struct error *error);
int commanded_export(struct commanded *commanded, const char *path,
                     const struct store_solution *solution, const struct work *work,
                     struct error *error);

#endif
