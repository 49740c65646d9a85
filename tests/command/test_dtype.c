/* BF16 and F16 models: what is measured is what is exported, figure by figure; answers
 * that are no numbers are none. */
#include <config.h> /* memmem wants _GNU_SOURCE */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "checkpoint/directory.h"
#include "run.h"

enum { EDGE = 12, CLASSES = 3, TEST = 60 };

struct narrowing {
    const struct model_directory *from;
    enum dtype to;
};

static int read_narrow(void *self, size_t index, uint64_t offset, void *out,
                       size_t room, size_t *got, struct error *error) {
    const struct narrowing *n = self;
    const struct tensor *tensor = model_directory_at(n->from, index);
    float *values = array_new(tensor->count, sizeof *values);
    unsigned char *bytes = array_new(tensor->count, 2);
    if (!values || !bytes || tensor_to_f32(tensor, "golden", values, error)) {
        free(values);
        free(bytes);
        return -1;
    }
    tensor_from_f32(n->to, values, tensor->count, bytes);
    uint64_t left = 2 * tensor->count - offset;
    *got = left < room ? (size_t)left : room;
    memcpy(out, bytes + offset, *got);
    free(values);
    free(bytes);
    return 0;
}

/* FOLDER/NAME: a golden model with all its tensors in a narrower dtype. */
static void write_narrow(const char *model, const char *name, enum dtype to) {
    const char *srcdir = getenv("srcdir");
    char path[1024];
    struct model_directory *directory;
    struct error error;
    snprintf(path, sizeof path, "%s/tests/golden/model/%s", srcdir ? srcdir : ".",
             model);
    struct ran ran = shell("cp -r %s %s/%s && chmod -R u+w %s/%s", path, folder(), name,
                           folder(), name);
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    if (model_directory_open(path, &directory, &error))
        fail_msg("%s", error.text);
    struct narrowing narrowing = {directory, to};
    size_t count = model_directory_count(directory);
    struct tensor_source *sources = array_new(count, sizeof *sources);
    for (size_t i = 0; i < count; i++) {
        const struct tensor *tensor = model_directory_at(directory, i);
        sources[i] =
            (struct tensor_source){.name = tensor->name,
                                   .dtype_name = to == DTYPE_F16 ? "F16" : "BF16",
                                   .rank = tensor->rank,
                                   .bytes = 2 * tensor->count};
        memcpy(sources[i].shape, tensor->shape, sizeof tensor->shape);
    }
    snprintf(path, sizeof path, "%s/%s/model.safetensors", folder(), name);
    if (safetensors_write(path, sources, count, NULL, read_narrow, &narrowing, &error))
        fail_msg("%s", error.text);
    free(sources);
    model_directory_close(directory);
}

static void big_endian(FILE *file, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        fputc((int)(value >> shift & 255), file);
}

static FILE *create(const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    FILE *file = fopen(path, "wb");
    if (!file)
        abort();
    return file;
}

static int write_images(void **state) {
    struct random random;
    (void)state;
    random_seed(&random, 5, 6);
    FILE *images = create("images-idx3-ubyte"), *labels = create("labels-idx1-ubyte");
    big_endian(images, 0x803);
    big_endian(images, TEST);
    big_endian(images, EDGE);
    big_endian(images, EDGE);
    big_endian(labels, 0x801);
    big_endian(labels, TEST);
    for (uint32_t i = 0; i < TEST; i++) {
        fputc((int)(i % CLASSES), labels);
        for (uint32_t p = 0; p < EDGE * EDGE; p++)
            fputc((int)random_below(&random, 256), images);
    }
    return fclose(images) || fclose(labels);
}

/* The loss of task a, to the last digit: it sees every bit of the weights. */
static double loss_of(json_t *rows) {
    const json_t *a =
        json_object_get(json_object_get(json_array_get(rows, 0), "objectives"), "a");
    const json_t *loss = json_object_get(a, "loss");
    assert_true(json_is_real(loss));
    double value = json_real_value(loss);
    json_decref(rows);
    return value;
}

/* Of FOLDER/NAME: whether pwemoe.json says that it was measured so, and figures. */
static bool has_figures(const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s/pwemoe.json", folder(), name);
    json_t *about = json_load_file(path, 0, NULL);
    assert_non_null(about);
    bool measured = json_is_true(json_object_get(about, "measured"));
    size_t figures = json_object_size(json_object_get(about, "objectives"));
    assert_int_equal(figures, measured ? 2 : 0);
    json_decref(about);
    return measured;
}

/* --dtype: a wider one has the same values, loss and figures; a narrower one or one of
 * another range is another model, which has no figures until it is measured. */
static void in_another_dtype(const char *tag, enum dtype own, double stored) {
    static const struct {
        const char *name;
        enum dtype dtype;
    } all[] = {{"f32", DTYPE_F32}, {"f16", DTYPE_F16}, {"bf16", DTYPE_BF16}};
    for (size_t i = 0; i < 3; i++) {
        char out[64], path[1100];
        snprintf(out, sizeof out, "%s-as-%s", tag, all[i].name);
        struct ran ran = run("export %1$s/%2$s.db --solution 1 --out %1$s/%3$s --dtype "
                             "%4$s",
                             folder(), tag, out, all[i].name);
        assert_int_equal(ran.status, 0);
        bool same = all[i].dtype == own || all[i].dtype == DTYPE_F32;
        assert_int_equal(strstr(ran.err, "it has no figures; `pwemoe eval") == NULL,
                         same);
        ran_free(&ran);
        assert_int_equal(has_figures(out), same);
        struct model_directory *directory;
        struct error error;
        snprintf(path, sizeof path, "%s/%s", folder(), out);
        assert_int_equal(model_directory_open(path, &directory, &error), 0);
        for (size_t k = 0; k < model_directory_count(directory); k++)
            assert_int_equal(model_directory_at(directory, k)->dtype, all[i].dtype);
        model_directory_close(directory);
        double loss =
            loss_of(json_of("eval %1$s/%2$s.db --model %1$s/%3$s --device cpu "
                            "--format json",
                            folder(), tag, out));
        if (same ? loss < stored || loss > stored : fabs(loss - stored) > 0.01)
            fail_msg("%s as %s: %.17g, then %.17g", tag, all[i].name, stored, loss);
    }
}

static void measured_is_exported(enum dtype to, const char *tag) {
    char name[64], text[1024];
    snprintf(name, sizeof name, "%s-base", tag);
    write_narrow("vit", name, to);
    snprintf(name, sizeof name, "%s-a", tag);
    write_narrow("vit-expert0", name, to);
    snprintf(name, sizeof name, "%s-b", tag);
    write_narrow("vit-expert1", name, to);
    snprintf(text, sizeof text,
             "pretrained: %s-base\ntasks:\n"
             "  a: {expert: %s-a, test: images-idx3-ubyte}\n"
             "  b: {expert: %s-b, test: images-idx3-ubyte}\n",
             tag, tag, tag);
    snprintf(name, sizeof name, "%s.yaml", tag);
    write_file(name, text);
    struct ran ran = run("init %1$s/%2$s.db %1$s/%2$s.yaml --quiet", folder(), tag);
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    double stored = loss_of(json_of("merge %1$s/%2$s.db --method task-arithmetic "
                                    "--scales 0.37 --device cpu --format json",
                                    folder(), tag));
    ran = run("export %1$s/%2$s.db --solution 1 --out %1$s/%2$s-out --quiet", folder(),
              tag);
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    double exported =
        loss_of(json_of("eval %1$s/%2$s.db --model %1$s/%2$s-out --device "
                        "cpu --format json",
                        folder(), tag));
    if (stored < exported || stored > exported)
        fail_msg("%s: measured %.17g, exported %.17g", tag, stored, exported);
    in_another_dtype(tag, to, stored);
}

static void bf16(void **state) {
    (void)state;
    measured_is_exported(DTYPE_BF16, "bf16");
}

static void f16(void **state) {
    (void)state;
    measured_is_exported(DTYPE_F16, "f16");
}

/* Numbers beyond a float's range: no accuracy, and a line that says where. */
static void answers_that_are_no_numbers(void **state) {
    (void)state;
    write_narrow("vit", "big", DTYPE_BF16);
    struct model_directory *directory;
    struct error error;
    char path[1024];
    snprintf(path, sizeof path, "%s/big", folder());
    if (model_directory_open(path, &directory, &error))
        fail_msg("%s", error.text);
    const struct tensor *tensor = model_directory_find(
        directory, "vit.encoder.layer.1.intermediate.dense.weight");
    assert_non_null(tensor);
    size_t count = (size_t)tensor->count;
    /* Its place in the file; 0x7f00 is 1.7e38 in BF16. */
    FILE *file = fopen(strcat(path, "/model.safetensors"), "r+b");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    unsigned char *bytes = malloc(size);
    rewind(file);
    assert_int_equal(fread(bytes, 1, size, file), size);
    unsigned char *found = memmem(bytes, size, tensor->data, 2 * count);
    assert_non_null(found);
    for (size_t i = 0; i < count; i++) {
        found[2 * i] = 0;
        found[2 * i + 1] = 0x7f;
    }
    model_directory_close(directory);
    rewind(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    free(bytes);
    expect_error(1,
                 "task a: the model's answer to held-out example 1 (batch 1) is not a "
                 "number; first in block 1, the MLP",
                 "eval %1$s/bf16.db --model %1$s/big --device cpu", folder());
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(bf16), cmocka_unit_test(f16),
                                       cmocka_unit_test(answers_that_are_no_numbers)};
    return cmocka_run_group_tests(tests, write_images, NULL);
}
