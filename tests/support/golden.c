#include "support/golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

const char *golden_path(const char *name) {
    static char paths[4][1024];
    static unsigned next;
    char *path = paths[next++ % 4];
    const char *source = getenv("srcdir");
    snprintf(path, sizeof paths[0], "%s/tests/golden/%s", source ? source : ".", name);
    return path;
}

struct safetensors *golden_open(const char *name) {
    struct safetensors *file;
    struct error error;
    if (safetensors_open(golden_path(name), &file, &error))
        fail_msg("%s", error.text);
    return file;
}

const struct tensor *golden_tensor(const struct safetensors *file, const char *name) {
    const struct tensor *tensor = safetensors_find(file, name);
    if (!tensor)
        fail_msg("the golden file has no %s", name);
    return tensor;
}

double *golden_values(const struct safetensors *file, const char *name) {
    const struct tensor *tensor = golden_tensor(file, name);
    double *values = malloc((size_t)tensor->count * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < tensor->count; i++) {
        if (tensor->dtype == DTYPE_F64) {
            memcpy(&values[i], (const char *)tensor->data + 8 * i, 8);
        } else {
            float f;
            assert_int_equal(tensor->dtype, DTYPE_F32);
            memcpy(&f, (const char *)tensor->data + 4 * i, 4);
            values[i] = (double)f;
        }
    }
    return values;
}

int32_t *golden_labels(const struct safetensors *file, const char *name) {
    const struct tensor *tensor = golden_tensor(file, name);
    assert_int_equal(tensor->dtype, DTYPE_I32);
    int32_t *values = malloc((size_t)tensor->bytes);
    assert_non_null(values);
    memcpy(values, tensor->data, (size_t)tensor->bytes);
    return values;
}

void golden_close(const char *what, const float *got, const double *expected,
                  size_t count, double relative) {
    double largest = 0, worst = 0;
    size_t where = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)got[i] - expected[i]);
        if (!(difference <= worst)) { /* NaN is the worst */
            worst = difference;
            where = i;
        }
        if (fabs(expected[i]) > largest)
            largest = fabs(expected[i]);
    }
    if (!(worst <= relative * largest))
        fail_msg("%s[%zu] is %.9g, expected %.9g (off by %.3g of the largest, %.3g "
                 "allowed)",
                 what, where, (double)got[where], expected[where], worst / largest,
                 relative);
}

static void take_texts(const struct safetensors *file, const char *suffix, size_t first,
                       struct dataset *d) {
    char name[64];
    snprintf(name, sizeof name, "ids%s", suffix);
    size_t rank = golden_tensor(file, name)->rank;
    size_t longest = (size_t)golden_tensor(file, name)->shape[rank - 1];
    int32_t *ids = golden_labels(file, name);
    snprintf(name, sizeof name, "lengths%s", suffix);
    int32_t *lengths = golden_labels(file, name);
    d->begin = array_new(d->count + 1, sizeof *d->begin);
    d->tokens = array_new(d->count * longest, sizeof *d->tokens);
    assert_true(d->begin && d->tokens);
    for (size_t i = 0; i < d->count; i++) {
        size_t length = (size_t)lengths[first + i];
        memcpy(d->tokens + d->begin[i], ids + (first + i) * longest,
               length * sizeof *ids);
        d->begin[i + 1] = d->begin[i] + length;
    }
    free(ids);
    free(lengths);
}

struct dataset *golden_examples(const struct safetensors *file, const char *suffix,
                                size_t first, size_t count) {
    char name[64];
    struct dataset *d = array_new(1, sizeof *d);
    assert_non_null(d);
    d->count = count;
    d->classes = 1;
    d->labels = array_new(count, sizeof *d->labels);
    assert_non_null(d->labels);
    snprintf(name, sizeof name, "pixels%s", suffix);
    const struct tensor *pixels = safetensors_find(file, name);
    if (!pixels) {
        take_texts(file, suffix, first, d);
        return d;
    }
    d->size = (size_t)pixels->shape[pixels->rank - 1];
    size_t image = 3 * d->size * d->size;
    d->pixels = array_new(count, image);
    assert_non_null(d->pixels);
    assert_true((first + count) * image <= pixels->bytes);
    memcpy(d->pixels, (const uint8_t *)pixels->data + first * image, count * image);
    return d;
}

void golden_pool(const char *kind, unsigned threads, struct backend **backend,
                 struct pool **pool) {
    enum { TASKS = 3 };
    char note[256], name[128], pretrained[1100], experts[TASKS][1100];
    char heads[TASKS][1100];
    struct pool_task list[TASKS];
    struct error error;
    bool clip = strcmp(kind, "clip") == 0;
    snprintf(name, sizeof name, "model/%s", kind);
    snprintf(pretrained, sizeof pretrained, "%s", golden_path(name));
    for (size_t t = 0; t < TASKS; t++) {
        snprintf(name, sizeof name, "model/%s-expert%zu", kind, t);
        snprintf(experts[t], sizeof experts[t], "%s", golden_path(name));
        snprintf(name, sizeof name, "model/clip-head%zu.safetensors", t);
        snprintf(heads[t], sizeof heads[t], "%s", clip ? golden_path(name) : "");
        list[t] =
            (struct pool_task){.name = "t", .expert = experts[t], .head = heads[t]};
    }
    if (backend_open("cpu", PRECISION_F32, threads, backend, note, &error) ||
        pool_open(*backend, NULL, pretrained, list, TASKS, pool, NULL, &error))
        fail_msg("%s", error.text);
}

struct dataset *golden_task_examples(const char *kind, const struct pool *pool,
                                     size_t task, size_t count) {
    char name[64];
    snprintf(name, sizeof name, "methods-%s.safetensors", kind);
    struct safetensors *golden = golden_open(name);
    snprintf(name, sizeof name, ".%zu", task);
    struct dataset *data = golden_examples(golden, name, 0, count);
    safetensors_close(golden);
    data->classes = pool->heads[task].classes;
    return data;
}

void golden_multiply(struct dataset *d, size_t count, size_t task) {
    size_t image = 3 * d->size * d->size, had = d->count;
    d->pixels = realloc(d->pixels, count * image);
    d->labels = realloc(d->labels, count * sizeof *d->labels);
    assert_true(d->pixels && d->labels);
    for (size_t i = had; i < count; i++)
        for (size_t j = 0; j < image; j++)
            d->pixels[i * image + j] =
                (uint8_t)(d->pixels[i % had * image + j] + 3 * i + task);
    for (size_t i = 0; i < count; i++)
        d->labels[i] = i >= count / 2;
    d->count = count;
    d->classes = 2;
}
