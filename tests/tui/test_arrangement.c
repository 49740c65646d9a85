/* Layouts of every size: rectangles inside the screen, disjoint, none empty. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "state/arrangement.h"

enum { WIDEST = 240, HIGHEST = 80 };

static unsigned char owner[HIGHEST][WIDEST];

static void check(const struct arrangement_wish *wish) {
    struct arrangement arrangement = arrangement_make(wish);
    memset(owner, 0, sizeof owner);
    for (enum panel panel = PANEL_TITLE; panel < PANEL_COUNT; panel++) {
        struct rect rect = arrangement.rect[panel];
        if (!arrangement.shown[panel])
            continue;
        if (rect.width < 1 || rect.height < 1 || rect.x < 0 || rect.y < 0 ||
            rect.x + rect.width > wish->width || rect.y + rect.height > wish->height)
            fail_msg("%dx%d, %zu tasks: panel %d is %dx%d at %d,%d", wish->width,
                     wish->height, wish->tasks, (int)panel, rect.width, rect.height,
                     rect.x, rect.y);
        for (int y = rect.y; y < rect.y + rect.height; y++)
            for (int x = rect.x; x < rect.x + rect.width; x++) {
                if (owner[y][x])
                    fail_msg("%dx%d, %zu tasks: panels %d and %d share %d,%d",
                             wish->width, wish->height, wish->tasks, owner[y][x] - 1,
                             (int)panel, x, y);
                owner[y][x] = (unsigned char)(panel + 1);
            }
    }
    assert_true(arrangement.shown[PANEL_STATUS]);
}

static void all_sizes(void **state) {
    (void)state;
    static const size_t tasks[] = {1, 2, 3, 4, 8, 64};
    static const unsigned open[] = {0, 1u << PANEL_ROUTING,
                                    1u << PANEL_ROUTING | 1u << PANEL_SCALING |
                                        1u << PANEL_TRAINING,
                                    1u << PANEL_ROUTING | 1u << PANEL_SCALING |
                                        1u << PANEL_TRAINING | 1u << PANEL_LOG};
    for (int width = 1; width <= WIDEST; width += width < 130 ? 1 : 7)
        for (int height = 1; height <= HIGHEST; height += height < 40 ? 1 : 3)
            for (size_t t = 0; t < sizeof tasks / sizeof *tasks; t++)
                for (size_t o = 0; o < sizeof open / sizeof *open; o++) {
                    struct arrangement_wish wish = {.width = width,
                                                    .height = height,
                                                    .tasks = tasks[t],
                                                    .open = open[o],
                                                    .instead =
                                                        o % 2 ? PANEL_LOG : PANEL_TITLE,
                                                    .focus = PANEL_SIMPLEX};
                    check(&wish);
                    wish.one_space = wish.polygon = true;
                    check(&wish);
                }
}

static void every_focus_and_zoom(void **state) {
    (void)state;
    static const int sizes[][2] = {{20, 5},  {30, 9},   {63, 24}, {80, 17},
                                   {80, 24}, {118, 30}, {200, 50}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (enum panel focus = PANEL_TITLE; focus <= PANEL_COUNT; focus++)
            for (int zoom = 0; zoom < 2; zoom++)
                for (size_t tasks = 2; tasks < 12; tasks++) {
                    struct arrangement_wish wish = {.width = sizes[i][0],
                                                    .height = sizes[i][1],
                                                    .tasks = tasks,
                                                    .open = 1u << PANEL_ROUTING,
                                                    .instead = PANEL_TITLE,
                                                    .focus = focus,
                                                    .zoom = zoom};
                    check(&wish);
                    struct arrangement arrangement = arrangement_make(&wish);
                    if (zoom && focus >= PANEL_SIMPLEX && focus < PANEL_COUNT &&
                        focus != PANEL_LEGEND)
                        assert_true(arrangement.shown[focus] ||
                                    (tasks != 3 && arrangement.shown[PANEL_SCATTER]));
                }
}

static void what_a_size_promises(void **state) {
    (void)state;
    struct arrangement_wish wish = {.width = 80,
                                    .height = 24,
                                    .tasks = 3,
                                    .instead = PANEL_TITLE,
                                    .focus = PANEL_SIMPLEX};
    struct arrangement arrangement = arrangement_make(&wish);
    for (enum panel panel = PANEL_TITLE; panel <= PANEL_OBJECTIVES; panel++)
        assert_true(arrangement.shown[panel]);
    wish.one_space = true; /* one panel and its legend in place of three */
    arrangement = arrangement_make(&wish);
    assert_true(arrangement.shown[PANEL_SCATTER] && arrangement.shown[PANEL_LEGEND]);
    assert_false(arrangement.shown[PANEL_SCATTER_2] ||
                 arrangement.shown[PANEL_SCATTER_3]);
    wish.one_space = false;
    wish.tasks = 2;
    arrangement = arrangement_make(&wish);
    assert_true(arrangement.shown[PANEL_SIMPLEX] && arrangement.shown[PANEL_SCATTER] &&
                arrangement.shown[PANEL_LEGEND] && arrangement.shown[PANEL_OBJECTIVES]);
    wish.width = 20;
    wish.height = 5;
    arrangement = arrangement_make(&wish);
    assert_false(arrangement.too_small);
    assert_true(arrangement.shown[PANEL_OBJECTIVES]);
    wish.width = 19;
    assert_true(arrangement_make(&wish).too_small);
    wish.width = 200;
    wish.height = 50;
    wish.open = 1u << PANEL_ROUTING | 1u << PANEL_SCALING | 1u << PANEL_TRAINING;
    arrangement = arrangement_make(&wish);
    assert_true(arrangement.shown[PANEL_ROUTING] && arrangement.shown[PANEL_SCALING] &&
                arrangement.shown[PANEL_TRAINING]);
}

static void finds_the_panel_at_a_place(void **state) {
    (void)state;
    struct arrangement_wish wish = {.width = 100,
                                    .height = 30,
                                    .tasks = 3,
                                    .instead = PANEL_TITLE,
                                    .focus = PANEL_SIMPLEX};
    struct arrangement arrangement = arrangement_make(&wish);
    for (enum panel panel = PANEL_TITLE; panel < PANEL_COUNT; panel++) {
        struct rect rect = arrangement.rect[panel];
        if (!arrangement.shown[panel])
            continue;
        assert_int_equal(arrangement_panel_at(&arrangement, rect.x, rect.y), panel);
        assert_int_equal(arrangement_panel_at(&arrangement, rect.x + rect.width - 1,
                                              rect.y + rect.height - 1),
                         panel);
    }
    assert_int_equal(arrangement_panel_at(&arrangement, -1, 0), PANEL_COUNT);
    assert_int_equal(arrangement_panel_at(&arrangement, 0, 30), PANEL_COUNT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_sizes),
        cmocka_unit_test(every_focus_and_zoom),
        cmocka_unit_test(what_a_size_promises),
        cmocka_unit_test(finds_the_panel_at_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
