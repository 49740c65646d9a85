/* JSON as the programs write it that models come from. Python's json module, and with
 * it every file of transformers, knows numbers that JSON libraries of C refuse: whole
 * numbers of any length ("model_max_length": 1000000000000000019884624838656), NaN and
 * Infinity. A file is not refused for one of these where nobody needs it. */
#ifndef PWEMOE_BASE_JSON_TEXT_H
#define PWEMOE_BASE_JSON_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Parses `size` bytes; label (a path) begins the errors. A whole number beyond 64 bits
 * becomes a real one. NaN, Infinity and reals beyond a double's range become strings of
 * the same letters: code that needs a number there then reports the error. A byte order
 * mark at the beginning is passed over. A key that stands twice is an error. */
json_t *json_text_parse(const char *bytes, size_t size, const char *label,
                        struct error *error);

/* The JSON object in the file DIRECTORY/NAME, parsed as above. Anything but an object
 * in a regular file of at most 64 MiB is refused. Where the file is missing and
 * missing_is_fine, *object is NULL. */
int json_object_read(const char *directory, const char *name, int missing_is_fine,
                     json_t **object, struct error *error);

/* A JSON string from any bytes, such as a file's name: bytes that are not UTF-8 are
 * escaped (text_escape). NULL where memory is out. */
json_t *json_text_string(const char *text);

/* Where memory is out while a document is put together, jansson leaves out a key or an
 * element and goes on: the result is another document, without any error. From
 * json_memory_watch on, to be called before the first document, json_memory_lost says
 * whether that has happened in this process; whoever writes a document asks it first,
 * and fails. json_text_dump is json_dumps that does so: freed with free(), NULL where
 * memory is out. */
void json_memory_watch(void);
bool json_memory_lost(void);
char *json_text_dump(const json_t *value, size_t flags);

#endif
