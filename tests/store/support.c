#include "support.h"

#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int folder_make(void **state) {
    const char *parent = getenv("TMPDIR");
    static char path[4096];
    snprintf(path, sizeof path, "%s/pwemoe-store-XXXXXX", parent ? parent : "/tmp");
    *state = mkdtemp(path);
    return *state ? 0 : -1;
}

/* Each path once, until the folder goes. */
static char *paths[64];

const char *in_folder(void **state, const char *name) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", (const char *)*state, name);
    size_t i = 0;
    while (i < 64 && paths[i] && strcmp(paths[i], path) != 0)
        i++;
    assert_true(i < 64);
    if (!paths[i])
        paths[i] = strdup(path);
    return paths[i];
}

static int remove_one(const char *path, const struct stat *status, int flag,
                      struct FTW *walk) {
    (void)status, (void)flag, (void)walk;
    return remove(path);
}

int folder_remove(void **state) {
    for (size_t i = 0; i < 64; i++) {
        free(paths[i]);
        paths[i] = NULL;
    }
    chmod(*state, 0700);
    return nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

const struct store_recipe *example_recipe(size_t tasks) {
    static const char *const names[] = {"mnist", "gtsrb", "cifar10"};
    static struct store_task list[3];
    static struct store_recipe recipe = {
        .name = "three",
        .model = "vit",
        .pretrained = {.path = "models/vit", .size = 123456789012, .sha256 = ZEROS},
        .text = "name: three\n# a comment\n",
        .tasks = list,
    };
    for (size_t t = 0; t < 3; t++) {
        struct store_task *task = &list[t];
        memset(task, 0, sizeof *task);
        task->name = (char *)names[t];
        task->expert.path = t == 2 ? "" : "/abs/expert";
        task->expert.size = t == 2 ? 0 : 1000 + t;
        memcpy(task->expert.sha256, t == 2 ? "" : ZEROS, t == 2 ? 1 : SHA256_HEX);
        task->train_path = "data/train";
        task->test_path = "data/test images.gz";
        task->head = t == 1 ? "zero-shot" : "";
        task->classnames_path = t == 1 ? "names.txt" : NULL;
        task->objective = (struct store_objective){.metric = "accuracy",
                                                   .unit = "%",
                                                   .maximise = true,
                                                   .reference = 10.0 * (double)t};
    }
    recipe.task_count = tasks;
    return &recipe;
}

struct store *example_store(const char *path) {
    struct store *store;
    struct error error;
    assert_done(store_create(path, example_recipe(3), &store, &error));
    return store;
}

int64_t add_solution(struct store *store, enum store_kind kind, const char *method,
                     const char *parameters, const double *preference,
                     int64_t routers) {
    struct error error;
    struct store_solution solution = {.kind = kind,
                                      .method = (char *)method,
                                      .parameters = (char *)parameters,
                                      .preference = (double *)preference,
                                      .routers = routers};
    assert_done(store_solution_put(store, &solution, &error));
    assert_true(solution.id > 0);
    return solution.id;
}

struct store_evaluation example_evaluation(size_t objective, double value) {
    return (struct store_evaluation){.objective = objective,
                                     .split = "test",
                                     .value = value,
                                     .low = value - 1 < 0 ? 0 : value - 1,
                                     .high = value + 1 > 100 ? 100 : value + 1,
                                     .examples = 1000,
                                     .complete = true,
                                     .loss = 0.25};
}

struct store *open_ok(const char *path, enum store_mode mode) {
    struct store *store;
    struct error error;
    assert_done(store_open(path, mode, &store, &error));
    return store;
}

void assert_error(int result, const struct error *error, const char *words) {
    assert_int_equal(result, -1);
    if (!strstr(error->text, words) || strchr(error->text, '\n'))
        fail_msg("\"%s\" does not say \"%s\"", error->text, words);
}

void open_fails(const char *path, enum store_mode mode, const char *words) {
    struct store *store = (struct store *)path;
    struct error error = {.text = ""};
    int result = store_open(path, mode, &store, &error);
    if (result == 0)
        fail_msg("%s was opened, though it should say \"%s\"", path, words);
    assert_error(result, &error, words);
    assert_null(store);
    if (strncmp(error.text, path, strlen(path)) != 0)
        fail_msg("\"%s\" does not begin with the path", error.text);
}

void plant(const char *path, const char *sql) {
    sqlite3 *db;
    char *message = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL),
                     SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}
