/* Whole models trained by ./pwemoe: experts, and one model for all tasks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "project.h"
#include "run.h"

#define TUNING "--task c --steps 120 --batch 4 --save-interval 5 --seed 1 --threads 1"

/* One model for all tasks: written, measured, and measured again as a directory. */
static void finetune_makes_one_model(void **state) {
    (void)state;
    new_store("all.db");
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
    expect_error(2, "needs --method", "finetune %s/all.db --task a --preference 1,0",
                 folder());
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
        cmocka_unit_test(finetune_makes_one_model),
        cmocka_unit_test(finetune_makes_an_expert),
        cmocka_unit_test(finetune_keeps_what_it_cannot_write),
        cmocka_unit_test(finetune_resumes_the_run_of_its_directory),
        cmocka_unit_test(finetune_makes_all_experts),
    };
    return cmocka_run_group_tests(tests, make_project, NULL);
}
