/* Tasks that commands measure: models that this program cannot run, from the recipe to
 * the exported model; commands that fail in every way; files of somebody else. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "command/run.h"
#include "support/golden.h"

/* The model's first weight, in thousandths: task arithmetic changes it evenly. */
static const char first[] = "#!/bin/sh\n"
                            "od -An -j 4000 -N 4 -tf4 \"$1/model.safetensors\"\n";

static void write_program(const char *name, const char *text) {
    char path[1200];
    write_file(name, text);
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    assert_int_equal(chmod(path, 0755), 0);
}

/* A recipe of two tasks over the tiny Llama, whose second has this measure. */
static void write_recipe(const char *measure) {
    char models[1100], text[8192];
    snprintf(models, sizeof models, "%s", golden_path("tensorwise/llama"));
    snprintf(text, sizeof text,
             "pretrained: %s/base\n"
             "tasks:\n"
             "  weight:\n"
             "    expert: %s/a\n"
             "    measure: ./first.sh {model}\n"
             "  size:\n"
             "    expert: %s/b\n"
             "    measure: %s\n"
             "    direction: min\n"
             "    unit: MB\n"
             "    timeout: 20\n",
             models, models, models, measure);
    write_file("recipe.yaml", text);
}

static int setup(void **state) {
    (void)state;
    /* srcdir may be relative to the build folder, where the recipe is not. */
    char *path = realpath(getenv("srcdir") ? getenv("srcdir") : ".", NULL);
    assert_non_null(path);
    setenv("srcdir", path, 1);
    free(path);
    write_program("first.sh", first);
    /* What the program sets for itself (base/start.h) is not passed on. */
    unsetenv("OPENBLAS_NUM_THREADS");
    unsetenv("GOMP_SPINCOUNT");
    write_program("size.sh", "#!/bin/sh\ntest -z \"$OPENBLAS_NUM_THREADS\" && "
                             "test -z \"$GOMP_SPINCOUNT\" && "
                             "echo '{\"value\": 4.5, \"error\": 0.1, \"n\": 7}'\n");
    return 0;
}

static void init(const char *name, const char *measure) {
    write_recipe(measure);
    struct ran ran = run("init %s/%s %s/recipe.yaml --quiet", folder(), name, folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
}

static double figure(const json_t *rows, size_t row, const char *task) {
    const json_t *figures = json_object_get(json_array_get(rows, row), "objectives");
    const json_t *value = json_object_get(json_object_get(figures, task), "value");
    assert_true(json_is_number(value));
    return json_number_value(value);
}

/* Folders for models of processes that have ended: none, as those that a killed one
 * left are removed by the next. */
static void no_place_is_left(void) {
    struct ran ran = shell(
        "for f in /dev/shm/.pwemoe-model.* \"${TMPDIR:-/tmp}\"/.pwemoe-model.*; "
        "do p=${f##*/.pwemoe-model.}; kill -0 ${p%%%%.*} 2>/dev/null || test ! -e "
        "\"$f\" || echo \"$f\"; done");
    assert_string_equal(ran.out, "");
    ran_free(&ran);
}

static void test_pipeline(void **state) {
    (void)state;
    struct ran ran =
        shell("f=/dev/shm/.pwemoe-model.4194305.0.tmp; mkdir $f $f/model && "
              "touch -d 2001-01-01 $f");
    ran_free(&ran);
    init("r.db", "./size.sh --of {model}");
    expect_error(1, "only with --allow-commands", "merge %s/r.db --method average",
                 folder());
    json_t *rows = json_of("merge %s/r.db --method task-arithmetic --scales 0:1:3 "
                           "--allow-commands --quiet --format json",
                           folder());
    double none = figure(rows, 0, "weight"), half = figure(rows, 1, "weight");
    double whole = figure(rows, 2, "weight");
    assert_true(fabs(half - (none + whole) / 2) < 1e-6 && whole != none);
    assert_true(figure(rows, 0, "size") == 4.5);
    json_decref(rows);
    /* Nothing is measured again. */
    rows = json_of("merge %s/r.db --method task-arithmetic --scales 0:1:3 --quiet "
                   "--format json",
                   folder());
    assert_int_equal(json_array_size(rows), 3);
    json_decref(rows);
    rows = json_of("front %s/r.db --method wudi --grid 3 --allow-commands --quiet "
                   "--jobs 2 --format json",
                   folder());
    assert_int_equal(json_array_size(rows), 3);
    json_decref(rows);
    rows = json_of("merge %s/r.db --method stl,pretrained --allow-commands --quiet "
                   "--format json",
                   folder());
    assert_true(figure(rows, 1, "weight") == none);
    json_decref(rows);
    /* What is exported is what was measured. */
    ran = run("export %s/r.db --solution 3 --out %s/exported --quiet", folder(),
              folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    ran = shell("'%s/first.sh' '%s/exported'", folder(), folder());
    assert_true(fabs(atof(ran.out) - whole) < 1e-6);
    ran_free(&ran);
    rows = json_of(
        "eval %s/r.db --model %s/exported --allow-commands --quiet --format json",
        folder(), folder());
    assert_true(figure(rows, 0, "weight") == whole);
    json_decref(rows);
    no_place_is_left();
}

/* A program is called by the name that the recipe has, as a virtual environment's
 * Python has to be: of two links to one file each says what it is called. The folder's
 * own name may be a link, too. */
static void test_links(void **state) {
    (void)state;
    char measure[1300];
    struct ran ran =
        shell("cd '%s' && mkdir -p env/bin && ln -s env/bin link", folder());
    ran_free(&ran);
    write_program("env/bin/whole.sh", "#!/bin/sh\n"
                                      "case $0 in */bin/half.sh) echo 2 ;;\n"
                                      "*/bin/whole.sh) echo 4 ;; *) echo 6 ;; esac\n");
    ran = shell("ln -s whole.sh '%s/env/bin/half.sh'", folder());
    ran_free(&ran);
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "link%d.db", i);
        snprintf(measure, sizeof measure, "%s/%s/%s.sh", i == 2 ? folder() : ".",
                 i ? "link" : "env/bin", i == 1 ? "whole" : "half");
        init(name, measure);
        json_t *rows =
            json_of("merge %s/%s --method pretrained --allow-commands --quiet "
                    "--format json",
                    folder(), name);
        assert_true(figure(rows, 0, "size") == (i == 1 ? 4 : 2));
        json_decref(rows);
    }
}

/* Coefficients by the names of tensors, of a model that is only a folder of tensors. */
static void test_weights(void **state) {
    (void)state;
    static const char *const asked[] = {
        "--scales weight=1,size=0", "--scales 1 --weight 'size:*=0'",
        "--scales 0.5 --weight '*=0' --weight 'weight:*=1'", "--scales 0",
        "--scales 1 --weight '*=0'"};
    double figures[5];
    init("w.db", "./size.sh");
    for (size_t i = 0; i < 5; i++) {
        json_t *rows = json_of("merge %s/w.db --method task-arithmetic %s "
                               "--allow-commands --quiet --format json",
                               folder(), asked[i]);
        figures[i] = figure(rows, 0, "weight");
        json_decref(rows);
    }
    assert_true(figures[1] == figures[0] && figures[2] == figures[0]);
    assert_true(figures[4] == figures[3] && figures[3] != figures[0]);
    expect_error(1, "--weight 'nothing=2': no tensor matches",
                 "merge %s/w.db --method task-arithmetic --weight nothing=2 "
                 "--allow-commands --quiet",
                 folder());
}

static void fails(const char *program, const char *says) {
    static int number;
    char name[32];
    snprintf(name, sizeof name, "f%d.db", number++);
    write_program("bad.sh", program);
    init(name, "./bad.sh {model}");
    expect_error(1, says, "merge %s/%s --method average --allow-commands --quiet",
                 folder(), name);
    json_t *rows = json_of("show %s/%s solutions --format json", folder(), name);
    assert_int_equal(json_array_size(rows), 0);
    json_decref(rows);
}

static void test_failures(void **state) {
    (void)state;
    fails("#!/bin/sh\necho no such layer >&2\nexit 3\n",
          "task size: ./bad.sh: ended with status 3: no such layer");
    fails("#!/bin/sh\nkill -SEGV $$\n", "was ended by signal 11");
    fails("#!/bin/sh\nexit 255\n", "ended with status 255");
    fails("#!/bin/sh\n", "printed nothing");
    fails("#!/bin/sh\necho 1 2\n", "printed something other than one number");
    fails("#!/bin/sh\necho 1 >>\"$1/config.json\"; echo 3\n", "changed the model");
    fails("#!/bin/no-such-shell\n", "cannot be run");
}

static void test_time(void **state) {
    (void)state;
    write_program("slow.sh",
                  "#!/bin/sh\nsleep 1000 &\n>\"${0%/*}/begun\"\nsleep 1000\n");
    write_recipe("./slow.sh");
    struct ran ran =
        shell("cd '%s' && sed -i 's/timeout: 20/timeout: 0.5/' recipe.yaml", folder());
    ran_free(&ran);
    ran = run("init %s/slow.db %s/recipe.yaml --quiet", folder(), folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    expect_error(1, "was stopped after 0.5 s",
                 "merge %s/slow.db --method average --allow-commands --quiet",
                 folder());
    /* A signal that asks for an end is obeyed while a command runs, which ends too. */
    write_recipe("./slow.sh");
    ran = run("init %s/long.db %s/recipe.yaml --quiet", folder(), folder());
    ran_free(&ran);
    ran = shell("rm -f '%1$s/begun'; ./pwemoe merge '%1$s/long.db' --method average "
                "--allow-commands --quiet & p=$!; until [ -e '%1$s/begun' ] || "
                "! kill -0 $p 2>/dev/null; do sleep 0.05; done; kill -TERM $p; wait $p",
                folder());
    assert_non_null(strstr(ran.err, "stopped; 0 of 1"));
    ran_free(&ran);
}

/* The spread of runs whose figures are large beside it: 1, 2 and 3 nanoseconds more
 * than 1.5 seconds, whose standard error is 1 / sqrt(3). */
static void test_spread(void **state) {
    (void)state;
    write_program("count.sh", "#!/bin/sh\necho >>\"${0%/*}/runs\"\n"
                              "echo $((1500000000 + $(wc -l <\"${0%/*}/runs\")))\n");
    write_recipe("./count.sh");
    struct ran ran =
        shell("cd '%s' && sed -i 's/timeout: 20/repeat: 3/' recipe.yaml", folder());
    ran_free(&ran);
    ran = run("init %s/spread.db %s/recipe.yaml --quiet", folder(), folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    json_t *rows = json_of("merge %s/spread.db --method average --allow-commands "
                           "--quiet --format json",
                           folder());
    const json_t *size =
        json_object_get(json_object_get(json_array_get(rows, 0), "objectives"), "size");
    double value = json_number_value(json_object_get(size, "value"));
    double high =
        json_number_value(json_array_get(json_object_get(size, "interval"), 1));
    assert_true(value == 1500000002);
    assert_true(fabs(high - value - 1.959963984540054 / sqrt(3)) < 1e-6);
    json_decref(rows);
}

/* The recipe of write_recipe with one more key of its second task. */
static void with_budget(const char *database, const char *budget, const char *says) {
    write_recipe("./size.sh {model}");
    struct ran ran =
        shell("cd '%s' && echo '    budget: %s' >>recipe.yaml", folder(), budget);
    ran_free(&ran);
    if (says) {
        expect_error(1, says, "init %s/%s %s/recipe.yaml", folder(), database,
                     folder());
        return;
    }
    ran = run("init %s/%s %s/recipe.yaml --quiet", folder(), database, folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
}

static void stored(const char *database, size_t count) {
    json_t *rows = json_of("show %s/%s solutions --format json", folder(), database);
    assert_int_equal(json_array_size(rows), count);
    json_decref(rows);
}

/* The command's table has what was measured, and its error why there is no more. */
static void ends_early(const char *says, const char *command, const char *database) {
    struct ran ran = run(command, folder(), database);
    if (ran.status != 1 || !strstr(ran.err, says) || !*ran.out)
        fail_msg("%s: status %d, '%s'", command, ran.status, ran.err);
    ran_free(&ran);
}

static void test_budget(void **state) {
    (void)state;
    with_budget("runs.db", "2 runs", NULL);
    ends_early("task size: its budget of 2 runs is used up; 2 of 5 are measured",
               "merge %s/%s --method task-arithmetic --scales 0:1:5 "
               "--allow-commands --quiet",
               "runs.db");
    stored("runs.db", 2);
    /* A surrogate cannot be fitted to two models; each run has a budget of its own. */
    ends_early("is used up; 2 of 10 are measured",
               "map %s/%s --allow-commands --evaluations 10 --quiet", "runs.db");
    stored("runs.db", 4);
    struct ran ran = run("merge %s/runs.db --method task-arithmetic --scales 0.6:0.8:2 "
                         "--allow-commands --quiet",
                         folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    /* What is begun is measured to its end. */
    write_program("size.sh", "#!/bin/sh\nsleep 0.3\necho 4.5\n");
    with_budget("time.db", "0.2", NULL);
    ends_early("task size: its budget of 0.2 s is used up; 1 of 2 are measured",
               "merge %s/%s --method task-arithmetic --scales 0:1:2 "
               "--allow-commands --quiet",
               "time.db");
    stored("time.db", 1);
    with_budget("no.db", "a lot", "budget is");
    with_budget("no.db", "0", "give seconds, above 0");
    with_budget("no.db", "1.5 runs", "as in '40 runs'");
    with_budget("no.db", "3 minutes", "budget is '3 minutes'");
}

static const char *hash_of(const json_t *rows, size_t row) {
    const json_t *hash = json_object_get(json_array_get(rows, row), "model_sha256");
    assert_true(json_is_string(hash));
    return json_string_value(hash);
}

static size_t lines_of(const char *name) {
    struct ran ran = shell("cat %s/%s 2>/dev/null | wc -l", folder(), name);
    size_t count = (size_t)atol(ran.out);
    ran_free(&ran);
    return count;
}

/* A model that is measured already under another name is not measured again; by a
 * program that has changed it is. */
static void test_known_models(void **state) {
    (void)state;
    static const char *const program = "#!/bin/sh\necho . >>calls\necho '{\"value\": "
                                       "4.5, \"error\": 0.1, \"n\": 7}'\n";
    write_program("known.sh", program);
    init("known.db", "./known.sh {model}");
    json_t *rows = json_of("merge %s/known.db --method task-arithmetic --scales 0.5 "
                           "--allow-commands --quiet --format json",
                           folder());
    char *hash = strdup(hash_of(rows, 0));
    double weight = figure(rows, 0, "weight");
    json_decref(rows);
    assert_int_equal(lines_of("calls"), 1);
    struct ran ran = run("merge %s/known.db --method task-arithmetic --scales "
                         "weight=0.5,size=0.5 --allow-commands --format json",
                         folder());
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.err, "2 figures are of models that were measured"));
    ran_free(&ran);
    assert_int_equal(lines_of("calls"), 1);
    rows = json_of("show %s/known.db solutions --format json", folder());
    assert_int_equal(json_array_size(rows), 2);
    assert_string_equal(hash_of(rows, 1), hash);
    assert_true(figure(rows, 1, "weight") == weight && figure(rows, 1, "size") == 4.5);
    json_decref(rows);
    /* Another model is measured. */
    ran = run("merge %s/known.db --method task-arithmetic --scales 0.25 "
              "--allow-commands --quiet",
              folder());
    ran_free(&ran);
    assert_int_equal(lines_of("calls"), 2);
    write_program("known.sh", "#!/bin/sh\necho . >>calls\necho 6\n");
    ran = run("merge %s/known.db --method task-arithmetic --scales "
              "weight=0.5,size=0.5 --allow-commands",
              folder());
    assert_int_equal(ran.status, 0);
    assert_non_null(
        strstr(ran.err, "task size: the program of its command has changed"));
    ran_free(&ran);
    assert_int_equal(lines_of("calls"), 3);
    rows = json_of("show %s/known.db solutions --format json", folder());
    assert_int_equal(json_array_size(rows), 1); /* the others are stale */
    assert_true(figure(rows, 0, "size") == 6);
    json_decref(rows);
    free(hash);
}

static void test_recipes(void **state) {
    (void)state;
    write_recipe("./none.sh");
    expect_error(1, "none.sh", "init %s/no.db %s/recipe.yaml", folder(), folder());
    write_recipe("a | b");
    expect_error(1, "only in a shell", "init %s/no.db %s/recipe.yaml", folder(),
                 folder());
    write_file("plain.sh", "echo 3\n");
    write_recipe("./plain.sh");
    expect_error(1, "chmod +x", "init %s/no.db %s/recipe.yaml", folder(), folder());
    struct ran ran = shell(
        "cd '%s' && sed -i 's/measure: .\\/plain.sh/test: x/' recipe.yaml", folder());
    ran_free(&ran);
    expect_error(1, "go with measure", "init %s/no.db %s/recipe.yaml", folder(),
                 folder());
    ran = shell("cd '%s' && sed -i '/direction\\|unit\\|timeout/d' recipe.yaml",
                folder());
    ran_free(&ran);
    expect_error(1, "or none", "init %s/no.db %s/recipe.yaml", folder(), folder());
    write_recipe("./size.sh");
    ran = shell("cd '%s' && sed -i 's/direction: min/direction: less/' recipe.yaml",
                folder());
    ran_free(&ran);
    expect_error(1, "direction is max or min", "init %s/no.db %s/recipe.yaml", folder(),
                 folder());
}

/* A LoRA adapter is an expert. */
static void test_adapter(void **state) {
    (void)state;
    write_recipe("./size.sh");
    struct ran ran =
        shell("cd '%s' && sed -i 's#tensorwise/llama/b$#adapters/llama-b#' "
              "recipe.yaml",
              folder());
    ran_free(&ran);
    ran = run("init %s/lora.db %s/recipe.yaml --quiet", folder(), folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    json_t *rows = json_of("merge %s/lora.db --method average,ties --set trim=tensor "
                           "--allow-commands --quiet --format json",
                           folder());
    assert_int_equal(json_array_size(rows), 2);
    json_decref(rows);
}

/* Two commands at a time, each with devices of its own; the first one waits for the
 * other. */
static void test_job_devices(void **state) {
    (void)state;
    write_program("device.sh",
                  "#!/bin/sh\necho \"$1 $CUDA_VISIBLE_DEVICES\" >\"seen.$$\"\nn=0\n"
                  "while [ \"$(ls seen.* | wc -l)\" -lt 2 ] && [ $n -lt 300 ]; do\n"
                  "sleep 0.02; n=$((n + 1)); done\necho 1\n");
    write_recipe("./device.sh {device}");
    struct ran ran = shell("cd %s && sed -i 's/first.sh {model}/device.sh {device}/' "
                           "recipe.yaml && grep -c './device.sh {device}' recipe.yaml",
                           folder());
    assert_string_equal(ran.out, "2\n");
    ran_free(&ran);
    ran = run("init %s/devices.db %s/recipe.yaml --quiet", folder(), folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    expect_error(1, "--job-devices '0,': give a device for each command",
                 "merge %s/devices.db --method average --allow-commands --quiet "
                 "--job-devices 0,",
                 folder());
    expect_error(1, "'0,1' are 2 for 3 commands at a time; give --jobs 2",
                 "merge %s/devices.db --method average --allow-commands --quiet "
                 "--jobs 3 --job-devices 0,1",
                 folder());
    ran = run("merge %s/devices.db --method average --allow-commands --quiet "
              "--job-devices 3,5+6",
              folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    ran = shell("cd %s && cat seen.* | sort && rm seen.*", folder());
    assert_string_equal(ran.out, "cuda:0 3\ncuda:0 5,6\n");
    ran_free(&ran);
    /* Commands know nothing of splits. */
    expect_error(1, "--split train: commands measure these tasks",
                 "merge %s/devices.db --method average --allow-commands --split train",
                 folder());
    expect_error(2, "--fit-split train: commands measure these tasks",
                 "map %s/devices.db --allow-commands --fit-split train", folder());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipeline),    cmocka_unit_test(test_failures),
        cmocka_unit_test(test_time),        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_budget),      cmocka_unit_test(test_known_models),
        cmocka_unit_test(test_recipes),     cmocka_unit_test(test_adapter),
        cmocka_unit_test(test_job_devices), cmocka_unit_test(test_weights),
        cmocka_unit_test(test_links)};
    return cmocka_run_group_tests(tests, setup, NULL);
}
