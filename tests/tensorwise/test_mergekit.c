/* mergekit's YAML read by pwemoe merge-to: the same bytes as by the options that
 * test_merge_to compares with mergekit's own results, and what is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command/run.h"
#include "support/golden.h"

static char models[1100]; /* tests/golden/tensorwise, absolute */

static int setup(void **state) {
    (void)state;
    char *path = realpath(golden_path("tensorwise"), NULL);
    assert_non_null(path);
    snprintf(models, sizeof models, "%s", path);
    free(path);
    return 0;
}

/* The text with every $M as the models' folder. */
static void write_config(const char *text) {
    char out[8192];
    size_t used = 0;
    for (const char *c = text; *c && used + 1200 < sizeof out; c++)
        if (c[0] == '$' && c[1] == 'M') {
            used += (size_t)snprintf(out + used, sizeof out - used, "%s", models);
            c++;
        } else {
            out[used++] = *c;
        }
    out[used] = '\0';
    write_file("config.yml", out);
}

static void check(const char *config, const char *words) {
    write_config(config);
    struct ran ran = shell("M='%s'; F='%s'; rm -rf $F/read $F/typed; "
                           "./pwemoe merge-to $F/read --mergekit $F/config.yml --quiet "
                           "&& ./pwemoe merge-to $F/typed %s --quiet && "
                           "cmp $F/read/model.safetensors $F/typed/model.safetensors",
                           models, folder(), words);
    if (ran.status)
        fail_msg("%s: %s%s", words, ran.out, ran.err);
    ran_free(&ran);
}

#define LLAMA " --pretrained $M/llama/base --expert a=$M/llama/a --expert b=$M/llama/b"
#define HEAD(method) \
    "merge_method: " method "\nbase_model: $M/llama/base\ndtype: float32\n"
#define WEIGHTED                                                           \
    "models:\n  - model: $M/llama/base\n"                                  \
    "  - model: $M/llama/a\n    parameters: {weight: 0.3, density: 0.5}\n" \
    "  - model: {model: {path: $M/llama/b}}\n"                             \
    "    parameters:\n      weight: 0.5\n      density: 0.5\n"

static void test_read(void **state) {
    (void)state;
    check(HEAD("task_arithmetic") WEIGHTED "parameters: {lambda: 0.8}\n",
          "--method task-arithmetic --scales a=0.3,b=0.5 --set scale=0.8 --dtype "
          "f32" LLAMA);
    check(
        HEAD("ties") WEIGHTED,
        "--method ties --scales a=0.3,b=0.5 --set keep=0.5,sum=mean --dtype f32" LLAMA);
    check(HEAD("ties") WEIGHTED "parameters: {normalize: false, int8_mask: true}\n",
          "--method ties --scales a=0.3,b=0.5 --set keep=0.5 --dtype f32" LLAMA);
    check(HEAD("breadcrumbs_ties") WEIGHTED "parameters: {gamma: 0.1}\n"
                                            "tokenizer_source: base\n",
          "--method breadcrumbs --scales a=0.3,b=0.5 --dtype f32 --set "
          "keep=0.5,outliers=0.1,sum=sum" LLAMA);
    check(HEAD("dare_linear") WEIGHTED "out_dtype: bfloat16\n",
          "--method dare --scales a=0.3,b=0.5 --set drop=0.5 --dtype bf16" LLAMA);
    check(
        "merge_method: linear\nparameters: {weight: 2}\n"
        "models: [{model: $M/llama/a}, {model: $M/llama/b, parameters: {weight: 1}}]\n",
        "--method average --scales a=2,b=1 --expert a=$M/llama/a --expert "
        "b=$M/llama/b");
    check("merge_method: slerp\nbase_model: $M/bert/a\nparameters: {t: 0.3}\n"
          "models:\n  - model: $M/bert/b\n  - model: $M/bert/a\n",
          "--method slerp --expert b=$M/bert/b --expert a=$M/bert/a --scales "
          "a=0.7,b=0.3");
    check("merge_method: model_stock\nbase_model: $M/llama/base\n"
          "models: [{model: $M/llama/a}, {model: $M/llama/b}]\n",
          "--method model-stock" LLAMA);
    check("merge_method: karcher\nmodels: [{model: $M/llama/a}, {model: $M/llama/b}]\n",
          "--method karcher --expert $M/llama/a --expert $M/llama/b");
}

static void refused(const char *says, const char *config) {
    write_config(config);
    expect_error(2, says, "merge-to %s/no --mergekit %s/config.yml --quiet", folder(),
                 folder());
}

static void test_refused(void **state) {
    (void)state;
    refused("did you mean ties", HEAD("tis") WEIGHTED);
    refused("slices: is not read here", HEAD("ties") "slices: []\n");
    refused(
        "weight: only a number is read",
        HEAD("ties") "models: [{model: $M/llama/a, parameters: {weight: [0, 1]}}]\n");
    refused("config.yml:4: a second YAML document",
            "merge_method: linear\nmodels: [{model: a}, {model: b}]\nname: one\n"
            "---\nmerge_method: slerp\n");
    refused(
        "parameters: is not a mapping",
        "merge_method: linear\nmodels: [{model: a, parameters: [1]}, {model: b}]\n");
    refused("parameters: is not a mapping", "merge_method: linear\nparameters: 0.5\n"
                                            "models: [{model: a}, {model: b}]\n");
    refused("another density",
            HEAD("ties") "models: [{model: a, parameters: {density: 1}}, {model: b, "
                         "parameters: {density: 0.5}}]\n");
    refused("normalize: only the method's own default",
            HEAD("task_arithmetic") WEIGHTED "parameters: {normalize: true}\n");
    refused("tokenizer_source: only base and union",
            HEAD("ties") WEIGHTED "tokenizer_source: a/model\n");
    refused("dtype: is none of",
            "merge_method: ties\ndtype: int8\nmodels: [{model: a}]\n");
    refused("is neither of the two models",
            "merge_method: slerp\nbase_model: x\nparameters: {t: 0.5}\n"
            "models: [{model: a}, {model: b}]\n");
    refused("config.yml:2: aliases and tags are not read",
            "merge_method: ties\nx: *y\n");
    refused("a key stands twice", "merge_method: ties\nmerge_method: ties\n");
    refused("config.yml:3:", "merge_method: ties\nmodels: [\n");
    expect_error(2, "--method cannot be used with --mergekit",
                 "merge-to %s/no --method ties --mergekit %s/config.yml", folder(),
                 folder());
    expect_error(2, "none.yml", "merge-to %s/no --mergekit %s/none.yml", folder(),
                 folder());
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, setup, NULL);
}
