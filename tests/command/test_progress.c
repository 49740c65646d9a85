#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "command/io/progress.h"

static void lines(void **state) {
    (void)state;
    char line[256];
    progress_line(line, sizeof line, 79, "training", 1000, 4000, 50);
    assert_string_equal(line,
                        "training  [#####---------------]  1000/4000  50/s  1:00 left");
    progress_line(line, sizeof line, 79, "reading", 0, 0, 0);
    assert_string_equal(line, "reading  0");
    progress_line(line, sizeof line, 79, "reading", 348000000, 348000000, 1.2e9);
    assert_string_equal(line, "reading  [####################]  348M/348M  1.2G/s");
    progress_line(line, sizeof line, 79, "front", 1, 100000, 0.01);
    assert_null(strstr(line, "left")); /* 115 days is no forecast */
    progress_line(line, sizeof line, 79, "front", 1, 3601, 1);
    assert_non_null(strstr(line, "1:00:00 left"));
}

static void never_wider_than_the_terminal(void **state) {
    (void)state;
    char line[256];
    for (size_t columns = 1; columns < 200; columns++) {
        progress_line(line, sizeof line, columns, "a rather long name of work", 123456,
                      9876543, 3.3);
        assert_true(strlen(line) <= columns);
    }
    progress_line(line, 8, 79, "training", 1, 2, 3);
    assert_int_equal(strlen(line), 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(never_wider_than_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
