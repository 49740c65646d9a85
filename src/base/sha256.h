/* SHA-256 of bytes and files (libcrypto underneath). */
#ifndef PWEMOE_BASE_SHA256_H
#define PWEMOE_BASE_SHA256_H

#include <stddef.h>

#include "base/error.h"
#include "base/work.h"

enum { SHA256_HEX = 65 }; /* 64 hexadecimal digits and the terminator */

struct sha256;

/* NULL when memory is out. Ended by sha256_finish or sha256_free. */
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *hash, const void *bytes, size_t count);
/* Writes the digest and frees the hash. */
void sha256_finish(struct sha256 *hash, char hex[SHA256_HEX]);
void sha256_free(struct sha256 *hash);

/* Files that are read, also by several threads: `what` is being done, to `total`
 * bytes. Those of one program are told one after another. */
struct sha256_reading {
    const struct work *work;
    const char *what;
    unsigned long long done, total;
};

/* The digest and the size of the file at path. Reading, which may be NULL, is told how
 * far it is, and where its work is stopped, that is the error. */
int sha256_file(const char *path, char hex[SHA256_HEX], unsigned long long *size,
                struct sha256_reading *reading, struct error *error);

#endif
