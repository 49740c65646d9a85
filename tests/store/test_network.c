/* results.db on a network file system: statfs is this program's own, and says so. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file_system.h"

static struct error error;
static long type; /* what every file is on; 0: a local disk */

int statfs(const char *path, struct statfs *status) {
    if (access(path, F_OK) != 0)
        return -1;
    memset(status, 0, sizeof *status);
    status->f_type = type ? type : 0xef53; /* ext4 */
    return 0;
}

/* 2: a write-ahead log; 1: a rollback journal. No store has the file open. */
static int journal_of(const char *path) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 18, SEEK_SET);
    int version = fgetc(file);
    fclose(file);
    return version;
}

static void add_one(const char *path, double scale) {
    char parameters[64];
    struct store *store = open_ok(path, STORE_READ_WRITE);
    snprintf(parameters, sizeof parameters, "{\"scale\":%g}", scale);
    add_solution(store, STORE_KIND_MERGE, "task-arithmetic", parameters, NULL, 0);
    store_close(store);
}

static size_t count(const char *path) {
    struct store *store = open_ok(path, STORE_READ_ONLY);
    struct store_row *rows;
    size_t rows_found;
    assert_done(store_rows(store, "test", &rows, &rows_found, &error));
    store_rows_free(rows, rows_found);
    store_close(store);
    return rows_found;
}

static void kinds_are_known(void **state) {
    (void)state;
    static const long types[] = {0x6969, 0xfe534d42, 0x0bd00bd0, 0x65735546};
    static const char *const names[] = {"NFS", "SMB", "Lustre", "FUSE"};
    for (size_t i = 0; i < 4; i++) {
        type = types[i];
        assert_string_equal(file_system_network("."), names[i]);
        type = (long)(int)types[i]; /* f_type is signed in places */
        assert_string_equal(file_system_network("."), names[i]);
    }
    type = 0;
    assert_null(file_system_network("."));
    type = 0x6969;
    assert_null(file_system_network("/nonexistent"));
}

static void a_new_file_has_a_rollback_journal(void **state) {
    const char *path = in_folder(state, "new.db");
    type = 0x6969;
    struct store *store = example_store(path);
    add_solution(store, STORE_KIND_MERGE, "average", "{}", NULL, 0);
    assert_int_not_equal(access(in_folder(state, "new.db-wal"), F_OK), 0);
    assert_int_not_equal(access(in_folder(state, "new.db-shm"), F_OK), 0);
    /* A viewer beside it, that sees what is written while it looks. */
    struct store *viewer = open_ok(path, STORE_READ_ONLY);
    int64_t before, after;
    assert_done(store_version(viewer, &before, &error));
    add_solution(store, STORE_KIND_SINGLE, "pretrained", "{}", NULL, 0);
    assert_done(store_version(viewer, &after, &error));
    assert_true(after > before);
    store_close(viewer);
    store_close(store);
    assert_int_equal(journal_of(path), 1);
    assert_int_equal(count(path), 2);
    type = 0; /* back on a disk */
    add_one(path, 0.3);
    assert_int_equal(journal_of(path), 2);
}

static void an_old_file_is_changed_over(void **state) {
    const char *path = in_folder(state, "old.db");
    type = 0;
    store_close(example_store(path));
    add_one(path, 0.1);
    assert_int_equal(journal_of(path), 2);
    type = 0x0bd00bd0;
    open_fails(path, STORE_READ_ONLY,
               "has a write-ahead log, which does not work on Lustre, a network file "
               "system; open it by a command that writes");
    assert_int_equal(journal_of(path), 2);
    add_one(path, 0.2);
    assert_int_equal(journal_of(path), 1);
    assert_int_equal(count(path), 2);
}

/* What the log still has goes into the file; a process that uses it is not harmed. */
static void a_file_in_use_is_left_as_it_is(void **state) {
    const char *path = in_folder(state, "used.db");
    type = 0;
    store_close(example_store(path));
    static struct store *user; /* which valgrind finds in the child, too */
    user = open_ok(path, STORE_READ_WRITE);
    add_solution(user, STORE_KIND_MERGE, "average", "{}", NULL, 0);
    pid_t child = fork();
    if (child == 0) { /* another process, as locks are a process's */
        struct store *other;
        struct error why = {.text = ""};
        type = 0x6969;
        int opened = store_open(path, STORE_READ_WRITE, &other, &why);
        _exit(opened == -1 && strstr(why.text, "another process uses it now") ? 0 : 1);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    add_solution(user, STORE_KIND_SINGLE, "pretrained", "{}", NULL, 0);
    store_close(user);
    assert_int_equal(count(path), 2);
}

/* Writers of several processes wait for each other. */
static void writers_take_turns(void **state) {
    enum { WRITERS = 4, EACH = 12 };
    const char *path = in_folder(state, "turns.db");
    type = 0x6969;
    store_close(example_store(path));
    for (int w = 0; w < WRITERS; w++)
        if (fork() == 0) {
            for (int i = 0; i < EACH; i++)
                add_one(path, 0.01 * (1 + i + EACH * w));
            _exit(0);
        }
    for (int w = 0; w < WRITERS; w++) {
        int status = 1;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(count(path), WRITERS * EACH);
    assert_int_equal(journal_of(path), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_known),
        cmocka_unit_test_setup_teardown(a_new_file_has_a_rollback_journal, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(an_old_file_is_changed_over, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(a_file_in_use_is_left_as_it_is, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(writers_take_turns, folder_make, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
