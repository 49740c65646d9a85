/* Numbers on axes of cells: round and equal steps, three at least from so many cells
 * on, none touching another, and what was asked for inside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "panels/graph_axis.h"
#include "terminal/palette.h"

static bool is_round(double step) {
    double power = pow(10, floor(log10(step) + 1e-9)), lead = step / power;
    static const double round[] = {1, 2, 2.5, 5};
    for (size_t k = 0; k < 4; k++)
        if (fabs(lead - round[k]) < 1e-6)
            return true;
    return false;
}

/* What holds of every axis. */
static void check(const struct graph_axis *axis, struct range asked, int cells) {
    int last = -1;
    double wide = axis->range.high - axis->range.low;
    assert_true(axis->range.low <= asked.low && axis->range.high >= asked.high);
    assert_true(wide <= 1.6001 * (asked.high - asked.low));
    if (axis->ticks.count > 1)
        assert_true(is_round(axis->ticks.step));
    for (size_t i = 0; i < axis->ticks.count; i++) {
        int cell = graph_axis_cell(axis->range, ticks_at(&axis->ticks, i), cells);
        assert_true(cell > last && cell < cells);
        last = cell;
    }
}

/* Ranges of accuracies, losses and steps, as wide as they come. */
static struct range range_at(int i) {
    static const double scales[] = {1, 100, 1e-3, 5000};
    double scale = scales[i % 4], low = scale * fmod(i * 0.6180339887, 1);
    return (struct range){low, low + scale * (0.01 + fmod(i * 0.7548776662, 1))};
}

static void three_rows_have_three_numbers(void **state) {
    (void)state;
    for (int i = 0; i < 20000; i++)
        for (int cells = 1; cells < 24; cells++) {
            struct range asked = range_at(i);
            struct graph_axis axis = graph_axis_upright(asked, cells);
            check(&axis, asked, cells);
            if (cells >= 4 && axis.ticks.count < 3)
                fail_msg("%g to %g in %d rows: %zu numbers", asked.low, asked.high,
                         cells, axis.ticks.count);
        }
}

static void numbers_below_do_not_touch(void **state) {
    (void)state;
    const struct marks *marks = palette_marks(true);
    for (int i = 0; i < 20000; i++)
        for (int cells = 2; cells < 80; cells += 3) {
            struct range asked = range_at(i);
            struct graph_axis axis = graph_axis_across(marks, asked, cells, 6, 1);
            int end = -6;
            check(&axis, asked, cells);
            for (size_t k = 0; k < axis.ticks.count; k++) {
                char text[32];
                int columns = (int)strlen(ticks_text(&axis.ticks, k, text, 32));
                int cell = graph_axis_cell(axis.range, ticks_at(&axis.ticks, k), cells);
                int from = graph_axis_text(cell, columns, cells, 1);
                assert_true(from >= end && from + columns <= cells + 1);
                end = from + columns + 1;
            }
            /* The narrowest scatter at 80x24 has 15 cells: three numbers of up to three
             * characters. */
            char text[32] = "";
            if (axis.ticks.count)
                ticks_text(&axis.ticks, 0, text, sizeof text);
            int columns = *text ? (int)strlen(text) : 8;
            int least = columns <= 3 ? 15 : 4 * (columns + 2);
            if (cells >= least && axis.ticks.count < 3)
                fail_msg("%g to %g in %d columns: %zu numbers", asked.low, asked.high,
                         cells, axis.ticks.count);
        }
}

/* A step that has two digits shows both. */
static void quarters_are_written_out(void **state) {
    (void)state;
    char text[32];
    struct ticks ticks = ticks_at_step(0, 1, 0.25, 9);
    assert_int_equal(ticks.count, 5);
    assert_string_equal(ticks_text(&ticks, 1, text, sizeof text), "0.25");
    ticks = ticks_at_step(0, 10, 2.5, 9);
    assert_string_equal(ticks_text(&ticks, 1, text, sizeof text), "2.5");
    ticks = ticks_at_step(0, 1000, 250, 9);
    assert_string_equal(ticks_text(&ticks, 3, text, sizeof text), "750");
    assert_int_equal(ticks_at_step(0, 1000, 1, 9).count, 9);
}

/* What cannot be an axis has no numbers, and ends. */
static void extremes_have_none(void **state) {
    (void)state;
    static const double ends[] = {-1e308, -1e300,   -1,    0,     5e-324, 1,
                                  1e16,   1e16 + 2, 1e300, 1e308, NAN,    INFINITY};
    enum { ENDS = sizeof ends / sizeof *ends };
    for (size_t i = 0; i < ENDS; i++)
        for (size_t j = 0; j < ENDS; j++)
            for (int cells = 0; cells < 30; cells += 5) {
                struct range asked = {ends[i], ends[j]};
                struct graph_axis axis = graph_axis_upright(asked, cells);
                assert_true(axis.ticks.count <= 5);
                assert_true(!(asked.high > asked.low) || axis.range.low <= asked.low);
            }
    assert_int_equal(graph_axis_upright((struct range){3, 3}, 20).ticks.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_rows_have_three_numbers),
        cmocka_unit_test(numbers_below_do_not_touch),
        cmocka_unit_test(quarters_are_written_out),
        cmocka_unit_test(extremes_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
