/* Where `pwemoe map` measures next: where the fit's posterior is widest. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "command/work/map_next.h"

enum { TASKS = 2, MOST = 32 };

/* Figures along x = (u, 1 - u), each best at its own end, with errors of some 0.01. */
struct measured {
    size_t count;
    double x[MOST * TASKS], y[MOST * TASKS];
};

static void measure(struct measured *m, double u) {
    size_t i = m->count++;
    double error = 0.01 * sin(37.0 * (double)i);
    m->x[TASKS * i] = u;
    m->x[TASKS * i + 1] = 1 - u;
    m->y[TASKS * i] = 1 - (1 - u) * (1 - u) + error;
    m->y[TASKS * i + 1] = 1 - u * u - error;
}

/* What is measured next, and how unsure figures there are, and at another place. */
static double next(const struct measured *m, double other, double *there,
                   double *elsewhere) {
    static const uint64_t examples[TASKS] = {1, 1};
    static const bool maximise[TASKS] = {true, true};
    const struct surrogate_points points = {m->count, m->x, m->y, examples};
    const double place[TASKS] = {other, 1 - other};
    struct surrogate *s;
    struct surrogate_doubts *doubts;
    struct error error;
    double x[TASKS];
    bool found;
    assert_int_equal(surrogate_new(TASKS, "wudi", "{}", true, &s, &error), 0);
    if (surrogate_fit(s, &points, maximise, &doubts, &error) ||
        map_next(s, doubts, x, &found, &error))
        fail_msg("%s", error.text);
    assert_true(found);
    assert_true(fabs(x[0] + x[1] - 1) < 1e-9);
    *there = surrogate_doubt(s, doubts, x);
    *elsewhere = surrogate_doubt(s, doubts, place);
    surrogate_doubts_free(doubts);
    surrogate_free(s);
    return x[0];
}

/* One end is measured densely and the other end once: the next point lies in between,
 * where no answer is surer; it makes the figures surer there. Either way round. */
static void test_gap(void **state) {
    (void)state;
    for (int turned = 0; turned < 2; turned++) {
        struct measured m = {0};
        double there, near, before;
        for (int i = 0; i <= 8; i++)
            measure(&m, turned ? 1 - i / 30.0 : i / 30.0);
        measure(&m, turned ? 0 : 1);
        double u = next(&m, turned ? 0.85 : 0.15, &there, &near);
        if (!(turned ? u > 0.2 && u < 0.65 : u > 0.35 && u < 0.8))
            fail_msg("measured next at %g", u);
        assert_true(there > 1.5 * near);
        before = there;
        measure(&m, u);
        double after = next(&m, u, &there, &near);
        assert_true(fabs(after - u) > 0.02);
        assert_true(near < before);
    }
}

/* Where every answer is measured there is nothing to refine. */
static void test_nothing_left(void **state) {
    (void)state;
    static const uint64_t examples[TASKS] = {1, 1};
    static const bool maximise[TASKS] = {true, true};
    struct surrogate *s;
    struct surrogate_doubts *doubts;
    struct error error;
    struct measured m = {0};
    double x[TASKS];
    bool found = true;
    for (int i = 0; i <= 30; i++) /* some 0.047 apart, so that none is 0.03 away */
        measure(&m, i / 30.0);
    const struct surrogate_points points = {m.count, m.x, m.y, examples};
    assert_int_equal(surrogate_new(TASKS, "wudi", "{}", true, &s, &error), 0);
    assert_int_equal(surrogate_fit(s, &points, maximise, &doubts, &error), 0);
    assert_int_equal(map_next(s, doubts, x, &found, &error), 0);
    assert_false(found);
    surrogate_doubts_free(doubts);
    surrogate_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gap),
                                       cmocka_unit_test(test_nothing_left)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
