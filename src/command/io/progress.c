#include "command/io/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/usage.h"

static const double BETWEEN = 0.1; /* seconds from one drawing to the next */

void progress_init(struct progress *progress, bool quiet) {
    memset(progress, 0, sizeof *progress);
    progress->shown = !quiet && isatty(STDERR_FILENO);
    pthread_mutex_init(&progress->lock, NULL);
}

static void duration(char *out, size_t size, double seconds) {
    unsigned long s = (unsigned long)(seconds + 0.5);
    if (s >= 3600)
        snprintf(out, size, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, size, "%lu:%02lu", s / 60, s % 60);
}

/* 3 significant digits, and M or k for big numbers: bytes and images alike. */
static void short_number(char *out, size_t size, double number) {
    if (number >= 1e9)
        snprintf(out, size, "%.3gG", number / 1e9);
    else if (number >= 1e6)
        snprintf(out, size, "%.3gM", number / 1e6);
    else if (number >= 1e4)
        snprintf(out, size, "%.3gk", number / 1e3);
    else
        snprintf(out, size, number < 100 ? "%.3g" : "%.0f", number);
}

char *progress_line(char *out, size_t size, size_t columns, const char *what,
                    size_t done, size_t total, double rate) {
    char n[16], of[16], speed[24] = "", left[40] = "", bar[32] = "";
    short_number(n, sizeof n, (double)done);
    short_number(of, sizeof of, (double)total);
    if (rate > 0) {
        short_number(speed, sizeof speed, rate);
        strcat(speed, "/s");
        double seconds = total > done ? (double)(total - done) / rate : 0;
        if (total > done && seconds < 1e6) {
            duration(left, sizeof left - 6, seconds);
            strcat(left, " left");
        }
    }
    enum { CELLS = 20 };
    if (total && columns >= 60) {
        double part = done < total ? (double)done / (double)total : 1;
        size_t full = (size_t)(part * CELLS);
        bar[0] = '[';
        for (size_t i = 0; i < CELLS; i++)
            bar[1 + i] = i < full ? '#' : '-';
        memcpy(bar + 1 + CELLS, "]  ", 4);
    }
    char line[256];
    snprintf(line, sizeof line, "%s  %s%s%s%s%s%s%s%s", what, bar, n, total ? "/" : "",
             total ? of : "", *speed ? "  " : "", speed, *left ? "  " : "", left);
    snprintf(out, size, "%.*s", (int)(columns < 255 ? columns : 255), line);
    return out;
}

void progress_report(void *self, const char *what, size_t done, size_t total) {
    struct progress *progress = self;
    if (!progress->shown)
        return;
    pthread_mutex_lock(&progress->lock);
    char name[sizeof progress->what];
    text_escape(name, sizeof name, what);
    double time = usage_clock();
    if (strcmp(name, progress->what) != 0 || done < progress->first) {
        memcpy(progress->what, name, sizeof name);
        progress->began = time;
        progress->last = 0;
        progress->first = done;
    }
    if (time - progress->last >= BETWEEN) {
        struct winsize window;
        size_t columns = 80;
        if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1)
            columns = window.ws_col;
        double spent = time - progress->began;
        /* A rate from the first moments would only jump about. */
        double rate = spent > 0.5 ? (double)(done - progress->first) / spent : 0;
        char line[256];
        progress_line(line, sizeof line, columns - 1, name, done, total, rate);
        fprintf(stderr, "\r%s\033[K", line);
        fflush(stderr);
        progress->drawn = true;
        progress->last = time;
    }
    pthread_mutex_unlock(&progress->lock);
}

void progress_clear(struct progress *progress) {
    if (!progress->drawn)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->drawn = false;
    progress->what[0] = '\0';
}
