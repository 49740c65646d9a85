/* TIES against fusion-bench and mergekit (tests/golden/ties.txt), and against its
 * definition by sorting on vectors that are long enough for the sampled selection. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/simd/kernels.h"
#include "base/memory.h"
#include "base/random.h"
#include "merge/ties.h"

#include "golden.h"

enum { GAP = 3 }; /* elements between tensors, which are nobody's */

/* Tensors apart from each other, so that what lies between would be noticed. */
static void spread(const float *packed, size_t tasks, size_t count,
                   const struct select_run *runs, size_t run_count, float *vectors,
                   size_t stride) {
    for (size_t i = 0; i < tasks * stride; i++)
        vectors[i] = 1e6f;
    for (size_t t = 0; t < tasks; t++)
        for (size_t r = 0, done = 0; r < run_count; done += runs[r++].count)
            memcpy(vectors + t * stride + runs[r].begin, packed + t * count + done,
                   runs[r].count * sizeof *packed);
}

static void assert_merged(const float *merged, const struct select_run *runs,
                          size_t run_count, size_t stride, const float *expected) {
    size_t done = 0, at = 0;
    for (size_t r = 0; r < run_count; r++) {
        for (; at < runs[r].begin; at++)
            assert_true(merged[at] == -7);
        /* At most six terms, added in perhaps another order. */
        for (; at < runs[r].begin + runs[r].count; at++, done++)
            assert_true(fabsf(merged[at] - expected[done]) <=
                        8 * FLT_EPSILON * fabsf(expected[done]));
    }
    for (; at < stride; at++)
        assert_true(merged[at] == -7);
}

struct kept_vectors {
    const float *vectors;
    size_t stride;
};

static int read_part(void *self, size_t task, size_t begin, size_t count, float *out,
                     struct error *error) {
    const struct kept_vectors *v = self;
    (void)error;
    memcpy(out, v->vectors + task * v->stride + begin, count * sizeof *out);
    return 0;
}

/* From vectors, and from one tensor of them at a time: to the same bits. */
static int merge_twice(const float *vectors, size_t stride, size_t tasks,
                       const struct select_run *tensors, size_t tensor_count,
                       const struct ties *ties, float *merged, const struct work *work,
                       struct error *error) {
    size_t size = tensors[tensor_count - 1].begin + tensors[tensor_count - 1].count;
    struct kept_vectors kept = {vectors, stride};
    const struct ties_source source = {&kept, read_part};
    float *again = malloc(size * sizeof *again);
    assert_non_null(again);
    memcpy(again, merged, size * sizeof *again);
    int result = ties_merge_read(&source, tasks, tensors, tensor_count, ties, again,
                                 work, error);
    assert_int_equal(result, ties_merge(vectors, stride, tasks, tensors, tensor_count,
                                        ties, merged, work, error));
    if (result == 0)
        assert_memory_equal(again, merged, size * sizeof *again);
    free(again);
    return result;
}

static void merged_as_the_references_do(void **state) {
    (void)state;
    FILE *file = golden_open("ties.txt");
    size_t tasks, count, run_count, cases = 0, also;
    double keep;
    while (fscanf(file, " case %zu %zu %lf %zu %zu", &tasks, &count, &keep, &run_count,
                  &also) == 5) {
        struct select_run runs[8];
        size_t stride = GAP;
        assert_in_range(run_count, 1, 8);
        for (size_t r = 0; r < run_count; r++) {
            assert_int_equal(fscanf(file, "%zu", &runs[r].count), 1);
            runs[r].begin = stride;
            stride += runs[r].count + GAP;
        }
        float *packed = golden_floats(file, tasks * count);
        float *vectors = calloc(tasks * stride, sizeof *vectors);
        float *merged = calloc(stride, sizeof *merged);
        assert_non_null(vectors);
        assert_non_null(merged);
        spread(packed, tasks, count, runs, run_count, vectors, stride);
        const struct ties all[] = {
            {.keep = keep, .trim = TIES_TRIM_WHOLE, .sum = TIES_MEAN, .threads = 1},
            {.keep = keep, .trim = TIES_TRIM_WHOLE, .sum = TIES_SUM, .threads = 2},
            {.keep = keep, .trim = TIES_TRIM_TENSOR, .sum = TIES_MEAN, .threads = 3}};
        for (size_t i = 0; i < 2 + also; i++) {
            float *expected = golden_floats(file, count);
            struct error error;
            for (size_t j = 0; j < stride; j++)
                merged[j] = -7;
            assert_int_equal(merge_twice(vectors, stride, tasks, runs, run_count,
                                         &all[i], merged, NULL, &error),
                             0);
            assert_merged(merged, runs, run_count, stride, expected);
            free(expected);
        }
        free(merged);
        free(vectors);
        free(packed);
        cases++;
    }
    fclose(file);
    assert_int_equal(cases, 24);
}

static int rising(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void selection_is_that_by_sorting(void **state) {
    (void)state;
    enum { LONG = (1 << 20) + 5000 };
    struct random random;
    random_seed(&random, 9, 0);
    float *x = calloc(LONG, sizeof *x), *sorted = calloc(LONG, sizeof *sorted);
    assert_non_null(x);
    assert_non_null(sorted);
    for (unsigned threads = 1; threads < 4; threads += 2) {
        for (unsigned kind = 0; kind < 4; kind++) {
            size_t count = threads == 1 && kind == 0 ? 3001 : LONG;
            struct select *select = select_new(threads, count);
            assert_non_null(select);
            for (size_t i = 0; i < count; i++) {
                float u = (float)random_uniform(&random) - 0.5f;
                /* Smooth; mostly 0; few values; ordered, so that samples mislead. */
                x[i] = kind == 0   ? u * u * u
                       : kind == 1 ? (random_below(&random, 50) ? 0 : u)
                       : kind == 2 ? (float)random_below(&random, 5) * -0.25f
                                   : (i < count / 2 ? 1e-20f * (float)i : u);
            }
            const struct select_run runs[] = {
                {0, 0}, {1, 1}, {2, count / 3}, {count / 3 + 2, count - count / 3 - 2}};
            for (size_t i = 1; i < count; i++)
                sorted[i] = fabsf(x[i]);
            qsort(sorted + 1, count - 1, sizeof *sorted, rising);
            const size_t ranks[] = {1, 2, count / 2, count - count / 5, count - 1};
            for (size_t r = 0; r < 5; r++) {
                struct select_result found;
                float value = sorted[ranks[r]], got;
                select_magnitude(select, x, runs, 4, ranks[r], &found);
                memcpy(&got, &found.bits, sizeof got);
                assert_true(got == value);
                size_t below = 0, equal = 0;
                for (size_t i = 1; i < count; i++) {
                    below += sorted[i] < value;
                    equal += sorted[i] == value;
                }
                assert_int_equal(found.below, below);
                assert_int_equal(found.equal, equal);
            }
            select_free(select);
        }
    }
    free(sorted);
    free(x);
}

/* Exactly floor(d K) of each tensor, the first of equal ones, over several parts. */
static void equal_magnitudes_are_kept_in_order(void **state) {
    (void)state;
    enum { COUNT = 200003 };
    float *x = calloc(2 * COUNT, sizeof *x), *merged = calloc(COUNT, sizeof *merged);
    assert_non_null(x);
    assert_non_null(merged);
    for (size_t i = 0; i < COUNT; i++)
        x[i] = i % 2 ? -0.5f : 0.5f;
    const struct select_run runs[] = {{0, 150001}, {150001, COUNT - 150001}};
    const struct ties ties = {
        .keep = 0.7, .trim = TIES_TRIM_TENSOR, .sum = TIES_SUM, .threads = 2};
    struct error error;
    assert_int_equal(merge_twice(x, COUNT, 2, runs, 2, &ties, merged, NULL, &error), 0);
    for (size_t r = 0; r < 2; r++) {
        size_t kept = (size_t)((double)runs[r].count * 0.7);
        for (size_t i = 0; i < runs[r].count; i++)
            assert_true(merged[runs[r].begin + i] ==
                        (i < kept ? x[runs[r].begin + i] : 0));
    }
    free(merged);
    free(x);
}

static void threads_change_nothing(void **state) {
    (void)state;
    enum { COUNT = 300000, TASKS = 3 };
    struct random random;
    random_seed(&random, 10, 0);
    float *x = calloc(TASKS * COUNT, sizeof *x);
    float *merged[2] = {calloc(COUNT, sizeof **merged), calloc(COUNT, sizeof **merged)};
    assert_true(x && merged[0] && merged[1]);
    for (size_t i = 0; i < TASKS * COUNT; i++)
        x[i] = (float)random_below(&random, 9) - 4.25f;
    const struct select_run run = {0, COUNT};
    for (int i = 0; i < 2; i++) {
        const struct ties ties = {.keep = 0.4,
                                  .trim = TIES_TRIM_WHOLE,
                                  .sum = TIES_MEAN,
                                  .threads = i ? 5 : 1};
        struct error error;
        assert_int_equal(
            merge_twice(x, COUNT, TASKS, &run, 1, &ties, merged[i], NULL, &error), 0);
    }
    assert_memory_equal(merged[0], merged[1], COUNT * sizeof **merged);
    free(merged[0]);
    free(merged[1]);
    free(x);
}

static float value_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* By the definition, one element. */
static float ties_of(const struct ties_stretch *stretch, size_t i,
                     struct ties_signs *signs) {
    float sum = 0, total = 0;
    size_t some = 0, agree = 0;
    for (int pass = 0; pass < 2; pass++) {
        bool up = sum > 0 || (!(sum < 0) && stretch->zero_positive);
        for (size_t t = 0; t < stretch->tasks; t++) {
            uint32_t bits = bits_of(stretch->vectors[t * stretch->stride + i]);
            if ((bits & 0x7fffffff) < (uint32_t)stretch->least[t])
                continue;
            if (pass == 0) {
                sum += value_of(bits);
                some++;
            } else if (up == !(bits >> 31)) {
                total += value_of(bits);
                agree++;
            }
        }
    }
    signs->positive += sum > 0;
    signs->negative += sum < 0;
    signs->cancelled |= some && !(sum > 0) && !(sum < 0);
    return stretch->mean && agree ? total / (float)agree : total;
}

/* Sums that cancel, zeros of both signs, infinities and NaN among them. */
static void fill_with_everything(struct random *random, float *x, size_t count) {
    static const float odd[] = {0.0f,      -0.0f,   1.0f,  -1.0f, 0.5f,
                                -INFINITY, FLT_MIN, 1e30f, NAN,   -1e-42f};
    for (size_t i = 0; i < count; i++)
        x[i] = random_below(random, 3) ? (float)random_below(random, 9) * 0.25f - 1
                                       : odd[random_below(random, 10)];
}

/* Lengths around the vectors' and the blocks'; the same bits from every set. */
static void kernels_do_as_defined(void **state) {
    (void)state;
    enum { MOST = 150, TASKS_MOST = 9 };
    const struct kernels *sets[] = {&kernels_baseline,
#ifdef __x86_64__
                                    &kernels_x86_64_v3, &kernels_x86_64_v4
#endif
    };
    struct random random;
    random_seed(&random, 12, 0);
    float x[TASKS_MOST * MOST], merged[MOST + 1], expected[MOST];
    for (size_t n = 0; n < MOST; n++)
        for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
            size_t tasks = 1 + n % TASKS_MOST;
            int32_t least[TASKS_MOST];
            if (!sets[k]->usable())
                continue;
            fill_with_everything(&random, x, tasks * MOST);
            for (size_t t = 0; t < tasks; t++)
                least[t] = n % 3 ? (int32_t)bits_of(0.25f * (float)(t % 3)) + 1 : 1;
            const struct ties_stretch stretch = {x,     MOST,      tasks,     n,
                                                 least, n / 2 % 2, n / 4 % 2, merged};
            struct ties_signs counted = {0, 0, false};
            merged[n] = -7;
            struct ties_signs signs = sets[k]->ties(&stretch);
            for (size_t i = 0; i < n; i++) {
                expected[i] = ties_of(&stretch, i, &counted);
                if (isnan(expected[i]) ? !isnan(merged[i]) : merged[i] != expected[i])
                    fail_msg("%s: %zu of %zu, %zu tasks: %g, not %g",
                             sets[k]->instruction_set, i, n, tasks, (double)merged[i],
                             (double)expected[i]);
            }
            assert_true(merged[n] == -7);
            assert_int_equal(signs.positive, counted.positive);
            assert_int_equal(signs.negative, counted.negative);
            assert_int_equal(signs.cancelled, counted.cancelled);
            uint64_t counts[64] = {0}, exact[64] = {0};
            struct magnitude_bins bins = {(int32_t)bits_of(0.25f),
                                          (int32_t)bits_of(1.0f), 20, counts};
            size_t below = 0;
            for (size_t i = 0; i < n; i++) {
                int32_t bits = (int32_t)(bits_of(x[i]) & 0x7fffffff);
                below += bits < bins.low;
                if (bits >= bins.low && bits <= bins.high)
                    exact[(bits - bins.low) >> bins.shift]++;
            }
            assert_int_equal(sets[k]->count_magnitudes(x, n, &bins), below);
            assert_memory_equal(counts, exact, sizeof counts);
        }
}

static void what_is_refused(void **state) {
    (void)state;
    float x[4] = {1, 2, 3, 4}, merged[4];
    const struct select_run run = {0, 4};
    struct error error;
    for (size_t i = 0; i < 4; i++) {
        const struct ties ties = {.keep = (const double[]){0, -1, 1.5, NAN}[i],
                                  .trim = TIES_TRIM_WHOLE,
                                  .sum = TIES_MEAN,
                                  .threads = 1};
        assert_int_equal(merge_twice(x, 4, 1, &run, 1, &ties, merged, NULL, &error),
                         -1);
        assert_non_null(strstr(error.text, "keep"));
    }
    atomic_bool stop = true;
    const struct work work = {.stop = &stop};
    const struct ties ties = {
        .keep = 0.5, .trim = TIES_TRIM_WHOLE, .sum = TIES_MEAN, .threads = 1};
    assert_int_equal(merge_twice(x, 4, 1, &run, 1, &ties, merged, &work, &error), -1);
    assert_string_equal(error.text, "stopped");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merged_as_the_references_do),
        cmocka_unit_test(selection_is_that_by_sorting),
        cmocka_unit_test(equal_magnitudes_are_kept_in_order),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(kernels_do_as_defined),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
