/* pwemoe export-db: the results in a file that travels. */
#include "command/command.h"
#include "store/store.h"

struct options {
    bool no_states;
};

static const struct option_spec options[] = {
    {.name = "no-states",
     .type = OPTION_FLAG,
     .help = "Without what training runs go on from, which is most of many a file: "
             "their routers and figures stay, but no run there goes on",
     .offset = offsetof(struct options, no_states)},
    {0}};

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const struct options *o = invocation->options;
    const char *path = invocation->operands[1];
    struct store *store;
    if (store_open(invocation->operands[0], STORE_READ_ONLY, &store, error))
        return EXIT_FAILED;
    int failed = store_copy(store, path, !o->no_states, invocation->work, error);
    store_close(store);
    if (failed)
        return EXIT_FAILED;
    command_note(invocation,
                 "%s: written; `pwemoe import FILE %s` puts it beside the "
                 "results of another file",
                 path, path);
    return EXIT_DONE;
}

const struct command command_export_db = {
    .name = "export-db",
    .usage = "FILE OUT.db [--no-states]",
    .summary = "Copies a results.db into one file that travels",
    .text =
        "Writes a copy of FILE as it is at this moment, also while others write to it, "
        "without the journals that lie beside a file in use: a plain copy of the file "
        "would miss what is in them. OUT.db appears whole or not at all and must not "
        "exist. It holds results, not models: `pwemoe import` on another machine "
        "brings it together with what was measured there. Paths in it are as they "
        "are in FILE; `pwemoe paths` changes them.",
    .operands_min = 2,
    .operands_max = 2,
    .common = TAKES_USUAL,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct options),
    .run = run,
};
