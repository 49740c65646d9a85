/* Settings: each as it is written, mistakes with line and word, and keys that do what
 * others do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../results/fixture.h"
#include "../support/patience.h"
#include "app/settings.h"
#include "driver.h"
#include "terminal/keys.h"

static char path[4200], two[4200];
static struct error error;

static void write_settings(const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void each_setting(void **state) {
    (void)state;
    struct settings settings;
    write_settings("# mine\n\n  mouse = off\r\ntheme=light\nkey g = Enter\n"
                   "key = = +\nkey Shift-Tab = ?\n");
    if (settings_read(path, &settings, &error))
        fail_msg("%s", error.text);
    assert_true(settings.no_mouse);
    assert_false(settings.no_colour);
    assert_int_equal(settings.theme, THEME_LIGHT);
    assert_int_equal(settings.keys.count, 3);
    assert_int_equal(settings.keys.from[0], 'g');
    assert_int_equal(settings.keys.to[0], KEYS_ENTER);
    assert_int_equal(settings.keys.from[1], '=');
    assert_int_equal(settings.keys.to[1], '+');
    assert_int_equal(settings.keys.from[2], KEYS_BACK_TAB);
    write_settings("theme = none");
    assert_int_equal(settings_read(path, &settings, &error), 0);
    assert_true(settings.no_colour && !settings.no_mouse && !settings.keys.count);
    assert_int_equal(settings_read("/nowhere/explore.conf", &settings, &error), 0);
    assert_int_equal(settings.theme, THEME_DARK);
}

static void mistakes_have_their_line(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"mouse = maybe", "line 1: mouse is on or off, not \"maybe\""},
        {"\n#\ntheme = blue", "line 3: theme is dark, light, high-contrast, "
                              "colour-blind or none, not \"blue\""},
        {"keys = 3", "line 1: unknown setting \"keys\""},
        {"key Entr = q", "line 1: there is no key \"Entr\""},
        {"key g = Qq", "line 1: there is no key \"Qq\""},
        {"key g = %", "line 1: the key % has no action that g could take"},
        {"key g = q\nkey g = f", "line 2: the key g is set twice"},
        {"mouse", "line 1: write as: mouse = off"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct settings settings;
        write_settings(wrong[i][0]);
        if (!settings_read(path, &settings, &error))
            fail_msg("taken: %s", wrong[i][0]);
        if (!strstr(error.text, wrong[i][1]) || !strstr(error.text, "explore.conf"))
            fail_msg("\"%s\" does not say \"%s\"", error.text, wrong[i][1]);
    }
}

/* What lies there is looked at before it is read: nothing is waited for. */
static void what_is_no_file(void **state) {
    static const char *const shown[] = {"a pipe, not a file", "a directory, not a file",
                                        "a device, not a file",
                                        "larger than 65536 bytes"};
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct settings settings;
        remove(path);
        if (i == 0)
            assert_int_equal(mkfifo(path, 0600), 0);
        else if (i == 1)
            assert_int_equal(mkdir(path, 0700), 0);
        else if (i == 2)
            assert_int_equal(symlink("/dev/zero", path), 0);
        else
            write_settings("");
        if (i == 3) /* without an end, as far as reading goes */
            assert_int_equal(truncate(path, (off_t)1 << 40), 0);
        alarm(PATIENCE);
        assert_int_equal(settings_read(path, &settings, &error), -1);
        alarm(0);
        if (!strstr(error.text, shown[i]) || strncmp(error.text, path, strlen(path)))
            fail_msg("%s", error.text);
    }
    remove(path);
}

static void keys_do_what_others_do(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, two, 100, 30);
    app.keys = (struct key_map){{'g', '1'}, {'2', '?'}, 2};
    driver_type(&app, "g");
    assert_true(app.explorer.preference[1] == 1);
    driver_type(&app, "1");
    driver_expect(&app, "Help");
    /* In a line of text they are characters. */
    driver_type(&app, "\033v");
    driver_type(&app, "g");
    assert_string_equal(app.explorer.dialog.text, "g");
    driver_type(&app, "\033%");
    driver_expect(&app, "% does nothing here; ? lists the keys");
    driver_close(&app);
}

/* Of each colour against black: at least 7 (WCAG 2, AAA). */
static void high_contrast_is_high(void **state) {
    (void)state;
    struct settings settings;
    write_settings("theme = high-contrast");
    assert_int_equal(settings_read(path, &settings, &error), 0);
    assert_int_equal(settings.theme, THEME_CONTRAST);
    write_settings("theme = colour-blind");
    assert_int_equal(settings_read(path, &settings, &error), 0);
    assert_int_equal(settings.theme, THEME_DARK); /* it is that already */
    palette_theme(THEME_CONTRAST);
    for (enum ink ink = 0; ink < INK_COUNT; ink++) {
        int colour = palette_colour(ink, DEPTH_TRUE);
        double light = 0, weights[] = {0.2126, 0.7152, 0.0722};
        for (int i = 0; colour >= 0 && i < 3; i++) {
            double c = (double)(colour >> (16 - 8 * i) & 255) / 255;
            light +=
                weights[i] * (c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4));
        }
        if (colour >= 0 && (light + 0.05) / 0.05 < 7)
            fail_msg("ink %d has a contrast of %g", (int)ink, (light + 0.05) / 0.05);
    }
    palette_theme(THEME_DARK);
}

static void the_light_theme_is_dark_on_light(void **state) {
    (void)state;
    palette_theme(THEME_LIGHT);
    for (enum ink ink = 0; ink < INK_COUNT; ink++) {
        int true_colour = palette_colour(ink, DEPTH_TRUE);
        int index = palette_colour(ink, DEPTH_256);
        assert_true((true_colour < 0) == (index < 0));
        if (index < 0)
            continue;
        assert_true(index >= 16 && index < 232);
        /* The cube's colour is not far from the one that is meant. */
        for (int shift = 16, cell = index - 16, weight = 36; shift >= 0;
             shift -= 8, weight /= 6) {
            int level = cell / weight % 6, value = level ? 55 + 40 * level : 0;
            assert_true(abs(value - (true_colour >> shift & 255)) <= 48);
        }
    }
    palette_theme(THEME_DARK);
    assert_int_equal(palette_colour(INK_NOW, DEPTH_256), 202);
}

static void where_they_are(void **state) {
    (void)state;
    setenv("XDG_CONFIG_HOME", "/somewhere", 1);
    char *found = settings_path();
    assert_string_equal(found, "/somewhere/pwemoe/explore.conf");
    free(found);
    unsetenv("XDG_CONFIG_HOME");
    setenv("HOME", "/home/me", 1);
    found = settings_path();
    assert_string_equal(found, "/home/me/.config/pwemoe/explore.conf");
    free(found);
}

static int prepare(void **state) {
    fixture_write_in(folder(), 2, 11, two);
    snprintf(path, sizeof path, "%s/explore.conf", folder());
    return fixture_utf8(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_setting),
        cmocka_unit_test(mistakes_have_their_line),
        cmocka_unit_test(what_is_no_file),
        cmocka_unit_test(keys_do_what_others_do),
        cmocka_unit_test(high_contrast_is_high),
        cmocka_unit_test(the_light_theme_is_dark_on_light),
        cmocka_unit_test(where_they_are),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
