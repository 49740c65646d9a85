/* pwemoe import: figures from elsewhere beside one's own. */
#include <stdlib.h>

#include "command/command.h"
#include "command/io/import_table.h"
#include "results/solutions.h"

struct options {
    const char *method;
    unsigned split, unit;
    bool skip_unknown;
};

static const struct option_spec options[] = {
    {.name = "method",
     .type = OPTION_TEXT,
     .value = "M",
     .help = "Name of rows that have none; by default the name of the file",
     .offset = offsetof(struct options, method)},
    {.name = "split",
     .type = OPTION_CHOICE,
     .value = "S",
     .choices = "test|train",
     .initial = "test",
     .help = "What the figures were measured on: test or train",
     .offset = offsetof(struct options, split)},
    {.name = "unit",
     .type = OPTION_CHOICE,
     .value = "U",
     .choices = "auto|percent|fraction",
     .initial = "auto",
     .help = "Of the figures: percent, fraction, or auto, which takes them for "
             "fractions where none is above 1",
     .offset = offsetof(struct options, unit)},
    {.name = "skip-unknown",
     .type = OPTION_FLAG,
     .help = "Pass over columns that are not tasks of this file, which are an error "
             "otherwise",
     .offset = offsetof(struct options, skip_unknown)},
    {0}};

static int import(const struct invocation *invocation, struct store *store,
                  const struct csv *csv, struct error *error) {
    static const char *const splits[] = {"test", "train"};
    const struct options *o = invocation->options;
    const char *path = invocation->operands[1];
    struct store_recipe *recipe;
    if (store_recipe(store, &recipe, error))
        return -1;
    struct import_options wanted = {.source = path,
                                    .method = o->method,
                                    .split = splits[o->split],
                                    .unit = (enum import_unit)o->unit,
                                    .skip_unknown = o->skip_unknown};
    struct import_result result;
    int failed = import_table(store, recipe, csv, path, &wanted, &result, error);
    if (!failed) {
        if (result.fractions && o->unit == IMPORT_AUTO)
            command_note(invocation,
                         "%s: no figure is above 1: all are read as fractions; if they "
                         "are not, use --unit percent",
                         path);
        if (result.small)
            command_note(invocation,
                         "%s: figures are read as percent, also %zu that %s at most 1; "
                         "if those are fractions, give all in one unit",
                         path, result.small, result.small == 1 ? "is" : "are");
        size_t added = result.added, known = result.solutions - added;
        command_note(invocation, "%s: %zu solution%s imported%s",
                     invocation->operands[0], added, added == 1 ? "" : "s",
                     known == 0 ? ""
                     : added    ? "; the others were there already"
                                : "; all were there already");
        failed = solutions_print(invocation->common->format, store, recipe,
                                 wanted.split, result.ids, result.solutions, error);
        if (failed)
            error_prefix(error, "%zu imported, but not shown", added);
    }
    free(result.ids);
    store_recipe_free(recipe);
    return failed;
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    struct csv csv;
    if (csv_read(invocation->operands[1], &csv, error))
        return EXIT_FAILED;
    struct store *store;
    int failed = store_open(invocation->operands[0], STORE_READ_WRITE, &store, error);
    if (!failed) {
        failed = import(invocation, store, &csv, error);
        store_close(store);
    }
    csv_free(&csv);
    return failed ? EXIT_FAILED : EXIT_DONE;
}

const struct command command_import = {
    .name = "import",
    .usage = "FILE ROWS.csv [--unit U] [--method M] [--skip-unknown]",
    .summary = "Puts figures from elsewhere, a CSV file, beside one's own",
    .text =
        "Reads a CSV file with a line of column names and one model on each row: "
        "columns named "
        "as tasks hold accuracies; method (or model, name) what the model is called; "
        "ray_0, ray_1, ... or preference_0, ... its preference, in the order of the "
        "task columns; step, seed, alpha, lr, scale, scaling_coef and lambda numbers "
        "that are kept with it; avg, average and mean are passed over. Case and "
        "punctuation of names do not matter. Lines that begin with # are comments.\n"
        "What is imported is of kind import, has no interval and no count of "
        "examples, and is never mixed with what is measured here. All rows are stored "
        "or none; the same rows again change nothing. assets/paper holds the tables "
        "of arXiv 2406.09770.",
    .operands_min = 2,
    .operands_max = 2,
    .common = TAKES_USUAL | TAKES_FORMAT,
    .options = options,
    .options_size = sizeof(struct options),
    .run = run,
};
