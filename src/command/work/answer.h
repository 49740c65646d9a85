/* What answers preferences: the routers of a training run, or a merging method that
 * takes a preference and needs no training. What `front`, `eval` and `export` share. */
#ifndef PWEMOE_COMMAND_WORK_ANSWER_H
#define PWEMOE_COMMAND_WORK_ANSWER_H

#include "command/work/measure.h"
#include "command/work/method_settings.h"
#include "merge/method.h"

struct answer_options {
    const char *method, *upscale, *settings;
    uint64_t run;
};

/* Rows of an option table; `with` begins each help text. */
#define ANSWER_OPTIONS(owner, member, with)                                            \
    {.name = "run",                                                                    \
     .type = OPTION_UNSIGNED,                                                          \
     .value = "ID",                                                                    \
     .minimum = 1,                                                                     \
     .maximum = 9007199254740992.0,                                                    \
     .help = with "Use this training run instead of the newest complete one",          \
     .offset = offsetof(owner, member.run)},                                           \
        {.name = "method",                                                             \
         .type = OPTION_TEXT,                                                          \
         .value = "M",                                                                 \
         .offer = settings_offer_answers,                                              \
         .help = with "What makes a model of a preference: the newest run trained by " \
                      "ls, epo, mgda or stch, or a merging method that takes "         \
                      "a preference and needs no training, such as wudi (the default " \
                      "if nothing is trained yet)",                                    \
         .offset = offsetof(owner, member.method)},                                    \
        {.name = "set",                                                                \
         .type = OPTION_TEXT,                                                          \
         .value = "P=V[,...]",                                                         \
         .offer = settings_offer,                                                      \
         .help = with "Parameters of that merging method, as `pwemoe merge --help` "   \
                      "lists them; for trained models only heads=fitted",              \
         .offset = offsetof(owner, member.settings)},                                  \
    {                                                                                  \
        .name = "upscale", .type = OPTION_TEXT, .value = "G",                          \
        .choices = "mlp|attn+mlp|all|whole|tensor",                                    \
        .help = with "The newest routers of this granularity: mlp, attn+mlp or all; "  \
                     "of adamerging whole or tensor",                                  \
        .offset = offsetof(owner, member.upscale)                                      \
    }

struct answer {
    const struct merge_method *method; /* NULL: the run's routers */
    char *parameters;                  /* of the method or the trained, JSON */
    struct store_run run;
    struct store_routers routers;
};

/* What the options mean. usage is set where the command line is at fault. */
int answer_find(struct measure *measure, const struct answer_options *options,
                struct answer *answer, bool *usage, struct error *error);
void answer_clear(struct answer *answer);

/* The solution at a preference [tasks]; it points into both. */
struct store_solution answer_solution(const struct answer *answer, double *preference);

#endif
