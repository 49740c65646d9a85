#include <config.h>

#include "base/draft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beside.h"
#include "base/memory.h"

/* The disk is set to work whenever this much more has been written, so that the
 * sync at the end finds little to wait for. */
enum { WRITEBACK = 16 << 20 };

struct draft {
    int descriptor;
    char *path, *shown, *folder, *temporary;
    uint64_t written, pushed;
};

static int fail(const struct draft *draft, struct error *error) {
    if (errno == EEXIST)
        return error_set(error, "%s: exists already; give another name", draft->shown);
    return error_set(error, "%s: cannot be written: %s", draft->shown, strerror(errno));
}

int draft_reserve(struct draft *draft, uint64_t bytes, struct error *error) {
    if (bytes == 0 || bytes > INT64_MAX ||
        fallocate(draft->descriptor, 0, 0, (off_t)bytes) == 0)
        return 0;
    /* What is no want of room is left for the writing to find out. */
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
        return fail(draft, error);
    return 0;
}

int draft_open(const char *path, const char *shown, struct draft **result,
               struct error *error) {
    struct draft *draft = array_new(1, sizeof *draft);
    if (!draft)
        return error_memory(error);
    draft->descriptor = -1;
    draft->path = strdup(path);
    draft->shown = strdup(shown);
    if (!draft->path || !draft->shown ||
        path_beside(path, &draft->folder, &draft->temporary) != 0) {
        draft_discard(draft);
        return error_memory(error);
    }
    draft->descriptor =
        open(draft->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (draft->descriptor < 0) {
        fail(draft, error);
        free(draft->temporary); /* not ours to remove */
        draft->temporary = NULL;
        draft_discard(draft);
        return -1;
    }
    flock(draft->descriptor, LOCK_EX | LOCK_NB); /* remove_leftovers */
    *result = draft;
    return 0;
}

int draft_write(struct draft *draft, const void *bytes, size_t count,
                struct error *error) {
    const char *from = bytes;
    while (count > 0) {
        ssize_t written = write(draft->descriptor, from, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail(draft, error);
        from += written;
        count -= (size_t)written;
        draft->written += (uint64_t)written;
    }
#ifdef SYNC_FILE_RANGE_WRITE
    if (draft->written - draft->pushed >= WRITEBACK) {
        sync_file_range(draft->descriptor, (off_t)draft->pushed,
                        (off_t)(draft->written - draft->pushed), SYNC_FILE_RANGE_WRITE);
        draft->pushed = draft->written;
    }
#endif
    return 0;
}

/* A folder that is itself not finished, or below such a one, goes with all that is in
 * it. */
static bool is_draft(const char *folder) {
    static const char end[] = ".tmp";
    for (const char *name = folder; *name;) {
        size_t length = strcspn(name, "/");
        if (length > strlen(end) + 1 && name[0] == '.' &&
            strncmp(name + length - strlen(end), end, strlen(end)) == 0)
            return true;
        name += length + (name[length] == '/');
    }
    return false;
}

/* Gives a draft its name: rename, or beside_name_new. */
typedef int naming(const char *from, const char *to);

static int commit(struct draft *draft, naming *name, struct error *error) {
    /* Room reserved past the end would stay in the file. */
    int result = ftruncate(draft->descriptor, (off_t)draft->written);
    if (result == 0)
        result = fsync(draft->descriptor);
    if (result != 0)
        fail(draft, error);
    int closed = close(draft->descriptor);
    draft->descriptor = -1;
    if (result == 0 && closed != 0)
        result = fail(draft, error);
    if (result == 0 && name(draft->temporary, draft->path) != 0)
        result = fail(draft, error);
    if (result != 0) {
        draft_discard(draft);
        return -1;
    }
    result = folder_sync(draft->folder, error);
    if (result != 0 && !is_draft(draft->folder))
        error_prefix(error, "%s is written, but may be lost if the power fails now",
                     draft->shown);
    free(draft->temporary);
    draft->temporary = NULL;
    draft_discard(draft);
    return result;
}

int draft_commit(struct draft *draft, struct error *error) {
    return commit(draft, rename, error);
}

static int write_whole(const char *path, const char *shown, const void *bytes,
                       size_t count, naming *name, struct error *error) {
    struct draft *draft;
    if (draft_open(path, shown, &draft, error))
        return -1;
    if (draft_write(draft, bytes, count, error) == 0)
        return commit(draft, name, error);
    draft_discard(draft);
    return -1;
}

int draft_write_file(const char *path, const char *shown, const void *bytes,
                     size_t count, struct error *error) {
    return write_whole(path, shown, bytes, count, rename, error);
}

int draft_write_new(const char *path, const char *shown, const void *bytes,
                    size_t count, struct error *error) {
    return write_whole(path, shown, bytes, count, beside_name_new, error);
}

void draft_discard(struct draft *draft) {
    if (!draft)
        return;
    if (draft->descriptor >= 0)
        close(draft->descriptor);
    if (draft->temporary)
        unlink(draft->temporary);
    free(draft->temporary);
    free(draft->folder);
    free(draft->path);
    free(draft->shown);
    free(draft);
}
