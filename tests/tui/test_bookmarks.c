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

#include "../results/fixture.h"
#include "app/app.h"
#include "terminal/keys.h"

static char path[4200];
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

static void assert_asks(const struct app *app, const char *title) {
    assert_non_null(app->explorer.dialog.question);
    assert_string_equal(app->explorer.dialog.question->title, title);
}

static void a_question_leads_back_to_its_bookmark(void **state) {
    (void)state;
    struct app app;
    put("one", 1);
    put("two", 0.5);
    int64_t third = put("three", 0);
    begin(&app);
    type(&app, "Bjjd");
    assert_asks(&app, "Delete this bookmark?");
    assert_string_equal(app.explorer.dialog.prompt, "three");
    assert_true(app.explorer.meant.id == third);
    type(&app, "\r"); /* the first answer keeps it */
    assert_asks(&app, "Bookmarks");
    assert_int_equal(app.explorer.dialog.chosen, 2);
    type(&app, "n");
    assert_asks(&app, "Rename a bookmark");
    assert_string_equal(app.explorer.dialog.text, "three");
    type(&app, "2\r");
    assert_null(app.explorer.dialog.question);
    /* n, d and Delete mean nothing in other lists. */
    type(&app, "cnd");
    assert_asks(&app, "Compare: A");
    app_key(&app, KEYS_DELETE);
    assert_asks(&app, "Compare: A");
    explorer_free(&app.explorer);
}

static void a_name_that_is_taken_is_refused(void **state) {
    (void)state;
    struct app app;
    begin(&app);
    type(&app, "Bn");
    app_key(&app, KEYS_CONTROL_U);
    type(&app, "\r");
    assert_string_equal(app.explorer.dialog.error, "type a name");
    type(&app, "two\r");
    assert_asks(&app, "Rename a bookmark");
    assert_string_equal(app.explorer.dialog.error, "another bookmark has this name");
    explorer_free(&app.explorer);
}

/* Of a model that no preference makes. */
static void a_solution_is_pointed_at(void **state) {
    (void)state;
    struct app app;
    struct store_solution solution = {
        .kind = STORE_KIND_SINGLE, .method = (char *)"stl", .label = (char *)""};
    fixture_put(store, &solution, (double[]){81, 82}, 2);
    struct store_bookmark bookmark = {.name = (char *)"a single",
                                      .solution = solution.id};
    assert_int_equal(store_bookmark_put(store, &bookmark, &error), 0);
    begin(&app);
    struct explorer *explorer = &app.explorer;
    type(&app, "B");
    for (size_t i = 0; i < explorer->dialog.count; i++)
        if (explorer->catalog->bookmarks[i].id == bookmark.id)
            explorer->dialog.chosen = i;
    type(&app, "\r");
    assert_true(explorer->pointed != SIZE_MAX);
    assert_true(explorer->catalog->rows[explorer->pointed].solution.id == solution.id);
    assert_string_equal(explorer->message,
                        "a single has no preference to go to; its model is pointed at");
    explorer_free(explorer);
    assert_int_equal(store_bookmark_delete(store, bookmark.id, &error), 0);
}

/* A name of another bookmark is not taken over unasked, and none is proposed that is
 * taken: with one, two and three there are three, but "point 4" may be there, too. */
static void who_overwrites_is_asked(void **state) {
    (void)state;
    struct app app;
    put("point 4", 0.25);
    begin(&app);
    type(&app, "b");
    assert_string_equal(app.explorer.dialog.text, "point 5");
    app_key(&app, KEYS_CONTROL_U);
    type(&app, "point 4\r");
    assert_asks(&app, "Replace this bookmark?");
    assert_string_equal(app.explorer.dialog.prompt, "point 4");
    type(&app, "\r"); /* the first answer keeps it */
    assert_asks(&app, "Bookmark");
    assert_string_equal(app.explorer.dialog.text, "point 4");
    type(&app, "\r");
    app_key(&app, KEYS_ESCAPE);
    assert_asks(&app, "Bookmark");
    type(&app, "\rj\r");
    assert_null(app.explorer.dialog.question);
    explorer_free(&app.explorer);
}

static const char *apply(struct deleted_bookmarks *deleted,
                         struct bookmark_change change) {
    static char said[1100];
    return bookmark_change_apply(store, &change, deleted, said, sizeof said, &error)
               ? error.text
               : said;
}

static void what_is_deleted_comes_back(void **state) {
    (void)state;
    struct deleted_bookmarks deleted = {0};
    struct store_bookmark *bookmarks;
    size_t count;
    int64_t first = put("early", 0.75), second = put("late", 0.125);
    struct bookmark_change delete_first = {BOOKMARK_DELETE, .id = first,
                                           .name = "early"};
    struct bookmark_change delete_second = {BOOKMARK_DELETE, .id = second,
                                            .name = "late"};
    struct bookmark_change restore = {.kind = BOOKMARK_RESTORE};
    struct bookmark_change again = {BOOKMARK_ADD, .name = "late",
                                    .has_preference = true, .preference = {1, 0}};
    assert_string_equal(apply(&deleted, restore), "no bookmark has been deleted here");
    assert_string_equal(apply(&deleted, delete_first),
                        "bookmark early deleted; D brings it back");
    apply(&deleted, delete_second);
    /* It is gone already: nothing more to bring back. */
    assert_string_equal(apply(&deleted, delete_second),
                        "bookmark late has been changed meanwhile; B lists them");
    assert_int_equal(deleted.count, 2);
    /* Its name is taken meanwhile: neither is lost. */
    assert_string_equal(apply(&deleted, again), "bookmark late saved");
    assert_string_equal(apply(&deleted, again),
                        "there is a bookmark late already; choose another name");
    assert_string_equal(apply(&deleted, restore),
                        "there is a bookmark late already; choose another name");
    assert_int_equal(store_bookmarks(store, &bookmarks, &count, &error), 0);
    second = bookmarks[count - 1].id;
    store_bookmarks_free(bookmarks, count);
    assert_int_equal(store_bookmark_rename(store, second, "later", &error), 0);
    assert_string_equal(apply(&deleted, restore), "bookmark late is back");
    assert_string_equal(apply(&deleted, restore), "bookmark early is back");
    assert_string_equal(apply(&deleted, restore), "no bookmark has been deleted here");
    assert_int_equal(store_bookmarks(store, &bookmarks, &count, &error), 0);
    assert_string_equal(bookmarks[count - 2].name, "late");
    assert_true(bookmarks[count - 2].preference[0] == 0.125);
    assert_string_equal(bookmarks[count - 1].name, "early");
    assert_true(bookmarks[count - 1].preference[0] == 0.75);
    store_bookmarks_free(bookmarks, count);
    deleted_bookmarks_free(&deleted);
}

/* The question stands while another process takes away what it leads back to. */
static void bookmarks_that_are_gone(void **state) {
    (void)state;
    struct app app;
    struct store_bookmark *bookmarks;
    size_t count;
    begin(&app);
    type(&app, "Bn");
    assert_asks(&app, "Rename a bookmark");
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
    snprintf(path, sizeof path, "%s/results.db", folder());
    fixture_write(path, &options);
    return store_open(path, STORE_READ_WRITE, &store, &error);
}

static int close_file(void **state) {
    (void)state;
    store_close(store);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_leads_back_to_its_bookmark),
        cmocka_unit_test(a_name_that_is_taken_is_refused),
        cmocka_unit_test(who_overwrites_is_asked),
        cmocka_unit_test(a_solution_is_pointed_at),
        cmocka_unit_test(what_is_deleted_comes_back),
        cmocka_unit_test(bookmarks_that_are_gone),
    };
    return cmocka_run_group_tests(tests, make_file, close_file);
}
