/* Keys by name, as help, scripts and settings write them: "Enter", "Shift-Left",
 * "Ctrl-L", "Space", and a character as itself. */
#ifndef PWEMOE_TUI_TERMINAL_KEY_NAMES_H
#define PWEMOE_TUI_TERMINAL_KEY_NAMES_H

#include <stddef.h>

#include "terminal/keys.h"

/* The key of a name (UTF-8), or KEYS_NONE. */
int key_named(const char *name);
/* The name of a key; out, at least 16 bytes. */
char *key_name(int key, char *out, size_t size);

#endif
