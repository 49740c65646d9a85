/* Export: what the new directory holds, and that a failure leaves nothing. */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "checkpoint/export.h"
#include "support.h"

enum { KEPT = 1 << 19 }; /* elements of the tensor that is only copied: 2 MiB */

static float kept[KEPT];

/* FOLDER/pretrained: a tensor of each kind and files of each kind. */
static struct model_directory *pretrained_make(const char *folder) {
    static const uint32_t zeros[8];
    static const struct tensor_source sources[] = {
        {"double", "F64", 1, {2}, 16}, {"full", "F32", 2, {2, 2}, 16},
        {"half", "F16", 1, {3}, 6},    {"brain", "BF16", 1, {3}, 6},
        {"ids", "I64", 2, {1, 2}, 16}, {"kept", "F32", 1, {KEPT}, 4 * KEPT},
    };
    const void *data[] = {zeros, zeros, zeros, zeros, "0123456789abcdef", kept};
    for (size_t i = 0; i < KEPT; i++)
        kept[i] = (float)i;
    const char *path = in(folder, "pretrained");
    struct error error;
    assert_int_equal(mkdir(path, 0777), 0);
    if (safetensors_write(in(path, "model.safetensors"), sources, 6, NULL, read_arrays,
                          (void *)data, &error) != 0)
        fail_msg("%s", error.text);
    text_write(in(path, "config.json"), "{ \"model_type\": \"vit\" }\n");
    text_write(in(path, "vocab.json"), "[]");
    text_write(in(path, "README.md"), "read me");
    text_write(in(path, "pytorch_model.bin"), "weights");
    text_write(in(path, "other.safetensors"), "weights");
    text_write(in(path, "rust_model.ot"), "weights");
    text_write(in(path, "64-fp16.tflite"), "weights");
    text_write(in(path, "model.ckpt.data-00000-of-00001"), "weights");
    text_write(in(path, "flax_model.msgpack.index.json"), "weights");
    text_write(in(path, "model.safetensors.index.json"), "weights");
    text_write(in(path, ".gitattributes"), "hidden");
    assert_int_equal(mkdir(in(path, "runs"), 0777), 0);
    text_write(in(folder, "secret"), "secret");
    assert_int_equal(symlink("../secret", in(path, "link.txt")), 0);
    struct model_directory *directory;
    if (model_directory_open(path, &directory, &error) != 0)
        fail_msg("%s", error.text);
    return directory;
}

static void check_text(const char *path, const char *text) {
    size_t size;
    unsigned char *bytes = bytes_of(path, &size);
    assert_string_equal((char *)bytes, text);
    free(bytes);
}

/* Exports plan to path, which must fail with the fragment and leave neither path nor
 * anything else new in folder. */
static void check_refused(const char *folder, const char *path,
                          const struct export_plan *plan, const struct work *work,
                          const char *where, const char *fragment) {
    size_t before = entry_count(folder);
    struct error error;
    assert_int_equal(export_write(path, plan, work, &error), -1);
    check_message(error.text, where, fragment);
    assert_int_equal(entry_count(folder), before);
}

static void writes_a_model_directory(void **state) {
    struct model_directory *pretrained = pretrained_make(*state);
    static const float doubles[2] = {0.1f, -3};
    /* ties between two neighbours, one to each side */
    static const float halves[3] = {1 + 0x1p-11f, 1 + 3 * 0x1p-11f, -0x1p-24f};
    static const float brains[3] = {1 + 0x1p-8f, 1 + 3 * 0x1p-8f, 3e38f};
    static const float reshaped[6] = {1, 2, 3, 4, 5, 6};
    static const float fresh[1] = {0.25f};
    const struct export_tensor tensors[] = {
        {"half", 1, {3}, halves},    {"full", 2, {3, 2}, reshaped},
        {"double", 1, {2}, doubles}, {"brain", 1, {3}, brains},
        {"new", 0, {0}, fresh},
    };
    const struct export_file files[] = {{"pwemoe.json", "{}", 2},
                                        {"README.md", "new", 3},
                                        {"heads/a.safetensors", "a", 1},
                                        {"heads/b.safetensors", "", 0}};
    struct export_plan plan = {.pretrained = pretrained,
                               .tensors = tensors,
                               .tensor_count = 5,
                               .files = files,
                               .file_count = 4};
    const char *path = in(*state, "out");
    struct error error;
    if (export_write(path, &plan, NULL, &error) != 0)
        fail_msg("%s", error.text);

    struct model_directory *made;
    if (model_directory_open(path, &made, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(model_directory_count(made), 7);
    const struct tensor *tensor = model_directory_find(made, "half");
    assert_string_equal(tensor->dtype_name, "F16");
    assert_memory_equal(tensor->data, ((uint16_t[]){0x3c00, 0x3c02, 0x8001}), 6);
    tensor = model_directory_find(made, "brain");
    assert_string_equal(tensor->dtype_name, "BF16");
    assert_memory_equal(tensor->data, ((uint16_t[]){0x3f80, 0x3f82, 0x7f62}), 6);
    tensor = model_directory_find(made, "double");
    assert_string_equal(tensor->dtype_name, "F64");
    assert_memory_equal(tensor->data, ((double[]){(double)0.1f, -3}), 16);
    tensor = model_directory_find(made, "full");
    assert_string_equal(tensor->dtype_name, "F32");
    assert_int_equal(tensor->shape[0], 3);
    assert_memory_equal(tensor->data, reshaped, sizeof reshaped);
    tensor = model_directory_find(made, "new");
    assert_string_equal(tensor->dtype_name, "F32");
    assert_int_equal(tensor->rank, 0);
    assert_memory_equal(tensor->data, fresh, 4);
    tensor = model_directory_find(made, "ids");
    assert_string_equal(tensor->dtype_name, "I64");
    assert_memory_equal(tensor->data, "0123456789abcdef", 16);
    assert_memory_equal(model_directory_find(made, "kept")->data, kept, sizeof kept);
    model_directory_close(made);

    struct safetensors *file; /* transformers asks for this */
    assert_int_equal(safetensors_open(in(path, "model.safetensors"), &file, &error), 0);
    assert_string_equal(safetensors_metadata(file, "format"), "pt");
    safetensors_close(file);
    check_text(in(path, "config.json"), "{ \"model_type\": \"vit\" }\n");
    check_text(in(path, "vocab.json"), "[]");
    check_text(in(path, "README.md"), "new");
    check_text(in(path, "pwemoe.json"), "{}");
    check_text(in(path, "heads/a.safetensors"), "a");
    check_text(in(path, "heads/b.safetensors"), "");
    assert_int_equal(entry_count(path), 6); /* and heads: nothing else came along */
    assert_int_equal(entry_count(in(path, "heads")), 2);
    model_directory_close(pretrained);
}

/* Tensors of more than one piece of writing, behind others of odd sizes. */
static void rounds_large_tensors(void **state) {
    struct model_directory *pretrained = pretrained_make(*state);
    enum { LARGE = 3 * KEPT + 1 };
    float *values = calloc(LARGE, sizeof *values);
    uint16_t *wanted = calloc(LARGE, sizeof *wanted);
    for (size_t i = 0; i < LARGE; i++)
        values[i] = (float)(i % 4099) / 7;
    tensor_from_f32(DTYPE_F16, values, LARGE, wanted);
    const struct export_tensor tensors[] = {{"half", 1, {LARGE}, values},
                                            {"kept", 1, {LARGE}, values}};
    struct export_plan plan = {
        .pretrained = pretrained, .tensors = tensors, .tensor_count = 2};
    struct error error;
    if (export_write(in(*state, "out"), &plan, NULL, &error) != 0)
        fail_msg("%s", error.text);
    struct model_directory *made;
    assert_int_equal(model_directory_open(in(*state, "out"), &made, &error), 0);
    assert_memory_equal(model_directory_find(made, "half")->data, wanted,
                        LARGE * sizeof *wanted);
    assert_memory_equal(model_directory_find(made, "kept")->data, values,
                        LARGE * sizeof *values);
    model_directory_close(made);
    values[LARGE - 1] = NAN; /* found in whatever piece it lies */
    char fragment[64];
    snprintf(fragment, sizeof fragment, "kept: element %d is NaN", LARGE - 1);
    check_refused(*state, in(*state, "again"), &plan, NULL, "", fragment);
    free(values);
    free(wanted);
    model_directory_close(pretrained);
}

static void writes_the_config_of_the_plan(void **state) {
    struct model_directory *pretrained = pretrained_make(*state);
    json_t *config = json_pack("{s:f, s:f, s:{s:s}}", "layer_norm_eps", 1e-12,
                               "dropout", 0.1 + 0.2, "id2label", "0", "cat\x01");
    struct export_plan plan = {.pretrained = pretrained, .config = config};
    struct error error;
    if (export_write(in(*state, "out"), &plan, NULL, &error) != 0)
        fail_msg("%s", error.text);
    json_error_t place;
    json_t *made = json_load_file(in(*state, "out/config.json"), 0, &place);
    assert_true(json_equal(made, config));
    json_decref(made);
    json_decref(config);
    model_directory_close(pretrained);
}

/* The layout of a huggingface_hub cache, where all files are links to blobs. */
static void follows_links_to_blobs_only(void **state) {
    const char *root = *state;
    assert_int_equal(mkdir(in(root, "blobs"), 0777), 0);
    assert_int_equal(mkdir(in(root, "snapshots"), 0777), 0);
    const char *snapshot = in(root, "snapshots/1");
    assert_int_equal(mkdir(snapshot, 0777), 0);
    text_write(in(root, "blobs/0a1"), "{\"x\":1}");
    text_write(in(root, "blobs/0a2"), "merges");
    text_write(in(root, "config.json"), "{\"x\":2}");
    text_write(in(root, "secret"), "secret");
    size_t size;
    unsigned char *bytes = safetensors_make("{}", 0, &size);
    file_write(in(root, "blobs/0a3"), bytes, size);
    free(bytes);
    assert_int_equal(symlink("../../blobs/0a2", in(snapshot, "merges.txt")), 0);
    assert_int_equal(symlink("../../blobs/0a3", in(snapshot, "model.safetensors")), 0);
    assert_int_equal(symlink("../../secret", in(snapshot, "a.txt")), 0);
    assert_int_equal(symlink("../../blobs/../secret", in(snapshot, "b.txt")), 0);
    assert_int_equal(symlink("nowhere", in(snapshot, "c.txt")), 0);
    /* config.json is read through any link; what was read is what is written */
    assert_int_equal(symlink("../../config.json", in(snapshot, "config.json")), 0);
    struct model_directory *pretrained;
    struct error error;
    if (model_directory_open(snapshot, &pretrained, &error) != 0)
        fail_msg("%s", error.text);
    struct export_plan plan = {.pretrained = pretrained};
    const char *out = in(root, "out");
    if (export_write(out, &plan, NULL, &error) != 0)
        fail_msg("%s", error.text);
    check_text(in(out, "merges.txt"), "merges");
    check_text(in(out, "config.json"), "{\n  \"x\": 2\n}\n");
    assert_int_equal(entry_count(out), 3);
    model_directory_close(pretrained);
}

static void takes_an_empty_directory(void **state) {
    struct model_directory *pretrained = pretrained_make(*state);
    struct export_plan plan = {.pretrained = pretrained};
    struct stat status;
    struct error error;
    const char *path = in(*state, "empty");
    assert_int_equal(mkdir(path, 0750), 0);
    assert_int_equal(symlink("empty", in(*state, "link")), 0);
    if (export_write(in(*state, "link//"), &plan, NULL, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0750);
    assert_int_equal(access(in(path, "model.safetensors"), F_OK), 0);
    model_directory_close(pretrained);
}

/* A process that was killed leaves its half-made directory behind, and the next one
 * may have its number. */
static void passes_over_what_a_killed_process_left(void **state) {
    enum { LEFT = 300 };
    struct model_directory *pretrained = pretrained_make(*state);
    struct export_plan plan = {.pretrained = pretrained};
    const char *out = in(*state, "out");
    char left[4096];
    struct error error;
    for (int i = 0; i < LEFT; i++) {
        snprintf(left, sizeof left, "%s/.out.%ld.%d.tmp", (char *)*state,
                 (long)getpid(), i);
        assert_int_equal(mkdir(left, 0777), 0);
    }
    size_t before = entry_count(*state);
    if (export_write(out, &plan, NULL, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(entry_count(*state), before + 1);
    check_text(in(out, "vocab.json"), "[]");
    model_directory_close(pretrained);
}

static void refuses_places_that_are_taken(void **state) {
    struct model_directory *pretrained = pretrained_make(*state);
    struct export_plan plan = {.pretrained = pretrained};
    const char *file = in(*state, "file"), *full = in(*state, "full"),
               *dangling = in(*state, "dangling"), *below = in(*state, "missing/out");
    text_write(file, "mine");
    assert_int_equal(mkdir(full, 0777), 0);
    text_write(in(full, ".mine"), "mine");
    assert_int_equal(symlink("nowhere", dangling), 0);
    check_refused(*state, file, &plan, NULL, file, "exists and is not a directory");
    check_refused(*state, full, &plan, NULL, full, "not empty");
    check_refused(*state, dangling, &plan, NULL, dangling, "No such file");
    check_refused(*state, below, &plan, NULL, below, "No such file");
    check_refused(*state, in(*state, "file/out"), &plan, NULL, "", "Not a directory");
    check_refused(*state, "", &plan, NULL, "", "No such file");
    check_text(file, "mine");
    check_text(in(full, ".mine"), "mine");
    model_directory_close(pretrained);
}

static void refuses_values_that_do_not_fit(void **state) {
    struct model_directory *pretrained = pretrained_make(*state);
    static const float nan_values[3] = {0, NAN, 0}, infinite[3] = {0, 0, -INFINITY},
                       large[3] = {65519, 65520, 0}, huge[3] = {3.4e38f, 0, 0},
                       fine[3] = {65519, -65519, 1};
    const struct {
        struct export_tensor tensors[2];
        size_t count;
        const char *fragment;
    } cases[] = {
        {{{"half", 1, {3}, nan_values}}, 1, "half: element 1 is NaN"},
        {{{"brain", 1, {3}, infinite}}, 1, "brain: element 2 is infinite"},
        {{{"double", 1, {3}, nan_values}}, 1, "double: element 1 is NaN"},
        {{{"full", 1, {3}, infinite}}, 1, "full: element 2 is infinite"},
        {{{"new", 1, {3}, infinite}}, 1, "new: element 2 is infinite"},
        {{{"half", 1, {3}, large}}, 1, "half: element 1 is 65520, too large for F16"},
        {{{"brain", 1, {3}, huge}}, 1, "brain: element 0 is 3.4e+38, too large for"},
        {{{"ids", 1, {3}, fine}}, 1, "ids is I64 in the pretrained model"},
        {{{"half", 1, {3}, fine}, {"half", 1, {3}, fine}}, 2, "half: given twice"},
        {{{"new", 1, {3}, fine}, {"new", 1, {3}, fine}}, 2, "new: given twice"},
        {{{"new", 9, {0}, fine}}, 1, "new: more than 8 dimensions"},
        {{{"new", 2, {1ull << 62, 4}, fine}}, 1, "new: its shape has no size"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct export_plan plan = {.pretrained = pretrained,
                                   .tensors = cases[i].tensors,
                                   .tensor_count = cases[i].count};
        check_refused(*state, in(*state, "out"), &plan, NULL, "", cases[i].fragment);
    }
    model_directory_close(pretrained);
}

static void refuses_names_that_lead_out(void **state) {
    struct model_directory *pretrained = pretrained_make(*state);
    static const char *const names[] = {"",     ".",     "..",     "/a",  "../a",
                                        "a/..", "a/b/c", "a/../b", "a//", "./a"};
    json_t *config = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct export_file file = {names[i], "x", 1};
        struct export_plan plan = {
            .pretrained = pretrained, .files = &file, .file_count = 1};
        check_refused(*state, in(*state, "out"), &plan, NULL, names[i],
                      "not a name inside the exported directory");
    }
    static const char *const twice[][2] = {
        {"a", "a"}, {"a", "model.safetensors"}, {"a", "config.json"}};
    for (size_t i = 0; i < 3; i++) {
        struct export_file files[2] = {{twice[i][0], "x", 1}, {twice[i][1], "x", 1}};
        struct export_plan plan = {.pretrained = pretrained,
                                   .files = files,
                                   .file_count = 2,
                                   .config = config};
        check_refused(*state, in(*state, "out"), &plan, NULL, twice[i][1],
                      "would be written twice");
    }
    /* found out late, when the tensors are written */
    struct export_file files[2] = {{"a", "x", 1}, {"a/b", "x", 1}};
    struct export_plan plan = {
        .pretrained = pretrained, .files = files, .file_count = 2};
    check_refused(*state, in(*state, "out"), &plan, NULL, in(*state, "out/a"),
                  "cannot be written");
    json_decref(config);
    model_directory_close(pretrained);
}

struct stopper {
    atomic_bool stop;
    size_t calls, stop_at, done, total;
};

static void count_and_stop(void *self, const char *what, size_t done, size_t total) {
    struct stopper *stopper = self;
    assert_string_equal(what, "export");
    assert_true(done >= stopper->done && done <= total);
    stopper->done = done;
    stopper->total = total;
    if (++stopper->calls == stopper->stop_at)
        stopper->stop = true;
}

static void stops_and_leaves_nothing(void **state) {
    struct model_directory *pretrained = pretrained_make(*state);
    struct export_plan plan = {.pretrained = pretrained};
    struct stopper stopper = {.stop = true};
    struct work work = {&stopper.stop, count_and_stop, &stopper};
    const char *out = in(*state, "out");
    check_refused(*state, out, &plan, &work, "stopped; nothing was written", "");
    assert_int_equal(stopper.calls, 0);
    /* after each of the steps in turn, the last included */
    size_t steps = SIZE_MAX;
    for (size_t at = 1; at <= steps; at++) {
        stopper = (struct stopper){.stop_at = at};
        check_refused(*state, out, &plan, &work, "stopped; nothing was written", "");
        if (stopper.done == stopper.total)
            steps = at;
    }
    assert_true(steps > 2);
    /* after the last step, where no file is copied that would look at the flag */
    json_t *config = json_object();
    const struct export_file files[] = {{"vocab.json", "", 0}, {"README.md", "", 0}};
    struct export_plan full = {
        .pretrained = pretrained, .files = files, .file_count = 2, .config = config};
    stopper = (struct stopper){.stop_at = steps};
    check_refused(*state, out, &full, &work, "stopped; nothing was written", "");
    assert_int_equal(stopper.done, stopper.total);
    json_decref(config);
    stopper = (struct stopper){.stop_at = 0};
    struct error error;
    assert_int_equal(export_write(out, &plan, &work, &error), 0);
    assert_int_equal(stopper.done, 16 + 16 + 6 + 6 + 16 + 4 * KEPT);
    model_directory_close(pretrained);
}

/* A limit on the size of files stands for a disk that ends: no file system needs to
 * be mounted for it. */
static void leaves_nothing_where_files_cannot_grow(void **state) {
    struct model_directory *pretrained = pretrained_make(*state);
    static char large[3 * KEPT];
    struct export_file file = {"heads/large", large, sizeof large};
    struct export_plan plan = {.pretrained = pretrained};
    struct rlimit before, limit;
    const char *out = in(*state, "out"), *model = in(*state, "out/model.safetensors");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    limit = (struct rlimit){KEPT, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    check_refused(*state, out, &plan, NULL, model, "cannot be written: File too large");
    /* The tensors fit and a later file does not. */
    limit.rlim_cur = 5 * KEPT;
    static char larger[6 * KEPT];
    file = (struct export_file){"heads/large", larger, sizeof larger};
    plan.files = &file;
    plan.file_count = 1;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    check_refused(*state, out, &plan, NULL, in(out, "heads/large"),
                  "cannot be written: File too large");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    model_directory_close(pretrained);
}

/* What a child found: 0 as it should be, 77 cannot be tried here, else wrong. Closes
 * pretrained first, for skip() does not come back. */
static void check_child(pid_t child, const char *reason,
                        struct model_directory *pretrained) {
    int status;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    model_directory_close(pretrained);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("skipped: %s\n", reason);
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* In a child: the export must fail with the fragment and leave folder as empty as it
 * is. Returns its exit status. */
static int try_in_child(const char *folder, const struct export_plan *plan,
                        const char *fragment) {
    char out[1100];
    struct error error;
    snprintf(out, sizeof out, "%s/out", folder);
    size_t before = entry_count(folder);
    if (export_write(out, plan, NULL, &error) == 0 || !strstr(error.text, fragment) ||
        strncmp(error.text, out, strlen(out)) != 0) {
        fprintf(stderr, "got: %s\n", error.text);
        return 1;
    }
    return entry_count(folder) == before ? 0 : 2;
}

static void leaves_nothing_on_a_full_disk(void **state) {
    struct model_directory *pretrained = pretrained_make(*state);
    struct export_plan plan = {.pretrained = pretrained};
    const char *disk = in(*state, "disk");
    assert_int_equal(mkdir(disk, 0777), 0);
    pid_t child = fork();
    if (child == 0) {
        /* A name space of mounts: they go with the child. */
        if (unshare(CLONE_NEWNS) != 0 ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount("none", disk, "tmpfs", 0, "size=1m") != 0)
            _exit(77);
        int result = try_in_child(disk, &plan, "No space left on device");
        /* and a disk of pages enough, but for few files */
        if (result == 0 && (umount(disk) != 0 || mount("none", disk, "tmpfs", 0,
                                                       "size=16m,nr_inodes=4") != 0))
            result = 77;
        if (result == 0)
            result = try_in_child(disk, &plan, "No space left on device");
        _exit(result);
    }
    check_child(child, "no file system can be mounted here", pretrained);
}

static void leaves_nothing_where_it_may_not_write(void **state) {
    struct model_directory *pretrained = pretrained_make(*state);
    struct export_plan plan = {.pretrained = pretrained};
    const char *locked = in(*state, "locked");
    assert_int_equal(mkdir(locked, 0555), 0);
    assert_int_equal(chmod(*state, 0755), 0);
    pid_t child = fork();
    if (child == 0) {
        /* The superuser may write everywhere. */
        if (geteuid() == 0 &&
            (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
            _exit(77);
        if (access(locked, R_OK | X_OK) != 0 || access(locked, W_OK) == 0)
            _exit(77);
        _exit(try_in_child(locked, &plan, "Permission denied"));
    }
    check_child(child, "no other user can be tried here", pretrained);
}

#define IN_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(writes_a_model_directory),
        IN_FOLDER(rounds_large_tensors),
        IN_FOLDER(writes_the_config_of_the_plan),
        IN_FOLDER(follows_links_to_blobs_only),
        IN_FOLDER(takes_an_empty_directory),
        IN_FOLDER(passes_over_what_a_killed_process_left),
        IN_FOLDER(refuses_places_that_are_taken),
        IN_FOLDER(refuses_values_that_do_not_fit),
        IN_FOLDER(refuses_names_that_lead_out),
        IN_FOLDER(stops_and_leaves_nothing),
        IN_FOLDER(leaves_nothing_where_files_cannot_grow),
        IN_FOLDER(leaves_nothing_on_a_full_disk),
        IN_FOLDER(leaves_nothing_where_it_may_not_write),
    };
    return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
