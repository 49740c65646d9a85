/* pwemoe completion: what a shell completes. */
#include "command/io/completion.h"

#include <stdlib.h>

#include "base/memory.h"
#include "command/command.h"

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    static const struct option_spec none[] = {{0}};
    size_t count;
    const struct command *const *commands = command_list(&count);
    struct completion_command *list = array_new(count, sizeof *list);
    if (!list) {
        error_memory(error);
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < count; i++)
        list[i] = (struct completion_command){
            .name = commands[i]->name,
            .summary = commands[i]->summary,
            .usage = commands[i]->usage,
            .groups = {{.specs = commands[i]->options ? commands[i]->options : none,
                        .mask = ~0u},
                       {.specs = command_common_options(),
                        .mask = commands[i]->common}},
            .group_count = 2};
    const struct completion completion = {
        .program = "pwemoe", .commands = list, .count = count};
    enum exit_status status = EXIT_DONE;
    if (completion_print(&completion, invocation->operands[0], stdout, error))
        status = EXIT_USAGE;
    else if (output_flush(error))
        status = EXIT_FAILED;
    free(list);
    return status;
}

const struct command command_completion = {
    .name = "completion",
    .usage = "bash|zsh|fish",
    .summary = "Print the completion script of a shell",
    .text = "Prints the script that makes a shell complete commands, options and their "
            "values. `make install` installs it where the shells look for it. Without "
            "that, use `source <(pwemoe completion bash)` in bash, a file _pwemoe in a "
            "folder of $fpath in zsh, and `pwemoe completion fish | source` in fish.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_USUAL,
    .run = run,
};
