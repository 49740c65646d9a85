#include <config.h>

#include "checkpoint/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

/* The disk is set to work whenever this much more has been written, so that the
 * sync at the end finds little to wait for. */
enum { WRITEBACK = 16 << 20 };

struct output {
    int descriptor;
    char *path, *folder, *temporary;
    uint64_t written, pushed;
};

int path_beside(const char *path, char **folder, char **temporary) {
    static atomic_uint serial;
    const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
    if (!slash)
        *folder = strdup(".");
    else if (slash == path)
        *folder = strdup("/");
    else
        *folder = strndup(path, (size_t)(slash - path));
    /* A name may have 255 bytes; the last component may use them all. */
    *temporary = *folder ? text_format("%s/.%.200s.%ld.%u.tmp", *folder, last,
                                       (long)getpid(), atomic_fetch_add(&serial, 1))
                         : NULL;
    if (*temporary)
        return 0;
    free(*folder);
    *folder = NULL;
    return -1;
}

int folder_sync(const char *path, struct error *error) {
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return error_set(error, "%s: %s", path, strerror(errno));
    /* Some file systems cannot sync a folder and say EINVAL; there is no more that
     * could be done on them. */
    int result = fsync(descriptor) != 0 && errno != EINVAL ? -1 : 0;
    if (result != 0)
        error_set(error, "%s: %s", path, strerror(errno));
    close(descriptor);
    return result;
}

static int fail(const struct output *output, struct error *error) {
    return error_set(error, "%s: cannot be written: %s", output->path, strerror(errno));
}

static int reserve(struct output *output, uint64_t expected, struct error *error) {
    if (expected == 0 || expected > INT64_MAX ||
        fallocate(output->descriptor, 0, 0, (off_t)expected) == 0)
        return 0;
    /* What is no want of room is left for the writing to find out. */
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
        return fail(output, error);
    return 0;
}

int output_open(const char *path, uint64_t expected, struct output **result,
                struct error *error) {
    struct output *output = array_new(1, sizeof *output);
    if (!output)
        return error_memory(error);
    output->descriptor = -1;
    output->path = strdup(path);
    if (!output->path || path_beside(path, &output->folder, &output->temporary) != 0) {
        output_discard(output);
        return error_memory(error);
    }
    output->descriptor =
        open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (output->descriptor < 0)
        fail(output, error);
    if (output->descriptor < 0 || reserve(output, expected, error) != 0) {
        output_discard(output);
        return -1;
    }
    *result = output;
    return 0;
}

int output_write(struct output *output, const void *bytes, size_t count,
                 struct error *error) {
    const char *from = bytes;
    while (count > 0) {
        ssize_t written = write(output->descriptor, from, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail(output, error);
        from += written;
        count -= (size_t)written;
        output->written += (uint64_t)written;
    }
#ifdef SYNC_FILE_RANGE_WRITE
    if (output->written - output->pushed >= WRITEBACK) {
        sync_file_range(output->descriptor, (off_t)output->pushed,
                        (off_t)(output->written - output->pushed),
                        SYNC_FILE_RANGE_WRITE);
        output->pushed = output->written;
    }
#endif
    return 0;
}

int output_commit(struct output *output, struct error *error) {
    /* Room reserved past the end would stay in the file. */
    int result = ftruncate(output->descriptor, (off_t)output->written);
    if (result == 0)
        result = fsync(output->descriptor);
    if (result != 0)
        fail(output, error);
    int closed = close(output->descriptor);
    output->descriptor = -1;
    if (result == 0 && closed != 0)
        result = fail(output, error);
    if (result == 0 && rename(output->temporary, output->path) != 0)
        result = fail(output, error);
    if (result != 0) {
        output_discard(output);
        return -1;
    }
    result = folder_sync(output->folder, error);
    free(output->temporary);
    output->temporary = NULL;
    output_discard(output);
    return result;
}

void output_discard(struct output *output) {
    if (!output)
        return;
    if (output->descriptor >= 0)
        close(output->descriptor);
    if (output->temporary)
        unlink(output->temporary);
    free(output->temporary);
    free(output->folder);
    free(output->path);
    free(output);
}
