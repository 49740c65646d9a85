#include "files.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include <cmocka.h>

const char *golden_path(const char *name) {
    static char path[4096];
    const char *source = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/golden/data/%s", source ? source : ".", name);
    return path;
}

uint8_t *bytes_of(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s cannot be opened", path);
    fseek(file, 0, SEEK_END);
    size_t length = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(length + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, length, file), length);
    data[length] = 0;
    fclose(file);
    if (size)
        *size = length;
    return data;
}

void bytes_sha256(const void *data, size_t size, char hex[SHA256_HEX]) {
    struct sha256 *hash = sha256_new();
    assert_non_null(hash);
    sha256_add(hash, data, size);
    sha256_finish(hash, hex);
}

char *folder_new(void) {
    const char *base = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/pwemoe-data-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(path));
    return strdup(path);
}

static int remove_one(const char *path, const struct stat *about, int kind,
                      struct FTW *walk) {
    (void)about;
    (void)kind;
    (void)walk;
    return remove(path);
}

void folder_remove(char *folder) {
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(folder);
}

const char *path_in(const char *folder, const char *name) {
    static char paths[4][4096];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static const char *make_way(const char *folder, const char *name) {
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        char way[4096];
        snprintf(way, sizeof way, "%s/%.*s", folder, (int)(slash - name), name);
        mkdir(way, 0700);
    }
    return path_in(folder, name);
}

void file_write(const char *folder, const char *name, const void *data, size_t size) {
    FILE *file = fopen(make_way(folder, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void file_write_gzip(const char *folder, const char *name, const void *data,
                     size_t size) {
    gzFile file = gzopen(make_way(folder, name), "wb");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, data, (unsigned)size), size);
    assert_int_equal(gzclose(file), Z_OK);
}
