/* Files that are no results.db, are damaged, or were made to harm; and older ones. */
#include "support.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "store/schema.h"

static struct error error;

static void write_file(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static unsigned char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*size);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

/* One of everything. */
static void fill(struct store *store) {
    struct store_run run = {.method = "ls", .upscale = "mlp", .steps = 2};
    struct store_routers routers = {.step = 2, .blob = "routers", .size = 7};
    struct store_curve_point points[] = {{1, 0, 2.5}, {2, 2, 2.25}};
    assert_done(store_run_begin(store, &run, &error));
    assert_done(store_run_save(store, &run, &routers, "state", 5, points, 2, &error));
    double preference[] = {0.25, 0.25, 0.5};
    int64_t id =
        add_solution(store, STORE_KIND_PWEMOE, "ls", NULL, preference, routers.id);
    struct store_evaluation evaluation = example_evaluation(1, 50);
    unsigned char bits[125] = {1, 2, 3};
    evaluation.correct = bits;
    evaluation.correct_size = sizeof bits;
    assert_done(store_evaluations_put(store, id, NULL, &evaluation, 1, &error));
    struct store_bookmark bookmark = {
        .name = "here", .preference = preference, .solution = id};
    assert_done(store_bookmark_put(store, &bookmark, &error));
    assert_done(store_log(store, &error, "a line"));
}

static void both_fail(const char *path, const char *words) {
    open_fails(path, STORE_READ_ONLY, words);
    open_fails(path, STORE_READ_WRITE, words);
}

static void test_no_results(void **state) {
    const char *path = in_folder(state, "results.db");
    both_fail(path, "No such file");
    both_fail(*state, "is not a file");
    write_file(path, "", 0);
    both_fail(path, "is empty");
    write_file(path, "a,b\n1,2\n", 8);
    both_fail(path, "is not a database");
    char zeros[8192] = {0};
    write_file(path, zeros, sizeof zeros);
    both_fail(path, "is not a database");
    memcpy(zeros, "SQLite format 3", 16);
    write_file(path, zeros, sizeof zeros);
    both_fail(path, "is corrupt");
    write_file(path, zeros, 60);
    both_fail(path, "is not a database");
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    both_fail(path, "is not a file"); /* and opening does not wait for a writer */
    unlink(path);

    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db, "CREATE TABLE recipe (id)", NULL, NULL, NULL);
    sqlite3_close(db);
    both_fail(path, "of another program");
}

static void test_formats(void **state) {
    const char *path = in_folder(state, "results.db");
    store_close(example_store(path));
    plant(path, "PRAGMA user_version=9");
    both_fail(path, "is of format 9, this program reads up to 8");
    plant(path, "PRAGMA user_version=0");
    both_fail(path, "its format is 0");
    plant(path, "PRAGMA user_version=-1");
    both_fail(path, "is corrupt");
    plant(path, "PRAGMA user_version=2; PRAGMA application_id=1");
    both_fail(path, "of another program");
}

static void test_objects(void **state) {
    /* Each on a fresh file: whatever is not just ours is refused before it is used. */
    static const char *const cases[][2] = {
        {"CREATE TRIGGER t AFTER INSERT ON log BEGIN DELETE FROM solution; END",
         "DROP TRIGGER \"t\""},
        {"CREATE UNIQUE INDEX i ON log (time)", "DROP INDEX \"i\""},
        {"CREATE INDEX i ON log (time) WHERE id > 3", "DROP INDEX \"i\""},
        {"CREATE INDEX i ON log (abs(time))", "DROP INDEX \"i\""},
        {"ALTER TABLE log ADD COLUMN more INTEGER", "\"log\""},
        {"DROP INDEX solution_identity", "\"solution_identity\" is missing"},
        {"DROP TABLE bookmark", "\"bookmark\" is missing"},
        {"DROP TABLE log; CREATE VIEW log AS SELECT 1 AS id, 2 AS time, 3 AS text",
         "\"log\""},
        {"DELETE FROM recipe", "incomplete"},
        {"DELETE FROM objective WHERE position = 2", "incomplete"},
        {"DELETE FROM task WHERE position = 1", "incomplete"},
        {"DELETE FROM task; DELETE FROM objective", "incomplete"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = in_folder(state, "results.db");
        struct store *store = example_store(path);
        add_solution(store, STORE_KIND_MERGE, "ties", NULL, NULL, 0);
        store_close(store);
        plant(path, cases[i][0]);
        both_fail(path, cases[i][1]);
        unlink(path);
    }
    /* ANALYZE's tables are SQLite's own. */
    const char *path = in_folder(state, "results.db");
    store_close(example_store(path));
    plant(path, "ANALYZE");
    store_close(open_ok(path, STORE_READ_WRITE));
}

/* --- damage ------------------------------------------------------------------- */

/* Reads everything; 0 when all of it could be read, else the first message. */
static int read_all(struct store *store) {
    struct store_recipe *recipe;
    struct store_reference *references;
    struct store_row *rows;
    struct store_run *runs;
    struct store_bookmark *bookmarks;
    struct store_log_line *lines;
    struct store_visits visits;
    struct store_curve_point *curve;
    struct store_routers routers, *list;
    int64_t *ids;
    void *bytes;
    size_t count;
    bool found;
    uint64_t examples;
    if (store_recipe(store, &recipe, &error))
        return -1;
    store_recipe_free(recipe);
    if (store_references(store, &references, &count, &error))
        return -1;
    store_references_free(references, count);
    if (store_rows(store, "test", &rows, &count, &error))
        return -1;
    store_rows_free(rows, count);
    if (store_correct(store, 1, 1, "test", &found, &bytes, &examples, &error))
        return -1;
    free(bytes);
    if (store_runs(store, &runs, &count, &error))
        return -1;
    store_runs_free(runs, count);
    if (store_curve(store, 1, &curve, &count, &error))
        return -1;
    free(curve);
    if (store_run_state(store, 1, &bytes, &count, &error))
        return -1;
    free(bytes);
    if (store_routers_last(store, 1, &found, &routers, &error))
        return -1;
    store_routers_clear(&routers);
    if (store_routers_list(store, 1, &list, &count, &error))
        return -1;
    free(list);
    if (store_bookmarks(store, &bookmarks, &count, &error))
        return -1;
    store_bookmarks_free(bookmarks, count);
    if (store_log_lines(store, 10, &lines, &count, &error))
        return -1;
    store_log_lines_free(lines, count);
    if (store_selection(store, &ids, &count, &error))
        return -1;
    free(ids);
    if (store_visits(store, &visits, &error))
        return -1;
    store_visits_clear(&visits);
    return 0;
}

static void test_damaged_pages(void **state) {
    const char *path = in_folder(state, "results.db");
    struct store *store = example_store(path);
    fill(store);
    store_close(store);
    size_t size;
    unsigned char *whole = read_file(path, &size), *work = malloc(size);
    assert_true(size % 4096 == 0);
    struct random random;
    random_seed(&random, 1, 0);
    size_t refused = 0, tried = 0;
    for (size_t page = 0; page < size / 4096; page++)
        for (int kind = 0; kind < 4; kind++) {
            size_t length = size;
            memcpy(work, whole, size);
            unsigned char *at = work + page * 4096 + (page == 0 ? 100 : 0);
            size_t room = page == 0 ? 3996 : 4096;
            if (kind == 0)
                memset(at, 0, room);
            else if (kind == 1)
                length = page * 4096 + (page ? 0 : 512); /* cut there */
            else
                for (size_t i = 0; i < (kind == 2 ? 16 : room); i++)
                    at[i] = (unsigned char)random_next(&random);
            write_file(path, work, length);
            *error.text = '\0';
            int result = store_open(path, STORE_READ_ONLY, &store, &error);
            if (result == 0)
                result = read_all(store);
            store_close(store);
            if (result)
                assert_error(result, &error, path);
            refused += result != 0;
            tried++;
        }
    /* All of them: each page holds a table or an index, and the file is small enough
     * that opening looks at every page. */
    assert_int_equal(refused, tried);
    free(whole);
    free(work);
}

/* --- rows that this program cannot have written ----------------------------------- */

/* Runs sql on tables that have lost their constraints, then puts those back. */
static void plant_lax(const char *path, const char *table, const char *sql) {
    sqlite3 *db;
    char text[512];
    for (int step = 0; step < 3; step++) {
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        sqlite3_busy_timeout(db, 1000);
        if (step == 0)
            snprintf(
                text, sizeof text,
                "CREATE TABLE kept AS SELECT sql FROM sqlite_schema WHERE name='%s';"
                "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql ="
                " replace(replace(replace(replace(sql, 'IS NOT NULL', 'NOTNULL'),"
                " 'STRICT, ', ''), 'STRICT', ''),"
                " 'NOT NULL', '') WHERE name = '%s'",
                table, table);
        else if (step == 1)
            snprintf(text, sizeof text, "PRAGMA ignore_check_constraints=ON; %s", sql);
        else
            snprintf(text, sizeof text,
                     "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql ="
                     " (SELECT sql FROM kept) WHERE name = '%s'; DROP TABLE kept",
                     table);
        char *message = NULL;
        if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK)
            fail_msg("%s: %s", text, message);
        sqlite3_close(db);
    }
}

static void test_rows(void **state) {
    static const struct {
        const char *table, *sql, *words;
    } cases[] = {
        {"recipe", "UPDATE recipe SET name = NULL", "wrong name"},
        {"recipe", "UPDATE recipe SET model = x'00ff'", "wrong model"},
        {"recipe", "UPDATE recipe SET text = cast(x'610062' AS TEXT)", "wrong text"},
        {"recipe", "UPDATE recipe SET pretrained_size = -1", "wrong pretrained_size"},
        {"recipe", "UPDATE recipe SET pretrained_sha256 = 'AB'", "pretrained_sha256"},
        {"recipe", "UPDATE recipe SET pretrained_size = 1.5", "wrong pretrained_size"},
        {"task", "UPDATE task SET head = NULL WHERE position = 1", "wrong head"},
        {"expert", "DELETE FROM expert WHERE task = 2", "wrong path"},
        {"expert", "UPDATE expert SET sha256 = 5", "wrong sha256"},
        {"objective", "UPDATE objective SET maximise = 2", "wrong maximise"},
        {"reference", "UPDATE reference SET value = NULL", "wrong value"},
        {"reference", "UPDATE reference SET value = 9e999", "wrong value"},
        {"reference", "DELETE FROM reference WHERE objective = 1", "wrong value"},
        {"reference", "UPDATE reference SET change = 5", "wrong change"},
        {"solution", "UPDATE solution SET kind = 'what'", "kind \"what\""},
        {"solution", "UPDATE solution SET method = NULL", "wrong method"},
        {"solution", "UPDATE solution SET preference = x'00'", "wrong preference"},
        {"solution", "UPDATE solution SET preference = zeroblob(24)", "preference"},
        {"solution", "UPDATE solution SET preference = zeroblob(32)", "preference"},
        {"solution", "UPDATE solution SET preference = 0.5", "wrong preference"},
        {"solution", "UPDATE solution SET routers = 99", "routers of solution 1"},
        {"solution", "UPDATE solution SET routers = -1", "wrong routers"},
        {"solution", "UPDATE solution SET created = NULL", "wrong created"},
        {"solution", "UPDATE solution SET id = -4", "wrong id"},
        {"solution", "UPDATE solution SET seconds = 'long'", "wrong seconds"},
        {"solution", "UPDATE solution SET peak_bytes = -1", "wrong peak_bytes"},
        {"evaluation", "UPDATE evaluation SET objective = 3", "wrong objective"},
        {"evaluation", "UPDATE evaluation SET objective = -1", "wrong objective"},
        {"evaluation", "UPDATE evaluation SET solution = 9", "of no solution"},
        {"evaluation", "UPDATE evaluation SET value = 'x'", "wrong value"},
        {"evaluation", "UPDATE evaluation SET value = NULL", "wrong value"},
        {"evaluation", "UPDATE evaluation SET high = 9e999", "wrong high"},
        {"evaluation", "UPDATE evaluation SET low = 90.0", "interval"},
        {"evaluation", "UPDATE evaluation SET examples = 0", "wrong examples"},
        {"evaluation", "UPDATE evaluation SET examples = 4000", "125 bytes"},
        {"evaluation", "UPDATE evaluation SET complete = 5", "wrong complete"},
        {"evaluation", "UPDATE evaluation SET loss = 'x'", "wrong loss"},
        {"correct", "UPDATE correct SET bits = NULL", "bits"},
        {"correct", "UPDATE correct SET bits = 'text'", "wrong bits"},
        {"run", "UPDATE run SET steps = 4294967296", "wrong steps"},
        {"run", "UPDATE run SET upscale = NULL", "wrong upscale"},
        {"run", "UPDATE run SET seconds = 'long'", "wrong seconds"},
        {"run", "UPDATE run SET trainable = -1", "wrong trainable"},
        {"run", "UPDATE run SET peak_bytes = 0.5", "wrong peak_bytes"},
        {"run_state", "UPDATE run_state SET bytes = 7", "wrong bytes"},
        {"curve", "UPDATE curve SET task = 3 WHERE task = 2", "wrong task"},
        {"curve", "UPDATE curve SET step = -1", "wrong step"},
        {"curve", "UPDATE curve SET loss = 'x'", "wrong loss"},
        {"routers", "UPDATE routers SET bytes = x''", "no bytes"},
        {"routers", "UPDATE routers SET bytes = NULL", "no bytes"},
        {"bookmark", "UPDATE bookmark SET preference = x'0102'", "wrong preference"},
        {"bookmark", "UPDATE bookmark SET preference = NULL, solution = NULL",
         "neither a solution nor a preference"},
        {"bookmark", "UPDATE bookmark SET solution = 0", "wrong solution"},
        {"log", "UPDATE log SET text = x'41'", "wrong text"},
        {"log", "UPDATE log SET time = 'now'", "wrong time"},
    };
    const char *path = in_folder(state, "results.db");
    struct store *store = example_store(path);
    fill(store);
    store_close(store);
    size_t size;
    unsigned char *whole = read_file(path, &size);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        /* A viewer that is closed last leaves these. */
        unlink(in_folder(state, "results.db-wal"));
        unlink(in_folder(state, "results.db-shm"));
        write_file(path, whole, size);
        /* Opened while it is good: what is planted then is met by reading alone. */
        store = open_ok(path, STORE_READ_ONLY);
        assert_done(read_all(store));
        plant_lax(path, cases[i].table, cases[i].sql);
        *error.text = '\0';
        int result = read_all(store);
        if (result == 0)
            fail_msg("%s was read", cases[i].sql);
        assert_error(result, &error, "is corrupt");
        assert_error(result, &error, cases[i].words);
        store_close(store);
    }
    free(whole);
}

/* --- formats that come later ------------------------------------------------------ */

static int user_version(const char *path) {
    sqlite3 *db;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL);
    sqlite3_step(statement);
    int version = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return version;
}

static void test_migrations(void **state) {
    enum { NOW = STORE_FORMAT };
    static const struct schema_migration good[] = {
        {NOW, "ALTER TABLE log ADD COLUMN who TEXT; UPDATE log SET who = 'me'"},
        {NOW + 1, "DROP TABLE bookmark; CREATE TABLE bookmark (id INTEGER)"},
    };
    static const struct schema_migration bad[] = {
        {NOW, "ALTER TABLE log ADD COLUMN who TEXT"},
        {NOW + 1, "DROP TABLE bookmark; INSERT INTO nowhere VALUES (1)"},
    };
    const char *path = in_folder(state, "results.db");
    struct store *store = example_store(path);
    fill(store);
    /* A step that fails leaves the file at the format before it. */
    assert_error(schema_migrate(store, bad, 2, NOW + 2, &error), &error,
                 "upgrading format 9 to 10");
    assert_int_equal(user_version(path), NOW + 1);
    struct store_bookmark *bookmarks;
    size_t count;
    assert_done(store_bookmarks(store, &bookmarks, &count, &error));
    assert_int_equal(count, 1);
    store_bookmarks_free(bookmarks, count);
    store_close(store);
    both_fail(path, "is of format 9"); /* newer than this program's */
    unlink(path);

    store = example_store(path);
    fill(store);
    assert_done(schema_migrate(store, good, 2, NOW + 2, &error));
    assert_done(schema_migrate(store, good, 2, NOW + 2, &error)); /* nothing to do */
    store_close(store);
    assert_int_equal(user_version(path), NOW + 2);
    plant(path, "INSERT INTO log (time, text, who) VALUES (1, 'x', 'y');"
                "INSERT INTO bookmark VALUES (1)");
    unlink(path);

    store = example_store(path);
    assert_error(schema_migrate(store, good + 1, 1, NOW + 2, &error), &error,
                 "format 8 cannot be upgraded to 10");
    store_close(store);
    assert_int_equal(user_version(path), NOW);
}

/* A file as format 1 was on the day it was first used, which every later program
 * must open. */
static void test_format_1(void **state) {
    const char *source = getenv("srcdir");
    char name[4200];
    snprintf(name, sizeof name, "%s/tests/store/format1.sql", source ? source : ".");
    size_t size;
    unsigned char *sql = read_file(name, &size);
    sql = realloc(sql, size + 1);
    sql[size] = '\0';
    const char *path = in_folder(state, "results.db");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    char *message = NULL;
    if (sqlite3_exec(db, (char *)sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    sqlite3_close(db);
    free(sql);
    assert_int_equal(user_version(path), 1);

    /* Whoever only looks reads it as it is. */
    struct store *store = open_ok(path, STORE_READ_ONLY);
    assert_done(read_all(store));
    store_close(store);
    assert_int_equal(user_version(path), 1);
    /* Format 1 with a table of a later one is neither. */
    plant(path, "CREATE TABLE lease (run INTEGER)");
    open_fails(path, STORE_READ_ONLY, "\"lease\" is not of format 1");
    plant(path, "DROP TABLE lease");

    store = open_ok(path, STORE_READ_WRITE);
    assert_int_equal(user_version(path), STORE_FORMAT);
    assert_done(read_all(store));
    struct store_row *rows;
    size_t count;
    assert_done(store_rows(store, "test", &rows, &count, &error));
    assert_int_equal(count, 1);
    assert_true(rows[0].solution.preference[2] == 0.5);
    assert_string_equal(rows[0].upscale, "mlp");
    assert_true(rows[0].evaluations[1].present && rows[0].evaluations[1].value == 50);
    store_rows_free(rows, count);
    struct store_recipe *recipe;
    assert_done(store_recipe(store, &recipe, &error));
    assert_string_equal(recipe->tasks[2].name, "cifar10");
    store_recipe_free(recipe);
    assert_done(store_log(store, &error, "opened"));
    store_close(store);
    assert_int_equal(user_version(path), STORE_FORMAT);
}

static void test_others_things(void **state) {
    /* Others' things that do no harm are passed over, whatever they are called by. */
    static const char *const harmless[] = {
        "CREATE TABLE _backup_lock (id INTEGER UNIQUE)",
        "CREATE VIEW best AS SELECT max(value) FROM evaluation",
        "CREATE INDEX by_time ON log (time)",
        "CREATE TABLE a (x); CREATE UNIQUE INDEX ax ON a (x);"
        " CREATE TRIGGER at AFTER INSERT ON a BEGIN DELETE FROM a; END",
    };
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
        const char *path = in_folder(state, "results.db");
        struct store *store = example_store(path);
        store_close(store);
        plant(path, harmless[i]);
        store = open_ok(path, STORE_READ_ONLY);
        assert_done(read_all(store));
        store_close(store);
        store = open_ok(path, STORE_READ_WRITE);
        add_solution(store, STORE_KIND_MERGE, "ties", NULL, NULL, 0);
        store_close(store);
        unlink(path);
    }
    /* What `.dump` writes, restored: all but the numbers in the header. */
    const char *dumped = in_folder(state, "results.db");
    store_close(example_store(dumped));
    plant(dumped, "PRAGMA application_id=0; PRAGMA user_version=0");
    store_close(open_ok(dumped, STORE_READ_ONLY));
    store_close(open_ok(dumped, STORE_READ_WRITE));
    assert_int_equal(user_version(dumped), STORE_FORMAT);
    unlink(dumped);
}

/* A viewer who may not write the file, but may make files beside it: its -wal and -shm
 * would be the viewer's, and the owner could no longer write. */
static void test_viewers_leave_nothing(void **state) {
    enum { NOBODY = 65534 };
    const char *path = in_folder(state, "results.db");
    char beside[4096];
    int status;
    if (geteuid() != 0)
        skip(); /* who is not root owns what is made here, and may write it */
    store_close(example_store(path));
    assert_int_equal(chmod(*state, 0777), 0);
    assert_int_equal(chmod(path, 0644), 0);
    pid_t child = fork();
    if (child == 0) {
        struct store *store;
        if (setgid(NOBODY) || setuid(NOBODY))
            _exit(77);
        if (store_open(path, STORE_READ_ONLY, &store, &error))
            _exit(1);
        int result = read_all(store) ? 2 : 0;
        snprintf(beside, sizeof beside, "%s-shm", path);
        result |= access(beside, F_OK) == 0 ? 4 : 0;
        store_close(store);
        _exit(result);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
    snprintf(beside, sizeof beside, "%s-wal", path);
    assert_int_not_equal(access(beside, F_OK), 0);
    snprintf(beside, sizeof beside, "%s-shm", path);
    assert_int_not_equal(access(beside, F_OK), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_results, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_formats, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_objects, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_others_things, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_viewers_leave_nothing, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(test_damaged_pages, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_rows, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_migrations, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_format_1, folder_make, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
