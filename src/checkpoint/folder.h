/* A folder that appears whole or not at all. */
#ifndef PWEMOE_CHECKPOINT_FOLDER_H
#define PWEMOE_CHECKPOINT_FOLDER_H

#include "base/error.h"

/* Puts everything into the folder `folder`, which is there and empty, and syncs it;
 * shown is what errors call it. */
typedef int (*folder_fill)(void *self, const char *folder, const char *shown,
                           struct error *error);

/* The new directory path, which must not exist or be an empty directory: made beside it
 * under a name that starts with a dot, filled, and renamed. On failure nothing is left
 * behind. */
int folder_write(const char *path, folder_fill fill, void *self, struct error *error);

#endif
