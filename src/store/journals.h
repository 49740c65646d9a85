/* The files that SQLite keeps beside a database: its journals. */
#ifndef PWEMOE_STORE_JOURNALS_H
#define PWEMOE_STORE_JOURNALS_H

#include <stdbool.h>

#include "base/error.h"

/* Fails where what lies beside the file under their names would do harm: a pipe, for
 * whose writer SQLite would wait, a folder, a device, or a journal that ends in the
 * name of another file, which SQLite would delete. A link to the file is followed. */
int store_check_journals(const char *path, struct error *error);

/* Is there one that ends in suffix ("-wal"), with anything in it? A link to the file is
 * followed. *name is freed with free(). */
int store_journal(const char *path, const char *suffix, bool *there, char **name,
                  struct error *error);

#endif
