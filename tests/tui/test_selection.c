/* The selection: marked one by one, boxed in a scatter, ranged on axes; the same in
 * every view, and in the file. */
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
#include "driver.h"
#include "panels/places.h"
#include "results/filter.h"
#include "state/selection.h"
#include "state/space.h"
#include "terminal/keys.h"

static char two[4200], three[4200];
static struct error error;

static void brush(struct app *app, int x0, int y0, int x1, int y1) {
    app_mouse(app, POINTER_BRUSH, x0, y0);
    if (x0 != x1 || y0 != y1)
        app_mouse(app, POINTER_BRUSH_DRAG, x1, y1);
    app_mouse(app, POINTER_BRUSH_RELEASE, x1, y1);
    driver_resize(app, app->canvas.width, app->canvas.height);
}

/* How many solutions a filter leaves. */
static size_t count_of(struct app *app, const char *expression) {
    struct filter *filter;
    size_t count = 0;
    if (filter_parse(expression, app->explorer.catalog->recipe, &filter, NULL, &error))
        fail_msg("%s", error.text);
    for (size_t i = 0; i < app->explorer.catalog->count; i++)
        count += filter_matches(filter, app->explorer.catalog, i);
    filter_free(filter);
    return count;
}

static void space_marks_rows(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, two, 120, 40);
    driver_type(&app, "Tj   ");
    assert_int_equal(selection_count(&app.explorer), 3);
    driver_expect(&app, "3 selected");
    for (size_t i = 0; i < 3; i++)
        assert_true(selection_has(&app.explorer, app.explorer.table.rows[i]));
    /* The cursor is at the fourth; marks are there in the table. */
    assert_int_equal(app.explorer.pointed, app.explorer.table.rows[3]);
    driver_type(&app, "k ");
    assert_int_equal(selection_count(&app.explorer), 2);
    assert_int_equal(count_of(&app, "selected"), 2);
    driver_type(&app, "/selected\r");
    driver_expect(&app, "Solutions: 2 of 36, selected");
    driver_type(&app, "X");
    driver_expect(&app, "Solutions: 0 of 36, selected");
    driver_close(&app);
}

static char *read_whole(const char *path) {
    char *text = calloc(1, 1 << 20);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(text);
    (void)!fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    return text;
}

static size_t count_in(const char *text, const char *part) {
    size_t count = 0;
    while ((text = strstr(text, part))) {
        count++;
        text += strlen(part);
    }
    return count;
}

/* One row a solution, as CSV or JSON by the name; nothing is overwritten. */
static void the_selection_is_written(void **state) {
    (void)state;
    struct app app;
    char path[4300], typed[4400];
    driver_open(&app, two, 120, 40);
    driver_type(&app, "S");
    driver_expect(&app, "nothing is selected: Space marks");
    driver_type(&app, "/method == ties\r*S");
    driver_expect(&app, "fixture-selected.csv");
    snprintf(path, sizeof path, "%s/out.csv", folder());
    snprintf(typed, sizeof typed, "%s\r", path);
    driver_key(&app, KEYS_CONTROL_U);
    driver_type(&app, typed);
    driver_expect(&app, "11 solutions are written to ");
    char *text = read_whole(path);
    assert_int_equal(count_in(text, "\r\n"), 12);
    assert_int_equal(count_in(text, ",ties,"), 11);
    assert_int_equal(strncmp(text, "id,kind,method,", 15), 0);
    free(text);
    driver_type(&app, "S");
    driver_key(&app, KEYS_CONTROL_U);
    driver_type(&app, typed);
    driver_expect(&app, "this path exists and is not overwritten");
    for (size_t i = 0; i < 3; i++)
        driver_key(&app, KEYS_BACKSPACE);
    driver_type(&app, "txt\r");
    driver_expect(&app, "end the name in .csv or .json");
    for (size_t i = 0; i < 3; i++)
        driver_key(&app, KEYS_BACKSPACE);
    driver_type(&app, "json\r");
    snprintf(path, sizeof path, "%s/out.json", folder());
    text = read_whole(path);
    assert_int_equal(count_in(text, "\"method\": \"ties\""), 11);
    free(text);
    driver_type(&app, "S");
    driver_key(&app, KEYS_CONTROL_U);
    driver_type(&app, "/nowhere/at/all.csv\r");
    driver_expect(&app, "No such file or directory");
    driver_close(&app);
}

/* The axes reach over what is selected, and no further than its surroundings. */
static void axes_fit_the_selection(void **state) {
    (void)state;
    struct app app;
    struct range wide, narrow;
    driver_open(&app, two, 120, 40);
    driver_type(&app, "===");
    driver_expect(&app,
                  "axes fit the front and what is near it"); /* nothing selected */
    driver_type(&app, "/alpha >= 85 && kind == pwemoe\r*===");
    driver_expect(&app, "axes fit the selection");
    assert_true(space_range(&app.explorer, 0, &narrow));
    assert_true(narrow.low > 75 && narrow.low < 85 && narrow.high >= 90);
    driver_type(&app, "=");
    assert_true(space_range(&app.explorer, 0, &wide));
    assert_true(wide.low < 62);
    driver_close(&app);
}

static void the_table_is_selected_whole(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, two, 120, 40);
    driver_type(&app, "/method == ties\r*");
    assert_int_equal(selection_count(&app.explorer), 11);
    assert_int_equal(count_of(&app, "selected && method == ties"), 11);
    driver_type(&app, "*");
    assert_int_equal(selection_count(&app.explorer), 0);
    driver_close(&app);
}

/* Whatever the box: what is selected are the visible solutions whose marks it covers.
 */
static void a_box_takes_what_it_covers(void **state) {
    (void)state;
    struct app app;
    struct row_place places[64];
    driver_open(&app, two, 120, 40);
    const struct rect rect = app.arrangement.rect[PANEL_SCATTER];
    struct view view = view_rect(&app.canvas, rect);
    static const int boxes[][4] = {
        {8, 3, 40, 9}, {40, 9, 8, 3}, {20, 2, 60, 25}, {30, 5, 31, 6}, {7, 1, 70, 30}};
    size_t most = 0;
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
        const int *b = boxes[i];
        brush(&app, rect.x + b[0], rect.y + b[1], rect.x + b[2], rect.y + b[3]);
        int left = b[0] < b[2] ? b[0] : b[2], right = b[0] + b[2] - left;
        int top = b[1] < b[3] ? b[1] : b[3], bottom = b[1] + b[3] - top;
        size_t count =
            places_of(&view, &app.explorer, &app.arrangement, PANEL_SCATTER, 0, places);
        for (size_t p = 0; p < count; p++) {
            double x = places[p].x, y = places[p].y;
            /* Arrows at the edge stand for what lies elsewhere. */
            if (!space_is_ours(app.explorer.catalog, places[p].row))
                continue;
            bool inside = x > left - 0.49 && x < right + 0.49 && y > top - 0.49 &&
                          y < bottom + 0.49;
            bool outside = x < left - 0.51 || x > right + 0.51 || y < top - 0.51 ||
                           y > bottom + 0.51;
            if (inside && !selection_has(&app.explorer, places[p].row))
                fail_msg("box %zu lacks a solution at %g, %g", i, x, y);
            if (outside && selection_has(&app.explorer, places[p].row))
                fail_msg("box %zu has a solution at %g, %g", i, x, y);
        }
        size_t selected = selection_count(&app.explorer);
        most = selected > most ? selected : most;
    }
    assert_true(most > 10);
    driver_close(&app);
}

static void keys_draw_a_box(void **state) {
    (void)state;
    struct app app;
    double middle[] = {0.5, 0.5};
    driver_open(&app, two, 120, 40);
    struct explorer *explorer = &app.explorer;
    driver_type(&app, "\tk"); /* the scatter */
    explorer_point(explorer,
                   catalog_find(explorer->catalog, middle, explorer->routers));
    driver_type(&app, "g");
    driver_expect(&app, "arrows draw the box");
    driver_type(&app, "\r"); /* the cell itself */
    assert_true(selection_count(explorer) >= 1);
    assert_true(selection_has(explorer, explorer->pointed));
    size_t one = selection_count(explorer);
    /* From there to all that is to the left and above, added. */
    driver_type(&app, "gHHHHHHHHHHHHKKKKKKKKKK ");
    assert_true(selection_count(explorer) > one);
    assert_true(selection_has(explorer, explorer->pointed));
    const struct catalog *catalog = explorer->catalog;
    double alpha = catalog_value(catalog, explorer->pointed, 0);
    for (size_t i = 0; i < catalog->count; i++)
        if (catalog->selected[i] && i != explorer->pointed)
            assert_true(catalog_value(catalog, i, 0) < alpha + 1.5);
    size_t before = selection_count(explorer);
    driver_type(&app, "gLL\033"); /* cancelled */
    assert_false(explorer->box.open);
    assert_int_equal(selection_count(explorer), before);
    driver_close(&app);
}

static void a_right_click_marks(void **state) {
    (void)state;
    struct app app;
    struct row_place places[64];
    driver_open(&app, two, 120, 40);
    const struct rect rect = app.arrangement.rect[PANEL_SCATTER];
    struct view view = view_rect(&app.canvas, rect);
    assert_true(places_of(&view, &app.explorer, &app.arrangement, PANEL_SCATTER, 0,
                          places) > 5);
    int x = rect.x + (int)lround(places[3].x), y = rect.y + (int)lround(places[3].y);
    brush(&app, x, y, x, y);
    assert_int_equal(selection_count(&app.explorer), 1);
    size_t row = app.explorer.pointed;
    assert_true(selection_has(&app.explorer, row));
    brush(&app, x, y, x, y);
    assert_int_equal(selection_count(&app.explorer), 0);
    driver_close(&app);
}

static void ranges_on_axes(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, three, 120, 40);
    struct explorer *explorer = &app.explorer;
    const struct catalog *catalog = explorer->catalog;
    driver_type(&app, "xx\t");
    const struct rect rect = app.arrangement.rect[PANEL_SCATTER];
    struct view view = view_rect(&app.canvas, rect);
    /* Two axes, one after the other: what is in both ranges. */
    double low[2], high[2];
    for (size_t t = 0; t < 2; t++) {
        int x = rect.x + parallel_view_column(&view, explorer, t);
        brush(&app, x, rect.y + 5, x, rect.y + 12);
        assert_true(parallel_view_value(&view, explorer, t, 4.5, &high[t]));
        assert_true(parallel_view_value(&view, explorer, t, 12.5, &low[t]));
        assert_true(selection_has_range(explorer, t));
    }
    size_t expected = 0;
    for (size_t i = 0; i < catalog->count; i++) {
        bool inside = true;
        for (size_t t = 0; t < 2; t++)
            inside = inside && catalog_value(catalog, i, t) >= low[t] &&
                     catalog_value(catalog, i, t) <= high[t];
        assert_int_equal(selection_has(explorer, i), inside);
        expected += inside;
    }
    assert_true(expected > 0);
    assert_int_equal(selection_count(explorer), expected);
    driver_expect(&app, "━┃━");
    /* A right click on an axis ends its range. */
    int x = rect.x + parallel_view_column(&view, explorer, 1);
    brush(&app, x, rect.y + 9, x, rect.y + 9);
    assert_false(selection_has_range(explorer, 1));
    assert_true(selection_count(explorer) >= expected);
    driver_type(&app, "X");
    assert_false(selection_has_range(explorer, 0));
    assert_int_equal(selection_count(explorer), 0);
    /* By keys: at least as good as the one pointed at, and no better. */
    explorer_point(explorer, 3);
    explorer->pointed_axis = 0;
    driver_type(&app, "[");
    double value = catalog_value(catalog, 3, 0);
    for (size_t i = 0; i < catalog->count; i++)
        assert_int_equal(selection_has(explorer, i),
                         catalog_value(catalog, i, 0) >= value);
    driver_type(&app, "]");
    for (size_t i = 0; i < catalog->count; i++)
        assert_int_equal(selection_has(explorer, i),
                         catalog_value(catalog, i, 0) == value);
    driver_type(&app, "[]"); /* the same again ends both */
    assert_int_equal(selection_count(explorer), 0);
    driver_close(&app);
}

/* Series that are hidden are not selected by what covers their place. */
static void what_is_hidden_is_not_taken(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, two, 120, 40);
    struct explorer *explorer = &app.explorer;
    for (size_t s = 0; s < explorer->catalog->series_count; s++)
        if (!explorer->catalog->series[s].answers)
            explorer_series_toggle(explorer, s);
    selection_box(explorer, 0, (struct range){-INFINITY, INFINITY}, 1,
                  (struct range){-INFINITY, INFINITY}, false);
    assert_int_equal(selection_count(explorer), 11);
    driver_close(&app);
}

static void outside_is_grey_in_every_view(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, three, 120, 40);
    struct explorer *explorer = &app.explorer;
    for (int space = 0; space < 3; space++) {
        explorer_show_space(explorer, (enum space)space);
        selection_clear(explorer);
        char *before = driver_frame(&app);
        driver_type(&app, "X"); /* the message is the same in both */
        free(before);
        before = driver_frame(&app);
        selection_toggle(explorer, 4);
        explorer->message[0] = '\0';
        char *after = driver_frame(&app);
        /* Marks of baselines are gone but for the legend's. */
        size_t crosses[2] = {0, 0};
        for (int i = 0; i < 2; i++)
            for (char *at = i ? after : before; (at = strstr(at, "×")); at++)
                crosses[i]++;
        assert_true(crosses[1] < crosses[0]);
        free(before);
        free(after);
    }
    driver_close(&app);
}

/* The next catalog has what was selected here until the file has it; what the file says
 * later holds. */
static void the_file_keeps_it(void **state) {
    (void)state;
    struct app app;
    struct store *store;
    size_t count;
    driver_open(&app, two, 120, 40);
    struct explorer *explorer = &app.explorer;
    selection_toggle(explorer, 2);
    selection_toggle(explorer, 5);
    driver_read_again(&app); /* not written yet */
    assert_int_equal(selection_count(explorer), 2);
    int64_t *ids = selection_ids(explorer, &count);
    assert_int_equal(count, 2);
    assert_int_equal(store_open(two, STORE_READ_WRITE, &store, &error), 0);
    assert_int_equal(store_selection_put(store, ids, count, &error), 0);
    free(ids);
    explorer->selection_kept = explorer->selection_serial;
    driver_read_again(&app);
    assert_int_equal(selection_count(explorer), 2);
    assert_int_equal(explorer->selection_ours, 0);
    /* Another process selects something else. */
    int64_t other = explorer->catalog->rows[7].solution.id;
    assert_int_equal(store_selection_put(store, &other, 1, &error), 0);
    driver_read_again(&app);
    assert_int_equal(selection_count(explorer), 1);
    assert_true(selection_has(explorer, 7));
    driver_close(&app);
    /* And it is there when the file is opened anew. */
    driver_open(&app, two, 120, 40);
    assert_int_equal(selection_count(&app.explorer), 1);
    driver_close(&app);
    assert_int_equal(store_selection_put(store, NULL, 0, &error), 0);
    store_close(store);
}

static int prepare(void **state) {
    fixture_write_in(folder(), 2, 11, two);
    fixture_write_in(folder(), 3, 7, three);
    return fixture_utf8(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(space_marks_rows),
        cmocka_unit_test(the_table_is_selected_whole),
        cmocka_unit_test(the_selection_is_written),
        cmocka_unit_test(axes_fit_the_selection),
        cmocka_unit_test(a_box_takes_what_it_covers),
        cmocka_unit_test(keys_draw_a_box),
        cmocka_unit_test(a_right_click_marks),
        cmocka_unit_test(ranges_on_axes),
        cmocka_unit_test(what_is_hidden_is_not_taken),
        cmocka_unit_test(outside_is_grey_in_every_view),
        cmocka_unit_test(the_file_keeps_it),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
