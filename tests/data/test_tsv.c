/* Tables of labelled texts: their forms, what is refused, labels, and the datasets of
 * tokens made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "data/dataset.h"
#include "data/tsv.h"
#include "files.h"

static struct error error;

static void parse(const char *text, struct tsv *tsv) {
    if (tsv_parse(text, strlen(text), "t.tsv", NULL, tsv, &error))
        fail_msg("%s", error.text);
}

struct row {
    const char *first, *second, *label;
    size_t line;
};

static void good(const char *text, size_t count, const struct row *rows) {
    struct tsv tsv;
    parse(text, &tsv);
    assert_int_equal(tsv.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(tsv.examples[i].first, rows[i].first);
        if (rows[i].second)
            assert_string_equal(tsv.examples[i].second, rows[i].second);
        else
            assert_null(tsv.examples[i].second);
        assert_string_equal(tsv.examples[i].label, rows[i].label);
        assert_int_equal(tsv.examples[i].line, rows[i].line);
    }
    tsv_free(&tsv);
}
#define GOOD(text, ...)                                                \
    good(text, sizeof((struct row[])__VA_ARGS__) / sizeof(struct row), \
         (struct row[])__VA_ARGS__)
#define ROWS(...) \
    { __VA_ARGS__ }

/* The forms of GLUE's tables, as they come. */
static void test_forms(void **state) {
    (void)state;
    GOOD("one long string\t0\na \"b\" c\t1\n",
         ROWS({"one long string", NULL, "0", 1}, {"a \"b\" c", NULL, "1", 2}));
    GOOD("gj04\t1\t\tIt is.\ngj04\t0\t*\tIs it\n",
         ROWS({"It is.", NULL, "1", 1}, {"Is it", NULL, "0", 2}));
    GOOD("sentence\tlabel\r\nx\t0\r\n\r\n\ty\r\n\nz\t1",
         ROWS({"x", NULL, "0", 2}, {"", NULL, "y", 4}, {"z", NULL, "1", 6}));
    GOOD("\xef\xbb\xbfQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\ta\tb\n",
         ROWS({"a", "b", "1", 2}));
    GOOD("index\tquestion\tsentence\tlabel\n0\tq\ts\tentailment\n",
         ROWS({"q", "s", "entailment", 2}));
    GOOD("index\tsentence2\tsentence1\tlabel\n0\tb\ta\t1\n", ROWS({"a", "b", "1", 2}));
    GOOD("id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n0\t1\t2\ta\tb\t1\n",
         ROWS({"a", "b", "1", 2}));
    GOOD("sentence1\tsentence2\tlabel1\tgold_label\na\tb\tx\tneutral\n",
         ROWS({"a", "b", "neutral", 2}));
    GOOD("TEXT\tLabel\na\t3\n", ROWS({"a", NULL, "3", 2}));
}

static void bad(const char *text, size_t size, const char *words) {
    struct tsv tsv;
    *error.text = '\0';
    assert_int_equal(tsv_parse(text, size, "t.tsv", NULL, &tsv, &error), -1);
    if (!strstr(error.text, words) || strncmp(error.text, "t.tsv:", 6) != 0)
        fail_msg("\"%s\" does not say \"%s\"", error.text, words);
    assert_true(!tsv.examples && !tsv.text);
}
#define BAD(text, words) bad(text, sizeof text - 1, words)

static void test_refused(void **state) {
    (void)state;
    BAD("", "no example");
    BAD("\n\n", "no example");
    BAD("sentence\tlabel\n", "no example");
    BAD("a\tb\tc\n", "t.tsv:1: 3 fields between tabs and no names");
    BAD("alone\n", "t.tsv:1: 1 fields");
    BAD("a\t1\nb\n", "t.tsv:2: 1 fields between tabs, the first line has 2");
    BAD("a\t1\n\nb\t1\t2\n", "t.tsv:3: 3 fields");
    BAD("a\t1\nb\t\n", "t.tsv:2: the label is empty");
    BAD("foo\tlabel\na\t1\n", "t.tsv:1: names a column label but no column of texts");
    BAD("sentence1\tlabel\na\t1\n", "no column of texts");
    BAD("a\t1\nb\0c\t1\n", "a zero byte at 5");
    char wide[400];
    memset(wide, '\t', sizeof wide);
    bad(wide, sizeof wide, "more than 256 fields");
}

/* A file of tests/golden/tables as Python reads it (make_tables.py). */
static void check_golden(const char *name, const struct data_form *form) {
    char path[4200];
    struct tsv tsv;
    snprintf(path, sizeof path, "%s/tests/golden/tables/expected.json",
             getenv("srcdir") ? getenv("srcdir") : ".");
    json_t *all = json_load_file(path, 0, NULL);
    json_t *rows = json_object_get(all, name);
    assert_non_null(rows);
    snprintf(strrchr(path, '/') + 1, 40, "%s", name);
    if (tsv_read(path, form, &tsv, &error))
        fail_msg("%s", error.text);
    assert_int_equal(tsv.count, json_array_size(rows));
    for (size_t i = 0; i < tsv.count; i++) {
        const struct tsv_example *e = &tsv.examples[i];
        const char *read[] = {e->first, e->second, e->label};
        for (size_t j = 0; j < 3; j++)
            assert_string_equal(
                read[j], json_string_value(json_array_get(json_array_get(rows, i), j)));
    }
    assert_int_equal(tsv.in_quotes, 0);
    tsv_free(&tsv);
    json_decref(all);
}

static void test_as_python_reads(void **state) {
    (void)state;
    check_golden("comma.csv", NULL);
    check_golden("semicolon.csv", NULL);
    check_golden("tab.csv", NULL);
    check_golden("quoted.tsv", &(struct data_form){.quoting = QUOTING_CSV});
    check_golden("lines.jsonl", NULL);
}

static void said(const char *label, const struct data_form *form, const char *text,
                 const char *words) {
    struct tsv tsv;
    assert_int_equal(tsv_parse(text, strlen(text), label, form, &tsv, &error), -1);
    if (!strstr(error.text, words))
        fail_msg("\"%s\" does not say \"%s\"", error.text, words);
}

/* Columns that the recipe names, and what cannot be read as the name says. */
static void test_named_columns(void **state) {
    (void)state;
    struct data_form form = {.text = "review", .label = "stars"};
    struct tsv tsv;
    const char *csv = "stars,Review,review\n5,a,\"b, \"\"c\"\"\"\n\n1,d,e\n";
    if (tsv_parse(csv, strlen(csv), "t.csv", &form, &tsv, &error))
        fail_msg("%s", error.text);
    assert_int_equal(tsv.count, 2);
    assert_string_equal(tsv.examples[0].first, "b, \"c\"");
    assert_string_equal(tsv.examples[0].label, "5");
    assert_string_equal(tsv.examples[1].first, "e");
    assert_int_equal(tsv.examples[1].line, 4);
    tsv_free(&tsv);
    said("t.csv", &(struct data_form){.text = "body", .label = "stars"}, csv,
         "t.csv:1: no column 'body'; the columns are stars, Review, review");
    said("t.csv", NULL, csv, "t.csv:1: 3 fields between commas and no names");
    said("t.csv", NULL, "text,label\n\"a\"b,1\n",
         "t.csv:2: text after a closing quote");
    said("t.csv", NULL, "text,label\na,1\n\"b,1\n",
         "t.csv:3: a quote that is not closed");
    said("t.jsonl", NULL, "{\"text\": \"a\"}\n", "t.jsonl:1: no column label");
    said("t.jsonl", NULL, "{\"text\": \"a\", \"label\": 1}\n[1]\n",
         "t.jsonl:2: not a JSON object");
    said("t.jsonl", NULL, "{\"text\": \"a\", \"label\": 1}\n{\"text\": \"a\"}\n",
         "t.jsonl:2: \"label\" is missing");
    said("t.jsonl", NULL, "{\"text\": \"a\", \"label\": 1.5}\n",
         "t.jsonl:1: \"label\" is neither text nor a whole number");
    said("t.jsonl", NULL, "{\"text\": \"a\", \"label\": }\n", "t.jsonl:1: ");
    said("t.jsonl", &(struct data_form){.text = "a", .pair = "a", .label = "a"},
         "{\"a\":1}\n", "t.jsonl:1: ");
    said("t.jsonl", NULL, "", "has no examples");
}

static void without_labels(const char *label, struct data_form form, const char *text,
                           const char *first, const char *second) {
    struct tsv tsv;
    form.unlabelled = true;
    if (tsv_parse(text, strlen(text), label, &form, &tsv, &error))
        fail_msg("%s", error.text);
    assert_int_equal(tsv.count, 2);
    assert_string_equal(tsv.examples[1].first, first);
    if (second)
        assert_string_equal(tsv.examples[1].second, second);
    else
        assert_null(tsv.examples[1].second);
    tsv_free(&tsv);
}

/* Texts without labels: one a line, or the columns that have names; labels that are
 * there are passed over, empty ones too. */
static void test_unlabelled(void **state) {
    (void)state;
    const struct data_form usual = {.nested = false};
    without_labels("t.txt", usual, "one\ntwo, \"and\" so on\n", "two, \"and\" so on",
                   NULL);
    without_labels("t.tsv", usual, "id\tsentence\n1\ta\n2\tb\n", "b", NULL);
    without_labels("t.tsv", usual, "sentence\tlabel\na\t0\nb\t\n", "b", NULL);
    without_labels("t.csv", usual, "question,sentence\na,b\nc,d\n", "c", "d");
    without_labels("t.csv", (struct data_form){.text = "review", .label = "stars"},
                   "review\na\nb\n", "b", NULL);
    without_labels("t.jsonl", usual, "{\"text\": \"a\"}\n{\"text\": \"b\", \"n\": 1}\n",
                   "b", NULL);
    without_labels("t.jsonl", usual,
                   "{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\", \"label\": 2}\n",
                   "b", NULL);
    const struct data_form form = {.unlabelled = true};
    said("t.tsv", &form, "a\tb\nc\td\n", "2 fields between tabs, none a label");
    said("t.jsonl", &form, "{\"a\": \"b\"}\n", "no column of texts");
}

/* Rows that look like CSV where quotes are text. */
static void test_quotes_are_counted(void **state) {
    (void)state;
    struct tsv tsv;
    parse("\"a \"\"b\"\"\"\t0\n\"c\" d \"e\"\t1\n\"\t0\n\"\"\t1\nf\t1\n", &tsv);
    assert_int_equal(tsv.count, 5);
    assert_int_equal(tsv.in_quotes, 2);
    assert_string_equal(tsv.examples[0].first, "\"a \"\"b\"\"\"");
    tsv_free(&tsv);
}

/* The labels of a table as "0 2 1 | name name". */
static const char *labels(const char *text, const struct classes *given) {
    static char out[4096];
    struct tsv tsv;
    int32_t *numbers;
    struct classes own;
    size_t used = 0;
    parse(text, &tsv);
    if (tsv_labels(&tsv, "t.tsv", given, &numbers, &own, &error)) {
        assert_true(!numbers && !own.names && own.count == 0);
        tsv_free(&tsv);
        return error.text;
    }
    const struct classes *classes = given ? given : &own;
    for (size_t i = 0; i < tsv.count; i++)
        used += (size_t)snprintf(out + used, sizeof out - used, "%d ", numbers[i]);
    used += (size_t)snprintf(out + used, sizeof out - used, "|");
    for (size_t i = 0; i < classes->count; i++)
        used +=
            (size_t)snprintf(out + used, sizeof out - used, " %s", classes->names[i]);
    free(numbers);
    classes_clear(&own);
    tsv_free(&tsv);
    return out;
}

static void test_labels(void **state) {
    char *names[] = {"yes", "not so", "7"};
    const struct classes given = {.count = 3, .names = names};
    (void)state;
    assert_string_equal(labels("a\t0\nb\t3\nc\t01\n", NULL), "0 3 1 | 0 1 2 3");
    assert_string_equal(labels("a\tyes\nb\tno\nc\tyes\n", NULL), "1 0 1 | no yes");
    assert_string_equal(labels("a\tyes\nb\tNot_So\n", &given), "0 1 | yes not so 7");
    assert_string_equal(labels("a\t2\nb\t0\n", &given), "2 0 | yes not so 7");
    assert_string_equal(labels("a\t7\nb\tnot so\n", &given), "2 1 | yes not so 7");
    static const char *const refused[][2] = {
        {"a\t0\nb\t-1\n", "t.tsv:2: the label '-1' is not a class"},
        {"a\t-1\nb\t-1\n", "t.tsv:1: the label '-1' is not a class"},
        {"a\tx\nb\t3.5\n", "t.tsv:2: the label '3.5' is not a class"},
        {"a\tx\nb\t1\n", "t.tsv:1: the label 'x' is not a class"},
        {"a\t0\nb\t10000\n", "t.tsv:2: the label '10000' is not a class"},
        {"a\t99999999999999999999\n", "is not a class"}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (!strstr(labels(refused[i][0], NULL), refused[i][1]))
            fail_msg("\"%s\" does not say \"%s\"", error.text, refused[i][1]);
    assert_non_null(
        strstr(labels("a\tyes\nb\t1\n", &given),
               "t.tsv:2: the label '1' is none of the 3 classes: yes, not so, 7"));
    assert_non_null(strstr(labels("a\t3\n", &given), "none of the 3 classes"));
}

/* --- datasets -------------------------------------------------------------- */

static struct gpt2_tokenizer *tokenizer;

static int open_tokenizer(void **state) {
    (void)state;
    if (gpt2_tokenizer_open(golden_path("../gpt2/base"), &tokenizer, &error))
        fail_msg("%s", error.text);
    return 0;
}

static int close_tokenizer(void **state) {
    (void)state;
    gpt2_tokenizer_close(tokenizer);
    return 0;
}

static struct dataset *open_text(const char *text, struct dataset_options options,
                                 const struct work *work) {
    struct dataset *dataset;
    char *folder = folder_new();
    file_write(folder, "t.tsv", text, strlen(text));
    options.tokenizer = tokenizer;
    *error.text = '\0';
    int status =
        dataset_open(path_in(folder, "t.tsv"), &options, &dataset, work, &error);
    assert_true(status ? !dataset : dataset != NULL);
    folder_remove(folder);
    return dataset;
}

static void expect(const struct dataset *dataset, size_t i, const char *first,
                   const char *second, size_t most) {
    struct tokens a = {0}, b = {0};
    assert_int_equal(gpt2_tokenizer_encode(tokenizer, first, strlen(first), &a, &error),
                     0);
    assert_int_equal(
        gpt2_tokenizer_encode(tokenizer, second, strlen(second), &b, &error), 0);
    size_t n = a.count, m = b.count;
    gpt2_tokenizer_truncate(&n, &m, most);
    assert_int_equal(dataset->begin[i + 1] - dataset->begin[i], n + m);
    const int32_t *tokens = dataset->tokens + dataset->begin[i];
    if (n)
        assert_memory_equal(tokens, a.ids, n * sizeof *tokens);
    if (m)
        assert_memory_equal(tokens + n, b.ids, m * sizeof *tokens);
    free(a.ids);
    free(b.ids);
}

static void test_dataset(void **state) {
    (void)state;
    static const char text[] = "question\tsentence\tlabel\n"
                               "What came into force?\tThe constitution.\tb\n"
                               "\t\ta\n"
                               "the\tthe of the of the of the of the of\tb\n";
    struct dataset *d =
        open_text(text, (struct dataset_options){.longest = 8, .threads = 2}, NULL);
    if (!d)
        fail_msg("%s", error.text);
    assert_int_equal(d->count, 3);
    assert_int_equal(d->classes, 2);
    assert_null(d->pixels);
    assert_int_equal(d->labels[0], 1);
    assert_int_equal(d->labels[1], 0);
    assert_string_equal(d->class_names[1], "b");
    expect(d, 0, "What came into force?", "The constitution.", 8);
    expect(d, 1, "", "", 8);
    expect(d, 2, "the", "the of the of the of the of the of", 8);
    dataset_close(d);
}

static void test_limit(void **state) {
    char text[4000] = "";
    (void)state;
    for (int i = 0; i < 90; i++)
        sprintf(text + strlen(text), "number %d\t%d\n", i, i % 3 == 0);
    struct dataset *d =
        open_text(text, (struct dataset_options){.longest = 20, .limit = 30}, NULL);
    assert_int_equal(d->count, 30);
    size_t ones = 0;
    int last = -1;
    for (size_t i = 0; i < 30; i++) {
        int found = -1;
        ones += (size_t)d->labels[i];
        for (int k = last + 1; k < 90 && found < 0; k++) {
            char name[20];
            struct tokens tokens = {0};
            sprintf(name, "number %d", k);
            assert_int_equal(
                gpt2_tokenizer_encode(tokenizer, name, strlen(name), &tokens, &error),
                0);
            if (tokens.count == d->begin[i + 1] - d->begin[i] &&
                memcmp(tokens.ids, d->tokens + d->begin[i],
                       tokens.count * sizeof *tokens.ids) == 0)
                found = k;
            free(tokens.ids);
        }
        assert_true(found > last); /* one of the file's, in its order */
        assert_int_equal(d->labels[i], found % 3 == 0);
        last = found;
    }
    assert_int_equal(ones, 10);
    dataset_close(d);
}

static void test_bad_texts(void **state) {
    (void)state;
    struct dataset_options options = {.longest = 8};
    assert_null(open_text("good\t1\nbad \xff\t0\nworse \xff\t0\n", options, NULL));
    assert_non_null(strstr(error.text, "t.tsv:2: the text is not UTF-8"));
    atomic_bool stop = true;
    struct work work = {.stop = &stop};
    assert_null(open_text("good\t1\n", options, &work));
    assert_string_equal(error.text, "stopped");
    struct dataset *dataset;
    options.tokenizer = tokenizer;
    assert_int_equal(dataset_open("/", &options, &dataset, NULL, &error), -1);
    assert_string_equal(error.text, "/: a directory, not a file");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_dataset),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_bad_texts),
        cmocka_unit_test(test_as_python_reads),
        cmocka_unit_test(test_named_columns),
        cmocka_unit_test(test_unlabelled),
        cmocka_unit_test(test_quotes_are_counted),
    };
    return cmocka_run_group_tests(tests, open_tokenizer, close_tokenizer);
}
