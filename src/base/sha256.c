/* The plain functions, which need no memory: EVP's look up algorithms in what it makes
 * on first use, and crash where there is no memory for it. Both run the same code, by
 * the processor's own instructions where it has them. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

struct sha256 {
    SHA256_CTX context;
};

struct sha256 *sha256_new(void) {
    struct sha256 *hash = malloc(sizeof *hash);
    if (hash)
        SHA256_Init(&hash->context);
    return hash;
}

void sha256_add(struct sha256 *hash, const void *bytes, size_t count) {
    SHA256_Update(&hash->context, bytes, count);
}

void sha256_finish(struct sha256 *hash, char hex[SHA256_HEX]) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256_Final(digest, &hash->context);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    sha256_free(hash);
}

void sha256_free(struct sha256 *hash) {
    free(hash);
}

int sha256_file(const char *path, char hex[SHA256_HEX], unsigned long long *size,
                struct sha256_reading *reading, struct error *error) {
    enum { CHUNK = 1 << 18 };
    int result = -1;
    unsigned char *chunk = malloc(CHUNK);
    struct sha256 *hash = sha256_new();
    uint64_t expected;
    int file = file_open(path, UINT64_MAX, &expected, error);
    if (file < 0)
        goto done;
    if (!chunk || !hash) {
        error_memory(error);
        goto done;
    }
    /* What is read next is fetched while this is hashed; a file system may refuse. */
    int ahead = posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL);
    (void)ahead;
    *size = 0;
    for (;;) {
        if (reading && work_stopped(reading->work)) {
            error_set(error, "%s: stopped", path);
            goto done;
        }
        ssize_t got = read(file, chunk, CHUNK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            error_set(error, "%s: %s", path, strerror(errno));
            goto done;
        }
        if (got == 0)
            break;
        sha256_add(hash, chunk, (size_t)got);
        *size += (unsigned long long)got;
        if (!reading)
            continue;
#pragma omp critical(sha256_reading)
        {
            reading->done += (unsigned long long)got;
            work_report(reading->work, reading->what, (size_t)reading->done,
                        (size_t)reading->total);
        }
    }
    sha256_finish(hash, hex);
    hash = NULL;
    result = 0;
done:
    sha256_free(hash);
    free(chunk);
    if (file >= 0)
        close(file);
    return result;
}
