/* The explorer in what surrounds it: terminals that can less, job control, signals,
 * others that write over the screen, and no terminal at all. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../results/fixture.h"
#include "../support/patience.h"
#include "terminal.h"

static char three[4096], two[4096], five[4096];

static void no_utf8(void **state) {
    (void)state;
    const char *argv[] = {terminal_program(), three, NULL};
    struct terminal_options options = {.width = 100, .height = 30, .lang = "C"};
    struct terminal *terminal = terminal_start(argv, &options);
    size_t count;
    terminal_expect(terminal, "look only:");
    terminal_expect(terminal, "x task arithmetic");
    terminal_type(terminal, "K?");
    terminal_expect(terminal, "all weight on one task");
    terminal_type(terminal, "\033");
    terminal_settle(terminal, 100);
    terminal_quit(terminal);
    terminal = terminal_start(argv, &options);
    terminal_expect(terminal, "look only:");
    const char *bytes = terminal_bytes(terminal, &count);
    for (size_t i = 0; i < count; i++)
        if ((unsigned char)bytes[i] >= 0x80)
            fail_msg("byte %02x without UTF-8", (unsigned char)bytes[i]);
    terminal_quit(terminal);
}

/* The font of Linux's own console has no Braille and few marks, whatever the locale. */
static void a_console_gets_ascii(void **state) {
    (void)state;
    const char *argv[] = {terminal_program(), three, NULL};
    struct terminal_options options = {.width = 100, .height = 30, .term = "linux"};
    struct terminal *terminal = terminal_start(argv, &options);
    size_t count;
    terminal_expect(terminal, "look only:");
    const char *bytes = terminal_bytes(terminal, &count);
    for (size_t i = 0; i < count; i++)
        if ((unsigned char)bytes[i] >= 0x80)
            fail_msg("byte %02x on a console", (unsigned char)bytes[i]);
    terminal_quit(terminal);
}

/* ncurses counts rows in 16 bits with a sign, and ends in the middle of 32,768. */
static void no_size_is_too_large(void **state) {
    (void)state;
    struct terminal *terminal = terminal_explore(three, 80, 24);
    struct winsize size = {.ws_row = 32768, .ws_col = 80};
    terminal_expect(terminal, "look only:");
    terminal_set_size(terminal, &size);
    terminal_settle(terminal, 300);
    size.ws_row = 40;
    terminal_resize(terminal, 80, 40);
    terminal_settle(terminal, 300);
    terminal_quit(terminal);
}

/* What knows direct colour reads its numbers apart by semicolons; not all read colons.
 */
static void direct_colour_is_sent_for_everyone(void **state) {
    (void)state;
    char command[9000], terminfo[4200];
    snprintf(terminfo, sizeof terminfo, "TERMINFO=%s/terminfo", folder());
    snprintf(
        command, sizeof command,
        "{ infocmp -x xterm-256color | sed -e '1d' -e 's/^xterm-256color[^,]*,/"
        "xterm-direct|for this test, RGB,/' -e 's/colors#[^,]*,/colors#0x1000000,/' "
        "-e 's/pairs#[^,]*,/pairs#0x7fff,/' -e '/setaf=/d' -e '/setab=/d' "
        "-e '/setb=/d' -e '/setf=/d'; printf '\tsetaf=\\E[38:2::%%%%p1%%%%{65536}"
        "%%%%/%%%%d:%%%%p1%%%%{256}%%%%/%%%%{255}%%%%&%%%%d:%%%%p1%%%%{255}%%%%&"
        "%%%%dm,\n\tsetab=\\E[48:2::%%%%p1%%%%d:0:0m,\n'; infocmp -x "
        "xterm-256color | sed 1d; } >%1$s/direct.ti && "
        "tic -x -o %1$s/terminfo %1$s/direct.ti 2>%1$s/tic.log",
        folder());
    if (system(command) != 0)
        skip(); /* no tic, or no description to begin with */
    const char *argv[] = {terminal_program(), three, NULL};
    const char *const environment[] = {terminfo, "COLORTERM=truecolor", NULL};
    struct terminal_options options = {
        .width = 100, .height = 30, .environment = environment};
    struct terminal *terminal = terminal_start(argv, &options);
    size_t count;
    terminal_expect(terminal, "look only:");
    terminal_expect(terminal, "task arithmetic");
    const char *bytes = terminal_bytes(terminal, &count);
    assert_null(memmem(bytes, count, "38:2", 4));
    assert_non_null(memmem(bytes, count, "\033[38;2;", 7));
    terminal_quit(terminal);
}

/* Colours are asked for by SGR 30 to 49 and 90 to 107: "\033[3", "\033[4" and so on
 * with further digits; 39 and 49 alone are the defaults. */
static bool asks_for_colour(const char *bytes, size_t count) {
    for (size_t i = 0; i + 2 < count; i++) {
        if (bytes[i] != '\033' || bytes[i + 1] != '[')
            continue;
        size_t end = i + 2;
        while (end < count &&
               (bytes[end] == ';' || (bytes[end] >= '0' && bytes[end] <= '9')))
            end++;
        if (end >= count || bytes[end] != 'm')
            continue;
        int number = 0;
        for (size_t k = i + 2; k <= end; k++) {
            if (bytes[k] >= '0' && bytes[k] <= '9') {
                number = number * 10 + bytes[k] - '0';
                continue;
            }
            if ((number >= 30 && number < 39) || (number >= 40 && number < 49) ||
                (number >= 90 && number <= 107))
                return true;
            number = 0;
        }
    }
    return false;
}

static void without_colour(void **state) {
    (void)state;
    static const char *const no_color[] = {"NO_COLOR=1", NULL};
    const char *argv[] = {terminal_program(), three, NULL};
    const struct terminal_options kinds[] = {
        {.width = 80, .height = 24},
        {.width = 80, .height = 24, .environment = no_color},
        {.width = 80, .height = 24, .term = "vt100"},
    };
    for (int i = 0; i < 3; i++) {
        size_t count;
        struct terminal *terminal = terminal_start(argv, &kinds[i]);
        terminal_expect(terminal, "look only:");
        terminal_type(terminal, "K");
        terminal_expect(terminal, "0.433 alpha");
        const char *bytes = terminal_bytes(terminal, &count);
        assert_int_equal(asks_for_colour(bytes, count), i == 0);
        if (i == 2) /* a vt100 has no mouse */
            assert_false(terminal_mode(terminal, MODE_MOUSE));
        terminal_type(terminal, "q");
        assert_int_equal(terminal_wait(terminal), 0);
        assert_true(terminal_mode(terminal, MODE_ECHO));
        terminal_close(terminal);
    }
}

/* How many filters of system calls a process is under; -1: the kernel does not tell. */
static int filters_of(pid_t process) {
    static const char name[] = "Seccomp_filters:";
    char path[64], line[256];
    int count = -1;
    snprintf(path, sizeof path, "/proc/%ld/status", (long)process);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, name, sizeof name - 1))
            count = atoi(line + sizeof name - 1);
    if (file)
        fclose(file);
    return count;
}

static void is_in_its_sandbox(void **state) {
    (void)state;
    const char *kinds[] = {"auto", "on", "off"};
    int own = filters_of(getpid());
    if (own < 0)
        skip();
    for (int i = 0; i < 3; i++) {
        const char *argv[] = {terminal_program(), "--sandbox", kinds[i], three, NULL};
        struct terminal_options options = {.width = 80, .height = 24};
        struct terminal *terminal = terminal_start(argv, &options);
        terminal_expect(terminal, "Objectives");
        assert_int_equal(filters_of(terminal_pid(terminal)), own + (i < 2));
        terminal_quit(terminal);
    }
}

static void stops_and_goes_on(void **state) {
    (void)state;
    const char *argv[] = {terminal_program(), three, NULL};
    struct terminal_options options = {.width = 80, .height = 24, .job_control = true};
    struct terminal *terminal = terminal_start(argv, &options);
    terminal_expect(terminal, "look only:");
    for (int i = 0; i < 2; i++) {
        terminal_type(terminal, "\032"); /* Ctrl-Z */
        terminal_expect(terminal, "stopped");
        terminal_expect_restored(terminal);
        terminal_type(terminal, "g\n");
        terminal_expect(terminal, "Objectives");
        terminal_expect_gone(terminal, "stopped");
        terminal_expect_taken(terminal);
    }
    terminal_type(terminal, "K");
    terminal_expect(terminal, "0.433 alpha");
    terminal_quit(terminal);
}

static void signals_restore_the_terminal(void **state) {
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT,  SIGHUP, SIGQUIT,
                                  SIGXCPU, SIGUSR1, SIGSEGV};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct terminal *terminal = terminal_explore(three, 80, 24);
        terminal_expect(terminal, "look only:");
        if (signals[i] == SIGINT)
            terminal_type(terminal, "\003");
        else
            terminal_signal(terminal, signals[i]);
        assert_int_equal(terminal_wait(terminal), 128 + signals[i]);
        terminal_expect_restored(terminal);
        terminal_close(terminal);
    }
}

static void redraws_what_others_wrote_over(void **state) {
    (void)state;
    struct terminal *terminal = terminal_explore(three, 80, 24);
    terminal_expect(terminal, "Legend");
    terminal_expect(terminal, "look only:");
    size_t before = 0, after = 1;
    /* Calm: nothing is written when nothing changes, once all is read and computed. */
    for (int tries = 0; tries < PATIENCE && before != after; tries++) {
        terminal_settle(terminal, 700);
        terminal_bytes(terminal, &before);
        terminal_settle(terminal, 700);
        terminal_bytes(terminal, &after);
    }
    assert_int_equal(before, after);
    terminal_type(terminal, "\014");
    terminal_expect_bytes(terminal, after + 1000); /* the whole frame again */
    terminal_expect(terminal, "Legend");
    terminal_quit(terminal);
}

/* --- without a screen ----------------------------------------------------------- */

static int run(const char *arguments, char *output, size_t size) {
    char command[16384];
    snprintf(command, sizeof command, "LC_ALL=C.UTF-8 %s %s 2>&1 </dev/null",
             terminal_program(), arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t count = fread(output, 1, size - 1, pipe);
    output[count] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static size_t lines_of(const char *text) {
    size_t count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static void snapshots(void **state) {
    (void)state;
    char arguments[8192], output[65536];
    snprintf(arguments, sizeof arguments, "--snapshot 120x40 %s", three);
    assert_int_equal(run(arguments, output, sizeof output), 0);
    assert_int_equal(lines_of(output), 40);
    assert_non_null(strstr(output, "Objectives: accuracy in %"));
    assert_non_null(strstr(output, "77.32"));
    snprintf(arguments, sizeof arguments, "--snapshot 120x40 --view 3d %s", three);
    assert_int_equal(run(arguments, output, sizeof output), 0);
    assert_non_null(strstr(output, "alpha, beta, gamma"));
    snprintf(arguments, sizeof arguments,
             "--snapshot 120x40 --polygon --view parallel %s", five);
    assert_int_equal(run(arguments, output, sizeof output), 0);
    assert_non_null(strstr(output, "Parallel coordinates"));
    assert_non_null(strstr(output, "● 0.20 beta"));
    snprintf(arguments, sizeof arguments, "--snapshot 120x40 --view 3d %s", two);
    assert_int_equal(run(arguments, output, sizeof output), 0);
    assert_non_null(strstr(output, "too few objectives"));
    snprintf(arguments, sizeof arguments, "--snapshot 3x2 %s", three);
    assert_int_equal(run(arguments, output, sizeof output), 0);
    assert_int_equal(lines_of(output), 2);
}

static void refuses_in_one_line(void **state) {
    (void)state;
    char arguments[8192], output[65536], path[4096];
    static const char *const wrong[] = {"",
                                        "--nonsense x",
                                        "--snapshot 80 x",
                                        "--snapshot 0x9 x",
                                        "--threads 0 x",
                                        "--limit -1 x",
                                        "--view 4d x",
                                        "a b",
                                        "--device"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (run(wrong[i], output, sizeof output) != 2)
            fail_msg("%s: not refused: %s", wrong[i], output);
        assert_int_equal(lines_of(output), 1);
        assert_non_null(strstr(output, "pwemoe-explore: "));
    }
    snprintf(path, sizeof path, "%s/nodatabase", folder());
    FILE *file = fopen(path, "w");
    fputs("not a database at all, but long enough to be looked at closely\n", file);
    fclose(file);
    static const char *const options[] = {"", "--snapshot 80x24"};
    for (int i = 0; i < 2; i++) {
        snprintf(arguments, sizeof arguments, "%s %s/absent.db", options[i], folder());
        assert_int_equal(run(arguments, output, sizeof output), 1);
        assert_int_equal(lines_of(output), 1);
    }
    snprintf(arguments, sizeof arguments, "--snapshot 80x24 %s", path);
    assert_int_equal(run(arguments, output, sizeof output), 1);
    assert_int_equal(lines_of(output), 1);
    assert_int_equal(run("--help", output, sizeof output), 0);
    assert_non_null(strstr(output, "export this model to a directory"));
    assert_int_equal(run("--version", output, sizeof output), 0);
    assert_int_equal(run("--version >/dev/full", output, sizeof output), 1);
    assert_int_equal(run("--help >/dev/full", output, sizeof output), 1);
}

static int write_files(void **state) {
    (void)state;
    fixture_write_in(folder(), 3, 7, three);
    fixture_write_in(folder(), 2, 11, two);
    fixture_write_in(folder(), 5, 3, five);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_utf8),
        cmocka_unit_test(without_colour),
        cmocka_unit_test(is_in_its_sandbox),
        cmocka_unit_test(stops_and_goes_on),
        cmocka_unit_test(signals_restore_the_terminal),
        cmocka_unit_test(a_console_gets_ascii),
        cmocka_unit_test(no_size_is_too_large),
        cmocka_unit_test(direct_colour_is_sent_for_everyone),
        cmocka_unit_test(redraws_what_others_wrote_over),
        cmocka_unit_test(snapshots),
        cmocka_unit_test(refuses_in_one_line),
    };
    return cmocka_run_group_tests(tests, write_files, NULL);
}
