#include "project.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/random.h"
#include "run.h"

enum { EDGE = 12, CLASSES = 3 };

const char *models(void) {
    static char path[PATH_MAX + 32];
    const char *srcdir = getenv("srcdir");
    if (!realpath(srcdir ? srcdir : ".", path))
        abort();
    strcat(path, "/tests/golden/model");
    return path;
}

static void big_endian(FILE *file, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        fputc((int)(value >> shift & 255), file);
}

static FILE *create(const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    FILE *file = fopen(path, "wb");
    if (!file)
        abort();
    return file;
}

/* Noise with one bright row band a class. */
static void write_images(const char *task, const char *split, uint32_t count,
                         uint64_t seed) {
    char name[128];
    struct random random;
    random_seed(&random, seed, count);
    snprintf(name, sizeof name, "data/%s-%s-images-idx3-ubyte", task, split);
    FILE *images = create(name);
    snprintf(name, sizeof name, "data/%s-%s-labels-idx1-ubyte", task, split);
    FILE *labels = create(name);
    big_endian(images, 0x803);
    big_endian(images, count);
    big_endian(images, EDGE);
    big_endian(images, EDGE);
    big_endian(labels, 0x801);
    big_endian(labels, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t label = i % CLASSES;
        fputc((int)label, labels);
        for (uint32_t y = 0; y < EDGE; y++)
            for (uint32_t x = 0; x < EDGE; x++)
                fputc((int)random_below(&random, 120) +
                          (y / (EDGE / CLASSES) == label ? 120 : 0),
                      images);
    }
    fclose(images);
    fclose(labels);
}

int make_project(void **state) {
    (void)state;
    char path[1024], recipe[4096];
    setenv("OMP_WAIT_POLICY", "passive", 1); /* many small processes share the cores */
    snprintf(path, sizeof path, "%s/data", folder());
    if (mkdir(path, 0777))
        return -1;
    static const char *const tasks[] = {"a", "b", "c"};
    for (size_t t = 0; t < 3; t++) {
        write_images(tasks[t], "train", PROJECT_TRAIN, t);
        write_images(tasks[t], "test", PROJECT_TEST, 10 + t);
    }
    snprintf(recipe, sizeof recipe,
             "pretrained: %s/vit\n"
             "tasks:\n"
             "  a: {expert: %s/vit-expert0, train: data/a-train-images-idx3-ubyte, "
             "test: data/a-test-images-idx3-ubyte}\n"
             "  b: {expert: %s/vit-expert1, train: data/b-train-images-idx3-ubyte, "
             "test: data/b-test-images-idx3-ubyte}\n",
             models(), models(), models());
    write_file("two.yaml", recipe);
    snprintf(recipe, sizeof recipe,
             "pretrained: %s/vit\n"
             "tasks:\n"
             "  c: {train: data/c-train-images-idx3-ubyte, "
             "test: data/c-test-images-idx3-ubyte}\n",
             models());
    write_file("own.yaml", recipe);
    snprintf(recipe, sizeof recipe,
             "pretrained: %s/vit\n"
             "tasks:\n"
             "  c: {train: data/c-train-images-idx3-ubyte, "
             "test: data/c-test-images-idx3-ubyte}\n"
             "  d: {train: data/c-train-images-idx3-ubyte, "
             "test: data/c-test-images-idx3-ubyte}\n",
             models());
    write_file("missing.yaml", recipe);
    return 0;
}

void new_store(const char *name) {
    struct ran ran = run("init %s/%s %s/two.yaml --quiet", folder(), name, folder());
    if (ran.status || *ran.err || *ran.out)
        fail_msg("init: %d '%s'", ran.status, ran.err);
    ran_free(&ran);
}

double number(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

const char *string(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

void model_at_the_centre(const char *name, char hex[65]) {
    json_t *rows =
        json_of("eval %s/%s --preference 0.5,0.5 --format json", folder(), name);
    snprintf(hex, 65, "%s", string(json_array_get(rows, 0), "model_sha256"));
    assert_int_equal(strlen(hex), 64);
    json_decref(rows);
}

void assert_same_curve(const char *one, const char *two) {
    struct ran a = run("show %s/%s training --run 1 --format json", folder(), one);
    struct ran b = run("show %s/%s training --run 1 --format json", folder(), two);
    assert_int_equal(a.status, 0);
    assert_true(strlen(a.out) > 1000);
    assert_string_equal(a.out, b.out);
    ran_free(&a);
    ran_free(&b);
}
