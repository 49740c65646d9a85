#define _GNU_SOURCE
#include "folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char place[512];
static pid_t maker; /* its children leave the folder alone */

static int remove_one(const char *path, const struct stat *status, int type,
                      struct FTW *walk) {
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static void remove_folder(void) {
    if (getpid() == maker && nftw(place, remove_one, 16, FTW_DEPTH | FTW_PHYS))
        fprintf(stderr, "%s is left over\n", place);
}

const char *folder(void) {
    if (!*place) {
        const char *base = getenv("TMPDIR");
        snprintf(place, sizeof place, "%s/pwemoe-test-XXXXXX",
                 base && *base ? base : "/tmp");
        if (!mkdtemp(place)) {
            perror(place);
            exit(99);
        }
        maker = getpid();
        atexit(remove_folder);
    }
    return place;
}
