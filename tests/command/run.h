/* Running ./pwemoe in tests. */
#ifndef PWEMOE_TESTS_COMMAND_RUN_H
#define PWEMOE_TESTS_COMMAND_RUN_H

#include <jansson.h>
#include <stddef.h>

#include "../support/folder.h"

struct ran {
    int status; /* exit status, or 128 + signal */
    char *out, *err;
};

/* A command that has not ended after so many seconds (900 where nothing is said) is
 * killed with all that it has started, and the test fails. */
void run_limit(int most);

/* The command's JSON; the test fails where it does not exit 0 with a document. */
json_t *json_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Fails the test unless the command ends with this status and one line on stderr
 * that has `says` in it, and nothing on stdout. */
void expect_error(int status, const char *says, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Runs ./pwemoe with a shell's words ("indicators p.csv --ref '1 1'"), the whole
 * of stdout and stderr kept. A redirection in the words wins. */
struct ran run(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for any shell command, in the build folder. */
struct ran shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
void ran_free(struct ran *ran);

/* One line, ending in a newline, beginning with "pwemoe". */
int is_one_line(const char *text);

void write_file(const char *name, const char *text); /* below folder() */

#endif
