/* One solution chosen on the command line, by `eval` and by `export`: a preference
 * for whatever answers preferences, or a stored solution. */
#ifndef PWEMOE_COMMAND_WORK_CHOICE_H
#define PWEMOE_COMMAND_WORK_CHOICE_H

#include "command/work/answer.h"
#include "command/work/measure.h"

struct choice_options {
    const char *preference;
    uint64_t solution;
    struct answer_options answer;
};

#define CHOICE_OPTIONS(owner, member)                                          \
    {.name = "preference",                                                     \
     .type = OPTION_TEXT,                                                      \
     .value = "R",                                                             \
     .help = "A preference: a number for each task, at least 0, their sum 1",  \
     .offset = offsetof(owner, member.preference)},                            \
        {.name = "solution",                                                   \
         .type = OPTION_UNSIGNED,                                              \
         .value = "ID",                                                        \
         .minimum = 1,                                                         \
         .maximum = 9007199254740992.0,                                        \
         .help = "A stored solution; `pwemoe show FILE solutions` lists them", \
         .offset = offsetof(owner, member.solution)},                          \
        ANSWER_OPTIONS(owner, member.answer, "With --preference: ")

/* The solution that is meant, with id and hash where the store knows it; freed by
 * store_solution_clear. usage is set where the command line is at fault. */
int choice_find(struct measure *measure, const struct choice_options *options,
                struct store_solution *solution, bool *usage, struct error *error);

#endif
