/* A subcommand of `pwemoe`: one file each, which defines one descriptor. The
 * table of them all is in main.c. */
#ifndef PWEMOE_COMMAND_COMMAND_H
#define PWEMOE_COMMAND_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/work.h"
#include "command/io/options.h"
#include "pareto/approximate.h"
#include "results/output.h"

enum exit_status { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_UNMET = 3 };

/* Options that several commands take. The bits are rows of the table in main.c. */
enum {
    TAKES_USUAL = 1 << 0 | 1 << 7,  /* every command does: --quiet, --sandbox */
    TAKES_FORMAT = 1 << 1 | 1 << 6, /* --format, --raw */
    TAKES_SEED = 1 << 2,
    TAKES_THREADS = 1 << 4,
    TAKES_DEVICE = 7 << 3,               /* --device, --threads, --precision */
    TAKES_MODELS = TAKES_DEVICE | 1 << 8 /* and --spill: those that merge */
};

struct common {
    bool quiet;
    unsigned format; /* enum output_format */
    uint64_t seed;
    const char *device;
    uint64_t threads;
    unsigned precision; /* enum precision of the backend */
    bool raw;
    unsigned sandbox;  /* enum sandbox */
    const char *spill; /* a folder, or NULL */
};

struct command;

struct ranks;

struct invocation {
    const struct command *command;
    const char *const *operands;
    size_t operand_count;
    const struct common *common;
    const void *options;     /* the command's own structure */
    uint64_t given;          /* bit i: row i of the command's options was typed */
    const struct work *work; /* stop flag, and progress on a terminal */
    struct ranks *ranks;     /* that mpirun started; NULL: this process is by itself */
};

/* What the processes of one mpirun do. */
enum together {
    ALONE,    /* the command is for one process */
    SERVE,    /* rank 0 runs it, the others measure what it hands out */
    ALONGSIDE /* all run it, step by step */
};

struct command {
    const char *name;
    const char *usage;   /* operands and main options: "FILE RECIPE" */
    const char *summary; /* one line, for `pwemoe help` */
    const char *text;    /* a paragraph or more for --help */
    size_t operands_min, operands_max;
    unsigned common; /* TAKES_... */
    enum together together;
    bool stops; /* sees work->stop: signals that ask for an end only set it */
    const struct option_spec *options; /* may be NULL */
    size_t options_size;               /* of the structure they fill */
    void (*more_help)(FILE *out); /* what follows the options in --help; may be NULL */
    enum exit_status (*run)(const struct invocation *, struct error *);
};

/* Whether an option of the command's own was typed. */
bool command_given(const struct invocation *invocation, const char *option);

/* Every subcommand, in the order of help, and the options that several take (rows as
 * the bits of TAKES_...). */
const struct command *const *command_list(size_t *count);
const struct option_spec *command_common_options(void);

struct store;

/* A line for the file's log. Failing to write it is a remark, not a failure: what it
 * reports has been done. */
void command_log(const struct invocation *invocation, struct store *store,
                 const char *format, ...) __attribute__((format(printf, 3, 4)));
/* One line on stderr, unless --quiet: what was done, or a remark. */
void command_note(const struct invocation *invocation, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints backend_open's note, unless it only says that this build has no CUDA. */
void command_device_note(const struct invocation *invocation, const char *note);
/* After a failure that a device is the reason of: adds to its line what is kept and how
 * to go on, formatted, and that the CPU can. */
void command_device_failed(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One line on stderr, also with --quiet: one error of several. */
void command_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

extern const struct command command_init, command_finetune, command_merge,
    command_merge_to, command_train, command_front, command_ask, command_compare,
    command_eval, command_export, command_export_db, command_show, command_plot,
    command_paths, command_reference, command_extract_lora, command_map, command_import,
    command_indicators, command_info, command_report, command_completion;

/* The option row for a hypervolume by sampling (double member; 0: exact). The command
 * takes TAKES_SEED. */
#define APPROXIMATE_OPTION(owner, member)                                              \
    {                                                                                  \
        .name = "approximate", .type = OPTION_REAL, .value = "EPSILON",                \
        .minimum = APPROXIMATE_LEAST, .maximum = APPROXIMATE_MOST,                     \
        .help = "Hypervolumes by sampling, where the exact ones would take long: off " \
                "by at most this part of themselves, with a probability of 99 %",      \
        .offset = offsetof(owner, member)                                              \
    }

/* The option row for the dtype that weights are written in. */
#define DTYPE_OPTION(owner, member)                                                    \
    {                                                                                  \
        .name = "dtype", .type = OPTION_TEXT, .value = "T", .choices = "f32|f16|bf16", \
        .help = "Of the written weights: f32, f16 or bf16 (default each tensor's own " \
                "in the pretrained model)",                                            \
        .offset = offsetof(owner, member)                                              \
    }

#endif
