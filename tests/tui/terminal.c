#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/masks.h"
#include "../support/patience.h"
#include "terminal.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <vterm.h>

struct terminal {
    pid_t pid;
    int fd, status;
    bool ended;
    VTerm *vterm;
    VTermScreen *screen;
    bool alternate, cursor, echoes;
    int mouse;
    char *text;
    char *bytes;
    size_t count, capacity;
};

static int on_property(VTermProp property, VTermValue *value, void *user) {
    struct terminal *terminal = user;
    if (property == VTERM_PROP_ALTSCREEN)
        terminal->alternate = value->boolean;
    else if (property == VTERM_PROP_CURSORVISIBLE)
        terminal->cursor = value->boolean;
    else if (property == VTERM_PROP_MOUSE)
        terminal->mouse = value->number;
    return 1;
}

static const VTermScreenCallbacks callbacks = {.settermprop = on_property};

static void write_all(int fd, const char *bytes, size_t count) {
    while (count) {
        ssize_t written = write(fd, bytes, count);
        if (written < 0 && errno != EINTR)
            return;
        if (written > 0) {
            bytes += written;
            count -= (size_t)written;
        }
    }
}

/* What the emulator answers or encodes goes to the program. */
static void send_output(struct terminal *terminal) {
    char buffer[1024];
    size_t count;
    while ((count = vterm_output_read(terminal->vterm, buffer, sizeof buffer)) > 0)
        write_all(terminal->fd, buffer, count);
}

/* --- the child ----------------------------------------------------------------- */

/* Runs the program in a process group of its own and waits for it as a shell does. */
static void be_a_shell(const char *const *argv) {
    signal(SIGTTOU, SIG_IGN);
    pid_t job = fork();
    if (job == 0) {
        setpgid(0, 0);
        tcsetpgrp(STDIN_FILENO, getpid());
        signal(SIGTTOU, SIG_DFL);
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    setpgid(job, job);
    for (;;) {
        int status;
        if (waitpid(job, &status, WUNTRACED) < 0)
            _exit(126);
        if (!WIFSTOPPED(status))
            _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
        tcsetpgrp(STDIN_FILENO, getpgrp());
        write_all(STDOUT_FILENO, "stopped\r\n", 9);
        char c = 0;
        while (c != 'g' && read(STDIN_FILENO, &c, 1) == 1)
            ;
        tcsetpgrp(STDIN_FILENO, job);
        kill(-job, SIGCONT);
    }
}

static void be_the_child(const char *const *argv,
                         const struct terminal_options *options) {
    setenv("TERM", options->term ? options->term : "xterm-256color", 1);
    setenv("LC_ALL", options->lang ? options->lang : "C.UTF-8", 1);
    unsetenv("COLORTERM");
    unsetenv("NO_COLOR");
    unsetenv("LINES");
    unsetenv("COLUMNS");
    for (const char *const *pair = options->environment; pair && *pair; pair++)
        putenv((char *)*pair);
    signals_as_usual();
    if (options->job_control)
        be_a_shell(argv);
    execv(argv[0], (char *const *)argv);
    _exit(127);
}

struct terminal *terminal_start(const char *const *argv,
                                const struct terminal_options *options) {
    struct winsize size = {.ws_row = (unsigned short)options->height,
                           .ws_col = (unsigned short)options->width};
    struct terminal *terminal = calloc(1, sizeof *terminal);
    assert_non_null(terminal);
    terminal->cursor = true;
    terminal->vterm = vterm_new(options->height, options->width);
    vterm_set_utf8(terminal->vterm, true);
    terminal->screen = vterm_obtain_screen(terminal->vterm);
    vterm_screen_set_callbacks(terminal->screen, &callbacks, terminal);
    vterm_screen_enable_altscreen(terminal->screen, 1);
    vterm_screen_reset(terminal->screen, 1);
    terminal->pid = forkpty(&terminal->fd, NULL, NULL, &size);
    if (terminal->pid == 0)
        be_the_child(argv, options);
    assert_true(terminal->pid > 0);
    return terminal;
}

void terminal_close(struct terminal *terminal) {
    if (!terminal->ended) {
        kill(terminal->pid, SIGKILL);
        waitpid(terminal->pid, NULL, 0);
    }
    close(terminal->fd);
    vterm_free(terminal->vterm);
    free(terminal->text);
    free(terminal->bytes);
    free(terminal);
}

const char *terminal_program(void) {
    static char path[PATH_MAX];
    if (!path[0] && !realpath("pwemoe-explore", path))
        fail_msg("pwemoe-explore is not built here");
    return path;
}

struct terminal *terminal_explore(const char *file, int width, int height) {
    const char *argv[] = {terminal_program(), "--threads", "1", file, NULL};
    struct terminal_options options = {.width = width, .height = height};
    return terminal_start(argv, &options);
}

void terminal_quit(struct terminal *terminal) {
    terminal_type(terminal, "q");
    assert_int_equal(terminal_wait(terminal), 0);
    terminal_expect_restored(terminal);
    terminal_close(terminal);
}

/* --- reading ------------------------------------------------------------------- */

/* Is a frame begun and not ended? */
static bool in_frame(const struct terminal *terminal) {
    static const char begins[] = "\033[?2026h";
    static const size_t size = sizeof begins - 1;
    for (size_t at = terminal->count; at >= size; at--) {
        const char *mark = terminal->bytes + at - size;
        if (!memcmp(mark, begins, size - 1) &&
            (mark[size - 1] == 'h' || mark[size - 1] == 'l'))
            return mark[size - 1] == 'h';
    }
    return false;
}

/* One read of at most so many milliseconds; false where nothing came. */
static bool read_some(struct terminal *terminal, int milliseconds) {
    struct pollfd poll_fd = {terminal->fd, POLLIN, 0};
    char buffer[65536];
    if (poll(&poll_fd, 1, milliseconds) <= 0)
        return false;
    ssize_t count = read(terminal->fd, buffer, sizeof buffer);
    if (count <= 0)
        return false;
    if (terminal->count + (size_t)count > terminal->capacity) {
        terminal->capacity = 2 * (terminal->count + (size_t)count);
        terminal->bytes = realloc(terminal->bytes, terminal->capacity);
        assert_non_null(terminal->bytes);
    }
    memcpy(terminal->bytes + terminal->count, buffer, (size_t)count);
    terminal->count += (size_t)count;
    vterm_input_write(terminal->vterm, buffer, (size_t)count);
    send_output(terminal);
    return true;
}

/* Reads what comes within so many milliseconds, to the end of the frame; false where
 * nothing came. */
static bool pump(struct terminal *terminal, int milliseconds) {
    bool any = read_some(terminal, milliseconds);
    while (any && in_frame(terminal) && read_some(terminal, 1000 * PATIENCE))
        ;
    return any;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void terminal_settle(struct terminal *terminal, int milliseconds) {
    while (pump(terminal, milliseconds))
        ;
}

const char *terminal_screen(struct terminal *terminal) {
    int rows, columns;
    size_t used = 0;
    vterm_get_size(terminal->vterm, &rows, &columns);
    terminal->text =
        realloc(terminal->text, (size_t)rows * ((size_t)columns * 24 + 1) + 1);
    assert_non_null(terminal->text);
    for (int row = 0; row < rows; row++) {
        VTermRect line = {row, row + 1, 0, columns};
        used += vterm_screen_get_text(terminal->screen, terminal->text + used,
                                      (size_t)columns * 24, line);
        terminal->text[used++] = '\n';
    }
    terminal->text[used] = '\0';
    return terminal->text;
}

bool terminal_shows(struct terminal *terminal, const char *text) {
    return strstr(terminal_screen(terminal), text) != NULL;
}

/* cmocka cuts a long message. */
static void fail_on(struct terminal *terminal, const char *text, const char *what) {
    fprintf(stderr, "%s", terminal_screen(terminal));
    fail_msg("\"%s\" %s on the screen above", text, what);
}

/* Reads until a condition of the screen holds. */
#define AWAIT(terminal, condition, text, what)           \
    for (double until = now() + PATIENCE; !(condition);) \
        if (!pump(terminal, 100) && now() > until)       \
    fail_on(terminal, text, what)

void terminal_expect(struct terminal *terminal, const char *text) {
    AWAIT(terminal, terminal_shows(terminal, text), text, "is not");
}

void terminal_expect_gone(struct terminal *terminal, const char *text) {
    AWAIT(terminal, !terminal_shows(terminal, text), text, "stays");
}

static bool find(struct terminal *terminal, const char *text, int *x, int *y) {
    int rows, columns;
    vterm_get_size(terminal->vterm, &rows, &columns);
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column++) {
            char buffer[1024];
            VTermRect rest = {row, row + 1, column, columns};
            size_t size = vterm_screen_get_text(terminal->screen, buffer,
                                                sizeof buffer - 1, rest);
            buffer[size] = '\0';
            if (!strncmp(buffer, text, strlen(text))) {
                *x = column;
                *y = row;
                return true;
            }
        }
    return false;
}

void terminal_locate(struct terminal *terminal, const char *text, int *x, int *y) {
    AWAIT(terminal, find(terminal, text, x, y), text, "is not");
}

void terminal_expect_moved(struct terminal *terminal, const char *text, int x) {
    int now_x = x, y;
    AWAIT(terminal, find(terminal, text, &now_x, &y) && now_x != x, text, "rests");
}

void terminal_expect_change(struct terminal *terminal, const char *screen) {
    AWAIT(terminal, strcmp(terminal_screen(terminal), screen), "nothing", "changes");
}

void terminal_expect_bytes(struct terminal *terminal, size_t count) {
    AWAIT(terminal, terminal->count >= count, "too little", "is written");
}

const char *terminal_bytes(struct terminal *terminal, size_t *count) {
    *count = terminal->count;
    return terminal->bytes;
}

/* --- what a person does ----------------------------------------------------------- */

void terminal_type(struct terminal *terminal, const char *bytes) {
    write_all(terminal->fd, bytes, strlen(bytes));
}

void terminal_point(struct terminal *terminal, enum terminal_pointer what, int x,
                    int y) {
    vterm_mouse_move(terminal->vterm, y, x, VTERM_MOD_NONE);
    if (what != POINT_MOVE)
        vterm_mouse_button(terminal->vterm, 1, what == POINT_PRESS, VTERM_MOD_NONE);
    send_output(terminal);
}

void terminal_paste(struct terminal *terminal, const char *text) {
    vterm_keyboard_start_paste(terminal->vterm);
    send_output(terminal);
    terminal_type(terminal, text);
    vterm_keyboard_end_paste(terminal->vterm);
    send_output(terminal);
}

void terminal_resize(struct terminal *terminal, int width, int height) {
    struct winsize size = {.ws_row = (unsigned short)height,
                           .ws_col = (unsigned short)width};
    vterm_set_size(terminal->vterm, height, width);
    ioctl(terminal->fd, TIOCSWINSZ, &size);
}

void terminal_set_size(struct terminal *terminal, const struct winsize *size) {
    ioctl(terminal->fd, TIOCSWINSZ, size);
}

void terminal_signal(struct terminal *terminal, int signal) {
    kill(terminal->pid, signal);
}

pid_t terminal_pid(const struct terminal *terminal) {
    return terminal->pid;
}

int terminal_wait(struct terminal *terminal) {
    double until = now() + PATIENCE;
    while (!terminal->ended) {
        pump(terminal, 20);
        pid_t done = waitpid(terminal->pid, &terminal->status, WNOHANG);
        terminal->ended = done == terminal->pid;
        if (!terminal->ended && now() > until)
            fail_msg("the program does not end:\n%s", terminal_screen(terminal));
    }
    terminal_settle(terminal, 0);
    return WIFEXITED(terminal->status) ? WEXITSTATUS(terminal->status)
                                       : 128 + WTERMSIG(terminal->status);
}

static bool echoes(struct terminal *terminal) {
    struct termios termios;
    return tcgetattr(terminal->fd, &termios) == 0 && termios.c_lflag & ECHO &&
           termios.c_lflag & ICANON;
}

bool terminal_mode(struct terminal *terminal, enum terminal_mode mode) {
    switch (mode) {
    case MODE_ALTERNATE:
        return terminal->alternate;
    case MODE_CURSOR:
        return terminal->cursor;
    case MODE_MOUSE:
        return terminal->mouse != VTERM_PROP_MOUSE_NONE;
    case MODE_ECHO:
        return echoes(terminal);
    }
    return false;
}

static void expect_mode(struct terminal *terminal, enum terminal_mode mode, bool set) {
    static const char *const names[] = {"the alternate screen", "the cursor",
                                        "the mouse", "echo"};
    AWAIT(terminal, terminal_mode(terminal, mode) == set, names[mode],
          set ? "is off" : "is on");
}

void terminal_expect_taken(struct terminal *terminal) {
    expect_mode(terminal, MODE_ALTERNATE, true);
    expect_mode(terminal, MODE_CURSOR, false);
    expect_mode(terminal, MODE_MOUSE, true);
    expect_mode(terminal, MODE_ECHO, false);
}

void terminal_expect_restored(struct terminal *terminal) {
    expect_mode(terminal, MODE_ALTERNATE, false);
    expect_mode(terminal, MODE_CURSOR, true);
    expect_mode(terminal, MODE_MOUSE, false);
    expect_mode(terminal, MODE_ECHO, true);
}

bool terminal_coloured(struct terminal *terminal, int x, int y) {
    VTermScreenCell cell;
    VTermPos position = {y, x};
    if (!vterm_screen_get_cell(terminal->screen, position, &cell))
        return false;
    return !VTERM_COLOR_IS_DEFAULT_FG(&cell.fg);
}
