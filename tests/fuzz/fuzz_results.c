/* A results.db from someone else: opened, and read by every reader there is.
 *
 * An input that begins with "SQLite format 3" is the file itself. Any other is a list
 * of changes (changes.h) to a whole file with something in each table. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "changes.h"
#include "results/answerer.h"
#include "results/catalog.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *path, *beside[2];
static uint8_t *base;
static size_t base_size;

static void must(int result) {
    if (result)
        abort();
}

static void fill(struct store *store) {
    struct store_run run = {.method = "ls", .upscale = "mlp", .steps = 2};
    struct store_routers routers = {.step = 2, .blob = "routers", .size = 7};
    struct store_curve_point points[] = {{1, 0, 2.5}, {1, 1, 2.25}, {2, 0, NAN}};
    must(store_run_begin(store, &run, NULL));
    must(store_run_save(store, &run, &routers, "state", 5, points, 3, NULL));
    double preference[] = {0.25, 0.75};
    struct store_solution solution = {.kind = STORE_KIND_PWEMOE,
                                      .method = "ls",
                                      .preference = preference,
                                      .routers = routers.id};
    struct store_evaluation evaluations[] = {{.objective = 0,
                                              .split = "test",
                                              .value = 50,
                                              .low = 40,
                                              .high = 60,
                                              .examples = 20,
                                              .correct = "abc",
                                              .correct_size = 3},
                                             {.objective = 1,
                                              .split = "test",
                                              .value = 70,
                                              .low = 60,
                                              .high = 80,
                                              .examples = 30,
                                              .complete = true}};
    struct store_bookmark bookmark = {.name = "here", .preference = preference};
    must(store_solution_put(store, &solution, NULL));
    must(store_evaluations_put(store, solution.id, NULL, evaluations, 2, NULL));
    must(store_bookmark_put(store, &bookmark, NULL));
    must(store_log(store, NULL, "a line"));
}

/* A viewer may leave these beside a file; they are not the next one's. */
static void remove_beside(void) {
    unlink(beside[0]);
    unlink(beside[1]);
}

static void release(void) {
    free(base);
}

static void prepare(void) {
    beside[0] = fuzz_file("results.db-wal");
    beside[1] = fuzz_file("results.db-shm");
    path = fuzz_file("results.db");
    atexit(release);
    struct store_task tasks[] = {
        {.name = "a", .objective = {.metric = "accuracy", .unit = "%"}},
        {.name = "b", .objective = {.metric = "accuracy", .unit = "%"}}};
    struct store_recipe recipe = {.name = "r", .task_count = 2, .tasks = tasks};
    struct store *store;
    must(store_create(path, &recipe, &store, NULL));
    fill(store);
    store_close(store);
    FILE *file = fopen(path, "rb");
    must(!file || fseek(file, 0, SEEK_END));
    base_size = (size_t)ftell(file);
    base = malloc(base_size);
    rewind(file);
    must(!base || fread(base, 1, base_size, file) != base_size);
    fclose(file);
}

static void write_changed(const uint8_t *data, size_t size) {
    size_t length;
    uint8_t *changed = changes_apply(base, base_size, data, size, &length);
    fuzz_write(path, changed, length);
    free(changed);
}

static void read_rows(struct store *store, size_t tasks) {
    struct store_row *rows;
    size_t count;
    if (store_rows(store, "test", &rows, &count, NULL))
        return;
    for (size_t i = 0; i < count; i++)
        for (size_t t = 0; t < tasks; t++) {
            const struct store_evaluation *e = &rows[i].evaluations[t];
            bool found;
            void *bits;
            uint64_t examples;
            if (!isfinite(e->value) || e->low > e->value || e->value > e->high)
                abort();
            if (store_correct(store, e->solution, t, "test", &found, &bits, &examples,
                              NULL) == 0)
                free(bits);
        }
    store_rows_free(rows, count);
}

static void read_runs(struct store *store) {
    struct store_run *runs;
    size_t count, points;
    if (store_runs(store, &runs, &count, NULL))
        return;
    for (size_t i = 0; i < count; i++) {
        struct store_curve_point *curve;
        void *state;
        size_t size;
        bool found;
        struct store_routers routers;
        if (store_curve(store, runs[i].id, &curve, &points, NULL) == 0)
            free(curve);
        if (store_run_state(store, runs[i].id, &state, &size, NULL) == 0)
            free(state);
        if (store_routers_last(store, runs[i].id, &found, &routers, NULL) == 0)
            store_routers_clear(&routers);
    }
    store_runs_free(runs, count);
}

/* What screen, charts and reports are made of. */
static void read_catalog(struct store *store) {
    struct catalog *catalog;
    char text[256];
    if (catalog_read(store, &catalog, NULL))
        return;
    for (size_t i = 0; i < catalog->count; i++) {
        catalog_row_text(catalog, i, text, sizeof text);
        must(catalog->solutions[i].series >= catalog->series_count);
    }
    catalog_routers_text(catalog, answerer_default(catalog), text, sizeof text);
    catalog_free(catalog);
    if (catalog_read_solutions(store, "train", &catalog, NULL) == 0)
        catalog_free(catalog);
}

static void read_data(struct store *store, size_t tasks) {
    for (size_t t = 0; t < tasks; t++) {
        struct store_data data;
        bool found;
        store_data_get(store, t, "test", &found, &data, NULL);
    }
}

static void read_all(struct store *store) {
    struct store_recipe *recipe;
    if (store_recipe(store, &recipe, NULL))
        return;
    size_t count, tasks = recipe->task_count;
    store_recipe_free(recipe);
    struct store_reference *references;
    if (store_references(store, &references, &count, NULL) == 0)
        store_references_free(references, count);
    read_rows(store, tasks);
    read_runs(store);
    read_catalog(store);
    read_data(store, tasks);
    struct store_bookmark *bookmarks;
    if (store_bookmarks(store, &bookmarks, &count, NULL) == 0)
        store_bookmarks_free(bookmarks, count);
    struct store_log_line *lines;
    if (store_log_lines(store, 100, &lines, &count, NULL) == 0)
        store_log_lines_free(lines, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!base)
        prepare();
    remove_beside();
    if (size >= 15 && memcmp(data, "SQLite format 3", 15) == 0)
        fuzz_write(path, data, size);
    else
        write_changed(data, size);
    struct store *store;
    struct error error = {.text = ""};
    if (store_open(path, STORE_READ_ONLY, &store, &error) == 0) {
        read_all(store);
        store_close(store);
    } else if (!*error.text || strchr(error.text, '\n')) {
        abort();
    }
    return 0;
}
