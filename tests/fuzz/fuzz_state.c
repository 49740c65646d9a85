/* The states that training goes on from: of routers (in a results.db) and of
 * fine-tuning (a file). Behind its first byte, which chooses between the two, an input
 * is a list of changes (changes.h) to a whole state. What is accepted can be saved
 * again, and is accepted then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../support/finetuning.h"
#include "changes.h"
#include "train/router_training.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    struct backend *backend;
    struct pool *pool;
    struct dataset *data[2];
    struct router_training *routers;
    struct finetuning *finetuning;
    struct trainer of_routers, of_models;
    uint8_t *base[2];
    size_t size[2];
    const char *path, *again;
} f;

static void clean(void) {
    router_training_free(f.routers);
    finetuning_free(f.finetuning);
    for (size_t t = 0; t < 2; t++) {
        dataset_close(f.data[t]);
        free(f.base[t]);
    }
    pool_close(f.pool);
    backend_close(f.backend);
}

static struct dataset *examples(size_t edge, size_t classes) {
    enum { COUNT = 8 };
    struct dataset *d = calloc(1, sizeof *d);
    require(d != NULL);
    d->count = COUNT;
    d->classes = classes;
    d->size = edge;
    d->pixels = calloc(COUNT, 3 * edge * edge);
    d->labels = calloc(COUNT, sizeof *d->labels);
    return d;
}

static void open_pool(void) {
    const char *source = getenv("srcdir");
    char note[256], paths[3][1024];
    struct pool_task tasks[2];
    struct error error;
    for (int i = 0; i < 3; i++)
        snprintf(paths[i], sizeof paths[i], "%s/tests/golden/model/%s",
                 source ? source : ".",
                 i == 2   ? "vit"
                 : i == 1 ? "vit-expert1"
                          : "vit-expert0");
    for (int t = 0; t < 2; t++)
        tasks[t] = (struct pool_task){.name = "t", .expert = paths[t], .head = ""};
    if (backend_open("cpu", PRECISION_F32, 1, &f.backend, note, &error) ||
        pool_open(f.backend, NULL, paths[2], tasks, 2, &f.pool, NULL, &error)) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
    for (size_t t = 0; t < 2; t++)
        f.data[t] =
            examples(f.pool->layout->config.image_size, f.pool->heads[t].classes);
}

static void read_whole(const char *path, uint8_t **bytes, size_t *size) {
    struct stat about;
    FILE *file = fopen(path, "rb");
    require(file && fstat(fileno(file), &about) == 0);
    *size = (size_t)about.st_size;
    *bytes = malloc(*size);
    require(*bytes && fread(*bytes, 1, *size, file) == *size);
    fclose(file);
}

static void prepare(void) {
    struct error error;
    open_pool();
    struct router_training_options of_routers = router_training_defaults(MODEL_VIT);
    struct finetuning_options of_models = finetuning_defaults();
    of_routers.steps = 4;
    of_routers.batch = of_models.batch = 2;
    of_models.steps = 4;
    const struct dataset *train[] = {f.data[0], f.data[1]};
    const double preference[] = {0.5, 0.5};
    size_t count = f.pool->layout->size;
    float *weights = calloc(count, sizeof *weights);
    struct finetuning_task_set set = {
        .tasks = 2, .train = train, .heads = f.pool->heads, .preference = preference};
    require(weights &&
            router_training_new(f.pool, train, &of_routers, &f.routers, &error) == 0 &&
            finetuning_new(f.backend, f.pool->layout, &f.pool->form.preprocess, weights,
                           &set, &of_models, &f.finetuning, &error) == 0);
    free(weights);
    f.of_routers = router_training_trainer(f.routers);
    f.of_models = finetuning_trainer(f.finetuning);
    f.path = fuzz_file("state");
    f.again = fuzz_file("again");
    void *state;
    require(f.of_routers.kind->save(f.routers, &state, &f.size[0], &error) == 0 &&
            f.of_models.kind->save_file(f.finetuning, f.path, "a note", &error) == 0);
    f.base[0] = state;
    read_whole(f.path, &f.base[1], &f.size[1]);
    atexit(clean);
}

static void resume_routers(const void *bytes, size_t size) {
    struct error error = {.text = ""};
    void *again;
    size_t length;
    if (f.of_routers.kind->resume(f.routers, bytes, size, &error)) {
        require(*error.text && !strchr(error.text, '\n'));
        return;
    }
    require(f.of_routers.kind->save(f.routers, &again, &length, &error) == 0 &&
            f.of_routers.kind->resume(f.routers, again, length, &error) == 0);
    free(again);
}

static void resume_finetuning(const void *bytes, size_t size) {
    struct error error = {.text = ""};
    char *note = NULL, *kept = NULL;
    fuzz_write(f.path, bytes, size);
    if (f.of_models.kind->resume_file(f.finetuning, f.path, &note, &error)) {
        require(*error.text && !strchr(error.text, '\n'));
        return;
    }
    require(f.of_models.kind->save_file(f.finetuning, f.again, note, &error) == 0 &&
            f.of_models.kind->resume_file(f.finetuning, f.again, &kept, &error) == 0);
    free(note);
    free(kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!f.pool)
        prepare();
    if (size == 0)
        return 0;
    size_t which = *data & 1, length;
    uint8_t *changed =
        changes_apply(f.base[which], f.size[which], data + 1, size - 1, &length);
    if (which)
        resume_finetuning(changed, length);
    else
        resume_routers(changed, length);
    free(changed);
    return 0;
}
