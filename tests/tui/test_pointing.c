/* Pointing at stored solutions: clicks hit what is drawn, keys reach every neighbour,
 * Enter goes there; and scatters that zoom and move. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../results/fixture.h"
#include "app/actions.h"
#include "app/app.h"
#include "panels/places.h"
#include "panels/views.h"
#include "state/space.h"
#include "terminal/keys.h"

static char two[4096], three[4096], losses[4200];
static struct error error;

static void draw(struct app *app) {
    frame_draw(&app->canvas, &app->explorer, &app->arrangement);
}

static void open_app(struct app *app, const char *path, int width, int height) {
    struct store *store;
    struct catalog *catalog;
    *app = (struct app){.dragged = PANEL_COUNT};
    app->canvas.marks = palette_marks(true);
    assert_int_equal(canvas_resize(&app->canvas, width, height), 0);
    explorer_init(&app->explorer, path);
    assert_int_equal(store_open(path, STORE_READ_ONLY, &store, &error), 0);
    assert_int_equal(catalog_read(store, &catalog, &error), 0);
    store_close(store);
    assert_int_equal(explorer_take_catalog(&app->explorer, catalog), 0);
    draw(app);
}

static void close_app(struct app *app) {
    explorer_free(&app->explorer);
    canvas_free(&app->canvas);
}

static void click(struct app *app, int x, int y) {
    app_mouse(app, POINTER_PRESS, x, y);
    app_mouse(app, POINTER_RELEASE, x, y);
    draw(app);
}

static void type(struct app *app, const char *keys) {
    for (; *keys; keys++)
        app_key(app, *keys == '\r' ? KEYS_ENTER : *keys);
    draw(app);
}

/* The frame, to be freed. */
static char *frame(struct app *app) {
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    draw(app);
    canvas_print(&app->canvas, out);
    fclose(out);
    return text;
}

static void assert_frame(struct app *app, const char *wanted) {
    char *text = frame(app);
    if (!strstr(text, wanted)) {
        fprintf(stderr, "%s", text);
        fail_msg("\"%s\" is not on the frame above", wanted);
    }
    free(text);
}

/* The row with these shares, with the fixture's routers. */
static size_t row_at(const struct app *app, const double *preference) {
    size_t row = catalog_find(app->explorer.catalog, preference, app->explorer.routers);
    assert_true(row != SIZE_MAX);
    return row;
}

static size_t places(struct app *app, enum panel panel, int column,
                     struct row_place *out) {
    struct view view = view_rect(&app->canvas, app->arrangement.rect[panel]);
    return places_of(&view, &app->explorer, &app->arrangement, panel, column, out);
}

/* Every place is inside its panel, and what is drawn there is no blank. */
static void places_are_where_marks_are(void **state) {
    (void)state;
    static const int sizes[][2] = {{80, 24}, {120, 40}, {200, 60}, {64, 18}, {40, 12}};
    struct app app;
    open_app(&app, three, 80, 24);
    size_t total = app.explorer.catalog->count;
    struct row_place *found = calloc(total, sizeof *found);
    assert_non_null(found);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int space = 0; space < 3; space++)
            for (int fine = 0; fine < 2; fine++) {
                app.canvas.marks = palette_marks(fine);
                assert_int_equal(canvas_resize(&app.canvas, sizes[i][0], sizes[i][1]),
                                 0);
                explorer_show_space(&app.explorer, (enum space)space);
                app.explorer.wish.focus = PANEL_SCATTER;
                draw(&app);
                if (!app.arrangement.shown[PANEL_SCATTER])
                    continue;
                const struct rect *rect = &app.arrangement.rect[PANEL_SCATTER];
                struct view view = view_rect(&app.canvas, *rect);
                int column =
                    space == 2 ? parallel_view_column(&view, &app.explorer, 1) : 0;
                size_t count = places(&app, PANEL_SCATTER, column, found);
                assert_true(count > total / 2);
                for (size_t p = 0; p < count; p++) {
                    int x = (int)lround(found[p].x), y = (int)lround(found[p].y);
                    assert_true(x >= 0 && x < rect->width && y >= 1 &&
                                y < rect->height);
                    if (canvas_at(&app.canvas, rect->x + x, rect->y + y)->c == L' ')
                        fail_msg("nothing is drawn at %d,%d of view %d at %dx%d", x, y,
                                 space, sizes[i][0], sizes[i][1]);
                }
            }
    free(found);
    close_app(&app);
}

static void a_click_points_and_enter_goes_there(void **state) {
    (void)state;
    struct app app;
    double wanted[] = {0.2, 0.8};
    open_app(&app, two, 120, 40);
    struct explorer *explorer = &app.explorer;
    size_t row = row_at(&app, wanted);
    struct row_place found[64];
    size_t count = places(&app, PANEL_SCATTER, 0, found), at = 0;
    const struct rect *rect = &app.arrangement.rect[PANEL_SCATTER];
    while (at < count && found[at].row != row)
        at++;
    assert_true(at < count);
    click(&app, rect->x + (int)lround(found[at].x), rect->y + (int)lround(found[at].y));
    assert_int_equal(explorer->pointed, row);
    assert_frame(&app, "routers ls mlp");
    assert_frame(&app, "at 0.2,0.8");
    assert_frame(&app, "nothing dominates it");
    assert_true(explorer->preference[0] == 0.5);
    type(&app, "\r");
    assert_true(fabs(explorer->preference[0] - 0.2) < 1e-9);
    /* A click far from everything points at nothing. */
    int x = rect->width - 2, y = rect->height - 4;
    while (places_at(found, count, x, y, 3))
        y--;
    assert_true(y > 1);
    click(&app, rect->x + x, rect->y + y);
    assert_true(explorer->pointed == SIZE_MAX);
    close_app(&app);
}

/* From one end of the front, steps to the right reach its other end, one after another;
 * the frame's arrows stay with the preference until the panel has the focus. */
/* The solution pointed at is told above the keys, and the mean stays in sight. */
static void what_is_pointed_at_leaves_the_rest(void **state) {
    (void)state;
    struct app app;
    open_app(&app, three, 80, 24);
    app.explorer.wish.focus = PANEL_SCATTER;
    action_hints(app.explorer.hints);
    for (size_t row = 0; row < app.explorer.catalog->count; row += 9) {
        explorer_point(&app.explorer, row);
        assert_frame(&app, "\n mean ");
        assert_frame(&app, "alpha ");
        assert_frame(&app, "Enter go there");
        assert_frame(&app, "measured");
    }
    /* Nothing of it is cut where it is narrow. */
    assert_int_equal(canvas_resize(&app.canvas, 34, 24), 0);
    for (size_t row = 0; row < app.explorer.catalog->count; row += 9) {
        explorer_point(&app.explorer, row);
        char *text = frame(&app);
        const char *end = strstr(text, "dominate");
        assert_non_null(end);
        assert_null(strstr(end, "…"));
        free(text);
    }
    close_app(&app);
}

static void keys_step_along_the_front(void **state) {
    (void)state;
    struct app app;
    double first[] = {0, 1}, last[] = {1, 0};
    open_app(&app, two, 120, 40);
    struct explorer *explorer = &app.explorer;
    type(&app, "l");
    assert_true(explorer->preference[0] < 0.5);
    assert_true(explorer->pointed == SIZE_MAX);
    type(&app, "0");
    app_key(&app, KEYS_TAB);
    draw(&app);
    assert_int_equal(explorer->wish.focus, PANEL_SCATTER);
    for (size_t s = 0; s < explorer->catalog->series_count; s++)
        if (!explorer->catalog->series[s].answers)
            explorer_series_toggle(explorer, s);
    draw(&app);
    explorer_point(explorer, row_at(&app, first));
    size_t steps = 0, end = row_at(&app, last);
    for (; explorer->pointed != end && steps < 50; steps++) {
        double before = catalog_value(explorer->catalog, explorer->pointed, 0);
        app_key(&app, KEYS_RIGHT);
        assert_true(catalog_value(explorer->catalog, explorer->pointed, 0) > before);
    }
    assert_int_equal(steps, 10);
    app_key(&app, KEYS_RIGHT); /* there is no other */
    assert_int_equal(explorer->pointed, end);
    app_key(&app, KEYS_UP);
    assert_true(explorer->pointed != end);
    assert_true(explorer->preference[0] == 0.5);
    /* Escape takes back one thing at a time. */
    app_key(&app, KEYS_ESCAPE);
    assert_true(explorer->pointed == SIZE_MAX);
    assert_int_equal(explorer->wish.focus, PANEL_SCATTER);
    app_key(&app, KEYS_ESCAPE);
    assert_int_equal(explorer->wish.focus, PANEL_SIMPLEX);
    app_key(&app, KEYS_RIGHT);
    assert_true(explorer->preference[0] < 0.5);
    close_app(&app);
}

/* From any point some sequence of steps reaches any other. */
static void every_point_can_be_reached(void **state) {
    (void)state;
    struct app app;
    open_app(&app, three, 120, 40);
    struct explorer *explorer = &app.explorer;
    for (int space = 0; space < 2; space++) {
        explorer_show_space(explorer, (enum space)space);
        explorer->wish.focus = PANEL_SCATTER;
        draw(&app);
        size_t total = explorer->catalog->count, reached = 0, queue = 1;
        bool *seen = calloc(total, sizeof *seen);
        size_t *rows = calloc(total + 1, sizeof *rows);
        struct row_place *found = calloc(total, sizeof *found);
        assert_true(seen && rows && found);
        size_t count = places(&app, PANEL_SCATTER, 0, found);
        rows[0] = found[0].row;
        seen[rows[0]] = true;
        while (reached < queue) {
            size_t from = rows[reached++];
            for (int way = 0; way < 4; way++) {
                explorer_point(explorer, from);
                app_key(&app, KEYS_UP + way);
                if (!seen[explorer->pointed]) {
                    seen[explorer->pointed] = true;
                    rows[queue++] = explorer->pointed;
                }
            }
        }
        /* Of several at one place one can be reached. */
        size_t missed = 0;
        for (size_t i = 0; i < count; i++) {
            bool at_place = false;
            for (size_t k = 0; k < count; k++)
                at_place = at_place || (seen[found[k].row] &&
                                        hypot(found[k].x - found[i].x,
                                              found[k].y - found[i].y) < 1e-3);
            missed += !at_place;
        }
        if (missed)
            fail_msg("%zu of %zu cannot be reached in view %d", missed, count, space);
        free(seen);
        free(rows);
        free(found);
    }
    close_app(&app);
}

static void lines_are_pointed_at(void **state) {
    (void)state;
    struct app app;
    open_app(&app, three, 120, 40);
    struct explorer *explorer = &app.explorer;
    explorer_show_space(explorer, SPACE_PARALLEL);
    explorer->wish.focus = PANEL_SCATTER;
    draw(&app);
    const struct rect *rect = &app.arrangement.rect[PANEL_SCATTER];
    struct view view = view_rect(&app.canvas, *rect);
    int left = parallel_view_column(&view, explorer, 0);
    int right = parallel_view_column(&view, explorer, 1);
    struct row_place *found = calloc(explorer->catalog->count, sizeof *found);
    assert_non_null(found);
    /* In the middle between two axes a line is halfway between its ends. */
    double ends[2] = {NAN, NAN}, middle = NAN;
    size_t row = row_at(&app, (double[]){1, 0, 0});
    int columns[] = {left, right, (left + right) / 2};
    for (int i = 0; i < 3; i++) {
        size_t count = places(&app, PANEL_SCATTER, columns[i], found);
        for (size_t k = 0; k < count; k++)
            if (found[k].row == row)
                *(i < 2 ? &ends[i] : &middle) = found[k].y;
    }
    assert_true(fabs(middle - (ends[0] + ends[1]) / 2) < 1);
    click(&app, rect->x + left, rect->y + (int)lround(ends[0]));
    assert_true(explorer->pointed != SIZE_MAX);
    assert_int_equal(explorer->pointed_axis, 0);
    /* Up and down on an axis go by its values. */
    double before = catalog_value(explorer->catalog, explorer->pointed, 0);
    app_key(&app, KEYS_DOWN);
    assert_true(catalog_value(explorer->catalog, explorer->pointed, 0) < before);
    size_t same = explorer->pointed;
    app_key(&app, KEYS_RIGHT);
    assert_int_equal(explorer->pointed, same);
    assert_int_equal(explorer->pointed_axis, 1);
    free(found);
    close_app(&app);
}

static void the_box_turns_by_drag_and_points_by_click(void **state) {
    (void)state;
    struct app app;
    open_app(&app, three, 120, 40);
    struct explorer *explorer = &app.explorer;
    explorer_show_space(explorer, SPACE_SOLID);
    draw(&app);
    const struct rect *rect = &app.arrangement.rect[PANEL_SCATTER];
    struct row_place *found = calloc(explorer->catalog->count, sizeof *found);
    assert_non_null(found);
    assert_true(places(&app, PANEL_SCATTER, 0, found) > 0);
    double turn = explorer->turn;
    int x = rect->x + (int)lround(found[0].x), y = rect->y + (int)lround(found[0].y);
    click(&app, x, y);
    assert_true(explorer->pointed != SIZE_MAX);
    assert_true(explorer->turn == turn);
    explorer_point(explorer, SIZE_MAX);
    app_mouse(&app, POINTER_PRESS, x, y);
    app_mouse(&app, POINTER_DRAG, x + 4, y);
    app_mouse(&app, POINTER_RELEASE, x + 4, y);
    assert_true(explorer->turn != turn);
    assert_true(explorer->pointed == SIZE_MAX);
    free(found);
    close_app(&app);
}

/* A click on a stored point of the triangle goes to exactly that preference. */
static void the_simplex_snaps_to_stored_points(void **state) {
    (void)state;
    struct app app;
    struct row_place found[64];
    open_app(&app, three, 120, 40);
    const struct rect *rect = &app.arrangement.rect[PANEL_SIMPLEX];
    size_t count = places(&app, PANEL_SIMPLEX, 0, found);
    assert_int_equal(count, 28);
    for (size_t i = 0; i < count; i++) {
        click(&app, rect->x + (int)lround(found[i].x),
              rect->y + (int)lround(found[i].y));
        const double *stored =
            app.explorer.catalog->rows[app.explorer.pointed].solution.preference;
        assert_true(app.explorer.pointed != SIZE_MAX);
        assert_int_equal(app.explorer.figures, FIGURES_COMPLETE);
        for (size_t t = 0; t < 3; t++)
            assert_true(fabs(app.explorer.preference[t] - stored[t]) < 1e-12);
    }
    close_app(&app);
}

/* A baseline leads nowhere, but is compared and bookmarked; it is dominated by whom it
 * says. */
static void baselines_are_no_preference(void **state) {
    (void)state;
    struct app app;
    size_t row = SIZE_MAX, first = SIZE_MAX;
    open_app(&app, two, 120, 40);
    struct explorer *explorer = &app.explorer;
    const struct catalog *catalog = explorer->catalog;
    for (size_t i = 0; i < catalog->count; i++)
        if (strstr(catalog->series[catalog->solutions[i].series].key, "ties"))
            row = i;
    assert_true(row != SIZE_MAX);
    explorer_point(explorer, row);
    type(&app, "\r");
    assert_non_null(strstr(explorer->message, "has no preference to go to"));
    assert_true(explorer->preference[0] == 0.5);
    size_t count = explorer_dominators(explorer, row, &first), counted = 0;
    for (size_t i = 0; i < catalog->count; i++) {
        double alpha = catalog_value(catalog, i, 0) - catalog_value(catalog, row, 0);
        double beta = catalog_value(catalog, i, 1) - catalog_value(catalog, row, 1);
        counted += alpha >= 0 && beta >= 0 && alpha + beta > 0 &&
                   catalog->solutions[i].whole &&
                   !catalog->series[catalog->solutions[i].series].several;
    }
    assert_int_equal(count, counted);
    assert_true(count > 0);
    type(&app, "c");
    assert_non_null(strstr(explorer->dialog.items[1].text, "pointed at: TIES"));
    type(&app, "j\r\r");
    assert_int_equal(explorer->compared[0].row, row);
    close_app(&app);
}

/* Of losses less is better: the same points, the other way round. */
static void less_dominates_where_less_is_better(void **state) {
    (void)state;
    struct app app;
    size_t first;
    open_app(&app, losses, 100, 30);
    const struct catalog *catalog = app.explorer.catalog;
    for (size_t i = 0; i < catalog->count; i++)
        if (catalog->solutions[i].front)
            assert_int_equal(explorer_dominators(&app.explorer, i, &first), 0);
    close_app(&app);
}

static double width_of(const struct app *app, size_t objective) {
    struct range range;
    assert_true(space_window(&app->explorer, objective, &range));
    return range.high - range.low;
}

static void scatters_zoom_and_move(void **state) {
    (void)state;
    struct app app;
    struct range range, moved;
    open_app(&app, two, 120, 40);
    struct explorer *explorer = &app.explorer;
    const struct rect *rect = &app.arrangement.rect[PANEL_SCATTER];
    double width = width_of(&app, 0);
    type(&app, "+");
    assert_int_equal(explorer->space, SPACE_PAIRS);
    assert_true(fabs(width_of(&app, 0) / width - 0.7) < 1e-9);
    type(&app, "-");
    assert_true(fabs(width_of(&app, 0) / width - 1) < 1e-9);
    /* What is under the pointer stays there. */
    int x = rect->x + rect->width / 3, y = rect->y + rect->height / 3;
    struct view view = view_rect(&app.canvas, *rect);
    double a[2], b[2];
    assert_true(scatter_view_values(&view, explorer, 0, 1, x - rect->x, y - rect->y,
                                    &a[0], &b[0]));
    app_mouse(&app, POINTER_UP, x, y);
    assert_true(width_of(&app, 1) < width);
    assert_true(scatter_view_values(&view, explorer, 0, 1, x - rect->x, y - rect->y,
                                    &a[1], &b[1]));
    assert_true(fabs(a[0] - a[1]) < 1e-9 && fabs(b[0] - b[1]) < 1e-9);
    /* So it does while it is dragged, to a cell. */
    space_window(explorer, 0, &range);
    app_mouse(&app, POINTER_PRESS, x, y);
    app_mouse(&app, POINTER_DRAG, x + 5, y);
    app_mouse(&app, POINTER_RELEASE, x + 5, y);
    space_window(explorer, 0, &moved);
    assert_true(moved.low < range.low);
    assert_true(fabs((moved.high - moved.low) - (range.high - range.low)) < 1e-9);
    assert_true(scatter_view_values(&view, explorer, 0, 1, x + 5 - rect->x, y - rect->y,
                                    &a[1], &b[1]));
    assert_true(fabs(a[0] - a[1]) < (range.high - range.low) / 50);
    /* It ends: however often, something can still be told apart, and seen. */
    for (int i = 0; i < 300; i++)
        app_key(&app, '+');
    assert_true(width_of(&app, 0) >= 0.009);
    for (int i = 0; i < 300; i++)
        app_key(&app, '-');
    assert_true(width_of(&app, 0) <= 10.1 * width);
    explorer->wish.focus = PANEL_SCATTER;
    for (int i = 0; i < 300; i++)
        app_key(&app, KEYS_SHIFT_RIGHT);
    space_window(explorer, 0, &range);
    assert_true(range.low < 90 && range.high > 60);
    /* = ends it, then fits otherwise. */
    type(&app, "=");
    assert_true(fabs(width_of(&app, 0) / width - 1) < 1e-9);
    type(&app, "=");
    double all = width_of(&app, 0);
    type(&app, "=");
    assert_true(width_of(&app, 0) <= all);
    type(&app, "=");
    assert_true(fabs(width_of(&app, 0) / width - 1) < 1e-9);
    close_app(&app);
}

/* What is pointed at stays the same solution when rows come before it. */
static void another_catalog_keeps_it(void **state) {
    (void)state;
    struct app app;
    struct store *store;
    struct catalog *catalog;
    open_app(&app, two, 100, 30);
    size_t last = app.explorer.catalog->count - 1;
    explorer_point(&app.explorer, last);
    int64_t solution = app.explorer.pointed_solution;
    assert_int_equal(store_open(two, STORE_READ_ONLY, &store, &error), 0);
    assert_int_equal(catalog_read(store, &catalog, &error), 0);
    store_close(store);
    assert_int_equal(explorer_take_catalog(&app.explorer, catalog), 0);
    assert_true(catalog->rows[app.explorer.pointed].solution.id == solution);
    app.explorer.pointed_solution = 1 << 30; /* deleted meanwhile */
    assert_int_equal(store_open(two, STORE_READ_ONLY, &store, &error), 0);
    assert_int_equal(catalog_read(store, &catalog, &error), 0);
    store_close(store);
    assert_int_equal(explorer_take_catalog(&app.explorer, catalog), 0);
    assert_true(app.explorer.pointed == SIZE_MAX);
    close_app(&app);
}

/* A dialog that opens while a button is down ends the drag. */
static void a_dialog_ends_a_drag(void **state) {
    (void)state;
    struct app app;
    open_app(&app, two, 120, 40);
    const struct rect *rect = &app.arrangement.rect[PANEL_SIMPLEX];
    app_mouse(&app, POINTER_PRESS, rect->x + 12, rect->y + 3);
    assert_int_equal(app.dragged, PANEL_SIMPLEX);
    assert_true(app.explorer.dragging);
    type(&app, "?");
    app_mouse(&app, POINTER_RELEASE, rect->x + 12, rect->y + 3);
    app_key(&app, KEYS_ESCAPE);
    assert_int_equal(app.dragged, PANEL_COUNT);
    assert_false(app.explorer.dragging);
    close_app(&app);
}

static int write_files(void **state) {
    struct fixture_options options = {.tasks = 2, .edge = 6, .losses = true};
    (void)state;
    fixture_write_in(folder(), 2, 11, two);
    fixture_write_in(folder(), 3, 7, three);
    snprintf(losses, sizeof losses, "%s/losses.db", folder());
    fixture_write(losses, &options);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_where_marks_are),
        cmocka_unit_test(a_click_points_and_enter_goes_there),
        cmocka_unit_test(what_is_pointed_at_leaves_the_rest),
        cmocka_unit_test(keys_step_along_the_front),
        cmocka_unit_test(every_point_can_be_reached),
        cmocka_unit_test(lines_are_pointed_at),
        cmocka_unit_test(the_box_turns_by_drag_and_points_by_click),
        cmocka_unit_test(the_simplex_snaps_to_stored_points),
        cmocka_unit_test(baselines_are_no_preference),
        cmocka_unit_test(less_dominates_where_less_is_better),
        cmocka_unit_test(scatters_zoom_and_move),
        cmocka_unit_test(another_catalog_keeps_it),
        cmocka_unit_test(a_dialog_ends_a_drag),
    };
    return cmocka_run_group_tests(tests, write_files, NULL);
}
