/* The power goes at any moment: whatever the disk has then of what was not synced, each
 * results.db opens and is whole, every evaluation that was reported is in it, and
 * exported models and new files are whole or not there.
 *
 * The journal of tests/support/record.c says what a command did to its files. From it
 * the state of the disk is worked out for many moments: what was synced is there (a
 * file's contents by a sync of it, its name by one of its folder, as POSIX has it), and
 * of the rest nothing, everything, or some by chance: writes in any choice and cut
 * apart at sectors, names in their order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "run.h"

enum { SECTOR = 512, MOMENTS = 40, BY_CHANCE = 2 };

struct record {
    char letter;
    unsigned long long number, at;
    size_t count;
    const char *bytes; /* of the journal */
    size_t file;       /* of W, T, S, O, C: which of the files, over reused numbers */
    bool reported;     /* something was said before this */
};

struct bytes {
    char *data;
    size_t size, capacity;
};

/* The disk as it is put together. */
struct name {
    char *path;
    size_t file; /* SIZE_MAX: a folder */
};

struct disk {
    struct name *names;
    size_t count, capacity;
    struct bytes *files;
};

struct journal {
    char *text;
    struct record *records;
    size_t count, capacity, files;
    char **begun; /* [files]: what is there before, as the path of its copy; or NULL */
};

/* --- reading it ------------------------------------------------------------------- */

static char *slurp(const char *path, size_t *size) {
    struct stat about;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &about))
        fail_msg("%s is not there", path);
    char *text = malloc((size_t)about.st_size + 1);
    *size = fread(text, 1, (size_t)about.st_size, file);
    text[*size] = '\0';
    fclose(file);
    return text;
}

static char *in(const char *folder_name, const char *name, size_t length) {
    return text_format("%s/%s/%.*s", folder(), folder_name, (int)length, name);
}

/* Which file it is of; a new one where the number has been given to another. */
static void number_files(struct journal *j) {
    unsigned long long *numbers = calloc(j->count + 1, sizeof *numbers);
    j->begun = calloc(j->count + 1, sizeof *j->begun);
    bool reported = false;
    for (size_t i = 0; i < j->count; i++) {
        struct record *r = &j->records[i];
        size_t file = j->files;
        while (file > 0 && numbers[file - 1] != r->number)
            file--;
        reported = reported || r->letter == 'P';
        r->reported = reported;
        if (r->letter == 'C' || (r->letter == 'O' && file == 0)) {
            if (r->letter == 'O')
                j->begun[j->files] = in("before", r->bytes, r->count);
            numbers[j->files++] = r->number;
            r->file = j->files - 1;
        } else if (strchr("WTSO", r->letter)) {
            assert_true(file > 0);
            r->file = file - 1;
        }
    }
    free(numbers);
}

static void read_journal(struct journal *j) {
    char *path = in(".", "journal", 7);
    size_t size;
    *j = (struct journal){.text = slurp(path, &size)};
    free(path);
    for (const char *at = j->text; at < j->text + size;) {
        struct record r = {0};
        int used = 0;
        assert_int_equal(sscanf(at, "%c %llu %llu 0 %zu%n", &r.letter, &r.number, &r.at,
                                &r.count, &used),
                         4);
        r.bytes = at + used + 1;
        at = r.bytes + r.count;
        assert_int_equal(
            array_reserve((void **)&j->records, &j->capacity, j->count + 1, sizeof r),
            0);
        j->records[j->count++] = r;
    }
    number_files(j);
}

static void journal_clear(struct journal *j) {
    for (size_t i = 0; i < j->files; i++)
        free(j->begun[i]);
    free(j->begun);
    free(j->records);
    free(j->text);
}

/* --- what is on the disk at a moment
 * --------------------------------------------------
 */

static size_t folder_length(const char *path, size_t length) {
    while (length > 0 && path[length - 1] != '/')
        length--;
    return length > 0 ? length - 1 : 0;
}

static bool is_of_names(const struct record *r) {
    return strchr("CRLUMX", r->letter) != NULL;
}

/* Is the i-th surely there when the power goes before record `end`? */
static bool is_synced(const struct journal *j, size_t i, size_t end) {
    const struct record *r = &j->records[i];
    size_t length = strnlen(r->bytes, r->count);
    size_t parent = is_of_names(r) ? folder_length(r->bytes, length) : 0;
    for (size_t k = i + 1; k < end; k++) {
        const struct record *s = &j->records[k];
        if (is_of_names(r) ? s->letter == 'D' && s->count == parent &&
                                 memcmp(s->bytes, r->bytes, parent) == 0
                           : s->letter == 'S' && s->file == r->file)
            return true;
    }
    return false;
}

static void set_size(struct bytes *file, size_t size) {
    assert_int_equal(array_reserve((void **)&file->data, &file->capacity, size + 1, 1),
                     0);
    if (size > file->size)
        memset(file->data + file->size, 0, size - file->size);
    file->size = size;
}

static void put(struct bytes *file, size_t at, const char *bytes, size_t count) {
    if (at + count > file->size)
        set_size(file, at + count);
    memcpy(file->data + at, bytes, count);
}

/* Some of its sectors. */
static void put_parts(struct bytes *file, const struct record *r,
                      struct random *random) {
    for (size_t at = 0; at < r->count; at += SECTOR)
        if (random_below(random, 2))
            put(file, r->at + at, r->bytes + at,
                r->count - at < SECTOR ? r->count - at : SECTOR);
}

static struct name *find(struct disk *disk, const char *path) {
    for (size_t i = 0; i < disk->count; i++)
        if (strcmp(disk->names[i].path, path) == 0)
            return &disk->names[i];
    return NULL;
}

static void drop(struct disk *disk, const char *path) {
    struct name *name = find(disk, path);
    if (!name)
        return;
    free(name->path);
    *name = disk->names[--disk->count];
}

static void add(struct disk *disk, const char *path, size_t file) {
    drop(disk, path);
    assert_int_equal(array_reserve((void **)&disk->names, &disk->capacity,
                                   disk->count + 1, sizeof *disk->names),
                     0);
    disk->names[disk->count++] = (struct name){strdup(path), file};
}

/* A folder's contents go with it. */
static void move(struct disk *disk, const char *from, const char *to) {
    size_t length = strlen(from);
    struct name *moved = find(disk, from);
    if (!moved)
        return;
    if (moved->file != SIZE_MAX) {
        size_t file = moved->file;
        drop(disk, from);
        add(disk, to, file);
        return;
    }
    for (size_t i = 0; i < disk->count; i++) {
        char *path = disk->names[i].path;
        if (strncmp(path, from, length) != 0 || (path[length] && path[length] != '/'))
            continue;
        disk->names[i].path = text_format("%s%s", to, path + length);
        free(path);
    }
}

static void change_names(struct disk *disk, const struct record *r) {
    char *from = strndup(r->bytes, r->count);
    const char *to = r->bytes + strlen(from) + 1;
    char *second =
        strlen(from) < r->count ? strndup(to, r->count - strlen(from) - 1) : strdup("");
    struct name *name;
    switch (r->letter) {
    case 'C':
        add(disk, from, r->file);
        break;
    case 'M':
        add(disk, from, SIZE_MAX);
        break;
    case 'R':
        move(disk, from, second);
        break;
    case 'L':
        if ((name = find(disk, from)))
            add(disk, second, name->file);
        break;
    default:
        drop(disk, from);
    }
    free(from);
    free(second);
}

enum { NOTHING, EVERYTHING, SOME };

/* The power goes before record `end`. */
static struct disk disk_at(const struct journal *j, size_t end, int what,
                           struct random *random) {
    struct disk disk = {.files = calloc(j->files + 1, sizeof *disk.files)};
    bool names_end = false; /* names reach the disk in their order */
    for (size_t i = 0; i < end; i++) {
        const struct record *r = &j->records[i];
        struct bytes *file = &disk.files[r->file];
        if (r->letter == 'O' && !file->data && j->begun[r->file]) {
            char *path = strndup(r->bytes, r->count);
            file->data = slurp(j->begun[r->file], &file->size);
            file->capacity = file->size + 1;
            if (!find(&disk, path))
                add(&disk, path, r->file);
            free(path);
        }
        if (!is_of_names(r) && r->letter != 'W' && r->letter != 'T')
            continue;
        bool kept = what == EVERYTHING || is_synced(j, i, end) ||
                    (what == SOME && random_below(random, 2));
        if (is_of_names(r)) {
            names_end = names_end || !kept;
            if (kept && (!names_end || is_synced(j, i, end)))
                change_names(&disk, r);
        } else if (kept && r->letter == 'T') {
            set_size(file, r->at);
        } else if (kept && what == SOME && !is_synced(j, i, end)) {
            put_parts(file, r, random);
        } else if (kept) {
            put(file, r->at, r->bytes, r->count);
        }
    }
    return disk;
}

static void disk_write(const struct disk *disk) {
    struct ran ran = shell("cd %s && rm -rf after && mkdir after", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    for (size_t i = 0; i < disk->count; i++) {
        const struct name *name = &disk->names[i];
        char *path = in("after", name->path, strlen(name->path));
        for (char *slash = path + strlen(folder()) + 7; (slash = strchr(slash, '/'));
             *slash++ = '/') {
            *slash = '\0';
            mkdir(path, 0777);
        }
        if (name->file == SIZE_MAX) {
            mkdir(path, 0777);
        } else {
            const struct bytes *file = &disk->files[name->file];
            FILE *out = fopen(path, "wb");
            assert_non_null(out);
            assert_int_equal(file->size ? fwrite(file->data, 1, file->size, out) : 0,
                             file->size);
            fclose(out);
        }
        free(path);
    }
}

static void disk_clear(struct disk *disk, size_t files) {
    for (size_t i = 0; i < disk->count; i++)
        free(disk->names[i].path);
    for (size_t i = 0; i < files; i++)
        free(disk->files[i].data);
    free(disk->names);
    free(disk->files);
}

/* --- what must be there ----------------------------------------------------------- */

static void write_rows(sqlite3 *db, const char *sql, FILE *out) {
    sqlite3_stmt *rows;
    if (sqlite3_prepare_v2(db, sql, -1, &rows, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    while (sqlite3_step(rows) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(rows); i++)
            fprintf(out, "%s|", (const char *)sqlite3_column_text(rows, i));
        fputc('\n', out);
    }
    sqlite3_finalize(rows);
}

/* The evaluations, the routers that were saved, and what the explorer keeps, a line
 * each; NULL where there is no such file. It is whole. */
static char *evaluations_of(const char *where, const char *name, const char *words,
                            size_t moment) {
    char *path = in(where, name, strlen(name)), *text = NULL;
    size_t size;
    sqlite3 *db;
    sqlite3_stmt *rows;
    bool there = access(path, F_OK) == 0;
    if (!there) {
        free(path);
        return NULL;
    }
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL),
                     SQLITE_OK);
    if (sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &rows, NULL) !=
            SQLITE_OK ||
        sqlite3_step(rows) != SQLITE_ROW ||
        strcmp((const char *)sqlite3_column_text(rows, 0), "ok") != 0)
        fail_msg("%s, before record %zu: %s: %s", words, moment, name,
                 sqlite3_errmsg(db));
    sqlite3_finalize(rows);
    FILE *out = open_memstream(&text, &size);
    write_rows(db,
               "SELECT method, parameters, hex(preference), objective, value, examples "
               "FROM evaluation JOIN solution ON id = solution",
               out);
    write_rows(db, "SELECT run, step, length(bytes) FROM routers", out);
    write_rows(db, "SELECT 'bookmark', name, hex(preference) FROM bookmark", out);
    /* An older file has no such tables before it is written to. */
    if (sqlite3_table_column_metadata(db, NULL, "visited", NULL, NULL, NULL, NULL, NULL,
                                      NULL) == SQLITE_OK) {
        write_rows(db, "SELECT 'visited', place, hex(preference) FROM visited", out);
        write_rows(db, "SELECT 'selected', solution FROM selected", out);
    }
    fclose(out);
    sqlite3_close(db);
    free(path);
    return text;
}

static bool has_line(const char *text, const char *line, size_t length) {
    for (const char *at = text; *at; at = strchr(at, '\n') + 1)
        if (strncmp(at, line, length) == 0)
            return true;
    return false;
}

/* Each line of a in b or c. */
static bool lines_are_in(const char *a, const char *b, const char *c) {
    for (const char *at = a; *at; at = strchr(at, '\n') + 1) {
        size_t length = (size_t)(strchr(at, '\n') + 1 - at);
        if (!has_line(b, at, length) && !has_line(c, at, length))
            return false;
    }
    return true;
}

struct story {
    const char *words, *store, *made; /* what it writes; made: a folder or file */
    bool frames; /* the explorer: its frames report nothing, what is there at its end is
                    compared */
};

struct outcome {
    char *before, *done; /* evaluations */
    bool written;        /* the store was */
};

static void check(const struct story *story, const struct outcome *outcome,
                  size_t moment, bool reported) {
    char *now = outcome->written
                    ? evaluations_of("after", story->store, story->words, moment)
                    : strdup(outcome->done);
    if (now && !lines_are_in(now, outcome->done, outcome->before))
        fail_msg("%s, before record %zu: other evaluations", story->words, moment);
    if (now && *outcome->before && !reported &&
        !lines_are_in(outcome->before, now, outcome->done))
        fail_msg("%s, before record %zu: evaluations are lost", story->words, moment);
    if (reported && (!now || !lines_are_in(outcome->done, now, now)))
        fail_msg("%s, before record %zu: what was reported is not there", story->words,
                 moment);
    free(now);
    if (!*story->made)
        return;
    struct ran ran = shell("cd %1$s && if test -e after/%2$s; then diff -r after/%2$s "
                           "run/%2$s; else exit 3; fi",
                           folder(), story->made);
    if (ran.status == 1)
        fail_msg("%s, before record %zu: half of %s: %s", story->words, moment,
                 story->made, ran.out);
    if (ran.status == 3 && reported)
        fail_msg("%s, before record %zu: %s is not there", story->words, moment,
                 story->made);
    ran_free(&ran);
}

static void tell(const struct story *story) {
    const char *source = getenv("srcdir");
    struct journal j;
    struct outcome outcome;
    struct random random;
    struct ran ran = shell(
        "rm -rf %1$s/run %1$s/before %1$s/journal && mkdir %1$s/run && cp -R "
        "'%2$s/assets/demo/.' %1$s/run && chmod -R u+w %1$s/run && mv "
        "%1$s/run/results.db %1$s/run/x.db && printf "
        "'method,digits,letters\\nours,90,80\\n' "
        ">%1$s/run/table.csv && printf 'wait cpu\\nkey v\\ntype 0.23 0.3 0.47\\nkey "
        "Enter\\nwait 0.230\\nwait complete\\nkey b\\ntype here\\nkey Enter\\nwait "
        "here saved\\nkey T\\nkey *\\nwait selected\\nkey q\\n' "
        ">%1$s/run/script && cp -R %1$s/run %1$s/before && RECORD_ROOT=%1$s/run "
        "RECORD_FILE=%1$s/journal && export RECORD_ROOT RECORD_FILE && %4$s %3$s%5$s",
        folder(), source ? source : ".", story->words,
        story->frames
            ? "script -qec 'stty rows 40 cols 120; LD_PRELOAD=tests/support/record.so"
            : "LD_PRELOAD=tests/support/record.so ./pwemoe",
        story->frames ? "' /dev/null </dev/null" : "");
    if (ran.status)
        fail_msg("%s: %d '%s'", story->words, ran.status, ran.err);
    ran_free(&ran);
    read_journal(&j);
    assert_true(j.count > 5);
    outcome.before = evaluations_of("before", story->store, story->words, 0);
    outcome.done = evaluations_of("run", story->store, story->words, j.count);
    assert_non_null(outcome.done);
    if (story->frames && /* else the script has done nothing */
        (!strstr(outcome.done, "bookmark|") || !strstr(outcome.done, "visited|2") ||
         !strstr(outcome.done, "selected|") ||
         strlen(outcome.done) <= strlen(outcome.before)))
        fail_msg("%s: %s", story->words, outcome.done);
    outcome.before = outcome.before ? outcome.before : strdup("");
    outcome.written = strcmp(story->store, "n.db") == 0; /* under another name */
    for (size_t i = 0; i < j.count; i++)
        outcome.written = outcome.written || (strchr("OC", j.records[i].letter) &&
                                              strncmp(j.records[i].bytes, story->store,
                                                      strlen(story->store)) == 0);
    random_seed(&random, 11, j.count);
    size_t step = 1 + j.count / MOMENTS;
    for (size_t end = j.count % step; end <= j.count; end += step)
        for (int what = NOTHING; what < SOME + BY_CHANCE; what++) {
            struct disk disk = disk_at(&j, end, what < SOME ? what : SOME, &random);
            disk_write(&disk);
            /* At the end the process has ended well. */
            check(story, &outcome, end,
                  end == j.count ||
                      (!story->frames && end > 0 && j.records[end - 1].reported));
            disk_clear(&disk, j.files);
        }
    free(outcome.before);
    free(outcome.done);
    journal_clear(&j);
}

static void power_goes(void **state) {
    (void)state;
    static const struct story stories[] = {
        {"./pwemoe-explore RUN/x.db --threads 1 --replay RUN/script", "x.db", "", true},
        {"init RUN/n.db RUN/recipe.yaml --quiet", "n.db", "", false},
        {"eval RUN/x.db --preference 0.1,0.3,0.6 --limit 10", "x.db", "", false},
        {"merge RUN/x.db --method average,ties --scales 0.2 --limit 10", "x.db", "",
         false},
        {"front RUN/x.db --random 2 --limit 10", "x.db", "", false},
        {"import RUN/x.db RUN/table.csv", "x.db", "", false},
        {"train RUN/x.db --method ls --steps 3 --batch 2 --save-interval 1", "x.db", "",
         false},
        {"finetune RUN/x.db --task digits --steps 1 --batch 2 --out RUN/made", "x.db",
         "made", false},
        {"export RUN/x.db --solution 5 --out RUN/made --quiet", "x.db", "made", false},
        {"plot RUN/x.db --out RUN/made.svg --quiet", "x.db", "made.svg", false},
        {"report RUN/x.db --out RUN/made --quiet", "x.db", "made", false},
    };
#ifdef __SANITIZE_ADDRESS__
    skip(); /* its library must come first */
#endif
    bool terminal = system("command -v script >/dev/null") == 0;
    if (!terminal)
        print_message("the explorer is left out: there is no script(1)\n");
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        struct story story = stories[i];
        if (story.frames && !terminal)
            continue;
        char words[2048] = "";
        for (const char *at = stories[i].words, *next; *at; at = next) {
            next = strstr(at + 1, "RUN/");
            next = next ? next : at + strlen(at);
            size_t used = strlen(words);
            if (strncmp(at, "RUN", 3) == 0)
                snprintf(words + used, sizeof words - used, "%s/run%.*s", folder(),
                         (int)(next - at - 3), at + 3);
            else
                snprintf(words + used, sizeof words - used, "%.*s", (int)(next - at),
                         at);
        }
        story.words = words;
        tell(&story);
    }
}

static int set_up(void **state) {
    (void)state;
    setenv("OMP_WAIT_POLICY", "passive", 1);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(power_goes)};
    return cmocka_run_group_tests(tests, set_up, NULL);
}
