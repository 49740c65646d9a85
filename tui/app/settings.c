#include "app/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/actions.h"
#include "base/file.h"
#include "base/memory.h"
#include "terminal/key_names.h"

char *settings_path(void) {
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (config && config[0] == '/')
        return text_format("%s/pwemoe/explore.conf", config);
    return home && home[0] == '/' ? text_format("%s/.config/pwemoe/explore.conf", home)
                                  : NULL;
}

/* A word between blanks, cut out in place. */
static char *trim(char *text) {
    size_t length;
    text += strspn(text, " \t");
    for (length = strlen(text); length && strchr(" \t\r", text[length - 1]);)
        text[--length] = '\0';
    return text;
}

static int set_mouse(const char *value, struct settings *settings,
                     struct error *error) {
    settings->no_mouse = !strcmp(value, "off");
    return settings->no_mouse || !strcmp(value, "on")
               ? 0
               : error_set(error, "mouse is on or off, not \"%s\"",
                           TEXT_CUT(value, 40));
}

static int set_theme(const char *value, struct settings *settings,
                     struct error *error) {
    settings->no_colour = !strcmp(value, "none");
    settings->theme = !strcmp(value, "light")           ? THEME_LIGHT
                      : !strcmp(value, "high-contrast") ? THEME_CONTRAST
                                                        : THEME_DARK;
    /* The dark theme's colours are told apart by the colour-blind, too. */
    return settings->no_colour || settings->theme != THEME_DARK ||
                   !strcmp(value, "dark") || !strcmp(value, "colour-blind")
               ? 0
               : error_set(error,
                           "theme is dark, light, high-contrast, colour-blind or none, "
                           "not \"%s\"",
                           TEXT_CUT(value, 40));
}

static int set_key(const char *name, const char *value, struct settings *settings,
                   struct error *error) {
    struct key_map *keys = &settings->keys;
    int from = key_named(name), to = key_named(value), nth;
    if (!from || !to)
        return error_set(error,
                         "there is no key \"%s\"; keys are named as Enter, "
                         "Shift-Left, Ctrl-N or g",
                         TEXT_CUT(from ? value : name, 40));
    if (!action_of_key(to, &nth))
        return error_set(error, "the key %s has no action that %s could take",
                         TEXT_CUT(value, 40), TEXT_CUT(name, 40));
    for (size_t i = 0; i < keys->count; i++)
        if (keys->from[i] == from)
            return error_set(error, "the key %s is set twice", TEXT_CUT(name, 40));
    if (keys->count == KEY_MAP_MOST)
        return error_set(error, "more than %d keys", KEY_MAP_MOST);
    keys->from[keys->count] = from;
    keys->to[keys->count++] = to;
    return 0;
}

/* The sign is looked for behind the key's name, which may be "=" itself. */
static int take_line(char *line, struct settings *settings, struct error *error) {
    bool key = !strncmp(line, "key ", 4);
    char *name = key ? trim(line + 4) : line;
    char *sign = *name ? strchr(name + 1, '=') : NULL;
    if (!sign)
        return error_set(error, "write as: mouse = off, theme = light, key g = Enter");
    *sign = '\0';
    char *value = trim(sign + 1);
    name = trim(name);
    if (key)
        return set_key(name, value, settings, error);
    if (!strcmp(name, "mouse"))
        return set_mouse(value, settings, error);
    if (!strcmp(name, "theme"))
        return set_theme(value, settings, error);
    return error_set(error,
                     "unknown setting \"%s\"; the settings are mouse, theme and key",
                     TEXT_CUT(name, 40));
}

int settings_read(const char *path, struct settings *settings, struct error *error) {
    enum { MOST = 1 << 16 };
    char *bytes;
    size_t size, number = 0;
    *settings = (struct settings){.theme = THEME_DARK};
    if (access(path, F_OK))
        return 0;
    if (file_read(path, MOST, &bytes, &size, error))
        return -1;
    bytes[size] = '\0';
    int failed = 0;
    for (char *line = bytes; !failed && line && *line;) {
        char *end = strchr(line, '\n');
        number++;
        if (end)
            *end = '\0';
        line = trim(line);
        if (*line && *line != '#' && (failed = take_line(line, settings, error)))
            error_prefix(error, "%s: line %zu", path, number);
        line = end ? end + 1 : NULL;
    }
    free(bytes);
    return failed;
}
