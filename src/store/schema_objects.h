/* What making a file and checking one share: the tables and indices, each with its
 * text, and the numbers in the file's header. */
#ifndef PWEMOE_STORE_SCHEMA_OBJECTS_H
#define PWEMOE_STORE_SCHEMA_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>

#include "store/sql.h"

enum { SCHEMA_OBJECTS_MAX = 64 };

struct schema_object {
    const char *name, *sql;
};

/* From 0 on; NULL after the last. */
const struct schema_object *schema_object_at(size_t i);
bool schema_object_is_of(const struct schema_object *object, int format);

/* A whole number that a pragma gives; -1 with error. */
int schema_pragma(struct store *store, const char *sql, int *value,
                  struct error *error);
/* Writes application_id and user_version. */
int schema_number_file(struct store *store, int format, struct error *error);

#endif
