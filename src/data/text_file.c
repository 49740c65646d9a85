#include "data/text_file.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

static int check(const char *bytes, size_t size, const char *label,
                 struct error *error) {
    const char *zero = memchr(bytes, 0, size);
    if (size >= 2 &&
        (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0))
        return error_set(error, "%s: is UTF-16; save it as UTF-8", label);
    if (!zero)
        return 0;
    return error_set(error, "%s: a zero byte at %zu; this is not a text file", label,
                     (size_t)(zero - bytes));
}

/* In place: the byte order mark and the CRs away. Returns the new size. */
static size_t text_even_out(char *text, size_t size) {
    const char *in = text, *end = text + size;
    char *out = text;
    if (size >= 3 && memcmp(in, "\xef\xbb\xbf", 3) == 0)
        in += 3;
    if (in == text && !memchr(text, '\r', size))
        return size;
    for (; in < end; in++) {
        if (*in == '\r' && in + 1 < end && in[1] == '\n')
            continue;
        *out++ = *in == '\r' ? '\n' : *in;
    }
    return (size_t)(out - text);
}

char *text_next_line(char **at, char *end) {
    char *line = *at;
    if (line == end)
        return NULL;
    char *stop = memchr(line, '\n', (size_t)(end - line));
    *at = stop ? stop + 1 : end;
    *(stop ? stop : end) = '\0';
    return line;
}

int text_file_read(const char *path, size_t most, char **text, size_t *size,
                   struct error *error) {
    if (file_read(path, most, text, size, error))
        return -1;
    if (check(*text, *size, path, error)) {
        free(*text);
        *text = NULL;
        return -1;
    }
    *size = text_even_out(*text, *size);
    return 0;
}

/* Until there is something to read; -1 where work says stop. */
static int wait_for_bytes(int descriptor, const struct work *work) {
    enum { MILLISECONDS = 100 };
    struct pollfd polled = {descriptor, POLLIN, 0};
    while (poll(&polled, 1, MILLISECONDS) <= 0)
        if (work_stopped(work))
            return -1;
    return 0;
}

int text_stream_read(int descriptor, const char *label, size_t most,
                     const struct work *work, char **text, size_t *size,
                     struct error *error) {
    size_t capacity = 0;
    *text = NULL;
    *size = 0;
    int result = 0;
    while (result == 0) {
        if (array_reserve((void **)text, &capacity, *size + 4096, 1)) {
            result = error_memory(error);
            break;
        }
        if (wait_for_bytes(descriptor, work)) {
            result = error_set(error, "stopped");
            break;
        }
        ssize_t got = read(descriptor, *text + *size, capacity - *size - 1);
        if (got == 0)
            break;
        if (got > 0)
            *size += (size_t)got;
        else if (errno != EINTR && errno != EAGAIN)
            result = error_set(error, "%s: %s", label, strerror(errno));
        if (*size > most)
            result = error_set(error, "%s: larger than %zu bytes", label, most);
    }
    if (result == 0)
        result = check(*text, *size, label, error);
    if (result == 0) {
        *size = text_even_out(*text, *size);
        return 0;
    }
    free(*text);
    *text = NULL;
    return -1;
}

int text_file_copy(const char *bytes, size_t *size, size_t most, const char *label,
                   char **text, struct error *error) {
    *text = NULL;
    if (*size > most)
        return error_set(error, "%s: larger than %zu bytes", label, most);
    if (check(bytes, *size, label, error))
        return -1;
    *text = malloc(*size + 1);
    if (!*text)
        return error_memory(error);
    memcpy(*text, bytes, *size);
    *size = text_even_out(*text, *size);
    return 0;
}
