/* Memory that runs out and disks that fail, at every place once.
 *
 * One scenario (open, store one of everything, read it back) is run again and again;
 * the n-th allocation, or the n-th call of the disk, fails, for every n there is (or,
 * where they are many, for evenly spread ones). Whatever fails says so in one line;
 * the file stays whole and holds each thing whose function returned 0.
 *
 * Allocations of libpwemoe are reached by the linker's --wrap, those of SQLite by
 * SQLITE_CONFIG_MALLOC, its files by a VFS in front of the usual one. */
#include "support.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct error error;

/* The call that fails: counts down, fails at 1. 0: nothing fails. lasting: and all
 * after it. */
static struct {
    long left;
    long calls;
    bool lasting;
} own, sqlite_memory, disk;

static bool fails(long *left, long *calls, bool lasting) {
    ++*calls;
    if (*left == 0)
        return false;
    if (*left == 1)
        return lasting ? true : (*left = 0, true);
    --*left;
    return false;
}
#define FAILS(where) fails(&(where).left, &(where).calls, (where).lasting)

/* --- libpwemoe's memory --------------------------------------------------------- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size) {
    return FAILS(own) ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size) {
    return FAILS(own) ? NULL : __real_calloc(count, size);
}
void *__wrap_realloc(void *block, size_t size) {
    return FAILS(own) ? NULL : __real_realloc(block, size);
}
char *__wrap_strdup(const char *text) {
    return FAILS(own) ? NULL : __real_strdup(text);
}

/* --- SQLite's memory ------------------------------------------------------------ */

static sqlite3_mem_methods usual;

static void *memory_new(int size) {
    return FAILS(sqlite_memory) ? NULL : usual.xMalloc(size);
}
static void *memory_grow(void *block, int size) {
    return FAILS(sqlite_memory) ? NULL : usual.xRealloc(block, size);
}

/* --- SQLite's files ------------------------------------------------------------- */

/* Ours, and behind it in the same block the real one. */
struct file {
    sqlite3_file base;
};

static sqlite3_vfs *below;

static sqlite3_file *real(sqlite3_file *file) {
    return (sqlite3_file *)((struct file *)file + 1);
}
#define PASS(call) real(file)->pMethods->call

static int file_close(sqlite3_file *file) {
    return PASS(xClose(real(file)));
}
static int file_read(sqlite3_file *file, void *out, int size, sqlite3_int64 at) {
    return FAILS(disk) ? SQLITE_IOERR_READ : PASS(xRead(real(file), out, size, at));
}
static int file_write(sqlite3_file *file, const void *in, int size, sqlite3_int64 at) {
    if (!FAILS(disk))
        return PASS(xWrite(real(file), in, size, at));
    /* A full disk takes a part. */
    PASS(xWrite(real(file), in, size / 2, at));
    return SQLITE_FULL;
}
static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    return FAILS(disk) ? SQLITE_IOERR_TRUNCATE : PASS(xTruncate(real(file), size));
}
static int file_sync(sqlite3_file *file, int flags) {
    (void)file, (void)flags; /* not really: the machine stays up, and it is slow */
    return FAILS(disk) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}
static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
    return FAILS(disk) ? SQLITE_IOERR_FSTAT : PASS(xFileSize(real(file), size));
}
static int file_lock(sqlite3_file *file, int lock) {
    return FAILS(disk) ? SQLITE_IOERR_LOCK : PASS(xLock(real(file), lock));
}
static int file_unlock(sqlite3_file *file, int lock) {
    return PASS(xUnlock(real(file), lock));
}
static int file_reserved(sqlite3_file *file, int *out) {
    return PASS(xCheckReservedLock(real(file), out));
}
static int file_control(sqlite3_file *file, int operation, void *argument) {
    return PASS(xFileControl(real(file), operation, argument));
}
static int file_sector(sqlite3_file *file) {
    return PASS(xSectorSize(real(file)));
}
static int file_device(sqlite3_file *file) {
    return PASS(xDeviceCharacteristics(real(file)));
}
static int file_shm_map(sqlite3_file *file, int region, int size, int extend,
                        void volatile **out) {
    return FAILS(disk) ? SQLITE_IOERR_SHMMAP
                       : PASS(xShmMap(real(file), region, size, extend, out));
}
static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    return PASS(xShmLock(real(file), offset, count, flags));
}
static void file_shm_barrier(sqlite3_file *file) {
    PASS(xShmBarrier(real(file)));
}
static int file_shm_unmap(sqlite3_file *file, int remove) {
    return PASS(xShmUnmap(real(file), remove));
}

static const sqlite3_io_methods methods = {.iVersion = 2,
                                           .xClose = file_close,
                                           .xRead = file_read,
                                           .xWrite = file_write,
                                           .xTruncate = file_truncate,
                                           .xSync = file_sync,
                                           .xFileSize = file_size,
                                           .xLock = file_lock,
                                           .xUnlock = file_unlock,
                                           .xCheckReservedLock = file_reserved,
                                           .xFileControl = file_control,
                                           .xSectorSize = file_sector,
                                           .xDeviceCharacteristics = file_device,
                                           .xShmMap = file_shm_map,
                                           .xShmLock = file_shm_lock,
                                           .xShmBarrier = file_shm_barrier,
                                           .xShmUnmap = file_shm_unmap};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *out) {
    (void)vfs;
    file->pMethods = NULL;
    if (FAILS(disk))
        return SQLITE_CANTOPEN;
    int result = below->xOpen(below, name, real(file), flags, out);
    if (real(file)->pMethods)
        file->pMethods = &methods;
    return result;
}

static void set_up(void) {
    static sqlite3_mem_methods failing;
    static sqlite3_vfs vfs;
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual);
    failing = usual;
    failing.xMalloc = memory_new;
    failing.xRealloc = memory_grow;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) != SQLITE_OK ||
        sqlite3_initialize() != SQLITE_OK)
        abort();
    below = sqlite3_vfs_find(NULL);
    vfs = *below;
    vfs.zName = "failing";
    vfs.szOsFile = (int)sizeof(struct file) + below->szOsFile;
    vfs.xOpen = vfs_open;
    vfs.pNext = NULL;
    sqlite3_vfs_register(&vfs, 1);
}

/* --- the scenario --------------------------------------------------------------- */

enum { ROUTERS = 30000 };
static const double corner[] = {1, 0, 0};

struct done { /* what returned 0 */
    bool run, saved, solution, evaluations, pair, bookmark, log, expert, reference;
    int64_t id;
};

/* A failure without a message is a fault too. */
static bool good(int result) {
    if (result && (!*error.text || strchr(error.text, '\n')))
        fail_msg("a failure says \"%s\"", error.text);
    *error.text = '\0';
    return result == 0;
}

static void store_things(struct store *store, struct done *done) {
    struct store_run run = {
        .method = "ls", .upscale = "mlp", .parameters = "{\"lr\":1e-2}"};
    static char large[ROUTERS]; /* over several pages */
    memset(large, 'r', sizeof large);
    struct store_routers routers = {.step = 1, .blob = large, .size = sizeof large};
    struct store_curve_point points[] = {{1, 0, 2}, {1, 1, 3}};
    done->run = good(store_run_begin(store, &run, &error));
    if (done->run)
        done->saved =
            good(store_run_save(store, &run, &routers, "state", 5, points, 2, &error));
    struct store_solution solution = {.kind = STORE_KIND_PWEMOE,
                                      .method = "ls",
                                      .preference = (double *)corner,
                                      .routers = done->saved ? routers.id : 0};
    struct store_evaluation three[3];
    unsigned char bits[125] = {7};
    for (size_t t = 0; t < 3; t++) {
        three[t] = example_evaluation(t, 50);
        three[t].correct = bits;
        three[t].correct_size = sizeof bits;
    }
    done->solution = good(store_solution_put(store, &solution, &error));
    done->id = solution.id;
    if (done->solution)
        done->evaluations =
            good(store_evaluations_put(store, solution.id, NULL, three, 3, &error));
    /* Two steps in one transaction. */
    if (good(store_begin(store, &error))) {
        struct store_solution two = {.kind = STORE_KIND_MERGE, .method = "ties"};
        bool whole = good(store_solution_put(store, &two, &error)) &&
                     good(store_evaluations_put(store, two.id, NULL, three, 3, &error));
        if (whole)
            done->pair = good(store_commit(store, &error));
        else
            store_rollback(store);
    }
    struct store_bookmark bookmark = {.name = "here", .preference = (double *)corner};
    done->bookmark = good(store_bookmark_put(store, &bookmark, &error));
    done->log = good(store_log(store, &error, "a line"));
    struct store_visits visits = {(double *)corner, 1, 0};
    double other[] = {0, 0, 1};
    if (done->bookmark)
        good(store_bookmark_note(store, bookmark.id, "a note", &error));
    good(store_selection_put(store, (int64_t[]){1}, 1, &error));
    good(store_visits_put(store, &visits, 500, NULL, &error));
    struct store_visits others = {other, 1, 0};
    struct store_visits_seen seen = {0};
    good(store_visits_put(store, &others, 500, &seen, &error));
    store_visits_seen_clear(&seen);
    struct store_checkpoint expert = {.path = "moved"};
    done->expert = good(store_set_expert(store, 1, &expert, &error));
    done->reference = good(store_set_reference(store, corner, &error));
}

/* Reads everything; results are empty where it failed. */
static void read_things(struct store *store) {
    size_t count;
    bool found;
    uint64_t examples;
    void *bytes;
    int64_t version;
    struct store_recipe *recipe;
    if (good(store_recipe(store, &recipe, &error)))
        store_recipe_free(recipe);
    else
        assert_null(recipe);
    struct store_row *rows;
    if (good(store_rows(store, "test", &rows, &count, &error)))
        store_rows_free(rows, count);
    else
        assert_true(!rows && !count);
    struct store_run *runs;
    if (good(store_runs(store, &runs, &count, &error)))
        store_runs_free(runs, count);
    else
        assert_true(!runs && !count);
    struct store_routers routers;
    if (good(store_routers_last(store, 1, &found, &routers, &error)) && found)
        assert_int_equal(((char *)routers.blob)[ROUTERS - 1], 'r');
    store_routers_clear(&routers);
    struct store_routers *list;
    good(store_routers_list(store, 1, &list, &count, &error));
    free(list);
    struct store_curve_point *curve;
    good(store_curve(store, 1, &curve, &count, &error));
    free(curve);
    good(store_run_state(store, 1, &bytes, &count, &error));
    free(bytes);
    good(store_correct(store, 1, 1, "test", &found, &bytes, &examples, &error));
    free(bytes);
    struct store_solution solution;
    good(store_solution_get(store, 1, &found, &solution, &error));
    store_solution_clear(&solution);
    struct store_bookmark *bookmarks;
    if (good(store_bookmarks(store, &bookmarks, &count, &error)))
        store_bookmarks_free(bookmarks, count);
    int64_t *ids;
    if (good(store_selection(store, &ids, &count, &error)))
        free(ids);
    else
        assert_true(!ids && !count);
    struct store_visits visits;
    good(store_visits(store, &visits, &error));
    store_visits_clear(&visits);
    struct store_log_line *lines;
    if (good(store_log_lines(store, 5, &lines, &count, &error)))
        store_log_lines_free(lines, count);
    struct store_reference *references;
    if (good(store_references(store, &references, &count, &error)))
        store_references_free(references, count);
    good(store_version(store, &version, &error));
}

/* With nothing failing any more: the file is whole and holds what is done. */
static void check_file(const char *path, const struct done *done) {
    struct store *store = open_ok(path, STORE_READ_WRITE);
    struct store_row *rows;
    struct store_bookmark *bookmarks;
    struct store_log_line *lines;
    struct store_run *runs;
    struct store_recipe *recipe;
    size_t count;
    assert_done(store_rows(store, "test", &rows, &count, &error));
    bool pair = false, single = false;
    for (size_t i = 0; i < count; i++) {
        const struct store_evaluation *e = rows[i].evaluations;
        assert_true(e[0].present == e[1].present && e[1].present == e[2].present);
        bool merge = rows[i].solution.kind == STORE_KIND_MERGE;
        if (merge) /* its transaction held both or nothing */
            assert_true(e[0].present);
        pair = pair || merge;
        if (done->solution && rows[i].solution.id == done->id) {
            single = true;
            assert_true(e[0].present || !done->evaluations);
        }
    }
    assert_true((pair || !done->pair) && (single || !done->solution));
    store_rows_free(rows, count);
    assert_done(store_runs(store, &runs, &count, &error));
    assert_true(count == 1 || !done->run);
    store_runs_free(runs, count);
    if (done->saved) {
        struct store_routers routers;
        struct store_curve_point *curve;
        bool found;
        assert_done(store_routers_last(store, 1, &found, &routers, &error));
        assert_true(found && routers.size == ROUTERS);
        store_routers_clear(&routers);
        assert_done(store_curve(store, 1, &curve, &count, &error));
        assert_int_equal(count, 2);
        free(curve);
    }
    assert_done(store_bookmarks(store, &bookmarks, &count, &error));
    assert_true(count == 1 || !done->bookmark);
    store_bookmarks_free(bookmarks, count);
    assert_done(store_log_lines(store, 5, &lines, &count, &error));
    assert_true(count == 1 || !done->log);
    store_log_lines_free(lines, count);
    assert_done(store_recipe(store, &recipe, &error));
    if (done->expert)
        assert_string_equal(recipe->tasks[1].expert.path, "moved");
    if (done->reference)
        assert_true(recipe->tasks[2].objective.reference == 0);
    store_recipe_free(recipe);
    store_close(store);
}

/* --- running it ------------------------------------------------------------------ */

struct point {
    long *left, *calls;
    bool *lasting;
};

static void copy_file(const char *from, const char *to) {
    char buffer[65536];
    size_t got;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    assert_true(in && out);
    while ((got = fread(buffer, 1, sizeof buffer, in)) > 0)
        assert_int_equal(fwrite(buffer, 1, got, out), got);
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

static void run_once(void **state, const struct point *point, long at, bool lasting) {
    const char *path = in_folder(state, "results.db");
    unlink(path);
    unlink(in_folder(state, "results.db-wal"));
    unlink(in_folder(state, "results.db-shm"));
    copy_file(in_folder(state, "fresh.db"), path);
    struct done done = {0};
    struct store *store;
    *error.text = '\0';
    *point->calls = 0;
    *point->lasting = lasting;
    *point->left = at;
    if (good(store_open(path, STORE_READ_WRITE, &store, &error))) {
        store_things(store, &done);
        store_close(store);
    } else {
        assert_null(store);
    }
    /* Another connection, whose pages are not in memory. */
    if (good(store_open(path, STORE_READ_ONLY, &store, &error))) {
        read_things(store);
        store_close(store);
    }
    *point->left = 0;
    check_file(path, &done);
}

/* At most `most` places, evenly spread, the first twenty among them. */
static void run_all(void **state, const struct point *point, long most) {
    store_close(example_store(in_folder(state, "fresh.db")));
    run_once(state, point, 0, false);
    run_once(state, point, 0, false);
    long calls = *point->calls;
    assert_true(calls > 50);
    long stride = calls / most + 1;
    for (long at = 1; at <= calls; at += at < 20 ? 1 : stride) {
        run_once(state, point, at, false);
        run_once(state, point, at, true);
    }
}

static void test_own_memory(void **state) {
    run_all(state, &(struct point){&own.left, &own.calls, &own.lasting}, 60);
}

static void test_sqlite_memory(void **state) {
    run_all(state,
            &(struct point){&sqlite_memory.left, &sqlite_memory.calls,
                            &sqlite_memory.lasting},
            120);
}

static void test_disk(void **state) {
    run_all(state, &(struct point){&disk.left, &disk.calls, &disk.lasting}, 150);
}

/* A file appears whole or not at all, and nothing stays beside it. */
static void create_once(void **state, const struct point *point, long at) {
    const char *path = in_folder(state, "new.db");
    struct store *store;
    *error.text = '\0';
    *point->calls = 0;
    *point->lasting = false;
    *point->left = at;
    bool made = good(store_create(path, example_recipe(3), &store, &error));
    *point->left = 0;
    store_close(store);
    if (made || access(path, F_OK) == 0) {
        store_close(open_ok(path, STORE_READ_WRITE));
        assert_int_equal(unlink(path), 0);
    }
    unlink(in_folder(state, "new.db-wal"));
    unlink(in_folder(state, "new.db-shm"));
    /* The folder can be removed: it is empty. */
    assert_int_equal(rmdir(*state), 0);
    assert_int_equal(mkdir(*state, 0700), 0);
}

static void create_all(void **state, const struct point *point, long most) {
    create_once(state, point, 0);
    long calls = *point->calls, stride = calls / most + 1;
    assert_true(calls > 5);
    for (long at = 1; at <= calls; at += at < 10 ? 1 : stride)
        create_once(state, point, at);
}

static void test_create(void **state) {
    create_all(state, &(struct point){&own.left, &own.calls, &own.lasting}, 30);
    create_all(state,
               &(struct point){&sqlite_memory.left, &sqlite_memory.calls,
                               &sqlite_memory.lasting},
               30);
    create_all(state, &(struct point){&disk.left, &disk.calls, &disk.lasting}, 60);
}

int main(void) {
    set_up();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_own_memory, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_sqlite_memory, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_disk, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_create, folder_make, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
