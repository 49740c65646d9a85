/* From a recipe to an exported model by ./pwemoe alone, over tiny golden models and
 * images made here; stops, kills and refusals along the way. */
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

enum { EDGE = 12, CLASSES = 3, TRAIN = 48, TEST = 60 };

static const char *models(void) {
    static char path[1024];
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

static int set_up(void **state) {
    (void)state;
    char path[1024], recipe[4096];
    setenv("OMP_WAIT_POLICY", "passive", 1); /* many small processes share the cores */
    snprintf(path, sizeof path, "%s/data", folder());
    if (mkdir(path, 0777))
        return -1;
    static const char *const tasks[] = {"a", "b", "c"};
    for (size_t t = 0; t < 3; t++) {
        write_images(tasks[t], "train", TRAIN, t);
        write_images(tasks[t], "test", TEST, 10 + t);
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

/* A new results.db of the two-task recipe under this name. */
static void begin(const char *name) {
    struct ran ran = run("init %s/%s %s/two.yaml --quiet", folder(), name, folder());
    if (ran.status || *ran.err || *ran.out)
        fail_msg("init: %d '%s'", ran.status, ran.err);
    ran_free(&ran);
}

static double number(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

static const char *string(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void init_keeps_the_recipe(void **state) {
    (void)state;
    begin("init.db");
    json_t *rows = json_of("show %s/init.db objectives --format json", folder());
    assert_int_equal(json_array_size(rows), 2);
    json_t *a = json_array_get(rows, 0);
    assert_string_equal(string(a, "task"), "a");
    assert_string_equal(string(a, "direction"), "max");
    assert_string_equal(string(a, "test"), "data/a-test-images-idx3-ubyte");
    assert_true(string(a, "expert")[0] == '/'); /* not below the folder */
    assert_int_equal(strlen(string(a, "expert_sha256")), 64);
    json_decref(rows);
    expect_error(1, "exists already", "init %s/init.db %s/two.yaml", folder(),
                 folder());
    json_t *log = json_of("show %s/init.db log --format json", folder());
    assert_int_equal(json_array_size(log), 1);
    json_decref(log);
}

static void init_refuses(void **state) {
    (void)state;
    static const struct {
        const char *recipe, *says;
    } cases[] = {
        {"pretrained: nowhere\ntasks: {a: {test: data}}\n", "nowhere"},
        {"pretrained: %s/vit\ntasks: {a: {test: nothere}}\n", "nothere: test data"},
        {"pretrained: %s/vit\ntasks: {a: {test: data, expert: none}}\n", "none"},
        {"pretrained: %s/vit\ntasks: {a: {test: data, head: none}}\n", "the head"},
        {"pretrained: %s/vit\ntasks: {a: {test: data, head: zero-shot}}\n",
         "zero-shot needs a CLIP model"},
        {"pretrained: %s/vit\nmodel: clip-vision\ntasks: {a: {test: data}}\n", "vit"},
        {"pretrained: %s/vit\ntasks: {a: {tset: data}}\n", "did you mean 'test'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char recipe[2048];
        snprintf(recipe, sizeof recipe, cases[i].recipe, models());
        write_file("bad.yaml", recipe);
        expect_error(1, cases[i].says, "init %s/bad.db %s/bad.yaml", folder(),
                     folder());
    }
    expect_error(2, "--ref has 3 numbers", "init %s/bad.db %s/two.yaml --ref 1,2,3",
                 folder(), folder());
    /* Every tensor that does not fit is one line. */
    char recipe[2048];
    snprintf(recipe, sizeof recipe,
             "pretrained: %s/vit\ntasks: {a: {test: data, expert: %s/clip}}\n",
             models(), models());
    write_file("bad.yaml", recipe);
    struct ran ran = run("init %s/bad.db %s/bad.yaml", folder(), folder());
    assert_int_equal(ran.status, 1);
    size_t lines = 0;
    for (const char *p = ran.err; *p; p = strchr(p, '\n') + 1, lines++)
        assert_int_equal(strncmp(p, "pwemoe: ", 8), 0);
    assert_true(lines > 5);
    assert_non_null(strstr(ran.err, "use experts fine-tuned from it"));
    ran_free(&ran);
    ran = shell("test ! -e %s/bad.db", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
}

static void merge_measures_once(void **state) {
    (void)state;
    begin("merge.db");
    json_t *rows = json_of("merge %s/merge.db --format json --method "
                           "pretrained,stl,average,task-arithmetic --scales 0:1:3",
                           folder());
    assert_int_equal(json_array_size(rows), 6);
    json_t *stl = json_array_get(rows, 1), *average = json_array_get(rows, 2);
    json_t *zero = json_array_get(rows, 3), *half = json_array_get(rows, 4);
    assert_string_equal(string(stl, "kind"), "single");
    assert_string_equal(string(stl, "model_sha256"), "");
    assert_true(number(json_object_get(half, "parameters"), "scale") == 0.5);
    /* With two experts the average is task arithmetic at one half, and the
     * coefficient 0 is the pretrained model. */
    assert_string_equal(string(half, "model_sha256"), string(average, "model_sha256"));
    assert_string_equal(string(zero, "model_sha256"),
                        string(json_array_get(rows, 0), "model_sha256"));
    json_t *a = json_object_get(json_object_get(half, "objectives"), "a");
    assert_true(number(a, "examples") == TEST);
    assert_true(json_is_true(json_object_get(a, "complete")));
    double low = json_number_value(json_array_get(json_object_get(a, "interval"), 0));
    assert_true(low < number(a, "value"));
    /* What the making took is known of models that are made. */
    assert_true(number(half, "seconds") > 0 && number(half, "seconds") < 600);
    assert_true(number(half, "peak_bytes") > 1 << 20);
    assert_true(json_is_null(json_object_get(stl, "peak_bytes")));
    json_decref(rows);
    static const char *const again[] = {"--scales 0.5", "--set scale=0.5"};
    for (size_t i = 0; i < 2; i++) {
        struct ran ran =
            run("merge %s/merge.db --method task-arithmetic %s", folder(), again[i]);
        assert_int_equal(ran.status, 0);
        assert_non_null(strstr(ran.err, "1 of 1 were measured before"));
        ran_free(&ran);
    }
    rows = json_of("show %s/merge.db solutions --format json", folder());
    assert_int_equal(json_array_size(rows), 6);
    json_decref(rows);
    rows = json_of("show %s/merge.db solutions --method stl --format json", folder());
    assert_int_equal(json_array_size(rows), 1);
    json_decref(rows);
}

static void merge_refuses(void **state) {
    (void)state;
    begin("refuse.db");
    expect_error(2, "--method is missing", "merge %s/refuse.db", folder());
    expect_error(2, "did you mean average", "merge %s/refuse.db --method averge",
                 folder());
    static const char *const scales[] = {"0:1",     "0:1:0",   "a:b:3",
                                         "0:1:3:4", "0:1:1e3", "nan"};
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
        expect_error(2, "--scales", "merge %s/refuse.db --method average --scales %s",
                     folder(), scales[i]);
    expect_error(2, "exclude each other",
                 "merge %s/refuse.db --method ties --scales 0.5 --set scale=0.4",
                 folder());
    expect_error(2, "has no parameter 'kep'",
                 "merge %s/refuse.db --method ties,average --set kep=0.4", folder());
    expect_error(2, "no preference is taken",
                 "merge %s/refuse.db --method ties --preference 0.5,0.5", folder());
    expect_error(1, "nodb.db", "merge %s/nodb.db --method average", folder());
    expect_error(1, "two.yaml", "show %s/two.yaml solutions", folder());
    expect_error(2, "did you mean 'front'", "show %s/refuse.db fornt", folder());
    expect_error(1, "no routers trained that way", "front %s/refuse.db --upscale mlp",
                 folder());
    expect_error(2, "average takes no preference",
                 "front %s/refuse.db --method average", folder());
    expect_error(2, "wudi needs no training",
                 "front %s/refuse.db --method wudi --run 1", folder());
    expect_error(2, "wudi has no parameter 'scale'", "front %s/refuse.db --set scale=1",
                 folder());
    expect_error(2, "wudi: shrink is a number",
                 "eval %s/refuse.db --preference 0.5,0.5 --set shrink=2", folder());
    expect_error(2, "wudi is not trained", "front %s/refuse.db --all-steps", folder());
    expect_error(2, "--set: ls has no parameters",
                 "front %s/refuse.db --method ls --set ridge=1", folder());
    expect_error(2, "one of --preference", "eval %s/refuse.db", folder());
    expect_error(2, "sums to 0.9", "eval %s/refuse.db --preference 0.4,0.5", folder());
    expect_error(2, "--preference", "eval %s/refuse.db --preference 1", folder());
    expect_error(1, "no solution 7", "eval %s/refuse.db --solution 7", folder());
    expect_error(2, "--out is missing", "export %s/refuse.db --solution 7", folder());
    expect_error(2, "no task 'x'", "export %s/refuse.db --solution 7 --out o --head x",
                 folder());
    expect_error(2, "method", "train %s/refuse.db --method xls", folder());
    expect_error(2, "give one of mlp", "train %s/refuse.db --upscale atn+mlp",
                 folder());
    expect_error(1, "unfinished run", "train %s/refuse.db --resume", folder());
    expect_error(2, "--run goes with --resume", "train %s/refuse.db --run 1", folder());
    expect_error(2, "no task 'zz'", "finetune %s/refuse.db --task zz", folder());
    expect_error(1, "not known", "merge %s/refuse.db --method average --device tpu",
                 folder());
}

/* The hash of the model at (0.5, 0.5) by the routers of the newest run. */
static void model_at_the_centre(const char *name, char hex[65]) {
    json_t *rows =
        json_of("eval %s/%s --preference 0.5,0.5 --format json", folder(), name);
    snprintf(hex, 65, "%s", string(json_array_get(rows, 0), "model_sha256"));
    assert_int_equal(strlen(hex), 64);
    json_decref(rows);
}

#define TRAINING \
    "--upscale mlp --batch 4 --steps 500 --save-interval 5 --seed 3 --threads 1"

/* To the last digit that is stored. */
static void assert_same_curve(const char *one, const char *two) {
    struct ran a = run("show %s/%s training --run 1 --format json", folder(), one);
    struct ran b = run("show %s/%s training --run 1 --format json", folder(), two);
    assert_int_equal(a.status, 0);
    assert_true(strlen(a.out) > 1000);
    assert_string_equal(a.out, b.out);
    ran_free(&a);
    ran_free(&b);
}

static void train_resumes_to_the_same_numbers(void **state) {
    (void)state;
    begin("whole.db");
    begin("parts.db");
    json_t *rows = json_of("train %s/whole.db " TRAINING " --format json", folder());
    json_t *row = json_array_get(rows, 0);
    assert_true(number(row, "steps_done") == 500);
    assert_true(json_is_true(json_object_get(row, "complete")));
    assert_true(number(json_object_get(row, "parameters"), "seed") == 3);
    /* A router of 2 -> 4 -> 2 has 22 numbers; there are two blocks. */
    assert_true(number(row, "trainable") == 44);
    assert_true(number(row, "peak_bytes") > 1 << 20);
    json_decref(rows);
    rows = json_of("show %s/whole.db routers --run 1 --format json", folder());
    assert_int_equal(json_array_size(rows), 2);
    row = json_array_get(rows, 1);
    assert_string_equal(string(row, "module"), "block 1 mlp");
    assert_true(number(row, "layers") == 2 && number(row, "parameters") == 22);
    json_t *weights = json_object_get(row, "weights_at_equal_preference");
    assert_int_equal(json_array_size(weights), 2);
    assert_true(json_real_value(json_array_get(weights, 0)) != 0);
    json_decref(rows);
    expect_error(1, "no routers of a run 99", "show %s/whole.db routers --run 99",
                 folder());
    /* Stopped by SIGINT as soon as something is saved. The run may end before the
     * signal arrives; it then has nothing to resume, and the test says so. */
    struct ran ran = shell(
        "./pwemoe train %1$s/parts.db " TRAINING " & pid=$!; "
        "for i in $(seq 6000); do "
        "./pwemoe show %1$s/parts.db training --format csv | grep -q ,5, && break; "
        "./pwemoe show %1$s/parts.db training --format csv | grep -q ,10, && break; "
        "sleep 0.02; done; kill -INT $pid; wait $pid",
        folder());
    if (ran.status == 0) {
        ran_free(&ran);
        skip();
    }
    assert_int_equal(ran.status, 1);
    assert_true(is_one_line(ran.err));
    assert_non_null(strstr(ran.err, "which is saved"));
    assert_non_null(strstr(ran.err, "--resume --run 1"));
    ran_free(&ran);
    expect_error(1, "--lr 0.5: the run has 0.01",
                 "train %s/parts.db --resume --run 1 --seed 3 --lr 0.5", folder());
    rows = json_of("train %s/parts.db --resume --run 1 --upscale mlp --threads 1 "
                   "--format json",
                   folder());
    row = json_array_get(rows, 0);
    assert_true(number(row, "run") == 1);
    assert_true(number(row, "steps_done") == 500);
    json_decref(rows);
    char whole[65], parts[65];
    model_at_the_centre("whole.db", whole);
    model_at_the_centre("parts.db", parts);
    assert_string_equal(whole, parts);
    assert_same_curve("whole.db", "parts.db");
    expect_error(1, "unfinished run", "train %s/parts.db --resume --upscale mlp",
                 folder());
}

#define CORRECTION "--steps 300 --batch 4 --save-interval 10 --threads 1 --quiet"

/* Killed after a save, its file under another name, a correction goes on to the same
 * curve and the same models as one that was never interrupted. */
static void a_correction_resumes_to_the_same_numbers(void **state) {
    (void)state;
    begin("correct.db");
    begin("half.db");
    json_decref(json_of("train %s/correct.db " CORRECTION " --format json", folder()));
    struct ran ran = shell(
        "f=%1$s/half.db; ./pwemoe train $f " CORRECTION " & pid=$!; "
        "for i in $(seq 6000); do kill -STOP $pid || break; test -e $f.run1.state && "
        "./pwemoe show $f training --format csv | grep -q ,10, && break; "
        "kill -CONT $pid; sleep 0.01; done; kill -KILL $pid; wait $pid; "
        "mv $f %1$s/moved.db; mv $f-wal %1$s/moved.db-wal; mv $f-shm "
        "%1$s/moved.db-shm; "
        "./pwemoe show %1$s/moved.db routers --format csv | grep -q ,false,",
        folder());
    int status = ran.status;
    ran_free(&ran);
    if (status) /* it was done before it was looked at */
        skip();
    json_decref(
        json_of("train %s/moved.db --resume --threads 1 --format json", folder()));
    assert_same_curve("correct.db", "moved.db");
    char whole[65], parts[65];
    model_at_the_centre("correct.db", whole);
    model_at_the_centre("moved.db", parts);
    assert_string_equal(whole, parts);
    ran = shell("test ! -e %1$s/half.db.run1.state", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
}

static void smoothing_is_a_setting_of_stch(void **state) {
    (void)state;
    begin("stch.db");
    expect_error(2, "--smoothing does not go with --method ls",
                 "train %s/stch.db --method ls --smoothing 0.2", folder());
    expect_error(2, "--smoothing does not go with --method epo",
                 "finetune %s/stch.db --method epo --smoothing 0.2", folder());
    static const char *const smoothed[] = {"stch --smoothing 0.25", "ls"};
    for (size_t i = 0; i < 2; i++) {
        json_t *rows = json_of("train %s/stch.db --upscale mlp --steps 2 --batch 2 "
                               "--method %s --format json",
                               folder(), smoothed[i]);
        json_t *row = json_array_get(rows, 0);
        json_t *value =
            json_object_get(json_object_get(row, "parameters"), "smoothing");
        assert_true(i == 0 ? json_number_value(value) == 0.25 : !value);
        json_decref(rows);
    }
    json_t *rows = json_of("finetune %1$s/stch.db --method stch --steps 2 --batch 2 "
                           "--preference 0.25,0.75 --out %1$s/stch-model --format json",
                           folder());
    json_t *row = json_array_get(rows, 0);
    assert_true(number(json_object_get(row, "parameters"), "smoothing") == 0.1);
    json_decref(rows);
}

/* A run that is being trained is nobody else's; one that was killed goes on at once,
 * and ends as one that was never interrupted. */
static void a_run_has_one_trainer(void **state) {
    (void)state;
    begin("killed.db");
    /* It is asleep while it is looked at: the machine may be slow. */
    struct ran ran =
        shell("f=%1$s/killed.db; ./pwemoe train $f " TRAINING
              " --save-interval 100 --quiet & pid=$!; "
              "for i in $(seq 6000); do kill -STOP $pid; "
              "./pwemoe show $f training --format csv | grep -q ,10, && "
              "./pwemoe train $f --resume --upscale mlp > %1$s/killed.said 2>&1; "
              "grep -q 'run 1 is being trained by process' %1$s/killed.said && break; "
              "kill -CONT $pid || break; sleep 0.02; done; kill -KILL $pid; wait $pid; "
              "grep -q 'run 1 is being trained by process' %1$s/killed.said",
              folder());
    bool told = ran.status == 0;
    ran_free(&ran);
    ran = run("train %s/killed.db --resume --upscale mlp --threads 1", folder());
    if (strstr(ran.err,
               "no unfinished run")) { /* it was done before it was looked at */
        ran_free(&ran);
        skip();
    }
    assert_true(told);
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    assert_same_curve("whole.db", "killed.db");
}

static void front_goes_on(void **state) {
    (void)state;
    begin("front.db");
    struct ran ran = run("train %s/front.db --upscale attn+mlp --steps 3 --batch 2 "
                         "--quiet",
                         folder());
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.err, "");
    ran_free(&ran);
    json_t *rows = json_of("front %s/front.db --grid 3 --format json", folder());
    assert_int_equal(json_array_size(rows), 3);
    json_t *preference = json_object_get(json_array_get(rows, 1), "preference");
    assert_true(json_number_value(json_array_get(preference, 0)) == 0.5);
    assert_string_equal(string(json_array_get(rows, 0), "upscale"), "attn+mlp");
    json_decref(rows);
    /* 5 points an edge hold the 3 of before. */
    ran = run("front %s/front.db --grid 5", folder());
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.err, "3 of 5 were measured before"));
    ran_free(&ran);
    write_file("rays.csv", "3 1\n1,1\n");
    rows = json_of("front %s/front.db --rays %s/rays.csv --format json", folder(),
                   folder());
    assert_int_equal(json_array_size(rows), 2);
    json_decref(rows);
    rows = json_of("show %s/front.db solutions --format json", folder());
    assert_int_equal(json_array_size(rows), 5);
    json_decref(rows);
    expect_error(1, "row 2 is not a preference",
                 "front %1$s/front.db --rays - <<'E'\n1 1\n-1 2\nE", folder());
    expect_error(1, "3 numbers a row", "front %s/front.db --rays - <<'E'\n1 1 1\nE",
                 folder());
    expect_error(2, "exclude each other", "front %s/front.db --grid 3 --random 4",
                 folder());
    expect_error(1, "no routers trained that way", "front %s/front.db --method epo",
                 folder());
    expect_error(1, "no routers of a run 9", "front %s/front.db --run 9", folder());
}

/* Right after init: a front by the closed form, a point of it measured and exported,
 * and what was exported is what was measured. */
static void a_front_without_training(void **state) {
    (void)state;
    begin("untrained.db");
    json_t *rows = json_of("front %s/untrained.db --grid 3 --format json", folder());
    assert_int_equal(json_array_size(rows), 3);
    json_t *row = json_array_get(rows, 1);
    assert_string_equal(string(row, "kind"), "merge");
    assert_string_equal(string(row, "method"), "wudi");
    json_t *parameters = json_object_get(row, "parameters");
    assert_true(number(parameters, "ridge") == 0);
    char hex[65], from_front[65];
    snprintf(from_front, sizeof from_front, "%s", string(row, "model_sha256"));
    assert_string_not_equal(from_front,
                            string(json_array_get(rows, 0), "model_sha256"));
    json_decref(rows);
    model_at_the_centre("untrained.db", hex);
    assert_string_equal(hex, from_front);
    /* Equal weights are what merge takes where none are given: it is there already. */
    struct ran ran = run("merge %s/untrained.db --method wudi", folder());
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.err, "1 of 1 were measured before"));
    ran_free(&ran);
    ran = run("export %1$s/untrained.db --preference 0.5,0.5 --out %1$s/untrained-out",
              folder());
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.err, hex));
    ran_free(&ran);
    char path[1200];
    snprintf(path, sizeof path, "%s/untrained-out/pwemoe.json", folder());
    json_t *told = json_load_file(path, 0, NULL);
    assert_true(number(json_object_get(told, "settled"), "ridge") > 0);
    json_decref(told);
    /* A vertex without shrinking is that expert. */
    rows = json_of("eval %s/untrained.db --preference 0,1 --set shrink=0 --format json",
                   folder());
    char at_vertex[65];
    snprintf(at_vertex, sizeof at_vertex, "%s",
             string(json_array_get(rows, 0), "model_sha256"));
    json_decref(rows);
    assert_int_equal(strlen(at_vertex), 64);
}

/* train with nothing but the file: a correction, which then answers preferences; the
 * whole weight on one task is that task's expert; and an export is what was measured.
 */
static void a_correction_is_trained(void **state) {
    (void)state;
    begin("correction.db");
    expect_error(2, "--upscale does not go with --method distil",
                 "train %s/correction.db --method distil --upscale mlp", folder());
    expect_error(2, "--lambda does not go with",
                 "train %s/correction.db --method distil --lambda 0.2", folder());
    expect_error(2, "--loss does not go with --method ls",
                 "train %s/correction.db --method ls --loss ce", folder());
    json_t *rows =
        json_of("train %s/correction.db --steps 30 --batch 4 --format json", folder());
    json_t *row = json_array_get(rows, 0);
    assert_string_equal(string(row, "method"), "distil");
    assert_true(number(row, "steps_done") == 30);
    json_t *parameters = json_object_get(row, "parameters");
    assert_true(number(parameters, "lr") > 0);
    assert_string_equal(string(parameters, "loss"), "distil");
    json_decref(rows);
    struct ran ran = shell("ls %s | grep -c correction.db.run", folder());
    assert_string_equal(ran.out, "0\n"); /* no state is left */
    ran_free(&ran);
    rows = json_of("front %s/correction.db --grid 3 --format json", folder());
    assert_int_equal(json_array_size(rows), 3);
    char hex[65], vertex[65];
    snprintf(vertex, sizeof vertex, "%s",
             string(json_array_get(rows, 0), "model_sha256"));
    assert_string_equal(string(json_array_get(rows, 1), "upscale"), "correction");
    json_decref(rows);
    model_at_the_centre("correction.db", hex);
    assert_string_not_equal(hex, vertex);
    ran = run("export %1$s/correction.db --preference 0.5,0.5 --out %1$s/corrected",
              folder());
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.err, hex));
    ran_free(&ran);
    char path[1200];
    snprintf(path, sizeof path, "%s/corrected/pwemoe.json", folder());
    json_t *told = json_load_file(path, 0, NULL);
    assert_true(number(told, "correction_weight") == 1);
    json_t *weights = json_object_get(told, "weights");
    assert_true(json_object_size(weights) > 0);
    json_t *first = json_object_iter_value(json_object_iter(weights));
    assert_true(json_number_value(json_array_get(first, 0)) == 0.5);
    json_decref(told);
    expect_error(1, "has a correction and no routers",
                 "show %s/correction.db routing --run 1", folder());
    expect_error(1, "no trained routers", "show %s/correction.db routing", folder());
    ran = run("report %1$s/correction.db --out %1$s/corrected-report", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
}

/* Every step that was saved, each once. */
static void front_takes_all_steps(void **state) {
    (void)state;
    begin("steps.db");
    struct ran ran = run("train %s/steps.db --upscale mlp --steps 5 --save-interval 2 "
                         "--batch 2 --quiet",
                         folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    json_t *rows = json_of("front %s/steps.db --grid 2 --format json", folder());
    assert_int_equal(json_array_size(rows), 2);
    assert_true(number(json_array_get(rows, 0), "step") == 5);
    char last[65];
    snprintf(last, sizeof last, "%s", string(json_array_get(rows, 0), "model_sha256"));
    json_decref(rows);
    ran = run("front %s/steps.db --grid 2 --all-steps", folder());
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.err, "2 of 6 were measured before"));
    ran_free(&ran);
    static const unsigned steps[] = {5, 2, 4}; /* as they were measured */
    rows = json_of("show %s/steps.db solutions --format json", folder());
    assert_int_equal(json_array_size(rows), 6);
    for (size_t i = 0; i < 6; i++) {
        json_t *row = json_array_get(rows, i);
        assert_true(number(row, "step") == steps[i / 2]);
        assert_string_equal(string(row, "state"), "complete");
        if (i % 2 == 0 && i > 0) /* other routers, another model */
            assert_string_not_equal(string(row, "model_sha256"), last);
    }
    json_decref(rows);
    ran = run("show %s/steps.db solutions", folder());
    assert_non_null(strstr(ran.out, "step"));
    ran_free(&ran);
    /* The newest run may be another; --run holds to this one. */
    ran = run("front %s/steps.db --grid 2 --all-steps --run 1", folder());
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.err, "6 of 6 were measured before"));
    ran_free(&ran);
}

static void imported_figures_have_no_count(void **state) {
    (void)state;
    begin("import.db");
    write_file("rows.csv", "method,a,b\nTheirs,70.5,80\n");
    struct ran ran = run("import %1$s/import.db %1$s/rows.csv --quiet", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    json_t *rows = json_of("show %s/import.db solutions --format json", folder());
    json_t *a =
        json_object_get(json_object_get(json_array_get(rows, 0), "objectives"), "a");
    assert_true(number(a, "value") == 70.5);
    assert_true(json_is_null(json_object_get(a, "examples")));
    assert_true(json_is_null(json_object_get(a, "interval")));
    json_decref(rows);
    ran = run("show %s/import.db solutions --format csv", folder());
    assert_non_null(strstr(ran.out, ",70.5,,,,80"));
    ran_free(&ran);
}

/* SIGINT and kill -9: what was measured is there, and the same command goes on. */
static void front_is_interrupted(void **state) {
    (void)state;
    static const char *const signals[] = {"INT", "KILL"};
    begin("stop.db");
    struct ran ran =
        run("train %s/stop.db --upscale mlp --steps 2 --batch 2 --quiet", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    for (size_t i = 0; i < 2; i++) {
        ran =
            shell("./pwemoe front %1$s/stop.db --random 100000 --seed %2$zu >/dev/null "
                  "& pid=$!; for i in $(seq 6000); do "
                  "test $(./pwemoe show %1$s/stop.db solutions --format csv | wc -l) "
                  "-gt %3$zu && break; sleep 0.02; done; kill -%4$s $pid; wait $pid",
                  folder(), i, 2 + 40 * i, signals[i]);
        assert_int_equal(ran.status, i == 0 ? 1 : 137);
        if (i == 0) {
            assert_non_null(strstr(ran.err, "are measured and kept; the same command "
                                            "goes on"));
        }
        ran_free(&ran);
        json_t *rows =
            json_of("show %s/stop.db solutions --all --format json", folder());
        assert_true(json_array_size(rows) >= 1);
        for (size_t r = 0; r < json_array_size(rows); r++)
            assert_string_equal(string(json_array_get(rows, r), "state"), "complete");
        json_decref(rows);
    }
    ran = run("front %s/stop.db --grid 2", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
}

static void show_front_has_the_hypervolume(void **state) {
    (void)state;
    begin("shown.db");
    json_t *rows = json_of("merge %s/shown.db --method average,task-arithmetic "
                           "--scales 0:1:5 --format json",
                           folder());
    /* The hypervolume of two objectives by hand: sweep the points by a. */
    double best = 0, points[6][2];
    size_t count = json_array_size(rows);
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++) {
        json_t *o = json_object_get(json_array_get(rows, i), "objectives");
        points[i][0] = number(json_object_get(o, "a"), "value");
        points[i][1] = number(json_object_get(o, "b"), "value");
    }
    for (;;) { /* slabs of b, highest first: each as wide as the best a there */
        double top = 0, next = 0, widest = 0;
        static double below;
        if (best == 0)
            below = 1e9;
        for (size_t i = 0; i < count; i++)
            if (points[i][1] < below && points[i][1] > top)
                top = points[i][1];
        for (size_t i = 0; i < count; i++) {
            if (points[i][1] < top && points[i][1] > next)
                next = points[i][1];
            if (points[i][1] >= top && points[i][0] > widest)
                widest = points[i][0];
        }
        if (top == 0)
            break;
        best += (top - next) * widest;
        below = top;
    }
    json_decref(rows);
    rows = json_of("show %s/shown.db front --format json", folder());
    assert_true(json_array_size(rows) >= 1);
    json_t *first = json_array_get(rows, 0);
    double volume = number(first, "hypervolume");
    assert_true(volume > best * (1 - 1e-12) && volume < best * (1 + 1e-12));
    assert_true(json_is_true(json_object_get(first, "nondominated")));
    assert_int_equal(json_array_size(json_object_get(first, "reference")), 2);
    json_decref(rows);
    rows = json_of("show %s/shown.db front --all --format json", folder());
    assert_int_equal(json_array_size(rows), 6);
    json_decref(rows);
    struct ran ran = run("show %s/shown.db front", folder());
    assert_non_null(strstr(ran.out, "hypervolume"));
    assert_non_null(strstr(ran.out, "from reference (0, 0)"));
    ran_free(&ran);
}

static void export_writes_what_was_measured(void **state) {
    (void)state;
    begin("export.db");
    json_t *rows =
        json_of("merge %s/export.db --method task-arithmetic --format json", folder());
    char hex[65];
    snprintf(hex, sizeof hex, "%s", string(json_array_get(rows, 0), "model_sha256"));
    json_decref(rows);
    struct ran ran = run("export %s/export.db --solution 1 --out %s/model --head b",
                         folder(), folder());
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.out, "");
    ran_free(&ran);
    char path[1024];
    snprintf(path, sizeof path, "%s/model/pwemoe.json", folder());
    json_t *provenance = json_load_file(path, 0, NULL);
    assert_string_equal(string(provenance, "model_sha256"), hex);
    json_decref(provenance);
    ran = shell("cd %s/model && test -s model.safetensors && test -s config.json && "
                "test -s heads/a.safetensors",
                folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    rows = json_of("eval %1$s/export.db --model %1$s/model --format json", folder());
    assert_string_equal(string(json_array_get(rows, 0), "model_sha256"), hex);
    json_decref(rows);
    expect_error(1, "exists already", "export %s/export.db --solution 1 --out %s/model",
                 folder(), folder());
    ran = run("merge %s/export.db --method stl", folder());
    ran_free(&ran);
    expect_error(1, "no one model", "export %s/export.db --solution 3 --out %s/stl",
                 folder(), folder());
}

static void starts_with(const char *name, const char *magic, size_t length) {
    char path[1024], bytes[16] = {0};
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_true(fread(bytes, 1, length, file) == length);
    assert_memory_equal(bytes, magic, length);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    assert_true(ftell(file) > 2000);
    fclose(file);
}

static void plots_of_every_kind(void **state) {
    (void)state;
    static const char *const kinds[] = {"scatter", "parallel",   "routing",
                                        "scaling", "similarity", "training"};
    begin("plot.db");
    expect_error(1, "no solution with complete figures",
                 "plot %1$s/plot.db --out %1$s/p.png", folder());
    expect_error(1, "no trained routers",
                 "plot %1$s/plot.db --kind routing --out %1$s/p.png", folder());
    expect_error(1, "no complete merge with a scaling coefficient",
                 "plot %1$s/plot.db --kind scaling --out %1$s/p.png", folder());
    expect_error(1, "no training curve",
                 "plot %1$s/plot.db --kind training --out %1$s/p.png", folder());
    struct ran ran =
        shell("f=%s/plot.db; ./pwemoe merge $f --method stl,task-arithmetic --scales "
              "0:1:3 && ./pwemoe train $f --steps 12 --batch 2 --upscale all && "
              "./pwemoe front $f --grid 3",
              folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        ran = shell("for e in png svg pdf; do ./pwemoe plot %1$s/plot.db --kind %2$s "
                    "--out %1$s/p.$e || exit 9; done; ! ls %1$s/*.part",
                    folder(), kinds[i]);
        if (ran.status)
            fail_msg("%s: '%s'", kinds[i], ran.err);
        ran_free(&ran);
        starts_with("p.png", "\x89PNG\r\n\x1a\n", 8);
        starts_with("p.svg", "<?xml", 5);
        starts_with("p.pdf", "%PDF-", 5);
    }
    json_t *rows = json_of("show %s/plot.db routing --format json", folder());
    /* Two tasks' preferences, two blocks of four modules with patch embedding and last
     * norm, two experts. */
    assert_int_equal(json_array_size(rows), 2 * 10 * 2);
    json_decref(rows);
    rows = json_of("show %s/plot.db similarity --format json", folder());
    for (size_t i = 0; i < json_array_size(rows); i++) {
        double cosine = number(json_array_get(rows, i), "cosine");
        assert_true(cosine >= -1 && cosine <= 1);
    }
    json_decref(rows);
    expect_error(2, "--out is missing", "plot %s/plot.db", folder());
    expect_error(2, "must end in .png", "plot %s/plot.db --out p.jpg", folder());
    expect_error(2, "--size", "plot %s/plot.db --out p.png --size 10x10", folder());
    expect_error(2, "scatter|ternary", "plot %s/plot.db --kind pie --out p.png",
                 folder());
    expect_error(1, "no task 'aa'; did you mean 'a'?",
                 "plot %s/plot.db --x aa --out p.png", folder());
    expect_error(1, "for three tasks", "plot %s/plot.db --kind ternary --out p.png",
                 folder());
    expect_error(1, "No such file", "plot %s/plot.db --out %s/none/p.png", folder(),
                 folder());
    /* A chart that cannot be written whole leaves what was there, and nothing else. */
    ran = shell("mkdir %1$s/charts; cd %1$s/charts; echo old > f.png; "
                "echo mine > f.png.part; cd - > /dev/null; trap '' XFSZ; ulimit -f 64; "
                "./pwemoe plot %1$s/plot.db --size 6000x6000 --out %1$s/charts/f.png",
                folder());
    assert_int_equal(ran.status, 1);
    assert_non_null(strstr(ran.err, "File too large"));
    ran_free(&ran);
    ran = shell("cd %1$s/charts; cat f.png f.png.part; ls -A | wc -l", folder());
    assert_string_equal(ran.out, "old\nmine\n2\n");
    ran_free(&ran);
    ran = shell("./pwemoe plot %1$s/plot.db --out %1$s/charts/f.png && cd %1$s/charts "
                "&& head -c 4 f.png | tail -c 3 && cat f.png.part",
                folder());
    assert_string_equal(ran.out, "PNGmine\n");
    ran_free(&ran);
}

/* The same tensors under another config.json are another model. */
static void a_model_of_another_config_is_refused(void **state) {
    (void)state;
    static const char *const changes[][2] = {
        {"s/\\(num_attention_heads\": \\)[0-9]*/\\11/",
         "num_attention_heads is 1, the pretrained"},
        {"s/\\(hidden_act\": \"\\)[a-z_]*/\\1relu/",
         "hidden_act is relu, the pretrained"},
        {"s/\\(layer_norm_eps\": \\)[-0-9.e]*/\\10.25/",
         "layer_norm_eps is 0.25, the pretrained"}};
    begin("config.db");
    write_file("other.yaml", "pretrained: shape\ntasks:\n"
                             "  a: {expert: unlike, test: "
                             "data/a-test-images-idx3-ubyte}\n");
    for (size_t i = 0; i < 3; i++) {
        struct ran ran =
            shell("cd %1$s; rm -rf shape unlike; cp -r %2$s/vit shape; cp "
                  "-r %2$s/vit-expert0 unlike; chmod -R u+w unlike; sed -i "
                  "'%3$s' unlike/config.json",
                  folder(), models(), changes[i][0]);
        assert_int_equal(ran.status, 0);
        ran_free(&ran);
        expect_error(1, changes[i][1], "init %1$s/other.db %1$s/other.yaml", folder());
        expect_error(1, changes[i][1], "eval %1$s/config.db --model %1$s/unlike",
                     folder());
    }
}

/* All models get the same inputs: an expert that was trained on others is no such one.
 */
static void an_expert_with_other_inputs_is_refused(void **state) {
    (void)state;
    begin("inputs.db");
    write_file("inputs.yaml", "pretrained: shape\ntasks:\n"
                              "  a: {expert: unlike, test: "
                              "data/a-test-images-idx3-ubyte}\n");
    struct ran ran = shell("cd %1$s; rm -rf shape unlike; cp -r %2$s/vit shape; cp -r "
                           "%2$s/vit-expert0 unlike; chmod -R u+w shape unlike; "
                           "sed 's/\\(resample\": *\\)[0-9]/\\12/' "
                           "shape/preprocessor_config.json "
                           ">unlike/preprocessor_config.json; ! cmp -s "
                           "shape/preprocessor_config.json "
                           "unlike/preprocessor_config.json",
                           folder(), models());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    expect_error(1, "prepares images otherwise",
                 "init %1$s/inputs-other.db "
                 "%1$s/inputs.yaml",
                 folder());
    ran = shell("cd %s; cp shape/preprocessor_config.json unlike", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    ran = run("init %1$s/inputs-same.db %1$s/inputs.yaml", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    /* What nothing could be measured with is said at once. */
    write_file("shape/preprocessor_config.json", "{\"resample\": 77}");
    expect_error(1, "image_size is 12", "init %1$s/inputs-bad.db %1$s/inputs.yaml",
                 folder());
}

/* Paths in a results.db are relative to where it lies, not to where a link to it does.
 */
static void a_link_to_a_store_finds_its_models(void **state) {
    (void)state;
    struct ran ran = shell("cd %1$s && mkdir -p far/away && cp -r %2$s/vit %2$s/"
                           "vit-expert0 far/ && cp data/a-test-images-idx3-ubyte "
                           "data/a-test-labels-idx1-ubyte far/",
                           folder(), models());
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    write_file("far/link.yaml", "pretrained: vit\ntasks:\n"
                                "  a: {expert: vit-expert0, "
                                "test: a-test-images-idx3-ubyte}\n");
    ran = shell("cd %1$s/far && ln -s ../real.db away/link.db && cd - > /dev/null && "
                "./pwemoe init %1$s/far/real.db %1$s/far/link.yaml --quiet && "
                "./pwemoe eval %1$s/far/away/link.db --model %1$s/far/vit-expert0",
                folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
}

/* An expert that is not the one of `init` any more. */
static void a_changed_expert_is_refused(void **state) {
    (void)state;
    struct ran ran = shell("cp -r %1$s/vit-expert0 %2$s/mine && chmod -R u+w %2$s/mine",
                           models(), folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    char recipe[2048];
    snprintf(recipe, sizeof recipe,
             "pretrained: %s/vit\ntasks:\n  a: {expert: mine, test: "
             "data/a-test-images-idx3-ubyte}\n",
             models());
    write_file("mine.yaml", recipe);
    ran = run("init %s/mine.db %s/mine.yaml", folder(), folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    ran = shell("cp %s/vit-expert1/* %s/mine/", models(), folder());
    ran_free(&ran);
    expect_error(1, "not the checkpoint", "merge %s/mine.db --method average",
                 folder());
}

#define TUNING "--task c --steps 120 --batch 4 --save-interval 5 --seed 1 --threads 1"

/* One model for all tasks: written, measured, and measured again as a directory. */
static void finetune_makes_one_model(void **state) {
    (void)state;
    begin("all.db");
    json_t *rows = json_of("finetune %1$s/all.db --method ls --preference 0.25,0.75 "
                           "--steps 3 --batch 4 --out %1$s/all-model --format json",
                           folder());
    json_t *row = json_array_get(rows, 0);
    assert_string_equal(string(row, "kind"), "train");
    assert_string_equal(string(row, "method"), "ls");
    assert_true(json_number_value(
                    json_array_get(json_object_get(row, "preference"), 1)) == 0.75);
    char hex[65];
    snprintf(hex, sizeof hex, "%s", string(row, "model_sha256"));
    json_t *objectives = json_incref(json_object_get(row, "objectives"));
    json_decref(rows);
    struct ran ran = shell("test -s %1$s/all-model/heads/a.safetensors && "
                           "test -s %1$s/all-model/heads/b.safetensors",
                           folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    rows = json_of("eval %1$s/all.db --model %1$s/all-model --format json", folder());
    row = json_array_get(rows, 0);
    assert_string_equal(string(row, "model_sha256"), hex);
    assert_true(json_equal(objectives, json_object_get(row, "objectives")));
    json_decref(objectives);
    json_decref(rows);
    rows = json_of("show %s/all.db routers --format json", folder());
    row = json_array_get(rows, 0);
    assert_true(number(row, "trainable") > 1000 && number(row, "peak_bytes") > 1 << 20);
    json_decref(rows);
    expect_error(2, "give --task", "finetune %s/all.db", folder());
    expect_error(2, "give one", "finetune %s/all.db --task a --method ls", folder());
    expect_error(2, "one of stl", "finetune %s/all.db --method lss", folder());
    expect_error(2, "no preference",
                 "finetune %s/all.db --method mgda --preference 1,0", folder());
    expect_error(2, "--out is for one",
                 "finetune %1$s/all.db --method stl --out %1$s/o", folder());
    expect_error(1, "every task has", "finetune %s/all.db --method stl", folder());
    expect_error(1, "cannot be created",
                 "finetune %1$s/all.db --method ls --out %1$s/no/o", folder());
    expect_error(2, "goes with --method",
                 "finetune %s/all.db --task a --preference 1,0", folder());
    expect_error(1, "no unfinished run",
                 "finetune %1$s/all.db --method ls --resume "
                 "--out %1$s/other",
                 folder());
    expect_error(1, "nowhere", "eval %s/all.db --model nowhere", folder());
}

static void finetune_makes_an_expert(void **state) {
    (void)state;
    struct ran ran;
    static const char *const names[] = {"own", "again"};
    for (size_t i = 0; i < 2; i++) {
        ran = run("init %1$s/%2$s.db %1$s/own.yaml", folder(), names[i]);
        assert_int_equal(ran.status, 0);
        ran_free(&ran);
    }
    expect_error(1, "no expert yet", "merge %s/own.db --method average", folder());
    ran = run("finetune %1$s/own.db " TUNING " --out %1$s/own-expert --format json",
              folder());
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.err, "");
    json_t *said = json_loads(ran.out, 0, NULL), *figure = json_array_get(said, 0);
    ran_free(&ran);
    json_t *rows = json_of("merge %s/own.db --method stl --format json", folder());
    json_t *c =
        json_object_get(json_object_get(json_array_get(rows, 0), "objectives"), "c");
    assert_true(number(c, "value") > 80); /* three bands of brightness are no riddle */
    /* That figure was told when the expert was made. */
    assert_string_equal(string(figure, "task"), "c");
    assert_true(number(figure, "accuracy") == number(c, "value"));
    assert_true(number(figure, "examples") == number(c, "examples"));
    assert_true(number(figure, "low") < number(c, "value"));
    assert_true(number(figure, "high") >= number(c, "value"));
    json_decref(said);
    json_decref(rows);
    expect_error(1, "exists already",
                 "finetune %1$s/own.db " TUNING " --out %1$s/own-expert", folder());
    /* The same in two parts. */
    ran = shell("./pwemoe finetune %1$s/again.db " TUNING
                " --out %1$s/again-expert & pid=$!; "
                "for i in $(seq 6000); do test -e %1$s/again-expert.state && break; "
                "sleep 0.01; "
                "done; kill -INT $pid; wait $pid",
                folder());
    if (ran.status == 0) {
        ran_free(&ran);
        skip();
    }
    assert_int_equal(ran.status, 1);
    assert_non_null(strstr(ran.err, "--resume --run 1 goes on"));
    ran_free(&ran);
    expect_error(1, "--batch 8: the run has 4",
                 "finetune %1$s/again.db --task c --resume --batch 8 "
                 "--out %1$s/again-expert",
                 folder());
    expect_error(1, "no unfinished run 1",
                 "finetune %1$s/again.db --method ls --resume --run 1", folder());
    /* The run knows its task and its directory. */
    ran = run("finetune %1$s/again.db --resume --run 1 --threads 1", folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    assert_same_curve("own.db", "again.db");
    ran = shell("cmp %1$s/own-expert/model.safetensors "
                "%1$s/again-expert/model.safetensors && "
                "test ! -e %1$s/again-expert.state",
                folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
}

/* A model that cannot be written is not lost. */
static void finetune_keeps_what_it_cannot_write(void **state) {
    (void)state;
    struct ran ran = run("init %1$s/kept.db %1$s/own.yaml", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    /* The place is taken when the run has begun: after the checks. */
    ran = shell("f=%1$s/kept; ./pwemoe finetune $f.db --task c --steps 300 --batch 4 "
                "--save-interval 1000 --threads 1 --out $f-model & pid=$!; "
                "for i in $(seq 6000); do ./pwemoe show $f.db routers | grep -q stl && "
                "break; sleep 0.01; done; mkdir -p $f-model/taken; wait $pid",
                folder());
    int status = ran.status;
    if (status == 0) {
        ran_free(&ran);
        skip();
    }
    assert_int_equal(status, 1);
    assert_non_null(strstr(ran.err, "with --resume writes it"));
    ran_free(&ran);
    ran =
        shell("f=%1$s/kept; rm -r $f-model; ./pwemoe finetune $f.db --task c --resume "
              "--threads 1 --out $f-model --format csv && "
              "test -s $f-model/model.safetensors && test ! -e $f-model.state",
              folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    assert_non_null(strstr(ran.out, ",300,300,"));
    ran_free(&ran);
}

/* Two runs of a kind wait: each directory's state goes on with its own run. */
static void finetune_resumes_the_run_of_its_directory(void **state) {
    (void)state;
    static const int steps[] = {400, 300};
    struct ran ran = run("init %1$s/two.db %1$s/own.yaml", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    for (int i = 0; i < 2; i++) {
        ran = shell("f=%1$s/two; ./pwemoe finetune $f.db --task c --steps %2$d "
                    "--batch 4 --save-interval 5 --threads 1 --out $f-%2$d & pid=$!; "
                    "for i in $(seq 6000); do test -e $f-%2$d.state && break; "
                    "sleep 0.01; done; kill -INT $pid; wait $pid",
                    folder(), steps[i]);
        int status = ran.status;
        ran_free(&ran);
        if (status == 0)
            skip();
        assert_int_equal(status, 1);
    }
    ran = run("finetune %1$s/two.db --task c --resume --out %1$s/two-400 --threads 1",
              folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    json_t *rows = json_of("show %s/two.db routers --format json", folder());
    for (size_t i = 0; i < 2; i++) {
        json_t *row = json_array_get(rows, i);
        assert_int_equal(number(row, "steps"), steps[i]);
        assert_int_equal(json_is_true(json_object_get(row, "complete")), i == 0);
    }
    json_decref(rows);
    ran = shell("cp %1$s/two-300.state %1$s/copy.state; ./pwemoe finetune %1$s/two.db "
                "--task c --resume --out %1$s/copy",
                folder());
    assert_int_equal(ran.status, 1);
    assert_non_null(strstr(ran.err, "is not the state of an unfinished run"));
    ran_free(&ran);
}

/* Each task gets its expert, as if asked for one by one; then nothing is left. */
static void finetune_makes_all_experts(void **state) {
    (void)state;
    struct ran ran = run("init %1$s/missing.db %1$s/missing.yaml", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    ran = run("finetune %s/missing.db --method stl --steps 4 --batch 4 --threads 1",
              folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    ran = shell("test -s %1$s/experts/c/model.safetensors && "
                "test -s %1$s/experts/d/model.safetensors",
                folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    json_t *rows = json_of("show %s/missing.db routers --format json", folder());
    assert_int_equal(json_array_size(rows), 2);
    assert_string_equal(string(json_array_get(rows, 1), "method"), "stl");
    json_decref(rows);
    expect_error(1, "every task has", "finetune %s/missing.db --method stl", folder());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_keeps_the_recipe),
        cmocka_unit_test(init_refuses),
        cmocka_unit_test(merge_measures_once),
        cmocka_unit_test(merge_refuses),
        cmocka_unit_test(train_resumes_to_the_same_numbers),
        cmocka_unit_test(a_run_has_one_trainer),
        cmocka_unit_test(smoothing_is_a_setting_of_stch),
        cmocka_unit_test(a_correction_resumes_to_the_same_numbers),
        cmocka_unit_test(front_goes_on),
        cmocka_unit_test(a_front_without_training),
        cmocka_unit_test(a_correction_is_trained),
        cmocka_unit_test(front_takes_all_steps),
        cmocka_unit_test(imported_figures_have_no_count),
        cmocka_unit_test(front_is_interrupted),
        cmocka_unit_test(show_front_has_the_hypervolume),
        cmocka_unit_test(export_writes_what_was_measured),
        cmocka_unit_test(plots_of_every_kind),
        cmocka_unit_test(a_model_of_another_config_is_refused),
        cmocka_unit_test(an_expert_with_other_inputs_is_refused),
        cmocka_unit_test(a_link_to_a_store_finds_its_models),
        cmocka_unit_test(a_changed_expert_is_refused),
        cmocka_unit_test(finetune_makes_one_model),
        cmocka_unit_test(finetune_makes_an_expert),
        cmocka_unit_test(finetune_keeps_what_it_cannot_write),
        cmocka_unit_test(finetune_resumes_the_run_of_its_directory),
        cmocka_unit_test(finetune_makes_all_experts),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
