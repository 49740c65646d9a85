#define _GNU_SOURCE
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

const char *file_path_in(char path[PATH_MAX], const char *folder, const char *name) {
    int length = snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return length > 0 && length < PATH_MAX ? path : NULL;
}

const char *file_kind(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return "a directory";
    case S_IFIFO:
        return "a pipe";
    case S_IFSOCK:
        return "a socket";
    default:
        return "a device";
    }
}

static int too_large(const char *path, uint64_t most, struct error *error) {
    if (most < 1 << 20)
        return error_set(error, "%s: larger than %llu bytes", path,
                         (unsigned long long)most);
    return error_set(error, "%s: larger than %llu MiB", path,
                     (unsigned long long)(most >> 20));
}

/* Is what was opened a regular file of at most this size? */
static int file_check(int descriptor, const char *path, uint64_t most, uint64_t *size,
                      struct error *error) {
    struct stat status;
    if (fstat(descriptor, &status))
        return error_set(error, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(error, "%s: %s, not a file", path, file_kind(status.st_mode));
    *size = (uint64_t)status.st_size;
    return *size > most ? too_large(path, most, error) : 0;
}

int file_open_optional(const char *path, uint64_t most, int *descriptor, uint64_t *size,
                       struct error *error) {
    *size = 0;
    /* Without O_NONBLOCK opening a pipe would wait for its writer; without O_NOCTTY a
     * terminal could become this process's. */
    *descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*descriptor < 0 && errno == ENOENT)
        return 0;
    if (*descriptor < 0)
        return error_set(error, "%s: %s", path,
                         errno == ENXIO ? "a socket, not a file" : strerror(errno));
    if (file_check(*descriptor, path, most, size, error) == 0)
        return 0;
    close(*descriptor);
    *descriptor = -1;
    return -1;
}

int file_open(const char *path, uint64_t most, uint64_t *size, struct error *error) {
    int descriptor;
    if (file_open_optional(path, most, &descriptor, size, error) == 0 && descriptor < 0)
        error_set(error, "%s: %s", path, strerror(ENOENT));
    return descriptor;
}

int file_read_all(int descriptor, const char *path, size_t expected, size_t most,
                  char **bytes, size_t *size, struct error *error) {
    size_t room = (expected < most ? expected : most) + 1, used = 0;
    char *text = malloc(room);
    int result = text ? 0 : error_memory(error);
    while (result == 0) {
        ssize_t got = read(descriptor, text + used, room - used);
        if (got == 0)
            break;
        if (got < 0 && errno == EINTR)
            continue;
        used += got > 0 ? (size_t)got : 0;
        if (got < 0) {
            result = error_set(error, "%s: %s", path, strerror(errno));
        } else if (used > most) {
            result = too_large(path, most, error);
        } else if (used == room) { /* it is longer than it said */
            size_t more = room > most / 2 ? most + 1 : room * 2;
            char *grown = realloc(text, more);
            if (!grown) {
                result = error_memory(error);
            } else {
                text = grown;
                room = more;
            }
        }
    }
    if (result) {
        free(text);
        return -1;
    }
    *bytes = text;
    *size = used;
    return 0;
}

int file_read(const char *path, size_t most, char **bytes, size_t *size,
              struct error *error) {
    uint64_t expected;
    *bytes = NULL;
    *size = 0;
    int descriptor = file_open(path, most, &expected, error);
    if (descriptor < 0)
        return -1;
    int result =
        file_read_all(descriptor, path, (size_t)expected, most, bytes, size, error);
    close(descriptor);
    return result;
}
