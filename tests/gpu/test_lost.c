/* ./pwemoe on the emulated device, which is lost after so many operations or has too
 * little memory: one line that says which device, what is kept and how to go on; the
 * store is whole; and the same command, or --resume, goes on with the CPU. */
#include <jansson.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "command/run.h"

enum { EDGE = 12, CLASSES = 3, TRAIN = 24, TEST = 30, STEPS = 6 };

static void big_endian(FILE *file, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        fputc((int)(value >> shift & 255), file);
}

static FILE *create(const char *name, const char *kind) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s-%s", folder(), name, kind);
    FILE *file = fopen(path, "wb");
    if (!file)
        abort();
    return file;
}

/* Noise, with labels in turn. */
static void write_images(const char *name, uint32_t count) {
    struct random random;
    random_seed(&random, 1, count);
    FILE *images = create(name, "images-idx3-ubyte");
    FILE *labels = create(name, "labels-idx1-ubyte");
    big_endian(images, 0x803);
    big_endian(images, count);
    big_endian(images, EDGE);
    big_endian(images, EDGE);
    big_endian(labels, 0x801);
    big_endian(labels, count);
    for (uint32_t i = 0; i < count; i++) {
        fputc((int)(i % CLASSES), labels);
        for (int k = 0; k < EDGE * EDGE; k++)
            fputc((int)random_below(&random, 256), images);
    }
    fclose(images);
    fclose(labels);
}

static int set_up(void **state) {
    (void)state;
    char models[PATH_MAX + 32], recipe[4 * PATH_MAX];
    const char *srcdir = getenv("srcdir");
    if (!realpath(srcdir ? srcdir : ".", models))
        return -1;
    strcat(models, "/tests/golden/model");
    setenv("OMP_WAIT_POLICY", "passive", 1);
    setenv("PWEMOE_MODULE_DIR", "tests/gpu/emulated", 1);
    write_images("train", TRAIN);
    write_images("test", TEST);
    snprintf(recipe, sizeof recipe,
             "pretrained: %s/vit\n"
             "tasks:\n"
             "  a: {expert: %s/vit-expert0, train: train-images-idx3-ubyte, "
             "test: test-images-idx3-ubyte}\n"
             "  b: {expert: %s/vit-expert1, train: train-images-idx3-ubyte, "
             "test: test-images-idx3-ubyte}\n",
             models, models, models);
    write_file("two.yaml", recipe);
    return 0;
}

/* A new results.db under this name. */
static void begin(const char *name) {
    struct ran ran = run("init %s/%s %s/two.yaml --quiet", folder(), name, folder());
    if (ran.status)
        fail_msg("init: %s", ran.err);
    ran_free(&ran);
}

static int64_t integer(const json_t *object, const char *key) {
    return json_integer_value(json_object_get(object, key));
}

/* The file is sound, and holds so many solutions with complete figures. */
static size_t stored(const char *name) {
    json_t *rows = json_of("show %s/%s solutions --format json", folder(), name);
    size_t count = json_array_size(rows);
    json_decref(rows);
    struct ran ran = shell("sqlite3 -version > /dev/null 2>&1 || exit 0; test \"$("
                           "sqlite3 '%s/%s' 'PRAGMA integrity_check')\" = ok",
                           folder(), name);
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    return count;
}

/* A command with the device lost after so many operations. Returns whether it failed,
 * and then with one line that names the device, and how to do without it. */
static bool fails(unsigned long operations, const char *command) {
    struct ran ran = shell("EMULATION_LOSE_AFTER=%lu ./pwemoe %s --quiet --device cuda "
                           "--threads 1",
                           operations, command);
    bool failed = ran.status != 0;
    if (failed && (ran.status != 1 || !is_one_line(ran.err) || *ran.out ||
                   !strstr(ran.err, "cuda:0: ") || strstr(ran.err, "memory") ||
                   !strstr(ran.err, "--device cpu")))
        fail_msg("%s, %lu operations: status %d, '%s'", command, operations, ran.status,
                 ran.err);
    ran_free(&ran);
    return failed;
}

static int64_t last_run(const char *name, int64_t *steps) {
    json_t *rows = json_of("show %s/%s routers --format json", folder(), name);
    size_t count = json_array_size(rows);
    json_t *last = json_array_get(rows, count - 1);
    assert_non_null(last);
    int64_t id = integer(last, "run");
    *steps = integer(last, "steps_done");
    json_decref(rows);
    return id;
}

/* What was done before is kept: with later and later moments, more and more steps; and
 * the CPU goes on from each. */
static void check_training(const char *name, const char *method,
                           unsigned long operations_more) {
    char command[1200];
    size_t part_way = 0, lost = 0;
    begin(name);
    for (unsigned long operations = 5;; operations += operations_more) {
        int64_t steps;
        snprintf(command, sizeof command,
                 "train %s/%s --method %s --steps %d --batch 2 --save-interval 4",
                 folder(), name, method, STEPS);
        if (!fails(operations, command)) {
            last_run(name, &steps);
            assert_int_equal(steps, STEPS);
            break;
        }
        lost++;
        json_t *rows = json_of("show %s/%s routers --format json", folder(), name);
        bool begun = json_array_size(rows) > 0;
        json_decref(rows);
        if (!begun)
            continue;
        int64_t id = last_run(name, &steps);
        assert_true(steps < STEPS);
        part_way += steps > 0;
        struct ran ran = run("train %s/%s --resume --run %lld --quiet "
                             "--device cpu --format json",
                             folder(), name, (long long)id);
        if (ran.status)
            fail_msg("resume: %s", ran.err);
        ran_free(&ran);
        last_run(name, &steps);
        assert_int_equal(steps, STEPS);
    }
    assert_true(lost > 3 && part_way > 1);
}

static void training_goes_on(void **state) {
    (void)state;
    check_training("train.db", "ls", 110);
}

/* What a correction has learnt is the device's: it goes on from the last file. */
static void correcting_goes_on(void **state) {
    (void)state;
    check_training("correct.db", "distil", 90);
}

/* What was measured stays, and the same command measures the rest. */
static void check_measuring(const char *command, size_t all, unsigned long step) {
    size_t part_way = 0, lost = 0;
    for (unsigned long operations = 5;; operations += step) {
        struct ran ran = shell("cp %1$s/points.db %1$s/try.db", folder());
        ran_free(&ran);
        if (!fails(operations, command))
            break;
        lost++;
        size_t kept = stored("try.db");
        char known[64];
        assert_true(kept < all);
        part_way += kept > 0;
        ran = shell("./pwemoe %s --device cpu", command);
        snprintf(known, sizeof known, "%zu of %zu were measured before", kept, all);
        if (ran.status || (kept > 0 && !strstr(ran.err, known)))
            fail_msg("%s: status %d, '%s'", command, ran.status, ran.err);
        ran_free(&ran);
        assert_int_equal(stored("try.db"), all);
    }
    assert_true(lost > 1 && (all == 1 || part_way > 1));
}

static void measuring_goes_on(void **state) {
    (void)state;
    char command[1200];
    begin("points.db");
    json_decref(json_of(
        "train %s/points.db --method ls --steps 2 --batch 2 --device cpu --quiet "
        "--format json",
        folder()));
    snprintf(command, sizeof command, "front %s/try.db --grid 4", folder());
    check_measuring(command, 4, 45);
    snprintf(command, sizeof command,
             "merge %s/try.db --method average,task-arithmetic,ties,pretrained",
             folder());
    check_measuring(command, 4, 45);
    snprintf(command, sizeof command, "eval %s/try.db --preference 0.5,0.5", folder());
    check_measuring(command, 1, 30);
}

/* Memory that is too small for the models, and for one method only. */
static void memory_is_out(void **state) {
    (void)state;
    static const char *const commands[] = {
        "front %s/points.db --grid 2", "merge %s/points.db --method average",
        "eval %s/points.db --preference 0.5,0.5", "train %s/points.db --steps 2",
        "finetune %s/points.db --method ls --steps 2"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char command[1200];
        snprintf(command, sizeof command, commands[i], folder());
        struct ran ran = shell("EMULATION_MEMORY=%d ./pwemoe %s --device cuda",
                               (32 << 20) + 100000, command);
        if (ran.status != 1 || !is_one_line(ran.err) || *ran.out ||
            !strstr(ran.err, "cuda:0: out of memory") ||
            !strstr(ran.err, "--device cpu"))
            fail_msg("%s: status %d, '%s'", command, ran.status, ran.err);
        ran_free(&ran);
    }
    assert_int_equal(stored("points.db"), 0);
}

/* The state that was saved last, or a new beginning. */
static void finetuning_goes_on(void **state) {
    (void)state;
    char command[1200];
    size_t saved = 0, lost = 0;
    for (unsigned long operations = 5;; operations += 220) {
        struct ran ran = shell("rm -rf '%1$s/expert'*", folder());
        ran_free(&ran);
        begin("tune.db");
        snprintf(command, sizeof command,
                 "finetune %1$s/%2$s --task a --out %1$s/expert --steps %3$d --batch 2 "
                 "--save-interval 2",
                 folder(), "tune.db", STEPS);
        if (!fails(operations, command))
            break;
        lost++;
        bool state_there = false;
        char path[1200];
        snprintf(path, sizeof path, "%s/expert.state", folder());
        state_there = access(path, F_OK) == 0;
        saved += state_there;
        snprintf(path, sizeof path, "%s/expert", folder());
        assert_int_equal(access(path, F_OK), -1);
        ran = shell("./pwemoe %s %s --quiet --device cpu", command,
                    state_there ? "--resume" : "");
        if (ran.status)
            fail_msg("resume after %lu operations: %s", operations, ran.err);
        ran_free(&ran);
        assert_int_equal(access(path, F_OK), 0);
        ran = shell("rm '%s/%s'", folder(), "tune.db");
        ran_free(&ran);
    }
    assert_true(lost > 2 && saved > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_goes_on),   cmocka_unit_test(correcting_goes_on),
        cmocka_unit_test(measuring_goes_on),  cmocka_unit_test(memory_is_out),
        cmocka_unit_test(finetuning_goes_on),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
