#define _GNU_SOURCE
#include "eval/model_place.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/beside.h"
#include "base/file.h"
#include "base/memory.h"

/* Only this user may look into it. */
static int make_in(const char *folder, struct model_place *place) {
    char *parent, *wanted = text_format("%s/pwemoe-model", folder);
    int result = wanted ? path_beside(wanted, &parent, &place->path) : -1;
    free(wanted);
    if (result) {
        place->path = NULL;
        errno = ENOMEM;
        return -1;
    }
    free(parent);
    if (mkdir(place->path, 0700) == 0) {
        place->held = beside_hold(place->path);
        return 0;
    }
    int failure = errno;
    free(place->path);
    place->path = NULL;
    errno = failure;
    return -1;
}

int model_place_new(uint64_t bytes, struct model_place *place, struct error *error) {
    static const char memory[] = "/dev/shm";
    struct statvfs room;
    *place = (struct model_place){.held = -1};
    if (statvfs(memory, &room) == 0 &&
        (double)room.f_bavail * (double)room.f_frsize > 1.5 * (double)bytes &&
        make_in(memory, place) == 0)
        return 0;
    const char *folder = getenv("TMPDIR");
    folder = folder && *folder ? folder : "/tmp";
    if (make_in(folder, place) == 0)
        return 0;
    return error_set(error, "%s: a folder for a model cannot be created there: %s",
                     folder, strerror(errno));
}

void model_place_remove(struct model_place *place) {
    if (!place->path)
        return;
    folder_delete(place->path);
    if (place->held >= 0)
        close(place->held);
    free(place->path);
    *place = (struct model_place){.held = -1};
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
