/* Events between threads: in the order in which they came about, also those that take
 * the place of others of their kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "threads/mailbox.h"

static void post(struct mailbox *mailbox, enum event_kind kind, uint64_t serial,
                 bool latest) {
    struct event event = {.kind = kind, .serial = serial};
    mailbox_post(mailbox, &event, latest);
}

static void expect(struct mailbox *mailbox, enum event_kind kind, uint64_t serial) {
    struct event *event = mailbox_next(mailbox);
    assert_non_null(event);
    assert_int_equal(event->kind, kind);
    assert_int_equal(event->serial, serial);
    event_free(event);
}

static void the_latest_comes_last(void **state) {
    (void)state;
    struct error error;
    struct mailbox *mailbox = mailbox_new(&error);
    assert_non_null(mailbox);
    post(mailbox, EVENT_ROUTING, 1, true);
    post(mailbox, EVENT_MODULES, 0, false);
    post(mailbox, EVENT_ROUTING, 2, true); /* of those modules */
    expect(mailbox, EVENT_MODULES, 0);
    expect(mailbox, EVENT_ROUTING, 2);
    assert_null(mailbox_next(mailbox));
    /* The last of all is replaced, and what follows comes behind it. */
    post(mailbox, EVENT_DONE, 3, false);
    post(mailbox, EVENT_RUNNING, 4, true);
    post(mailbox, EVENT_RUNNING, 5, true);
    post(mailbox, EVENT_DONE, 6, false);
    expect(mailbox, EVENT_DONE, 3);
    expect(mailbox, EVENT_RUNNING, 5);
    expect(mailbox, EVENT_DONE, 6);
    assert_null(mailbox_next(mailbox));
    post(mailbox, EVENT_RUNNING, 7, true);
    post(mailbox, EVENT_RUNNING, 8, true);
    expect(mailbox, EVENT_RUNNING, 8);
    assert_null(mailbox_next(mailbox));
    post(mailbox, EVENT_DONE, 9, false); /* freed with the mailbox */
    mailbox_free(mailbox);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_latest_comes_last)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
