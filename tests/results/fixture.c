#define _GNU_SOURCE
#include "fixture.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "checkpoint/directory.h"
#include "moe/routers.h"
#include "pareto/simplex.h"

int fixture_utf8(void **state) {
    (void)state;
    return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

double fixture_value(const double *preference, size_t t) {
    return 60 + 30 * sqrt(preference[t]);
}

double fixture_loss(const double *preference, size_t t) {
    return (100 - fixture_value(preference, t)) / 50;
}

static void check(int result, const struct error *error) {
    if (result) {
        fprintf(stderr, "fixture: %s\n", error->text);
        exit(99);
    }
}

void fixture_put(struct store *store, struct store_solution *solution,
                 const double *values, size_t tasks) {
    bool imported = solution->kind == STORE_KIND_IMPORT;
    struct store_evaluation evaluations[STORE_TASKS_MAX] = {{0}};
    struct error error;
    check(store_solution_put(store, solution, &error), &error);
    for (size_t t = 0; t < tasks; t++)
        evaluations[t] = (struct store_evaluation){.objective = t,
                                                   .split = "test",
                                                   .value = values[t],
                                                   .low = values[t] - !imported,
                                                   .high = values[t] + !imported,
                                                   .examples = imported ? 0 : 1000,
                                                   .complete = true,
                                                   .imported = imported,
                                                   .loss = imported ? NAN : 0.5};
    check(store_evaluations_put(store, solution->id, "", evaluations, tasks, &error),
          &error);
}

static void put_constant(struct store *store, enum store_kind kind, const char *method,
                         const char *parameters, size_t tasks, double value) {
    double values[STORE_TASKS_MAX];
    for (size_t t = 0; t < tasks; t++)
        values[t] = value + 0.1 * (double)t;
    struct store_solution solution = {.kind = kind,
                                      .method = (char *)method,
                                      .parameters = (char *)parameters,
                                      .label = ""};
    fixture_put(store, &solution, values, tasks);
}

static void put_baselines(struct store *store, size_t tasks) {
    char parameters[64];
    put_constant(store, STORE_KIND_SINGLE, "pretrained", "{}", tasks, 20);
    put_constant(store, STORE_KIND_SINGLE, "stl", "{}", tasks, 95);
    put_constant(store, STORE_KIND_MERGE, "average", "{}", tasks, 66);
    for (int i = 0; i <= 10; i++) {
        double scale = i / 10.0;
        snprintf(parameters, sizeof parameters, "{\"scale\":%.1f}", scale);
        put_constant(store, STORE_KIND_MERGE, "task-arithmetic", parameters, tasks,
                     74 - 60 * (scale - 0.3) * (scale - 0.3));
        put_constant(store, STORE_KIND_MERGE, "ties", parameters, tasks,
                     72 - 40 * (scale - 0.6) * (scale - 0.6));
    }
}

static int64_t put_run(struct store *store, size_t tasks) {
    enum { STEPS = 200 };
    struct store_run run = {.method = "ls",
                            .upscale = "mlp",
                            .parameters = "{}",
                            .steps = STEPS,
                            .steps_done = STEPS,
                            .complete = true};
    struct store_routers routers = {.step = STEPS, .blob = "routers", .size = 7};
    struct store_curve_point *points = calloc(STEPS * tasks, sizeof *points);
    struct error error;
    for (unsigned step = 0; step < STEPS; step++)
        for (size_t t = 0; t < tasks; t++)
            points[step * tasks + t] = (struct store_curve_point){
                step, t, 0.4 + 0.1 * (double)t + exp(-(double)step / 60)};
    check(store_run_begin(store, &run, &error), &error);
    run.steps_done = STEPS;
    run.complete = true;
    check(store_run_save(store, &run, &routers, NULL, 0, points, STEPS * tasks, &error),
          &error);
    free(points);
    return routers.id;
}

void fixture_write(const char *path, const struct fixture_options *options) {
    static const char *const names[] = {"alpha", "beta", "gamma", "delta", "epsilon",
                                        "zeta",  "eta",  "theta", "iota",  "kappa"};
    struct store_task tasks[STORE_TASKS_MAX] = {{0}};
    char experts[STORE_TASKS_MAX][64], tests[STORE_TASKS_MAX][64];
    char made[STORE_TASKS_MAX][32];
    struct error error;
    struct store *store;
    for (size_t t = 0; t < options->tasks; t++) {
        snprintf(experts[t], sizeof experts[t], "models/expert%zu", t);
        snprintf(tests[t], sizeof tests[t], "data/test%zu", t);
        snprintf(made[t], sizeof made[t], "task%zu", t);
        tasks[t] =
            (struct store_task){.name = (char *)(options->names ? options->names[t]
                                                 : t < 10       ? names[t]
                                                                : made[t]),
                                .expert = {.path = experts[t], .size = 1},
                                .train_path = "",
                                .test_path = tests[t],
                                .head = "",
                                .classnames_path = "",
                                .templates_path = "",
                                .objective = {NULL, "accuracy", "%", true, 0}};
        if (options->losses)
            tasks[t].objective =
                (struct store_objective){NULL, "loss", "nats", false, 5};
        memset(tasks[t].expert.sha256, 'a', SHA256_HEX - 1);
    }
    struct store_recipe recipe = {.name = "fixture",
                                  .model = "vit",
                                  .pretrained = {.path = "models/base", .size = 1},
                                  .text = "",
                                  .task_count = options->tasks,
                                  .tasks = tasks};
    memset(recipe.pretrained.sha256, 'b', SHA256_HEX - 1);
    check(store_create(path, &recipe, &store, &error), &error);
    check(store_begin(store, &error), &error);
    int64_t routers = options->edge ? put_run(store, options->tasks) : 0;
    size_t count =
        options->edge ? simplex_grid_count(options->tasks, options->edge) : 0;
    for (size_t i = 0; i < count; i++) {
        double preference[STORE_TASKS_MAX], values[STORE_TASKS_MAX];
        simplex_grid_at(options->tasks, options->edge, i, preference);
        for (size_t t = 0; t < options->tasks; t++)
            values[t] = options->losses ? fixture_loss(preference, t)
                                        : fixture_value(preference, t);
        struct store_solution solution = {.kind = STORE_KIND_PWEMOE,
                                          .method = "ls",
                                          .parameters = "{}",
                                          .preference = preference,
                                          .routers = routers,
                                          .label = ""};
        fixture_put(store, &solution, values, options->tasks);
    }
    if (options->baselines)
        put_baselines(store, options->tasks);
    if (options->log)
        for (int i = 0; i < 30; i++)
            check(store_log(store, &error, "line %d of the log", i), &error);
    check(store_commit(store, &error), &error);
    store_close(store);
}

/* --- with models ---------------------------------------------------------------- */

static void put_u32(FILE *file, unsigned value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        fputc((int)(value >> shift & 0xff), file);
}

/* An idx pair: size x size grey noise, labels in turn. */
static void write_images(const char *folder, size_t task, size_t count, unsigned size,
                         unsigned classes) {
    char path[4200];
    struct random random;
    random_seed(&random, 7, task);
    snprintf(path, sizeof path, "%s/test%zu-images-idx3-ubyte", folder, task);
    FILE *images = fopen(path, "wb");
    snprintf(path, sizeof path, "%s/test%zu-labels-idx1-ubyte", folder, task);
    FILE *labels = fopen(path, "wb");
    if (!images || !labels)
        exit(99);
    put_u32(images, 0x803);
    put_u32(images, (unsigned)count);
    put_u32(images, size);
    put_u32(images, size);
    put_u32(labels, 0x801);
    put_u32(labels, (unsigned)count);
    for (size_t i = 0; i < count; i++) {
        for (unsigned k = 0; k < size * size; k++)
            fputc((int)random_below(&random, 256), images);
        fputc((int)(i % classes), labels);
    }
    if (fclose(images) || fclose(labels))
        exit(99);
}

static struct store_checkpoint checkpoint_at(char *path) {
    struct fingerprint fingerprint;
    struct error error;
    check(model_directory_fingerprint(path, &fingerprint, NULL, &error), &error);
    struct store_checkpoint checkpoint = {.path = path, .size = fingerprint.size};
    memcpy(checkpoint.sha256, fingerprint.sha256, sizeof checkpoint.sha256);
    return checkpoint;
}

static struct store *write_models(const char *path, size_t examples) {
    static const char *const names[] = {"alpha", "beta", "gamma"};
    static const unsigned classes[] = {5, 7, 4};
    enum { TASKS = 3, SIZE = 12 };
    struct store_task tasks[TASKS] = {{0}};
    char where[TASKS + 1][4200], tests[TASKS][64], folder[4000], *source_path;
    const char *source = getenv("srcdir");
    struct error error;
    struct store *store;
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    source_path = realpath(source ? source : ".", NULL);
    for (size_t t = 0; t < TASKS; t++) {
        snprintf(where[t], sizeof where[t], "%s/tests/golden/model/vit-expert%zu",
                 source_path, t);
        snprintf(tests[t], sizeof tests[t], "test%zu-images-idx3-ubyte", t);
        write_images(folder, t, examples, SIZE, classes[t]);
        tasks[t] = (struct store_task){.name = (char *)names[t],
                                       .expert = checkpoint_at(where[t]),
                                       .train_path = "",
                                       .test_path = tests[t],
                                       .head = "",
                                       .classnames_path = "",
                                       .templates_path = "",
                                       .objective = {NULL, "accuracy", "%", true, 0}};
    }
    snprintf(where[TASKS], sizeof where[TASKS], "%s/tests/golden/model/vit",
             source_path);
    free(source_path);
    struct store_recipe recipe = {.name = "real",
                                  .model = "vit",
                                  .pretrained = checkpoint_at(where[TASKS]),
                                  .text = "",
                                  .task_count = TASKS,
                                  .tasks = tasks};
    check(store_create(path, &recipe, &store, &error), &error);
    return store;
}

void fixture_write_untrained(const char *path, size_t examples) {
    store_close(write_models(path, examples));
}

void fixture_write_real(const char *path, size_t examples) {
    enum { TASKS = 3, MODULES = 2 };
    struct store *store = write_models(path, examples);
    struct error error;
    struct routers *routers;
    struct random random;
    random_seed(&random, 1, 0);
    check(routers_new(UPSCALE_MLP, 2, MODULES, TASKS, 0.3f, &random, &routers, &error),
          &error);
    struct store_run run = {
        .method = "ls", .upscale = "mlp", .parameters = "{}", .steps = 1};
    struct store_routers saved = {.step = 1};
    check(routers_to_memory(routers, &saved.blob, &saved.size, &error), &error);
    check(store_run_begin(store, &run, &error), &error);
    run.steps_done = 1;
    run.complete = true;
    check(store_run_save(store, &run, &saved, NULL, 0, NULL, 0, &error), &error);
    free(saved.blob);
    routers_free(routers);
    store_close(store);
}

int64_t fixture_interrupt_run(const char *path) {
    struct store_run run = {
        .method = "epo", .upscale = "all", .parameters = "{}", .steps = 400};
    struct store_routers routers = {.step = 100, .blob = "routers", .size = 7};
    struct store *store;
    struct error error;
    check(store_open(path, STORE_READ_WRITE, &store, &error), &error);
    check(store_run_begin(store, &run, &error), &error);
    run.steps_done = routers.step;
    check(store_run_save(store, &run, &routers, NULL, 0, NULL, 0, &error), &error);
    store_close(store);
    return routers.id;
}

void fixture_scatter(const char *path, size_t tasks, size_t count) {
    const struct fixture_options options = {.tasks = tasks};
    struct store *store;
    struct error error;
    struct random random;
    fixture_write(path, &options);
    check(store_open(path, STORE_READ_WRITE, &store, &error), &error);
    random_seed(&random, 1, 0);
    for (size_t i = 0; i < count; i++) {
        double values[STORE_TASKS_MAX], square = 0;
        struct store_solution solution = {.kind = STORE_KIND_MERGE,
                                          .method = "regmean",
                                          .parameters =
                                              text_format("{\"ridge\":%zu}", i),
                                          .label = ""};
        for (size_t t = 0; t < tasks; t++) {
            values[t] = random_normal(&random);
            square += values[t] * values[t];
        }
        for (size_t t = 0; t < tasks; t++)
            values[t] = 100 * fabs(values[t]) / sqrt(square);
        fixture_put(store, &solution, values, tasks);
        free(solution.parameters);
    }
    store_close(store);
}

void fixture_write_in(const char *folder, size_t tasks, size_t edge, char path[4096]) {
    const struct fixture_options options = {
        .tasks = tasks, .edge = edge, .baselines = true, .log = true};
    snprintf(path, 4096, "%s/%zu-tasks.db", folder, tasks);
    fixture_write(path, &options);
}
