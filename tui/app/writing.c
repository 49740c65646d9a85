/* The key that writes the selection to a file, as `pwemoe show FILE solutions --where
 * selected` prints it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/actions.h"
#include "base/draft.h"
#include "base/memory.h"
#include "results/output.h"
#include "results/solutions.h"
#include "state/selection.h"

static bool ends_in(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length > tail && !strcmp(text + length - tail, end);
}

static int write_rows(const struct explorer *explorer, enum output_format format,
                      FILE *file, struct error *error) {
    const struct catalog *catalog = explorer->catalog;
    struct output *output =
        solutions_begin(format, catalog->recipe, SOLUTIONS_PLAIN, error);
    if (!output)
        return -1;
    for (size_t i = 0; i < catalog->count; i++)
        if (selection_has(explorer, i))
            solutions_add(output, catalog->recipe, &catalog->rows[i], NULL);
    return output_write(output, file, error);
}

/* A new file, whole or not at all. */
static int write_selection(const struct explorer *explorer, const char *path,
                           struct error *error) {
    bool json = ends_in(path, ".json");
    struct stat about;
    char *text = NULL;
    size_t size;
    if (!json && !ends_in(path, ".csv"))
        return error_set(error, "end the name in .csv or .json to choose the format");
    if (lstat(path, &about) == 0)
        return error_set(error, "this path exists and is not overwritten; choose "
                                "another name");
    FILE *rows = open_memstream(&text, &size);
    if (!rows)
        return error_memory(error);
    int failed = write_rows(explorer, json ? OUTPUT_JSON : OUTPUT_CSV, rows, error);
    if (text_stream_close(rows, &text) && !failed)
        failed = error_memory(error);
    if (!failed)
        failed = draft_write_new(path, path, text, size, error);
    free(text);
    return failed;
}

static void take_path(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    char path[sizeof dialog->text];
    struct error error;
    app_expand_home(app);
    snprintf(path, sizeof path, "%s", dialog->text);
    if (write_selection(explorer, path, &error)) {
        dialog_refuse(dialog, "%s", TEXT_CUT(error.text, 500));
        return;
    }
    dialog_close(dialog);
    explorer_say(explorer, false, "%zu solutions are written to %s",
                 selection_count(explorer), TEXT_CUT(path, 500));
    explorer_say_path(explorer, path);
}

static const struct question path_question = {.kind = DIALOG_LINE,
                                              .title = "Write the selection",
                                              .prompt = "a new file: .csv or .json",
                                              .width = 76,
                                              .accept = take_path};

static void ask_path(struct app *app) {
    struct explorer *explorer = &app->explorer;
    char path[256];
    if (!selection_count(explorer)) {
        explorer_say(explorer, false,
                     "nothing is selected: Space marks, g draws a box, * takes the "
                     "table's");
        return;
    }
    size_t used = app_propose_name(explorer, path, sizeof path - 16);
    snprintf(path + used, sizeof path - used, "-selected.csv");
    dialog_open(&explorer->dialog, &path_question);
    dialog_text(&explorer->dialog, path);
}

/* clang-format off */
const struct action writing_actions[] = {
    {{'S'}, "Selection", "S", "write the selection to a file, as CSV or JSON", .run = ask_path, .waits = true},
    {.run = NULL},
};
