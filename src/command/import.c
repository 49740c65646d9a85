/* pwemoe import: figures from elsewhere beside one's own. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "command/command.h"
#include "command/io/import_table.h"
#include "command/work/import_results.h"
#include "results/solutions.h"

struct import_command {
    const char *method;
    unsigned split, unit;
    bool skip_unknown;
};

static const struct option_spec options[] = {
    {.name = "method",
     .type = OPTION_TEXT,
     .value = "M",
     .help = "Name of rows that have none (default: the name of the file)",
     .offset = offsetof(struct import_command, method)},
    {.name = "split",
     .type = OPTION_CHOICE,
     .value = "S",
     .choices = "test|train",
     .initial = "test",
     .help = "What the figures were measured on: test or train",
     .offset = offsetof(struct import_command, split)},
    {.name = "unit",
     .type = OPTION_CHOICE,
     .value = "U",
     .choices = "auto|percent|fraction",
     .initial = "auto",
     .help = "Unit of the figures: percent, fraction, or auto, which takes them as "
             "fractions if none is above 1",
     .offset = offsetof(struct import_command, unit)},
    {.name = "skip-unknown",
     .type = OPTION_FLAG,
     .help =
         "Ignore columns that are not tasks of this file; otherwise they are an error",
     .offset = offsetof(struct import_command, skip_unknown)},
    {0}};

static int import(const struct invocation *invocation, struct store *store,
                  const struct csv *csv, struct error *error) {
    static const char *const splits[] = {"test", "train"};
    const struct import_command *o = invocation->options;
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

static enum exit_status run_table(const struct invocation *invocation,
                                  struct error *error) {
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

/* --- another results.db ---------------------------------------------------------- */

static void tell(const struct invocation *invocation,
                 const struct import_results *result) {
    const char *file = invocation->operands[0];
    command_note(invocation,
                 "%s: %zu run%s, %zu solution%s, %zu figure%s and %zu bookmark%s "
                 "imported%s",
                 file, result->runs, result->runs == 1 ? "" : "s", result->solutions,
                 result->solutions == 1 ? "" : "s", result->figures,
                 result->figures == 1 ? "" : "s", result->bookmarks,
                 result->bookmarks == 1 ? "" : "s",
                 result->runs + result->advanced + result->solutions + result->figures +
                             result->bookmarks >
                         0
                     ? ""
                     : ": all that it has was there already");
    if (result->advanced)
        command_note(invocation,
                     "%zu run%s had more steps there and %s continued from them here",
                     result->advanced, result->advanced == 1 ? "" : "s",
                     result->advanced == 1 ? "is" : "are");
    if (result->others)
        command_note(invocation,
                     "%zu solution%s came out with other last digits there: the "
                     "figures measured here stay",
                     result->others, result->others == 1 ? "" : "s");
    if (result->unknown)
        command_note(invocation,
                     "the examples of %zu split%s are known to one of the files only "
                     "and taken to be the same",
                     result->unknown, result->unknown == 1 ? "" : "s");
}

static int import_from(const struct invocation *invocation, struct store *store,
                       struct store *other, struct error *error) {
    struct store_recipe *recipe;
    struct import_results result;
    if (store_recipe(store, &recipe, error))
        return -1;
    int failed = import_results(store, recipe, other, invocation->work, &result, error);
    if (!failed) {
        tell(invocation, &result);
        failed = solutions_print(invocation->common->format, store, recipe, "test",
                                 result.ids, result.solutions, error);
        if (failed)
            error_prefix(error, "%zu imported, but not shown", result.solutions);
        free(result.ids);
    }
    store_recipe_free(recipe);
    return failed;
}

static enum exit_status run_results(const struct invocation *invocation,
                                    struct error *error) {
    static const char *const of_tables[] = {"method", "split", "unit", "skip-unknown"};
    for (size_t i = 0; i < sizeof of_tables / sizeof *of_tables; i++)
        if (command_given(invocation, of_tables[i])) {
            error_set(error, "--%s is for a CSV file; %s is a results.db", of_tables[i],
                      invocation->operands[1]);
            return EXIT_USAGE;
        }
    struct store *store, *other;
    if (store_open(invocation->operands[1], STORE_READ_ONLY, &other, error))
        return EXIT_FAILED;
    int failed = store_open(invocation->operands[0], STORE_READ_WRITE, &store, error);
    if (!failed) {
        failed = import_from(invocation, store, other, error);
        store_close(store);
    }
    store_close(other);
    return failed ? EXIT_FAILED : EXIT_DONE;
}

/* Does the file begin as a database does? Looked at before a store opens it: closing a
 * file ends the locks that SQLite has on it. */
static int is_database(const char *path, bool *is, struct error *error) {
    static const char magic[16] = "SQLite format 3";
    char head[sizeof magic];
    uint64_t size;
    int file = file_open(path, UINT64_MAX, &size, error);
    if (file < 0)
        return -1;
    ssize_t length = pread(file, head, sizeof head, 0);
    close(file);
    *is = length == (ssize_t)sizeof head && memcmp(head, magic, sizeof magic) == 0;
    return 0;
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    bool database;
    if (is_database(invocation->operands[1], &database, error))
        return EXIT_FAILED;
    return database ? run_results(invocation, error) : run_table(invocation, error);
}

const struct command command_import = {
    .name = "import",
    .usage = "FILE ROWS.csv|OTHER.db [--unit U] [--method M] [--skip-unknown]",
    .summary = "Import figures from a CSV file or another results.db",
    .text =
        "Reads a CSV file with a line of column names and one model on each row: "
        "columns with the names of tasks hold accuracies; method (or model, name) is "
        "the name of the model; ray_0, ray_1, ... or preference_0, ... are its "
        "preference, in the order of the task columns; step, seed, alpha, lr, scale, "
        "scaling_coef and lambda are numbers that are kept with it; avg, average and "
        "mean are ignored. Case and punctuation of names do not matter. Lines that "
        "begin with # are comments.\n"
        "Imported rows have the kind import, no interval and no count of examples, and "
        "are never mixed with what is measured here. Either all rows are stored or "
        "none; importing the same rows again changes nothing. assets/paper holds the "
        "tables of arXiv 2406.09770.\n"
        "OTHER.db is a results.db of the same pool, for example from another machine: "
        "the same tasks in the same order, the same pretrained model and experts by "
        "their digests, the same examples. Its runs, routers, solutions, figures and "
        "bookmarks are imported by content: what both files have is stored once, "
        "however often and in whichever direction they are imported. A run that has "
        "more steps in OTHER.db continues from there. Stale figures are not imported. "
        "If the same solution has other last digits there, because it was computed on "
        "another processor, the figures of FILE are kept. Either everything is "
        "imported or nothing. `pwemoe export-db` makes a copy to take along.",
    .operands_min = 2,
    .operands_max = 2,
    .common = TAKES_USUAL | TAKES_FORMAT,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct import_command),
    .run = run,
};
