/* A folder is made beside its place under a name of its own, and renamed. */
#include "checkpoint/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beside.h"
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

int folder_write(const char *path, folder_fill fill, void *self, struct error *error) {
    bool exists;
    mode_t mode = 0;
    char *target = find_target(path, &exists, &mode, error);
    if (!target)
        return -1;
    char *parent, *temporary;
    if (path_beside(target, &parent, &temporary) != 0) {
        free(target);
        return error_memory(error);
    }
    int result = mkdir(temporary, 0777);
    if (result != 0) {
        error_set(error, "%s: cannot be created: %s: %s", path, parent,
                  strerror(errno));
    } else {
        int held = beside_hold(temporary);
        if (exists)
            result = chmod(temporary, mode | S_IRWXU);
        if (result != 0)
            error_set(error, "%s: %s", path, strerror(errno));
        else
            result = fill(self, temporary, path, error);
        if (result == 0 && rename(temporary, target) != 0)
            result =
                error_set(error, "%s: cannot be created: %s", path, strerror(errno));
        if (result != 0) {
            folder_delete(temporary);
        } else if (folder_sync(parent, error) != 0) {
            result = error_prefix(
                error, "%s is written, but may be lost if the power fails now", path);
        }
        if (held >= 0)
            close(held);
    }
    free(parent);
    free(temporary);
    free(target);
    return result;
}
