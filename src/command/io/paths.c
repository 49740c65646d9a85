#include "command/io/paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

char *path_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    if (slash == path)
        return strdup("/");
    return strndup(path, (size_t)(slash - path));
}

char *path_join(const char *folder, const char *path) {
    if (*path == '/' || strcmp(folder, ".") == 0)
        return strdup(path);
    return text_format("%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/",
                       path);
}

bool path_exists(const char *path) {
    return access(path, F_OK) == 0;
}

bool path_empty_folder(const char *path) {
    DIR *folder = opendir(path);
    if (!folder)
        return false;
    size_t entries = 0;
    while (readdir(folder))
        entries++;
    closedir(folder);
    return entries == 2; /* itself and its parent */
}

char *path_stored(const char *folder, const char *path, struct error *error) {
    char *base = realpath(folder, NULL);
    int failure = errno;
    char *target = realpath(path, NULL), *result = NULL;
    if (!base || !target) {
        error_set(error, "%s: %s", base ? path : folder,
                  strerror(base ? errno : failure));
    } else {
        size_t length = strcmp(base, "/") == 0 ? 0 : strlen(base);
        bool below = strncmp(base, target, length) == 0 && target[length] == '/' &&
                     target[length + 1];
        result = strdup(below ? target + length + 1 : target);
        if (!result)
            error_memory(error);
    }
    free(base);
    free(target);
    return result;
}
