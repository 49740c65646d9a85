/* A folder that appears whole or not at all. */
#ifndef PWEMOE_CHECKPOINT_FOLDER_H
#define PWEMOE_CHECKPOINT_FOLDER_H

#include <stdbool.h>

#include "base/error.h"

/* Puts everything into the folder `folder`, which is there and empty, and syncs it;
 * shown is what errors call it. */
typedef int (*folder_fill)(void *self, const char *folder, const char *shown,
                           struct error *error);

/* The new directory path, which must not exist or be an empty directory: made beside it
 * under a name that starts with a dot, filled, and renamed. On failure nothing is left
 * behind. */
int folder_write(const char *path, folder_fill fill, void *self, struct error *error);

/* The same for what takes long: made in ".LAST.part" beside it, which stays where the
 * process is killed, or fill fails and keeps() says that what is there is worth it.
 * Where such a folder is left that was begun with the same key, fill finds in it the
 * files that were whole; of another key it is removed. key: up to 64 characters without
 * a new line. Another process at the same path is refused. */
int folder_write_kept(const char *path, const char *key, folder_fill fill,
                      bool (*keeps)(void *self), void *self, struct error *error);

#endif
