/* TSV-M, Iso-C and Iso-CTS tensor by tensor: what `pwemoe merge` makes of the same
 * models, whose layers are compared with fusion-bench (merge/test_singular). */
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

static void test_like_merge(void **state) {
    (void)state;
    static const char *const methods[] = {"tsv-m", "iso-c", "iso-cts"};
    new_store("it.db");
    for (size_t i = 0; i < 3; i++) {
        json_decref(json_of("merge %s/it.db --method %s --set scale=0.7 --limit 4 "
                            "--quiet --threads 1 --format json",
                            folder(), methods[i]));
        struct ran ran =
            shell("F='%1$s'; M='%3$s'; rm -rf $F/one $F/other; "
                  "./pwemoe export $F/it.db --solution %2$zu --out $F/one --quiet && "
                  "./pwemoe merge-to $F/other --method %4$s --set scale=0.7 --partial "
                  "--pretrained $M/vit --expert $M/vit-expert0 --expert $M/vit-expert1 "
                  "--threads 1 --quiet",
                  folder(), i + 1, models(), methods[i]);
        if (ran.status)
            fail_msg("%s", ran.err);
        ran_free(&ran);
        compare("one", "other");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_like_merge)};
    return cmocka_run_group_tests(tests, make_project, NULL);
}
