/* bench_device with the tiny model on the CPU, and on the emulated device: the form of
 * its files, ratios, a peer that answers, one that does not fit, one that is missing.
 * No figure of it says anything of speed. */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "command/run.h"

#define BENCH                                                                \
    "./bench/gpu/bench_device --shapes tiny --tasks 2 --batch 2 --images 4 " \
    "--seconds 0.001 "

/* Parameters of the tiny model. */
#define PARAMETERS "42496"

/* The one document that a run left in FOLDER/NAME. */
static json_t *document(const char *name) {
    struct ran ran = shell("cat '%s/%s'/*.json", folder(), name);
    json_error_t error;
    json_t *all = json_loads(ran.out, 0, &error);
    if (!all)
        fail_msg("%s: %s", name, error.text);
    ran_free(&ran);
    return all;
}

static json_t *run_bench(const char *name, const char *options, const char *variables) {
    struct ran ran =
        shell("%s " BENCH "--out '%s/%s' %s", variables, folder(), name, options);
    if (ran.status != 0)
        fail_msg("%s: status %d: %s", name, ran.status, ran.err);
    ran_free(&ran);
    return document(name);
}

static double real_of(const json_t *figure, const char *key) {
    const json_t *value = json_object_get(figure, key);
    assert_non_null(value);
    assert_true(json_is_null(value) || json_is_number(value));
    return json_is_null(value) ? NAN : json_number_value(value);
}

static void assert_near(double a, double b) {
    if (isnan(a) != isnan(b) || fabs(a - b) > 1e-4 * fabs(b))
        fail_msg("%g is not %g", a, b);
}

/* Every key of every figure, and its ratios from its other numbers. */
static void check_figures(const json_t *all) {
    size_t i;
    json_t *figure;
    assert_int_equal(json_integer_value(json_object_get(all, "format")), 1);
    assert_true(json_array_size(json_object_get(all, "figures")) > 20);
    json_array_foreach(json_object_get(all, "figures"), i, figure) {
        bool more = json_is_true(json_object_get(figure, "more_is_better"));
        double value = real_of(figure, "value"), floor = real_of(figure, "floor");
        double peer = real_of(figure, "peer");
        assert_true(value >= 0);
        assert_near(real_of(figure, "ratio"), more ? value / floor : floor / value);
        assert_near(real_of(figure, "peer_ratio"), more ? value / peer : peer / value);
        assert_true(real_of(figure, "repeats") >= 1);
        real_of(figure, "spread");
        assert_true(json_is_string(json_object_get(figure, "name")));
        assert_true(json_is_string(json_object_get(figure, "unit")));
        assert_true(json_is_string(json_object_get(figure, "precision")));
        assert_int_equal(isnan(floor),
                         json_is_null(json_object_get(figure, "floor_unit")));
    }
}

/* A figure of the tiny model by name. */
static const json_t *find(const json_t *all, const char *precision, const char *name) {
    size_t i;
    json_t *figure;
    json_array_foreach(json_object_get(all, "figures"), i, figure) {
        if (strcmp(json_string_value(json_object_get(figure, "name")), name) == 0 &&
            strcmp(json_string_value(json_object_get(figure, "precision")),
                   precision) == 0 &&
            strcmp(json_string_value(json_object_get(figure, "shape")), "tiny") == 0)
            return figure;
    }
    fail_msg("there is no %s", name);
    return NULL;
}

static void assert_noted(const json_t *all, const char *part) {
    size_t i;
    json_t *note;
    json_array_foreach(json_object_get(all, "notes"), i, note) {
        if (strstr(json_string_value(note), part))
            return;
    }
    fail_msg("nothing is noted of \"%s\"", part);
}

/* What the layout says of memory is what the backend holds, but for heads, labels,
 * routing weights and alignment. */
static void check_memory(const json_t *all, const char *precision) {
    static const char *const names[] = {"memory, ls step, attn+mlp",
                                        "memory, epo step, attn+mlp"};
    for (size_t i = 0; i < 2; i++) {
        double ratio = real_of(find(all, precision, names[i]), "ratio");
        if (!(ratio > 0.97 && ratio < 1.001))
            fail_msg("%s: %g of it is the layout's", names[i], ratio);
    }
}

static void test_cpu_without_peer(void **state) {
    (void)state;
    json_t *all = run_bench("cpu", "--device cpu", "PYTHON=/nonexistent/python");
    check_figures(all);
    check_memory(all, "f32");
    static const char *const names[] = {"merge of the whole model",
                                        "drag to complete vector, attn+mlp",
                                        "ls step, mlp",
                                        "epo step, attn+mlp",
                                        "mgda step, all",
                                        "4,000 ls steps, attn+mlp, by that",
                                        "attention backward",
                                        "dW of fc1 64 x 32 x 20",
                                        "forward, 2 x 4 images",
                                        "layer norm backward"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_true(isnan(real_of(find(all, "f32", names[i]), "peer")));
    assert_noted(all, "set PYTHON");
    const char *device =
        json_string_value(json_object_get(json_object_get(all, "about"), "device"));
    assert_non_null(strstr(device, "cpu"));
    /* The table has one row for each figure. */
    struct ran rows = shell("grep -c ' ms \\| TFLOP/s \\| GB/s \\| MiB \\| %% \\| s "
                            "\\| times ' '%s/cpu'/*.md",
                            folder());
    assert_true((size_t)atol(rows.out) >=
                json_array_size(json_object_get(all, "figures")));
    ran_free(&rows);
    json_decref(all);
    /* A second run of the day does not write over the first. */
    json_decref(run_bench("cpu2", "--device cpu --parts rates --no-peer", ""));
    struct ran again =
        shell(BENCH "--out '%s/cpu2' --device cpu --parts rates --no-peer && ls "
                    "'%s/cpu2'/*-2.json '%s/cpu2'/*-2.md",
              folder(), folder(), folder());
    assert_int_equal(again.status, 0);
    ran_free(&again);
}

static void test_peer(void **state) {
    (void)state;
    json_t *all = run_bench("peer", "--device cpu --parts steps,arenas,drag",
                            "FAKE_PARAMETERS=" PARAMETERS
                            " PYTHON=\"$srcdir/tests/gpu/fake_peer.sh\"");
    assert_near(real_of(find(all, "f32", "ls step, all"), "peer"), 2000);
    assert_near(real_of(find(all, "f32", "merge of the whole model"), "peer"), 2000);
    assert_true(isnan(real_of(find(all, "f32", "mgda step, all"), "peer")));
    assert_true(
        isnan(real_of(find(all, "f32", "drag to complete vector, attn+mlp"), "peer")));
    assert_noted(all, "no drag today");
    const json_t *about = json_object_get(all, "about");
    assert_string_equal(json_string_value(json_object_get(about, "peer_f32")),
                        "PyTorch 0 on nothing");
    json_decref(all);
    all = run_bench("other", "--device cpu --parts arenas",
                    "FAKE_PARAMETERS=1 PYTHON=\"$srcdir/tests/gpu/fake_peer.sh\"");
    assert_noted(all, "its model has 1 parameters, ours " PARAMETERS);
    json_decref(all);
}

/* As on a card, but for its speed. */
static void test_emulated(void **state) {
    (void)state;
    if (access("tests/gpu/emulated/pwemoe-cuda.so", F_OK) != 0) {
        print_message("no C++ compiler, so that there is no emulated device\n");
        skip();
    }
    struct ran link = shell("mkdir -p '%s/bin' && cp \"$srcdir/tests/gpu/fake_smi.sh\" "
                            "'%s/bin/nvidia-smi' && chmod +x '%s/bin/nvidia-smi'",
                            folder(), folder(), folder());
    assert_int_equal(link.status, 0);
    ran_free(&link);
    char variables[1200];
    snprintf(variables, sizeof variables,
             "PATH='%s/bin':\"$PATH\" PWEMOE_MODULE_DIR=tests/gpu/emulated "
             "PWEMOE_COMMIT=0123",
             folder());
    json_t *all = run_bench("emulated",
                            "--device cuda --no-peer --precision bf16 "
                            "--parts steps,drag",
                            variables);
    check_figures(all);
    check_memory(all, "bf16");
    const json_t *about = json_object_get(all, "about");
    assert_string_equal(json_string_value(json_object_get(about, "device")),
                        "Emulated GPU 0");
    assert_string_equal(json_string_value(json_object_get(about, "driver")),
                        "580.159.04");
    assert_string_equal(json_string_value(json_object_get(about, "cuda")), "13.0");
    assert_string_equal(json_string_value(json_object_get(about, "commit")), "0123");
    assert_near(real_of(about, "memory_mib"), 143771);
    const json_t *clocks = json_object_get(about, "clocks_before");
    assert_near(real_of(clocks, "sm"), 1980);
    assert_true(isnan(real_of(clocks, "most_memory")));
    assert_near(
        real_of(find(all, "bf16", "card's memory in use, ls step, attn+mlp"), "value"),
        1234);
    json_decref(all);
    struct ran name =
        shell("ls '%s/emulated' | grep -c '^emulated-gpu-0-20'", folder());
    assert_int_equal(atol(name.out), 2);
    ran_free(&name);
}

/* Products by the plain loop: figures of something else, and a failure. */
static void test_plain_products_fail(void **state) {
    (void)state;
    struct ran ran =
        shell("EMULATION_NO_ALGORITHMS=1 PWEMOE_MODULE_DIR=tests/gpu/emulated " BENCH
              "--device cuda --no-peer --precision bf16 --parts steps --out '%s/plain'",
              folder());
    assert_int_equal(ran.status, 1);
    ran_free(&ran);
    json_t *all = document("plain");
    assert_noted(all, "were done by a plain loop");
    json_decref(all);
}

static void test_wrong_use(void **state) {
    (void)state;
    static const char *const wrong[] = {"--shapes vit-b33", "--tasks 0", "operand",
                                        "--what"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct ran ran = shell("./bench/gpu/bench_device --device cpu %s", wrong[i]);
        assert_int_equal(ran.status, 2);
        ran_free(&ran);
    }
    struct ran none = shell("PWEMOE_MODULE_DIR=/nonexistent " BENCH
                            "--device cuda --out '%s/none'; test $? = 1 && ! ls "
                            "'%s/none'/*",
                            folder(), folder());
    assert_int_equal(none.status, 0);
    assert_non_null(strstr(none.err, "cuda: "));
    ran_free(&none);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cpu_without_peer),
        cmocka_unit_test(test_peer),
        cmocka_unit_test(test_emulated),
        cmocka_unit_test(test_plain_products_fail),
        cmocka_unit_test(test_wrong_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
