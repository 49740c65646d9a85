#include "data/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int check(const char *bytes, size_t size, const char *label,
                 struct error *error) {
    const char *zero = memchr(bytes, 0, size);
    if (!zero)
        return 0;
    return error_set(error, "%s: a zero byte at %zu; this is no text file", label,
                     (size_t)(zero - bytes));
}

/* Reads at most `room` bytes, fewer where the file ends. */
static int read_all(int file, const char *path, size_t room, char *text, size_t *size,
                    struct error *error) {
    *size = 0;
    while (*size < room) {
        ssize_t got = read(file, text + *size, room - *size);
        if (got < 0)
            return error_set(error, "%s: %s", path, strerror(errno));
        if (got == 0)
            break;
        *size += (size_t)got;
    }
    return check(text, *size, path, error);
}

int text_file_read(const char *path, size_t most, char **text, size_t *size,
                   struct error *error) {
    struct stat status;
    *text = NULL;
    /* Without O_NONBLOCK opening a pipe would wait for its writer. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 || fstat(file, &status)) {
        error_set(error, "%s: %s", path, strerror(errno));
        if (file >= 0)
            close(file);
        return -1;
    }
    int result = -1;
    if (!S_ISREG(status.st_mode))
        error_set(error, "%s: is no file", path);
    else if ((unsigned long long)status.st_size > most)
        error_set(error, "%s: larger than %zu bytes", path, most);
    else if (!(*text = malloc((size_t)status.st_size + 1)))
        error_memory(error);
    else
        result = read_all(file, path, (size_t)status.st_size, *text, size, error);
    close(file);
    if (result) {
        free(*text);
        *text = NULL;
    }
    return result;
}

int text_file_copy(const char *bytes, size_t size, size_t most, const char *label,
                   char **text, struct error *error) {
    *text = NULL;
    if (size > most)
        return error_set(error, "%s: larger than %zu bytes", label, most);
    if (check(bytes, size, label, error))
        return -1;
    *text = malloc(size + 1);
    if (!*text)
        return error_memory(error);
    memcpy(*text, bytes, size);
    return 0;
}
