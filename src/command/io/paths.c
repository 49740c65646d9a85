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

/* How a store in `folder` names `target`, which is a real path. */
static char *stored(const char *folder, const char *target, struct error *error) {
    char *base = realpath(folder, NULL), *result = NULL;
    if (!base) {
        error_set(error, "%s: %s", folder, strerror(errno));
        return NULL;
    }
    size_t length = strcmp(base, "/") == 0 ? 0 : strlen(base);
    bool below = strncmp(base, target, length) == 0 && target[length] == '/' &&
                 target[length + 1];
    result = strdup(below ? target + length + 1 : target);
    if (!result)
        error_memory(error);
    free(base);
    return result;
}

char *path_stored(const char *folder, const char *path, struct error *error) {
    char *target = realpath(path, NULL);
    if (!target) {
        error_set(error, "%s: %s", path, strerror(errno));
        return NULL;
    }
    char *result = stored(folder, target, error);
    free(target);
    return result;
}

char *path_stored_program(const char *folder, const char *path, struct error *error) {
    char *above = path_folder(path), *target = NULL, *result = NULL;
    char *real = above ? realpath(above, NULL) : NULL;
    const char *slash = strrchr(path, '/');
    if (above && !real)
        error_set(error, "%s: %s", above, strerror(errno));
    else if (!real || !(target = path_join(real, slash ? slash + 1 : path)))
        error_memory(error);
    else
        result = stored(folder, target, error);
    free(target);
    free(real);
    free(above);
    return result;
}
