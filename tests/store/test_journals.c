/* What somebody else put beside a results.db, under the names that SQLite opens. */
#include "../support/patience.h"
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct error error;

static void both_fail(const char *path, const char *words) {
    alarm(PATIENCE); /* a pipe would be waited for */
    open_fails(path, STORE_READ_ONLY, words);
    open_fails(path, STORE_READ_WRITE, words);
    alarm(0);
}

static void what_is_no_file(void **state) {
    static const char *const names[] = {"results.db-journal", "results.db-wal",
                                        "results.db-shm"};
    const char *path = in_folder(state, "results.db"),
               *link = in_folder(state, "link.db");
    store_close(example_store(path));
    assert_int_equal(symlink("results.db", link), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *beside = in_folder(state, names[i]);
        unlink(beside);
        assert_int_equal(mkfifo(beside, 0600), 0);
        both_fail(path, " is a pipe, not a file; move it away");
        both_fail(link, names[i]); /* they lie beside what a link names */
        unlink(beside);
        assert_int_equal(mkdir(beside, 0700), 0);
        both_fail(path, "a directory, not a file");
        rmdir(beside);
    }
    store_close(open_ok(path, STORE_READ_WRITE));
    /* A new file does not come to lie beside such a thing. */
    unlink(path);
    unlink(in_folder(state, "results.db-shm"));
    assert_int_equal(mkfifo(in_folder(state, "results.db-journal"), 0600), 0);
    struct store *store;
    assert_error(store_create(path, example_recipe(2), &store, &error), &error,
                 "results.db-journal");
}

static void put_number(FILE *file, size_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        fputc((int)(value >> shift & 255), file);
}

/* A journal of a transaction over several databases, of which nothing is left but the
 * name of the file that lists them: going back deletes that file. */
static void write_journal(const char *path, const char *other) {
    static const char magic[8] = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7";
    const size_t page = 4096, lock = (1 << 30) / page + 1;
    size_t sum = 0;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fwrite(magic, 1, 8, file);
    put_number(file, 0); /* pages in it, nonce, pages of the database */
    put_number(file, 0);
    put_number(file, 1);
    put_number(file, 512);
    put_number(file, page);
    while (ftell(file) < 512)
        fputc(0, file);
    put_number(file, lock);
    for (const char *c = other; *c; c++)
        sum += (unsigned char)*c;
    fputs(other, file);
    put_number(file, strlen(other));
    put_number(file, sum);
    fwrite(magic, 1, 8, file);
    fclose(file);
}

static void a_journal_that_deletes(void **state) {
    const char *path = in_folder(state, "results.db"),
               *other = in_folder(state, "precious");
    store_close(example_store(path));
    FILE *file = fopen(other, "w");
    assert_non_null(file);
    fclose(file);
    write_journal(in_folder(state, "results.db-journal"), other);
    both_fail(path, "another file deleted");
    assert_int_equal(access(other, F_OK), 0);
    unlink(in_folder(state, "results.db-journal"));
    store_close(open_ok(path, STORE_READ_ONLY));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_no_file, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_journal_that_deletes, folder_make,
                                        folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
