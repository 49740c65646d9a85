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

struct store;

/* Right after a store's file was opened, before anything of it is read: which journal
 * it is to have from now on. SQLite's write-ahead log (WAL), where no reader blocks a
 * writer, needs memory that all processes share, which a network file system
 * (base/file_system.h) does not give to processes of several machines: there it is the
 * rollback journal, and needs only locks that work. A file that has a write-ahead log
 * is changed over, by a store that writes and has it alone at that moment; to read it
 * there as it is fails. */
int store_choose_journal(struct store *store, struct error *error);

#endif
