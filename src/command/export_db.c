/* pwemoe export-db: the results in a file that travels. */
#include "command/command.h"
#include "store/store.h"

struct export_db_options {
    bool no_states;
};

static const struct option_spec options[] = {
    {.name = "no-states",
     .type = OPTION_FLAG,
     .help =
         "Leave out the saved states of training runs, often most of a file's size: "
         "routers and figures are kept, but no run can be resumed from the copy",
     .offset = offsetof(struct export_db_options, no_states)},
    {0}};

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const struct export_db_options *o = invocation->options;
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
    .summary = "Copy a results.db into one portable file",
    .text =
        "Writes a copy of FILE as it is at this moment, even while other processes "
        "write to it. (Copying a file in use with cp misses what is still in its "
        "journals.) OUT.db must not exist; it appears whole or not at all. It holds "
        "results, not models: `pwemoe import` on another machine merges it with what "
        "was measured there. Its paths are those of FILE; `pwemoe paths` changes them.",
    .operands_min = 2,
    .operands_max = 2,
    .common = TAKES_USUAL,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct export_db_options),
    .run = run,
};
