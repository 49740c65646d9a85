/* What `pwemoe merge` and `pwemoe merge-to` make of the same models: TSV-M, Iso-C and
 * Iso-CTS, whose layers are compared with fusion-bench (merge/test_singular), and
 * coefficients by the names of tensors. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "checkpoint/directory.h"
#include "command/project.h"
#include "command/run.h"
#include "support/golden.h"

static struct model_directory *opened(const char *name) {
    struct model_directory *directory;
    struct error error;
    char path[1200];
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    if (model_directory_open(path, &directory, &error))
        fail_msg("%s", error.text);
    return directory;
}

/* Both in f64 within a layer; sums are rounded to f32 in another order. */
static void compare(const char *left, const char *right) {
    struct model_directory *a = opened(left), *b = opened(right);
    size_t seen = 0;
    for (size_t i = 0; i < model_directory_count(a); i++) {
        const struct tensor *x = model_directory_at(a, i);
        const struct tensor *y = model_directory_find(b, x->name);
        struct error error;
        if (strncmp(x->name, "classifier.", 11) == 0)
            continue; /* heads are of other sizes */
        assert_non_null(y);
        float *got = malloc(x->count * sizeof *got), *other = malloc(x->count * 4);
        double *expected = malloc(x->count * sizeof *expected);
        assert_true(got && other && expected);
        assert_int_equal(tensor_to_f32(x, left, got, &error), 0);
        assert_int_equal(tensor_to_f32(y, right, other, &error), 0);
        for (size_t k = 0; k < x->count; k++)
            expected[k] = (double)other[k];
        golden_close(x->name, got, expected, (size_t)x->count, 1e-6);
        free(got);
        free(other);
        free(expected);
        seen++;
    }
    assert_true(seen > 30);
    model_directory_close(a);
    model_directory_close(b);
}

/* The model of a store at the place `id` against merge-to with these options. */
static void assert_merged_alike(const char *store, size_t id, const char *options) {
    struct ran ran =
        shell("F='%1$s'; M='%3$s'; rm -rf $F/one $F/other; "
              "./pwemoe export $F/%5$s --solution %2$zu --out $F/one --quiet && "
              "./pwemoe merge-to $F/other %4$s --partial --pretrained $M/vit "
              "--expert a=$M/vit-expert0 --expert b=$M/vit-expert1 --threads 1 --quiet",
              folder(), id, models(), options, store);
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    compare("one", "other");
}

static void test_singular(void **state) {
    (void)state;
    static const char *const methods[] = {"tsv-m", "iso-c", "iso-cts"};
    char options[200];
    new_store("it.db");
    for (size_t i = 0; i < 3; i++) {
        snprintf(options, sizeof options, "--method %s --set scale=0.7", methods[i]);
        json_decref(json_of("merge %s/it.db %s --limit 4 --quiet --threads 1 "
                            "--format json",
                            folder(), options));
        assert_merged_alike("it.db", i + 1, options);
    }
}

static void test_weights(void **state) {
    (void)state;
    static const char *const options[] = {
        "--method task-arithmetic --scales 0.7 --weight 'a:layer.{0..1}=0.2..0.6'",
        "--method task-arithmetic --scales a=0.3,b=-0.5 --weight '*.bias=0' "
        "--weight 'b:*.attention.*=0.9'",
        "--method ties --set trim=tensor,keep=0.4 --scales a=0.3,b=0.5 "
        "--weight 'b:layer.{0..1}=2..0.1'"};
    new_store("weights.db");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        json_decref(json_of("merge %s/weights.db %s --limit 4 --quiet --threads 1 "
                            "--format json",
                            folder(), options[i]));
        assert_merged_alike("weights.db", i + 1, options[i]);
    }
    expect_error(2, "--weight: there is no expert 'd'",
                 "merge %s/weights.db --method ties --weight d:*=0", folder());
    expect_error(1, "--weight 'nothing=2': no tensor matches",
                 "merge %s/weights.db --method ties --weight nothing=2", folder());
    expect_error(2, "none of the methods takes --weight",
                 "merge %s/weights.db --method average --weight '*=2'", folder());
    expect_error(2, "weight is given with --weight",
                 "merge %s/weights.db --method ties --set weight=2", folder());
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_singular),
                                       cmocka_unit_test(test_weights)};
    return cmocka_run_group_tests(tests, make_project, NULL);
}
