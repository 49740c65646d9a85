/* Paths in recipes and stores. Results are fresh memory, freed with free(); NULL
 * where memory is out. */
#ifndef PWEMOE_COMMAND_IO_PATHS_H
#define PWEMOE_COMMAND_IO_PATHS_H

#include <stdbool.h>

#include "base/error.h"

/* The folder a file lies in: "." for "a", "/" for "/a". */
char *path_folder(const char *path);
/* path itself where it is absolute, else folder/path. */
char *path_join(const char *folder, const char *path);
/* How a store in `folder` names `path`: relative where it lies below the folder,
 * else absolute. Both exist; where one does not, NULL with error. */
char *path_stored(const char *folder, const char *path, struct error *error);
/* The same of a program, under the name that it is called by: what a link of that name
 * points at may do something else, as a virtual environment's Python does. */
char *path_stored_program(const char *folder, const char *path, struct error *error);
bool path_exists(const char *path);
bool path_empty_folder(const char *path);

#endif
