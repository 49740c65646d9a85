/* The polygon of many tasks, the box of three objectives and the parallel coordinates:
 * where things stand in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "../results/fixture.h"
#include "base/random.h"
#include "panels/simplex_view.h"
#include "panels/solid.h"
#include "panels/views.h"
#include "results/ticks.h"
#include "state/polygon.h"
#include "state/selection.h"
#include "state/space.h"

/* --- the polygon ---------------------------------------------------------------- */

static void a_place_has_the_preference_that_leads_there(void **state) {
    (void)state;
    static const size_t counts[] = {3, 4, 5, 8, 17, STORE_TASKS_MAX};
    struct random random;
    random_seed(&random, 3, 0);
    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
        double cx[STORE_TASKS_MAX], cy[STORE_TASKS_MAX], r[STORE_TASKS_MAX];
        size_t count = counts[n];
        polygon_corners(count, cx, cy);
        /* As a panel draws it: wider than high, away from the origin. */
        for (size_t i = 0; i < count; i++) {
            cx[i] = 40 + 30 * cx[i];
            cy[i] = 12 + 9 * cy[i];
        }
        for (int trial = 0; trial < 300; trial++) {
            double wanted[STORE_TASKS_MAX], x, y, back_x, back_y, sum = 0;
            random_dirichlet(&random, trial % 2 ? 1.0 : 0.1, count, wanted);
            polygon_place(count, cx, cy, wanted, &x, &y);
            polygon_preference(count, cx, cy, x, y, r);
            polygon_place(count, cx, cy, r, &back_x, &back_y);
            for (size_t i = 0; i < count; i++) {
                assert_true(r[i] >= 0);
                sum += r[i];
            }
            assert_true(fabs(sum - 1) < 1e-12);
            assert_true(fabs(back_x - x) < 1e-8 && fabs(back_y - y) < 1e-8);
        }
    }
}

static void corners_edges_and_centre(void **state) {
    (void)state;
    double cx[8], cy[8], r[8];
    polygon_corners(8, cx, cy);
    assert_true(fabs(cx[0]) < 1e-12 && fabs(cy[0] + 1) < 1e-12); /* the first on top */
    assert_true(cx[2] > 0.99);                                   /* then clockwise */
    polygon_preference(8, cx, cy, 0, 0, r);
    for (size_t i = 0; i < 8; i++)
        assert_true(fabs(r[i] - 0.125) < 1e-12);
    for (size_t i = 0; i < 8; i++) {
        size_t next = (i + 1) % 8;
        polygon_preference(8, cx, cy, cx[i], cy[i], r);
        assert_true(fabs(r[i] - 1) < 1e-9);
        polygon_preference(8, cx, cy, 3 * cx[i], 3 * cy[i], r); /* far outside */
        assert_true(fabs(r[i] - 1) < 1e-9);
        polygon_preference(8, cx, cy, 0.25 * cx[i] + 0.75 * cx[next],
                           0.25 * cy[i] + 0.75 * cy[next], r);
        assert_true(fabs(r[i] - 0.25) < 1e-9 && fabs(r[next] - 0.75) < 1e-9);
        for (size_t k = 0; k < 8; k++)
            assert_true(k == i || k == next || r[k] < 1e-9);
    }
}

/* Over a walk through the inside, across an edge and along the outside no share jumps:
 * within the polygon a share changes by at most about two over a radius, and where
 * quotients give way to the edge's own rule they must agree. */
static void dragging_is_continuous(void **state) {
    (void)state;
    double cx[6], cy[6], r[6], before[6];
    polygon_corners(6, cx, cy);
    for (int walk = 0; walk < 40; walk++) {
        double angle = 0.157 * walk;
        for (int i = 0; i <= 3000; i++) {
            double at = -1.5 + 0.001 * i;
            polygon_preference(6, cx, cy, at * cos(angle) + 0.1 * sin(angle),
                               at * sin(angle) - 0.1 * cos(angle), r);
            for (size_t k = 0; i && k < 6; k++)
                assert_true(fabs(r[k] - before[k]) < 0.01);
            memcpy(before, r, sizeof r);
        }
    }
}

static void steps_start_from_any_preference(void **state) {
    (void)state;
    /* One that the polygon itself would never give: two opposite tasks. Its place is
     * the centre, whose own preference is another; a fine step must not go there. */
    double r[6] = {0.5, 0, 0, 0.5, 0, 0}, moved[6], x, y, cx[6], cy[6];
    polygon_corners(6, cx, cy);
    simplex_step(r, 6, 1, 0, 0.01, moved);
    for (size_t k = 0; k < 6; k++)
        assert_true(fabs(moved[k] - r[k]) < 0.02);
    polygon_place(6, cx, cy, moved, &x, &y);
    assert_true(x > 0.002 && fabs(y) < 1e-6);
    for (int i = 0; i < 400; i++)
        simplex_step(moved, 6, 0, -1, 0.01, moved);
    assert_true(moved[0] > 0.99); /* up and up is the top corner */
}

static void a_panel_shows_the_polygon_where_it_fits(void **state) {
    (void)state;
    static const int sizes[][2] = {{32, 12}, {40, 24}, {64, 30}, {120, 50}};
    for (size_t i = 0; i < 4; i++)
        for (size_t tasks = 4; tasks <= 12; tasks += 4) {
            struct simplex_geometry g =
                simplex_geometry_make(sizes[i][0], sizes[i][1], tasks, 0, true);
            assert_int_equal(g.shape, SHAPE_POLYGON);
            for (size_t t = 0; t < tasks; t++) {
                double r[STORE_TASKS_MAX];
                assert_true(g.x[t] >= 0 && g.x[t] < sizes[i][0] && g.y[t] >= 1 &&
                            g.y[t] < sizes[i][1]);
                /* The cell that a click would name. */
                simplex_geometry_preference(&g, (double)lround(g.x[t]),
                                            (double)lround(g.y[t]), r);
                assert_true(r[t] > 0.999999);
            }
        }
    assert_int_equal(simplex_geometry_make(32, 6, 6, 0, true).shape, SHAPE_SLIDERS);
    assert_int_equal(simplex_geometry_make(64, 30, 6, 0, false).shape, SHAPE_SLIDERS);
    assert_int_equal(simplex_geometry_make(64, 30, 3, 0, true).shape, SHAPE_TRIANGLE);
}

/* --- the views ------------------------------------------------------------------- */

static void open_file(struct explorer *explorer, const char *path) {
    struct store *store;
    struct catalog *catalog;
    struct error error;
    assert_int_equal(store_open(path, STORE_READ_ONLY, &store, &error), 0);
    assert_int_equal(catalog_read(store, &catalog, &error), 0);
    store_close(store);
    explorer_init(explorer, "space.db");
    assert_int_equal(explorer_take_catalog(explorer, catalog), 0);
}

static void open_model(struct explorer *explorer, size_t tasks, size_t edge) {
    static int serial;
    char path[4096];
    struct fixture_options options = {.tasks = tasks, .edge = edge, .baselines = true};
    snprintf(path, sizeof path, "%s/space%d.db", folder(), serial++);
    fixture_write(path, &options);
    open_file(explorer, path);
}

/* The demo's figures: they spread far, and their names are as long as names are. */
static void open_demo(struct explorer *explorer) {
    char path[4096], command[9000];
    const char *srcdir = getenv("srcdir") ? getenv("srcdir") : ".";
    snprintf(path, sizeof path, "%s/demo.db", folder());
    snprintf(command, sizeof command, "cp %s/assets/demo/results.db %s", srcdir, path);
    assert_int_equal(system(command), 0); /* reading may leave files beside it */
    open_file(explorer, path);
}

static void locks_hold_in_the_polygon(void **state) {
    (void)state;
    struct explorer explorer;
    double there[STORE_TASKS_MAX] = {0, 0.5, 0.3, 0.2, 0};
    open_model(&explorer, 5, 3);
    double before = explorer.preference[1];
    explorer.locked[1] = true;
    explorer_go_around_locks(&explorer, there, false);
    assert_true(fabs(explorer.preference[1] - before) < 1e-12);
    assert_true(fabs(explorer.preference[2] / explorer.preference[3] - 1.5) < 1e-9);
    assert_true(explorer.preference[0] < 1e-12);
    /* Only the locked task is wanted: the others stay. */
    double only[STORE_TASKS_MAX] = {0, 1}, was = explorer.preference[2];
    explorer_go_around_locks(&explorer, only, false);
    assert_true(fabs(explorer.preference[2] - was) < 1e-12);
    explorer_free(&explorer);
}

static void the_tasks_decide_which_views_there_are(void **state) {
    (void)state;
    struct explorer explorer;
    open_model(&explorer, 2, 5);
    assert_false(explorer_show_space(&explorer, SPACE_SOLID));
    assert_int_equal(explorer.space, SPACE_PAIRS);
    assert_true(explorer_show_space(&explorer, SPACE_PARALLEL));
    assert_true(explorer.wish.one_space);
    explorer_free(&explorer);
    open_model(&explorer, 5, 3);
    assert_true(explorer_show_space(&explorer, SPACE_SOLID));
    space_choose(&explorer, 3); /* in the place of the first */
    assert_true(space_has(&explorer, 1) && space_has(&explorer, 2) &&
                space_has(&explorer, 3));
    assert_false(space_has(&explorer, 0));
    space_choose(&explorer, 2);
    assert_true(space_has(&explorer, 1));
    space_turn(&explorer, 0, 100);
    assert_true(fabs(explorer.tilt - 1.5707963) < 1e-6);
    space_turn(&explorer, 0, -100);
    assert_true(explorer.tilt == 0);
    explorer_free(&explorer);
}

static void the_front_of_three_is_theirs(void **state) {
    (void)state;
    struct explorer explorer;
    /* With four tasks and the fixture's concave figures every stored point is on the
     * front of all; of the first three only those that give the fourth nothing are. */
    open_model(&explorer, 4, 5);
    const bool *front = space_front(&explorer);
    assert_non_null(front);
    size_t members = 0;
    for (size_t i = 0; i < explorer.catalog->count; i++) {
        const struct store_solution *solution = &explorer.catalog->rows[i].solution;
        if (!solution->routers)
            assert_false(front[i]);
        else
            assert_int_equal(front[i], solution->preference[3] < 1e-9);
        members += front[i];
    }
    assert_int_equal(members, 15);
    explorer_free(&explorer);
}

static void put(struct store *store, struct store_solution *solution, double value,
                bool complete) {
    struct store_evaluation evaluations[2] = {{0}};
    struct error error;
    assert_int_equal(store_solution_put(store, solution, &error), 0);
    for (size_t t = 0; t < 2; t++)
        evaluations[t] = (struct store_evaluation){.objective = t,
                                                   .split = "test",
                                                   .value = value,
                                                   .low = value - 5,
                                                   .high = value + 5,
                                                   .examples = 50,
                                                   .complete = complete};
    assert_int_equal(
        store_evaluations_put(store, solution->id, "", evaluations, 2, &error), 0);
}

/* A figure that is not final is neither the best merge's nor on a front, and its mark
 * is dim. */
static void what_is_measured_in_part_is_no_reference(void **state) {
    (void)state;
    struct explorer explorer;
    char path[4096];
    struct store *store;
    struct catalog *catalog;
    struct error error;
    double preference[] = {0.45, 0.55};
    struct fixture_options options = {.tasks = 2, .edge = 11, .baselines = true};
    struct store_solution merge = {
        .kind = STORE_KIND_MERGE, .method = "regmean", .parameters = "{}", .label = ""};
    struct store_solution routed = {.kind = STORE_KIND_PWEMOE,
                                    .method = "ls",
                                    .parameters = "{}",
                                    .preference = preference,
                                    .routers = 1,
                                    .label = ""};
    snprintf(path, sizeof path, "%s/part.db", folder());
    fixture_write(path, &options);
    assert_int_equal(store_open(path, STORE_READ_WRITE, &store, &error), 0);
    /* Better than all that is merged, but it is not merged. */
    struct store_solution trained = {
        .kind = STORE_KIND_TRAIN, .method = "ls", .parameters = "{}", .label = ""};
    put(store, &trained, 94, true);
    put(store, &merge, 89, false);
    put(store, &routed, 89.5, false);
    assert_int_equal(catalog_read(store, &catalog, &error), 0);
    store_close(store);
    explorer_init(&explorer, "part.db");
    assert_int_equal(explorer_take_catalog(&explorer, catalog), 0);
    assert_true(catalog->best[0] < 80 && catalog->stl[0] > 94);
    size_t count, members = 0;
    for (size_t i = 0; i < catalog->count; i++) {
        members += catalog->solutions[i].front;
        assert_false(catalog->solutions[i].front &&
                     catalog->rows[i].solution.id == trained.id);
    }
    assert_int_equal(members, 11); /* it dims nothing */
    const size_t *front = explorer_pair_front(&explorer, 0, 1, &count);
    assert_int_equal(count, 11);
    for (size_t i = 0; i < count; i++)
        assert_true(catalog->rows[front[i]].solution.id != routed.id);
    struct canvas canvas = {.marks = palette_marks(true)};
    assert_int_equal(canvas_resize(&canvas, 80, 30), 0);
    struct view view = view_whole(&canvas);
    scatter_view_draw(&view, &explorer, 0, 1, false);
    size_t marks = 0;
    for (int y = 1; y < 30; y++)
        for (int x = 0; x < 80; x++)
            if (canvas_at(&canvas, x, y)->c == L'□') {
                assert_int_equal(canvas_at(&canvas, x, y)->ink, INK_DOMINATED);
                marks++;
            }
    assert_int_equal(marks, 1);
    canvas_free(&canvas);
    explorer_free(&explorer);
}

/* Losses between 0.30 and 0.35 fill their axes, and a baseline far from them does not
 * press them together; percentages are as they were. */
static void axes_are_as_wide_as_figures_need(void **state) {
    (void)state;
    char path[4096];
    struct store *store;
    struct catalog *catalog;
    struct error error;
    struct explorer explorer;
    struct fixture_options options = {.tasks = 2, .losses = true};
    snprintf(path, sizeof path, "%s/losses.db", folder());
    fixture_write(path, &options);
    struct store_run run = {
        .method = "ls", .upscale = "mlp", .parameters = "{}", .steps = 1};
    struct store_routers routers = {.step = 1, .blob = "routers", .size = 7};
    assert_int_equal(store_open(path, STORE_READ_WRITE, &store, &error), 0);
    assert_int_equal(store_run_begin(store, &run, &error), 0);
    run.steps_done = 1;
    run.complete = true;
    assert_int_equal(store_run_save(store, &run, &routers, NULL, 0, NULL, 0, &error),
                     0);
    for (int i = 0; i <= 5; i++) {
        double preference[] = {0.2 * i, 1 - 0.2 * i};
        double values[] = {0.35 - 0.01 * i, 0.30 + 0.01 * i};
        struct store_solution routed = {.kind = STORE_KIND_PWEMOE,
                                        .method = "ls",
                                        .parameters = "{}",
                                        .preference = preference,
                                        .routers = routers.id,
                                        .label = ""};
        fixture_put(store, &routed, values, 2);
    }
    struct store_solution pretrained = {.kind = STORE_KIND_SINGLE,
                                        .method = "pretrained",
                                        .parameters = "{}",
                                        .label = ""};
    fixture_put(store, &pretrained, (double[]){2.3, 2.3}, 2);
    assert_int_equal(catalog_read(store, &catalog, &error), 0);
    store_close(store);
    explorer_init(&explorer, "losses.db");
    assert_int_equal(explorer_take_catalog(&explorer, catalog), 0);
    /* fixture_put's intervals are those of percentages: no axis reaches for one that is
     * not drawn, as everything is measured. */
    assert_int_equal(explorer.figures, FIGURES_COMPLETE);
    for (size_t t = 0; t < 2; t++) {
        struct range range;
        assert_true(space_range(&explorer, t, &range));
        assert_true(range.low < 0.30 && range.high > 0.35);
        if (range.high - range.low > 0.08)
            fail_msg("axis %zu: %g to %g", t, range.low, range.high);
    }
    explorer_free(&explorer);
}

/* One view drawn into a canvas of its own. */
static struct canvas draw(struct explorer *explorer, int width, int height, bool utf8) {
    struct canvas canvas = {.marks = palette_marks(utf8)};
    assert_int_equal(canvas_resize(&canvas, width, height), 0);
    struct view view = view_whole(&canvas);
    if (explorer->space == SPACE_SOLID)
        solid_view_draw(&view, explorer, false);
    else
        parallel_view_draw(&view, explorer, false);
    return canvas;
}

static size_t find(const struct canvas *canvas, wchar_t c, int ink, int *x, int *y) {
    size_t count = 0;
    for (int row = 1; row < canvas->height; row++)
        for (int column = 0; column < canvas->width; column++) {
            const struct cell *cell = canvas_at(canvas, column, row);
            if (cell->c == c && (ink < 0 || cell->ink == ink)) {
                *x = column;
                *y = row;
                count++;
            }
        }
    return count;
}

/* The middle of the braille dots and marks of one ink. */
static size_t count_ink(const struct canvas *canvas, enum ink ink) {
    size_t count = 0;
    for (int row = 1; row < canvas->height; row++)
        for (int column = 0; column < canvas->width; column++)
            count += canvas_at(canvas, column, row)->ink == ink &&
                     canvas_at(canvas, column, row)->c != L' ';
    return count;
}

static void the_box_seen_from_above_and_from_the_side(void **state) {
    (void)state;
    struct explorer explorer;
    int x = 0, y = 0, before_x = 0, before_y = 0;
    double left[] = {0.1, 0.6, 0.3}, right[] = {0.7, 0.2, 0.1};
    open_model(&explorer, 3, 9);
    explorer_show_space(&explorer, SPACE_SOLID);
    /* Straight from above, unturned: the first objective to the right, the second
     * away, which is up. */
    explorer.turn = 0;
    explorer.tilt = 1.5707963;
    explorer_go(&explorer, left, false);
    struct canvas canvas = draw(&explorer, 70, 30, true);
    assert_int_equal(find(&canvas, L'◇', INK_NOW, &before_x, &before_y), 1);
    canvas_free(&canvas);
    explorer_go(&explorer, right, false);
    canvas = draw(&explorer, 70, 30, true);
    assert_int_equal(find(&canvas, L'◇', INK_NOW, &x, &y), 1);
    assert_true(x > before_x + 5 && y > before_y + 2);
    canvas_free(&canvas);
    /* From the side the third decides the height alone; turned by half, left is right.
     */
    explorer.tilt = 0;
    canvas = draw(&explorer, 70, 30, true);
    find(&canvas, L'◇', INK_NOW, &before_x, &before_y);
    canvas_free(&canvas);
    explorer.turn = 3.14159265;
    canvas = draw(&explorer, 70, 30, true);
    find(&canvas, L'◇', INK_NOW, &x, &y);
    assert_true(abs(y - before_y) <= 1 && before_x > 37 && x < 33);
    canvas_free(&canvas);
    explorer_go(&explorer, left, false); /* more of the third: higher */
    canvas = draw(&explorer, 70, 30, true);
    find(&canvas, L'◇', INK_NOW, &x, &y);
    assert_true(y < before_y - 1);
    canvas_free(&canvas);
    explorer_free(&explorer);
}

static void the_box_names_and_marks(void **state) {
    (void)state;
    struct explorer explorer;
    int x, y;
    char *text = NULL;
    size_t size;
    double between[] = {0.3, 0.3, 0.4};
    open_model(&explorer, 3, 7);
    explorer_show_space(&explorer, SPACE_SOLID);
    struct canvas canvas = draw(&explorer, 80, 34, true);
    FILE *file = open_memstream(&text, &size);
    canvas_print(&canvas, file);
    fclose(file);
    char *body = strchr(text, '\n');
    assert_non_null(strstr(body, "alpha"));
    assert_non_null(strstr(body, "beta"));
    assert_non_null(strstr(body, "gamma"));
    free(text);
    assert_int_equal(find(&canvas, L'▲', -1, &x, &y), 1);
    assert_true(find(&canvas, L'×', -1, &x, &y) >= 2);
    canvas_free(&canvas);
    for (size_t s = 0; s < explorer.catalog->series_count; s++)
        if (strstr(explorer.catalog->series[s].key, "task-arithmetic"))
            explorer_series_toggle(&explorer, s);
    canvas = draw(&explorer, 80, 34, true);
    assert_int_equal(find(&canvas, L'×', -1, &x, &y), 0);
    canvas_free(&canvas);
    /* What is measured so far has its interval as bars along the axes, an estimate
     * has none. */
    explorer_go(&explorer, between, false);
    canvas = draw(&explorer, 80, 34, true);
    size_t estimate = count_ink(&canvas, INK_NOW);
    canvas_free(&canvas);
    explorer.figures = FIGURES_RUNNING;
    for (size_t t = 0; t < 3; t++)
        explorer.running[t] = (struct running){.examples = 64,
                                               .value = explorer.estimate[t],
                                               .low = explorer.estimate[t] - 6,
                                               .high = explorer.estimate[t] + 6};
    canvas = draw(&explorer, 80, 34, true);
    assert_true(count_ink(&canvas, INK_NOW) > estimate + 6);
    canvas_free(&canvas);
    explorer_free(&explorer);
}

static bool is_word(const struct canvas *canvas, int x, int y) {
    wchar_t c = x >= 0 && x < canvas->width ? canvas_at(canvas, x, y)->c : L' ';
    return (c >= L'0' && c <= L'9') || (c >= L'a' && c <= L'z') || c == L'.' ||
           c == L'-';
}

/* Every word below the heading is a name or a round number of an axis, whole: where two
 * run into each other there is one that is neither. The names found, a bit each; *wrong
 * holds what is no label. */
static unsigned read_labels(const struct canvas *canvas, struct explorer *explorer,
                            char *wrong) {
    unsigned names = 0;
    for (int y = 1; y < canvas->height; y++)
        for (int x = 0; x < canvas->width; x++) {
            char word[200] = "";
            size_t length = 0;
            bool known = false;
            for (; is_word(canvas, x, y); x++)
                word[length++] = (char)canvas_at(canvas, x, y)->c;
            word[length] = '\0';
            for (size_t k = 0; k < 3 && length; k++) {
                struct range range;
                char *end;
                double value = strtod(word, &end);
                space_range(explorer, k, &range);
                double steps = value / ticks_of(range.low, range.high, 5).step;
                known = known || (!*end && value >= range.low && value <= range.high &&
                                  fabs(steps - round(steps)) < 1e-9);
                if (!strcmp(word, explorer_task_name(explorer, explorer->triple[k]))) {
                    known = true;
                    names |= 1u << k;
                }
            }
            if (length && !known)
                strcpy(wrong, word);
        }
    return names;
}

static void names_and_numbers_of_the_box_stand_apart(void **state) {
    (void)state;
    struct explorer explorer;
    open_model(&explorer, 3, 7);
    explorer_show_space(&explorer, SPACE_SOLID);
    for (int width = 20; width <= 110; width += 9)
        for (int height = 6; height <= 38; height += width < 60 ? 2 : 5)
            for (explorer.turn = -3; explorer.turn < 3.2; explorer.turn += 0.55)
                for (explorer.tilt = 0; explorer.tilt < 1.6; explorer.tilt += 0.31) {
                    char wrong[200] = "";
                    struct canvas canvas = draw(&explorer, width, height, true);
                    unsigned names = read_labels(&canvas, &explorer, wrong);
                    if (names != 7 || *wrong) {
                        canvas_print(&canvas, stderr);
                        fail_msg("%dx%d, turned by %.2f, tilted by %.2f: names %u, "
                                 "\"%s\"",
                                 width, height, explorer.turn, explorer.tilt, names,
                                 wrong);
                    }
                    canvas_free(&canvas);
                }
    explorer_free(&explorer);
}

/* What a drag leaves is drawn from what is kept, and what changes it is not. */
static void the_box_keeps_its_rows(void **state) {
    (void)state;
    enum { GO, TURN, TILT, SELECT, HIDE, SHOW, POINT, NARROW, ASCII, FIT, CHANGES };
    struct explorer explorer;
    int width = 60;
    bool fine = true;
    open_model(&explorer, 3, 7);
    explorer_show_space(&explorer, SPACE_SOLID);
    for (int change = 0; change < CHANGES; change++) {
        struct canvas before = draw(&explorer, width, 24, fine);
        explorer.solid_rows.items[0].spot.far = 99; /* tells whether they are kept */
        if (change == GO)
            explorer_go(&explorer, (double[]){0.3, 0.3, 0.4}, false);
        if (change == TURN || change == TILT)
            space_turn(&explorer, change == TURN ? 0.4 : 0, change == TILT ? 0.3 : 0);
        if (change == SELECT)
            selection_toggle(&explorer, 3);
        if (change == HIDE || change == SHOW)
            explorer_series_toggle(&explorer, 0);
        if (change == POINT)
            explorer_point(&explorer, 5);
        if (change == FIT)
            explorer.fit = FIT_ALL;
        width -= change == NARROW ? 7 : 0;
        fine = fine && change != ASCII;
        struct canvas now = draw(&explorer, width, 24, fine);
        assert_true((explorer.solid_rows.items[0].spot.far == 99) ==
                    (change == GO || change == POINT));
        /* The same from nothing. */
        explorer.solid_rows.catalog = 0;
        struct canvas anew = draw(&explorer, width, 24, fine);
        size_t differ = 0;
        for (int y = 0; y < 24; y++)
            for (int x = 0; x < width; x++) {
                const struct cell *a = canvas_at(&now, x, y),
                                  *b = canvas_at(&anew, x, y);
                if (a->c != b->c || a->ink != b->ink || a->look != b->look)
                    fail_msg("change %d: column %d, row %d", change, x, y);
                differ += x < before.width && a->c != canvas_at(&before, x, y)->c;
            }
        assert_true(differ > 0 || change == POINT);
        canvas_free(&before);
        canvas_free(&now);
        canvas_free(&anew);
    }
    explorer_free(&explorer);
}

/* Not the ends of the axes alone, at 80x24 as well: the panel is of 46x11 cells there.
 */
/* Numbers that are seen in the box. */
static int numbers_of_the_box(struct explorer *explorer, int width, int height) {
    struct canvas canvas = draw(explorer, width, height, true);
    int numbers = 0;
    for (int y = 1; y < height; y++)
        for (int x = 1; x < width; x++)
            numbers += iswdigit((wint_t)canvas_at(&canvas, x, y)->c) &&
                       !iswdigit((wint_t)canvas_at(&canvas, x - 1, y)->c);
    canvas_free(&canvas);
    return numbers;
}

/* Three an axis, as one opens it and as it turns on from there, until an axis is seen
 * nearly from its end. */
static void the_box_has_numbers_between_the_outermost(void **state) {
    (void)state;
    static const int sizes[][2] = {{46, 11}, {49, 25}, {80, 30}};
    struct explorer explorer;
    open_demo(&explorer);
    explorer_show_space(&explorer, SPACE_SOLID);
    double opened = explorer.turn;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (explorer.turn = opened - 0.3; explorer.turn < opened + 0.35;
             explorer.turn += 0.1) {
            int numbers = numbers_of_the_box(&explorer, sizes[i][0], sizes[i][1]);
            if (numbers < 9)
                fail_msg("%dx%d, turned to %.2f: %d numbers", sizes[i][0], sizes[i][1],
                         explorer.turn, numbers);
        }
    explorer_free(&explorer);
}

static void an_axis_an_objective(void **state) {
    (void)state;
    struct explorer explorer;
    double r[] = {0.7, 0.1, 0.1, 0.1, 0};
    open_model(&explorer, 5, 4);
    explorer_show_space(&explorer, SPACE_PARALLEL);
    explorer_go(&explorer, r, false);
    struct canvas canvas = draw(&explorer, 90, 30, true);
    int rows[5], found = 0;
    for (int column = 0; column < 90; column++)
        for (int row = 1; row < 30; row++)
            if (canvas_at(&canvas, column, row)->c == L'◇' && found < 5)
                rows[found++] = row;
    assert_int_equal(found, 5);
    /* The more weight, the better the figure, the higher the mark. */
    assert_true(rows[0] < rows[1] - 2 && rows[4] > rows[3] + 2);
    assert_true(abs(rows[1] - rows[2]) <= 1);
    assert_true(count_ink(&canvas, INK_FAR) > 50);
    canvas_free(&canvas);
    /* Where less is better the axis stands on its head. */
    explorer.catalog->recipe->tasks[0].objective.maximise = false;
    canvas = draw(&explorer, 90, 30, true);
    found = 0;
    for (int row = 1; row < 30 && !found; row++)
        for (int column = 0; column < 20; column++)
            if (canvas_at(&canvas, column, row)->c == L'◇' && !found)
                found = row;
    assert_true(found > rows[0] + 5);
    canvas_free(&canvas);
    /* Too narrow for all: the others come by scrolling, and no further. */
    explorer.scroll[PANEL_SCATTER] = 99;
    canvas = draw(&explorer, 15, 20, true);
    assert_int_equal(explorer.scroll[PANEL_SCATTER], 5 - (int)explorer.density.axes);
    assert_true(explorer.density.axes >= 2 && explorer.density.axes < 5);
    canvas_free(&canvas);
    explorer_free(&explorer);
}

static void lines_are_counted_where_they_pass(void **state) {
    (void)state;
    struct explorer explorer;
    open_model(&explorer, 4, 6); /* 56 stored points */
    explorer_show_space(&explorer, SPACE_PARALLEL);
    struct canvas canvas = draw(&explorer, 100, 40, true);
    const struct density *density = &explorer.density;
    assert_int_equal(density->lines, 56);
    /* Every line starts in the first column and ends in the last: as many as there
     * are dots counted there, or more where one is steep. */
    for (int edge = 0; edge < 2; edge++) {
        size_t column = edge ? (size_t)density->width - 1 : 0, sum = 0;
        for (int y = 0; y < density->height; y++)
            sum += density->front[column * (size_t)(density->height + 1) + (size_t)y] +
                   density->rest[column * (size_t)(density->height + 1) + (size_t)y];
        assert_true(sum >= 56);
    }
    /* Kept from frame to frame, made again for another legend. */
    const uint32_t *kept = density->front;
    canvas_free(&canvas);
    canvas = draw(&explorer, 100, 40, true);
    assert_ptr_equal(density->front, kept);
    canvas_free(&canvas);
    for (size_t s = 0; s < explorer.catalog->series_count; s++)
        if (explorer.catalog->series[s].answers)
            explorer_series_toggle(&explorer, s);
    canvas = draw(&explorer, 100, 40, true);
    assert_int_equal(density->lines, 0);
    canvas_free(&canvas);
    explorer_free(&explorer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_has_the_preference_that_leads_there),
        cmocka_unit_test(corners_edges_and_centre),
        cmocka_unit_test(dragging_is_continuous),
        cmocka_unit_test(steps_start_from_any_preference),
        cmocka_unit_test(a_panel_shows_the_polygon_where_it_fits),
        cmocka_unit_test(locks_hold_in_the_polygon),
        cmocka_unit_test(the_tasks_decide_which_views_there_are),
        cmocka_unit_test(the_front_of_three_is_theirs),
        cmocka_unit_test(what_is_measured_in_part_is_no_reference),
        cmocka_unit_test(axes_are_as_wide_as_figures_need),
        cmocka_unit_test(the_box_seen_from_above_and_from_the_side),
        cmocka_unit_test(the_box_names_and_marks),
        cmocka_unit_test(names_and_numbers_of_the_box_stand_apart),
        cmocka_unit_test(the_box_keeps_its_rows),
        cmocka_unit_test(the_box_has_numbers_between_the_outermost),
        cmocka_unit_test(an_axis_an_objective),
        cmocka_unit_test(lines_are_counted_where_they_pass),
    };
    return cmocka_run_group_tests(tests, fixture_utf8, NULL);
}
