#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "base/memory.h"
#include "base/sandbox.h"
#include "command/io/completion.h"
#include "config.h"

/* As typed. */
struct typed {
    struct explore_options options;
    const char *snapshot, *completion;
    bool version;
};

#define IN_OPTIONS(member) \
    (offsetof(struct typed, options) + offsetof(struct explore_options, member))

enum { VIEW_ROW = 1 };
static const struct option_spec table[] = {
    {.name = "snapshot",
     .type = OPTION_TEXT,
     .value = "WxH",
     .help = "Print one frame of that size as text and exit",
     .offset = offsetof(struct typed, snapshot)},
    {.name = "view",
     .type = OPTION_CHOICE,
     .value = "NAME",
     .choices = "scatter|3d|parallel", /* as enum space */
     .initial = "scatter",
     .help =
         "Start with this view: scatter, 3d or parallel (the default for four or more "
         "tasks)",
     .offset = IN_OPTIONS(space)},
    {.name = "polygon",
     .type = OPTION_FLAG,
     .help = "Show a polygon, not sliders, for four or more tasks",
     .offset = IN_OPTIONS(polygon)},
    {.name = "device",
     .type = OPTION_TEXT,
     .value = "NAME",
     .choices = "auto|cpu|cuda",
     .initial = "auto",
     .help = "Where to compute: auto, cpu or cuda[:N]",
     .offset = IN_OPTIONS(device)},
    {.name = "threads",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .minimum = 1,
     .maximum = 4096,
     .help = "Threads for evaluation (default one for each core)",
     .offset = IN_OPTIONS(threads)},
    {.name = "precision",
     .type = OPTION_CHOICE,
     .value = "P",
     .choices = "auto|f32|bf16|fp8", /* as enum precision */
     .initial = "auto",
     .help = "Arithmetic of the models: f32, bf16, fp8 (bf16 with products in fp8), or "
             "auto (bf16 on a GPU, f32 on the CPU)",
     .offset = IN_OPTIONS(precision)},
    {.name = "spill",
     .type = OPTION_TEXT,
     .value = "DIR",
     .help = "On the CPU, keep the task vectors in a file in DIR, which is gone at the "
             "end, and not in memory: for models that together are larger than it",
     .offset = IN_OPTIONS(spill)},
    {.name = "limit",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .minimum = 1,
     .maximum = 1e9,
     .help = "Use at most N held-out examples of each task; figures are then partial",
     .offset = IN_OPTIONS(limit)},
    {.name = "allow-commands",
     .type = OPTION_FLAG,
     .help = "Run the commands of FILE that measure its tasks (pwemoe show FILE "
             "objectives shows them)",
     .offset = IN_OPTIONS(allow_commands)},
    {.name = "jobs",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .minimum = 1,
     .maximum = 1024,
     .help = "At most N of these commands at a time (default one, or one for each of "
             "--job-devices)",
     .offset = IN_OPTIONS(jobs)},
    {.name = "job-devices",
     .type = OPTION_TEXT,
     .value = "D[,...]",
     .help = "What each of them sees of the GPUs (CUDA_VISIBLE_DEVICES): 0,1 is one "
             "for each of two, 0+1,2+3 two for each",
     .offset = IN_OPTIONS(job_devices)},
    {.name = "sandbox",
     .type = OPTION_CHOICE,
     .value = "S",
     .choices = SANDBOX_NAMES,
     .initial = "auto",
     .help =
         "Whether to give up starting programs and using the network before FILE is "
         "read: auto (yes, where the kernel can and no commands are allowed), on or "
         "off",
     .offset = IN_OPTIONS(sandbox)},
    {.name = "replay",
     .type = OPTION_TEXT,
     .value = "SCRIPT",
     .help = "Do what this script says, a step a line; with --snapshot the frame is "
             "that after it",
     .offset = IN_OPTIONS(replay)},
    {.name = "record",
     .type = OPTION_TEXT,
     .value = "SCRIPT",
     .help = "Write the keys that are pressed to a new file, as --replay takes them",
     .offset = IN_OPTIONS(record)},
    {.name = "ascii",
     .type = OPTION_FLAG,
     .help = "Draw with ASCII characters only",
     .offset = IN_OPTIONS(ascii)},
    {.name = "no-mouse",
     .type = OPTION_FLAG,
     .help = "Leave the mouse to the terminal (m turns it on)",
     .offset = IN_OPTIONS(no_mouse)},
    {.name = "no-color",
     .type = OPTION_FLAG,
     .help = "No colours (NO_COLOR does the same)",
     .offset = IN_OPTIONS(no_colour)},
    {.name = "completion",
     .type = OPTION_TEXT,
     .value = "SHELL",
     .choices = "bash|zsh|fish",
     .help = "Print the completion script for bash, zsh or fish and exit",
     .offset = offsetof(struct typed, completion)},
    {.name = "version",
     .type = OPTION_FLAG,
     .help = "Print the version and exit (also -V)",
     .offset = offsetof(struct typed, version)},
    {0}};

static void print_help(const struct option_group *group) {
    const char *of = "";
    const struct action *action;
    puts("Usage: pwemoe-explore [OPTION]... FILE\n"
         "Explore the merged models of a results.db, and export one.\n\nOptions:");
    options_help(group, 1, stdout);
    for (size_t i = 0; (action = action_at(i)); i++) {
        if (strcmp(of, action->group))
            printf("\n%s\n", action->group);
        of = action->group;
        printf("  %-18s  %s\n", action->keys, action->help);
    }
}

static int print_completion(const char *shell, struct error *error) {
    const struct completion_command explorer = {
        .usage = "FILE", .groups = {{.specs = table, .mask = ~0u}}, .group_count = 1};
    const struct completion completion = {
        .program = "pwemoe-explore", .commands = &explorer, .count = 1};
    return completion_print(&completion, shell, stdout, error);
}

static bool parse_size(const char *text, int *width, int *height) {
    char extra;
    return sscanf(text, "%4dx%4d%c", width, height, &extra) == 2 && *width >= 1 &&
           *height >= 1 && *width <= 1000 && *height <= 1000;
}

/* Other spellings of what the table has. */
static const char *usual(const char *argument) {
    if (strcmp(argument, "-V") == 0)
        return "--version";
    return strcmp(argument, "--no-colour") == 0 ? "--no-color" : argument;
}

static enum explore_parsed take(const struct typed *typed, const char *const *operands,
                                size_t count, struct explore_options *options,
                                struct error *error) {
    *options = typed->options;
    if (typed->version) {
        puts("pwemoe-explore " PACKAGE_VERSION);
        return EXPLORE_DONE;
    }
    if (typed->completion)
        return print_completion(typed->completion, error) ? EXPLORE_WRONG
                                                          : EXPLORE_DONE;
    if (count == 0)
        error_set(error, "give the results.db to explore");
    else if (count > 1)
        error_set(error, "only one file can be explored at a time; leave out %s",
                  operands[1]);
    else if (typed->snapshot &&
             !parse_size(typed->snapshot, &options->width, &options->height))
        error_set(error, "--snapshot takes a size as 120x40, not \"%s\"",
                  typed->snapshot);
    else {
        const char *no_colour = getenv("NO_COLOR");
        options->file = operands[0];
        options->no_colour = options->no_colour || (no_colour && *no_colour);
        return EXPLORE_GO_ON;
    }
    return EXPLORE_WRONG;
}

enum explore_parsed explore_options_parse(int argc, char **argv,
                                          struct explore_options *options,
                                          struct error *error) {
    struct typed typed = {.version = false};
    uint64_t given = 0;
    const struct option_group group = {
        .specs = table, .values = &typed, .mask = ~0u, .given = &given};
    size_t count = argc > 0 ? (size_t)argc - 1 : 0, operand_count;
    const char **arguments = array_new(count + 1, sizeof *arguments);
    const char **operands = array_new(count + 1, sizeof *operands);
    enum explore_parsed parsed = EXPLORE_WRONG;
    bool help;
    if (!arguments || !operands) {
        error_memory(error);
    } else {
        for (size_t i = 0; i < count; i++)
            arguments[i] = usual(argv[i + 1]);
        if (options_parse(&group, 1, count, arguments, operands, &operand_count, &help,
                          error) == 0) {
            if (help)
                print_help(&group);
            parsed = help ? EXPLORE_DONE
                          : take(&typed, operands, operand_count, options, error);
            options->space_given = given >> VIEW_ROW & 1;
        }
    }
    free(arguments);
    free(operands);
    return parsed;
}
