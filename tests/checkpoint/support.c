#include "support.h"

#include <dirent.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

int folder_setup(void **state) {
    const char *base = getenv("TMPDIR");
    char path[1024];
    snprintf(path, sizeof path, "%s/pwemoe-test-XXXXXX", base ? base : "/tmp");
    *state = mkdtemp(path) ? strdup(path) : NULL;
    return *state ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int kind,
                      struct FTW *where) {
    (void)status, (void)kind, (void)where;
    return remove(path);
}

int folder_teardown(void **state) {
    int result = nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return result;
}

const char *in(const char *folder, const char *name) {
    static char paths[64][1024];
    static unsigned next;
    char *path = paths[next++ % 64];
    snprintf(path, sizeof *paths, "%s/%s", folder, name);
    return path;
}

const char *golden(const char *name) {
    const char *srcdir = getenv("srcdir");
    char folder[900];
    snprintf(folder, sizeof folder, "%s/tests/golden/safetensors",
             srcdir ? srcdir : ".");
    return in(folder, name);
}

void file_write(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void text_write(const char *path, const char *text) {
    file_write(path, text, strlen(text));
}

unsigned char *bytes_of(const char *path, size_t *size) {
    struct stat status;
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s cannot be read", path);
    assert_int_equal(fstat(fileno(file), &status), 0);
    *size = (size_t)status.st_size;
    unsigned char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    bytes[*size] = '\0';
    fclose(file);
    return bytes;
}

size_t entry_count(const char *folder) {
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, NULL);
    assert_true(count >= 2);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    return (size_t)count - 2;
}

unsigned char *safetensors_make(const char *header, size_t data_size, size_t *size) {
    uint64_t length = strlen(header);
    *size = 8 + (size_t)length + data_size;
    unsigned char *bytes = malloc(*size);
    assert_non_null(bytes);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, (size_t)length);
    for (size_t i = 0; i < data_size; i++)
        bytes[8 + length + i] = (unsigned char)i;
    return bytes;
}

void check_message(const char *message, const char *where, const char *fragment) {
    if (strncmp(message, where, strlen(where)) != 0 || !strstr(message, fragment) ||
        strchr(message, '\n'))
        fail_msg("expected one line \"%s... %s\", got: %s", where, fragment, message);
}

int read_arrays(void *arrays, size_t index, uint64_t offset, void *out, size_t room,
                size_t *got, struct error *error) {
    (void)error;
    memcpy(out, (const char *)((void **)arrays)[index] + offset, room);
    *got = room;
    return 0;
}
