#include "command/io/point_file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

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
            return error_set(error, "%s: '%.*s' is no number", where,
                             (int)(word < 60 ? word : 60), p);
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

int points_read_stream(FILE *file, const char *label, struct points *points,
                       struct error *error) {
    memset(points, 0, sizeof *points);
    char *line = NULL;
    size_t room = 0, capacity = 0, used = 0;
    unsigned long number = 0;
    int result = 0;
    ssize_t length;
    while (result == 0 && (length = getline(&line, &room, file)) >= 0) {
        char where[512];
        snprintf(where, sizeof where, "%s:%lu", label, ++number);
        if (strlen(line) != (size_t)length) {
            result = error_set(error, "%s: a zero byte; this is no text file", where);
            break;
        }
        line[strcspn(line, "#")] = '\0';
        const char *text = line;
        if (number == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0)
            text += 3; /* a byte order mark */
        size_t columns;
        result =
            read_row(text, where, &points->values, &capacity, used, &columns, error);
        if (result || columns == 0)
            continue;
        if (points->count && columns != points->columns)
            result = error_set(error, "%s: %zu numbers, the rows before have %zu",
                               where, columns, points->columns);
        points->columns = columns;
        points->count++;
        used += columns;
    }
    if (result == 0 && ferror(file))
        result = error_set(error, "%s: %s", label, strerror(errno));
    if (result == 0 && points->count == 0)
        result = error_set(error, "%s: there is no point in it", label);
    free(line);
    if (result)
        points_free(points);
    return result;
}

int points_read(const char *path, struct points *points, struct error *error) {
    memset(points, 0, sizeof *points);
    if (strcmp(path, "-") == 0)
        return points_read_stream(stdin, "standard input", points, error);
    FILE *file = fopen(path, "r");
    if (!file)
        return error_set(error, "%s: %s", path, strerror(errno));
    int result = points_read_stream(file, path, points, error);
    fclose(file);
    return result;
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
        error_set(error, "%s: there is no number in it", what);
    }
    free(*values);
    *values = NULL;
    return -1;
}
