#include <config.h>

#include "checkpoint/draft.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

/* The disk is set to work whenever this much more has been written, so that the
 * sync at the end finds little to wait for. */
enum { WRITEBACK = 16 << 20 };

struct draft {
    int descriptor;
    char *path, *shown, *folder, *temporary;
    uint64_t written, pushed;
};

/* Does name have the form of a draft's of this file, "." LAST "." PID "." N ".tmp"? */
static bool is_draft_of(const char *name, const char *last) {
    char start[208];
    int length = snprintf(start, sizeof start, ".%.200s.", last);
    if (strncmp(name, start, (size_t)length) != 0)
        return false;
    const char *p = name + length;
    size_t pid = strspn(p, "0123456789"), serial;
    if (!pid || p[pid] != '.')
        return false;
    p += pid + 1;
    serial = strspn(p, "0123456789");
    return serial && strcmp(p + serial, ".tmp") == 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind,
                        struct FTW *place) {
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

/* What a killed process left is removed by the next that writes the same file. Who
 * writes holds a lock, which ends with the process; an old draft that nobody holds is
 * left over. The age is for who has made one and not yet locked it, and for file
 * systems without locks. */
static void remove_leftovers(const char *folder, const char *last) {
    enum { OLD = 60 /* seconds */ };
    DIR *entries = opendir(folder);
    if (!entries)
        return;
    for (struct dirent *entry; (entry = readdir(entries));) {
        struct stat status;
        if (!is_draft_of(entry->d_name, last))
            continue;
        int file = openat(dirfd(entries), entry->d_name,
                          O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (file < 0)
            continue;
        char *path = text_format("%s/%s", folder, entry->d_name);
        if (path && fstat(file, &status) == 0 && time(NULL) - status.st_mtime > OLD &&
            flock(file, LOCK_EX | LOCK_NB) == 0) {
            if (S_ISREG(status.st_mode))
                unlink(path);
            else if (S_ISDIR(status.st_mode))
                nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        }
        free(path);
        close(file);
    }
    closedir(entries);
}

int path_beside(const char *path, char **folder, char **temporary) {
    static atomic_uint serial;
    const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
    if (!slash)
        *folder = strdup(".");
    else if (slash == path)
        *folder = strdup("/");
    else
        *folder = strndup(path, (size_t)(slash - path));
    if (*folder)
        remove_leftovers(*folder, last);
    /* A name may have 255 bytes; the last component may use them all. What a process of
     * the same number left behind when it was killed is passed over: in a container
     * numbers come again each time. */
    struct stat status;
    *temporary = NULL;
    do {
        free(*temporary);
        *temporary = *folder ? text_format("%s/.%.200s.%ld.%u.tmp", *folder, last,
                                           (long)getpid(), atomic_fetch_add(&serial, 1))
                             : NULL;
    } while (*temporary && lstat(*temporary, &status) == 0);
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

static int fail(const struct draft *draft, struct error *error) {
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

/* A folder that is itself not finished goes with all that is in it. */
static bool is_draft(const char *folder) {
    const char *slash = strrchr(folder, '/'), *name = slash ? slash + 1 : folder;
    size_t length = strlen(name);
    return length > 5 && name[0] == '.' && strcmp(name + length - 4, ".tmp") == 0;
}

int draft_commit(struct draft *draft, struct error *error) {
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
    if (result == 0 && rename(draft->temporary, draft->path) != 0)
        result = fail(draft, error);
    if (result != 0) {
        draft_discard(draft);
        return -1;
    }
    result = folder_sync(draft->folder, error);
    if (result != 0 && !is_draft(draft->folder))
        error_prefix(error, "%s is written, but a loss of power may take it back",
                     draft->shown);
    free(draft->temporary);
    draft->temporary = NULL;
    draft_discard(draft);
    return result;
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
