/* What the files of an evaluator by commands share: commanded_run.c, which opens
 * it and runs commands, and commanded_model.c, which makes what they measure. */
#ifndef PWEMOE_EVAL_COMMANDED_STATE_H
#define PWEMOE_EVAL_COMMANDED_STATE_H

#include <jansson.h>

#include "base/child.h"
#include "eval/commanded.h"
#include "eval/metric_command.h"
#include "eval/model_place.h"
#include "tensorwise/merging.h"

/* One task's figure of the current model, on its way. */
struct measured {
    struct child *child;  /* NULL: none runs */
    double began;         /* of usage_clock, where one runs */
    size_t place;         /* among those that run at a time, where one runs */
    unsigned runs;        /* that have ended */
    double mean, squares; /* of their values; sum of squared differences from it */
    struct metric_figure figure;
    bool done;
};

struct commanded {
    const struct store_recipe *recipe;
    char *directory, *device;
    char *devices; /* for the commands, one for each that runs at a time; NULL: none */
    const char *split;
    unsigned threads, jobs;
    bool allowed;
    struct metric_command commands[STORE_TASKS_MAX];
    char *pretrained, *experts[STORE_TASKS_MAX];
    struct models models;

    bool begun, single; /* single: each task by its own expert */
    const struct tensorwise_method *method;
    json_t *parameters;
    double preference[STORE_TASKS_MAX];
    struct model_place place; /* where the merged model is */
    char *model;              /* the directory that is measured, but of `single` */
    char stamp[SHA256_HEX], hash[SHA256_HEX];
    double seconds;
    struct measured tasks[STORE_TASKS_MAX];
    struct { /* by the commands of each task, since this was opened */
        double seconds;
        uint64_t runs;
    } spent[STORE_TASKS_MAX];
};

/* Ends what runs, and forgets the model. */
void commanded_restart(struct commanded *commanded);

#endif
