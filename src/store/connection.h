/* A store's connection to its file. Not for use outside this folder. */
#ifndef PWEMOE_STORE_CONNECTION_H
#define PWEMOE_STORE_CONNECTION_H

#include "store/store.h"

/* A store that is not connected, whose errors name path; NULL where memory is out. */
struct store *connection_new(const char *path, enum store_mode mode);
/* Connects it to the file at path, with SQLite's flags and the parameters of a file:
 * URI ("?immutable=1", or ""), and takes from the connection what a hostile file could
 * use. After a failure store_close as ever. */
int connection_open(struct store *store, const char *path, int flags,
                    const char *parameters, struct error *error);

#endif
