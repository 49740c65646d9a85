/* Names decide which class a label is: id2label, class folders of train and test, files
 * of class names. What is right is transformers' (tests/golden/make_names.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "run.h"

static char *golden;
static const char *const names[] = {"bee", "cat", "owl", "wolf"};
static int correct[4]; /* of ten of each */

static void must(struct ran ran) {
    if (ran.status)
        fail_msg("status %d: %s", ran.status, ran.err);
    ran_free(&ran);
}

/* The golden pictures as links: data/NAME/CLASS -> golden. */
static int set_up(void **state) {
    (void)state;
    const char *srcdir = getenv("srcdir");
    char path[1100];
    snprintf(path, sizeof path, "%s/tests/golden/names", srcdir ? srcdir : ".");
    if (!(golden = realpath(path, NULL)))
        return -1;
    snprintf(path, sizeof path, "%s/expected.json", golden);
    json_t *expected = json_load_file(path, 0, NULL);
    for (size_t i = 0; i < 4; i++)
        correct[i] = (int)json_integer_value(
            json_object_get(json_object_get(expected, "correct"), names[i]));
    json_decref(expected);
    must(shell(
        "cd %1$s && mkdir whole fewer renamed nameless && "
        "for c in bee cat owl wolf; do ln -s %2$s/test/$c whole/$c; done && "
        "for c in cat owl wolf; do ln -s %2$s/test/$c fewer/$c; "
        "ln -s %2$s/test/$c renamed/$c; done && "
        "ln -s %2$s/test/bee renamed/zebra-bee && "
        "cp %2$s/expert/* nameless/ && "
        "sed 's/\"wolf\"/\"LABEL_0\"/; s/\"cat\"/\"LABEL_1\"/; s/\"owl\"/\"LABEL_2\"/; "
        "s/\"bee\"/\"LABEL_3\"/' %2$s/expert/config.json > "
        "nameless/config.json",
        folder(), golden));
    return 0;
}

static void write_recipe(const char *expert, const char *data) {
    char text[4096];
    snprintf(text, sizeof text, "pretrained: %s/base\ntasks:\n  a: {expert: %s, %s}\n",
             golden, expert, data);
    write_file("case.yaml", text);
    must(shell("rm -f %s/case.db*", folder()));
}

/* The expert's accuracy in percent on the test data. */
static double measured(const char *expert, const char *data) {
    write_recipe(expert, data);
    must(run("init %1$s/case.db %1$s/case.yaml", folder()));
    json_t *rows =
        json_of("merge %s/case.db --method stl --device cpu --format json", folder());
    const json_t *objectives = json_object_get(json_array_get(rows, 0), "objectives");
    double value =
        json_number_value(json_object_get(json_object_get(objectives, "a"), "value"));
    json_decref(rows);
    return value;
}

static double whole(void) {
    return 100.0 * (correct[0] + correct[1] + correct[2] + correct[3]) / 40;
}

static void id2label_is_the_order(void **state) {
    (void)state;
    char expert[1100];
    snprintf(expert, sizeof expert, "%s/expert", golden);
    assert_true(measured(expert, "train: whole, test: whole") == whole());
    assert_true(measured(expert, "test: fewer") ==
                100.0 * (correct[1] + correct[2] + correct[3]) / 30);
    must(run("merge %s/case.db --method average --quiet", folder()));
    must(run("export %1$s/case.db --solution 2 --head a --out %1$s/exported --quiet",
             folder()));
    char path[1100];
    snprintf(path, sizeof path, "%s/exported/config.json", folder());
    json_t *config = json_load_file(path, 0, NULL);
    static const char *const head[] = {"wolf", "cat", "owl", "bee"};
    for (size_t i = 0; i < 4; i++) {
        char key[8];
        snprintf(key, sizeof key, "%zu", i);
        assert_string_equal(json_string_value(json_object_get(
                                json_object_get(config, "id2label"), key)),
                            head[i]);
        assert_int_equal(json_integer_value(json_object_get(
                             json_object_get(config, "label2id"), head[i])),
                         i);
    }
    json_decref(config);
}

static void refuse(const char *expert, const char *data, const char *says) {
    write_recipe(expert, data);
    expect_error(1, says, "init %1$s/case.db %1$s/case.yaml --quiet", folder());
}

static void contradictions_show_both_lists(void **state) {
    (void)state;
    char expert[1100];
    snprintf(expert, sizeof expert, "%s/expert", golden);
    refuse(expert, "train: whole, test: renamed",
           "renamed: 'zebra-bee' is none of the classes; the model has wolf, cat, owl, "
           "bee; the test data have cat, owl, wolf, zebra-bee");
    refuse("nameless", "train: whole, test: renamed",
           "renamed: 'zebra-bee' is none of the classes; the model has bee, cat, owl, "
           "wolf; the test data have");
    refuse("nameless", "test: fewer",
           "fewer has the classes cat, owl, wolf, and the head of");
    write_file("images.parquet", "PAR1");
    refuse("nameless", "test: images.parquet",
           "images.parquet: .parquet files are not");
    write_file("names.txt", "bee\ncat\nowl\nwolf\n");
    refuse(expert, "test: whole, classnames: names.txt",
           "names.txt has the classes bee, cat, owl, wolf, id2label of");
    write_file("names.txt", "wolf\ncat\nowl\nhornet\n");
    refuse(expert, "test: whole, classnames: names.txt",
           "names.txt:4: 'hornet' is not a class of the expert's");
}

static void files_of_names_are_matched(void **state) {
    (void)state;
    static const char *const data = "train: whole, test: whole, classnames: names.txt";
    write_file("names.txt", "wolf\ncat\nowl\nbee\n");
    assert_true(measured("nameless", data) == whole());
    write_file("names.txt", "\xef\xbb\xbfWOLF\rC at\rowl\rbee_\r");
    assert_true(measured("nameless", data) == whole());
    /* What the data call a class before a tab. */
    write_file("names.txt", "wolf\tgrey wolf\ncat\ttabby\nowl\tbarn owl\nbee\twasp\n");
    assert_true(measured("nameless", data) == whole());
    write_file("names.txt", "wolf\ncat\nowl\nbees\n");
    refuse("nameless", data,
           "names.txt:4: 'bees' is not a class of the data; did you mean 'bee'?");
    write_file("names.txt", "wolf\ncat\nowl\ncat\n");
    refuse("nameless", data, "names.txt:4: 'cat' is also on line 2");
    write_file("names.txt", "wolf\ncat\nowl\n");
    refuse("nameless", data, "3 class names, the head of");
    /* Without any, the folders' bytes are the order, and init says so. */
    write_recipe("nameless", "train: whole, test: whole");
    struct ran ran = run("init %1$s/case.db %1$s/case.yaml", folder());
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.err,
                           "the expert names no classes: its outputs are taken "
                           "to be, in the data's (by bytes) order, bee, cat, "
                           "owl, wolf"));
    ran_free(&ran);
}

/* All that measuring would find out is told by init, a line each, and nothing is
 * written. */
static void all_is_told_at_once(void **state) {
    (void)state;
    static const char *const says[] = {
        "task 'a': none.txt: class names: No such file",
        "task 'b': org/model: the expert: No such file or directory; download "
        "models and data of a hub first",
        "task c: bad: 'zebra' is none of the classes; the model has wolf, cat, owl, "
        "bee",
        "task c: bad/zebra/x.gif: not a PNG, JPEG, WebP, BMP or PPM picture",
        "task d: hollow/wolf: a class folder without images",
        "task 'e': head zero-shot needs a CLIP model",
        "task f: base: has neither classifier.weight nor score.weight",
    };
    char text[8192];
    must(shell("cd %1$s && mkdir -p bad/zebra hollow/wolf base && echo GIF > "
               "bad/zebra/x.gif && cp %2$s/base/*.json base/ && "
               "sed 's/\"classifier\\./\"qlassifier./g' %2$s/base/model.safetensors > "
               "base/model.safetensors",
               folder(), golden));
    snprintf(text, sizeof text,
             "pretrained: %1$s/base\ntasks:\n"
             "  a: {expert: %1$s/expert, test: whole, classnames: none.txt}\n"
             "  b: {expert: org/model, test: whole}\n"
             "  c: {expert: %1$s/expert, test: bad}\n"
             "  d: {expert: %1$s/expert, test: hollow}\n"
             "  e: {expert: %1$s/expert, test: whole, head: zero-shot}\n"
             "  f: {expert: base, test: whole}\n",
             golden);
    write_file("many.yaml", text);
    struct ran ran =
        shell("cd %1$s && $OLDPWD/pwemoe init many.db many.yaml; test ! -e many.db "
              "&& exit 77",
              folder());
    assert_int_equal(ran.status, 77);
    size_t lines = 0;
    for (const char *at = ran.err; (at = strchr(at, '\n')); at++)
        lines++;
    for (size_t i = 0; i < sizeof says / sizeof *says; i++)
        if (!strstr(ran.err, says[i]))
            fail_msg("'%s' is not in '%s'", says[i], ran.err);
    if (lines != sizeof says / sizeof *says)
        fail_msg("%zu lines: %s", lines, ran.err);
    ran_free(&ran);
    /* A file that is not the first of its class is found by --thorough alone. */
    must(shell("cd %1$s && mkdir -p late && cp -R %2$s/test/. late && echo x > "
               "late/bee/z.png",
               folder(), golden));
    snprintf(text, sizeof text,
             "pretrained: %1$s/base\ntasks:\n"
             "  a: {expert: %1$s/expert, test: late}\n",
             golden);
    write_file("late.yaml", text);
    must(run("init %1$s/late.db %1$s/late.yaml", folder()));
    expect_error(1, "late/bee/z.png: not a PNG",
                 "init %1$s/late2.db %1$s/late.yaml --thorough", folder());
}

/* Figures of other examples never stand beside those of the present ones. */
static void other_data_make_figures_stale(void **state) {
    (void)state;
    char text[4096];
    must(shell("cd %1$s && mkdir -p changing && cp -R %2$s/test/. changing", folder(),
               golden));
    snprintf(text, sizeof text,
             "pretrained: %1$s/base\ntasks:\n  a: {expert: %1$s/expert, test: "
             "changing}\n  b: {expert: %1$s/expert, test: whole}\n",
             golden);
    write_file("changing.yaml", text);
    must(run("init %1$s/changing.db %1$s/changing.yaml", folder()));
    must(run("merge %s/changing.db --method stl,average --quiet", folder()));
    /* Only times differ. */
    must(shell("touch -d '2020-01-01' %s/changing/bee/0.png", folder()));
    struct ran ran = run("merge %s/changing.db --method stl", folder());
    assert_int_equal(ran.status, 0);
    assert_null(strstr(ran.err, "stale"));
    ran_free(&ran);
    must(shell("cp %1$s/changing/cat/1.png %1$s/changing/bee/new.png", folder()));
    ran = run("merge %s/changing.db --method stl", folder());
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.err, "task a: the test data have changed; figures "
                                    "measured before are stale"));
    assert_null(strstr(ran.err, "task b"));
    ran_free(&ran);
    json_t *rows =
        json_of("show %s/changing.db solutions --all --format json", folder());
    assert_int_equal(json_array_size(rows), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *row = json_array_get(rows, i);
        const json_t *figures = json_object_get(row, "objectives");
        bool stl =
            strcmp(json_string_value(json_object_get(row, "method")), "stl") == 0;
        const json_t *a = json_object_get(figures, "a");
        assert_int_equal(json_integer_value(json_object_get(a, "examples")),
                         stl ? 41 : 40);
        assert_true(json_is_true(json_object_get(a, "stale")) == !stl);
        assert_false(
            json_is_true(json_object_get(json_object_get(figures, "b"), "stale")));
    }
    json_decref(rows);
}

/* The last of two would be taken without a word. */
static void a_setting_is_given_once(void **state) {
    (void)state;
    expect_error(2, "keep is given twice",
                 "merge %s/none.db --method ties --set keep=0.1,keep=0.2", folder());
    expect_error(2, "only one of --keep and --set keep",
                 "merge %s/none.db --method ties --keep 0.1 --set keep=0.2", folder());
    expect_error(2, "scale is given twice",
                 "merge-to %s/out --method ties --set scale=1,scale=1 --pretrained a "
                 "--expert b --expert c",
                 folder());
    expect_error(2, "keep is given twice",
                 "compare %s/none.db --methods ties:keep=0.1:keep=0.2", folder());
    expect_error(2, "'steps=2' sets the same a second time",
                 "compare %s/none.db --methods ls:steps=1:steps=2", folder());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(id2label_is_the_order),
        cmocka_unit_test(contradictions_show_both_lists),
        cmocka_unit_test(files_of_names_are_matched),
        cmocka_unit_test(all_is_told_at_once),
        cmocka_unit_test(other_data_make_figures_stale),
        cmocka_unit_test(a_setting_is_given_once),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
