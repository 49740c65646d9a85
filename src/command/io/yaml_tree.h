/* A YAML file as a tree of JSON values. */
#ifndef PWEMOE_COMMAND_IO_YAML_TREE_H
#define PWEMOE_COMMAND_IO_YAML_TREE_H

#include <jansson.h>

#include "base/error.h"

/* The one document of a file of at most 1 MB: mappings, sequences, and scalars, of
 * which plain ones that are numbers, true, false or null are that and all others are
 * texts. Aliases, tags, keys that are no scalars or stand twice, and what is nested
 * deeper than 32 are refused. json_decref; NULL with an error that names file and line.
 */
json_t *yaml_tree_read(const char *path, struct error *error);

#endif
