/* Layouts of every size: rectangles inside the screen, disjoint, none empty. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "layout.h"

enum { WIDEST = 240, HIGHEST = 80 };

static unsigned char owner[HIGHEST][WIDEST];

static void check(const struct layout_wish *wish) {
    struct layout layout = layout_make(wish);
    memset(owner, 0, sizeof owner);
    for (enum panel panel = PANEL_TITLE; panel < PANEL_COUNT; panel++) {
        struct rect rect = layout.rect[panel];
        if (!layout.shown[panel])
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
    assert_true(layout.shown[PANEL_STATUS]);
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
                    struct layout_wish wish = {.width = width,
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
                    struct layout_wish wish = {.width = sizes[i][0],
                                               .height = sizes[i][1],
                                               .tasks = tasks,
                                               .open = 1u << PANEL_ROUTING,
                                               .instead = PANEL_TITLE,
                                               .focus = focus,
                                               .zoom = zoom};
                    check(&wish);
                    struct layout layout = layout_make(&wish);
                    if (zoom && focus >= PANEL_SIMPLEX && focus < PANEL_COUNT &&
                        focus != PANEL_LEGEND)
                        assert_true(layout.shown[focus] ||
                                    (tasks != 3 && layout.shown[PANEL_SCATTER]));
                }
}

static void what_a_size_promises(void **state) {
    (void)state;
    struct layout_wish wish = {.width = 80,
                               .height = 24,
                               .tasks = 3,
                               .instead = PANEL_TITLE,
                               .focus = PANEL_SIMPLEX};
    struct layout layout = layout_make(&wish);
    for (enum panel panel = PANEL_TITLE; panel <= PANEL_OBJECTIVES; panel++)
        assert_true(layout.shown[panel]);
    wish.one_space = true; /* one panel and its legend in place of three */
    layout = layout_make(&wish);
    assert_true(layout.shown[PANEL_SCATTER] && layout.shown[PANEL_LEGEND]);
    assert_false(layout.shown[PANEL_SCATTER_2] || layout.shown[PANEL_SCATTER_3]);
    wish.one_space = false;
    wish.tasks = 2;
    layout = layout_make(&wish);
    assert_true(layout.shown[PANEL_SIMPLEX] && layout.shown[PANEL_SCATTER] &&
                layout.shown[PANEL_LEGEND] && layout.shown[PANEL_OBJECTIVES]);
    wish.width = 20;
    wish.height = 5;
    layout = layout_make(&wish);
    assert_false(layout.too_small);
    assert_true(layout.shown[PANEL_OBJECTIVES]);
    wish.width = 19;
    assert_true(layout_make(&wish).too_small);
    wish.width = 200;
    wish.height = 50;
    wish.open = 1u << PANEL_ROUTING | 1u << PANEL_SCALING | 1u << PANEL_TRAINING;
    layout = layout_make(&wish);
    assert_true(layout.shown[PANEL_ROUTING] && layout.shown[PANEL_SCALING] &&
                layout.shown[PANEL_TRAINING]);
}

static void finds_the_panel_at_a_place(void **state) {
    (void)state;
    struct layout_wish wish = {.width = 100,
                               .height = 30,
                               .tasks = 3,
                               .instead = PANEL_TITLE,
                               .focus = PANEL_SIMPLEX};
    struct layout layout = layout_make(&wish);
    for (enum panel panel = PANEL_TITLE; panel < PANEL_COUNT; panel++) {
        struct rect rect = layout.rect[panel];
        if (!layout.shown[panel])
            continue;
        assert_int_equal(layout_panel_at(&layout, rect.x, rect.y), panel);
        assert_int_equal(
            layout_panel_at(&layout, rect.x + rect.width - 1, rect.y + rect.height - 1),
            panel);
    }
    assert_int_equal(layout_panel_at(&layout, -1, 0), PANEL_COUNT);
    assert_int_equal(layout_panel_at(&layout, 0, 30), PANEL_COUNT);
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
