/* The thread of the hypervolume: figures known in closed form, work that would not end,
 * and what is drawn of both. */
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../results/fixture.h"
#include "panels/views.h"
#include "threads/hypervolume.h"

static struct error error;

static struct catalog *open_catalog(const char *name, size_t tasks, size_t edge,
                                    bool baselines) {
    char path[4200];
    struct store *store;
    struct catalog *catalog;
    struct fixture_options options = {
        .tasks = tasks, .edge = edge, .baselines = baselines};
    snprintf(path, sizeof path, "%s/%s.db", folder(), name);
    fixture_write(path, &options);
    if (store_open(path, STORE_READ_ONLY, &store, &error) ||
        catalog_read(store, &catalog, &error))
        fail_msg("%s", error.text);
    store_close(store);
    return catalog;
}

/* The next event that says more than that it is being worked out. */
static struct front_volume *wait_for(struct mailbox *mailbox, bool contributions) {
    for (;;) {
        struct pollfd fds = {mailbox_fd(mailbox), POLLIN, 0};
        struct event *event = mailbox_next(mailbox);
        if (!event) {
            poll(&fds, 1, -1);
            continue;
        }
        assert_int_equal(event->kind, EVENT_VOLUME);
        struct front_volume *volume = event->volume;
        event->volume = NULL;
        event_free(event);
        if (volume->state != VOLUME_WORKING &&
            (!contributions || volume->contributions))
            return volume;
        front_volume_free(volume);
    }
}

static void known_figures(void **state) {
    (void)state;
    struct mailbox *mailbox = mailbox_new(&error);
    struct hypervolume_thread *hypervolume_thread;
    struct catalog *catalog = open_catalog("two", 2, 3, false);
    double m = 60 + 30 * sqrt(0.5), added;
    assert_int_equal(hypervolume_start(mailbox, 0, &hypervolume_thread, &error), 0);
    hypervolume_want(hypervolume_thread, catalog);
    struct front_volume *volume = wait_for(mailbox, true);
    /* (90, 60), (m, m) and (60, 90) up to (0, 0). */
    assert_int_equal(volume->count, 3);
    assert_true(fabs(volume->value - (60 * 90 + (m - 60) * m + (90 - m) * 60)) < 1e-9);
    assert_true(
        front_volume_contribution(volume, catalog->rows[1].solution.id, &added));
    assert_true(fabs(added - (m - 60) * (m - 60)) < 1e-9);
    assert_true(
        front_volume_contribution(volume, catalog->rows[0].solution.id, &added));
    assert_true(fabs(added - 60 * (90 - m)) < 1e-9);
    assert_true(front_volume_contribution(volume, 12345, &added) && added == 0);

    /* With the reference point in the frame. */
    struct explorer explorer;
    struct canvas canvas = {.marks = palette_marks(true)};
    struct arrangement arrangement;
    char *text;
    size_t size;
    explorer_init(&explorer, "file");
    assert_int_equal(explorer_take_catalog(&explorer, catalog), 0);
    explorer.volume = volume;
    assert_int_equal(canvas_resize(&canvas, 140, 40), 0);
    frame_draw(&canvas, &explorer, &arrangement);
    FILE *file = open_memstream(&text, &size);
    canvas_print(&canvas, file);
    fclose(file);
    char expected[160];
    snprintf(expected, sizeof expected,
             "hypervolume %.6g to (0, 0), this point adds %.4g", volume->value,
             (m - 60) * (m - 60));
    assert_non_null(strstr(text, expected));
    free(text);

    /* The same points again: there is nothing to say. */
    hypervolume_want(hypervolume_thread, explorer.catalog);
    hypervolume_stop(hypervolume_thread);
    struct event *event = mailbox_next(mailbox);
    assert_null(event);
    canvas_free(&canvas);
    explorer_free(&explorer);
    mailbox_free(mailbox);
}

/* Eleven objectives and a thousand points: the end of the program, and other points,
 * do not wait for it. */
static void hopeless_work_is_stopped(void **state) {
    (void)state;
    struct mailbox *mailbox = mailbox_new(&error);
    struct hypervolume_thread *hypervolume_thread;
    struct catalog *hopeless = open_catalog("many", 11, 5, true);
    struct catalog *easy = open_catalog("three", 3, 4, true);
    assert_int_equal(hypervolume_start(mailbox, 0, &hypervolume_thread, &error), 0);
    hypervolume_want(hypervolume_thread, hopeless);
    hypervolume_want(hypervolume_thread, easy);
    struct front_volume *volume = wait_for(mailbox, false);
    while (volume->tasks != 3 || volume->state != VOLUME_KNOWN) {
        front_volume_free(volume);
        volume = wait_for(mailbox, false);
    }
    front_volume_free(volume);
    hypervolume_want(hypervolume_thread, hopeless);
    hypervolume_tick(hypervolume_thread);
    hypervolume_stop(hypervolume_thread);
    catalog_free(hopeless);
    catalog_free(easy);
    mailbox_free(mailbox);
}

/* What takes too long is given up once, for a volume by sampling; the frame says how
 * far off it may be. */
static void long_work_is_approximate(void **state) {
    (void)state;
    struct mailbox *mailbox = mailbox_new(&error);
    struct hypervolume_thread *hypervolume_thread;
    char path[4200];
    struct store *store;
    struct catalog *catalog;
    snprintf(path, sizeof path, "%s/scattered.db", folder());
    fixture_scatter(path, 12, 300);
    if (store_open(path, STORE_READ_ONLY, &store, &error) ||
        catalog_read(store, &catalog, &error))
        fail_msg("%s", error.text);
    store_close(store);
    assert_int_equal(hypervolume_start(mailbox, 0, &hypervolume_thread, &error), 0);
    hypervolume_want(hypervolume_thread, catalog);
    struct timespec pause = {2, 100000000};
    nanosleep(&pause, NULL);
    hypervolume_tick(hypervolume_thread);
    struct front_volume *volume = wait_for(mailbox, false);
    assert_int_equal(volume->state, VOLUME_KNOWN);
    assert_true(volume->within == 0.01);
    assert_true(volume->value > 0 && volume->value < pow(100, 12));
    assert_null(volume->contributions);

    struct explorer explorer;
    struct canvas canvas = {.marks = palette_marks(true)};
    struct arrangement arrangement;
    char *text;
    size_t size;
    explorer_init(&explorer, "file");
    assert_int_equal(explorer_take_catalog(&explorer, catalog), 0);
    explorer.volume = volume;
    assert_int_equal(canvas_resize(&canvas, 140, 40), 0);
    frame_draw(&canvas, &explorer, &arrangement);
    FILE *file = open_memstream(&text, &size);
    canvas_print(&canvas, file);
    fclose(file);
    assert_non_null(strstr(text, "(within 1 %)"));
    free(text);
    canvas_free(&canvas);
    hypervolume_stop(hypervolume_thread);
    explorer_free(&explorer);
    mailbox_free(mailbox);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_figures),
        cmocka_unit_test(hopeless_work_is_stopped),
        cmocka_unit_test(long_work_is_approximate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
