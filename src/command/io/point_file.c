#include "command/io/point_file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "data/text_file.h"

enum { POINTS_BYTES_MAX = 1 << 30 };

static const char SPACE[] = " \t\r\n\v\f";

/* Appends the numbers of one line. where is put in front of what is wrong. */
static int read_row(const char *line, const char *where, double **values,
                    size_t *capacity, size_t begin, size_t *columns,
                    struct error *error) {
    const char *p = line + strspn(line, SPACE);
    *columns = 0;
    while (*p) {
        char *end;
        double value = strtod(p, &end);
        size_t word = strcspn(p, " ,\t\r\n\v\f");
        if (end == p || end != p + word) {
            if (word == 0)
                return error_set(error, "%s: an empty field before ','", where);
            return error_set(error, "%s: '%.*s' is not a number%s", where,
                             (int)(word < 60 ? word : 60), p,
                             memchr(p, ';', word)
                                 ? "; numbers stand between commas or white space, "
                                   "not semicolons, and have a decimal point"
                                 : "");
        }
        if (!isfinite(value))
            return error_set(error, "%s: '%.*s' is not finite", where,
                             (int)(word < 60 ? word : 60), p);
        if (array_reserve((void **)values, capacity, begin + *columns + 1,
                          sizeof **values))
            return error_memory(error);
        (*values)[begin + (*columns)++] = value;
        p = end + strspn(end, SPACE);
        if (*p == ',') {
            p++;
            p += strspn(p, SPACE);
            if (!*p)
                return error_set(error, "%s: an empty field after the last ','", where);
        }
    }
    return 0;
}

static int read_text(char *text, size_t size, const char *label, struct points *points,
                     struct error *error) {
    size_t capacity = 0, used = 0;
    unsigned long number = 0;
    char *at = text, *line;
    while ((line = text_next_line(&at, text + size))) {
        char where[512];
        snprintf(where, sizeof where, "%s:%lu", label, ++number);
        line[strcspn(line, "#")] = '\0';
        size_t columns;
        if (read_row(line, where, &points->values, &capacity, used, &columns, error))
            return -1;
        if (columns == 0)
            continue;
        if (points->count && columns != points->columns)
            return error_set(error, "%s: %zu numbers, the rows before have %zu", where,
                             columns, points->columns);
        points->columns = columns;
        points->count++;
        used += columns;
    }
    if (points->count == 0)
        return error_set(error, "%s: it has no points", label);
    return 0;
}

/* Frees text. */
static int take_text(char *text, size_t size, const char *label, struct points *points,
                     struct error *error) {
    int result = read_text(text, size, label, points, error);
    free(text);
    if (result)
        points_free(points);
    return result;
}

int points_parse(const char *bytes, size_t size, const char *label,
                 struct points *points, struct error *error) {
    char *text;
    memset(points, 0, sizeof *points);
    if (text_file_copy(bytes, &size, POINTS_BYTES_MAX, label, &text, error))
        return -1;
    return take_text(text, size, label, points, error);
}

int points_read(const char *path, const struct work *work, struct points *points,
                struct error *error) {
    memset(points, 0, sizeof *points);
    bool standard = strcmp(path, "-") == 0;
    char *text;
    size_t size;
    /* A pipe is taken, as of <(...), and opened without waiting for its writer: what
     * comes is waited for where stop is looked at. */
    int file = standard ? STDIN_FILENO
                        : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0)
        return error_set(error, "%s: %s", path, strerror(errno));
    const char *label = standard ? "standard input" : path;
    int result =
        text_stream_read(file, label, POINTS_BYTES_MAX, work, &text, &size, error);
    if (!standard)
        close(file);
    return result ? -1 : take_text(text, size, label, points, error);
}

void points_free(struct points *points) {
    free(points->values);
    memset(points, 0, sizeof *points);
}

int points_vector(const char *text, const char *what, double **values, size_t *count,
                  struct error *error) {
    size_t capacity = 0;
    *values = NULL;
    if (read_row(text, what, values, &capacity, 0, count, error) == 0) {
        if (*count > 0)
            return 0;
        error_set(error, "%s: it contains no numbers", what);
    }
    free(*values);
    *values = NULL;
    return -1;
}
