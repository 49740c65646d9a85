/* Model directories: one file or shards, and what is refused of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "checkpoint/directory.h"
#include "support.h"

static struct model_directory *open_good(const char *path) {
    struct model_directory *directory;
    struct error error;
    if (model_directory_open(path, &directory, &error) != 0)
        fail_msg("%s", error.text);
    return directory;
}

/* A file of one F32 tensor [1]. */
static void shard_write(const char *path, const char *tensor) {
    char header[256];
    size_t size;
    snprintf(header, sizeof header,
             "{\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
             tensor);
    unsigned char *bytes = safetensors_make(header, 4, &size);
    file_write(path, bytes, size);
    free(bytes);
}

static void reads_shards_of_huggingface_hub(void **state) {
    (void)state;
    struct model_directory *directory = open_good(golden("sharded"));
    json_error_t place;
    json_t *wanted = json_load_file(golden("sharded.json"), 0, &place);
    assert_non_null(wanted);
    assert_int_equal(model_directory_count(directory), json_object_size(wanted));
    const char *name;
    json_t *value;
    json_object_foreach(wanted, name, value) {
        const struct tensor *tensor = model_directory_find(directory, name);
        float first;
        assert_non_null(tensor);
        memcpy(&first, tensor->data, sizeof first);
        assert_true((double)first ==
                    strtod(json_string_value(json_array_get(value, 1)), NULL));
    }
    assert_null(model_directory_find(directory, "layer.9.weight"));
    assert_string_equal(model_directory_at(directory, 0)->name, "layer.0.weight");
    const json_t *type =
        json_object_get(model_directory_config(directory), "model_type");
    assert_string_equal(json_string_value(type), "none");
    assert_null(model_directory_preprocessor(directory));
    json_decref(wanted);
    model_directory_close(directory);
    model_directory_close(NULL);
}

static void reads_a_single_file(void **state) {
    text_write(in(*state, "config.json"), "{}");
    text_write(in(*state, "preprocessor_config.json"), "{\"size\": 96}");
    shard_write(in(*state, "model.safetensors"), "w");
    /* The index of a model once saved in shards does not count any more. */
    text_write(in(*state, "model.safetensors.index.json"), "{}");
    char path[1100];
    snprintf(path, sizeof path, "%s///", (char *)*state);
    struct model_directory *directory = open_good(path);
    assert_string_equal(model_directory_path(directory), *state);
    assert_int_equal(model_directory_count(directory), 1);
    assert_int_equal(json_object_size(model_directory_preprocessor(directory)), 1);
    model_directory_close(directory);
}

/* Each case is a directory of config.json, three shards with tensors a, b and c, the
 * index below, and what else it says. */
static const struct {
    const char *index;
    const char *name, *text; /* a file with this text besides; NULL text: removed */
    const char *fragment;
} cases[] = {
#define A "\"a\":\"1.safetensors\""
#define B "\"b\":\"2.safetensors\""
#define C "\"c\":\"3.safetensors\""
    {"{\"weight_map\":{" A "," B "," C "}}", "2.safetensors", NULL,
     "2.safetensors: No such file or directory; model.safetensors.index.json names"},
    {"{\"weight_map\":{" A "," B "," C "}}", "2.safetensors", "short",
     "2.safetensors: 5 bytes are too few"},
    {"{\"weight_map\":{" A "," B ",\"c\":\"2.safetensors\"}}", NULL, NULL,
     "2.safetensors: c, which model.safetensors.index.json puts there, is missing"},
    {"{\"weight_map\":{" A "," B ",\"c\":\"2.safetensors\",\"d\":\"3.safetensors\"}}",
     NULL, NULL, "3.safetensors: c is in this shard, but "},
    {"{\"weight_map\":{" A "," B "," C ",\"d\":\"3.safetensors\"}}", NULL, NULL,
     "3.safetensors: d, which"},
    {"{\"weight_map\":{" A "," B ",\"d\":\"3.safetensors\"}}", NULL, NULL,
     "3.safetensors: c is not in model.safetensors.index.json"},
    {"{\"weight_map\":{" A ",\"b\":\"../2.safetensors\"}}", NULL, NULL,
     "b is listed in ../2.safetensors; a shard is a"},
    {"{\"weight_map\":{" A ",\"b\":\"/etc/2.safetensors\"}}", NULL, NULL,
     "b is listed in /etc/2.safetensors"},
    {"{\"weight_map\":{" A ",\"b\":\"x/2.safetensors\"}}", NULL, NULL,
     "b is listed in x/2.safetensors"},
    {"{\"weight_map\":{" A ",\"b\":\"..\"}}", NULL, NULL, "b is listed in .."},
    {"{\"weight_map\":{" A ",\"b\":\"\"}}", NULL, NULL, "b is listed in ;"},
    {"{\"weight_map\":{" A ",\"b\":\".safetensors\"}}", NULL, NULL, "b is listed in"},
    {"{\"weight_map\":{" A ",\"b\":\"config.json\"}}", NULL, NULL, "b is listed in"},
    {"{\"weight_map\":{" A ",\"b\":2}}", NULL, NULL, "the file of b is not a string"},
    {"{\"weight_map\":{" A "," B "," C "," A "}}", NULL, NULL,
     "not valid JSON: duplicate object key"},
    {"{\"weight_map\":{}}", NULL, NULL, "weight_map is missing or empty"},
    {"{\"weight_map\":[]}", NULL, NULL, "weight_map is missing or empty"},
    {"{}", NULL, NULL, "weight_map is missing or empty"},
    {"[]", NULL, NULL, "index.json: does not hold a JSON object"},
    {"{", NULL, NULL, "index.json: not valid JSON"},
    {"", NULL, NULL, "index.json: not valid JSON"},
    {"{\"weight_map\":{" A "," B "," C "}}", "config.json", NULL,
     "config.json: No such file"},
    {"{\"weight_map\":{" A "," B "," C "}}", "config.json", "{\"a\":1,\n\"a\":1}",
     "config.json: not valid JSON: duplicate object key near '\"a\"' (line 2"},
    {"{\"weight_map\":{" A "," B "," C "}}", "config.json", "[]",
     "config.json: does not hold a JSON object"},
    {"{\"weight_map\":{" A "," B "," C "}}", "preprocessor_config.json", "{",
     "preprocessor_config.json: not valid JSON"},
    {"{\"weight_map\":{" A "," B "," C "}}", "model.safetensors.index.json", NULL,
     "has neither model.safetensors nor model.safetensors.index.json"},
    {"{\"weight_map\":{" A "," B "," C "}}", "model.safetensors", "",
     "model.safetensors: the file is empty"},
};

static void refuses_what_does_not_agree(void **state) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[32];
        snprintf(name, sizeof name, "case%zu", i);
        const char *folder = in(*state, name);
        assert_int_equal(mkdir(folder, 0777), 0);
        text_write(in(folder, "config.json"), "{}");
        shard_write(in(folder, "1.safetensors"), "a");
        shard_write(in(folder, "2.safetensors"), "b");
        shard_write(in(folder, "3.safetensors"), "c");
        text_write(in(folder, "model.safetensors.index.json"), cases[i].index);
        if (cases[i].text)
            text_write(in(folder, cases[i].name), cases[i].text);
        else if (cases[i].name)
            assert_int_equal(unlink(in(folder, cases[i].name)), 0);
        struct model_directory *directory;
        struct error error;
        if (model_directory_open(folder, &directory, &error) == 0)
            fail_msg("case %zu: accepted", i);
        check_message(error.text, folder, cases[i].fragment);
    }
}

static void refuses_what_is_no_model(void **state) {
    struct model_directory *directory;
    struct fingerprint fingerprint;
    struct error error;
    const char *missing = in(*state, "missing"), *file = in(*state, "file");
    text_write(file, "");
    assert_int_equal(model_directory_open(missing, &directory, &error), -1);
    check_message(error.text, missing, "No such file");
    assert_int_equal(model_directory_fingerprint(missing, &fingerprint, NULL, &error),
                     -1);
    check_message(error.text, missing, "No such file");
    assert_int_equal(model_directory_open(file, &directory, &error), -1);
    check_message(error.text, file, "not a model directory");
    text_write(in(*state, "pytorch_model.bin"), "");
    assert_int_equal(model_directory_open(*state, &directory, &error), -1);
    check_message(error.text, *state, "save the model as safetensors");
}

static void fingerprints_one_file(void **state) {
    shard_write(in(*state, "model.safetensors"), "w");
    struct fingerprint fingerprint;
    struct error error;
    char hex[SHA256_HEX];
    unsigned long long size;
    assert_int_equal(model_directory_fingerprint(*state, &fingerprint, NULL, &error),
                     0);
    assert_int_equal(
        sha256_file(in(*state, "model.safetensors"), hex, &size, NULL, &error), 0);
    assert_string_equal(fingerprint.sha256, hex);
    assert_int_equal(fingerprint.size, size);
}

/* By hand: sha256sum of each shard, the three digests in one line, hashed. */
static void fingerprints_shards(void **state) {
    (void)state;
    struct fingerprint fingerprint;
    struct error error;
    char whole[SHA256_HEX], hex[SHA256_HEX];
    unsigned long long size, total = 0;
    struct sha256 *hash = sha256_new();
    for (int i = 1; i <= 3; i++) {
        char name[64];
        snprintf(name, sizeof name, "sharded/model-0000%d-of-00003.safetensors", i);
        assert_int_equal(sha256_file(golden(name), hex, &size, NULL, &error), 0);
        sha256_add(hash, hex, 64);
        total += size;
    }
    sha256_finish(hash, whole);
    assert_int_equal(
        model_directory_fingerprint(golden("sharded"), &fingerprint, NULL, &error), 0);
    assert_string_equal(fingerprint.sha256, whole);
    assert_int_equal(fingerprint.size, total);
}

/* Several at once are what each is by itself, and what is wrong with one is told with
 * its number. */
static void fingerprints_several(void **state) {
    shard_write(in(*state, "model.safetensors"), "w");
    const char *paths[] = {golden("sharded"), *state, golden("sharded")};
    struct fingerprint together[3], alone;
    struct error error;
    size_t failed;
    assert_int_equal(
        model_directories_fingerprint(paths, 3, together, &failed, NULL, &error), 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(model_directory_fingerprint(paths[i], &alone, NULL, &error),
                         0);
        assert_string_equal(together[i].sha256, alone.sha256);
        assert_int_equal(together[i].size, alone.size);
    }
    paths[1] = in(*state, "missing");
    assert_int_equal(
        model_directories_fingerprint(paths, 3, together, &failed, NULL, &error), -1);
    assert_int_equal(failed, 1);
    check_message(error.text, paths[1], "No such file");
    assert_int_equal(
        model_directories_fingerprint(NULL, 0, together, &failed, NULL, &error), 0);
}

static void note_progress(void *self, const char *what, size_t done, size_t total) {
    assert_string_equal(what, "fingerprints of 3 files");
    size_t *seen = self;
    assert_true(done > seen[0]);
    seen[0] = done;
    seen[1] = total;
}

static void tells_progress_and_stops(void **state) {
    (void)state;
    size_t seen[2] = {0, 0};
    atomic_bool stop = false;
    struct work work = {.stop = &stop, .progress = note_progress, .self = seen};
    struct fingerprint fingerprint;
    struct error error;
    assert_int_equal(
        model_directory_fingerprint(golden("sharded"), &fingerprint, &work, &error), 0);
    assert_int_equal(seen[0], fingerprint.size);
    assert_int_equal(seen[1], fingerprint.size);
    stop = true;
    assert_int_equal(
        model_directory_fingerprint(golden("sharded"), &fingerprint, &work, &error),
        -1);
    check_message(error.text, golden("sharded"), "stopped");
}

/* transformers 5 writes processor_config.json, and prefers it where both are there. */
static void a_processor_is_found_in_either_file(void **state) {
    const char *folder = *state;
    shard_write(in(folder, "model.safetensors"), "a");
    text_write(in(folder, "config.json"), "{}");
    text_write(in(folder, "preprocessor_config.json"), "{\"resample\": 2}");
    text_write(in(folder, "processor_config.json"), "{\"processor_class\": \"X\"}");
    struct model_directory *directory = open_good(folder);
    assert_string_equal(model_directory_preprocessor_name(directory),
                        "preprocessor_config.json");
    assert_non_null(
        json_object_get(model_directory_preprocessor(directory), "resample"));
    model_directory_close(directory);
    text_write(in(folder, "processor_config.json"),
               "{\"image_processor\": {\"size\": 32}, \"x\": NaN}");
    directory = open_good(folder);
    assert_string_equal(model_directory_preprocessor_name(directory),
                        "processor_config.json");
    assert_non_null(json_object_get(model_directory_preprocessor(directory), "size"));
    model_directory_close(directory);
    text_write(in(folder, "processor_config.json"), "{\"image_processor\": 3}");
    struct error error;
    assert_int_equal(model_directory_open(folder, &directory, &error), -1);
    check_message(error.text, folder, "image_processor is not an object");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_processor_is_found_in_either_file,
                                        folder_setup, folder_teardown),
        cmocka_unit_test(reads_shards_of_huggingface_hub),
        cmocka_unit_test_setup_teardown(reads_a_single_file, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(refuses_what_does_not_agree, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_model, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(fingerprints_one_file, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(fingerprints_several, folder_setup,
                                        folder_teardown),
        cmocka_unit_test(fingerprints_shards),
        cmocka_unit_test(tells_progress_and_stops),
    };
    return cmocka_run_group_tests_name("model directories", tests, NULL, NULL);
}
