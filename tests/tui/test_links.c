/* Names of files as links: where they stand, what the terminal is told, and which
 * terminals are told anything. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../results/fixture.h"
#include "driver.h"
#include "terminal/links.h"

static char two[4096];

/* The text that the cells of a link have. */
static char *text_of(const struct canvas *canvas, size_t link, char *out) {
    const struct canvas_link *l = &canvas->links[link];
    for (int i = 0; i < l->columns; i++)
        out[i] = (char)canvas_at(canvas, l->x + i, l->y)->c;
    out[l->columns] = '\0';
    return out;
}

static void files_that_are_named_are_links(void **state) {
    (void)state;
    struct app app;
    char text[600], path[4200];
    driver_open(&app, two, 160, 40);
    const struct canvas *canvas = &app.canvas;
    assert_int_equal(canvas->link_count, 1);
    assert_string_equal(canvas->links[0].path, two);
    assert_string_equal(text_of(canvas, 0, text), strrchr(two, '/') + 1);
    snprintf(path, sizeof path, "%s/chosen.csv", folder());
    driver_type(&app, "T/alpha >= 80\r*S\x15");
    driver_type(&app, path);
    driver_type(&app, "\r");
    driver_expect(&app, "are written to");
    assert_int_equal(canvas->link_count, 2);
    assert_string_equal(canvas->links[1].path, path);
    assert_string_equal(text_of(canvas, 1, text), path);
    /* With the message the link goes. */
    driver_type(&app, "\033");
    assert_int_equal(canvas->link_count, 1);
    driver_close(&app);
}

/* While neither it nor its row changes a link is not written again. */
static void a_link_is_written_once(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, two, 160, 40);
    const struct canvas *canvas = &app.canvas;
    uint64_t mark = links_mark(canvas, 0);
    driver_type(&app, "l"); /* another preference, the same title */
    assert_true(links_mark(canvas, 0) == mark);
    int y = canvas->links[0].y;
    struct view whole = view_whole(&app.canvas);
    view_put(&whole, 100, y + 1, L'#', INK_TEXT, LOOK_PLAIN);
    assert_true(links_mark(canvas, 0) == mark);
    view_put(&whole, 100, y, L'#', INK_TEXT, LOOK_PLAIN);
    assert_true(links_mark(canvas, 0) != mark);
    driver_type(&app, "h");
    assert_true(links_mark(canvas, 0) == mark);
    app.canvas.links[0].path[1] ^= 1;
    assert_true(links_mark(canvas, 0) != mark);
    driver_close(&app);
}

static void what_the_terminal_is_told(void **state) {
    (void)state;
    char host[256] = "", here[4096], wanted[8192], told[8192];
    struct canvas canvas = {.marks = palette_marks(true)};
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(canvas_resize(&canvas, 30, 2), 0);
    struct view view = view_whole(&canvas);
    view_text(&view, 3, 1, 20, INK_TEXT, LOOK_BOLD, "a b%\u00e9.csv");
    canvas_link(&canvas, 1, "a b%\u00e9.csv", "/x/a b%\u00e9.csv");
    assert_int_equal(canvas.link_count, 1);
    snprintf(wanted, sizeof wanted,
             "\0337\033[2;4H\033[0;1m\033]8;;file://%s/x/a%%20b%%25%%C3%%A9.csv\033\\"
             "a b%%\u00e9.csv\033]8;;\033\\\0338",
             host);
    assert_string_equal(links_text(&canvas, 0, told, sizeof told), wanted);
    /* One that does not fit is left out, not cut. */
    assert_string_equal(links_text(&canvas, 0, told, 40), "");

    canvas_clear(&canvas);
    assert_int_equal(canvas.link_count, 0);
    view_text(&view, 0, 0, 20, INK_TEXT, LOOK_PLAIN, "b.db");
    canvas_link(&canvas, 0, "b.db", "b.db");
    canvas_link(&canvas, 0, "c.db", "c.db");
    canvas_link(&canvas, 7, "b.db", "b.db");
    assert_int_equal(canvas.link_count, 1);
    snprintf(wanted, sizeof wanted,
             "\0337\033[1;1H\033[0m\033]8;;file://%s%s/b.db\033\\b.db\033]8;;\033\\"
             "\0338",
             host, here);
    assert_string_equal(links_text(&canvas, 0, told, sizeof told), wanted);
    canvas_free(&canvas);
}

static void terminals_that_have_links(void **state) {
    (void)state;
    static const struct {
        const char *term, *name, *value;
        bool there;
    } cases[] = {{"xterm-256color", "NONE_SUCH", "1", false},
                 {"xterm-256color", "VTE_VERSION", "7200", true},
                 {"xterm-256color", "VTE_VERSION", "4400", false},
                 {"tmux-256color", "VTE_VERSION", "7200", false},
                 {"screen", "KITTY_WINDOW_ID", "1", false},
                 {"xterm-kitty", "NONE_SUCH", "1", true},
                 {"foot", "NONE_SUCH", "1", true},
                 {"xterm-256color", "TERM_PROGRAM", "vscode", true},
                 {"xterm-256color", "TERM_PROGRAM", "Apple_Terminal", false},
                 {"xterm-256color", "WT_SESSION", "1", true},
                 {"linux", "NONE_SUCH", "1", false}};
    static const char *const names[] = {
        "KITTY_WINDOW_ID", "WT_SESSION",  "KONSOLE_VERSION",      "WEZTERM_PANE",
        "TERM_PROGRAM",    "VTE_VERSION", "GHOSTTY_RESOURCES_DIR"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            unsetenv(names[k]);
        setenv("TERM", cases[i].term, 1);
        setenv(cases[i].name, cases[i].value, 1);
        if (links_possible() != cases[i].there)
            fail_msg("%s with %s=%s", cases[i].term, cases[i].name, cases[i].value);
    }
}

static int prepare(void **state) {
    fixture_write_in(folder(), 2, 11, two);
    return fixture_utf8(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_are_named_are_links),
        cmocka_unit_test(a_link_is_written_once),
        cmocka_unit_test(what_the_terminal_is_told),
        cmocka_unit_test(terminals_that_have_links),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
