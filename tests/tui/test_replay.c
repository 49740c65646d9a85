/* Scripts of keys: read whole or refused with their line, done key by key, and written
 * down as they are pressed. */
#define _GNU_SOURCE
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
#include "app/replay.h"
#include "driver.h"
#include "state/selection.h"
#include "terminal/key_names.h"

static char two[4200], path[4200];
static struct error error;

static void write_script(const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void refuses(const char *text, const char *why) {
    struct replay *replay;
    write_script(text);
    if (!replay_open(path, &replay, &error))
        fail_msg("taken: %s", text);
    if (!strstr(error.text, why))
        fail_msg("\"%s\" does not say \"%s\"", error.text, why);
}

static void an_error_names_the_line(void **state) {
    (void)state;
    refuses("type x\n\n# remark\nkye Enter\n", "line 4: begin with type, key");
    refuses("key Entr\n", "line 1: no key has this name");
    refuses("key ab", "line 1: no key has this name");
    refuses("click 3\n", "line 1: click takes a column and a row");
    refuses("drag 1 2 3\n", "line 1: this takes a column and a row, twice");
    refuses("click 3 -1\n", "line 1: a place is from 0 to 1000");
    refuses("wait\n", "line 1: wait for which text?");
    struct replay *replay;
    assert_int_equal(replay_open("/nowhere/script", &replay, &error), -1);
}

/* Steps until it is done, or waits. */
static enum replay_state play(struct app *app, const char *text) {
    struct replay *replay;
    enum replay_state state;
    write_script(text);
    if (replay_open(path, &replay, &error))
        fail_msg("%s", error.text);
    do {
        driver_resize(app, app->canvas.width, app->canvas.height);
        state = replay_step(replay, app);
    } while (state == REPLAY_DID);
    if (state == REPLAY_WAITS)
        assert_int_equal(replay_late(replay, &error), -1);
    replay_close(replay);
    return state;
}

static void a_script_is_done(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, two, 120, 40);
    struct explorer *explorer = &app.explorer;
    assert_int_equal(play(&app, "# to a row of the table\n"
                                "type T/method == ties\r\n"
                                "key Enter\n"
                                "wait of 36, method == ties\n"
                                "key End\n"
                                "key Space\n"),
                     REPLAY_DONE);
    assert_int_equal(selection_count(explorer), 1);
    assert_int_equal(play(&app, "type Tv\npaste 0.2,0.8\nkey Enter\n"), REPLAY_DONE);
    assert_true(fabs(explorer->preference[1] - 0.8) < 1e-12);
    assert_int_equal(play(&app, "wait no such text\n"), REPLAY_WAITS);
    assert_non_null(strstr(error.text, "line 1: \"no such text\" did not appear"));
    const struct rect rect = app.arrangement.rect[PANEL_SCATTER];
    char text[200];
    snprintf(text, sizeof text, "brush %d %d %d %d\n", rect.x + 8, rect.y + 2,
             rect.x + 60, rect.y + 20);
    play(&app, text);
    assert_true(selection_count(explorer) > 5);
    driver_close(&app);
}

/* What was pressed, written down, comes to the same when it is replayed. */
static void what_is_recorded_replays(void **state) {
    (void)state;
    static const int keys[] = {
        'T', KEYS_END, KEYS_UP, ' ',        KEYS_ESCAPE,     'v',
        '0', ',',      '1',     KEYS_ENTER, KEYS_SHIFT_LEFT, 0x2265};
    struct app one, other;
    char *script = NULL;
    size_t size;
    driver_open(&one, two, 120, 40);
    FILE *file = open_memstream(&script, &size);
    assert_non_null(file);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        replay_note(file, keys[i], false);
        driver_key(&one, keys[i]);
    }
    assert_int_equal(fclose(file), 0);
    driver_open(&other, two, 120, 40);
    assert_int_equal(play(&other, script), REPLAY_DONE);
    char *a = driver_frame(&one), *b = driver_frame(&other);
    assert_string_equal(a, b);
    assert_memory_equal(one.explorer.preference, other.explorer.preference,
                        sizeof one.explorer.preference);
    free(a);
    free(b);
    free(script);
    driver_close(&one);
    driver_close(&other);
}

/* A line of a dialog to which words on three lines were pasted. */
static void what_is_pasted_is_recorded(void **state) {
    (void)state;
    static const int pasted[] = {'m',        'e',      't', KEYS_ESCAPE, 'h', 'o', 'd',
                                 ' ',        '=',      '=', KEYS_ENTER,  't', 'i', 'e',
                                 KEYS_ENTER, KEYS_TAB, 's', 1,           ' '};
    struct app one, other;
    char *script = NULL;
    size_t size;
    driver_open(&one, two, 120, 40);
    driver_key(&one, 'T');
    driver_key(&one, '/');
    FILE *file = open_memstream(&script, &size);
    assert_non_null(file);
    for (size_t i = 0; i < sizeof pasted / sizeof *pasted; i++) {
        replay_note(file, pasted[i], true);
        app_paste(&one, pasted[i]);
    }
    assert_int_equal(fclose(file), 0);
    assert_string_equal(one.explorer.dialog.text, "method == tie s ");
    driver_open(&other, two, 120, 40);
    driver_key(&other, 'T');
    driver_key(&other, '/');
    assert_int_equal(play(&other, script), REPLAY_DONE);
    assert_string_equal(other.explorer.dialog.text, "method == tie s ");
    free(script);
    driver_close(&one);
    driver_close(&other);
}

static void every_name_is_a_key(void **state) {
    (void)state;
    char name[16];
    for (int key = KEYS_F1; key <= KEYS_SHIFT_F12; key++)
        assert_int_equal(key_named(key_name(key, name, sizeof name)), key);
    assert_int_equal(key_named("F13"), KEYS_NONE);
    assert_int_equal(key_named("F"), 'F');
    for (int key = KEYS_UP; key <= KEYS_DELETE; key++)
        assert_int_equal(key_named(key_name(key, name, sizeof name)), key);
    static const int characters[] = {' ',    'a',     '~',           0xe9,
                                     0x2265, 0x1f600, KEYS_CONTROL_L};
    for (size_t i = 0; i < sizeof characters / sizeof *characters; i++)
        assert_int_equal(key_named(key_name(characters[i], name, sizeof name)),
                         characters[i]);
    for (int key = 1; key < ' '; key++)
        if (!strchr("\b\t\n\r\x1b", key))
            assert_int_equal(key_named(key_name(key, name, sizeof name)), key);
    assert_string_equal(key_name(1, name, sizeof name), "Ctrl-A");
    assert_int_equal(key_named("ctrl-i"), KEYS_TAB);
    assert_int_equal(key_named("Ctrl-"), KEYS_NONE);
    assert_int_equal(key_named("Ctrl-~"), KEYS_NONE);
    assert_int_equal(key_named("Ctrl-@"), KEYS_NONE);
    assert_int_equal(key_named(""), KEYS_NONE);
    assert_int_equal(key_named("\xff"), KEYS_NONE);
    assert_int_equal(key_named("\xe2\x89"), KEYS_NONE);
}

static int prepare(void **state) {
    fixture_write_in(folder(), 2, 11, two);
    snprintf(path, sizeof path, "%s/script", folder());
    return fixture_utf8(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_names_the_line),
        cmocka_unit_test(a_script_is_done),
        cmocka_unit_test(what_is_pasted_is_recorded),
        cmocka_unit_test(what_is_recorded_replays),
        cmocka_unit_test(every_name_is_a_key),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
