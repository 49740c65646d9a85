/* Every allocation fails in its turn: each command then ends with status 1 and one
 * line, its store whole and nothing half made, or with the right answer.
 *
 * In its turn: of those that come from the same place by the same calls the first. So
 * many of the places of each command are tried, evenly spread (PWEMOE_MEMORY_PLACES;
 * "all": all of them, as `make check-memory` does; PWEMOE_MEMORY_COMMANDS: of those
 * commands alone that have these words; PWEMOE_MEMORY_FROM: of the first that has these
 * words and all after it; PWEMOE_MEMORY_TRIED: a file of the places that were tried,
 * which is added to: they are not tried again, and a place is then where the innermost
 * twelve calls are the same, whatever the command). Not made to fail are those of
 * fontconfig, libseccomp and oneDNN's code generator, which crash, and cairo's, which
 * draws in another way: the program asks for their memory beforehand; and setlocale's,
 * which says in two of its places that there is no such locale. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>

#include "../support/patience.h"
#include "base/memory.h"
#include "run.h"

enum { PLACES = 5 };

/* %1$s is the folder, ./ the build's. */
static const struct {
    const char *words;
    bool timed; /* prints when and how long */
} commands[] = {
    {"pwemoe info", false},
    {"pwemoe help train", false},
    {"pwemoe completion bash", false},
    {"pwemoe paths %1$s/x.db", false},
    {"pwemoe show %1$s/x.db solutions --format json", false},
    {"pwemoe show %1$s/x.db front", false},
    {"pwemoe show %1$s/x.db indicators --format csv", false},
    {"pwemoe show %1$s/x.db objectives", false},
    {"pwemoe show %1$s/x.db routers", false},
    {"pwemoe show %1$s/x.db training --format csv", false},
    {"pwemoe show %1$s/x.db routing", false},
    {"pwemoe show %1$s/x.db similarity", false},
    {"pwemoe show %1$s/x.db solutions --where 'digits > 50 && method == ls'", false},
    {"pwemoe indicators %1$s/points.csv --ref 3,3", false},
    {"pwemoe import %1$s/x.db %1$s/table.csv --quiet", false},
    {"pwemoe init %1$s/n.db %1$s/recipe.yaml --quiet", false},
    {"pwemoe export %1$s/x.db --solution 5 --out %1$s/made --quiet", false},
    {"pwemoe export-db %1$s/x.db %1$s/made --quiet", false},
    {"pwemoe import %1$s/x.db %1$s/x.db --quiet", false},
    {"pwemoe eval %1$s/x.db --preference 0.2,0.3,0.5 --limit 20 --quiet", false},
    {"pwemoe eval %1$s/x.db --model %1$s/models/digits --limit 20 --quiet", false},
    {"pwemoe merge %1$s/x.db --method average --limit 20 --again --quiet", false},
    {"pwemoe merge %1$s/x.db --method ties --scales 0.3 --limit 20 --again --quiet",
     false},
    {"pwemoe merge %1$s/x.db --method regmean --limit 20 --again --quiet", false},
    {"pwemoe front %1$s/x.db --random 1 --limit 20 --quiet", false},
    {"pwemoe train %1$s/x.db --steps 1 --batch 2 --quiet", true},
    {"pwemoe train %1$s/x.db --method epo --steps 1 --batch 2 --quiet", true},
    {"pwemoe finetune %1$s/x.db --task digits --steps 1 --batch 2 --out %1$s/made "
     "--quiet",
     true},
    {"pwemoe finetune %1$s/x.db --method ls --steps 1 --batch 2 --out %1$s/made "
     "--quiet",
     true},
    {"pwemoe plot %1$s/x.db --out %1$s/made.svg --quiet", false},
    {"pwemoe plot %1$s/x.db --kind parallel --out %1$s/made.png --quiet", false},
    {"pwemoe report %1$s/x.db --out %1$s/made --quiet", true},
    {"pwemoe ask %1$s/x.db 'digits>=50 max letters' --quiet", false},
    {"pwemoe compare %1$s/x.db --methods average,wudi --seeds 1 --edge-points 3 "
     "--out %1$s/made --quiet",
     true},
    {"pwemoe merge-to %1$s/made --method ties --pretrained %1$s/models/pretrained "
     "--expert %1$s/models/digits --expert %1$s/models/letters --partial --quiet",
     false},
    {"pwemoe paths %1$s/x.db --from models --to data --quiet", false},
    {"pwemoe show %1$s/x.db log", false},
    {"pwemoe-explore %1$s/x.db --snapshot 100x30", false},
    {"pwemoe-explore %1$s/x.db --snapshot 120x40 --view 3d --ascii", false},
};

/* Then all files are old enough for a stamp, in the first run as in the last. */
static int set_up(void **state) {
    (void)state;
    const char *source = getenv("srcdir");
    struct ran ran = shell("cp -R '%2$s/assets/demo/.' %1$s && chmod -R u+w %1$s && "
                           "cd %1$s && mv results.db kept.db && sleep 3",
                           folder(), source ? source : ".");
    int status = ran.status;
    ran_free(&ran);
    write_file("points.csv", "1,2\n2,1\n1.5,1.2\n");
    write_file("table.csv", "method,digits,letters,surfaces\nours,90,80,70\n");
    setenv("OMP_WAIT_POLICY", "passive", 1);
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    setenv("OMP_NUM_THREADS", "1", 1);
    setenv("INJECT_CALL", "memory", 1);
    if (getenv("PWEMOE_MEMORY_TRIED"))
        setenv("INJECT_DEPTH", "12", 1);
    run_limit(300);
    personality(ADDR_NO_RANDOMIZE); /* of children, whose places have numbers */
    setenv("INJECT_SPARE", "libfontconfig,libdnnl,libseccomp,libcairo,setlocale", 1);
    return status;
}

/* --- what a command has done ------------------------------------------------------ */

static bool is_of_the_moment(const char *column) {
    static const char *const names[] = {"created", "since", "started",    "seconds",
                                        "time",    "stamp", "peak_bytes", "bytes"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(column, names[i]) == 0)
            return true;
    return false;
}

/* FNV-1a, so that a megabyte of routers is soon compared. */
static void add(uint64_t *hash, const void *bytes, size_t count) {
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < count; i++)
        *hash = (*hash ^ byte[i]) * 0x100000001b3;
}

static void add_rows(sqlite3 *db, const char *table, uint64_t *hash) {
    char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"", table);
    sqlite3_stmt *rows;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &rows, NULL), SQLITE_OK);
    sqlite3_free(sql);
    add(hash, table, strlen(table));
    while (sqlite3_step(rows) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(rows); i++) {
            if (is_of_the_moment(sqlite3_column_name(rows, i)))
                continue;
            int size = sqlite3_column_bytes(rows, i);
            add(hash, &size, sizeof size);
            add(hash, sqlite3_column_blob(rows, i), (size_t)size);
        }
    sqlite3_finalize(rows);
}

/* Everything in the store but times, as a number; 0 where there is none. It is whole. A
 * command may go without the last line of the log, and without stamps, which are kept
 * of files older than two seconds alone and only spare reading these again. */
static uint64_t content_of(const char *name, const char *words) {
    char path[1024];
    uint64_t hash = 0;
    sqlite3 *db;
    sqlite3_stmt *tables;
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK) {
        if (sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &tables, NULL) !=
                SQLITE_OK ||
            sqlite3_step(tables) != SQLITE_ROW ||
            strcmp((const char *)sqlite3_column_text(tables, 0), "ok") != 0)
            fail_msg("%s: %s: %s", words, name, sqlite3_errmsg(db));
        sqlite3_finalize(tables);
        assert_int_equal(sqlite3_prepare_v2(
                             db,
                             "SELECT name FROM sqlite_schema WHERE type = 'table' "
                             "AND name NOT IN ('log', 'lease', 'stamp') ORDER BY name",
                             -1, &tables, NULL),
                         SQLITE_OK);
        hash = 0xcbf29ce484222325;
        while (sqlite3_step(tables) == SQLITE_ROW)
            add_rows(db, (const char *)sqlite3_column_text(tables, 0), &hash);
        sqlite3_finalize(tables);
    }
    sqlite3_close(db);
    return hash;
}

/* The files that it has made, with their digests; pwemoe.json and the page of a report
 * say when, and are left out. */
static char *made_files(void) {
    char pattern[1024];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/made*", folder());
    int none = glob(pattern, 0, NULL, &found);
    globfree(&found);
    if (none)
        return strdup("");
    struct ran made = shell("cd %s; find made* -type f ! -name pwemoe.json ! -name "
                            "'report.*' | sort | xargs -r sha256sum",
                            folder());
    char *files = strdup(made.out);
    ran_free(&made);
    return files;
}

struct done {
    struct ran ran;
    uint64_t store, fresh;
    char *made;
    bool left; /* something half made */
};

static void done_free(struct done *done) {
    ran_free(&done->ran);
    free(done->made);
}

static bool is_left(void) {
    char pattern[1024];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/.*.tmp", folder());
    bool left = glob(pattern, 0, NULL, &found) == 0;
    globfree(&found);
    return left;
}

/* at 0: none fails. */
static struct done once(size_t command, long at, const char *places) {
    char line[2048];
    snprintf(line, sizeof line,
             "cd %%1$s && rm -rf x.db* n.db* made* .*.tmp; cp kept.db x.db; "
             "cd - >/dev/null; export INJECT_AT=%ld %s%s "
             "LD_PRELOAD=tests/support/inject.so; exec ./%s",
             at, places ? "INJECT_PLACES=%1$s/" : "", places ? places : "",
             commands[command].words);
    struct done done = {.ran = shell(line, folder())};
    done.store = content_of("x.db", commands[command].words);
    done.fresh = content_of("n.db", commands[command].words);
    done.made = made_files();
    done.left = is_left();
    return done;
}

/* OpenMP's library ends the process, too, with lines of its own: GCC's with one after
 * an empty one, clang's by abort(). */
static bool is_openmp(const char *text) {
    return (strncmp(text, "\nlibgomp: ", 10) == 0 && !strchr(text + 10, '\n')[1]) ||
           strncmp(text, "OMP: Error #", 12) == 0;
}

static bool is_told(const char *text) {
    return is_one_line(text) || is_openmp(text);
}

static bool crashes(const struct ran *ran) {
    return ran->status > 1 && !(ran->status == 128 + SIGABRT &&
                                strncmp(ran->err, "OMP: Error #", 12) == 0);
}

/* What is wrong with what the command did; NULL where nothing is. */
static const char *wrong(size_t command, const struct done *got,
                         const struct done *right) {
    if (crashes(&got->ran))
        return "it crashes";
    /* Where OpenMP's library ends the process it is as if it had been killed: what
     * that leaves goes when the next comes. */
    if (got->left && !is_openmp(got->ran.err))
        return "it leaves something half made";
    if (got->ran.status)
        return is_told(got->ran.err) ? NULL : "not one line";
    if (!commands[command].timed && strcmp(got->ran.out, right->ran.out) != 0)
        return "another answer";
    if (got->store != right->store || got->fresh != right->fresh)
        return "another store";
    return strcmp(got->made, right->made) != 0 ? "another file" : NULL;
}

/* All of them are told of. Returns how many are wrong: none or one. */
static size_t check(size_t command, long at, const struct done *right) {
    struct done got = once(command, at, NULL);
    const char *what = wrong(command, &got, right);
    if (what)
        print_error("%s, allocation %ld: %s: status %d, '%s'\n",
                    commands[command].words, at, what, got.ran.status, got.ran.err);
    done_free(&got);
    return what != NULL;
}

struct place {
    long at;      /* the number of its first allocation */
    uintmax_t id; /* the same in all runs of one build */
};

static struct place *places_of(size_t command, size_t *count) {
    struct done done = once(command, 0, "places");
    done_free(&done);
    char path[1024];
    struct place *places = NULL, place;
    size_t capacity = 0;
    *count = 0;
    snprintf(path, sizeof path, "%s/places", folder());
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fscanf(file, "%ld %jx", &place.at, &place.id) == 2) {
        assert_int_equal(
            array_reserve((void **)&places, &capacity, *count + 1, sizeof *places), 0);
        places[(*count)++] = place;
    }
    fclose(file);
    assert_true(*count > 0);
    return places;
}

/* Leaves those that the file of what was tried does not name. */
static size_t leave_untried(struct place *places, size_t count, const char *tried) {
    FILE *file = fopen(tried, "r");
    uintmax_t id;
    while (file && fscanf(file, "%jx", &id) == 1)
        for (size_t i = 0; i < count; i++)
            if (places[i].id == id) {
                memmove(places + i, places + i + 1, (--count - i) * sizeof *places);
                break;
            }
    if (file)
        fclose(file);
    return count;
}

static void note_tried(const struct place *place, const char *tried) {
    FILE *file = fopen(tried, "a");
    assert_non_null(file);
    assert_true(fprintf(file, "%jx\n", place->id) > 0);
    assert_int_equal(fclose(file), 0);
}

/* Returns how many places are wrong. */
static size_t check_command(size_t command, const char *wanted) {
    const char *tried = getenv("PWEMOE_MEMORY_TRIED");
    bool all = wanted && strcmp(wanted, "all") == 0;
    size_t bad = 0, most = wanted && !all ? strtoul(wanted, NULL, 10) : PLACES, count;
    struct done right = once(command, 0, NULL);
    if (right.ran.status)
        fail_msg("%s: %d '%s'", commands[command].words, right.ran.status,
                 right.ran.err);
    struct place *places = places_of(command, &count);
    size_t left = tried ? leave_untried(places, count, tried) : count;
    size_t tries = all || most > left ? left : most;
    for (size_t k = 0; k < tries; k++) {
        const struct place *place = &places[k * left / tries];
        bad += check(command, place->at, &right);
        if (tried)
            note_tried(place, tried);
    }
    if (all)
        print_message("%s: %zu places, %zu tried, %zu wrong\n", commands[command].words,
                      count, tries, bad);
    free(places);
    done_free(&right);
    return bad;
}

static void memory_is_an_error(void **state) {
    (void)state;
    const char *only = getenv("PWEMOE_MEMORY_COMMANDS"),
               *from = getenv("PWEMOE_MEMORY_FROM");
    size_t bad = 0, commands_tried = 0;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* its own allocator must come first */
#endif
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (from && !strstr(commands[i].words, from))
            continue;
        from = NULL;
        if (only && !strstr(commands[i].words, only))
            continue;
        commands_tried++;
        bad += check_command(i, getenv("PWEMOE_MEMORY_PLACES"));
    }
    assert_true(commands_tried > 0);
    assert_int_equal(bad, 0);
}

/* Less and less address space, down to where the program does not start: never a crash,
 * never without end (OpenBLAS's threads, as many as it likes, ask for memory for ever),
 * and a sound file is never said to be damaged. */
static void too_little_of_it(void **state) {
    (void)state;
    static const struct {
        const char *words;
        long step, most; /* KiB, from where the program starts */
    } tried[] = {
        {"show %1$s/x.db objectives", 500, 24000},
        {"plot %1$s/x.db --out %1$s/made.svg --quiet", 1000, 30000},
        {"merge %1$s/x.db --method average --limit 20 --again --quiet", 2500, 70000},
        {"merge %1$s/x.db --method tsv-m --limit 20 --again --quiet", 25000, 400000}};
    long least = 20000, done = 0;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* which takes all the address space there is */
#endif
    if (getenv("PWEMOE_MEMORY_COMMANDS") || getenv("PWEMOE_MEMORY_FROM"))
        skip();
    unsetenv("OPENBLAS_NUM_THREADS");
    for (;; least += 4000) {
        struct ran ran = shell(
            "ulimit -v %ld; timeout -k 1 " PATIENCE_TEXT " ./pwemoe --version", least);
        int status = ran.status;
        ran_free(&ran);
        if (status == 0)
            break;
        if (status == 124 || status == 137)
            fail_msg("--version goes on for ever with %ld KiB", least);
        assert_true(least < 4000000);
    }
    for (size_t i = 0; i < sizeof tried / sizeof *tried; i++)
        for (long more = 0; more <= tried[i].most; more += tried[i].step) {
            char line[512];
            snprintf(line, sizeof line,
                     "cp %%1$s/kept.db %%1$s/x.db; ulimit -v %ld; ./pwemoe %s",
                     least + more, tried[i].words);
            struct ran ran = shell(line, folder());
            if (crashes(&ran) || strstr(ran.err, "corrupt") ||
                (ran.status == 1 && !is_told(ran.err)))
                fail_msg("%s with %ld KiB: %d '%s'", tried[i].words, least + more,
                         ran.status, ran.err);
            done += ran.status == 0;
            ran_free(&ran);
        }
    assert_true(done > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_is_an_error),
                                       cmocka_unit_test(too_little_of_it)};
    return cmocka_run_group_tests(tests, set_up, NULL);
}
