#include "backend/learnt.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/draft.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"

/* A file is the digest of what follows, in hexadecimal, and a line's end. */
enum { MOST = 16 << 20, HEAD = SHA256_HEX };

/* The folder, or of it the file; NULL where there is neither or memory is out. */
static char *path_of(const char *name) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && cache[0] == '/')
        return text_format("%s/pwemoe%s%s", cache, *name ? "/" : "", name);
    return home && home[0] == '/'
               ? text_format("%s/.cache/pwemoe%s%s", home, *name ? "/" : "", name)
               : NULL;
}

static int digest(const void *bytes, size_t size, char hex[SHA256_HEX]) {
    struct sha256 *hash = sha256_new();
    if (!hash)
        return -1;
    sha256_add(hash, bytes, size);
    sha256_finish(hash, hex);
    return 0;
}

void learnt_read(struct backend *b) {
    char *path = b->learn ? path_of(b->learnt_name) : NULL, *bytes = NULL;
    char hex[SHA256_HEX];
    size_t size;
    struct error error;
    if (path && file_read(path, MOST, &bytes, &size, &error) == 0 && size > HEAD &&
        digest(bytes + HEAD, size - HEAD, hex) == 0 &&
        memcmp(hex, bytes, HEAD - 1) == 0)
        b->learn(b, bytes + HEAD, size - HEAD);
    free(bytes);
    free(path);
}

void learnt_write(struct backend *b) {
    size_t size;
    void *bytes = b->learnt ? b->learnt(b, &size) : NULL;
    if (!bytes)
        return;
    char *folder = path_of(""), *path = path_of(b->learnt_name);
    char hex[SHA256_HEX];
    struct draft *draft = NULL;
    struct error error;
    if (folder && path && digest(bytes, size, hex) == 0) {
        hex[HEAD - 1] = '\n';
        mkdir(folder, 0777);
        if (draft_open(path, path, &draft, &error) == 0) {
            if (draft_write(draft, hex, HEAD, &error) ||
                draft_write(draft, bytes, size, &error))
                draft_discard(draft);
            else
                draft_commit(draft, &error);
        }
    }
    free(path);
    free(folder);
    free(bytes);
}
