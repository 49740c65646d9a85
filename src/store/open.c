#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/connection.h"
#include "store/journals.h"
#include "store/lease.h"
#include "store/schema.h"

enum { PATIENCE = 10000 /* ms */ };

/* The path as a file: URI. Plain names will not do: SQLite takes ":memory:" and
 * names that begin with "file:" for something else. */
static char *path_uri(const char *path, const char *parameters) {
    size_t length = strlen(path), size;
    if (!size_multiply(length, 3, &size) ||
        !size_add(size, strlen(parameters) + 16, &size))
        return NULL;
    char *uri = malloc(size);
    if (!uri)
        return NULL;
    char *out = uri + sprintf(uri, "%s", path[0] == '/' ? "file://" : "file:./");
    for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                     (*p >= '0' && *p <= '9') || strchr("/._-", *p);
        out += sprintf(out, plain ? "%c" : "%%%02X", *p);
    }
    strcpy(out, parameters);
    return uri;
}

char *store_folder(const char *path) {
    struct stat status;
    char *file = NULL;
    if (lstat(path, &status) == 0 && S_ISLNK(status.st_mode))
        file = realpath(path, NULL);
    const char *name = file ? file : path, *slash = strrchr(name, '/');
    char *folder = !slash          ? strdup(".")
                   : slash == name ? strdup("/")
                                   : strndup(name, (size_t)(slash - name));
    free(file);
    return folder;
}

struct store *connection_new(const char *path, enum store_mode mode) {
    struct store *store = array_new(1, sizeof *store);
    if (!store)
        return NULL;
    store->mode = mode;
    store->path = strdup(path);
    if (!store->path) {
        free(store);
        return NULL;
    }
    return store;
}

void store_close(struct store *store) {
    if (!store)
        return;
    if (store->leased) {
        store_rollback(store);
        store_set_timeout(store, 1000); /* no reason to wait long for */
        lease_release(store);
    }
    statements_clear(&store->statements);
    sqlite3_close_v2(store->db);
    free(store->path);
    free(store);
}

static int configure(struct store *store, struct error *error) {
    sqlite3 *db = store->db;
    /* What a file from someone else could use to run more than our statements. */
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    store_set_timeout(store, PATIENCE);
    return sql_execute(
        store,
        "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY",
        error);
}

int connection_open(struct store *store, const char *path, int flags,
                    const char *parameters, struct error *error) {
    char *uri = path_uri(path, parameters);
    if (!uri)
        return error_memory(error);
    int result = sqlite3_open_v2(uri, &store->db,
                                 flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
                                     SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE,
                                 NULL);
    free(uri);
    if (!store->db)
        return error_memory(error);
    if (result != SQLITE_OK)
        return sql_error(store, error);
    return configure(store, error);
}

/* Faults that are told better before SQLite sees the file, which is not opened for it:
 * closing it would end the locks that every other store of this process has on it
 * (POSIX), and another process could then take its -wal away. */
static int check_file(const char *path, struct error *error) {
    struct stat status;
    if (stat(path, &status))
        return error_set(error, "%s: %s; `pwemoe init` makes a results file", path,
                         strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(error, "%s: is not a file; give one that `pwemoe init` made",
                         path);
    if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS))
        return error_set(error, "%s: %s", path, strerror(errno));
    if (status.st_size == 0)
        return error_set(error, "%s: is empty; `pwemoe init` makes a results file",
                         path);
    return 0;
}

/* After SQLite found no database: whether the file ever was one. No store of this
 * process has it open then. */
static int explain_none(const char *path, struct error *error) {
    static const char magic[16] = "SQLite format 3";
    char head[sizeof magic] = "";
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t length = file < 0 ? 0 : pread(file, head, sizeof head, 0);
    if (file >= 0)
        close(file);
    if (length == (ssize_t)sizeof head && memcmp(head, magic, sizeof magic) == 0)
        return -1;
    return error_set(
        error, "%s: is not a database; give a file that `pwemoe init` made", path);
}

/* WAL wants a -shm file beside the database, which may not or cannot be made here. With
 * no -wal there is nothing but the file itself, and nobody changes it now. */
static int connect_unchanging(struct store *store, struct error *error) {
    char *wal;
    bool pending;
    if (store_journal(store->path, "-wal", &pending, &wal, error))
        return -1;
    if (pending)
        error_set(error,
                  "%s: its newest figures are in %s, which cannot be read here; copy "
                  "both to a folder that you can write to",
                  store->path, wal);
    free(wal);
    if (pending)
        return -1;
    statements_clear(&store->statements);
    sqlite3_close_v2(store->db);
    store->db = NULL;
    return connection_open(store, store->path, SQLITE_OPEN_READONLY, "?immutable=1",
                           error);
}

/* Who may not write the file would make -wal and -shm of its own beside it, where the
 * folder lets it, and the file's owner could then no longer write. */
static int may_share(const struct store *store, bool *may, struct error *error) {
    char *shm, *folder = store_folder(store->path);
    if (!folder)
        return error_memory(error);
    *may = faccessat(AT_FDCWD, store->path, W_OK, AT_EACCESS) == 0 ||
           faccessat(AT_FDCWD, folder, W_OK, AT_EACCESS) != 0;
    free(folder);
    if (*may)
        return 0;
    /* Where they are there already none is made. */
    int result = store_journal(store->path, "-shm", may, &shm, error);
    free(shm);
    return result;
}

/* A viewer's connection can write too, where that is allowed, but is told not to:
 * one that could not would leave its -wal and -shm files behind when it is closed
 * last. The first page is read at once: whatever keeps a connection from working
 * comes up here. */
static int connect_to_read(struct store *store, struct error *error) {
    bool may;
    if (may_share(store, &may, error))
        return -1;
    if (!may)
        return connect_unchanging(store, error);
    if (connection_open(store, store->path, SQLITE_OPEN_READWRITE, "", error) ||
        store_choose_journal(store, error))
        return -1;
    if (sqlite3_exec(store->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL,
                     NULL) == SQLITE_OK)
        return 0;
    int code = sqlite3_errcode(store->db) & 0xff;
    sql_error(store, error);
    if (code != SQLITE_CANTOPEN && code != SQLITE_READONLY)
        return -1;
    return connect_unchanging(store, error);
}

static void read_tasks(struct sql_row *row, void *to) {
    int64_t numbers[5];
    for (int i = 0; i < 5; i++)
        numbers[i] = sqlite3_column_int64(row->statement, i);
    int64_t tasks = numbers[1];
    if (numbers[0] != 1 || tasks < 1 || tasks > STORE_TASKS_MAX ||
        numbers[2] != tasks || numbers[3] != tasks - 1 || numbers[4] != tasks - 1)
        sql_row_corrupt(row, "its recipe is incomplete");
    else
        *(size_t *)to = (size_t)tasks;
}

static int count_tasks(struct store *store, struct error *error) {
    return sql_one(
               store, error, "its recipe", read_tasks, &store->tasks,
               "SELECT (SELECT count(*) FROM recipe), (SELECT count(*) FROM task),"
               " (SELECT count(*) FROM objective), (SELECT max(position) FROM task),"
               " (SELECT max(position) FROM objective)",
               "") < 0
               ? -1
               : 0;
}

int store_open(const char *path, enum store_mode mode, struct store **opened,
               struct error *error) {
    *opened = NULL;
    if (check_file(path, error) || store_check_journals(path, error))
        return -1;
    struct store *store = connection_new(path, mode);
    if (!store)
        return error_memory(error);
    int format;
    if (mode == STORE_READ_ONLY
            ? connect_to_read(store, error)
            : connection_open(store, path, SQLITE_OPEN_READWRITE, "", error) ||
                  store_choose_journal(store, error))
        goto fail;
    if (mode == STORE_READ_ONLY && sql_execute(store, "PRAGMA query_only=ON", error))
        goto fail;
    if (mode == STORE_READ_WRITE && sqlite3_db_readonly(store->db, "main")) {
        error_set(error,
                  "%s: cannot be written; copy it to a folder that you can write to",
                  path);
        goto fail;
    }
    if (schema_check_application(store, &format, error))
        goto fail;
    if (format < SCHEMA_READABLE && mode == STORE_READ_ONLY) {
        error_set(error,
                  "%s: is of format %d; open it once for writing, which brings it to "
                  "format %d",
                  path, format, STORE_FORMAT);
        goto fail;
    }
    if (mode == STORE_READ_WRITE && format < STORE_FORMAT) {
        if (schema_migrate(store, schema_migrations, schema_migration_count,
                           STORE_FORMAT, error))
            goto fail;
        format = STORE_FORMAT;
    }
    if (schema_check_objects(store, format, error) ||
        schema_check_pages(store, error) || count_tasks(store, error))
        goto fail;
    /* Those who write look rows up all over the file; those who read go through it
     * once, for which SQLite's own 2 MB are better than memory that must be fetched. */
    if (mode == STORE_READ_WRITE &&
        sql_execute(store,
                    store->write_ahead
                        ? "PRAGMA cache_size=-16384; PRAGMA journal_mode=WAL;"
                          " PRAGMA synchronous=FULL"
                        : "PRAGMA cache_size=-16384; PRAGMA synchronous=FULL",
                    error))
        goto fail;
    *opened = store;
    return 0;
fail:;
    bool none = (sqlite3_errcode(store->db) & 0xff) == SQLITE_NOTADB;
    store_close(store);
    return none ? explain_none(path, error) : -1;
}

const char *store_path(const struct store *store) {
    return store->path;
}

void store_set_timeout(struct store *store, int milliseconds) {
    sqlite3_busy_timeout(store->db, milliseconds);
}

int store_begin(struct store *store, struct error *error) {
    if (store->explicit_)
        return error_set(error, "%s: a transaction is open already", store->path);
    if (sql_execute(store, "BEGIN IMMEDIATE", error))
        return -1;
    store->explicit_ = true;
    store->undone = false;
    return 0;
}

int store_commit(struct store *store, struct error *error) {
    if (!store->explicit_)
        return error_set(error, "%s: no transaction is open", store->path);
    bool undone = store->undone || sqlite3_get_autocommit(store->db);
    int result = undone ? error_set(error,
                                    "%s: the transaction was undone by an earlier "
                                    "failure; start again",
                                    store->path)
                        : sql_execute(store, "COMMIT", error);
    store_rollback(store);
    return result;
}

void store_rollback(struct store *store) {
    if (store->explicit_ && !sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    store->explicit_ = store->undone = false;
}

int store_version(struct store *store, int64_t *version, struct error *error) {
    int seen;
    if (sql_one(store, error, "its version", sql_read_int, &seen, "PRAGMA data_version",
                "") < 0)
        return -1;
    /* data_version tells of other connections' commits, total_changes of ours. */
    if (seen != store->data_version)
        store->version++;
    store->data_version = seen;
    *version = store->version + sqlite3_total_changes64(store->db);
    return 0;
}
