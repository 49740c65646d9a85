#include "terminal/palette.h"

struct colours {
    int true_colour;
    short of_256, of_8;
    uint8_t look_8, look_mono;
};

static const struct colours table[INK_COUNT] = {
    [INK_TEXT] = {-1, -1, -1, 0, 0},
    [INK_FAINT] = {0x8a8a8a, 245, -1, 0, 0},
    [INK_FRAME] = {0x767676, 243, -1, 0, 0},
    [INK_TITLE] = {-1, -1, -1, LOOK_BOLD, LOOK_BOLD},
    [INK_NOW] = {0xd55e00, 202, 1, LOOK_BOLD, LOOK_BOLD},
    [INK_ESTIMATE] = {0xcc79a7, 175, 5, 0, LOOK_UNDERLINE},
    [INK_FRONT] = {0x56b4e9, 38, 6, LOOK_BOLD, LOOK_BOLD},
    [INK_FAR] = {0x3a7ca5, 31, 6, 0, 0},
    [INK_DOMINATED] = {0x767676, 242, -1, 0, 0},
    [INK_GOOD] = {0x009e73, 36, 2, 0, 0},
    [INK_WARNING] = {0xe69f00, 172, 3, LOOK_BOLD, LOOK_BOLD},
    [INK_TASK + 0] = {0xe69f00, 172, 3, 0, 0},
    [INK_TASK + 1] = {0x56b4e9, 74, 6, 0, 0},
    [INK_TASK + 2] = {0x009e73, 36, 2, 0, 0},
    [INK_TASK + 3] = {0xcc79a7, 175, 5, 0, 0},
    [INK_TASK + 4] = {0x3a87c8, 32, 4, 0, 0},
    [INK_TASK + 5] = {0xd55e00, 166, 1, 0, 0},
    [INK_TASK + 6] = {0xb8a600, 142, 3, LOOK_BOLD, 0},
    [INK_TASK + 7] = {0x999999, 246, -1, 0, 0},
    [INK_SERIES + 0] = {0x009e73, 36, 2, 0, 0},
    [INK_SERIES + 1] = {0xe69f00, 172, 3, 0, 0},
    [INK_SERIES + 2] = {0xcc79a7, 175, 5, 0, 0},
    [INK_SERIES + 3] = {0x3a87c8, 32, 4, 0, 0},
    [INK_SERIES + 4] = {0xb8a600, 142, 3, 0, 0},
    [INK_SERIES + 5] = {-1, -1, -1, 0, 0},
};

int palette_colour(enum ink ink, enum depth depth) {
    switch (depth) {
    case DEPTH_TRUE:
        return table[ink].true_colour;
    case DEPTH_256:
        return table[ink].of_256;
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

enum ink palette_task(size_t task) {
    return (enum ink)(INK_TASK + task % TASK_INKS);
}

static const struct marks unicode = {
    .utf8 = true,
    .mark = {[MARK_NOW] = L'◆',
             [MARK_ESTIMATE] = L'◇',
             [MARK_FRONT] = L'•',
             [MARK_DOMINATED] = L'·',
             [MARK_KNEE] = L'◉',
             [MARK_BOOKMARK] = L'†',
             [MARK_PRETRAINED] = L'○',
             [MARK_STL] = L'▲',
             [MARK_AVERAGE] = L'■',
             [MARK_ARITHMETIC] = L'×',
             [MARK_TIES] = L'+',
             [MARK_FISHER] = L'▽',
             [MARK_REGMEAN] = L'□',
             [MARK_TRAINED] = L'★',
             [MARK_OTHER] = L'▪'},
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
    .mark = {[MARK_NOW] = L'@',
             [MARK_ESTIMATE] = L'?',
             [MARK_FRONT] = L'o',
             [MARK_DOMINATED] = L'.',
             [MARK_KNEE] = L'K',
             [MARK_BOOKMARK] = L'b',
             [MARK_PRETRAINED] = L'P',
             [MARK_STL] = L'S',
             [MARK_AVERAGE] = L'A',
             [MARK_ARITHMETIC] = L'x',
             [MARK_TIES] = L'+',
             [MARK_FISHER] = L'F',
             [MARK_REGMEAN] = L'R',
             [MARK_TRAINED] = L'*',
             [MARK_OTHER] = L'#'},
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
