/* Class folders and idx pairs, what they are refused for, and limits. */
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

#include "data/dataset.h"
#include "files.h"

enum { SIZE = 4 };

static const struct preprocess plain = {.resample = RESAMPLE_BOX,
                                        .width = SIZE,
                                        .height = SIZE,
                                        .size = SIZE,
                                        .scale = {1, 1, 1}};

/* A PPM of one colour. */
static void write_colour(const char *folder, const char *name, uint8_t red,
                         uint8_t green, uint8_t blue) {
    char ppm[64];
    int length = sprintf(ppm, "P6 2 2 255\n");
    for (int i = 0; i < 4; i++) {
        ppm[length++] = (char)red;
        ppm[length++] = (char)green;
        ppm[length++] = (char)blue;
    }
    file_write(folder, name, ppm, (size_t)length);
}

static struct dataset *open_good(const char *path, struct dataset_options options) {
    struct dataset *dataset;
    struct error error;
    options.preprocess = options.preprocess ? options.preprocess : &plain;
    if (dataset_open(path, &options, &dataset, NULL, &error))
        fail_msg("%s", error.text);
    return dataset;
}

static void refuse(const char *path, const struct classes *classes,
                   const char *because) {
    struct dataset_options options = {.preprocess = &plain, .classes = classes};
    struct dataset *dataset;
    struct error error = {.text = ""};
    assert_int_equal(dataset_open(path, &options, &dataset, NULL, &error), -1);
    assert_null(dataset);
    if (!strstr(error.text, because))
        fail_msg("\"%s\" does not say \"%s\"", error.text, because);
}

/* Classes b (2 images), B (1) and a c (3); image colours are (class, number, 7). */
static char *three_classes(void) {
    char *folder = folder_new();
    write_colour(folder, "b/2.ppm", 1, 1, 7);
    write_colour(folder, "b/10.ppm", 1, 0, 7);
    write_colour(folder, "B/x.jpg", 0, 0, 7); /* the content decides, not the name */
    write_colour(folder, "a c/1.ppm", 2, 0, 7);
    write_colour(folder, "a c/2.ppm", 2, 1, 7);
    write_colour(folder, "a c/3.ppm", 2, 2, 7);
    file_write(folder, "b/.hidden", "x", 1);
    file_write(folder, ".git/config", "x", 1);
    file_write(folder, "about.csv", "x", 1);
    return folder;
}

/* Pixel 0 of each plane of example i. */
static void assert_colour(const struct dataset *dataset, size_t i, int red, int green) {
    const uint8_t *pixels = dataset->pixels + i * 3 * SIZE * SIZE;
    assert_int_equal(pixels[0], red);
    assert_int_equal(pixels[SIZE * SIZE], green);
    assert_int_equal(pixels[2 * SIZE * SIZE + SIZE * SIZE - 1], 7);
}

static void test_folders(void **state) {
    static const char *const names[] = {"B/x.jpg",   "a c/1.ppm", "a c/2.ppm",
                                        "a c/3.ppm", "b/10.ppm",  "b/2.ppm"};
    static const int reds[] = {0, 2, 2, 2, 1, 1}, greens[] = {0, 0, 1, 2, 0, 1};
    static const int labels[] = {0, 1, 1, 1, 2, 2};
    (void)state;
    char *folder = three_classes();
    for (unsigned threads = 1; threads < 4; threads++) {
        struct dataset *dataset =
            open_good(folder, (struct dataset_options){.threads = threads});
        assert_int_equal(dataset->count, 6);
        assert_int_equal(dataset->classes, 3);
        assert_int_equal(dataset->size, SIZE);
        assert_string_equal(dataset->class_names[0], "B");
        assert_string_equal(dataset->class_names[1], "a c");
        assert_string_equal(dataset->class_names[2], "b");
        for (size_t i = 0; i < 6; i++) {
            assert_string_equal(dataset->example_names[i], names[i]);
            assert_int_equal(dataset->labels[i], labels[i]);
            assert_colour(dataset, i, reds[i], greens[i]);
        }
        dataset_close(dataset);
    }
    folder_remove(folder);
}

/* Without labels: every file, wherever it lies, and idx images without their labels;
 * classes are what they are said to be. */
static void test_unlabelled(void **state) {
    (void)state;
    char *names[] = {"no", "yes"};
    struct classes classes = {.count = 2, .names = names};
    struct data_form form = {.unlabelled = true};
    uint8_t images[16 + 2 * 6] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3};
    char *folder = folder_new();
    write_colour(folder, "2.ppm", 9, 2, 7);
    write_colour(folder, "deep/er/1.ppm", 9, 1, 7);
    file_write(folder, ".hidden/x", "x", 1);
    struct dataset *dataset =
        open_good(folder, (struct dataset_options){.form = &form, .classes = &classes});
    assert_int_equal(dataset->count, 2);
    assert_int_equal(dataset->classes, 2);
    assert_string_equal(dataset->class_names[1], "yes");
    assert_string_equal(dataset->example_names[0], "2.ppm");
    assert_string_equal(dataset->example_names[1], "deep/er/1.ppm");
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(dataset->labels[i], 0);
        assert_colour(dataset, i, 9, (int)(2 - i));
    }
    dataset_close(dataset);
    folder_remove(folder);

    folder = folder_new();
    memset(images + 16, 5, 12);
    file_write(folder, "any.idx", images, sizeof images);
    dataset = open_good(path_in(folder, "any.idx"),
                        (struct dataset_options){.form = &form, .classes = &classes});
    assert_int_equal(dataset->count, 2);
    assert_int_equal(dataset->classes, 2);
    assert_int_equal(dataset->labels[1], 0);
    assert_int_equal(dataset->pixels[0], 5);
    dataset_close(dataset);
    refuse(path_in(folder, "any.idx"), NULL, "any.idx");
    folder_remove(folder);

    folder = folder_new();
    struct dataset_options options = {.preprocess = &plain, .form = &form};
    struct error error;
    assert_int_equal(dataset_open(folder, &options, &dataset, NULL, &error), -1);
    assert_non_null(strstr(error.text, "no images in it"));
    folder_remove(folder);
}

static void check_nested(const char *folder, size_t count, const char *const *files,
                         const int *labels, const char *const *names, size_t classes) {
    struct data_form form = {.nested = true};
    struct dataset *dataset =
        open_good(folder, (struct dataset_options){.form = &form});
    assert_int_equal(dataset->count, count);
    assert_int_equal(dataset->classes, classes);
    for (size_t i = 0; i < classes; i++)
        assert_string_equal(dataset->class_names[i], names[i]);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(dataset->example_names[i], files[i]);
        assert_int_equal(dataset->labels[i], labels[i]);
    }
    dataset_close(dataset);
}

/* Class folders one folder deeper: by their own names, or, where they have but one, by
 * the outer ones. */
static void test_nested_folders(void **state) {
    (void)state;
    char *folder = folder_new();
    write_colour(folder, "sketch/dog/1.ppm", 0, 0, 7);
    write_colour(folder, "photo/dog/2.ppm", 0, 1, 7);
    write_colour(folder, "photo/cat/1.ppm", 1, 0, 7);
    file_write(folder, "about.csv", "x", 1);
    check_nested(
        folder, 3,
        (const char *const[]){"photo/cat/1.ppm", "photo/dog/2.ppm", "sketch/dog/1.ppm"},
        (const int[]){0, 1, 1}, (const char *const[]){"cat", "dog"}, 2);
    refuse(folder, NULL,
           "photo/cat: a folder inside a class folder; `classes: \"*/*\"`");
    folder_remove(folder);
    folder = folder_new();
    write_colour(folder, "n02/images/1.ppm", 0, 0, 7);
    write_colour(folder, "n01/images/1.ppm", 0, 1, 7);
    check_nested(folder, 2,
                 (const char *const[]){"n01/images/1.ppm", "n02/images/1.ppm"},
                 (const int[]){0, 1}, (const char *const[]){"n01", "n02"}, 2);
    folder_remove(folder);
}

/* Labels by the names of the given classes, whatever the folders' order. */
static void test_classes(void **state) {
    (void)state;
    char *folder = folder_new();
    write_colour(folder, "polka_dotted/1.ppm", 0, 0, 7);
    write_colour(folder, "Zebra/1.ppm", 1, 0, 7);
    char *names[] = {"Polka dotted", "none", "zebra"};
    struct classes classes = {.count = 3, .names = names};
    struct dataset *dataset =
        open_good(folder, (struct dataset_options){.classes = &classes});
    assert_string_equal(dataset->example_names[0], "Zebra/1.ppm");
    assert_int_equal(dataset->labels[0], 2);
    assert_int_equal(dataset->labels[1], 0);
    assert_int_equal(dataset->classes, 3);
    assert_string_equal(dataset->class_names[0], "Polka dotted");
    dataset_close(dataset);
    names[0] = "dotted";
    refuse(folder, &classes,
           "polka_dotted: is none of the classes: dotted, none, zebra");
    folder_remove(folder);
}

static void test_refused_folders(void **state) {
    (void)state;
    char *folder = folder_new();
    refuse(folder, NULL, "no class folders");
    write_colour(folder, "loose.ppm", 0, 0, 0);
    refuse(folder, NULL, "no class folders in it, but files such as loose.ppm; images");
    unlink(path_in(folder, "loose.ppm"));
    refuse(path_in(folder, "none"), NULL, "none: No such file");
    mkdir(path_in(folder, "empty"), 0700);
    write_colour(folder, "full/1.ppm", 0, 0, 0);
    refuse(folder, NULL, "empty: a class folder without images");
    rmdir(path_in(folder, "empty"));
    file_write(folder, "full/3.txt", "hello", 5);
    file_write(folder, "full/2.txt", "hello", 5);
    refuse(folder, NULL,
           "full/2.txt: not a PNG, JPEG, WebP, BMP or PPM"); /* the first one */
    unlink(path_in(folder, "full/2.txt"));
    unlink(path_in(folder, "full/3.txt"));
    mkdir(path_in(folder, "full/deeper"), 0700);
    refuse(folder, NULL, "full/deeper: a folder inside a class folder");
    rmdir(path_in(folder, "full/deeper"));
    assert_int_equal(mkfifo(path_in(folder, "full/pipe"), 0600), 0);
    refuse(folder, NULL, "full/pipe: a pipe, not a file");
    folder_remove(folder);
}

static void put_u32(uint8_t *p, uint32_t value) {
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (8 * (3 - i)));
}

enum { IDX_COUNT = 40, IDX_BYTES = 16 + IDX_COUNT * 6, LABEL_BYTES = 8 + IDX_COUNT };

/* 40 images of 2 x 3 pixels, image i all of level 3 i; labels i mod 3 (or 0 for the
 * last ten). */
static void make_idx(uint8_t *images, uint8_t *labels) {
    put_u32(images, 0x803);
    put_u32(images + 4, IDX_COUNT);
    put_u32(images + 8, 2);
    put_u32(images + 12, 3);
    put_u32(labels, 0x801);
    put_u32(labels + 4, IDX_COUNT);
    for (unsigned i = 0; i < IDX_COUNT; i++) {
        memset(images + 16 + 6 * i, (int)(3 * i), 6);
        labels[8 + i] = (uint8_t)(i < 30 ? i % 3 : 0);
    }
}

static void check_idx(const char *path, size_t limit) {
    struct dataset *dataset = open_good(path, (struct dataset_options){.limit = limit});
    size_t perclass[3] = {0}, last = 0;
    assert_int_equal(dataset->count, limit ? limit : IDX_COUNT);
    assert_int_equal(dataset->classes, 3);
    assert_string_equal(dataset->class_names[2], "2");
    assert_null(dataset->example_names);
    for (size_t i = 0; i < dataset->count; i++) {
        const uint8_t *pixels = dataset->pixels + i * 3 * SIZE * SIZE;
        size_t number = pixels[0] / 3u;
        assert_int_equal(dataset->labels[i], number < 30 ? number % 3 : 0);
        for (size_t k = 0; k < 3 * SIZE * SIZE; k++)
            assert_int_equal(pixels[k], pixels[0]);
        assert_true(i == 0 || number > last); /* the list's order is kept */
        last = number;
        perclass[dataset->labels[i]]++;
    }
    /* 20, 10 and 10 of 40. */
    assert_in_range(perclass[0], dataset->count / 2, dataset->count / 2 + 1);
    assert_in_range(perclass[1], dataset->count / 4, dataset->count / 4 + 1);
    dataset_close(dataset);
}

static void test_idx(void **state) {
    uint8_t images[IDX_BYTES], labels[LABEL_BYTES];
    (void)state;
    char *folder = folder_new();
    make_idx(images, labels);
    file_write(folder, "t-images-idx3-ubyte", images, sizeof images);
    file_write_gzip(folder, "t-labels-idx1-ubyte.gz", labels, sizeof labels);
    check_idx(path_in(folder, "t-images-idx3-ubyte"), 0);
    check_idx(path_in(folder, "t-images-idx3-ubyte"), 8);
    file_write_gzip(folder, "u-images.idx3-ubyte.gz", images, sizeof images);
    file_write(folder, "u-labels.idx1-ubyte", labels, sizeof labels);
    check_idx(path_in(folder, "u-images.idx3-ubyte.gz"), 0);
    check_idx(path_in(folder, "u-images.idx3-ubyte.gz"), 20);

    char *names[] = {"three", "two", "one", "zero"};
    size_t numbers[] = {3, 2, 1, 0};
    struct classes classes = {.count = 4, .names = names};
    struct dataset *dataset = open_good(path_in(folder, "u-images.idx3-ubyte.gz"),
                                        (struct dataset_options){.classes = &classes});
    assert_int_equal(dataset->classes, 4);
    assert_string_equal(dataset->class_names[3], "zero");
    assert_int_equal(dataset->labels[1], 1);
    dataset_close(dataset);
    classes.numbers = numbers;
    classes.number_count = 4;
    dataset = open_good(path_in(folder, "u-images.idx3-ubyte.gz"),
                        (struct dataset_options){.classes = &classes});
    assert_int_equal(dataset->labels[0], 3);
    assert_int_equal(dataset->labels[1], 2);
    dataset_close(dataset);
    classes.number_count = 2;
    refuse(path_in(folder, "u-images.idx3-ubyte.gz"), &classes, "label 2 of 4 classes");
    folder_remove(folder);
}

/* Writes the pair, opens it, and expects the refusal. */
static void refuse_idx(const char *folder, const uint8_t *images, size_t images_size,
                       const uint8_t *labels, size_t labels_size, const char *because) {
    file_write(folder, "images-idx3", images, images_size);
    file_write(folder, "labels-idx1", labels, labels_size);
    refuse(path_in(folder, "images-idx3"), NULL, because);
    file_write_gzip(folder, "images-idx3", images, images_size);
    file_write_gzip(folder, "labels-idx1", labels, labels_size);
    refuse(path_in(folder, "images-idx3"), NULL, because);
}

static void test_refused_idx(void **state) {
    uint8_t images[IDX_BYTES + 1] = {0}, labels[LABEL_BYTES + 1] = {0};
    (void)state;
    char *folder = folder_new();
    make_idx(images, labels);
    size_t full = IDX_BYTES, all = LABEL_BYTES;
    refuse_idx(folder, images, full + 1, labels, all,
               "images-idx3: the file is longer than");
    refuse_idx(folder, images, full, labels, all + 1,
               "labels-idx1: the file is longer than");
    refuse_idx(folder, images, 15, labels, all, "images-idx3: the file is cut short");
    refuse_idx(folder, images, 0, labels, all, "images-idx3: the file is cut short");
    put_u32(labels + 4, IDX_COUNT - 1);
    refuse_idx(folder, images, full, labels, all - 1, "40 images");
    put_u32(labels + 4, 0);
    refuse_idx(folder, images, full, labels, 8,
               "labels-idx1: the header gives a size of 0");
    make_idx(images, labels);
    put_u32(images + 4, 0xffffffff);
    put_u32(images + 8, 0xffffffff);
    put_u32(images + 12, 0xffffffff);
    refuse_idx(folder, images, full, labels, all, "says more than the file can hold");
    make_idx(images, labels);
    put_u32(images + 4, 0x10000000); /* packed, too, it cannot be that much */
    refuse_idx(folder, images, full, labels, all, "says more than the file can hold");
    make_idx(images, labels);
    images[2] = 0x0d; /* f32 */
    refuse_idx(folder, images, full, labels, all, "not an idx file of u8");
    make_idx(images, labels);
    refuse_idx(folder, labels, all, labels, all,
               "not an idx file of u8 with 3 dimensions");

    /* The stored file is long enough for its own promise, but packed it is short. */
    put_u32(images + 4, IDX_COUNT * 4);
    put_u32(labels + 4, IDX_COUNT * 4);
    file_write_gzip(folder, "images-idx3", images, full);
    uint8_t more[8 + IDX_COUNT * 4] = {0};
    memcpy(more, labels, 8);
    file_write(folder, "labels-idx1", more, sizeof more);
    refuse(path_in(folder, "images-idx3"), NULL, "images-idx3: the file is cut short");
    make_idx(images, labels);

    /* A gzip stream cut off, and one with a wrong byte near its end. */
    size_t size;
    file_write(folder, "labels-idx1", labels, all);
    file_write_gzip(folder, "images-idx3", images, full);
    uint8_t *packed = bytes_of(path_in(folder, "images-idx3"), &size);
    file_write(folder, "images-idx3", packed, size - 12);
    refuse(path_in(folder, "images-idx3"), NULL, "images-idx3: the file is ");
    packed[size - 6] ^= 1;
    file_write(folder, "images-idx3", packed, size);
    refuse(path_in(folder, "images-idx3"), NULL, "images-idx3: the file is damaged");
    free(packed);

    file_write(folder, "pictures", images, full);
    refuse(path_in(folder, "pictures"), NULL, "name it as MNIST's are");
    unlink(path_in(folder, "labels-idx1"));
    refuse(path_in(folder, "images-idx3"), NULL, "labels-idx1: No such file");
    folder_remove(folder);
}

static void test_limit(void **state) {
    (void)state;
    char *folder = folder_new(), name[32];
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 12; i++) {
            sprintf(name, "%d/%02d.ppm", c, i);
            write_colour(folder, name, (uint8_t)c, (uint8_t)i, 7);
        }
    struct dataset *whole = open_good(folder, (struct dataset_options){.limit = 36});
    assert_int_equal(whole->count, 36);
    struct dataset *part = open_good(folder, (struct dataset_options){.limit = 6});
    struct dataset *again = open_good(folder, (struct dataset_options){.limit = 6});
    assert_int_equal(part->count, 6);
    assert_int_equal(part->classes, 3);
    size_t regular = 0;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(part->labels[i], i / 2);
        assert_string_equal(part->example_names[i], again->example_names[i]);
        int class, number;
        assert_int_equal(sscanf(part->example_names[i], "%d/%d", &class, &number), 2);
        assert_colour(part, i, class, number);
        regular += number % 6 == 0;
    }
    assert_true(regular < 6); /* shuffled, not each sixth */
    dataset_close(whole);
    dataset_close(part);
    dataset_close(again);
    struct dataset *one = open_good(folder, (struct dataset_options){.limit = 1});
    assert_int_equal(one->count, 1);
    assert_int_equal(one->classes, 3);
    dataset_close(one);
    folder_remove(folder);
}

struct seen {
    size_t calls, done, total;
};

static void see(void *self, const char *what, size_t done, size_t total) {
    struct seen *seen = self;
    assert_string_equal(what, "reading images");
    seen->calls++;
    seen->done = done;
    seen->total = total;
}

static void test_stop_and_progress(void **state) {
    (void)state;
    char *folder = three_classes();
    struct seen seen = {0};
    atomic_bool stop = false;
    struct work work = {&stop, see, &seen};
    struct dataset_options options = {.preprocess = &plain, .threads = 1};
    struct dataset *dataset;
    struct error error;
    assert_int_equal(dataset_open(folder, &options, &dataset, &work, &error), 0);
    assert_int_equal(seen.calls, 6);
    assert_int_equal(seen.done, 6);
    assert_int_equal(seen.total, 6);
    dataset_close(dataset);
    stop = true;
    assert_int_equal(dataset_open(folder, &options, &dataset, &work, &error), -1);
    assert_string_equal(error.text, "stopped");
    assert_null(dataset);
    folder_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folders),           cmocka_unit_test(test_unlabelled),
        cmocka_unit_test(test_classes),           cmocka_unit_test(test_nested_folders),
        cmocka_unit_test(test_refused_folders),   cmocka_unit_test(test_idx),
        cmocka_unit_test(test_refused_idx),       cmocka_unit_test(test_limit),
        cmocka_unit_test(test_stop_and_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
