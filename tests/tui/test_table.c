/* The table of solutions: its rows, order, columns and filter, and that it and what is
 * pointed at are one. */
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
#include "results/filter.h"
#include "state/selection.h"
#include "state/solution_table.h"
#include "terminal/keys.h"

static char two[4200], three[4200], twelve[4200], losses[4200];

/* The fixture of two tasks: 11 by routers, pretrained, STL, average, and task
 * arithmetic and TIES at 11 scales each. */
enum { ALL = 11 + 3 + 22 };

static double mean(const struct catalog *catalog, size_t row) {
    double sum = 0;
    for (size_t t = 0; t < catalog->tasks; t++)
        sum += catalog_value(catalog, row, t);
    return sum;
}

static void rows_are_in_order(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, two, 120, 40);
    struct explorer *explorer = &app.explorer;
    const struct solution_table *table = &explorer->table;
    driver_type(&app, "T");
    assert_int_equal(explorer->wish.focus, PANEL_TABLE);
    assert_int_equal(table->count, ALL);
    for (int way = 0; way < 2; way++) {
        for (size_t i = 1; i < table->count; i++) {
            double before = mean(explorer->catalog, table->rows[i - 1]);
            double now = mean(explorer->catalog, table->rows[i]);
            assert_true(isnan(now) || (way ? before <= now : before >= now));
            assert_int_equal(table->place[table->rows[i]], i);
        }
        driver_type(&app, "i");
    }
    /* By each column that is shown, in turn: a row is there once. */
    for (int i = 0; i < 8; i++) {
        bool seen[ALL] = {false};
        app_key(&app, KEYS_LEFT);
        assert_int_equal(solution_table_update(explorer, table->height), 0);
        for (size_t k = 0; k < table->count; k++) {
            assert_false(seen[table->rows[k]]);
            seen[table->rows[k]] = true;
        }
    }
    assert_int_equal(table->sort, TABLE_ID);
    assert_int_equal(explorer->catalog->rows[table->rows[0]].solution.id, 1);
    driver_close(&app);
}

/* Of losses the least comes first. */
static void the_best_comes_first(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, losses, 120, 40);
    const struct catalog *catalog = app.explorer.catalog;
    double least = INFINITY, least_merge = INFINITY;
    for (size_t i = 0; i < catalog->count; i++) {
        least = fmin(least, mean(catalog, i));
        if (catalog->rows[i].solution.kind == STORE_KIND_MERGE)
            least_merge = fmin(least_merge, mean(catalog, i));
    }
    /* Nor is the best of the merges the one with the largest. */
    char best[32], *line = driver_line(&app, "mean ");
    snprintf(best, sizeof best, "%.3f", least_merge / 2);
    assert_non_null(strstr(line, best));
    free(line);
    /* Losses have more decimals than percentages, wherever they stand. */
    char here[32];
    struct figure figure;
    assert_true(explorer_figure(&app.explorer, 0, &figure) && figure.value < 1);
    app.explorer.catalog->stl[0] = 0.1;
    snprintf(here, sizeof here, " %.4f ", figure.value);
    driver_expect(&app, here);
    driver_expect(&app, "here one less of alpha costs ");
    driver_expect(&app, "beta ↓ alpha ←"); /* where it is better */
    driver_expect(&app, " more of beta");
    explorer_point(&app.explorer, app.explorer.row);
    snprintf(here, sizeof here, "alpha %.4f", figure.value);
    driver_expect(&app, here);
    driver_type(&app, "T");
    assert_true(mean(catalog, app.explorer.table.rows[0]) == least);
    driver_type(&app, "h");
    assert_int_equal(app.explorer.table.sort, TABLE_TASK + 1);
    double first = catalog_value(catalog, app.explorer.table.rows[0], 1);
    for (size_t i = 0; i < catalog->count; i++)
        assert_false(catalog_value(catalog, i, 1) < first);
    driver_close(&app);
}

static void keys_step_and_pages_end(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, two, 120, 40);
    struct explorer *explorer = &app.explorer;
    const struct solution_table *table = &explorer->table;
    double before[2] = {explorer->preference[0], explorer->preference[1]};
    driver_type(&app, "T");
    assert_true(table->height >= 6 && table->height < ALL);
    driver_type(&app, "j");
    assert_int_equal(explorer->pointed, table->rows[0]);
    for (size_t i = 1; i < ALL; i++) {
        driver_type(&app, "j");
        assert_int_equal(explorer->pointed, table->rows[i]);
        assert_true(table->top <= i && i < table->top + (size_t)table->height);
    }
    driver_type(&app, "j"); /* there is no other */
    assert_int_equal(explorer->pointed, table->rows[ALL - 1]);
    driver_key(&app, KEYS_PAGE_UP);
    assert_int_equal(table->place[explorer->pointed],
                     ALL - 1 - (size_t)(table->height - 1));
    driver_key(&app, KEYS_HOME);
    assert_int_equal(explorer->pointed, table->rows[0]);
    assert_int_equal(table->top, 0);
    driver_type(&app, "J");
    assert_int_equal(explorer->pointed, table->rows[10]);
    driver_key(&app, KEYS_END);
    assert_int_equal(explorer->pointed, table->rows[ALL - 1]);
    assert_memory_equal(explorer->preference, before, sizeof before);
    driver_close(&app);
}

/* What is pointed at elsewhere is a row in sight, and Enter goes to a row's preference.
 */
static void it_follows_and_leads(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, two, 120, 40);
    struct explorer *explorer = &app.explorer;
    const struct solution_table *table = &explorer->table;
    driver_type(&app, "T");
    for (size_t row = 0; row < ALL; row++) {
        explorer_point(explorer, row);
        driver_resize(&app, 120, 40);
        size_t at = table->place[row];
        assert_true(table->top <= at && at < table->top + (size_t)table->height);
    }
    size_t row =
        catalog_find(explorer->catalog, (double[]){0.2, 0.8}, explorer->routers);
    explorer_point(explorer, row);
    driver_type(&app, "\r");
    assert_true(fabs(explorer->preference[0] - 0.2) < 1e-9);
    /* The wheel moves what is seen, not what is pointed at, and that stays so. */
    const struct rect *rect = &app.arrangement.rect[PANEL_TABLE];
    driver_key(&app, KEYS_HOME);
    row = explorer->pointed;
    app_mouse(&app, POINTER_DOWN, rect->x + 9, rect->y + 4);
    driver_resize(&app, 120, 40);
    assert_int_equal(table->top, 3);
    assert_int_equal(explorer->pointed, row);
    driver_click(&app, rect->x + 9, rect->y + 2);
    assert_int_equal(explorer->pointed, table->rows[3]);
    driver_close(&app);
}

static void a_click_on_a_name_sorts(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, two, 120, 40);
    struct explorer *explorer = &app.explorer;
    driver_type(&app, "T");
    const struct rect *rect = &app.arrangement.rect[PANEL_TABLE];
    int x = 0;
    while (canvas_at(&app.canvas, rect->x + x, rect->y + 1)->c != L'b')
        x++; /* beta */
    driver_click(&app, rect->x + x, rect->y + 1);
    assert_int_equal(explorer->table.sort, TABLE_TASK + 1);
    assert_true(explorer->table.descending);
    driver_click(&app, rect->x + x, rect->y + 1);
    assert_false(explorer->table.descending);
    driver_close(&app);
}

static void a_filter_leaves_what_it_is_true_of(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, two, 120, 40);
    struct explorer *explorer = &app.explorer;
    driver_type(&app, "/alpha >= 80 && front\r");
    assert_int_equal(explorer->dialog.kind, DIALOG_NONE);
    driver_expect(&app, "of 36, alpha >= 80 && front");
    size_t expected = 0;
    for (size_t i = 0; i < explorer->catalog->count; i++)
        expected += explorer->catalog->solutions[i].front &&
                    catalog_value(explorer->catalog, i, 0) >= 80;
    assert_true(expected > 1 && expected < ALL);
    assert_int_equal(explorer->table.count, expected);
    /* It stays with the next catalog; an empty line ends it. */
    driver_read_again(&app);
    assert_int_equal(explorer->table.count, expected);
    driver_type(&app, "/");
    assert_string_equal(explorer->dialog.text, "alpha >= 80 && front");
    driver_key(&app, KEYS_CONTROL_U);
    driver_type(&app, "\r");
    assert_int_equal(explorer->table.count, ALL);
    driver_type(&app, "/alpha > 1000\r");
    driver_expect(&app, "no solution is left; / changes the filter");
    driver_type(&app, "jk");
    assert_true(explorer->pointed == SIZE_MAX);
    driver_close(&app);
}

/* A mark does not look at the other rows again: it cannot bring them in, or out. */
static void a_mark_filters_one_row(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, two, 120, 40);
    struct explorer *explorer = &app.explorer;
    struct solution_table *table = &explorer->table;
    size_t good = SIZE_MAX, bad = SIZE_MAX;
    for (size_t i = 0; i < ALL; i++)
        *(catalog_value(explorer->catalog, i, 0) >= 80 ? &good : &bad) = i;
    assert_true(good < ALL && bad < ALL);
    driver_type(&app, "/alpha >= 80\r");
    size_t before = table->count;
    selection_toggle(explorer, bad);
    assert_true(table->made);
    selection_toggle(explorer, bad);
    driver_type(&app, "/\x15"
                      "alpha >= 80 || selected\r");
    assert_int_equal(table->count, before);
    selection_toggle(explorer, good);
    assert_true(table->made);
    selection_toggle(explorer, bad);
    assert_false(table->made);
    driver_resize(&app, 120, 40);
    assert_int_equal(table->count, before + 1);
    selection_toggle(explorer, bad);
    driver_resize(&app, 120, 40);
    assert_int_equal(table->count, before);
    /* Many at once are all looked at. */
    selection_set(explorer, (size_t[]){bad}, 1, false);
    driver_resize(&app, 120, 40);
    assert_int_equal(table->count, before + 1);
    driver_close(&app);
}

/* The cell at which text begins for the first time. */
static void locate(struct app *app, const char *text, int *x, int *y) {
    const struct canvas *canvas = &app->canvas;
    int length = (int)strlen(text);
    for (*y = 0; *y < canvas->height; ++*y)
        for (*x = 0; *x + length <= canvas->width; ++*x) {
            int same = 0;
            while (same < length &&
                   canvas_at(canvas, *x + same, *y)->c == (wchar_t)text[same])
                same++;
            if (same == length)
                return;
        }
    fail_msg("\"%s\" is nowhere", text);
}

static void an_error_stands_under_its_place(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, two, 80, 24);
    driver_type(&app, "/alpha >= 80 && gama < 3\r");
    driver_expect(&app, "unknown name 'gama'");
    int x, y, caret_x, caret_y;
    locate(&app, "gama < 3", &x, &y);
    locate(&app, "^ ", &caret_x, &caret_y);
    assert_int_equal(caret_x, x);
    assert_int_equal(caret_y, y + 1);
    assert_int_equal(app.explorer.dialog.cursor, strlen("alpha >= 80 && "));
    /* Typing takes the error away. */
    driver_type(&app, "x");
    driver_expect_none(&app, "unknown name");
    driver_close(&app);
}

static void tab_completes_names(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, two, 100, 30);
    struct dialog *dialog = &app.explorer.dialog;
    driver_type(&app, "/al\t");
    assert_string_equal(dialog->text, "alpha");
    driver_expect(&app, "alpha  alpha.low");
    driver_type(&app, ".ex\t");
    assert_string_equal(dialog->text, "alpha.examples ");
    driver_key(&app, KEYS_CONTROL_U);
    driver_type(&app, "fr\t");
    assert_string_equal(dialog->text, "front ");
    driver_key(&app, KEYS_CONTROL_U);
    driver_type(&app, "method == ");
    driver_expect(&app, "ties");
    driver_type(&app, "ti\t");
    assert_string_equal(dialog->text, "method == ties ");
    driver_type(&app, "|| kn\t");
    assert_string_equal(dialog->text, "method == ties || knee ");
    driver_type(&app, "\r");
    driver_expect(&app, "Solutions: ");
    assert_int_equal(dialog->kind, DIALOG_NONE);
    driver_close(&app);
}

static void columns_are_chosen(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, two, 120, 40);
    driver_type(&app, "T");
    driver_expect(&app, "standing");
    char *line = driver_line(&app, "  id solution");
    assert_null(strstr(line, "seconds"));
    free(line);
    driver_type(&app, "Cj ");     /* no solution's name */
    driver_type(&app, "jjjjjj "); /* but the seconds */
    driver_expect(&app, "[x] seconds");
    driver_type(&app, "\r");
    line = driver_line(&app, "  id ");
    assert_null(strstr(line, "solution"));
    assert_non_null(strstr(line, "seconds"));
    free(line);
    driver_close(&app);
}

/* Twelve objectives: the column that is sorted by is always seen. */
static void many_columns_scroll(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, twelve, 80, 24);
    driver_type(&app, "T");
    driver_expect(&app, "more columns");
    for (size_t t = 12; t-- > 0;) {
        app_key(&app, KEYS_LEFT);
        driver_expect(&app, "Solutions: ");
        assert_int_equal(app.explorer.table.sort, TABLE_TASK + t);
        char *frame = driver_frame(&app), name[40];
        char *header = strstr(frame, "solution  ");
        assert_non_null(header);
        snprintf(name, sizeof name, "%s▼", explorer_task_name(&app.explorer, t));
        char *found = strstr(header, name);
        assert_true(found && found < strchr(header, '\n'));
        free(frame);
    }
    driver_close(&app);
}

static void it_fits_every_size(void **state) {
    (void)state;
    static const int sizes[][2] = {{80, 24}, {120, 40}, {40, 12}, {20, 5},
                                   {64, 18}, {118, 30}, {200, 60}};
    struct app app;
    driver_open(&app, three, 80, 24);
    driver_type(&app, "T");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        driver_resize(&app, sizes[i][0], sizes[i][1]);
        assert_true(app.arrangement.shown[PANEL_TABLE]);
        driver_type(&app, "jj");
        assert_true(app.explorer.pointed != SIZE_MAX);
    }
    /* On a small screen, and without its focus, it is away. */
    driver_resize(&app, 40, 12);
    driver_type(&app, "T");
    assert_false(app.arrangement.shown[PANEL_TABLE]);
    driver_resize(&app, 120, 40);
    assert_false(app.arrangement.shown[PANEL_TABLE]);
    assert_int_equal(app.explorer.wish.focus, PANEL_SIMPLEX);
    driver_close(&app);
}

/* The last line names the keys of what has the focus. */
static void the_status_line_follows_the_focus(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, three, 160, 40);
    driver_expect(&app, "arrows move  e export");
    driver_type(&app, "T");
    driver_expect(&app, "i turn round  T hide");
    driver_expect_none(&app, "arrows move");
    driver_type(&app, "\033");
    driver_expect(&app, "arrows move");
    driver_type(&app, "\t");
    driver_expect(&app, "arrows point  Enter go there");
    driver_close(&app);
}

static int prepare(void **state) {
    struct fixture_options options = {
        .tasks = 2, .edge = 6, .losses = true, .baselines = true};
    (void)state;
    fixture_write_in(folder(), 2, 11, two);
    fixture_write_in(folder(), 3, 7, three);
    fixture_write_in(folder(), 12, 2, twelve);
    snprintf(losses, sizeof losses, "%s/losses.db", folder());
    fixture_write(losses, &options);
    return fixture_utf8(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_in_order),
        cmocka_unit_test(the_best_comes_first),
        cmocka_unit_test(keys_step_and_pages_end),
        cmocka_unit_test(it_follows_and_leads),
        cmocka_unit_test(a_click_on_a_name_sorts),
        cmocka_unit_test(a_filter_leaves_what_it_is_true_of),
        cmocka_unit_test(a_mark_filters_one_row),
        cmocka_unit_test(an_error_stands_under_its_place),
        cmocka_unit_test(tab_completes_names),
        cmocka_unit_test(columns_are_chosen),
        cmocka_unit_test(many_columns_scroll),
        cmocka_unit_test(it_fits_every_size),
        cmocka_unit_test(the_status_line_follows_the_focus),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
