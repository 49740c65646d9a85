#include "base/file_stamp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int file_stamp_begin(struct file_stamp *stamp, struct error *error) {
    *stamp = (struct file_stamp){.hash = sha256_new()};
    clock_gettime(CLOCK_REALTIME, &stamp->began);
    return stamp->hash ? 0 : error_memory(error);
}

void file_stamp_text(struct file_stamp *stamp, const char *text) {
    sha256_add(stamp->hash, text, strlen(text) + 1);
}

void file_stamp_file(struct file_stamp *stamp, const struct stat *about) {
    const struct timespec *times[] = {&about->st_mtim, &about->st_ctim};
    char text[200];
    snprintf(text, sizeof text, "%jd %jd.%09ld %jd.%09ld %ju", (intmax_t)about->st_size,
             (intmax_t)times[0]->tv_sec, times[0]->tv_nsec, (intmax_t)times[1]->tv_sec,
             times[1]->tv_nsec, (uintmax_t)about->st_ino);
    file_stamp_text(stamp, text);
    for (int i = 0; i < 2; i++)
        if (times[i]->tv_sec + FILE_STAMP_YOUNG >= stamp->began.tv_sec)
            stamp->young = true;
}

void file_stamp_end(struct file_stamp *stamp, char hex[SHA256_HEX]) {
    hex[0] = '\0';
    if (stamp->hash && !stamp->young)
        sha256_finish(stamp->hash, hex);
    else
        sha256_free(stamp->hash);
    stamp->hash = NULL;
}
