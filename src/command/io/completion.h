/* Completions for bash, zsh and fish, written from the same tables of options that
 * parse the command line. */
#ifndef PWEMOE_COMMAND_IO_COMPLETION_H
#define PWEMOE_COMMAND_IO_COMPLETION_H

#include <stddef.h>
#include <stdio.h>

#include "command/io/options.h"

/* A subcommand, or the program itself where it has none. */
struct completion_command {
    const char *name;    /* NULL: the program has no subcommands, and one of these */
    const char *summary; /* half a line */
    const char
        *usage; /* begins with the operands: "a|b" is words, the rest are files */
    struct option_group groups[2];
    size_t group_count;
};

struct completion {
    const char *program;
    const struct completion_command *commands;
    size_t count;
};

/* The script for a shell: bash, zsh or fish. Fails for any other name. */
int completion_print(const struct completion *completion, const char *shell, FILE *out,
                     struct error *error);

#endif
