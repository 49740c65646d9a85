/* What `pwemoe compare` compares: an item of --methods, "ls:upscale=all" or
 * "ties:scale=0.5:keep=0.1", which is a merging method or something that trains, with
 * its settings; "map:evaluations=53" is the front without gradients. */
#ifndef PWEMOE_COMMAND_WORK_CONTENDER_H
#define PWEMOE_COMMAND_WORK_CONTENDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "command/command.h"
#include "merge/method.h"
#include "store/store.h"

struct contender {
    char *name;                        /* as it was typed */
    const struct merge_method *method; /* NULL: trained */
    json_t *settings;                  /* of the method; NULL: trained */
    const struct command *command;     /* that trains: `pwemoe train` or `map` */
    char **arguments;                  /* [argument_count] of it */
    size_t argument_count;
    bool seeded;  /* another model for each seed */
    bool answers; /* another model for each preference */
};

/* The items of text, between commas. Every setting is checked. */
int contenders_parse(const char *text, struct contender **contenders, size_t *count,
                     struct error *error);
void contenders_free(struct contender *contenders, size_t count);
/* For completion: what an item can begin with. */
void contenders_offer(FILE *out);

/* A merging method's parameters at a seed as JSON (free()). */
char *contender_parameters(const struct contender *contender, uint64_t seed,
                           struct error *error);
/* Its run at a seed with so many steps, trained as far as that lacks: train_take; a
 * surrogate has no steps, and as many models measured as its settings say: map_take.
 * *images: examples that it has looked at; *labels: with their labels. */
int contender_train(const struct contender *contender, uint64_t seed, uint64_t steps,
                    const struct invocation *invocation, size_t tasks,
                    struct store_run *run, uint64_t *images, uint64_t *labels,
                    struct error *error);

#endif
