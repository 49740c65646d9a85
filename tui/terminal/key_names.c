#include "terminal/key_names.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    int key;
} names[] = {{"Up", KEYS_UP},
             {"Down", KEYS_DOWN},
             {"Left", KEYS_LEFT},
             {"Right", KEYS_RIGHT},
             {"Shift-Up", KEYS_SHIFT_UP},
             {"Shift-Down", KEYS_SHIFT_DOWN},
             {"Shift-Left", KEYS_SHIFT_LEFT},
             {"Shift-Right", KEYS_SHIFT_RIGHT},
             {"PgUp", KEYS_PAGE_UP},
             {"PgDn", KEYS_PAGE_DOWN},
             {"Home", KEYS_HOME},
             {"End", KEYS_END},
             {"Tab", KEYS_TAB},
             {"Shift-Tab", KEYS_BACK_TAB},
             {"Enter", KEYS_ENTER},
             {"Esc", KEYS_ESCAPE},
             {"Backspace", KEYS_BACKSPACE},
             {"Delete", KEYS_DELETE},
             {"Space", ' '}};

/* The character that all of text is, or KEYS_NONE. */
static int one_character(const char *text) {
    const unsigned char *p = (const unsigned char *)text;
    unsigned more = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
    int value = *p < 0x80 ? *p : *p & (0x3f >> more);
    if (*p < 0x20 || *p == 0x7f || (*p >= 0x80 && *p < 0xc2) || *p > 0xf4)
        return KEYS_NONE;
    for (unsigned i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return KEYS_NONE;
        value = value << 6 | (p[i] & 0x3f);
    }
    return p[more + 1] || value >= KEYS_FIRST ? KEYS_NONE : value;
}

/* Ctrl-A to Ctrl-Z, Ctrl-\\, Ctrl-], Ctrl-^ and Ctrl-_. Terminals send the same for
 * Ctrl-I and Tab, and so on. */
static int control_key(const char *name) {
    if (strncasecmp(name, "Ctrl-", 5) != 0 || !name[5] || name[6])
        return KEYS_NONE;
    int letter = toupper((unsigned char)name[5]);
    if (letter < 'A' || letter > '_')
        return KEYS_NONE;
    switch (letter) {
    case 'H':
        return KEYS_BACKSPACE;
    case 'I':
        return KEYS_TAB;
    case 'J':
    case 'M':
        return KEYS_ENTER;
    case '[':
        return KEYS_ESCAPE;
    default:
        return letter - '@';
    }
}

/* F1 to F12, also with Shift. */
static int function_key(const char *name) {
    bool shift = !strncasecmp(name, "Shift-", 6);
    int number, length = 0;
    name += shift ? 6 : 0;
    if ((*name != 'F' && *name != 'f') || name[1] < '1' || name[1] > '9' ||
        sscanf(name + 1, "%2d%n", &number, &length) != 1 || name[1 + length] ||
        number > 12)
        return KEYS_NONE;
    return (shift ? KEYS_SHIFT_F1 : KEYS_F1) + number - 1;
}

int key_named(const char *name) {
    int key = function_key(name);
    if (!key)
        key = control_key(name);
    if (key)
        return key;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcasecmp(names[i].name, name))
            return names[i].key;
    return one_character(name);
}

char *key_name(int key, char *out, size_t size) {
    if (key >= KEYS_F1 && key <= KEYS_SHIFT_F12) {
        bool shift = key >= KEYS_SHIFT_F1;
        snprintf(out, size, "%sF%d", shift ? "Shift-" : "",
                 key - (shift ? KEYS_SHIFT_F1 : KEYS_F1) + 1);
        return out;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].key == key) {
            snprintf(out, size, "%s", names[i].name);
            return out;
        }
    unsigned u = (unsigned)key;
    if (u < 0x20)
        snprintf(out, size, "Ctrl-%c", (char)(u + '@'));
    else if (u < 0x80)
        snprintf(out, size, "%c", (char)u);
    else if (u < 0x800)
        snprintf(out, size, "%c%c", (char)(0xc0 | u >> 6), (char)(0x80 | (u & 0x3f)));
    else if (u < 0x10000)
        snprintf(out, size, "%c%c%c", (char)(0xe0 | u >> 12),
                 (char)(0x80 | (u >> 6 & 0x3f)), (char)(0x80 | (u & 0x3f)));
    else
        snprintf(out, size, "%c%c%c%c", (char)(0xf0 | u >> 18),
                 (char)(0x80 | (u >> 12 & 0x3f)), (char)(0x80 | (u >> 6 & 0x3f)),
                 (char)(0x80 | (u & 0x3f)));
    return out;
}
