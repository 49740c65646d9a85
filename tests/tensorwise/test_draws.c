/* Methods that draw: every entry is dropped or divided by the probability to stay, as
 * many stay as should, and the same seed gives the same model. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "checkpoint/directory.h"
#include "command/run.h"

enum { ROWS = 64, COLUMNS = 101, CELLS = ROWS * COLUMNS };

static float expert[CELLS];

static int read_cells(void *self, size_t index, uint64_t offset, void *out, size_t room,
                      size_t *got, struct error *error) {
    (void)index;
    (void)error;
    memcpy(out, (const char *)self + offset, room);
    *got = room;
    return 0;
}

static void write_model(const char *name, const float *cells) {
    struct error error;
    char path[1200];
    struct tensor_source source = {"w", "F32", 2, {ROWS, COLUMNS}, sizeof expert};
    snprintf(path, sizeof path, "mkdir '%s/%s'", folder(), name);
    assert_int_equal(system(path), 0);
    snprintf(path, sizeof path, "%s/%s/model.safetensors", folder(), name);
    if (safetensors_write(path, &source, 1, NULL, read_cells, (void *)cells, &error))
        fail_msg("%s", error.text);
}

/* A pretrained model of zeros, so that what is merged is a task vector. */
static int setup(void **state) {
    static const float zeros[CELLS];
    struct random random;
    (void)state;
    random_seed(&random, 3, 0);
    for (size_t i = 0; i < CELLS; i++)
        expert[i] = (float)random_normal(&random);
    write_model("base", zeros);
    write_model("expert", expert);
    return 0;
}

static void merge(const char *words, float *merged) {
    struct model_directory *out;
    struct error error;
    char path[1200];
    struct ran ran = shell("F='%s'; rm -rf $F/merged; ./pwemoe merge-to $F/merged "
                           "--pretrained $F/base --expert $F/expert %s",
                           folder(), words);
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    snprintf(path, sizeof path, "%s/merged", folder());
    if (model_directory_open_any(path, &out, &error))
        fail_msg("%s", error.text);
    memcpy(merged, model_directory_at(out, 0)->data, sizeof expert);
    model_directory_close(out);
}

static size_t count_kept(const float *merged) {
    size_t kept = 0;
    for (size_t i = 0; i < CELLS; i++)
        kept += merged[i] != 0;
    return kept;
}

/* Within five standard deviations of CELLS draws. */
static void kept_about(size_t kept, double share) {
    double wide = 5 * sqrt(share * (1 - share) / CELLS);
    if (fabs((double)kept / CELLS - share) > wide)
        fail_msg("%zu of %d kept, %g of them should be", kept, CELLS, share);
}

static void test_dare(void **state) {
    static float first[CELLS], again[CELLS], other[CELLS];
    (void)state;
    merge("--method dare --set scale=1,drop=0.7", first);
    kept_about(count_kept(first), 0.3);
    for (size_t i = 0; i < CELLS; i++)
        if (first[i] != 0)
            assert_true(fabsf(first[i] * 0.3f - expert[i]) <= 1e-6f * fabsf(expert[i]));
    merge("--method dare --set scale=1,drop=0.7 --threads 1 --shard-size 1KB", again);
    assert_memory_equal(first, again, sizeof first);
    merge("--method dare --set scale=1,drop=0.7,seed=1", other);
    kept_about(count_kept(other), 0.3);
    size_t both = 0;
    for (size_t i = 0; i < CELLS; i++)
        both += first[i] != 0 && other[i] != 0;
    kept_about(both, 0.09);
}

static const float *row;

static int by_magnitude(const void *left, const void *right) {
    float a = fabsf(row[*(const int *)left]), b = fabsf(row[*(const int *)right]);
    return (a > b) - (a < b);
}

static void test_della(void **state) {
    static float merged[CELLS];
    size_t low = 0, high = 0;
    (void)state;
    merge("--method della --set scale=1,keep=0.4,epsilon=0.3,sum=all", merged);
    kept_about(count_kept(merged), 0.4);
    for (size_t r = 0; r < ROWS; r++) {
        int order[COLUMNS];
        row = expert + r * COLUMNS;
        for (int i = 0; i < COLUMNS; i++)
            order[i] = i;
        qsort(order, COLUMNS, sizeof *order, by_magnitude);
        for (int rank = 0; rank < COLUMNS; rank++) {
            float x = merged[r * COLUMNS + (size_t)order[rank]], own = row[order[rank]];
            double stays = 0.1 + 0.6 * rank / (COLUMNS - 1);
            if (x != 0)
                assert_true(fabs((double)x * stays - (double)own) <=
                            1e-6 * fabs((double)own));
            low += rank < 20 && x != 0;
            high += rank >= COLUMNS - 20 && x != 0;
        }
    }
    /* Of the 20 smallest 0.157 stay on the mean, of the 20 greatest 0.643; a deviation
     * is at most 0.014. */
    assert_true(fabs((double)low / (20 * ROWS) - 0.157) < 0.06);
    assert_true(fabs((double)high / (20 * ROWS) - 0.643) < 0.06);
}

/* Trimming keeps exactly as many as it says, of equal magnitudes the first. */
static void test_counts(void **state) {
    static float merged[CELLS];
    (void)state;
    merge("--method ties --set scale=1,keep=0.25", merged);
    assert_int_equal(count_kept(merged), CELLS / 4);
    merge("--method breadcrumbs --set scale=1,keep=0.5,outliers=0.25", merged);
    assert_int_equal(count_kept(merged), CELLS / 2);
    float least = INFINITY, most = 0;
    for (size_t i = 0; i < CELLS; i++)
        if (merged[i] != 0) {
            least = fminf(least, fabsf(merged[i]));
            most = fmaxf(most, fabsf(merged[i]));
        }
    for (size_t i = 0; i < CELLS; i++)
        assert_true(merged[i] != 0 || fabsf(expert[i]) < least ||
                    fabsf(expert[i]) > most);
    for (size_t i = 0; i < CELLS; i++)
        expert[i] = i % 2 ? 1 : -1;
    write_model("equal", expert);
    struct ran ran = shell("F='%s'; rm -rf $F/expert; mv $F/equal $F/expert", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    merge("--method breadcrumbs --set scale=1,keep=0.5,outliers=0.25", merged);
    for (size_t i = 0; i < CELLS; i++)
        assert_true((merged[i] != 0) == (i < CELLS / 2));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dare),
                                       cmocka_unit_test(test_della),
                                       cmocka_unit_test(test_counts)};
    return cmocka_run_group_tests(tests, setup, NULL);
}
