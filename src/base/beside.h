/* Files and folders that are made beside their final path, under a temporary name,
 * until they are complete. */
#ifndef PWEMOE_BASE_BESIDE_H
#define PWEMOE_BASE_BESIDE_H

#include "base/error.h"

/* The folder that path lies in, and a name ".LAST.NUMBER.tmp" in it that is free and
 * that this process has not used before; last is path's last component. What killed
 * processes of this user left there for the same path is removed. Both are in fresh
 * memory; -1 when memory is out. */
int path_beside(const char *path, char **folder, char **temporary);
/* Holds what has been made there, a file or a folder, against that removal until the
 * descriptor is closed; -1 where it cannot be held, which is no failure. */
int beside_hold(const char *temporary);
/* Gives what was made its name, which must be free: a file without replacing another.
 * -1 with errno, EEXIST where something has the name. */
int beside_name_new(const char *temporary, const char *path);
/* Puts the entries of the folder at path on the disk. */
int folder_sync(const char *path, struct error *error);
/* Removes the folder with all that is in it, following no link; what cannot be removed
 * stays. */
void folder_delete(const char *path);

#endif
