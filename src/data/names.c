#include "data/names.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/text_file.h"

int names_add(struct names *names, char *name, struct error *error) {
    if (!name || array_reserve((void **)&names->at, &names->capacity, names->count + 1,
                               sizeof *names->at)) {
        free(name);
        return error_memory(error);
    }
    names->at[names->count++] = name;
    return 0;
}

void names_release(struct names *names) {
    class_names_release(names->at, names->count);
    *names = (struct names){0};
}

void class_names_release(char **names, size_t count) {
    for (size_t i = 0; names && i < count; i++)
        free(names[i]);
    free(names);
}

char **class_names_copy(char *const *names, size_t count) {
    char **copy = array_new(count, sizeof *copy);
    for (size_t i = 0; copy && i < count; i++)
        if (!(copy[i] = strdup(names[i]))) {
            class_names_release(copy, i);
            return NULL;
        }
    return copy;
}

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The line without white space around it, in place. */
static char *trim(char *line, size_t length) {
    while (length && is_blank(line[length - 1]))
        line[--length] = '\0';
    while (is_blank(*line))
        line++;
    return line;
}

static int read_lines(char *text, size_t size, const char *what, struct names *names,
                      struct error *error) {
    enum { LONGEST = 4096, MOST = 1000000 };
    size_t empty = 0, number = 0;
    char *at = text, *line;
    int status = 0;
    while (status == 0 && (line = text_next_line(&at, text + size))) {
        number++;
        char *name = trim(line, strlen(line));
        if (!*name) {
            empty = empty ? empty : number;
        } else if (empty) {
            status =
                error_set(error, "line %zu is empty; each line is a %s", empty, what);
        } else if (strlen(name) > LONGEST || names->count == MOST) {
            status = error_set(error, "line %zu is too long, or the file has too many",
                               number);
        } else {
            status = names_add(names, strdup(name), error);
        }
    }
    if (status == 0 && names->count == 0)
        status = error_set(error, "no %ss in it", what);
    return status;
}

int text_lines_read(const char *path, const char *what, char ***out, size_t *count,
                    struct error *error) {
    enum { BYTES_MAX = 1 << 28 };
    struct names names = {0};
    char *text;
    size_t size;
    if (text_file_read(path, BYTES_MAX, &text, &size, error))
        return -1;
    int status = read_lines(text, size, what, &names, error);
    free(text);
    if (status) {
        names_release(&names);
        return error_prefix(error, "%s", path);
    }
    *out = names.at;
    *count = names.count;
    return 0;
}

int class_names_read(const char *path, char ***names, size_t *count,
                     struct error *error) {
    return text_lines_read(path, "class name", names, count, error);
}
