/* One failure, told once.
 *
 * A function that can fail returns 0 or -1 (or a pointer or NULL) and fills the
 * struct error its caller handed it: one line saying what, where and what to
 * do, without a trailing newline. Nothing below main() and the explorer's loop
 * prints or exits. */
#ifndef PWEMOE_BASE_ERROR_H
#define PWEMOE_BASE_ERROR_H

#include <stdbool.h>

struct error {
    char text[1024];
    bool
        memory; /* memory could not be had: set by error_memory, kept by error_prefix */
};

/* Formats the message; too long a text is cut. Control bytes in the result are
 * escaped (names from files are data). error may be NULL. Always returns -1, so
 * that a failing function can end in `return error_set(...)`. */
int error_set(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "WHERE: " in front of the message that is already there. Returns -1. */
int error_prefix(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The message for memory that could not be had. Returns -1. */
int error_memory(struct error *error);

#endif
