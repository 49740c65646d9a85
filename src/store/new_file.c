/* Making a results.db: a new one, and a copy. Both appear whole or not at all. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beside.h"
#include "base/memory.h"
#include "store/connection.h"
#include "store/create.h"
#include "store/schema.h"

/* A file that is made beside its place. */
struct fresh {
    char *folder, *name; /* where it will be, and what it is called till then */
    int held;            /* open until the connection is closed: closing any descriptor
                            of a file ends the locks that SQLite has on it */
    struct store *store;
};

/* A connection to a new empty file beside path. Its journal is in memory: a file that
 * is not finished is thrown away. */
static int connect_beside(const char *path, struct fresh *fresh, struct error *error) {
    if (path_beside(path, &fresh->folder, &fresh->name))
        return error_memory(error);
    fresh->held = open(fresh->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fresh->held < 0) {
        error_set(error, "%s: cannot be created: %s", path, strerror(errno));
        free(fresh->name); /* not ours to remove */
        fresh->name = NULL;
        return -1;
    }
    flock(fresh->held, LOCK_EX | LOCK_NB); /* path_beside removes what nobody holds */
    fresh->store = connection_new(path, STORE_READ_WRITE);
    if (!fresh->store)
        return error_memory(error);
    if (connection_open(fresh->store, fresh->name, SQLITE_OPEN_READWRITE, "", error))
        return -1;
    return sql_execute(fresh->store,
                       "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=FULL", error);
}

/* Gives the finished file its name without replacing another. */
static int give_name(const struct fresh *fresh, const char *path, struct error *error) {
    if (beside_name_new(fresh->name, path))
        return errno == EEXIST
                   ? error_set(error, "%s: exists already; give another name", path)
                   : error_set(error, "%s: cannot be created: %s", path,
                               strerror(errno));
    if (folder_sync(fresh->folder, error)) {
        unlink(path);
        return -1;
    }
    return 0;
}

/* A -wal or -journal with something in it, left by a file that was deleted, would be
 * taken for the new file's own. */
static int check_free(const char *path, struct error *error) {
    static const char *const ends[] = {"", "-wal", "-journal"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char *name = text_format("%s%s", path, ends[i]);
        if (!name)
            return error_memory(error);
        struct stat status;
        bool there = lstat(name, &status) == 0 &&
                     (i == 0 || status.st_size > 0 || !S_ISREG(status.st_mode));
        free(name);
        if (there && i == 0)
            return error_set(error, "%s: exists already; give another name", path);
        if (there)
            return error_set(error,
                             "%s: %s%s is left over from a file that no longer exists; "
                             "remove it first",
                             path, path, ends[i]);
    }
    return 0;
}

/* Closes the connection and gives the file its name, or removes it where result is not
 * 0. */
static int fresh_end(struct fresh *fresh, const char *path, int result,
                     struct error *error) {
    store_close(fresh->store);
    if (result == 0)
        result = give_name(fresh, path, error);
    if (result && fresh->name)
        unlink(fresh->name);
    if (fresh->held >= 0)
        close(fresh->held);
    free(fresh->folder);
    free(fresh->name);
    return result;
}

int store_create(const char *path, const struct store_recipe *recipe,
                 struct store **store, struct error *error) {
    *store = NULL;
    if (check_free(path, error))
        return -1;
    struct fresh fresh = {.held = -1};
    int result = connect_beside(path, &fresh, error);
    if (result == 0 && (result = sql_write_begin(fresh.store, error)) == 0) {
        result = schema_create(fresh.store, error);
        if (result == 0)
            result = create_recipe(fresh.store, recipe, error);
        result = sql_write_end(fresh.store, result, error);
    }
    if (fresh_end(&fresh, path, result, error))
        return -1;
    if (store_open(path, STORE_READ_WRITE, store, error) == 0)
        return 0;
    /* Failed is failed: nothing is there then. */
    unlink(path);
    return -1;
}

/* --- a copy ------------------------------------------------------------------ */

/* All pages of one state of the file. */
static int copy_pages(struct store *from, struct store *to, const struct work *work,
                      struct error *error) {
    enum { PAGES = 1024 };
    if (sql_read_begin(from, error)) /* what others write meanwhile does not matter */
        return -1;
    sqlite3_backup *backup = sqlite3_backup_init(to->db, "main", from->db, "main");
    int code = backup ? SQLITE_OK : sqlite3_errcode(to->db);
    while (code == SQLITE_OK && !work_stopped(work)) {
        code = sqlite3_backup_step(backup, PAGES);
        size_t total = (size_t)sqlite3_backup_pagecount(backup);
        work_report(work, "pages", total - (size_t)sqlite3_backup_remaining(backup),
                    total);
    }
    int finished = sqlite3_backup_finish(backup);
    sql_read_end(from);
    if (code == SQLITE_OK)
        return error_set(error, "%s: stopped; nothing was written", to->path);
    if (code == SQLITE_DONE && finished == SQLITE_OK)
        return 0;
    /* The pages come from one file and go into the other: either may be at fault. */
    bool read = sqlite3_errcode(from->db) == code;
    return sql_error(read ? from : to, error);
}

static int drop_states(struct store *store, struct error *error) {
    /* VACUUM attaches a database of its own, which may be as large as the file. */
    sqlite3_limit(store->db, SQLITE_LIMIT_ATTACHED, 1);
    int result = sql_execute(
        store, "DELETE FROM run_state; PRAGMA temp_store=FILE; VACUUM", error);
    sqlite3_limit(store->db, SQLITE_LIMIT_ATTACHED, 0);
    return result;
}

int store_copy(struct store *from, const char *path, bool states,
               const struct work *work, struct error *error) {
    if (check_free(path, error))
        return -1;
    struct fresh fresh = {.held = -1};
    int result = connect_beside(path, &fresh, error);
    if (result == 0)
        result = copy_pages(from, fresh.store, work, error);
    /* The first page says that there is a write-ahead log, as its original has: a file
     * that travels has none. */
    if (result == 0)
        result = sql_execute(fresh.store, "PRAGMA journal_mode=DELETE", error);
    if (result == 0)
        result = schema_migrate(fresh.store, schema_migrations, schema_migration_count,
                                STORE_FORMAT, error);
    if (result == 0)
        result = sql_execute(fresh.store, "DELETE FROM lease", error);
    if (result == 0 && !states)
        result = drop_states(fresh.store, error);
    return fresh_end(&fresh, path, result, error);
}
