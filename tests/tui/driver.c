#include "driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "panels/views.h"
#include "state/selection.h"
#include "terminal/keys.h"

static void draw(struct app *app) {
    frame_draw(&app->canvas, &app->explorer, &app->arrangement);
}

void driver_read_again(struct app *app) {
    struct error error;
    struct store *store;
    struct catalog *catalog;
    if (store_open(app->explorer.file, STORE_READ_ONLY, &store, &error) ||
        catalog_read(store, &catalog, &error))
        fail_msg("%s", error.text);
    store_close(store);
    selection_carry(&app->explorer, catalog);
    assert_int_equal(explorer_take_catalog(&app->explorer, catalog), 0);
    draw(app);
}

void driver_open(struct app *app, const char *path, int width, int height) {
    *app = (struct app){.dragged = PANEL_COUNT};
    app->canvas.marks = palette_marks(true);
    assert_int_equal(canvas_resize(&app->canvas, width, height), 0);
    explorer_init(&app->explorer, path);
    action_hints(app->explorer.hints);
    driver_read_again(app);
}

void driver_close(struct app *app) {
    explorer_free(&app->explorer);
    canvas_free(&app->canvas);
}

void driver_key(struct app *app, int key) {
    app_key(app, key);
    draw(app);
}

void driver_type(struct app *app, const char *keys) {
    for (; *keys; keys++)
        driver_key(app, *keys == '\r'     ? KEYS_ENTER
                        : *keys == '\t'   ? KEYS_TAB
                        : *keys == '\033' ? KEYS_ESCAPE
                        : *keys == '\b'   ? KEYS_BACKSPACE
                                          : *keys);
}

void driver_click(struct app *app, int x, int y) {
    app_mouse(app, POINTER_PRESS, x, y);
    app_mouse(app, POINTER_RELEASE, x, y);
    draw(app);
}

void driver_resize(struct app *app, int width, int height) {
    assert_int_equal(canvas_resize(&app->canvas, width, height), 0);
    draw(app);
}

char *driver_frame(struct app *app) {
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    draw(app);
    canvas_print(&app->canvas, out);
    fclose(out);
    return text;
}

void driver_expect(struct app *app, const char *text) {
    char *frame = driver_frame(app);
    if (!strstr(frame, text)) {
        fprintf(stderr, "%s", frame);
        fail_msg("\"%s\" is not on the frame above", text);
    }
    free(frame);
}

void driver_expect_none(struct app *app, const char *text) {
    char *frame = driver_frame(app);
    if (strstr(frame, text)) {
        fprintf(stderr, "%s", frame);
        fail_msg("\"%s\" is on the frame above", text);
    }
    free(frame);
}

char *driver_line(struct app *app, const char *text) {
    char *frame = driver_frame(app), *found = strstr(frame, text), *line;
    if (!found) {
        fprintf(stderr, "%s", frame);
        fail_msg("\"%s\" is not on the frame above", text);
    }
    line = strndup(found, strcspn(found, "\n"));
    free(frame);
    return line;
}
