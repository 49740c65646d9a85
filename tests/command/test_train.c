/* Corrections and routers trained, and their fronts, by ./pwemoe: stopped, killed and
 * gone on with. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "checkpoint/safetensors.h"
#include "project.h"
#include "run.h"

#define TRAINING \
    "--upscale mlp --batch 4 --steps 500 --save-interval 5 --seed 3 --threads 1"

static void train_resumes_to_the_same_numbers(void **state) {
    (void)state;
    new_store("whole.db");
    new_store("parts.db");
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
    new_store("correct.db");
    new_store("half.db");
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

static void rays_are_a_setting_of_hv(void **state) {
    (void)state;
    new_store("rays.db");
    expect_error(2, "--rays cannot be used with --method ls",
                 "train %s/rays.db --method ls --rays 3", folder());
    expect_error(2, "--rays", "train %s/rays.db --method hv --rays 1", folder());
    json_t *rows = json_of("train %s/rays.db --method hv --upscale mlp --steps 3 "
                           "--batch 2 --rays 3 --format json",
                           folder());
    json_t *row = json_array_get(rows, 0);
    assert_string_equal(string(row, "method"), "hv");
    assert_true(number(json_object_get(row, "parameters"), "rays") == 3);
    json_decref(rows);
    rows = json_of("front %s/rays.db --method hv --grid 3 --format json", folder());
    assert_int_equal(json_array_size(rows), 3);
    json_decref(rows);
}

static void smoothing_is_a_setting_of_stch(void **state) {
    (void)state;
    new_store("stch.db");
    expect_error(2, "--smoothing cannot be used with --method ls",
                 "train %s/stch.db --method ls --smoothing 0.2", folder());
    expect_error(2, "--smoothing cannot be used with --method epo",
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
    new_store("killed.db");
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
    new_store("front.db");
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
    expect_error(2, "give only one of", "front %s/front.db --grid 3 --random 4",
                 folder());
    expect_error(1, "no routers trained that way", "front %s/front.db --method epo",
                 folder());
    expect_error(1, "no routers of a run 9", "front %s/front.db --run 9", folder());
}

/* Right after init: a front by the closed form, its heads fitted as there are examples
 * to do it with, a point of it measured and exported, and what was exported is what was
 * measured. */
static void a_front_without_training(void **state) {
    (void)state;
    new_store("untrained.db");
    json_t *rows = json_of("front %s/untrained.db --grid 3 --format json", folder());
    assert_int_equal(json_array_size(rows), 3);
    json_t *row = json_array_get(rows, 1);
    assert_string_equal(string(row, "kind"), "merge");
    assert_string_equal(string(row, "method"), "wudi");
    json_t *parameters = json_object_get(row, "parameters");
    assert_true(number(parameters, "ridge") == 0);
    assert_string_equal(string(parameters, "heads"), "fitted");
    char hex[65], from_front[65];
    snprintf(from_front, sizeof from_front, "%s", string(row, "model_sha256"));
    assert_string_not_equal(from_front,
                            string(json_array_get(rows, 0), "model_sha256"));
    json_decref(rows);
    model_at_the_centre("untrained.db", hex);
    assert_string_equal(hex, from_front);
    /* Equal weights are what merge takes where none are given: it is there already. */
    struct ran ran =
        run("merge %s/untrained.db --method wudi --set heads=fitted", folder());
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

/* A recipe whose tasks name examples without labels and no training data: a correction
 * learns from them, heads are fitted on them, and what needs labels says so. */
static void trains_without_labels(void **state) {
    (void)state;
    char recipe[4096];
    snprintf(recipe, sizeof recipe,
             "pretrained: %1$s/vit\n"
             "tasks:\n"
             "  a: {expert: %1$s/vit-expert0, unlabelled: bare/a, "
             "test: data/a-test-images-idx3-ubyte}\n"
             "  b: {expert: %1$s/vit-expert1, unlabelled: bare/b, "
             "test: data/b-test-images-idx3-ubyte}\n",
             models());
    write_file("bare.yaml", recipe);
    struct ran ran = shell("cd %s && mkdir bare && cp data/b-train-images-idx3-ubyte "
                           "bare/b",
                           folder());
    ran_free(&ran);
    expect_error(1, "bare/a", "init %1$s/bare.db %1$s/bare.yaml", folder());
    ran = shell("cp %1$s/data/a-train-images-idx3-ubyte %1$s/bare/a", folder());
    ran_free(&ran);
    ran = run("init %1$s/bare.db %1$s/bare.yaml --quiet", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    json_t *rows = json_of("paths %s/bare.db --format json", folder());
    size_t named = 0;
    for (size_t i = 0; i < json_array_size(rows); i++)
        named += strcmp(string(json_array_get(rows, i), "what"), "unlabelled") == 0;
    assert_int_equal(named, 2);
    json_decref(rows);
    rows = json_of("front %s/bare.db --grid 2 --format json", folder());
    assert_string_equal(
        string(json_object_get(json_array_get(rows, 0), "parameters"), "heads"),
        "fitted");
    json_decref(rows);
    rows = json_of("train %s/bare.db --batch 4 --steps 8 --threads 1 --format json",
                   folder());
    assert_true(json_is_true(json_object_get(json_array_get(rows, 0), "complete")));
    json_decref(rows);
    expect_error(1, "names no train data", "train %s/bare.db --method ls --steps 2",
                 folder());
    expect_error(1, "names no train data", "train %s/bare.db --loss ce --steps 2",
                 folder());
}

/* train with nothing but the file: a correction, which then answers preferences; the
 * whole weight on one task is that task's expert; and an export is what was measured.
 */
static void a_correction_is_trained(void **state) {
    (void)state;
    new_store("correction.db");
    expect_error(2, "--upscale cannot be used with --method distil",
                 "train %s/correction.db --method distil --upscale mlp", folder());
    expect_error(2, "--lambda cannot be used with",
                 "train %s/correction.db --method distil --lambda 0.2", folder());
    expect_error(2, "--loss cannot be used with --method ls",
                 "train %s/correction.db --method ls --loss ce", folder());
    json_t *rows =
        json_of("train %s/correction.db --steps 30 --batch 4 --format json", folder());
    json_t *row = json_array_get(rows, 0);
    assert_string_equal(string(row, "method"), "distil");
    assert_true(number(row, "steps_done") == 30);
    json_t *parameters = json_object_get(row, "parameters");
    assert_true(number(parameters, "lr") > 0);
    assert_true(number(parameters, "average") == 0.1);
    assert_string_equal(string(parameters, "loss"), "distil");
    assert_string_equal(string(parameters, "heads"), "trained");
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
    expect_error(1, "a correction, which has no routers",
                 "show %s/correction.db routing --run 1", folder());
    expect_error(1, "no trained routers", "show %s/correction.db routing", folder());
    ran = run("report %1$s/correction.db --out %1$s/corrected-report", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
}

/* Preferences where the front has gaps: after each task and equal weights as many as
 * were asked for, none twice, and as many more the next time. */
static void gaps_are_filled(void **state) {
    (void)state;
    new_store("gaps.db");
    expect_error(2, "leave out --all-steps, --limit and --split",
                 "front %s/gaps.db --fill 2 --limit 5", folder());
    expect_error(1, "can be looked up",
                 "front %s/gaps.db --method wudi --set shrink=0.4 --fill 2", folder());
    json_decref(json_of(
        "train %s/gaps.db --steps 20 --batch 4 --heads own --format json", folder()));
    json_t *rows = json_of("front %s/gaps.db --fill 3 --format json", folder());
    size_t count = json_array_size(rows);
    assert_int_equal(count, 2 + 1 + 3);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(
                json_equal(json_object_get(json_array_get(rows, i), "preference"),
                           json_object_get(json_array_get(rows, j), "preference")));
    json_decref(rows);
    rows = json_of("front %s/gaps.db --fill 1 --format json", folder());
    assert_int_equal(json_array_size(rows), 4);
    json_decref(rows);
    rows = json_of("show %s/gaps.db solutions --format json", folder());
    size_t answers = 0;
    for (size_t i = 0; i < json_array_size(rows); i++)
        answers += strcmp(string(json_array_get(rows, i), "method"), "distil") == 0;
    assert_int_equal(answers, 7);
    json_decref(rows);
}

/* Every form of correction answers preferences, and its export is what was measured: as
 * a plain model it has the same figures. */
static void every_correction_is_exported(void **state) {
    (void)state;
    static const char *const forms[] = {"--rank 2",
                                        "--vectors task",
                                        "--vectors pair --average 0.3",
                                        "--routers linear --heads own",
                                        "--method distil-routers --routers tensor",
                                        "--method pareto-merging --rank 2",
                                        "--base wudi"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char name[32];
        snprintf(name, sizeof name, "form%zu.db", i);
        new_store(name);
        json_t *rows = json_of("train %s/%s --steps 20 --batch 4 %s --format json",
                               folder(), name, forms[i]);
        json_t *row = json_array_get(rows, 0);
        json_t *parameters = json_object_get(row, "parameters");
        assert_string_equal(string(row, "method"), i == 5   ? "pareto-merging"
                                                   : i == 4 ? "distil-routers"
                                                            : "distil");
        assert_string_equal(string(parameters, "base"), i == 6 ? "wudi" : "mean");
        assert_string_equal(string(parameters, "vectors"), i == 1   ? "task"
                                                           : i == 2 ? "pair"
                                                                    : "one");
        assert_true(number(row, "trainable") > 0);
        assert_string_equal(string(parameters, "heads"),
                            i >= 3 && i <= 5 ? "own" : "trained");
        assert_true(number(parameters, "average") == (i == 2             ? 0.3
                                                      : i == 4 || i == 5 ? 0
                                                                         : 0.1));
        json_decref(rows);
        rows =
            json_of("eval %s/%s --preference 0.25,0.75 --format json", folder(), name);
        struct ran ran =
            run("export %1$s/%2$s --preference 0.25,0.75 --out %1$s/%2$s-out", folder(),
                name);
        assert_int_equal(ran.status, 0);
        assert_non_null(
            strstr(ran.err, string(json_array_get(rows, 0), "model_sha256")));
        ran_free(&ran);
        json_t *plain = json_of("eval %1$s/%2$s --model %1$s/%2$s-out --format json",
                                folder(), name);
        assert_true(
            json_equal(json_object_get(json_array_get(rows, 0), "objectives"),
                       json_object_get(json_array_get(plain, 0), "objectives")));
        json_decref(plain);
        json_decref(rows);
        char path[1200];
        snprintf(path, sizeof path, "%s/%s-out/pwemoe.json", folder(), name);
        json_t *told = json_load_file(path, 0, NULL);
        json_t *one = json_object_get(told, "correction_weight");
        json_t *each = json_object_get(told, "correction_weights");
        /* Two tasks are one pair. */
        assert_true(i == 0 || i == 2 || i == 6 ? one && !each
                                               : !one && json_object_size(each) > 0);
        assert_true(!one || json_number_value(one) == 0.75);
        json_t *first = json_object_iter_value(json_object_iter(each));
        assert_true(!each || json_array_size(first) == (i == 1 || i == 5 ? 2 : 1));
        json_decref(told);
    }
    expect_error(2, "--heads cannot be used with --method pareto-merging",
                 "train %s/form0.db --method pareto-merging --heads own", folder());
    expect_error(2, "--rank is of one vector",
                 "train %s/form0.db --rank 2 --vectors pair", folder());
    expect_error(2, "--vectors goes with --base mean",
                 "train %s/form0.db --base wudi --vectors pair", folder());
    expect_error(2, "--base is of a vector that learns",
                 "train %s/form0.db --method distil-routers --base wudi", folder());
    expect_error(2, "--router-lr is of routers", "train %s/form0.db --router-lr 0.1",
                 folder());
    expect_error(2, "has nothing to train",
                 "train %s/form0.db --method distil-routers --routers none", folder());
    expect_error(2, "--lr is of a vector that learns",
                 "train %s/form0.db --method distil-routers --lr 0.1", folder());
    expect_error(2, "--start cannot be used with --method pareto-merging",
                 "train %s/form0.db --method pareto-merging --start zero", folder());
    expect_error(2, "--vectors cannot be used with --method ls",
                 "train %s/form0.db --method ls --vectors pair", folder());
}

/* A figure of the first of the rows, which are freed. */
static double figure_of(json_t *rows, const char *task) {
    json_t *all = json_object_get(json_array_get(rows, 0), "objectives");
    double value = number(json_object_get(all, task), "value");
    json_decref(rows);
    return value;
}

/* Fitted heads make another solution of the same body, of a method and of what was
 * trained; what is exported has them, and is what was measured. */
static void heads_are_fitted(void **state) {
    (void)state;
    new_store("heads.db");
    json_t *rows = json_of("merge %s/heads.db --method average --set heads=own "
                           "--format json",
                           folder());
    json_t *own = json_deep_copy(json_array_get(rows, 0));
    assert_int_equal(json_object_size(json_object_get(own, "parameters")), 0);
    json_decref(rows);
    rows = json_of("merge %s/heads.db --method average --set heads=fitted "
                   "--format json",
                   folder());
    json_t *fitted = json_array_get(rows, 0);
    assert_string_equal(string(json_object_get(fitted, "parameters"), "heads"),
                        "fitted");
    assert_true(number(fitted, "id") != number(own, "id"));
    assert_string_equal(string(fitted, "model_sha256"), string(own, "model_sha256"));
    double a = figure_of(rows, "a");
    struct ran ran =
        run("export %1$s/heads.db --solution 2 --head a --out %1$s/fitted", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    assert_true(figure_of(json_of("eval %1$s/heads.db --model %1$s/fitted "
                                  "--format json",
                                  folder()),
                          "a") == a);
    /* The classifier of the export is that of heads/. */
    char path[1200];
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/fitted/%s", folder(),
                 i ? "heads/a.safetensors" : "model.safetensors");
        struct error error;
        struct safetensors *file;
        assert_int_equal(safetensors_open(path, &file, &error), 0);
        const struct tensor *bias =
            safetensors_find(file, i ? "bias" : "classifier.bias");
        static float values[2][16];
        assert_true(bias && bias->count <= 16);
        assert_int_equal(tensor_to_f32(bias, path, values[i], &error), 0);
        if (i)
            assert_memory_equal(values[0], values[1], bias->count * sizeof(float));
        safetensors_close(file);
    }
    json_decref(own);
    ran = run("train %s/heads.db --steps 3 --batch 2 --quiet", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    rows = json_of("front %s/heads.db --grid 3 --format json", folder());
    assert_int_equal(json_array_size(rows), 3);
    json_decref(rows);
    rows = json_of("front %s/heads.db --grid 3 --set heads=fitted --format json",
                   folder());
    assert_int_equal(json_array_size(rows), 3);
    for (size_t i = 0; i < 3; i++) {
        json_t *row = json_array_get(rows, i);
        assert_string_equal(string(row, "upscale"), "correction");
        assert_string_equal(string(json_object_get(row, "parameters"), "heads"),
                            "fitted");
    }
    json_decref(rows);
    ran = run("eval %s/heads.db --preference 0.5,0.5 --set heads=fitted", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    expect_error(2,
                 "what was trained has no parameter 'scale' to set after training, "
                 "only heads",
                 "front %s/heads.db --set scale=1", folder());
    expect_error(2, "what was trained: heads must be one of own|fitted",
                 "front %s/heads.db --set heads=new", folder());
}

/* Coefficients by entropy: one model at every preference, by tensors or as a whole. */
static void adamerging_is_trained(void **state) {
    (void)state;
    new_store("ada.db");
    expect_error(2, "--upscale mlp goes with --method ls",
                 "train %s/ada.db --method adamerging --upscale mlp", folder());
    expect_error(2, "--upscale whole goes with --method adamerging",
                 "train %s/ada.db --method ls --upscale whole", folder());
    expect_error(2, "--alpha cannot be used with --method adamerging",
                 "train %s/ada.db --method adamerging --alpha 2", folder());
    static const char *const upscales[] = {"", "--upscale whole"};
    for (size_t i = 0; i < 2; i++) {
        json_t *rows = json_of("train %s/ada.db --method adamerging %s --steps 20 "
                               "--batch 4 --lr 0.02 --format json",
                               folder(), upscales[i]);
        json_t *row = json_array_get(rows, 0);
        assert_string_equal(string(row, "upscale"), i ? "whole" : "tensor");
        assert_true(i ? number(row, "trainable") == 2 : number(row, "trainable") > 20);
        json_decref(rows);
        rows = json_of("front %s/ada.db --run %zu --grid 3 --format json", folder(),
                       i + 1);
        assert_int_equal(json_array_size(rows), 3);
        for (size_t p = 1; p < 3; p++)
            assert_string_equal(string(json_array_get(rows, p), "model_sha256"),
                                string(json_array_get(rows, 0), "model_sha256"));
        json_decref(rows);
    }
    struct ran ran = run("export %1$s/ada.db --run 2 --preference 0.5,0.5 "
                         "--out %1$s/ada",
                         folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    char path[1200];
    snprintf(path, sizeof path, "%s/ada/pwemoe.json", folder());
    json_t *told = json_load_file(path, 0, NULL);
    json_t *weights = json_object_get(told, "weights");
    /* One pair of numbers for all tensors, and none is left where it began. */
    json_t *first = json_object_iter_value(json_object_iter(weights));
    assert_true(json_object_size(weights) > 20);
    const char *name;
    json_t *pair;
    json_object_foreach(weights, name, pair) assert_true(json_equal(pair, first));
    assert_true(json_number_value(json_array_get(first, 0)) != 0.3);
    json_decref(told);
}

/* Every step that was saved, each once. */
static void front_takes_all_steps(void **state) {
    (void)state;
    new_store("steps.db");
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

/* SIGINT and kill -9: what was measured is there, and the same command goes on. */
static void front_is_interrupted(void **state) {
    (void)state;
    static const char *const signals[] = {"INT", "KILL"};
    new_store("stop.db");
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(train_resumes_to_the_same_numbers),
        cmocka_unit_test(a_run_has_one_trainer),
        cmocka_unit_test(smoothing_is_a_setting_of_stch),
        cmocka_unit_test(rays_are_a_setting_of_hv),
        cmocka_unit_test(a_correction_resumes_to_the_same_numbers),
        cmocka_unit_test(front_goes_on),
        cmocka_unit_test(a_front_without_training),
        cmocka_unit_test(trains_without_labels),
        cmocka_unit_test(a_correction_is_trained),
        cmocka_unit_test(every_correction_is_exported),
        cmocka_unit_test(gaps_are_filled),
        cmocka_unit_test(heads_are_fitted),
        cmocka_unit_test(adamerging_is_trained),
        cmocka_unit_test(front_takes_all_steps),
        cmocka_unit_test(front_is_interrupted),
    };
    return cmocka_run_group_tests(tests, make_project, NULL);
}
