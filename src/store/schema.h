/* What is in results.db: tables and indices, format numbers, migrations. */
#ifndef PWEMOE_STORE_SCHEMA_H
#define PWEMOE_STORE_SCHEMA_H

#include "store/sql.h"

/* application_id: "pwme" read as a number, high byte first. */
enum { SCHEMA_APPLICATION = 0x70776d65 };

/* Makes every table in an empty database and sets the format numbers. */
int schema_create(struct store *store, struct error *error);

/* One step forward: statements that turn format `from` into from + 1. */
struct schema_migration {
    int from;
    const char *sql;
};
/* Brings the file from its user_version to format `to`, each step a transaction
 * that sets user_version too, so that a step is done whole or not at all. The
 * lock is taken before the format is read: of two processes one migrates. */
int schema_migrate(struct store *store, const struct schema_migration *migrations,
                   size_t count, int to, struct error *error);
extern const struct schema_migration schema_migrations[];
extern const size_t schema_migration_count;

/* application_id and user_version (a newer one is an error), which a restored dump gets
 * back when it is opened for writing; and that the tables and indices of a format are
 * there. Anything else in the file is ignored where it is harmless. */
int schema_check_application(struct store *store, int *format, struct error *error);
/* The oldest format that is read without migrating it: readers do not ask for what
 * later ones add. */
enum { SCHEMA_READABLE = 1 };
int schema_check_objects(struct store *store, int format, struct error *error);
/* The pages: the whole file where it is small, else the recipe's tables. */
int schema_check_pages(struct store *store, struct error *error);

#endif
