/* Similarity of task vectors: a map in cells with signs and a legend, pairs of the
 * chosen task where there are many, and the demo's models read for it by a thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../results/fixture.h"
#include "base/memory.h"
#include "driver.h"
#include "panels/views.h"

static char three[4096], twelve[4096], demo[4096];

/* As the reader tells it: all pairs, of two modules. */
static void take_cosines(struct app *app,
                         double (*cosine)(size_t module, size_t pair)) {
    static const char *const names[] = {"block 0 norm 1", "block 0 mlp"};
    size_t tasks = app->explorer.tasks, k = 0;
    struct similarity *s = array_new(1, sizeof *s);
    assert_non_null(s);
    *s = (struct similarity){
        .modules = 2, .tasks = tasks, .pairs = tasks * (tasks - 1) / 2};
    s->module = array_new(2, sizeof *s->module);
    s->pair = array_new(s->pairs, sizeof *s->pair);
    s->cosine = array_new(2 * s->pairs, sizeof *s->cosine);
    s->whole = array_new(s->pairs, sizeof *s->whole);
    for (size_t m = 0; m < 2; m++)
        snprintf(s->module[m].name, sizeof s->module[m].name, "%s", names[m]);
    for (size_t a = 0; a < tasks; a++)
        for (size_t b = a + 1; b < tasks; b++, k++) {
            s->pair[k][0] = a;
            s->pair[k][1] = b;
            s->whole[k] = cosine(2, k);
            for (size_t m = 0; m < 2; m++)
                s->cosine[m * s->pairs + k] = cosine(m, k);
        }
    app->explorer.similarity = s;
}

/* The panel alone, in a frame of that size; free(). */
static char *draw(struct app *app, int width, int height, bool utf8) {
    struct canvas canvas = {.marks = palette_marks(utf8)};
    char *text = NULL;
    size_t size;
    assert_int_equal(canvas_resize(&canvas, width, height), 0);
    struct view view = view_whole(&canvas);
    similarity_view_draw(&view, &app->explorer, false);
    FILE *file = open_memstream(&text, &size);
    canvas_print(&canvas, file);
    fclose(file);
    canvas_free(&canvas);
    return text;
}

/* The norm is alike, the mlp is not; the third pair's vectors do not change it. */
static double some(size_t module, size_t pair) {
    static const double values[3][3] = {
        {0.96, -0.48, 0.24}, {0.2, -0.4, NAN}, {0.1, -0.2, 0.4}};
    return values[module][pair];
}

static void numbers_signs_and_shades(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, three, 80, 24);
    take_cosines(&app, some);
    char *text = draw(&app, 60, 7, true);
    assert_string_equal(text,
                        "─ Similarity of task vectors ───────────────────────────────\n"
                        "                 alpha         alpha         beta\n"
                        "                 beta          gamma         gamma\n"
                        " the whole model +0.10░░░░░░░░ -0.20▒▒▒▒▒▒▒▒ +0.40████████\n"
                        " block 0 norm 1  +0.96████████ -0.48▒▒▒▒▒▒▒▒ +0.24░░░░░░░░\n"
                        " block 0 mlp     +0.20▒▒▒▒▒▒▒▒ -0.40████████  none\n"
                        " -0.40 █▓▒░ 0 ░▒▓█ +0.40, norms to 0.96\n");
    free(text);
    /* Without room for numbers a sign stands beside the shade; without UTF-8 the shades
     * are others. */
    text = draw(&app, 26, 7, true);
    assert_non_null(strstr(text, "+██"));
    assert_non_null(strstr(text, "-▒▒"));
    free(text);
    text = draw(&app, 60, 7, false);
    assert_non_null(strstr(text, "-0.48::::::::"));
    assert_non_null(strstr(text, "-0.40 #+:. 0 .:+# +0.40"));
    free(text);
    driver_close(&app);
}

static double counted(size_t module, size_t pair) {
    return (double)pair / 100 - (double)module / 10;
}

/* Twelve tasks have 66 pairs: those of the chosen one are shown, and counted where not
 * all are; every size draws. */
static void many_tasks_show_the_chosen_one(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, twelve, 80, 24);
    take_cosines(&app, counted);
    app.explorer.slider = 3;
    for (int width = 1; width <= 200; width++)
        for (int height = 1; height <= 9; height++) {
            char *text = draw(&app, width, height, true);
            if (width >= 56 && height >= 7 && strstr(text, " beside"))
                fail_msg("pairs are missing at %d columns:\n%s", width, text);
            free(text);
        }
    char *text = draw(&app, 30, 7, true), heading[600];
    snprintf(heading, sizeof heading, "%s with (6 beside)",
             explorer_task_name(&app.explorer, 3));
    assert_non_null(strstr(text, heading));
    free(text);
    driver_close(&app);
}

static void open_with_mailbox(struct app *app, const char *path) {
    struct error error;
    driver_open(app, path, 120, 40);
    app->mailbox = mailbox_new(&error);
    assert_non_null(app->mailbox);
}

static void close_with_mailbox(struct app *app) {
    similarity_reader_stop(&app->similarity_reader);
    mailbox_free(app->mailbox);
    driver_close(app);
}

/* Until the reader has told; the loop's part of it. */
static void wait_for_reader(struct app *app) {
    for (int i = 0;
         i < 600 && !app->explorer.similarity && !app->explorer.similarity_missing[0];
         i++) {
        struct pollfd poll_fd = {mailbox_fd(app->mailbox), POLLIN, 0};
        poll(&poll_fd, 1, 100);
        app_events(app);
    }
}

/* What the demo's models are, by numpy over the files: cosines of the differences from
 * the pretrained model, all encoder tensors as one vector. */
static void the_models_are_read_when_looked_at(void **state) {
    (void)state;
    struct app app;
    open_with_mailbox(&app, demo);
    app_similarity(&app);
    assert_false(app.similarity_reader.started);
    driver_type(&app, "W");
    app_similarity(&app);
    assert_true(app.similarity_reader.started);
    wait_for_reader(&app);
    assert_string_equal(app.explorer.similarity_missing, "");
    assert_non_null(app.explorer.similarity);
    static const double whole[] = {0.06175953, 0.01958545, 0.03362569};
    for (size_t p = 0; p < 3; p++)
        assert_true(fabs(app.explorer.similarity->whole[p] - whole[p]) < 5e-5);
    driver_type(&app, "");
    driver_expect(&app, "Similarity of task vectors");
    close_with_mailbox(&app);
}

/* Without models it says what is missing, and asking again tries again. */
static void what_is_missing_is_said(void **state) {
    (void)state;
    struct app app;
    open_with_mailbox(&app, three);
    driver_type(&app, "W");
    driver_expect(&app, "the models are being read");
    app_similarity(&app);
    wait_for_reader(&app);
    driver_type(&app, "");
    driver_expect(&app, "No such file");
    assert_true(app.similarity_reader.started);
    driver_type(&app, "W");
    assert_false(app.similarity_reader.started);
    close_with_mailbox(&app);
}

static int prepare(void **state) {
    char from[8400], to[8400];
    fixture_write_in(folder(), 3, 3, three);
    fixture_write_in(folder(), 12, 2, twelve);
    const char *srcdir = getenv("srcdir") ? getenv("srcdir") : ".";
    char *whole = realpath(srcdir, NULL);
    if (!whole)
        return -1;
    /* The file itself, as reading it may leave others beside it. */
    snprintf(demo, sizeof demo, "%s/results.db", folder());
    snprintf(to, sizeof to, "cp %s/assets/demo/results.db %s && chmod u+w %s", whole,
             demo, demo);
    if (system(to))
        return -1;
    snprintf(from, sizeof from, "%s/assets/demo/models", whole);
    snprintf(to, sizeof to, "%s/models", folder());
    free(whole);
    return symlink(from, to) ? -1 : fixture_utf8(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_signs_and_shades),
        cmocka_unit_test(many_tasks_show_the_chosen_one),
        cmocka_unit_test(the_models_are_read_when_looked_at),
        cmocka_unit_test(what_is_missing_is_said),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
