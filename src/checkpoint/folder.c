/* A folder is made beside its place under a name of its own, and renamed. */
#include "checkpoint/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beside.h"
#include "base/draft.h"
#include "base/file.h"
#include "base/memory.h"

/* 1 for a folder without entries, 0 for another, -1 where it cannot be read. */
static int is_empty(const char *path) {
    DIR *folder = opendir(path);
    if (!folder)
        return -1;
    int result = 1;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            result = 0;
    closedir(folder);
    return result;
}

/* Where the directory is to be, in fresh memory: path without slashes at its end,
 * and for an empty directory that is there its true place, links resolved. */
static char *find_target(const char *path, bool *exists, mode_t *mode,
                         struct error *error) {
    struct stat status;
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    char *target = strndup(path, length);
    *exists = false;
    if (!target) {
        error_memory(error);
        return NULL;
    }
    if (lstat(target, &status) != 0 && errno == ENOENT && length > 0)
        return target;
    char *real = realpath(target, NULL);
    if (!real || stat(real, &status) != 0) {
        error_set(error, "%s: %s", target, strerror(errno));
    } else if (!S_ISDIR(status.st_mode)) {
        error_set(error, "%s: exists and is not a directory; choose another name",
                  target);
    } else {
        int empty = is_empty(real);
        if (empty > 0) {
            *exists = true;
            *mode = status.st_mode & 07777;
            free(target);
            return real;
        }
        error_set(error,
                  empty == 0 ? "%s: is there already and not empty; choose another name"
                             : "%s: cannot be read",
                  target);
    }
    free(real);
    free(target);
    return NULL;
}

/* A folder on its way. */
struct making {
    const char *path; /* as it was asked for */
    char *target;     /* where it will be */
    bool exists;      /* an empty folder is there, */
    mode_t mode;      /* of this mode */
    char *parent, *temporary;
};

static void making_clear(struct making *m) {
    free(m->parent);
    free(m->temporary);
    free(m->target);
}

static int make(const struct making *m, struct error *error) {
    if (mkdir(m->temporary, 0777))
        return error_set(error, "%s: cannot be created: %s: %s", m->path, m->parent,
                         strerror(errno));
    return 0;
}

static int take_mode(const struct making *m, struct error *error) {
    if (m->exists && chmod(m->temporary, m->mode | S_IRWXU))
        return error_set(error, "%s: %s", m->path, strerror(errno));
    return 0;
}

/* The filled folder gets its name. *named: it has it, whatever is returned. */
static int name(const struct making *m, bool *named, struct error *error) {
    *named = false;
    if (rename(m->temporary, m->target))
        return error_set(error, "%s: cannot be created: %s", m->path, strerror(errno));
    *named = true;
    if (folder_sync(m->parent, error))
        return error_prefix(
            error, "%s is written, but may be lost if the power fails now", m->path);
    return 0;
}

int folder_write(const char *path, folder_fill fill, void *self, struct error *error) {
    struct making m = {.path = path};
    if (!(m.target = find_target(path, &m.exists, &m.mode, error)))
        return -1;
    if (path_beside(m.target, &m.parent, &m.temporary)) {
        making_clear(&m);
        return error_memory(error);
    }
    int result = make(&m, error);
    if (result == 0) {
        bool named = false;
        int held = beside_hold(m.temporary);
        result = take_mode(&m, error) || fill(self, m.temporary, path, error) ||
                         name(&m, &named, error)
                     ? -1
                     : 0;
        if (!named)
            folder_delete(m.temporary);
        if (held >= 0)
            close(held);
    }
    making_clear(&m);
    return result;
}

/* --- what stays when it is interrupted -------------------------------------------- */

static const char key_name[] = ".key";

/* Whether the folder was begun with this key. */
static bool has_key(const char *folder, const char *key) {
    char *path = text_format("%s/%s", folder, key_name), *text = NULL;
    size_t size = 0;
    struct error error;
    bool same = path && file_read(path, 80, &text, &size, &error) == 0 &&
                size == strlen(key) && memcmp(text, key, size) == 0;
    free(text);
    free(path);
    return same;
}

static int put_key(const struct making *m, const char *key, struct error *error) {
    char *path = text_format("%s/%s", m->temporary, key_name);
    if (!path)
        return error_memory(error);
    int result = draft_write_file(path, path, key, strlen(key), error);
    free(path);
    return result ? error_prefix(error, "%s: cannot be begun", m->path) : 0;
}

/* Files that were not whole, and with `all` the key as well. */
static void remove_hidden(const char *folder, bool all) {
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        const char *name = entry->d_name;
        if (name[0] != '.' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
            (!all && strcmp(name, key_name) == 0))
            continue;
        unlinkat(dirfd(entries), name, 0);
    }
    if (entries)
        closedir(entries);
}

/* The folder as it was left, or a new one; *held: nobody else is in it as long as this
 * is open. */
static int take_up(const struct making *m, const char *key, int *held,
                   struct error *error) {
    for (int tries = 0; tries < 2; tries++) {
        bool made = mkdir(m->temporary, 0777) == 0;
        if (!made && errno != EEXIST)
            return error_set(error, "%s: cannot be created: %s: %s", m->path, m->parent,
                             strerror(errno));
        *held = open(m->temporary,
                     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        if (*held < 0) {
            error_set(error, "%s: %s", m->temporary, strerror(errno));
            if (made)
                folder_delete(m->temporary);
            return -1;
        }
        if (flock(*held, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
            close(*held);
            *held = -1;
            return error_set(error, "%s: another process is writing it", m->path);
        }
        if (made && put_key(m, key, error)) {
            folder_delete(m->temporary);
            return -1;
        }
        if (made)
            return 0;
        if (has_key(m->temporary, key)) {
            remove_hidden(m->temporary, false);
            return 0;
        }
        folder_delete(m->temporary); /* of another merge */
        close(*held);
        *held = -1;
    }
    return error_set(error, "%s: is in the way and cannot be removed", m->temporary);
}

int folder_write_kept(const char *path, const char *key, folder_fill fill,
                      bool (*keeps)(void *self), void *self, struct error *error) {
    struct making m = {.path = path};
    int held = -1;
    bool named = false;
    if (!(m.target = find_target(path, &m.exists, &m.mode, error)))
        return -1;
    if (path_beside(m.target, &m.parent, &m.temporary)) {
        making_clear(&m);
        return error_memory(error);
    }
    const char *slash = strrchr(m.target, '/');
    free(m.temporary);
    m.temporary =
        text_format("%s/.%.200s.part", m.parent, slash ? slash + 1 : m.target);
    int result = m.temporary ? take_up(&m, key, &held, error) : error_memory(error);
    if (result == 0) {
        result = take_mode(&m, error) || fill(self, m.temporary, path, error) ? -1 : 0;
        if (result == 0) {
            remove_hidden(m.temporary, true);
            result = name(&m, &named, error);
        }
        if (!named && !keeps(self))
            folder_delete(m.temporary);
    }
    if (held >= 0)
        close(held);
    making_clear(&m);
    return result;
}
