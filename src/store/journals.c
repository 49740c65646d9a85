#include <config.h>

#include "store/journals.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_system.h"
#include "base/memory.h"
#include "store/sql.h"

/* Does a rollback journal end in the name of another file, as those of a transaction
 * over several databases do? SQLite would delete that file once it has gone back. */
static bool names_another(const char *journal) {
    static const unsigned char magic[8] = {0xd9, 0xd5, 5, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
    unsigned char end[16];
    uint64_t size;
    int file = file_open(journal, UINT64_MAX, &size, NULL);
    bool found = file >= 0 && size >= sizeof end &&
                 pread(file, end, sizeof end, (off_t)(size - sizeof end)) ==
                     (ssize_t)sizeof end &&
                 memcmp(end + 8, magic, sizeof magic) == 0;
    if (file >= 0)
        close(file);
    return found;
}

int store_check_journals(const char *path, struct error *error) {
    static const char *const ends[] = {"-journal", "-wal", "-shm"};
    char *real = realpath(path, NULL);
    if (!real)
        return error_set(error, "%s: %s", path, strerror(errno));
    int result = 0;
    /* Links SQLite does not follow. */
    for (size_t i = 0; result == 0 && i < sizeof ends / sizeof *ends; i++) {
        struct stat status;
        char *name = text_format("%s%s", real, ends[i]);
        if (!name)
            result = error_memory(error);
        else if (lstat(name, &status))
            ;
        else if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode))
            result = error_set(error, "%s: %s is %s, not a file; move it away", path,
                               name, file_kind(status.st_mode));
        else if (i == 0 && names_another(name))
            result = error_set(error,
                               "%s: %s is not from pwemoe: it would have another "
                               "file deleted; move it away",
                               path, name);
        free(name);
    }
    free(real);
    return result;
}

int store_journal(const char *path, const char *suffix, bool *there, char **name,
                  struct error *error) {
    struct stat status;
    *name = NULL;
    *there = false;
    char *real = realpath(path, NULL);
    if (!real)
        return error_set(error, "%s: %s", path, strerror(errno));
    *name = text_format("%s%s", real, suffix);
    free(real);
    *there = *name && stat(*name, &status) == 0 && status.st_size > 0;
    return *name ? 0 : error_memory(error);
}

/* Whether the file's header asks for a write-ahead log. Read by SQLite's own
 * descriptor: any other, when closed, would end the locks that this process has on the
 * file. */
static bool has_write_ahead(struct store *store) {
    enum { VERSIONS = 18, WRITE_AHEAD = 2 }; /* file format, section 1.3 */
    sqlite3_file *file = NULL;
    unsigned char versions[2] = {0, 0};
    return sqlite3_file_control(store->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) ==
               SQLITE_OK &&
           file && file->pMethods &&
           file->pMethods->xRead(file, versions, sizeof versions, VERSIONS) ==
               SQLITE_OK &&
           (versions[0] == WRITE_AHEAD || versions[1] == WRITE_AHEAD);
}

/* Alone: SQLite then needs no memory that is shared to read the log. */
static int change_over(struct store *store, const char *network, struct error *error) {
    if (sql_execute(store,
                    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=DELETE;"
                    " PRAGMA locking_mode=NORMAL",
                    error) == 0 &&
        !has_write_ahead(store))
        return 0;
    return error_set(error,
                     "%s: has a write-ahead log, which does not work on %s, a network "
                     "file system, and another process uses it now; try again when it "
                     "has ended",
                     store->path, network);
}

int store_choose_journal(struct store *store, struct error *error) {
    const char *network = file_system_network(store->path);
    bool writes = store->mode == STORE_READ_WRITE;
    store->write_ahead = !network;
    if (!network || !has_write_ahead(store))
        return 0;
    if (writes)
        return change_over(store, network, error);
    return error_set(error,
                     "%s: has a write-ahead log, which does not work on %s, a network "
                     "file system; open it by a command that writes (`pwemoe front`), "
                     "which changes that, or copy it to a disk of this machine",
                     store->path, network);
}
