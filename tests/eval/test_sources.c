/* Checkpoints are read for their fingerprints only where their files may have changed.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file_stamp.h"
#include "base/memory.h"
#include "checkpoint/directory.h"
#include "eval/sources.h"
#include "support/folder.h"
#include "support/golden.h"

static struct error error;

static char *in(const char *name) {
    static char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    return path;
}

static char *bytes_of(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void write_bytes(const char *path, const char *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* A golden model as FOLDER/name. */
static void copy_model(const char *golden, const char *name) {
    static const char *const files[] = {"config.json", "model.safetensors"};
    assert_int_equal(mkdir(in(name), 0777), 0);
    for (size_t i = 0; i < 2; i++) {
        char from[200], to[200];
        size_t size;
        snprintf(from, sizeof from, "%s/%s", golden, files[i]);
        snprintf(to, sizeof to, "%s/%s", name, files[i]);
        char *bytes = bytes_of(golden_path(from), &size);
        write_bytes(in(to), bytes, size);
        free(bytes);
    }
}

static struct store_checkpoint checkpoint_of(const char *name) {
    struct fingerprint fingerprint;
    struct store_checkpoint made = {.path = (char *)(uintptr_t)name};
    if (model_directory_stamp(in(name), made.stamp, &made.size, &error) ||
        model_directory_fingerprint(in(name), &fingerprint, NULL, &error))
        fail_msg("%s", error.text);
    assert_int_equal(made.size, fingerprint.size);
    memcpy(made.sha256, fingerprint.sha256, sizeof made.sha256);
    return made;
}

static void make_store(void) {
    struct store_task task = {.name = "one", .expert = checkpoint_of("expert")};
    task.objective =
        (struct store_objective){.metric = "accuracy", .unit = "%", .maximise = true};
    struct store_recipe recipe = {.name = "test",
                                  .model = "clip-vision",
                                  .pretrained = checkpoint_of("pretrained"),
                                  .task_count = 1,
                                  .tasks = &task};
    struct store *store;
    if (store_create(in("results.db"), &recipe, &store, &error))
        fail_msg("%s", error.text);
    store_close(store);
}

struct bars {
    char all[400];
};

static void see(void *self, const char *what, size_t done, size_t total) {
    struct bars *bars = self;
    if (done == total && strlen(bars->all) + strlen(what) + 2 < sizeof bars->all)
        strcat(strcat(bars->all, what), "\n");
}

/* What a start shows; bars of bytes that are read. */
static int start(struct bars *bars) {
    struct work work = {.progress = see, .self = bars};
    struct store *store;
    struct store_recipe *recipe;
    bars->all[0] = '\0';
    if (store_open(in("results.db"), STORE_READ_WRITE, &store, &error) ||
        store_recipe(store, &recipe, &error))
        fail_msg("%s", error.text);
    int result = sources_check(store, recipe, folder(), &work, &error);
    store_recipe_free(recipe);
    store_close(store);
    return result;
}

static void starts_with(const char *bars) {
    struct bars seen;
    if (start(&seen))
        fail_msg("%s", error.text);
    assert_string_equal(seen.all, bars);
}

static const char both[] = "fingerprints of 2 files\n";

/* Both models' files were written so many seconds ago. */
static void set_age(time_t seconds) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec -= seconds;
    const struct timespec times[2] = {now, now};
    assert_int_equal(utimensat(AT_FDCWD, in("pretrained/model.safetensors"), times, 0),
                     0);
    assert_int_equal(utimensat(AT_FDCWD, in("expert/model.safetensors"), times, 0), 0);
}

static void nothing_is_read_twice(void **state) {
    (void)state;
    struct bars seen;
    copy_model("model/clip", "pretrained");
    copy_model("model/clip-expert0", "expert");
    /* What was written a moment ago may be written again within a tick of its clock; as
     * what is from the future, which stays so however slow the machine is. */
    set_age(-1000000);
    make_store();
    starts_with(both);
    starts_with(both);
    set_age(1000000);
    sleep(FILE_STAMP_YOUNG + 2); /* since the inodes changed */
    starts_with(both);
    starts_with("");
    starts_with("");

    /* The same bytes in another file of the same time. */
    size_t size;
    struct stat about;
    char *bytes = bytes_of(in("expert/model.safetensors"), &size);
    assert_int_equal(stat(in("expert/model.safetensors"), &about), 0);
    struct timespec times[2] = {about.st_atim, about.st_mtim};
    char from[4200];
    snprintf(from, sizeof from, "%s", in("expert/new"));
    write_bytes(from, bytes, size);
    assert_int_equal(utimensat(AT_FDCWD, from, times, 0), 0);
    assert_int_equal(rename(from, in("expert/model.safetensors")), 0);
    starts_with("fingerprint of expert/model.safetensors\n");

    /* Other bytes, and the time put back. */
    bytes[size - 1] ^= 1;
    write_bytes(in("expert/model.safetensors"), bytes, size);
    assert_int_equal(utimensat(AT_FDCWD, in("expert/model.safetensors"), times, 0), 0);
    assert_int_equal(start(&seen), -1);
    assert_non_null(strstr(error.text, "expert: is not the checkpoint this file was"));
    free(bytes);
}

static char *digest(const struct stat *about, time_t began, char hex[SHA256_HEX]) {
    struct file_stamp stamp;
    assert_int_equal(file_stamp_begin(&stamp, &error), 0);
    stamp.began.tv_sec = began;
    file_stamp_text(&stamp, "name");
    file_stamp_file(&stamp, about);
    file_stamp_end(&stamp, hex);
    return hex;
}

static void stamps_tell_files_apart(void **state) {
    (void)state;
    char first[SHA256_HEX], other[SHA256_HEX];
    const struct stat about = {.st_size = 7,
                               .st_ino = 5,
                               .st_mtim = {.tv_sec = 100, .tv_nsec = 1},
                               .st_ctim = {.tv_sec = 90}};
    assert_int_equal(strlen(digest(&about, 103, first)), 64);
    assert_string_equal(digest(&about, 2000, other), first);
    /* Too young, and from the future. */
    assert_string_equal(digest(&about, 102, other), "");
    assert_string_equal(digest(&about, 50, other), "");
    for (int i = 0; i < 4; i++) {
        struct stat changed = about;
        changed.st_size += i == 0;
        changed.st_ino += i == 1;
        changed.st_mtim.tv_nsec += i == 2;
        changed.st_ctim.tv_sec += i == 3;
        assert_int_equal(strlen(digest(&changed, 2000, other)), 64);
        assert_string_not_equal(other, first);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_read_twice),
        cmocka_unit_test(stamps_tell_files_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
