#include <config.h> /* renameat2 wants _GNU_SOURCE */

#include "base/beside.h"

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

/* Does name have the form of one beside this file, "." LAST "." PID "." N ".tmp"? */
static bool is_draft_of(const char *name, const char *last) {
    char start[208];
    int length = snprintf(start, sizeof start, ".%s.", TEXT_CUT(last, 200));
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
    remove(path); /* what cannot be removed stays, and the walk goes on */
    return 0;
}

void folder_delete(const char *path) {
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* What a killed process left is removed by the next of this user that writes the same
 * file: the folder may be one that all may write to. Who writes holds a lock, which
 * ends with the process; an old draft that nobody holds is left over. The age is for
 * who has made one and not yet locked it, and for file systems without locks. */
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
        if (path && fstat(file, &status) == 0 && status.st_uid == geteuid() &&
            time(NULL) - status.st_mtime > OLD && flock(file, LOCK_EX | LOCK_NB) == 0) {
            if (S_ISREG(status.st_mode))
                unlink(path);
            else if (S_ISDIR(status.st_mode))
                folder_delete(path);
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
        *temporary =
            *folder ? text_format("%s/.%s.%ld.%u.tmp", *folder, TEXT_CUT(last, 200),
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

int beside_name_new(const char *temporary, const char *path) {
    int result = renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE);
    if (result && (errno == EINVAL || errno == ENOSYS)) {
        result = link(temporary, path);
        if (result == 0)
            unlink(temporary);
    }
    return result;
}

int beside_hold(const char *temporary) {
    int held = open(temporary, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (held >= 0)
        flock(held, LOCK_EX | LOCK_NB);
    return held;
}
