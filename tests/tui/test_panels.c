/* Panels drawn to a canvas, without a terminal: at every size, with hostile names,
 * in ASCII. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../results/fixture.h"
#include "app/actions.h"
#include "base/memory.h"
#include "driver.h"
#include "panels/graph.h"
#include "panels/views.h"
#include "state/space.h"
#include "terminal/keys.h"

static void open_named(struct explorer *explorer, size_t tasks, size_t edge,
                       const char *const *names) {
    static int serial;
    char path[4096];
    struct fixture_options options = {
        .tasks = tasks, .edge = edge, .names = names, .baselines = true, .log = true};
    struct store *store;
    struct catalog *catalog;
    struct error error;
    snprintf(path, sizeof path, "%s/panels%d.db", folder(), serial++);
    fixture_write(path, &options);
    assert_int_equal(store_open(path, STORE_READ_ONLY, &store, &error), 0);
    assert_int_equal(catalog_read(store, &catalog, &error), 0);
    store_close(store);
    explorer_init(explorer, path);
    assert_int_equal(explorer_take_catalog(explorer, catalog), 0);
    explorer->file = "panels.db";
}

/* The frame as text; freed by the caller. */
static char *frame(struct explorer *explorer, int width, int height, bool utf8) {
    struct canvas canvas = {.marks = palette_marks(utf8)};
    struct arrangement arrangement;
    char *text = NULL;
    size_t size;
    assert_int_equal(canvas_resize(&canvas, width, height), 0);
    frame_draw(&canvas, explorer, &arrangement);
    FILE *file = open_memstream(&text, &size);
    canvas_print(&canvas, file);
    fclose(file);
    canvas_free(&canvas);
    return text;
}

static void assert_shows(const char *text, const char *wanted) {
    if (!strstr(text, wanted))
        fail_msg("\"%s\" is not in the frame:\n%s", wanted, text);
}

static size_t occurrences(const char *text, const char *what) {
    size_t count = 0;
    for (; (text = strstr(text, what)); text += strlen(what))
        count++;
    return count;
}

static void shows_what_is_stored(void **state) {
    (void)state;
    struct explorer explorer;
    char figure[32];
    open_named(&explorer, 3, 7, NULL);
    char *text = frame(&explorer, 160, 48, true);
    snprintf(figure, sizeof figure, "%.2f", fixture_value(explorer.preference, 0));
    assert_shows(text, figure);
    assert_shows(text, "complete");
    assert_shows(text, "95.00"); /* STL of alpha */
    assert_shows(text, "20.00"); /* the pretrained model's */
    assert_shows(text, "TIES");
    assert_shows(text, "task arithmetic 0.3"); /* the best merge */
    assert_shows(text, "merge: ls mlp, 200 steps");
    assert_shows(text, "knee of the front");
    free(text);
    /* Off the stored points: estimates, marked so, and no figure passes for one. */
    double between[] = {0.3, 0.3, 0.4};
    explorer_go(&explorer, between, false);
    text = frame(&explorer, 160, 48, true);
    assert_shows(text, "est");
    assert_null(strstr(text, "complete"));
    assert_shows(text, "here, estimated");
    free(text);
    explorer_free(&explorer);
}

static void running_figures_carry_their_interval(void **state) {
    (void)state;
    struct explorer explorer;
    double between[] = {0.3, 0.3, 0.4};
    open_named(&explorer, 3, 7, NULL);
    explorer_go(&explorer, between, false);
    explorer.figures = FIGURES_RUNNING;
    for (size_t t = 0; t < 3; t++) {
        explorer.running[t] = (struct running){
            .examples = 128, .correct = 96, .value = 75, .low = 66.8, .high = 81.7};
        explorer.examples[t] = 1000;
    }
    char *text = frame(&explorer, 120, 40, true);
    assert_shows(text, "66.8–81.7");
    assert_shows(text, "128/1000");
    assert_shows(text, "evaluating 13 %");
    assert_shows(text, "here, so far");
    assert_null(strstr(text, "complete"));
    free(text);
    explorer_free(&explorer);
}

/* A message takes nothing of what is going on, nor loses its end. */
static void a_message_leaves_what_is_going_on(void **state) {
    (void)state;
    struct explorer explorer;
    double between[] = {0.3, 0.3, 0.4};
    open_named(&explorer, 3, 7, NULL);
    explorer_go(&explorer, between, false);
    explorer.figures = FIGURES_NONE;
    explorer.ready = true;
    char *text = frame(&explorer, 80, 24, true);
    assert_shows(text, "merging");
    free(text);
    snprintf(explorer.doing, sizeof explorer.doing, "choosing the ridge");
    explorer.done = 1, explorer.total = 4;
    for (int words = 1; words <= 40; words += 3) {
        char said[600] = "";
        for (int i = 0; i < words; i++)
            strcat(said, "word ");
        strcat(said, "end");
        explorer_say(&explorer, false, "%s", said);
        for (int width = 80; width <= 200; width += 24) {
            text = frame(&explorer, width, 24, true);
            assert_int_equal(occurrences(text, "word"), words);
            assert_shows(text, "end");
            assert_shows(text, "choosing the ridge 25 %");
            free(text);
        }
    }
    explorer_free(&explorer);
}

static void a_hidden_series_is_not_drawn(void **state) {
    (void)state;
    struct explorer explorer;
    open_named(&explorer, 2, 11, NULL);
    explorer.wish.focus = PANEL_SCATTER;
    explorer.wish.zoom = true;
    char *text = frame(&explorer, 100, 40, true);
    assert_int_equal(occurrences(text, "▲"), 1); /* STL's point */
    size_t crosses = occurrences(text, "×");
    assert_true(crosses >= 2);
    free(text);
    for (size_t s = 0; s < explorer.catalog->series_count; s++)
        if (strstr(explorer.catalog->series[s].key, "task-arithmetic"))
            explorer_series_toggle(&explorer, s);
    text = frame(&explorer, 100, 40, true);
    assert_int_equal(occurrences(text, "×"), 0);
    assert_int_equal(occurrences(text, "▲"), 1);
    free(text);
    explorer_free(&explorer);
}

static void every_size_draws(void **state) {
    (void)state;
    static const size_t tasks[] = {1, 2, 3, 5, 9};
    static const size_t edges[] = {2, 11, 5, 3, 2};
    for (size_t i = 0; i < 5; i++) {
        struct explorer explorer;
        open_named(&explorer, tasks[i], edges[i], NULL);
        for (int width = 1; width <= 210; width += width < 24 ? 1 : 13)
            for (int height = 1; height <= 60; height += height < 12 ? 1 : 7)
                for (int kind = 0; kind < 3; kind++) {
                    explorer.wish.instead = kind == 1 ? PANEL_TRAINING : PANEL_TITLE;
                    explorer.wish.zoom = kind == 2;
                    explorer.wish.polygon = (width + height) % 3 == 0;
                    explorer_show_space(&explorer, (enum space)((width + kind) % 3));
                    explorer.wish.focus =
                        (enum panel)(PANEL_SIMPLEX + (width + height) % 10);
                    free(frame(&explorer, width, height, width % 2));
                }
        explorer_free(&explorer);
    }
}

/* As the key ? opens it. */
static const struct question *help_page(void) {
    struct app app = {.dragged = PANEL_COUNT};
    int nth;
    action_of_key('?', &nth)->run(&app);
    return app.explorer.dialog.question;
}

static void ascii_is_ascii(void **state) {
    (void)state;
    static const char *const names[] = {"caf\xc3\xa9", "\xe6\xbc\xa2\xe5\xad\x97",
                                        "plain"};
    struct explorer explorer;
    open_named(&explorer, 3, 7, names);
    for (int page = 0; page < 4; page++) {
        explorer_show_space(&explorer, (enum space)(page % 3));
        if (page == 3)
            dialog_open(&explorer.dialog, help_page());
        char *text = frame(&explorer, 150, 45, false);
        for (const char *p = text; *p; p++)
            if ((unsigned char)*p >= 0x80)
                fail_msg("a byte %02x in:\n%s", (unsigned char)*p, text);
        free(text);
    }
    explorer_free(&explorer);
}

/* An arrow at the edge is not taken for a series' mark. */
static void arrows_are_no_marks(void **state) {
    (void)state;
    for (int mark = 0; mark < MARK_COUNT; mark++)
        for (int side = GRAPH_LEFT; side <= GRAPH_DOWN; side++) {
            assert_int_not_equal(look_unicode[mark],
                                 graph_arrow(true, (enum graph_side)side));
            assert_int_not_equal(look_ascii[mark],
                                 graph_arrow(false, (enum graph_side)side));
        }
}

static void names_cannot_steer_the_terminal(void **state) {
    (void)state;
    static const char *const names[] = {"\033[2Jgone", "a\nb\tc",
                                        "\xe2\x80\xae"
                                        "rtl"};
    struct explorer explorer;
    open_named(&explorer, 3, 7, names);
    char *text = frame(&explorer, 150, 45, true);
    assert_null(strchr(text, '\033'));
    assert_null(strchr(text, '\t'));
    assert_null(strstr(text, "\xe2\x80\xae")); /* right-to-left override */
    assert_shows(text, "\\x1B[2Jgone");
    /* As many lines as rows: a newline in a name adds none. */
    assert_int_equal(occurrences(text, "\n"), 45);
    free(text);
    explorer_free(&explorer);
}

static void text_is_cut_by_columns(void **state) {
    (void)state;
    struct canvas canvas = {.marks = palette_marks(true)};
    assert_int_equal(canvas_resize(&canvas, 12, 2), 0);
    struct view view = view_whole(&canvas);
    /* Six characters of two columns each into seven columns. */
    assert_int_equal(view_text(&view, 0, 0, 8, INK_TEXT, 0, "漢字漢字漢字"), 7);
    assert_true(canvas_at(&canvas, 0, 0)->width == 2 &&
                canvas_at(&canvas, 1, 0)->width == 0);
    assert_int_equal(canvas_at(&canvas, 6, 0)->c, L'…');
    assert_int_equal(view_text(&view, 0, 1, 12, INK_TEXT, 0, "e\xcc\x81x"), 2);
    /* Writing over half of a wide character leaves no other half. */
    view_put(&view, 1, 0, L'x', INK_TEXT, 0);
    assert_int_equal(canvas_at(&canvas, 0, 0)->c, L' ');
    /* Nothing is written outside of a view. */
    struct view inner = view_inside(&view, 4, 1, 3, 5);
    assert_int_equal(inner.height, 1);
    assert_int_equal(view_text(&inner, 1, 0, 99, INK_TEXT, 0, "abcdef"), 2);
    assert_int_equal(canvas_at(&canvas, 7, 1)->c, L' ');
    view_put(&inner, -1, 0, L'x', INK_TEXT, 0);
    view_put(&inner, 0, 1, L'x', INK_TEXT, 0);
    assert_int_equal(canvas_at(&canvas, 3, 1)->c, L' ');
    canvas_free(&canvas);
}

/* Every page of the help, in the smallest of the usual terminals. */
static void no_help_is_cut(void **state) {
    (void)state;
    struct app app;
    char path[4096], *before = NULL;
    bool marks = false; /* are explained */
    fixture_write_in(folder(), 3, 3, path);
    driver_open(&app, path, 80, 24);
    driver_type(&app, "?");
    for (int page = 0; page < 20; page++) {
        char *text = driver_frame(&app);
        const char *cut = strstr(text, "…│");
        if (cut)
            fail_msg("a line of the help is cut:\n%s", text);
        assert_non_null(strstr(text, "Help"));
        marks = marks || strstr(text, "│  × task arithmetic");
        bool last = before && !strcmp(before, text);
        free(before);
        before = text;
        if (last)
            break;
        driver_key(&app, KEYS_PAGE_DOWN);
    }
    assert_non_null(strstr(before, "McNemar"));
    /* A page that is shorter than the screen has one frame from the start. */
    driver_type(&app, "\033");
    driver_resize(&app, 100, 60);
    driver_type(&app, "c\r");
    driver_key(&app, KEYS_DOWN);
    driver_type(&app, "\r");
    char *page = driver_frame(&app), *box = strstr(page, "Side by side");
    assert_non_null(box);
    assert_null(strstr(box + 1, "Side by side"));
    free(page);
    assert_true(marks);
    free(before);
    driver_close(&app);
}

/* A figure may be anything that a file can hold: it is written short, and differences
 * keep their sign. */
static void huge_figures_are_short(void **state) {
    (void)state;
    struct explorer explorer;
    char text[TEXT_FIXED];
    open_named(&explorer, 3, 4, NULL);
    struct catalog *catalog = explorer.catalog;
    for (size_t i = 0; i < catalog->count; i++)
        for (size_t t = 0; t < 3; t++) {
            struct store_evaluation *e = &catalog->rows[i].evaluations[t];
            e->value = e->low = catalog->values[i * 3 + t] = i % 2 ? 1e300 : -1e300;
            e->high = 2e300;
        }
    explorer_point(&explorer, 1);
    for (int space = SPACE_PAIRS; space <= SPACE_PARALLEL; space++) {
        explorer_show_space(&explorer, (enum space)space);
        explorer.wish.table = space == SPACE_PAIRS;
        for (int width = 80; width <= 200; width += 40) {
            char *drawn = frame(&explorer, width, width / 3, true);
            assert_null(strstr(drawn, "00000000000000"));
            free(drawn);
        }
    }
    explorer_free(&explorer);
    assert_string_equal(text_signed(text, 1.5, 2), "+1.50");
    assert_string_equal(text_signed(text, -1.5, 2), "-1.50");
    assert_string_equal(text_signed(text, 1e300, 2), "+1e+300");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_what_is_stored),
        cmocka_unit_test(running_figures_carry_their_interval),
        cmocka_unit_test(a_message_leaves_what_is_going_on),
        cmocka_unit_test(a_hidden_series_is_not_drawn),
        cmocka_unit_test(every_size_draws),
        cmocka_unit_test(ascii_is_ascii),
        cmocka_unit_test(arrows_are_no_marks),
        cmocka_unit_test(names_cannot_steer_the_terminal),
        cmocka_unit_test(text_is_cut_by_columns),
        cmocka_unit_test(no_help_is_cut),
        cmocka_unit_test(huge_figures_are_short),
    };
    return cmocka_run_group_tests(tests, fixture_utf8, NULL);
}
