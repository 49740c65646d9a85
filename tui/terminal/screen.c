#define _GNU_SOURCE
#include "terminal/screen.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "terminal/links.h"
#include "terminal/restore.h"

/* Button events with motion while a button is held, in SGR coordinates. */
static const char mouse_on[] = "\033[?1002h\033[?1006h";
static const char mouse_off[] = "\033[?1006l\033[?1002l";

/* Bracketed paste: what is pasted comes between two marks, so that it presses no keys.
 */
static const char paste_on[] = "\033[?2004h", paste_off[] = "\033[?2004l";

/* Synchronised output: the terminal shows a frame when it has all of it. Those that do
 * not know the mode ignore it. */
static const char frame_begins[] = "\033[?2026h", frame_ends[] = "\033[?2026l";

enum { SCREEN_LARGEST = 4096 };

static struct {
    bool started, colour, mouse_possible, mouse;
    enum depth depth;
    SCREEN *handle;
    pthread_t thread; /* the loop's */
    sigset_t before;  /* signals blocked before the screen was started */
    void (*ncurses_resizes)(int);
    /* The links of the last frame, by links_mark. */
    uint64_t links[CANVAS_LINKS];
    size_t linked;
} screen;

const int screen_signals[] = {RESTORE_SIGNALS, SIGTSTP, SIGCONT, SIGWINCH, 0};

static volatile sig_atomic_t stopping, continued;

/* Where the program could not be started again (start.h), threads that libraries made
 * before main() have nothing blocked. A signal given to one of them is sent on to the
 * loop's thread, which would not wake up otherwise. */
static bool sent_on(int signal) {
    if (pthread_equal(pthread_self(), screen.thread))
        return false;
    pthread_kill(screen.thread, signal);
    return true;
}

static void on_stop(int signal) {
    if (!sent_on(signal))
        stopping = 1;
}

static void on_continue(int signal) {
    if (!sent_on(signal))
        continued = 1;
}

/* ncurses counts rows and columns in 16 bits with a sign and ends in the middle of
 * them; a terminal that says it is larger than any is left at what it was. */
static bool is_sane_size(void) {
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ||
           (size.ws_row <= SCREEN_LARGEST && size.ws_col <= SCREEN_LARGEST);
}

static void on_resize(int signal) {
    if (!sent_on(signal) && is_sane_size())
        screen.ncurses_resizes(signal);
}

static void handle(int signal, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

/* ncurses has put its handler in place, and keeps it until the program ends. */
static void take_resizes(void) {
    struct sigaction action;
    sigaction(SIGWINCH, NULL, &action);
    if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN ||
        action.sa_handler == on_resize)
        return;
    screen.ncurses_resizes = action.sa_handler;
    handle(SIGWINCH, on_resize, 0);
}

/* Signals that the loop takes in screen_wait alone. */
static void block_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; screen_signals[i]; i++)
        sigaddset(&set, screen_signals[i]);
    pthread_sigmask(SIG_BLOCK, &set, &screen.before);
}

int screen_wait(struct pollfd *fds, unsigned count, int milliseconds) {
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    struct pollfd all[4];
    if (count >= sizeof all / sizeof *all) {
        errno = EINVAL;
        return -1;
    }
    memcpy(all, fds, count * sizeof *all);
    all[count] = (struct pollfd){restore_fd(), POLLIN, 0};
    int ready = ppoll(all, count + 1, milliseconds < 0 ? NULL : &time, &screen.before);
    if (ready > 0)
        memcpy(fds, all, count * sizeof *all);
    return ready;
}

struct restore_bytes {
    char text[256];
    size_t size;
};

/* Appends a terminfo string without its padding ("$<5>"). */
static void restore_add(struct restore_bytes *bytes, const char *text) {
    for (const char *p = text; text && text != (char *)-1 && *p; p++) {
        if (p[0] == '$' && p[1] == '<') {
            const char *end = strchr(p, '>');
            if (end) {
                p = end;
                continue;
            }
        }
        if (bytes->size < sizeof bytes->text)
            bytes->text[bytes->size++] = *p;
    }
}

static void prepare_restore(void) {
    struct restore_bytes bytes = {.size = 0};
    restore_add(&bytes, screen.mouse_possible ? frame_ends : "");
    restore_add(&bytes, screen.mouse_possible ? mouse_off : "");
    restore_add(&bytes, screen.mouse_possible ? paste_off : "");
    restore_add(&bytes, exit_attribute_mode);
    restore_add(&bytes, keypad_local);
    restore_add(&bytes, exit_ca_mode);
    restore_add(&bytes, cursor_normal);
    restore_add(&bytes, "\r\n");
    restore_write(bytes.text, bytes.size);
}

static short colour_of(enum ink ink) {
    return (short)palette_colour(ink, screen.depth);
}

static void start_colour(bool no_colour) {
    screen.depth = DEPTH_MONO;
    screen.colour = false;
    if (no_colour || !has_colors() || start_color() == ERR)
        return;
    bool own = use_default_colors() == OK;
    screen.depth = COLORS >= 1 << 24 ? DEPTH_TRUE : COLORS >= 256 ? DEPTH_256 : DEPTH_8;
    if (COLOR_PAIRS <= INK_COUNT || COLORS < 8) {
        screen.depth = DEPTH_MONO;
        return;
    }
    screen.colour = true;
    for (int ink = 0; ink < INK_COUNT; ink++) {
        int colour = screen.depth == DEPTH_TRUE
                         ? palette_colour((enum ink)ink, DEPTH_TRUE)
                         : colour_of((enum ink)ink);
        if (colour < 0 && !own)
            colour = COLOR_WHITE;
        if (screen.depth == DEPTH_TRUE)
            init_extended_pair(ink + 1, colour, own ? -1 : COLOR_BLACK);
        else
            init_pair((short)(ink + 1), (short)colour, own ? -1 : COLOR_BLACK);
    }
}

/* Descriptions with direct colour put colons between its numbers, as the standard has
 * them, which mosh and others do not read; all that know direct colour read semicolons.
 * "38:2::r:g:b" with semicolons, in the string that ncurses itself holds: it becomes no
 * longer. */
static void use_semicolons(const char *capability) {
    char *text = tigetstr(capability), *out = text;
    if (!text || text == (char *)-1)
        return;
    for (const char *p = text; *p; p++) {
        *out++ = *p == ':' ? ';' : *p;
        if (p[0] == ':' && p[1] == ':')
            p++; /* the colour space, which semicolons have no place for */
    }
    *out = '\0';
}

/* A description with direct colour, where the terminal says that it has it and one
 * is installed; the palette of the terminal is never changed. GNU screen does not pass
 * such colours on, though the variable may come through it. */
static SCREEN *new_terminal(void) {
    const char *term = getenv("TERM"), *colour = getenv("COLORTERM");
    char direct[64];
    bool direct_colour =
        colour && (!strcmp(colour, "truecolor") || !strcmp(colour, "24bit"));
    if (term && direct_colour && strncmp(term, "screen", 6) != 0) {
        size_t base = strcspn(term, "-");
        if (base < 40) {
            snprintf(direct, sizeof direct, "%.*s-direct", (int)base, term);
            SCREEN *made = newterm(direct, stdout, stdin);
            if (made) {
                use_semicolons("setaf");
                use_semicolons("setab");
                return made;
            }
        }
    }
    return newterm(NULL, stdout, stdin);
}

static void put(const char *text) {
    fputs(text, stdout);
    fflush(stdout);
}

/* Like the frames' marks, not for older terminals. */
static void mark_pastes(bool on) {
    if (screen.mouse_possible)
        put(on ? paste_on : paste_off);
    screen_keys_reset();
}

int screen_start(const struct screen_options *options, struct error *error) {
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return error_set(error, "no terminal here; --snapshot 120x40 prints one frame");
    const char *term = getenv("TERM");
    int state;
    if (setupterm(NULL, STDOUT_FILENO, &state) != OK)
        return error_set(error,
                         "TERM is \"%s\", which is unknown here; set it, or use "
                         "--snapshot 120x40",
                         term ? term : "");
    if (!cursor_address)
        return error_set(error,
                         "a terminal of TERM \"%s\" cannot place its cursor; use "
                         "--snapshot 120x40",
                         term ? term : "");
    if (!is_sane_size()) {
        del_curterm(cur_term);
        return error_set(error,
                         "the terminal says that it has more than %d rows or columns; "
                         "make it smaller, or use --snapshot 120x40",
                         SCREEN_LARGEST);
    }
    const char *mouse = tigetstr("kmous");
    screen.mouse_possible = mouse && mouse != (char *)-1;
    del_curterm(cur_term); /* newterm makes its own */

    if (restore_start(error))
        return -1;
    screen.thread = pthread_self();
    /* Ours before initialisation: ncurses takes only signals nobody handles. */
    handle(SIGTSTP, on_stop, 0);
    handle(SIGCONT, on_continue, 0);
    screen.handle = new_terminal();
    if (!screen.handle)
        return error_set(error, "the terminal (TERM \"%s\") could not be started",
                         term ? term : "");
    set_term(screen.handle);
    screen.started = true;
    take_resizes();
    block_signals();
    prepare_restore();
    restore_hold_stderr();
    cbreak();
    noecho();
    nonl();
    intrflush(stdscr, FALSE);
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(25);
    curs_set(0);
    start_colour(options->no_colour);
    screen_define_keys();
    screen_mouse(options->mouse);
    mark_pastes(true);
    return 0;
}

void screen_stop(void) {
    if (!screen.started)
        return;
    screen_mouse(false);
    mark_pastes(false);
    screen.started = false;
    curs_set(1);
    endwin();
    delscreen(screen.handle);
    screen.handle = NULL;
    restore_done();
    pthread_sigmask(SIG_SETMASK, &screen.before, NULL);
}

void screen_size(int *width, int *height) {
    getmaxyx(stdscr, *height, *width);
}

/* Writes what differs. Older terminals, those without a mouse, are spared the modes. */
static void show_frame(void) {
    if (screen.mouse_possible)
        put(frame_begins);
    refresh();
    if (screen.mouse_possible)
        put(frame_ends);
}

/* ncurses knows nothing of links: they are written over cells that are right already,
 * and stay until it writes to that row. */
static void show_links(const struct canvas *canvas) {
    char text[4096];
    size_t count = links_possible() ? canvas->link_count : 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t mark = links_mark(canvas, i);
        if (i >= screen.linked || mark != screen.links[i])
            put(links_text(canvas, i, text, sizeof text));
        screen.links[i] = mark;
    }
    screen.linked = count;
}

void screen_draw(const struct canvas *canvas) {
    attr_t looks[8];
    for (unsigned i = 0; i < 8; i++)
        looks[i] = (i & LOOK_BOLD ? A_BOLD : 0) | (i & LOOK_REVERSE ? A_REVERSE : 0) |
                   (i & LOOK_UNDERLINE ? A_UNDERLINE : 0);
    for (int y = 0; y < canvas->height; y++)
        for (int x = 0; x < canvas->width; x++) {
            const struct cell *cell = canvas_at(canvas, x, y);
            if (cell->width == 0)
                continue;
            wchar_t text[2] = {cell->c, 0};
            cchar_t character;
            unsigned look =
                cell->look | palette_look((enum ink)cell->ink, screen.depth);
            int pair = screen.colour ? cell->ink + 1 : 0;
            setcchar(&character, text, looks[look & 7], (short)pair, NULL);
            /* The last cell of the last row may be refused after it was written:
             * the cursor has nowhere to go. */
            mvadd_wch(y, x, &character);
        }
    show_frame();
    show_links(canvas);
}

void screen_redraw(void) {
    screen.linked = 0;
    clearok(curscr, TRUE);
}

void screen_mouse(bool on) {
    on = on && screen.mouse_possible;
    if (on != screen.mouse)
        put(on ? mouse_on : mouse_off);
    screen.mouse = on;
}

void screen_copy(const char *text) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = strlen(text);
    char bytes[5] = "";
    if (!screen.started || !screen.mouse_possible)
        return;
    put("\033]52;c;");
    for (size_t i = 0; i < length; i += 3) {
        size_t more = length - i;
        unsigned three = (unsigned)(unsigned char)text[i] << 16;
        three |= more > 1 ? (unsigned)(unsigned char)text[i + 1] << 8 : 0;
        three |= more > 2 ? (unsigned)(unsigned char)text[i + 2] : 0;
        bytes[0] = letters[three >> 18];
        bytes[1] = letters[three >> 12 & 63];
        bytes[2] = more > 1 ? letters[three >> 6 & 63] : '=';
        bytes[3] = more > 2 ? letters[three & 63] : '=';
        put(bytes);
    }
    put("\a");
}

bool screen_has_mouse(void) {
    return screen.mouse_possible;
}

bool screen_job_control(void) {
    if (stopping) {
        bool mouse = screen.mouse;
        stopping = 0;
        screen_mouse(false);
        mark_pastes(false);
        endwin();
        sigset_t blocked;
        handle(SIGTSTP, SIG_DFL, 0);
        raise(SIGTSTP);
        pthread_sigmask(SIG_SETMASK, &screen.before, &blocked); /* here it stops */
        pthread_sigmask(SIG_SETMASK, &blocked, NULL);
        handle(SIGTSTP, on_stop, 0);
        continued = 0;
        screen_mouse(mouse);
        mark_pastes(true);
        refresh();
        screen_redraw();
        return true;
    }
    if (continued) {
        /* Stopped by SIGSTOP: the shell has changed the terminal's settings. */
        continued = 0;
        reset_prog_mode();
        curs_set(0);
        if (screen.mouse)
            put(mouse_on);
        mark_pastes(true);
        screen_redraw();
        return true;
    }
    return false;
}

bool screen_utf8(void) {
    const char *term = getenv("TERM");
    bool console = isatty(STDOUT_FILENO) && term && strncmp(term, "linux", 5) == 0;
    return !console && !strcmp(nl_langinfo(CODESET), "UTF-8");
}
