#include "results/look.h"

#include <string.h>

static const struct {
    int screen, paper; /* paper 0: as on the screen */
} colours[INK_COUNT] = {
    [INK_TEXT] = {-1, 0x262626},
    [INK_FAINT] = {0x8a8a8a, 0},
    [INK_FRAME] = {0x767676, 0},
    [INK_TITLE] = {-1, 0x262626},
    [INK_NOW] = {0xd55e00, 0},
    [INK_ESTIMATE] = {0xcc79a7, 0},
    [INK_FRONT] = {0x56b4e9, 0x2b9ed8},
    [INK_FAR] = {0x3a7ca5, 0},
    [INK_DOMINATED] = {0x767676, 0},
    [INK_GOOD] = {0x009e73, 0},
    [INK_WARNING] = {0xe69f00, 0},
    [INK_TASK + 0] = {0xe69f00, 0},
    [INK_TASK + 1] = {0x56b4e9, 0},
    [INK_TASK + 2] = {0x009e73, 0},
    [INK_TASK + 3] = {0xcc79a7, 0},
    [INK_TASK + 4] = {0x3a87c8, 0x0063a8},
    [INK_TASK + 5] = {0xd55e00, 0},
    [INK_TASK + 6] = {0xb8a600, 0},
    [INK_TASK + 7] = {0x999999, 0},
    [INK_SERIES + 0] = {0x009e73, 0},
    [INK_SERIES + 1] = {0xe69f00, 0},
    [INK_SERIES + 2] = {0xcc79a7, 0},
    [INK_SERIES + 3] = {0x3a87c8, 0x0063a8},
    [INK_SERIES + 4] = {0xb8a600, 0},
    [INK_SERIES + 5] = {-1, 0x262626},
};

int look_on_screen(enum ink ink) {
    return colours[ink].screen;
}

int look_on_paper(enum ink ink) {
    return colours[ink].paper ? colours[ink].paper : colours[ink].screen;
}

const wchar_t look_unicode[MARK_COUNT] = {
    [MARK_NOW] = L'◆',        [MARK_ESTIMATE] = L'◇',   [MARK_FRONT] = L'•',
    [MARK_DOMINATED] = L'·',  [MARK_KNEE] = L'◉',       [MARK_BOOKMARK] = L'†',
    [MARK_PRETRAINED] = L'○', [MARK_STL] = L'▲',        [MARK_AVERAGE] = L'■',
    [MARK_ARITHMETIC] = L'×', [MARK_TIES] = L'+',       [MARK_FISHER] = L'▽',
    [MARK_REGMEAN] = L'□',    [MARK_TRAINED] = L'★',    [MARK_OTHER] = L'▪',
    [MARK_ANSWER + 0] = L'◦', [MARK_ANSWER + 1] = L'▸', [MARK_ANSWER + 2] = L'▾',
    [MARK_ANSWER + 3] = L'◂', [MARK_SPARE + 0] = L'►',  [MARK_SPARE + 1] = L'◄',
    [MARK_SPARE + 2] = L'▼',  [MARK_SPARE + 3] = L'☆',  [MARK_SPARE + 4] = L'▬',
    [MARK_SPARE + 5] = L'△',  [MARK_SPARE + 6] = L'☼',
};

const wchar_t look_ascii[MARK_COUNT] = {
    [MARK_NOW] = L'@',        [MARK_ESTIMATE] = L'?',   [MARK_FRONT] = L'o',
    [MARK_DOMINATED] = L'.',  [MARK_KNEE] = L'K',       [MARK_BOOKMARK] = L'b',
    [MARK_PRETRAINED] = L'P', [MARK_STL] = L'S',        [MARK_AVERAGE] = L'A',
    [MARK_ARITHMETIC] = L'x', [MARK_TIES] = L'+',       [MARK_FISHER] = L'F',
    [MARK_REGMEAN] = L'R',    [MARK_TRAINED] = L'*',    [MARK_OTHER] = L'#',
    [MARK_ANSWER + 0] = L'c', [MARK_ANSWER + 1] = L'n', [MARK_ANSWER + 2] = L'w',
    [MARK_ANSWER + 3] = L'u', [MARK_SPARE + 0] = L'D',  [MARK_SPARE + 1] = L'G',
    [MARK_SPARE + 2] = L'V',  [MARK_SPARE + 3] = L'T',  [MARK_SPARE + 4] = L'=',
    [MARK_SPARE + 5] = L'Y',  [MARK_SPARE + 6] = L'%',
};

enum mark look_place(size_t place) {
    static const enum mark marks[] = {MARK_FRONT, MARK_AVERAGE,   MARK_STL,
                                      MARK_NOW,   MARK_SPARE + 2, MARK_ARITHMETIC,
                                      MARK_TIES,  MARK_TRAINED};
    return marks[place % (sizeof marks / sizeof *marks)];
}

bool look_is_norm(const char *module) {
    return strstr(module, "norm");
}
