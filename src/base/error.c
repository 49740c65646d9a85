#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/memory.h"

#undef error_set
#undef error_prefix
#undef error_memory

int error_set(struct error *error, const char *format, ...) {
    if (!error)
        return -1;
    bool memory = errno == ENOMEM;
    char raw[sizeof error->text];
    va_list arguments;
    va_start(arguments, format);
    text_print(raw, sizeof raw, format, arguments);
    va_end(arguments);
    text_escape(error->text, sizeof error->text, raw);
    error->memory = memory;
    return -1;
}

int error_prefix(struct error *error, const char *format, ...) {
    if (!error)
        return -1;
    char raw[sizeof error->text];
    va_list arguments;
    va_start(arguments, format);
    text_print(raw, sizeof raw, format, arguments);
    va_end(arguments);
    char where[sizeof error->text], whole[2 * sizeof error->text + 2];
    text_escape(where, sizeof where, raw);
    snprintf(whole, sizeof whole, "%s: %s", where, error->text);
    text_cut(error->text, sizeof error->text, whole);
    return -1;
}

int error_memory(struct error *error) {
    memory_failed();
    error_set(error, "out of memory");
    if (error)
        error->memory = true;
    return -1;
}
