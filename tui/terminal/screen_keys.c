#define _GNU_SOURCE
#include "terminal/screen_keys.h"

#include <ncurses.h>
#include <time.h>

/* Codes of our own for sequences that ncurses does not know everywhere. */
enum {
    CODE_SGR_MOUSE = 0x4000,
    CODE_SHIFT_UP,
    CODE_SHIFT_DOWN,
    CODE_SHIFT_RIGHT,
    CODE_SHIFT_LEFT,
    CODE_UP,
    CODE_DOWN,
    CODE_RIGHT,
    CODE_LEFT,
    CODE_PASTE_BEGINS,
    CODE_PASTE_ENDS
};

static bool pasting; /* between the marks of a paste */

/* ncurses knows some of these from the terminal's description; a sequence has one
 * meaning, so an earlier one is taken back. */
void screen_define_keys(void) {
    static const struct {
        const char *sequence;
        int code;
    } keys[] = {{"\033[<", CODE_SGR_MOUSE},     {"\033[1;2A", CODE_SHIFT_UP},
                {"\033[1;2B", CODE_SHIFT_DOWN}, {"\033[1;2C", CODE_SHIFT_RIGHT},
                {"\033[1;2D", CODE_SHIFT_LEFT}, {"\033[A", CODE_UP},
                {"\033[B", CODE_DOWN},          {"\033[C", CODE_RIGHT},
                {"\033[D", CODE_LEFT},          {"\033[200~", CODE_PASTE_BEGINS},
                {"\033[201~", CODE_PASTE_ENDS}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        define_key(keys[i].sequence, 0);
        define_key(keys[i].sequence, keys[i].code);
    }
}

void screen_keys_reset(void) {
    pasting = false;
}

/* The rest of "\033[<button;x;y" and M or m, the prefix being read. */
static struct screen_event read_mouse(void) {
    struct screen_event event = {.key = KEYS_NONE};
    int numbers[3] = {0}, at = 0, c = 0;
    timeout(20);
    for (int i = 0; i < 24; i++) {
        c = getch();
        if (c >= '0' && c <= '9' && numbers[at] < 100000)
            numbers[at] = numbers[at] * 10 + c - '0';
        else if (c == ';' && at < 2)
            at++;
        else
            break;
    }
    nodelay(stdscr, TRUE);
    if ((c != 'M' && c != 'm') || at != 2)
        return event;
    event.x = numbers[1] - 1;
    event.y = numbers[2] - 1;
    int button = numbers[0] & ~(4 | 8 | 16); /* without Shift, Meta, Control */
    bool brush = button == 2 || button == 34 || numbers[0] & 16;
    if (button == 64 || button == 65)
        event.mouse = button == 64 ? MOUSE_WHEEL_UP : MOUSE_WHEEL_DOWN;
    else if (button == 32 || button == 34)
        event.mouse = brush ? MOUSE_BRUSH_DRAG : MOUSE_DRAG;
    else if (button == 0 || button == 2)
        event.mouse = brush      ? c == 'M' ? MOUSE_BRUSH : MOUSE_BRUSH_RELEASE
                      : c == 'M' ? MOUSE_PRESS
                                 : MOUSE_RELEASE;
    else
        return event;
    event.key = KEYS_MOUSE;
    return event;
}

static int key_of_code(wint_t code) {
    static const struct {
        int code, key;
    } codes[] = {
        {KEY_UP, KEYS_UP},
        {KEY_DOWN, KEYS_DOWN},
        {KEY_LEFT, KEYS_LEFT},
        {KEY_RIGHT, KEYS_RIGHT},
        {KEY_SR, KEYS_SHIFT_UP},
        {KEY_SF, KEYS_SHIFT_DOWN},
        {KEY_SLEFT, KEYS_SHIFT_LEFT},
        {KEY_SRIGHT, KEYS_SHIFT_RIGHT},
        {CODE_UP, KEYS_UP},
        {CODE_DOWN, KEYS_DOWN},
        {CODE_RIGHT, KEYS_RIGHT},
        {CODE_LEFT, KEYS_LEFT},
        {CODE_SHIFT_UP, KEYS_SHIFT_UP},
        {CODE_SHIFT_DOWN, KEYS_SHIFT_DOWN},
        {CODE_SHIFT_LEFT, KEYS_SHIFT_LEFT},
        {CODE_SHIFT_RIGHT, KEYS_SHIFT_RIGHT},
        {KEY_PPAGE, KEYS_PAGE_UP},
        {KEY_NPAGE, KEYS_PAGE_DOWN},
        {KEY_HOME, KEYS_HOME},
        {KEY_END, KEYS_END},
        {KEY_BTAB, KEYS_BACK_TAB},
        {KEY_ENTER, KEYS_ENTER},
        {KEY_BACKSPACE, KEYS_BACKSPACE},
        {KEY_DC, KEYS_DELETE},
        {KEY_RESIZE, KEYS_RESIZE},
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if ((wint_t)codes[i].code == code)
            return codes[i].key;
    /* Terminals number those with Shift on from the others. */
    if (code >= KEY_F(1) && code <= KEY_F(24))
        return (code <= KEY_F(12) ? KEYS_F1 : KEYS_SHIFT_F1 - 12) +
               (int)(code - KEY_F(1));
    return -1;
}

/* A terminal that never ends a paste takes nobody's keys away: after a second of
 * silence they are keys again. */
static bool is_pasted(void) {
    static struct timespec last;
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    if (time.tv_sec - last.tv_sec > 1)
        pasting = false;
    last = time;
    return pasting;
}

struct screen_event screen_event(void) {
    struct screen_event event = {.key = KEYS_NONE};
    for (;;) {
        wint_t code;
        int kind = get_wch(&code);
        if (kind == ERR)
            return event;
        event.pasted = is_pasted();
        if (kind == KEY_CODE_YES) {
            if (code == CODE_PASTE_BEGINS || code == CODE_PASTE_ENDS) {
                pasting = code == CODE_PASTE_BEGINS;
                continue;
            }
            event.pasted = event.pasted && code != KEY_RESIZE;
            if (event.pasted)
                continue; /* no text */
            if (code == CODE_SGR_MOUSE)
                event = read_mouse();
            else
                event.key = key_of_code(code);
            if (event.key > KEYS_NONE)
                return event;
            event.key = KEYS_NONE; /* a key that means nothing here */
            continue;
        }
        switch (code) {
        case '\t':
            event.key = KEYS_TAB;
            break;
        case '\r':
        case '\n':
            event.key = KEYS_ENTER;
            break;
        case 27:
            event.key = KEYS_ESCAPE;
            break;
        case 8:
        case 127:
            event.key = KEYS_BACKSPACE;
            break;
        case 0:
            continue;
        default:
            event.key = code < KEYS_FIRST ? (int)code : '?';
        }
        return event;
    }
}
