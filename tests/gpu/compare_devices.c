/* A device against the CPU on the demo: logits, predictions and figures of its front,
 * a model exported, 50 steps of router training, 20 of fine-tuning.
 *
 *     compare_devices [--device D] [--precision f32|bf16|fp8] [--threads N] [--against
 * N]
 *                     [--limit N] [--preferences N] [--steps N] [--finetune-steps N]
 *                     [--batch N] [--plant-fault] [--find] FOLDER
 *
 * FOLDER is the demo's (assets/demo). A line a comparison, "N passed, N failed" at the
 * end. Exit status 0 where none failed, 1 where one did, 77 where the device is not
 * there; --find looks for it and does no more. Tolerances: compare.h. With --device cpu
 * the CPU is compared with itself at other numbers of threads. */
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/start.h"
#include "compare.h"
#include "eval/sources.h"

void compare_verdict(struct comparison *c, bool good, const char *format, ...) {
    va_list arguments;
    fputs(good ? "passed: " : "FAILED: ", stdout);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
    if (good)
        c->passed++;
    else
        c->failed++;
}

double compare_rounding(const struct comparison *c) {
    const struct model_config *config = &c->pool->layout->config;
    size_t longest =
        config->mlp_width > config->width ? config->mlp_width : config->width;
    /* e4m3 has three bits behind the first: its roundings, uniform below 2^-4, are of
     * some products alone, and change logits by less than a quarter of that in all. */
    return c->precision == PRECISION_FP8    ? 0x1p-6
           : c->precision == PRECISION_BF16 ? 0x1p-8
                                            : sqrt((double)longest) * 0x1p-24;
}

void compare_change(float *weights, size_t count, double most, uint64_t seed) {
    struct random random;
    random_seed(&random, seed, 0);
    for (size_t i = 0; i < count; i++)
        weights[i] *= (float)(1 + most * (2 * random_uniform(&random) - 1));
}

void compare_preference(const struct comparison *c, unsigned index,
                        double *preference) {
    struct random random;
    for (size_t t = 0; t < c->tasks; t++)
        preference[t] = index == 0 ? 1 / (double)c->tasks : index == t + 1;
    if (index > c->tasks) {
        random_seed(&random, index, 0);
        random_dirichlet(&random, 1, c->tasks, preference);
    }
}

/* --- opening ----------------------------------------------------------------- */

static int change_pool(struct comparison *c, struct pool *pool, struct error *error) {
    struct backend *b = pool->backend;
    size_t size = pool->layout->size;
    float *weights = array_new(size, sizeof *weights);
    if (!weights)
        return error_memory(error);
    int result = 0;
    for (size_t i = 0; result == 0 && i <= pool->tasks; i++) {
        real *at = i == 0 ? pool->base : backend_at(b, pool->vectors, (i - 1) * size);
        result = b->download_real(b, weights, at, size, error);
        compare_change(weights, size, compare_rounding(c), i);
        if (result == 0)
            b->upload_real(b, at, weights, size);
    }
    if (result == 0)
        result = b->synchronise(b, error);
    free(weights);
    return result;
}

/* One layer norm of the device's side a thousandth too large: of the size that an
 * epsilon in the wrong place has. */
static int plant_fault(struct pool *pool, struct error *error) {
    struct backend *b = pool->backend;
    size_t width = pool->layout->config.width;
    real *at = backend_at(b, pool->base, pool->layout->blocks[0].norm1_gamma);
    float *gamma = array_new(width, sizeof *gamma);
    if (!gamma)
        return error_memory(error);
    int result = b->download_real(b, gamma, at, width, error);
    for (size_t i = 0; i < width; i++)
        gamma[i] *= 1.001f;
    if (result == 0)
        b->upload_real(b, at, gamma, width);
    result = result ? result : b->synchronise(b, error);
    free(gamma);
    return result;
}

/* The routers of the newest run by ls. */
static int read_routers(struct comparison *c, struct store *store,
                        struct error *error) {
    struct store_run *runs;
    size_t count;
    bool found = false;
    if (store_runs(store, &runs, &count, error))
        return -1;
    int result = 0;
    size_t i = count;
    while (i > 0 && !store_run_is(&runs[i - 1], "ls", NULL))
        i--;
    if (i == 0)
        result = error_set(error, "%s: has no routers by ls", store_path(store));
    else
        result = store_routers_last(store, runs[i - 1].id, &found, &c->routers, error);
    if (result == 0 && !found)
        result =
            error_set(error, "%s: its run has saved no routers", store_path(store));
    store_runs_free(runs, count);
    return result;
}

/* The recipe and the routers that were trained last. */
static int read_store(struct comparison *c, struct error *error) {
    char *path = text_format("%s/results.db", c->folder);
    struct store *store = NULL;
    if (!path)
        return error_memory(error);
    int result = store_open(path, STORE_READ_ONLY, &store, error) ||
                         store_recipe(store, &c->recipe, error) ||
                         read_routers(c, store, error)
                     ? -1
                     : 0;
    store_close(store);
    free(path);
    return result;
}

static int read_data(struct comparison *c, struct error *error) {
    for (size_t t = 0; t < c->tasks; t++) {
        struct sources_data test = {.task = t, .split = "test", .limit = c->limit};
        /* So many that a run sees none twice, and no more: reading takes time. */
        struct sources_data train = {
            .task = t, .split = "train", .limit = c->batch * (c->steps + 1)};
        if (sources_dataset(c->recipe, c->folder, &test, &c->pool->form,
                            &c->held_out[t], NULL, error) ||
            sources_dataset(c->recipe, c->folder, &train, &c->pool->form, &c->train[t],
                            NULL, error))
            return -1;
    }
    return 0;
}

static int open_all(struct comparison *c, struct error *error) {
    if (read_store(c, error))
        return -1;
    c->tasks = c->recipe->task_count;
    compare_ties = array_new(c->preferences, sizeof *compare_ties);
    if (!compare_ties)
        return error_memory(error);
    if (backend_open("cpu", PRECISION_F32, c->against, &c->cpu, NULL, error) ||
        sources_pool(c->recipe, c->folder, c->cpu, &c->pool, NULL, error) ||
        sources_pool(c->recipe, c->folder, c->cpu, &c->changed, NULL, error) ||
        change_pool(c, c->changed, error) || read_data(c, error))
        return -1;
    return 0;
}

/* The device and its pool, for parts that use them: the evaluator opens its own. */
static int open_tested(struct comparison *c, struct error *error) {
    if (backend_open(c->device, c->precision, c->threads, &c->tested, NULL, error) ||
        sources_pool(c->recipe, c->folder, c->tested, &c->tested_pool, NULL, error))
        return -1;
    return c->fault ? plant_fault(c->tested_pool, error) : 0;
}

static void close_tested(struct comparison *c) {
    pool_close(c->tested_pool);
    if (c->tested)
        backend_close(c->tested);
    c->tested_pool = NULL;
    c->tested = NULL;
}

static void close_all(struct comparison *c) {
    for (size_t t = 0; t < c->tasks; t++) {
        dataset_close(c->held_out[t]);
        dataset_close(c->train[t]);
    }
    pool_close(c->pool);
    pool_close(c->changed);
    if (c->cpu)
        backend_close(c->cpu);
    store_routers_clear(&c->routers);
    store_recipe_free(c->recipe);
    free(compare_ties);
}

static void run_part(struct comparison *c, const char *name,
                     int (*part)(struct comparison *, struct error *)) {
    struct error error;
    bool own = part != compare_front;
    if ((own && open_tested(c, &error)) || part(c, &error))
        compare_verdict(c, false, "%s: %s", name, error.text);
    close_tested(c);
}

static unsigned number(const char *text) {
    return (unsigned)strtoul(text, NULL, 10);
}

int main(int argc, char **argv) {
    start_process(argv, NULL);
    struct comparison c = {.precision = PRECISION_F32,
                           .device = "cuda",
                           .preferences = 7,
                           .steps = 50,
                           .finetune_steps = 20,
                           .batch = 16};
    static const struct option options[] = {
        {"device", 1, 0, 'd'},  {"precision", 1, 0, 'p'},
        {"threads", 1, 0, 't'}, {"against", 1, 0, 'a'},
        {"limit", 1, 0, 'l'},   {"preferences", 1, 0, 'n'},
        {"steps", 1, 0, 's'},   {"finetune-steps", 1, 0, 'f'},
        {"batch", 1, 0, 'b'},   {"plant-fault", 0, 0, 'x'},
        {"find", 0, 0, 'F'},    {0}};
    bool find = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'd':
            c.device = optarg;
            break;
        case 'p':
            c.precision = strcmp(optarg, "fp8") == 0    ? PRECISION_FP8
                          : strcmp(optarg, "bf16") == 0 ? PRECISION_BF16
                                                        : PRECISION_F32;
            break;
        case 't':
            c.threads = number(optarg);
            break;
        case 'a':
            c.against = number(optarg);
            break;
        case 'l':
            c.limit = number(optarg);
            break;
        case 'n':
            c.preferences = number(optarg);
            break;
        case 's':
            c.steps = number(optarg);
            break;
        case 'f':
            c.finetune_steps = number(optarg);
            break;
        case 'b':
            c.batch = number(optarg);
            break;
        case 'F':
            find = true;
            break;
        case 'x':
            c.fault = true;
            break;
        default:
            return 2;
        }
    }
    if (optind != argc - 1 || !c.preferences || !c.steps || !c.finetune_steps ||
        !c.batch) {
        fputs("compare_devices: usage: see the head of compare_devices.c\n", stderr);
        return 2;
    }
    c.folder = argv[optind];
    struct error error;
    if (backend_open(c.device, c.precision, c.threads, &c.tested, NULL, &error)) {
        printf("skipped: %s\n", error.text);
        return 77;
    }
    printf("%s, %s, against the CPU\n", c.tested->name,
           c.precision == PRECISION_FP8    ? "fp8"
           : c.precision == PRECISION_BF16 ? "bf16"
                                           : "f32");
    close_tested(&c);
    if (find)
        return 0;
    if (open_all(&c, &error)) {
        compare_verdict(&c, false, "%s", error.text);
    } else {
        run_part(&c, "logits", compare_logits);
        run_part(&c, "front", compare_front);
        if (c.precision != PRECISION_FP8) { /* nothing is trained so */
            run_part(&c, "router training", compare_router_training);
            run_part(&c, "finetuning", compare_finetuning);
        }
    }
    close_all(&c);
    printf("%zu passed, %zu failed\n", c.passed, c.failed);
    return c.failed > 0;
}
