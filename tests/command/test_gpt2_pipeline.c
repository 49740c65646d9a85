/* GPT-2 classifiers over tables of texts, from recipe to exported model by ./pwemoe
 * alone, and what is refused of models and tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/random.h"
#include "checkpoint/directory.h"
#include "run.h"
#include "support/golden.h"

enum { TEXTS = 48 };

static char *golden; /* tests/golden, absolute */

static void must(struct ran ran) {
    if (ran.status)
        fail_msg("%d '%s'", ran.status, ran.err);
    ran_free(&ran);
}

/* Texts whose label is whether "the" or "of" begins them, or the second of the pair. */
static void write_table(const char *name, bool pairs, unsigned seed) {
    static const char *const words[] = {"sailors", "verbs", "rocks", "year", "force"};
    char text[TEXTS * 160], *at = text;
    struct random random;
    random_seed(&random, seed, 5);
    at += sprintf(at,
                  pairs ? "index\tsentence1\tsentence2\tlabel\n" : "sentence\tlabel\n");
    for (int i = 0; i < TEXTS; i++) {
        char rest[80] = "";
        bool yes = random_below(&random, 2);
        for (uint64_t k = random_below(&random, 3); k < 3; k++)
            sprintf(rest + strlen(rest), " %s", words[random_below(&random, 5)]);
        if (pairs)
            at += sprintf(at, "%d\t%s\t%s\t%s\n", i, rest, yes ? "the" : "of",
                          yes ? "same" : "other");
        else
            at += sprintf(at, "%s%s\t%d\n", yes ? "the" : "of", rest, yes);
    }
    write_file(name, text);
}

static int set_up(void **state) {
    (void)state;
    setenv("OMP_WAIT_POLICY", "passive", 1);
    if (!(golden = realpath(golden_path(""), NULL)))
        return -1;
    write_table("single-train.tsv", false, 1);
    write_table("single-test.tsv", false, 2);
    write_table("pairs-train.tsv", true, 3);
    write_table("pairs-test.tsv", true, 4);
    char recipe[4096];
    snprintf(recipe, sizeof recipe,
             "name: texts\n"
             "pretrained: %s/model/gpt2\n"
             "tasks:\n"
             "  single: {train: single-train.tsv, test: single-test.tsv}\n"
             "  pairs: {train: pairs-train.tsv, test: pairs-test.tsv}\n",
             golden);
    write_file("two.yaml", recipe);
    return 0;
}

static double value_of(const json_t *row, const char *task) {
    const json_t *figures = json_object_get(row, "objectives");
    const json_t *figure = json_object_get(figures, task);
    assert_int_equal(json_integer_value(json_object_get(figure, "examples")), TEXTS);
    return json_number_value(json_object_get(figure, "value"));
}

static struct model_directory *open_model(const char *name) {
    char path[1024];
    struct model_directory *directory;
    struct error error;
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    if (model_directory_open(path, &directory, &error))
        fail_msg("%s", error.text);
    return directory;
}

/* Every step of a person who has a pretrained model and two tables. */
static void from_recipe_to_export(void **state) {
    (void)state;
    must(run("init %1$s/all.db %1$s/two.yaml --quiet", folder()));
    must(run("finetune %1$s/all.db --task single --steps 60 --lr 0.01 --batch 16 "
             "--quiet",
             folder()));
    must(run("finetune %1$s/all.db --task pairs --steps 60 --lr 0.01 --batch 16 "
             "--quiet",
             folder()));
    json_t *rows = json_of("merge %s/all.db --method stl --format json", folder());
    assert_true(value_of(json_array_get(rows, 0), "single") > 90);
    assert_true(value_of(json_array_get(rows, 0), "pairs") > 90);
    json_decref(rows);
    static const char *const methods[] = {"average", "task-arithmetic", "ties",
                                          "fisher", "regmean"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        rows =
            json_of("merge %s/all.db --method %s --format json", folder(), methods[i]);
        assert_int_equal(json_array_size(rows), 1);
        json_decref(rows);
    }
    rows = json_of("train %s/all.db --upscale all --steps 4 --batch 3 --format json",
                   folder());
    const json_t *run_row = json_array_get(rows, 0);
    char *parameters =
        json_dumps(json_object_get(run_row, "parameters"), JSON_ENCODE_ANY);
    if (!parameters || !strstr(parameters, "weight_decay\\\":0.01"))
        if (!parameters || !strstr(parameters, "weight_decay\": 0.01"))
            fail_msg("no AdamW: %s", parameters ? parameters : "");
    free(parameters);
    /* Two blocks of four modules, and the norm after them. */
    assert_int_equal(json_integer_value(json_object_get(run_row, "trainable")),
                     9 * (2 * 4 + 4 + 8 + 2));
    json_decref(rows);
    rows = json_of("front %s/all.db --grid 3 --format json", folder());
    assert_int_equal(json_array_size(rows), 3);
    json_decref(rows);
    must(run("finetune %1$s/all.db --method mgda --steps 3 --batch 4 --out %1$s/both "
             "--quiet",
             folder()));
}

/* What is written is what was measured, named and shaped as the pretrained model is. */
static void export_is_the_model(void **state) {
    (void)state;
    json_t *rows =
        json_of("eval %s/all.db --preference 0.4,0.6 --format json", folder());
    double single = value_of(json_array_get(rows, 0), "single");
    double pairs = value_of(json_array_get(rows, 0), "pairs");
    json_decref(rows);
    must(run("export %1$s/all.db --preference 0.4,0.6 --out %1$s/model --head pairs "
             "--quiet",
             folder()));
    rows = json_of("eval %1$s/all.db --model %1$s/model --format json", folder());
    assert_true(value_of(json_array_get(rows, 0), "single") == single);
    assert_true(value_of(json_array_get(rows, 0), "pairs") == pairs);
    json_decref(rows);
    struct model_directory *model = open_model("model");
    const json_t *config = model_directory_config(model);
    const char *second =
        json_string_value(json_object_get(json_object_get(config, "id2label"), "1"));
    assert_string_equal(second, "same");
    assert_int_equal(json_integer_value(json_object_get(config, "pad_token_id")), 299);
    const struct tensor *score = model_directory_find(model, "score.weight");
    assert_non_null(score);
    assert_int_equal(score->shape[0], 2);
    assert_null(model_directory_find(model, "score.bias"));
    const struct tensor *fc =
        model_directory_find(model, "transformer.h.0.mlp.c_fc.weight");
    assert_non_null(fc);
    assert_true(fc->shape[0] == 16 && fc->shape[1] == 24); /* [inputs, outputs] */
    assert_int_equal(model_directory_count(model), 2 + 2 * 12 + 2 + 1);
    model_directory_close(model);
    must(shell("cd %s/model && cmp vocab.json %s/model/gpt2/vocab.json", folder(),
               golden));
}

/* The same examples as .tsv, .csv, quoted .tsv and .jsonl with columns of other names:
 * the same figures; and quotes that are read as text are remarked on. */
static void tables_of_other_forms(void **state) {
    (void)state;
    must(shell("cd %s && { echo 'n,y,body' && sed '1d' single-test.tsv | "
               "sed 's/\\(.*\\)\\t\\(.*\\)/0,\\2,\"\\1\"/'; } >a.csv && "
               "sed '1d; s/\\(.*\\)\\t\\(.*\\)/{\"y\": \\2, \"body\": \"\\1\"}/' "
               "single-test.tsv >a.jsonl && "
               "{ echo '\"sentence\"\t\"label\"' && sed '1d' single-test.tsv | "
               "sed 's/\\(.*\\)\\t\\(.*\\)/\"\\1\"\\t\\2/'; } | tr -d '\r' "
               ">quoted.tsv && sed -i '1s/\\\\t/\\t/' quoted.tsv",
               folder()));
    char recipe[4096];
    snprintf(
        recipe, sizeof recipe,
        "pretrained: %1$s/model/gpt2\ntasks:\n"
        "  a: {expert: %1$s/model/gpt2-expert0, test: single-test.tsv}\n"
        "  b: {expert: %1$s/model/gpt2-expert0, test: a.csv, text: body, label: y}\n"
        "  c: {expert: %1$s/model/gpt2-expert0, test: a.jsonl, text: body, "
        "label: y}\n"
        "  d: {expert: %1$s/model/gpt2-expert0, test: quoted.tsv, quoting: csv}\n",
        golden);
    write_file("forms.yaml", recipe);
    must(run("init %1$s/forms.db %1$s/forms.yaml --quiet", folder()));
    json_t *rows = json_of("merge %s/forms.db --method stl --format json", folder());
    json_t *figures = json_object_get(json_array_get(rows, 0), "objectives");
    double first =
        json_number_value(json_object_get(json_object_get(figures, "a"), "value"));
    const char *name;
    json_t *figure;
    assert_int_equal(json_object_size(figures), 4);
    json_object_foreach(figures, name, figure) {
        assert_int_equal(json_integer_value(json_object_get(figure, "examples")),
                         TEXTS);
        assert_true(json_number_value(json_object_get(figure, "value")) == first);
    }
    json_decref(rows);
    must(shell("cd %s && sed '1d' quoted.tsv >plain.tsv", folder()));
    snprintf(recipe, sizeof recipe,
             "pretrained: %1$s/model/gpt2\ntasks:\n"
             "  a: {expert: %1$s/model/gpt2-expert0, test: plain.tsv}\n",
             golden);
    write_file("plain.yaml", recipe);
    struct ran said = run("init %1$s/plain.db %1$s/plain.yaml", folder());
    assert_int_equal(said.status, 0);
    assert_non_null(
        strstr(said.err, "write `quoting: csv` in the recipe to remove them"));
    ran_free(&said);
}

static void what_cannot_be_is_told(void **state) {
    (void)state;
    static const struct {
        const char *model, *task, *says;
    } cases[] = {
        {"gpt2", "test: ragged.tsv", "ragged.tsv:2: 1 fields between tabs"},
        {"gpt2", "train: pairs-train.tsv, test: one.tsv",
         "one.tsv: 'third' is none of the classes; the model has "},
        {"gpt2", "train: single-train.tsv, test: one.tsv",
         "one.tsv: 'same' is none of the classes; the model has "},
        {"gpt2", "test: single-test.tsv, head: zero-shot", "needs a CLIP model"},
        {"gpt2-expert0", "test: single-test.tsv", "vocab.json: missing"},
        {"gpt2", "test: single-test.tsv, classes: \"*/*\"",
         "`classes: */*` is for folders of images"},
        {"gpt2", "test: single-test.tsv, text: body, label: label",
         "single-test.tsv:1: no column 'body'; the columns are sentence, label"},
        {"gpt2", "test: single-test.tsv, quoting: yes",
         "quoting is 'yes'; it can be csv or none"},
        {"gpt2", "test: single-test.tsv, pair: b", "has pair and no text"},
        {"gpt2", "test: number.tsv", "number.tsv: label 3000000; classes are numbers"},
        {"gpt2", "test: a.parquet", ".parquet files are not read; give a table"},
    };
    write_file("number.tsv", "a\t0\nb\t3000000\n");
    write_file("ragged.tsv", "a\t1\nb\n");
    write_file("one.tsv", "a\tsame\nb\tthird\n");
    write_file("a.parquet", "PAR1");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char recipe[4096];
        snprintf(recipe, sizeof recipe,
                 "model: gpt2-classifier\npretrained: %s/model/%s\ntasks:\n  a: {%s}\n",
                 golden, cases[i].model, cases[i].task);
        write_file("case.yaml", recipe);
        expect_error(1, cases[i].says, "init %1$s/case.db %1$s/case.yaml", folder());
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_recipe_to_export),
        cmocka_unit_test(export_is_the_model),
        cmocka_unit_test(tables_of_other_forms),
        cmocka_unit_test(what_cannot_be_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
