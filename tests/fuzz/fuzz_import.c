/* Tables of figures from elsewhere into a store. The first byte says how figures are
 * read; the rest is the table. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "changes.h"
#include "command/io/import_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Rows are never removed from a store: it begins anew after so many. */
enum { TASKS = 3, MOST = 400 };

static struct store *store;
static const char *path;
static size_t rows;
static struct store_task tasks[TASKS] = {
    {.name = "digits", .objective = {.metric = "accuracy", .unit = "%"}},
    {.name = "SST-2", .objective = {.metric = "accuracy", .unit = "%"}},
    {.name = "ray_0", .objective = {.metric = "accuracy", .unit = "%"}}};
static struct store_recipe recipe = {.name = "r", .task_count = TASKS, .tasks = tasks};

static void end(void) {
    store_close(store);
    store = NULL;
}

static void begin(void) {
    struct error error;
    if (!path) {
        path = fuzz_file("results.db");
        atexit(end);
    }
    if (store && rows < MOST)
        return;
    store_close(store);
    unlink(path);
    rows = 0;
    require(store_create(path, &recipe, &store, &error) == 0);
}

static void check(const struct import_result *result) {
    struct store_row *found;
    size_t count;
    if (result->solutions == 0)
        return;
    require(store_rows(store, "test", &found, &count, NULL) == 0);
    for (size_t i = 0; i < count; i++)
        for (size_t t = 0; t < TASKS; t++)
            require(!found[i].evaluations[t].present ||
                    (found[i].evaluations[t].value >= 0 &&
                     found[i].evaluations[t].value <= 100));
    store_rows_free(found, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct csv csv;
    struct import_result result = {0};
    struct error error = {.text = ""};
    if (size == 0)
        return 0;
    struct import_options options = {.source = "fuzz.csv",
                                     .split = "test",
                                     .unit = (enum import_unit)(*data % 3),
                                     .skip_unknown = *data & 4,
                                     .method = *data & 8 ? "m" : NULL};
    if (csv_parse((const char *)data + 1, size - 1, "fuzz", &csv, &error)) {
        require(*error.text != '\0');
        return 0;
    }
    begin();
    if (csv.rows <= MOST &&
        import_table(store, &recipe, &csv, "fuzz", &options, &result, &error) == 0) {
        rows += result.added;
        check(&result);
        free(result.ids);
    } else {
        require(csv.rows > MOST || (*error.text && !strchr(error.text, '\n')));
    }
    csv_free(&csv);
    return 0;
}
