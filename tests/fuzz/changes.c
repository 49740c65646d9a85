#include "changes.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES = 8 };

static char folder[256], files[FILES][320];
static size_t count;

void require(int truth) {
    if (!truth)
        abort();
}

uint8_t *changes_apply(const uint8_t *base, size_t base_size, const uint8_t *data,
                       size_t size, size_t *length) {
    uint8_t *work = malloc(base_size);
    *length = base_size;
    require(work != NULL);
    memcpy(work, base, base_size);
    while (size >= 4) {
        size_t at =
            (data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16) % base_size;
        size_t bytes = data[3];
        data += 4;
        size -= 4;
        if (bytes == 0 && at < *length)
            *length = at;
        bytes = bytes < size ? bytes : size;
        memcpy(work + at, data, bytes < base_size - at ? bytes : base_size - at);
        data += bytes;
        size -= bytes;
    }
    uint8_t *cut = malloc(*length ? *length : 1);
    require(cut != NULL);
    memcpy(cut, work, *length);
    free(work);
    return cut;
}

static void clean(void) {
    for (size_t i = 0; i < count; i++)
        unlink(files[i]);
    rmdir(folder);
}

const char *fuzz_folder(void) {
    if (*folder)
        return folder;
    const char *parent = getenv("TMPDIR");
    if (!parent || !*parent)
        parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%s/pwemoe-fuzz-XXXXXX", parent);
    if (!mkdtemp(folder)) {
        perror(folder);
        exit(1);
    }
    atexit(clean);
    return folder;
}

const char *fuzz_file(const char *name) {
    require(count < FILES);
    snprintf(files[count], sizeof files[count], "%s/%s", fuzz_folder(), name);
    return files[count++];
}

void fuzz_write(const char *path, const void *bytes, size_t size) {
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    require(file >= 0 && (size == 0 || pwrite(file, bytes, size, 0) == (ssize_t)size) &&
            ftruncate(file, (off_t)size) == 0 && close(file) == 0);
}
