/* Settings that a person has made once for all sessions:
 * $XDG_CONFIG_HOME/pwemoe/explore.conf, or
 * ~/.config/pwemoe/explore.conf. One setting a line, # begins a remark:
 *
 *     mouse = off
 *     theme = light          dark, light or none (no colours)
 *     key g = Enter          g does what Enter usually does
 */
#ifndef PWEMOE_TUI_APP_SETTINGS_H
#define PWEMOE_TUI_APP_SETTINGS_H

#include <stdbool.h>

#include "app/app.h"
#include "base/error.h"
#include "terminal/palette.h"

struct settings {
    bool no_mouse, no_colour;
    enum theme theme;
    struct key_map keys;
};

/* Where the file would be; free(); NULL where there is no such place. */
char *settings_path(void);
/* A file that is not there has no settings. An error names file, line and word. */
int settings_read(const char *path, struct settings *settings, struct error *error);

#endif
