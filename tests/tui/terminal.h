/* A program in a pseudo-terminal with libvterm as the emulator: what it draws is
 * read from the emulated screen, what a person does goes in as bytes. Frames that the
 * program marks (private mode 2026) are seen whole. */
#ifndef TESTS_TUI_TERMINAL_H
#define TESTS_TUI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct terminal;

struct terminal_options {
    int width, height;
    const char *term;               /* NULL: xterm-256color */
    const char *lang;               /* NULL: C.UTF-8 */
    const char *const *environment; /* further NAME=VALUE, ended by NULL; or NULL */
    bool job_control; /* below a small shell that knows stopped jobs: when the program
                         stops it writes "stopped", and `g` lets it go on */
};

/* argv ended by NULL. Fails the test where the program cannot be started. */
struct terminal *terminal_start(const char *const *argv,
                                const struct terminal_options *options);
/* Ends the program where it still runs, and frees. */
void terminal_close(struct terminal *terminal);

/* pwemoe-explore as it was built here; a test that finds none fails. */
const char *terminal_program(void);
/* It with one thread on a file, in an xterm of that size. */
struct terminal *terminal_explore(const char *file, int width, int height);
/* q, its end without a complaint, and the terminal as it was. */
void terminal_quit(struct terminal *terminal);

void terminal_type(struct terminal *terminal, const char *bytes);
enum terminal_pointer { POINT_PRESS, POINT_MOVE, POINT_RELEASE };
/* A left-button event in the encoding the program asked for; nothing is sent where
 * it asked for none. */
void terminal_point(struct terminal *terminal, enum terminal_pointer what, int x,
                    int y);
/* Text as it is pasted: marked as such where the program asked for that. */
void terminal_paste(struct terminal *terminal, const char *text);
void terminal_resize(struct terminal *terminal, int width, int height);
struct winsize;
/* What the terminal says its size is; the emulator's stays. */
void terminal_set_size(struct terminal *terminal, const struct winsize *size);
void terminal_signal(struct terminal *terminal, int signal);
pid_t terminal_pid(const struct terminal *terminal);

/* Reads until text is on the screen (or is not), at most some seconds; fails the test
 * with the screen otherwise. */
void terminal_expect(struct terminal *terminal, const char *text);
void terminal_expect_gone(struct terminal *terminal, const char *text);
/* Likewise for the place of the first occurrence of text, which it gives. */
void terminal_locate(struct terminal *terminal, const char *text, int *x, int *y);
/* Likewise, until the first occurrence of text is in another column than x. */
void terminal_expect_moved(struct terminal *terminal, const char *text, int x);
/* Likewise, until the screen differs from one copied before. */
void terminal_expect_change(struct terminal *terminal, const char *screen);
/* Likewise, until so many bytes have been written in all. */
void terminal_expect_bytes(struct terminal *terminal, size_t count);
bool terminal_shows(struct terminal *terminal, const char *text);
/* Reads what comes within so many milliseconds of silence: for what must not come. A
 * loaded machine may be silent longer, so nothing that must come is waited for so. */
void terminal_settle(struct terminal *terminal, int milliseconds);
/* The screen as lines of UTF-8; valid until the next call. */
const char *terminal_screen(struct terminal *terminal);
/* Every byte the program has written, and their number. */
const char *terminal_bytes(struct terminal *terminal, size_t *count);

/* Waits for the program's end: its exit status, or 128 + signal. */
int terminal_wait(struct terminal *terminal);

enum terminal_mode {
    MODE_ALTERNATE, /* the alternate screen is shown */
    MODE_CURSOR,    /* the cursor is visible */
    MODE_MOUSE,     /* the mouse is reported */
    MODE_ECHO       /* ECHO and ICANON are set */
};
bool terminal_mode(struct terminal *terminal, enum terminal_mode mode);
/* As terminal_expect: until the modes are those of a program that has the terminal for
 * itself, with the mouse, or those it found. */
void terminal_expect_taken(struct terminal *terminal);
void terminal_expect_restored(struct terminal *terminal);
/* Does the cell's foreground differ from the default? */
bool terminal_coloured(struct terminal *terminal, int x, int y);

#endif
