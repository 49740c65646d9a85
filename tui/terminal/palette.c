#include "terminal/palette.h"

struct colours {
    short of_256, of_8;
    uint8_t look_8, look_mono;
};

static const struct colours table[INK_COUNT] = {
    [INK_TEXT] = {-1, -1, 0, 0},
    [INK_FAINT] = {245, -1, 0, 0},
    [INK_FRAME] = {243, -1, 0, 0},
    [INK_TITLE] = {-1, -1, LOOK_BOLD, LOOK_BOLD},
    [INK_NOW] = {202, 1, LOOK_BOLD, LOOK_BOLD},
    [INK_ESTIMATE] = {175, 5, 0, LOOK_UNDERLINE},
    [INK_FRONT] = {38, 6, LOOK_BOLD, LOOK_BOLD},
    [INK_FAR] = {31, 6, 0, 0},
    [INK_DOMINATED] = {242, -1, 0, 0},
    [INK_GOOD] = {36, 2, 0, 0},
    [INK_WARNING] = {172, 3, LOOK_BOLD, LOOK_BOLD},
    [INK_TASK + 0] = {172, 3, 0, 0},
    [INK_TASK + 1] = {74, 6, 0, 0},
    [INK_TASK + 2] = {36, 2, 0, 0},
    [INK_TASK + 3] = {175, 5, 0, 0},
    [INK_TASK + 4] = {32, 4, 0, 0},
    [INK_TASK + 5] = {166, 1, 0, 0},
    [INK_TASK + 6] = {142, 3, LOOK_BOLD, 0},
    [INK_TASK + 7] = {246, -1, 0, 0},
    [INK_SERIES + 0] = {36, 2, 0, 0},
    [INK_SERIES + 1] = {172, 3, 0, 0},
    [INK_SERIES + 2] = {175, 5, 0, 0},
    [INK_SERIES + 3] = {32, 4, 0, 0},
    [INK_SERIES + 4] = {142, 3, 0, 0},
    [INK_SERIES + 5] = {-1, -1, 0, 0},
};

/* On black, each at least seven times as bright as that (WCAG 2, level AAA). */
static int in_contrast(enum ink ink) {
    static const int tasks[TASK_INKS] = {0xffd75f, 0x87d7ff, 0x5fffaf, 0xffafd7,
                                         0xafafff, 0xff9a3c, 0xffff87, 0xe4e4e4};
    static const int series[SERIES_INKS] = {0x5fffaf, 0xffd75f, 0xffafd7,
                                            0xafafff, 0xffff87, -1};
    if (ink >= INK_SERIES)
        return series[ink - INK_SERIES];
    if (ink >= INK_TASK)
        return tasks[ink - INK_TASK];
    switch (ink) {
    case INK_NOW:
        return 0xff9a3c;
    case INK_ESTIMATE:
        return 0xffafd7;
    case INK_FRONT:
    case INK_FAR:
        return 0x87d7ff;
    case INK_GOOD:
        return 0x5fffaf;
    case INK_WARNING:
        return 0xffd75f;
    default:
        return -1; /* nothing is faint */
    }
}

static enum theme shown = THEME_DARK;

void palette_theme(enum theme theme) {
    shown = theme;
}

/* The colour of the 6 x 6 x 6 cube of 256 that is nearest. */
static int of_cube(int colour) {
    int index = 16;
    if (colour < 0)
        return -1;
    for (int shift = 16, weight = 36; shift >= 0; shift -= 8, weight /= 6) {
        int value = colour >> shift & 255;
        index += weight * (value < 48 ? 0 : value < 115 ? 1 : (value - 35) / 40);
    }
    return index;
}

int palette_colour(enum ink ink, enum depth depth) {
    if (shown == THEME_CONTRAST && depth >= DEPTH_256)
        return depth == DEPTH_TRUE ? in_contrast(ink) : of_cube(in_contrast(ink));
    switch (depth) {
    case DEPTH_TRUE:
        return shown == THEME_LIGHT ? look_on_paper(ink) : look_on_screen(ink);
    case DEPTH_256:
        return shown == THEME_LIGHT ? of_cube(look_on_paper(ink)) : table[ink].of_256;
    case DEPTH_8:
        return table[ink].of_8;
    default:
        return -1;
    }
}

uint8_t palette_look(enum ink ink, enum depth depth) {
    if (depth == DEPTH_MONO)
        return table[ink].look_mono;
    if (depth == DEPTH_8)
        return table[ink].look_8;
    return ink == INK_NOW || ink == INK_TITLE ? LOOK_BOLD : LOOK_PLAIN;
}

static const struct marks unicode = {
    .utf8 = true,
    .mark = look_unicode,
    .horizontal = L'─',
    .vertical = L'│',
    .cross = L'┼',
    .corner = L'└',
    .ellipsis = L'…',
    .tick_left = L'├',
    .tick_right = L'┤',
    .track = L'─',
    .handle = L'◆',
    .lock = L'■',
    .full = L'█',
    .plus_minus = L'±',
    .arrow_up = L'▲',
    .arrow_down = L'▼',
    .chosen = L'▸',
    .on = L'●',
    .off = L'○',
};

static const struct marks ascii = {
    .utf8 = false,
    .mark = look_ascii,
    .horizontal = L'-',
    .vertical = L'|',
    .cross = L'+',
    .corner = L'+',
    .ellipsis = L'~',
    .tick_left = L'|',
    .tick_right = L'|',
    .track = L'-',
    .handle = L'@',
    .lock = L'#',
    .full = L'#',
    .plus_minus = L'~',
    .arrow_up = L'^',
    .arrow_down = L'v',
    .chosen = L'>',
    .on = L'x',
    .off = L' ',
};

const struct marks *palette_marks(bool utf8) {
    return utf8 ? &unicode : &ascii;
}
