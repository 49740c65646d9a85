/* Questions about bookmarks, and what they lead back to when the file has changed while
 * they stood. What is written is for test_terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "fixture.h"

static char *folder, path[4200];
static struct store *store;
static struct error error;

static int64_t put(const char *name, double first) {
    double preference[] = {first, 1 - first};
    struct store_bookmark bookmark = {.name = (char *)name, .preference = preference};
    if (store_bookmark_put(store, &bookmark, &error))
        fail_msg("%s", error.text);
    return bookmark.id;
}

/* The file as it is now, as the reader would hand it over. */
static void look(struct app *app) {
    struct catalog *catalog;
    assert_int_equal(catalog_read(store, &catalog, &error), 0);
    assert_int_equal(explorer_take_catalog(&app->explorer, catalog), 0);
}

static void begin(struct app *app) {
    *app = (struct app){.dragged = PANEL_COUNT};
    app->canvas.marks = palette_marks(true);
    explorer_init(&app->explorer, path);
    look(app);
}

static void type(struct app *app, const char *keys) {
    for (; *keys; keys++)
        app_key(app, *keys == '\r' ? KEYS_ENTER : *keys);
}

static void a_question_leads_back_to_its_bookmark(void **state) {
    (void)state;
    struct app app;
    put("one", 1);
    put("two", 0.5);
    int64_t third = put("three", 0);
    begin(&app);
    type(&app, "Bjjd");
    assert_int_equal(app.explorer.dialog.purpose, FOR_DELETE);
    assert_string_equal(app.explorer.dialog.prompt, "three");
    assert_true(app.explorer.bookmark.id == third);
    type(&app, "\r"); /* the first answer keeps it */
    assert_int_equal(app.explorer.dialog.purpose, FOR_GOTO_BOOKMARK);
    assert_int_equal(app.explorer.dialog.chosen, 2);
    type(&app, "n");
    assert_int_equal(app.explorer.dialog.purpose, FOR_RENAME);
    assert_string_equal(app.explorer.dialog.text, "three");
    type(&app, "2\r");
    assert_int_equal(app.explorer.dialog.purpose, FOR_NOTHING);
    /* n, d and Delete mean nothing in other lists. */
    type(&app, "cnd");
    assert_int_equal(app.explorer.dialog.purpose, FOR_COMPARE_FIRST);
    app_key(&app, KEYS_DELETE);
    assert_int_equal(app.explorer.dialog.purpose, FOR_COMPARE_FIRST);
    explorer_free(&app.explorer);
}

static void a_name_that_is_taken_is_refused(void **state) {
    (void)state;
    struct app app;
    begin(&app);
    type(&app, "Bn");
    app_key(&app, KEYS_CONTROL_U);
    type(&app, "\r");
    assert_string_equal(app.explorer.dialog.error, "write a name");
    type(&app, "two\r");
    assert_int_equal(app.explorer.dialog.purpose, FOR_RENAME);
    assert_string_equal(app.explorer.dialog.error, "another bookmark is called so");
    explorer_free(&app.explorer);
}

/* The question stands while another process takes away what it leads back to. */
static void bookmarks_that_are_gone(void **state) {
    (void)state;
    struct app app;
    struct store_bookmark *bookmarks;
    size_t count;
    begin(&app);
    type(&app, "Bn");
    assert_int_equal(app.explorer.dialog.purpose, FOR_RENAME);
    assert_int_equal(store_bookmarks(store, &bookmarks, &count, &error), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(store_bookmark_delete(store, bookmarks[i].id, &error), 0);
    store_bookmarks_free(bookmarks, count);
    look(&app);
    app_key(&app, KEYS_ESCAPE);
    assert_int_equal(app.explorer.dialog.kind, DIALOG_NONE);
    assert_non_null(strstr(app.explorer.message, "no bookmarks"));
    explorer_free(&app.explorer);
}

static int make_file(void **state) {
    (void)state;
    struct fixture_options options = {.tasks = 2, .edge = 4};
    folder = fixture_folder();
    snprintf(path, sizeof path, "%s/results.db", folder);
    fixture_write(path, &options);
    return store_open(path, STORE_READ_WRITE, &store, &error);
}

static int remove_folder(void **state) {
    (void)state;
    store_close(store);
    fixture_remove(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_leads_back_to_its_bookmark),
        cmocka_unit_test(a_name_that_is_taken_is_refused),
        cmocka_unit_test(bookmarks_that_are_gone),
    };
    return cmocka_run_group_tests(tests, make_file, remove_folder);
}
