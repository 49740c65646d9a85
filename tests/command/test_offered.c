/* Every file that a project is made of, one after the other replaced by a pipe, a
 * folder, a device and a file without an end: each command ends by itself, at once,
 * with one line that names it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/patience.h"
#include "run.h"

enum { EDGE = 12, EXAMPLES = 14 };

static char *golden; /* tests/golden, absolute */

static void must(struct ran ran) {
    if (ran.status)
        fail_msg("%d '%s'", ran.status, ran.err);
    ran_free(&ran);
}

static void begin(void) {
    must(shell("rm -rf %1$s/*", folder()));
}

static FILE *create(const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    return file;
}

static void write_big_endian(FILE *file, unsigned value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        fputc((int)(value >> shift & 255), file);
}

static void write_idx(const char *stem, unsigned classes) {
    char name[256];
    snprintf(name, sizeof name, "%s-images-idx3-ubyte", stem);
    FILE *file = create(name);
    fwrite("\0\0\10\3", 1, 4, file);
    write_big_endian(file, EXAMPLES);
    write_big_endian(file, EDGE);
    write_big_endian(file, EDGE);
    for (int i = 0; i < EXAMPLES * EDGE * EDGE; i++)
        fputc(i * 7 & 255, file);
    fclose(file);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", stem);
    file = create(name);
    fwrite("\0\0\10\1", 1, 4, file);
    write_big_endian(file, EXAMPLES);
    for (unsigned i = 0; i < EXAMPLES; i++)
        fputc((int)(i % classes), file);
    fclose(file);
}

/* One picture a class. */
static void write_folders(const char *name, const char *const *classes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char path[512];
        must(shell("mkdir -p '%s/%s/%s'", folder(), name, classes[i]));
        snprintf(path, sizeof path, "%s/%s/1.ppm", name, classes[i]);
        FILE *file = create(path);
        fprintf(file, "P6\n%d %d\n255\n", EDGE, EDGE);
        for (int k = 0; k < 3 * EDGE * EDGE; k++)
            fputc((int)(40 * i + (unsigned)k % 60), file);
        fclose(file);
    }
}

static void write_table(const char *name, int classes) {
    FILE *file = create(name);
    fputs("sentence\tlabel\n", file);
    for (int i = 0; i < EXAMPLES; i++)
        fprintf(file, "%s rocks\t%d\n", i % 3 ? "the" : "of", i % classes);
    fclose(file);
}

static void copy_model(const char *from, const char *to) {
    must(shell("mkdir -p '%2$s/%3$s' && cp -R '%4$s/%1$s/.' '%2$s/%3$s' && "
               "chmod -R u+w '%2$s/%3$s'",
               from, folder(), to, golden));
}

static int set_up(void **state) {
    (void)state;
    const char *source = getenv("srcdir");
    char path[1024];
    setenv("OMP_WAIT_POLICY", "passive", 1);
    snprintf(path, sizeof path, "%s/tests/golden", source ? source : ".");
    return (golden = realpath(path, NULL)) ? 0 : -1;
}

/* "a pipe" and so on: how it is made in place of $f, and what the message says of it.
 */
static const struct {
    const char *what, *make, *says;
} offers[] = {
    {"a pipe", "mkfifo \"$f\"", "not a file"},
    {"a folder", "mkdir \"$f\"", ""}, /* which some of them may be */
    {"a device", "ln -s /dev/zero \"$f\"", "not a file"},
    {"no end", "truncate -s 4T \"$f\"", ""},
};

/* 124: it hung. The memory that such a file could take is bounded as well. */
#ifdef __SANITIZE_ADDRESS__
#define BOUNDED "timeout -k 1 " PATIENCE_TEXT " "
#else
#define BOUNDED "ulimit -v 6000000; timeout -k 1 " PATIENCE_TEXT " "
#endif

/* $f is replaced, then each command runs; they are given the folder. Returns how many
 * fail by naming the file. */
static int offer(const char *file, size_t which, const char *const *commands) {
    int named = 0;
    const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    struct ran ran = shell("cd %s && f='%s' && mv \"$f\" kept && %s", folder(), file,
                           offers[which].make);
    if (ran.status) { /* a file system without such large files */
        assert_true(which == 3);
        ran_free(&ran);
        must(shell("cd %s && rm -f '%s' && mv kept '%s'", folder(), file, file));
        return 1;
    }
    ran_free(&ran);
    for (size_t i = 0; commands[i]; i++) {
        char words[1024];
        snprintf(words, sizeof words, BOUNDED "./%s", commands[i]);
        must(shell("rm -rf %1$s/new* %1$s/*.db-*; cp %1$s/kept.db %1$s/all.db",
                   folder()));
        ran = shell(words, folder());
        if (ran.status > 2 || (ran.status && !is_one_line(ran.err)))
            fail_msg("%s as %s: %s: %d '%s'", file, offers[which].what, commands[i],
                     ran.status, ran.err);
        if (ran.status) {
            named += strstr(ran.err, base) != NULL;
            if (strstr(ran.err, base) && !strstr(ran.err, offers[which].says) &&
                !strstr(ran.err, "is not the state") &&
                !strstr(ran.err, "cannot be run: "))
                fail_msg("%s as %s: %s: '%s'", file, offers[which].what, commands[i],
                         ran.err);
        }
        ran_free(&ran);
    }
    must(shell("cd %s && rm -rf '%s' && mv kept '%s'", folder(), file, file));
    return named;
}

/* To each file every offer, by these commands; one of them names it. */
static void offer_each(const char *const *files, const char *const *commands) {
    for (; *files; files++)
        for (size_t which = 0; which < sizeof offers / sizeof *offers; which++)
            if (!offer(*files, which, commands))
                fail_msg("%s as %s is not refused by any command", *files,
                         offers[which].what);
}

static const char *const usual[] = {
    "pwemoe init %1$s/new.db %1$s/recipe.yaml --quiet",
    "pwemoe merge %1$s/all.db --method regmean --quiet --again",
    "pwemoe export %1$s/all.db --solution 1 --out %1$s/new --quiet",
    "pwemoe-explore %1$s/all.db --snapshot 80x24 >/dev/null",
    NULL,
};

static void offer_all(const char *const *files) {
    must(run("init %1$s/all.db %1$s/recipe.yaml --quiet", folder()));
    must(run("merge %1$s/all.db --method regmean --quiet", folder()));
    must(shell("mv %1$s/all.db %1$s/kept.db", folder()));
    offer_each(files, usual);
}

static void images_and_labels(void **state) {
    (void)state;
    static const char *const classes[] = {"a", "b", "c", "d", "e", "f", "g"};
    static const char *const files[] = {"recipe.yaml",
                                        "vit/config.json",
                                        "vit/preprocessor_config.json",
                                        "vit/model.safetensors",
                                        "one/config.json",
                                        "one/preprocessor_config.json",
                                        "one/model.safetensors",
                                        "two/processor_config.json",
                                        "train-images-idx3-ubyte",
                                        "train-labels-idx1-ubyte",
                                        "test-images-idx3-ubyte",
                                        "test-labels-idx1-ubyte",
                                        "folders/c/1.ppm",
                                        "names.txt",
                                        NULL};
    begin();
    copy_model("model/vit", "vit");
    copy_model("model/vit-expert0", "one");
    copy_model("model/vit-expert1", "two");
    must(shell("cd %1$s/two && { printf '{\"image_processor\": '; cat "
               "preprocessor_config.json; printf '}'; } >processor_config.json && rm "
               "preprocessor_config.json",
               folder()));
    write_idx("train", 5);
    write_idx("test", 5);
    write_folders("folders", classes, 7);
    write_file("names.txt", "p\nq\nr\ns\nt\n");
    write_file("recipe.yaml", "pretrained: vit\n"
                              "tasks:\n"
                              "  one: {expert: one, train: train-images-idx3-ubyte, "
                              "test: test-images-idx3-ubyte, classnames: names.txt}\n"
                              "  two: {expert: two, train: folders, test: folders}\n");
    offer_all(files);
}

static void prompts_and_heads(void **state) {
    (void)state;
    static const char *const classes[] = {"0", "1", "2", "3", "4", "5", "6"};
    static const char *const files[] = {"clip/vocab.json",  "clip/merges.txt",
                                        "animals.txt",      "templates.txt",
                                        "head.safetensors", NULL};
    begin();
    copy_model("zero_shot/clip", "clip");
    copy_model("model/clip-expert0", "one");
    copy_model("model/clip-expert1", "two");
    must(shell("cd %1$s && cp %2$s/zero_shot/*.txt . && cp "
               "%2$s/model/clip-head1.safetensors head.safetensors && chmod u+w *",
               folder(), golden));
    write_folders("animals", classes, 5);
    write_folders("others", classes, 7);
    write_file("recipe.yaml",
               "pretrained: clip\n"
               "tasks:\n"
               "  one: {expert: one, train: animals, test: animals, classnames: "
               "animals.txt, templates: templates.txt}\n"
               "  two: {expert: two, train: others, test: others, head: "
               "head.safetensors}\n");
    offer_all(files);
}

static void texts_and_vocabularies(void **state) {
    (void)state;
    static const char *const files[] = {"gpt2/config.json",
                                        "gpt2/vocab.json",
                                        "gpt2/merges.txt",
                                        "gpt2/model.safetensors",
                                        "train.tsv",
                                        "test.tsv",
                                        NULL};
    begin();
    copy_model("model/gpt2", "gpt2");
    copy_model("model/gpt2-expert0", "one");
    copy_model("model/gpt2-expert1", "two");
    write_table("train.tsv", 5);
    write_table("test.tsv", 5);
    write_table("other.tsv", 7);
    write_file("recipe.yaml", "pretrained: gpt2\n"
                              "tasks:\n"
                              "  one: {expert: one, train: train.tsv, test: test.tsv}\n"
                              "  two: {expert: two, train: other.tsv, test: "
                              "other.tsv}\n");
    offer_all(files);
}

/* The files of a tokenizer as transformers 5 writes them, and tables of other forms. */
static void tokenizers_and_tables(void **state) {
    (void)state;
    static const char *const files[] = {"gpt2/tokenizer.json",
                                        "gpt2/tokenizer_config.json",
                                        "gpt2/special_tokens_map.json",
                                        "gpt2/added_tokens.json",
                                        "train.csv",
                                        "other.jsonl",
                                        NULL};
    begin();
    copy_model("model/gpt2", "gpt2");
    copy_model("model/gpt2-expert0", "one");
    copy_model("model/gpt2-expert1", "two");
    must(shell("cd %1$s/gpt2 && rm vocab.json merges.txt && cp "
               "%2$s/gpt2/v5/tokenizer.json . && chmod u+w * && for f in "
               "tokenizer_config special_tokens_map added_tokens; do echo '{}' "
               ">$f.json; done",
               folder(), golden));
    FILE *csv = create("train.csv"), *jsonl = create("other.jsonl");
    fputs("sentence,label\n", csv);
    for (int i = 0; i < EXAMPLES; i++) {
        fprintf(csv, "the rocks,%d\n", i % 5);
        fprintf(jsonl, "{\"sentence\": \"of rocks\", \"label\": %d}\n", i % 7);
    }
    fclose(csv);
    fclose(jsonl);
    write_file("recipe.yaml",
               "pretrained: gpt2\n"
               "tasks:\n"
               "  one: {expert: one, train: train.csv, test: train.csv}\n"
               "  two: {expert: two, train: other.jsonl, test: other.jsonl}\n");
    offer_all(files);
}

/* Shards and their index, LoRA adapters: what merge-to reads. */
static void shards_and_adapters(void **state) {
    (void)state;
    static const char *const files[] = {"sharded/model.safetensors.index.json",
                                        "sharded/first.safetensors",
                                        "sharded/config.json",
                                        "lora/adapter_config.json",
                                        "lora/adapter_model.safetensors",
                                        "base/model.safetensors",
                                        NULL};
    static const char *const commands[] = {
        "pwemoe merge-to %1$s/new --method average --pretrained %1$s/sharded "
        "--expert %1$s/one --partial --quiet",
        "pwemoe merge-to %1$s/new2 --method task-arithmetic --pretrained %1$s/base "
        "--expert %1$s/lora --quiet",
        NULL};
    begin();
    write_file("kept.db", "");
    copy_model("model/vit", "vit");
    copy_model("model/vit-expert0", "one");
    copy_model("adapters/gpt2", "base");
    copy_model("adapters/gpt2-a", "lora");
    must(run("merge-to %1$s/sharded --method average --pretrained %1$s/vit --expert "
             "%1$s/one --partial --shard-size 20000 --quiet",
             folder()));
    must(
        shell("cd %1$s/sharded && mv model-00001-of-*.safetensors first.safetensors && "
              "sed -i 's/model-00001-of-[0-9]*.safetensors/first.safetensors/' "
              "model.safetensors.index.json",
              folder()));
    offer_each(files, commands);
}

/* A program that measures: it can only not be started. */
static void programs_that_measure(void **state) {
    (void)state;
    static const char *const files[] = {"score.sh", NULL};
    static const char *const commands[] = {
        "pwemoe merge %1$s/all.db --method average --allow-commands --quiet --again",
        "pwemoe front %1$s/all.db --method task-arithmetic --random 1 --allow-commands "
        "--quiet",
        NULL};
    begin();
    copy_model("tensorwise/llama", "llama");
    write_file("score.sh", "#!/bin/sh\necho 5\n");
    write_file("recipe.yaml",
               "pretrained: llama/base\n"
               "tasks:\n"
               "  a: {expert: llama/a, measure: \"./score.sh {model}\"}\n"
               "  b: {expert: llama/b, measure: \"./score.sh {model}\"}\n");
    must(shell("chmod +x %1$s/score.sh && ./pwemoe init %1$s/kept.db %1$s/recipe.yaml "
               "--quiet && cp %1$s/kept.db "
               "%1$s/all.db && ./pwemoe merge %1$s/all.db --method average "
               "--allow-commands --quiet",
               folder()));
    offer_each(files, commands);
}

/* A file of mergekit's; rays, which may come from a pipe. */
static void other_operands(void **state) {
    (void)state;
    static const char *const files[] = {"merge.yml", NULL};
    static const char *const commands[] = {
        "pwemoe merge-to %1$s/new --mergekit %1$s/merge.yml --quiet", NULL};
    static const char *const rays[] = {"/dev/zero", "%1$s", "%1$s/endless"};
    const char *source = getenv("srcdir");
    begin();
    must(shell("cp -R '%2$s/assets/demo/.' %1$s && chmod -R u+w %1$s && mv "
               "%1$s/results.db %1$s/kept.db && cp %1$s/kept.db %1$s/all.db",
               folder(), source ? source : "."));
    write_file("merge.yml", "merge_method: linear\n"
                            "models:\n"
                            "  - model: models/digits\n"
                            "    parameters: {weight: 0.5}\n"
                            "  - model: models/letters\n"
                            "    parameters: {weight: 0.5}\n"
                            "dtype: float32\n");
    offer_each(files, commands);
    must(
        shell("truncate -s 4T %1$s/endless || ln -s /dev/zero %1$s/endless", folder()));
    for (size_t i = 0; i < sizeof rays / sizeof *rays; i++) {
        char words[512];
        snprintf(words, sizeof words, BOUNDED "./pwemoe front %%1$s/all.db --rays %s",
                 rays[i]);
        struct ran ran = shell(words, folder());
        if (ran.status != 1 || !is_one_line(ran.err))
            fail_msg("%s: %d '%s'", rays[i], ran.status, ran.err);
        ran_free(&ran);
    }
}

/* What is named on the command line. */
static void operands(void **state) {
    (void)state;
    static const char *const files[] = {"other.db", "table.csv", "script", NULL};
    static const char *const commands[] = {
        "pwemoe show %1$s/other.db solutions",
        "pwemoe import %1$s/other.db %1$s/table.csv --quiet",
        "pwemoe-explore %1$s/other.db --snapshot 80x24",
        "pwemoe-explore %1$s/other.db --snapshot 80x24 --replay %1$s/script", NULL};
    const char *source = getenv("srcdir");
    begin();
    must(shell("cp '%2$s/assets/demo/results.db' %1$s/other.db && chmod u+w "
               "%1$s/other.db && touch %1$s/kept.db",
               folder(), source ? source : "."));
    write_file("table.csv", "method,digits,letters,surfaces\nours,90,80,70\n");
    write_file("script", "key x\n");
    must(shell("./pwemoe-explore %1$s/other.db --snapshot 80x24 --replay %1$s/script",
               folder()));
    offer_each(files, commands);
}

/* What fine-tuning goes on from, as an interrupted run left it. */
static void finetunings_state(void **state) {
    (void)state;
    static const char *const files[] = {"made.state", NULL};
    static const char *const commands[] = {"pwemoe finetune %1$s/all.db --task digits "
                                           "--out %1$s/made --resume --quiet",
                                           NULL};
    const char *source = getenv("srcdir");
    begin();
    must(shell("cp -R '%2$s/assets/demo/.' %1$s && chmod -R u+w %1$s && mv "
               "%1$s/results.db %1$s/all.db",
               folder(), source ? source : "."));
    must(shell("./pwemoe finetune %1$s/all.db --task digits --steps 100000 --batch 2 "
               "--save-interval 1 --out %1$s/made --quiet & p=$!; until test -s "
               "%1$s/made.state; do sleep 0.1; done; kill -TERM $p; wait $p; test -s "
               "%1$s/made.state && mv %1$s/all.db %1$s/kept.db",
               folder()));
    offer_each(files, commands);
}

/* A pipe that nobody writes to is waited for, but not with deaf ears. */
static void a_silent_pipe(void **state) {
    (void)state;
    const char *source = getenv("srcdir");
    struct ran ran = shell(
        "mkfifo %1$s/silent && cp '%2$s/assets/demo/results.db' "
        "%1$s/front.db && chmod u+w %1$s/front.db && timeout -k " PATIENCE_TEXT " 1 "
        "./pwemoe front %1$s/front.db --rays %1$s/silent --quiet",
        folder(), source ? source : ".");
    assert_int_equal(ran.status, 124); /* ended by SIGTERM, not by the kill behind it */
    ran_free(&ran);
}

/* What is typed may be a pipe: `pwemoe indicators <(...)`. It has an end all the same.
 */
static void what_is_typed(void **state) {
    (void)state;
    static const char *const words[] = {
        "indicators /dev/zero --ref 2",
        "indicators %s --ref 2",
        "indicators %s/points --ref 2 --reference-set /dev/zero",
        "indicators %1$s/points --ref 2 --reference-set %1$s",
        "import %s/kept.db /dev/zero",
        "import %s/kept.db %s",
        "show /dev/zero solutions",
        "show %s solutions",
        "init %s/new.db /dev/zero",
        "init %s/new.db %s"};
    write_file("points", "1\n");
    write_file("kept.db", "");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char line[1024];
        snprintf(line, sizeof line, BOUNDED "./pwemoe %s", words[i]);
        struct ran ran = shell(line, folder(), folder());
        if (ran.status != 1 || !is_one_line(ran.err))
            fail_msg("%s: %d '%s'", words[i], ran.status, ran.err);
        ran_free(&ran);
    }
    must(shell("mkfifo %1$s/fifo; echo 1 >%1$s/fifo & ./pwemoe indicators %1$s/fifo "
               "--ref 2",
               folder()));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_and_labels),
        cmocka_unit_test(prompts_and_heads),
        cmocka_unit_test(texts_and_vocabularies),
        cmocka_unit_test(tokenizers_and_tables),
        cmocka_unit_test(shards_and_adapters),
        cmocka_unit_test(programs_that_measure),
        cmocka_unit_test(other_operands),
        cmocka_unit_test(operands),
        cmocka_unit_test(finetunings_state),
        cmocka_unit_test(what_is_typed),
        cmocka_unit_test(a_silent_pipe),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
