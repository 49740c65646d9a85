/* LoRA adapters as experts of recipes that this program runs: from init over routers to
 * an exported model, with the figures of the models that the adapters make. */
#include <math.h>
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
#include "support/golden.h"

static char *golden; /* tests/golden, absolute */

static void must(struct ran ran) {
    if (ran.status)
        fail_msg("%d '%s'", ran.status, ran.err);
    ran_free(&ran);
}

static void write_recipe(const char *name, const char *expert) {
    char recipe[4096];
    snprintf(recipe, sizeof recipe,
             "pretrained: %1$s/model/vit\n"
             "tasks:\n"
             "  a: {expert: %2$s, train: data/a-train-images-idx3-ubyte, "
             "test: data/a-test-images-idx3-ubyte}\n"
             "  b: {expert: %1$s/model/vit-expert1, train: "
             "data/b-train-images-idx3-ubyte, test: data/b-test-images-idx3-ubyte}\n",
             golden, expert);
    write_file(name, recipe);
}

static int set_up(void **state) {
    if (make_project(state) || !(golden = realpath(golden_path(""), NULL)))
        return -1;
    char path[1200];
    snprintf(path, sizeof path, "%s/lora/vit", golden);
    write_recipe("lora.yaml", path);
    /* The same expert as a whole model, by another way there. */
    must(run("merge-to %1$s/dense --method task-arithmetic --set scale=1 "
             "--pretrained %2$s/model/vit --expert %2$s/lora/vit --quiet",
             folder(), golden));
    snprintf(path, sizeof path, "%s/dense", folder());
    write_recipe("dense.yaml", path);
    must(run("init %1$s/lora.db %1$s/lora.yaml --quiet", folder()));
    must(run("init %1$s/dense.db %1$s/dense.yaml --quiet", folder()));
    return 0;
}

static double figure(const json_t *rows, size_t row, const char *task) {
    const json_t *figures = json_object_get(json_array_get(rows, row), "objectives");
    return number(json_object_get(figures, task), "value");
}

/* One f32 rounding apart at most: figures agree, and so would few others. */
static void test_methods(void **state) {
    (void)state;
    static const char methods[] = "merge %s/%s.db --method stl,average,ties,wudi "
                                  "--quiet --threads 1 --format json";
    json_t *lora = json_of(methods, folder(), "lora");
    json_t *dense = json_of(methods, folder(), "dense");
    assert_int_equal(json_array_size(lora), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(figure(lora, i, "a") == figure(dense, i, "a"));
        assert_true(figure(lora, i, "b") == figure(dense, i, "b"));
    }
    json_decref(lora);
    json_decref(dense);
}

static void test_routers(void **state) {
    (void)state;
    must(run("train %s/lora.db --method ls --upscale mlp --batch 4 --steps 3 "
             "--threads 1 --quiet",
             folder()));
    must(run("train %s/lora.db --batch 4 --steps 3 --threads 1 --quiet", folder()));
    json_t *rows = json_of(
        "front %s/lora.db --grid 2 --quiet --threads 1 --format json", folder());
    assert_int_equal(json_array_size(rows), 2);
    json_decref(rows);
    must(run("export %1$s/lora.db --preference 0.5,0.5 --out %1$s/exported --quiet",
             folder()));
    rows = json_of("eval %1$s/lora.db --model %1$s/exported --quiet --format json",
                   folder());
    json_decref(rows);
    must(run("show %s/lora.db similarity --quiet", folder()));
}

/* --- all experts are adapters ------------------------------------------------------
 */

/* Another adapter of the same model, by another alpha. */
static void make_second(void) {
    must(shell("cp -r %1$s/lora/vit %2$s/second && sed -i 's/\"lora_alpha\": 3/"
               "\"lora_alpha\": -5/' %2$s/second/adapter_config.json",
               golden, folder()));
}

static void write_pair(const char *name, const char *first, const char *second) {
    char recipe[4096];
    snprintf(recipe, sizeof recipe,
             "pretrained: %s/model/vit\n"
             "tasks:\n"
             "  a: {expert: %s, train: data/a-train-images-idx3-ubyte, "
             "test: data/a-test-images-idx3-ubyte}\n"
             "  b: {expert: %s, train: data/b-train-images-idx3-ubyte, "
             "test: data/b-test-images-idx3-ubyte}\n",
             golden, first, second);
    write_file(name, recipe);
}

/* factors.db, whose task vectors are kept as factors, and whole.db of the same models
 * without adapters. */
static void make_pairs(void) {
    char first[1200], second[1200];
    make_second();
    snprintf(first, sizeof first, "%s/lora/vit", golden);
    write_pair("factors.yaml", first, "second");
    must(run("merge-to %1$s/dense2 --method task-arithmetic --set scale=1 "
             "--pretrained %2$s/model/vit --expert %1$s/second --quiet",
             folder(), golden));
    snprintf(first, sizeof first, "%s/dense", folder());
    snprintf(second, sizeof second, "%s/dense2", folder());
    write_pair("whole.yaml", first, second);
    must(run("init %1$s/factors.db %1$s/factors.yaml --quiet", folder()));
    must(run("init %1$s/whole.db %1$s/whole.yaml --quiet", folder()));
}

/* One rounding apart: figures agree, and so do cosines to 1e-4. */
static void test_all_adapters(void **state) {
    (void)state;
    static const char methods[] =
        "merge %s/%s.db --method stl,average,task-arithmetic,ties,dare,fisher,regmean,"
        "wudi,tsv-m --quiet --threads 1 --format json";
    make_pairs();
    json_t *factors = json_of(methods, folder(), "factors");
    json_t *whole = json_of(methods, folder(), "whole");
    assert_int_equal(json_array_size(factors), 9);
    for (size_t i = 0; i < 9; i++) {
        assert_true(figure(factors, i, "a") == figure(whole, i, "a"));
        assert_true(figure(factors, i, "b") == figure(whole, i, "b"));
    }
    json_decref(factors);
    json_decref(whole);
    static const char alike[] = "show %s/%s.db similarity --quiet --format json";
    factors = json_of(alike, folder(), "factors");
    whole = json_of(alike, folder(), "whole");
    assert_int_equal(json_array_size(factors), json_array_size(whole));
    size_t known = 0;
    for (size_t i = 0; i < json_array_size(factors); i++) {
        const json_t *one = json_array_get(factors, i), *other;
        const char *key;
        json_t *value;
        other = json_array_get(whole, i);
        json_object_foreach((json_t *)(uintptr_t)one, key, value) {
            if (!json_is_real(value))
                continue;
            assert_true(fabs(json_real_value(value) - number(other, key)) < 1e-4);
            known++;
        }
    }
    assert_true(known > 0);
    json_decref(factors);
    json_decref(whole);
}

/* Trained on factors and exported: the model is the one that was measured. */
static void test_trained_on_factors(void **state) {
    (void)state;
    static const char *const how[] = {"--method distil", "--method adamerging",
                                      "--method ls"};
    for (size_t i = 0; i < 3; i++) {
        must(run("train %1$s/factors.db %2$s --batch 4 --steps 3 --threads 1 --quiet",
                 folder(), how[i]));
        json_t *rows = json_of(
            "eval %s/factors.db --preference 0.5,0.5 --quiet --threads 1 --format json",
            folder());
        json_decref(rows);
        must(run("export %1$s/factors.db --preference 0.5,0.5 --out %1$s/trained%2$zu "
                 "--threads 2 --quiet",
                 folder(), i));
    }
}

/* Another alpha is another model: figures are not taken for its. */
static void test_changed(void **state) {
    (void)state;
    must(shell("cp -r %s/lora/vit %s/mine", golden, folder()));
    char path[1200];
    snprintf(path, sizeof path, "%s/mine", folder());
    write_recipe("mine.yaml", path);
    must(run("init %1$s/mine.db %1$s/mine.yaml --quiet", folder()));
    must(shell("sed -i 's/\"lora_alpha\": 3/\"lora_alpha\": 4/' "
               "%s/mine/adapter_config.json",
               folder()));
    expect_error(1, "is not the checkpoint this file was made with",
                 "merge %s/mine.db --method average", folder());
}

static void test_refused(void **state) {
    (void)state;
    char path[1200];
    snprintf(path, sizeof path, "%s/lora/gpt2", golden);
    write_recipe("wrong.yaml", path);
    struct ran ran = run("init %1$s/wrong.db %1$s/wrong.yaml", folder());
    assert_int_equal(ran.status, 1);
    assert_non_null(strstr(ran.err, "an adapter for another model"));
    ran_free(&ran);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods),      cmocka_unit_test(test_routers),
        cmocka_unit_test(test_all_adapters), cmocka_unit_test(test_trained_on_factors),
        cmocka_unit_test(test_changed),      cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, set_up, NULL);
}
