#define _GNU_SOURCE
#include "eval/model_place.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/beside.h"
#include "base/file.h"
#include "base/memory.h"

static char *make_in(const char *folder) {
    char *path = text_format("%s/pwemoe-model-XXXXXX", folder);
    if (path && mkdtemp(path))
        return path;
    free(path);
    return NULL;
}

char *model_place_new(uint64_t bytes, struct error *error) {
    static const char memory[] = "/dev/shm";
    struct statvfs room;
    char *path = NULL;
    if (statvfs(memory, &room) == 0 &&
        (double)room.f_bavail * (double)room.f_frsize > 1.5 * (double)bytes)
        path = make_in(memory);
    const char *folder = getenv("TMPDIR");
    folder = folder && *folder ? folder : "/tmp";
    if (!path && !(path = make_in(folder)))
        error_set(error, "%s: a folder for a model cannot be created there: %s", folder,
                  strerror(errno));
    return path;
}

void model_place_remove(char *path) {
    if (path)
        folder_delete(path);
    free(path);
}

static int visible(const struct dirent *entry) {
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

int model_place_stamp(const char *path, char stamp[SHA256_HEX], struct error *error) {
    struct dirent **entries;
    struct sha256 *hash = sha256_new();
    int count = hash ? scandir(path, &entries, visible, alphasort) : -1;
    if (count < 0) {
        error_set(error, "%s: %s", path, strerror(errno));
        if (hash)
            sha256_finish(hash, stamp);
        return -1;
    }
    for (int i = 0; i < count; i++) {
        char name[PATH_MAX], line[128] = "";
        struct stat about;
        if (file_path_in(name, path, entries[i]->d_name) && stat(name, &about) == 0)
            snprintf(line, sizeof line, "%lld %lld %ld", (long long)about.st_size,
                     (long long)about.st_mtim.tv_sec, (long)about.st_mtim.tv_nsec);
        sha256_add(hash, entries[i]->d_name, strlen(entries[i]->d_name) + 1);
        sha256_add(hash, line, strlen(line) + 1);
        free(entries[i]);
    }
    free(entries);
    sha256_finish(hash, stamp);
    return 0;
}
