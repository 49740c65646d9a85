/* Shuffled batches: every example once a pass, and an order that is a function of
 * seed, stream and position alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/dataset.h"

enum { COUNT = 53, DRAWN = 4 * COUNT };

static void draw(uint64_t seed, uint64_t stream, uint64_t skip, size_t step,
                 uint32_t *out, size_t n) {
    struct batches batches;
    struct error error;
    assert_int_equal(batches_begin(&batches, COUNT, seed, stream, &error), 0);
    batches.drawn = skip;
    for (size_t i = 0; i < n; i += step)
        batches_next(&batches, step < n - i ? step : n - i, out + i);
    assert_int_equal(batches.drawn, skip + n);
    batches_end(&batches);
}

static void test_passes(void **state) {
    uint32_t order[DRAWN];
    (void)state;
    draw(7, 1, 0, 16, order, DRAWN);
    for (size_t pass = 0; pass < 4; pass++) {
        unsigned seen[COUNT] = {0};
        for (size_t i = 0; i < COUNT; i++) {
            assert_in_range(order[pass * COUNT + i], 0, COUNT - 1);
            seen[order[pass * COUNT + i]]++;
        }
        for (size_t i = 0; i < COUNT; i++)
            assert_int_equal(seen[i], 1);
    }
    assert_memory_not_equal(order, order + COUNT, COUNT * sizeof *order);
}

static void test_function_of_position(void **state) {
    uint32_t order[DRAWN], other[DRAWN];
    (void)state;
    draw(7, 1, 0, 16, order, DRAWN);
    draw(7, 1, 0, DRAWN, other, DRAWN); /* whatever the batch */
    assert_memory_equal(order, other, sizeof order);
    for (size_t skip = 1; skip < DRAWN; skip += 25) { /* and from anywhere */
        draw(7, 1, skip, 5, other, DRAWN - skip);
        assert_memory_equal(order + skip, other, (DRAWN - skip) * sizeof *order);
    }
    draw(7, 2, 0, 16, other, DRAWN);
    assert_memory_not_equal(order, other, COUNT * sizeof *order);
    draw(8, 1, 0, 16, other, DRAWN);
    assert_memory_not_equal(order, other, COUNT * sizeof *order);
}

static void test_refused(void **state) {
    struct batches batches;
    struct error error;
    (void)state;
    assert_int_equal(batches_begin(&batches, 0, 1, 1, &error), -1);
    batches_end(&batches);
    assert_int_equal(batches_begin(&batches, (size_t)1 << 33, 1, 1, &error), -1);
    batches_end(&batches);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes),
        cmocka_unit_test(test_function_of_position),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
