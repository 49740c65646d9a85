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
    /* There was no memory: set by error_memory, and by error_set where errno is
     * ENOMEM, as whoever finds that something is missing or wrong may find it so
     * because there was no memory for a copy of it. error_prefix keeps it. */
    bool memory;
};

/* Formats the message; too long a text is cut. Control bytes in the result are
 * escaped (names from files are data). error may be NULL. Always returns -1, so
 * that a failing function can end in `return error_set(...)`. */
int error_set(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "WHERE: " in front of the message that is already there. Returns -1. */
int error_prefix(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The message for memory that was refused. Returns -1. */
int error_memory(struct error *error);

/* That they return -1 is said where they are called, too: compilers that look across
 * functions then see that what a failed call should have filled is not read. */
static inline int error_told(void) {
    return -1;
}
#define error_set(...) (error_set(__VA_ARGS__), error_told())
#define error_prefix(...) (error_prefix(__VA_ARGS__), error_told())
#define error_memory(error) (error_memory(error), error_told())

#endif
