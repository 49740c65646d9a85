/* What the parts of `pwemoe train` share. */
#ifndef PWEMOE_COMMAND_WORK_TRAIN_RUN_H
#define PWEMOE_COMMAND_WORK_TRAIN_RUN_H

#include "command/work/training.h"
#include "train/router_training.h"

/* The kinds of run, a bit each: which rows of the option table are settings of which.
 */
enum {
    ROUTERS = 1 << 0,
    CORRECTION = 1 << 1,
    BOTH = ROUTERS | CORRECTION,
    SMOOTHED = 1 << 2, /* routers by stch */
    COEFFICIENTS = 1 << 3,
    FIXED = 1 << 4,   /* a correction that stays as it starts, and routers beside it */
    RAYS = 1 << 5,    /* routers by hv */
    TENSORS = 1 << 6, /* a correction by tensors of low rank beside a base */
    EACH = BOTH | COEFFICIENTS
};

struct train_options {
    unsigned method;      /* of METHODS */
    unsigned upscale;     /* of UPSCALES */
    unsigned loss, start; /* of a correction, as the next */
    uint64_t held_back, rank;
    unsigned base, vectors, beside, heads; /* of their options' choices */
    double router_rate, average;
    struct router_training_options how;
    struct training_options training;
};

struct train_run {
    struct training training;
    struct train_options o;       /* as typed, then as the run has them */
    unsigned kind;                /* the bits above */
    char method[16], upscale[16]; /* as the store knows them */
};

/* Choices of --base, the first the experts' mean. */
#define TRAIN_BASES "mean|wudi"
/* Choices of --vectors, in the order of enum correction_form, and of --routers. */
#define TRAIN_VECTORS "one|task|pair"
#define TRAIN_BESIDES "none|mlp|attn+mlp|all|linear|tensor"

/* What was typed: train_settings.c. The table ends with a row without a name. */
extern const struct option_spec train_option_table[];
/* *s becomes the session that the command line asks for. -1: it is used wrongly. */
int train_read_options(struct train_run *s, const struct invocation *invocation,
                       struct error *error);
/* Settings that were not typed and are others for another kind of model or of run;
 * s->training is open. */
void train_settle(struct train_run *s);
/* Also the kind of run, which follows from the method. */
void train_set_method(struct train_run *s, const char *name);
/* s->upscale as the store knows it, which has a word of its own for corrections. */
const char *train_upscale(const struct train_run *s);

/* Reads models and data, and makes what trains. */
int train_load(struct train_run *s, struct error *error);
/* The name for the state of an unfinished correction, which is beside the store and as
 * large as four models. */
int train_name_state(struct train_run *s, struct error *error);

#endif
