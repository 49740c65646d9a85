/* pwemoe merge-to on tiny models of four architectures: tensor by tensor against
 * mergekit and fusion-bench, its files, and what is refused. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_text.h"
#include "checkpoint/directory.h"
#include "command/run.h"
#include "support/golden.h"

/* Sums of three task vectors in f32 differ in their order of rounding. */
static const double rounding = 4e-7;
/* Lengths and angles as well, of which mergekit's are in f32 too. */
static const double angles = 4e-6;

static const char *models(const char *kind) {
    static char path[1100];
    char name[64];
    snprintf(name, sizeof name, "tensorwise/%s", kind);
    snprintf(path, sizeof path, "%s", golden_path(name));
    return path;
}

static struct model_directory *open_directory(const char *path) {
    struct model_directory *directory;
    struct error error;
    if (model_directory_open_any(path, &directory, &error))
        fail_msg("%s", error.text);
    return directory;
}

static struct model_directory *made(const char *name) {
    char path[1100];
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    return open_directory(path);
}

/* Runs merge-to into folder()/NAME, which goes first if it is there. Of `words` the
 * models' folder is $M. */
static void merge(const char *name, const char *kind, const char *words) {
    struct ran ran = shell("M='%s'; rm -rf '%s/%s'; ./pwemoe merge-to '%s/%s' %s",
                           models(kind), folder(), name, folder(), name, words);
    if (ran.status)
        fail_msg("%s: %s", words, ran.err);
    ran_free(&ran);
}

/* All tensors of the golden result KIND/LABEL/... against folder()/out. */
static void compare(const struct safetensors *golden, const char *kind,
                    const char *label, double relative) {
    struct model_directory *out = made("merged");
    char start[64];
    size_t seen = 0;
    snprintf(start, sizeof start, "%s/%s/", kind, label);
    for (size_t i = 0; i < safetensors_count(golden); i++) {
        const struct tensor *wanted = safetensors_at(golden, i), *got;
        struct error error;
        if (strncmp(wanted->name, start, strlen(start)) != 0)
            continue;
        if (strstr(wanted->name, "running_"))
            continue; /* averaged here, whatever the method */
        got = model_directory_find(out, wanted->name + strlen(start));
        if (!got)
            fail_msg("%s is missing", wanted->name);
        float *values = calloc(wanted->count, sizeof *values);
        double *expected = golden_values(golden, wanted->name);
        assert_int_equal(got->count, wanted->count);
        if (tensor_to_f32(got, "merged", values, &error))
            fail_msg("%s", error.text);
        golden_close(wanted->name, values, expected, wanted->count, relative);
        free(values);
        free(expected);
        seen++;
    }
    assert_true(seen > 10);
    model_directory_close(out);
}

#define BASE " --pretrained $M/base"
#define TWO " --expert $M/a --expert $M/b"
#define THREE TWO " --expert $M/c"
#define SCALES2 " --scales a=0.3,b=0.5"
#define SCALES3 " --scales a=0.3,b=0.5,c=0.7"

static void test_against_mergekit(void **state) {
    static const struct {
        const char *kind, *label, *words;
        double relative;
    } rows[] = {
        {"llama", "average", "--method average" BASE THREE, rounding},
        {"llama", "average", "--method average" THREE, rounding},
        {"llama", "task-arithmetic", "--method task-arithmetic" BASE THREE SCALES3,
         rounding},
        {"llama", "ties", "--method ties" BASE THREE " --set keep=0.3,scale=0.4",
         rounding},
        {"llama", "ties-mean",
         "--method ties" BASE THREE SCALES3 " --set keep=0.3,sum=mean", rounding},
        {"llama", "karcher", "--method karcher" THREE, angles},
        {"llama", "stock", "--method model-stock" BASE THREE, angles},
        {"llama", "wudi",
         "--method wudi --preference 0.5,0.3,0.2 --set ridge=0.1" BASE THREE, 1e-5},
        {"bert", "slerp", "--method slerp" TWO " --scales a=0.7,b=0.3", angles},
        {"bert", "ties-mean",
         "--method ties" BASE TWO SCALES2 " --set keep=0.5,sum=mean", rounding},
        {"t5", "task-arithmetic", "--method task-arithmetic" BASE TWO SCALES2,
         rounding},
        {"t5", "average", "--method average" BASE TWO SCALES2, rounding},
        {"resnet", "breadcrumbs",
         "--method breadcrumbs" BASE THREE SCALES3 " --set keep=0.6,outliers=0.1",
         rounding},
        {"resnet", "breadcrumbs-ties",
         "--method breadcrumbs" BASE THREE SCALES3
         " --set keep=0.6,outliers=0.1,sum=sum",
         rounding},
        {"resnet", "task-arithmetic",
         "--method task-arithmetic --threads 1" BASE THREE SCALES3, rounding},
    };
    struct safetensors *golden = golden_open("tensorwise/results.safetensors");
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        merge("merged", rows[i].kind, rows[i].words);
        compare(golden, rows[i].kind, rows[i].label, rows[i].relative);
    }
    /* A coefficient that is wrong by a hundredth is seen. */
    merge("merged", "llama",
          "--method task-arithmetic" BASE THREE " --scales a=0.303,b=0.5,c=0.7");
    struct model_directory *out = made("merged");
    const char *name = "model.layers.0.mlp.up_proj.weight";
    const struct tensor *got = model_directory_find(out, name);
    double *expected = golden_values(
        golden, "llama/task-arithmetic/model.layers.0.mlp.up_proj.weight");
    double worst = 0, most = 0;
    for (size_t i = 0; i < got->count; i++) {
        float value;
        memcpy(&value, (const char *)got->data + i * sizeof value, sizeof value);
        worst = fmax(worst, fabs((double)value - expected[i]));
        most = fmax(most, fabs(expected[i]));
    }
    assert_true(worst > 100 * rounding * most);
    free(expected);
    model_directory_close(out);
    safetensors_close(golden);
}

/* Singular vectors in f64 here as there, what is written rounded to f32. */
static void test_against_fusion_bench(void **state) {
    static const struct {
        const char *kind, *experts;
    } kinds[] = {{"llama", THREE}, {"bert", TWO}, {"t5", TWO}, {"resnet", THREE}};
    static const struct {
        const char *label, *settings;
        bool two; /* models, and no pretrained one */
        double relative;
    } rows[] = {
        {"tsv-m", "scale=0.7", false, angles},
        {"iso-c", "scale=0.7", false, angles},
        {"iso-cts", "scale=0.7,common=0.5", false, angles},
        {"ties", "keep=0.3,scale=0.4", false, rounding},
        {"slerp", NULL, true, angles},
    };
    struct safetensors *golden = golden_open("tensorwise/foreign.safetensors");
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            char words[256];
            if (rows[i].two)
                snprintf(words, sizeof words,
                         "--method slerp --scales a=0.7,b=0.3" TWO);
            else
                snprintf(words, sizeof words, "--method %s --set %s" BASE "%s",
                         rows[i].label, rows[i].settings, kinds[k].experts);
            merge("merged", kinds[k].kind, words);
            compare(golden, kinds[k].kind, rows[i].label, rows[i].relative);
        }
    safetensors_close(golden);
}

/* --- files ------------------------------------------------------------------------ */

static void same_tensors(const char *left, const char *right) {
    struct model_directory *a = made(left), *b = made(right);
    assert_int_equal(model_directory_count(a), model_directory_count(b));
    for (size_t i = 0; i < model_directory_count(a); i++) {
        const struct tensor *x = model_directory_at(a, i);
        const struct tensor *y = model_directory_find(b, x->name);
        assert_non_null(y);
        assert_int_equal(x->bytes, y->bytes);
        assert_memory_equal(x->data, y->data, x->bytes);
    }
    model_directory_close(a);
    model_directory_close(b);
}

/* One number of a tensor of a model. */
static double first(const char *path, const char *name) {
    struct model_directory *directory = open_directory(path);
    const struct tensor *tensor = model_directory_find(directory, name);
    float values[64];
    struct error error;
    assert_non_null(tensor);
    assert_true(tensor->count <= 64);
    assert_int_equal(tensor_to_f32(tensor, path, values, &error), 0);
    model_directory_close(directory);
    return (double)values[0];
}

/* BatchNorm's variances are means of the models' own, whatever the method makes of
 * weights; a sum of differences would be negative here. */
static void test_statistics(void **state) {
    (void)state;
    static const struct {
        const char *words;
        double base, a, b;
    } rows[] = {
        {"--method average" BASE TWO, 0, 0.5, 0.5},
        {"--method task-arithmetic" BASE TWO " --scales a=0.2,b=0.3", 0.5, 0.2, 0.3},
        {"--method task-arithmetic" BASE TWO " --scales a=3,b=1", 0, 0.75, 0.25},
        {"--method task-arithmetic" BASE TWO " --scales a=-2,b=0.5", 0.5, 0, 0.5},
        {"--method ties" BASE TWO " --set scale=0.25,keep=0.1", 0.5, 0.25, 0.25},
        {"--method wudi" BASE TWO " --preference 0.9,0.1", 0, 0.9, 0.1},
        {"--method model-stock" BASE TWO, 0, 0.5, 0.5}};
    static const char name[] = "resnet.embedder.embedder.normalization.running_var";
    char path[3][1200], out[1100];
    static const char *const which[] = {"base", "a", "b"};
    double own[3];
    for (int i = 0; i < 3; i++) {
        snprintf(path[i], sizeof path[i], "%s/%s", models("resnet"), which[i]);
        own[i] = first(path[i], name);
    }
    snprintf(out, sizeof out, "%s/merged", folder());
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        merge("merged", "resnet", rows[i].words);
        double expected =
            rows[i].base * own[0] + rows[i].a * own[1] + rows[i].b * own[2];
        if (!(fabs(first(out, name) - expected) <= 1e-6 * fabs(expected)))
            fail_msg("%s: %g, expected %g", rows[i].words, first(out, name), expected);
    }
    struct ran ran =
        shell("M='%s'; ./pwemoe merge-to '%s/none' --plan --method average "
              "--expert $M/a --expert $M/b",
              models("resnet"), folder());
    assert_non_null(strstr(ran.err, "running statistics of normalisation layers"));
    ran_free(&ran);
}

static void test_shards(void **state) {
    (void)state;
    merge("one", "llama", "--method ties" BASE THREE);
    merge("many", "llama", "--method ties --shard-size 1KB --threads 3" BASE THREE);
    same_tensors("one", "many");
    struct ran ran = shell("ls '%s/many'", folder());
    assert_non_null(strstr(ran.out, "model-00001-of-0"));
    assert_non_null(strstr(ran.out, "model.safetensors.index.json"));
    assert_null(strstr(ran.out, "model.safetensors\n"));
    ran_free(&ran);
    /* A sharded model is read as well, and merges to the same. */
    ran = shell("./pwemoe merge-to '%s/again' --method average --expert '%s/many' "
                "--shard-size 0",
                folder(), folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    same_tensors("one", "again");
}

static void test_dtype(void **state) {
    (void)state;
    merge("merged", "llama", "--method average --dtype bf16" BASE TWO);
    merge("full", "llama", "--method average" BASE TWO);
    struct model_directory *out = made("merged"), *full = made("full");
    for (size_t i = 0; i < model_directory_count(out); i++) {
        const struct tensor *x = model_directory_at(out, i);
        const struct tensor *y = model_directory_find(full, x->name);
        unsigned char *bytes = malloc(x->bytes);
        assert_string_equal(x->dtype_name, "BF16");
        tensor_from_f32(DTYPE_BF16, y->data, y->count, bytes);
        assert_memory_equal(bytes, x->data, x->bytes);
        free(bytes);
    }
    const char *dtype =
        json_string_value(json_object_get(model_directory_config(out), "dtype"));
    assert_string_equal(dtype, "bfloat16");
    model_directory_close(out);
    model_directory_close(full);
}

static void test_weights(void **state) {
    (void)state;
    merge("merged", "llama",
          "--method task-arithmetic" BASE THREE
          " --scales 0 --weight '*.mlp.*=1' --weight 'b:mlp=0' --weight 'c:mlp=0'");
    struct model_directory *out = made("merged"), *a, *base;
    char path[1200];
    snprintf(path, sizeof path, "%s/a", models("llama"));
    a = open_directory(path);
    snprintf(path, sizeof path, "%s/base", models("llama"));
    base = open_directory(path);
    for (size_t i = 0; i < model_directory_count(out); i++) {
        const struct tensor *got = model_directory_at(out, i);
        bool mlp = strstr(got->name, ".mlp.");
        const struct tensor *wanted = model_directory_find(mlp ? a : base, got->name);
        for (size_t k = 0; k < got->count; k++) {
            float x, y;
            memcpy(&x, (const char *)got->data + 4 * k, 4);
            memcpy(&y, (const char *)wanted->data + 4 * k, 4);
            /* b + (a - b) */
            assert_true(fabsf(x - y) <= 2e-7f);
        }
    }
    model_directory_close(out);
    model_directory_close(a);
    model_directory_close(base);
}

/* What is said before it starts bounds what is used. */
static void test_memory(void **state) {
    (void)state;
    struct ran ran =
        shell("./pwemoe merge-to '%s/p' --plan --method della --pretrained "
              "'%s/base' --expert '%s/a'",
              folder(), models("bert"), models("bert"));
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.err, "of memory; reads "));
    assert_non_null(strstr(ran.err, ", writes "));
    ran_free(&ran);
    ran = shell("ls '%s/p'", folder());
    assert_int_not_equal(ran.status, 0);
    ran_free(&ran);
}

/* --- what is refused -------------------------------------------------------------- */

static void refused(int status, const char *says, const char *kind, const char *words) {
    struct ran ran = shell("M='%s'; F='%s'; ./pwemoe merge-to '%s/no' --quiet %s",
                           models(kind), folder(), folder(), words);
    if (ran.status != status || !is_one_line(ran.err) || !strstr(ran.err, says))
        fail_msg("%s: %d, %s", words, ran.status, ran.err);
    ran_free(&ran);
    ran = shell("ls -A '%s' | grep -E '^no$|^\\.no'", folder());
    assert_string_equal(ran.out, "");
    ran_free(&ran);
}

static void test_refused(void **state) {
    (void)state;
    refused(2, "--method is missing", "bert", BASE TWO);
    refused(2, "did you mean ties?", "bert", "--method tie" BASE TWO);
    refused(2, "needs --pretrained", "bert", "--method ties" TWO);
    refused(2, "slerp merges 2 experts", "bert", "--method slerp --expert $M/a");
    refused(2, "model-stock merges at least 2", "bert",
            "--method model-stock" BASE " --expert $M/a");
    refused(2, "two experts have the name a", "bert",
            "--method average" BASE " --expert $M/a --expert a=$M/b");
    refused(2, "no parameter 'keep'", "bert",
            "--method average --set keep=0.3" BASE TWO);
    refused(2, "takes no preference", "bert",
            "--method average --preference 0.5,0.5" BASE TWO);
    refused(2, "no tensor matches", "bert",
            "--method average --weight '*.mpl.*=1'" BASE TWO);
    refused(2, "coefficients add up to 0", "bert",
            "--method average --scales a=0.3,b=-0.3" BASE TWO);
    refused(2, "bias: the experts' coefficients add up to 0", "bert",
            "--method slerp --weight '*.bias=0'" BASE TWO);
    refused(2, "--shard-size 'x'", "bert", "--method average --shard-size x" BASE TWO);
    refused(1, "has none of the", "bert",
            "--method average" BASE " --expert $M/../llama/a");
    refused(1, "No such file", "bert", "--method average" BASE " --expert $M/x");
    refused(1, "keep - epsilon", "bert",
            "--method della --set keep=0.1,epsilon=0.2" BASE TWO);
}

/* A copy of the model that lacks one tensor, or has one with a row more. */
struct change {
    struct model_directory *from;
    struct tensor_source sources[64];
    const struct tensor *tensors[64];
};

static int read_change(void *self, size_t index, uint64_t offset, void *out,
                       size_t room, size_t *got, struct error *error) {
    const struct tensor *tensor = ((struct change *)self)->tensors[index];
    (void)error;
    for (size_t i = 0; i < room; i++) {
        uint64_t at = offset + i;
        ((unsigned char *)out)[i] =
            at < tensor->bytes ? ((const unsigned char *)tensor->data)[at] : 0;
    }
    *got = room;
    return 0;
}

static void write_changed(const char *name, const char *kind, const char *without,
                          const char *longer) {
    struct change change;
    struct error error;
    char path[1200];
    size_t count = 0;
    snprintf(path, sizeof path, "%s/b", models(kind));
    change.from = open_directory(path);
    for (size_t i = 0; i < model_directory_count(change.from); i++) {
        const struct tensor *t = model_directory_at(change.from, i);
        struct tensor_source *source = &change.sources[count];
        if (strcmp(t->name, without) == 0)
            continue;
        *source =
            (struct tensor_source){t->name, t->dtype_name, t->rank, {0}, t->bytes};
        memcpy(source->shape, t->shape, sizeof source->shape);
        if (strcmp(t->name, longer) == 0) {
            source->bytes += t->bytes / t->shape[0];
            source->shape[0]++;
        }
        change.tensors[count++] = t;
    }
    snprintf(path, sizeof path, "mkdir '%s/%s'", folder(), name);
    assert_int_equal(system(path), 0);
    snprintf(path, sizeof path, "%s/%s/model.safetensors", folder(), name);
    if (safetensors_write(path, change.sources, count, NULL, read_change, &change,
                          &error))
        fail_msg("%s", error.text);
    model_directory_close(change.from);
}

static const char embeddings[] = "bert.embeddings.word_embeddings.weight";

static void test_names(void **state) {
    static const char lacking[] = "bert.encoder.layer.1.output.dense.bias";
    (void)state;
    write_changed("gap", "bert", lacking, "");
    write_changed("long", "bert", "", embeddings);
    refused(1, "lacks 1 tensor that", "bert",
            "--method average" BASE " --expert $F/gap");
    refused(1, lacking, "bert", "--method average" BASE " --expert $F/gap");
    refused(1, "has 1 tensor that", "bert",
            "--method average --pretrained $F/gap --expert $M/a");
    refused(1, "is [15, 8], in ", "bert", "--method average" BASE " --expert $F/long");

    struct ran ran = shell("M='%s'; F='%s'; rm -rf $F/merged; ./pwemoe merge-to "
                           "$F/merged --method average --partial --pretrained $M/base "
                           "--expert $F/gap",
                           models("bert"), folder());
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.err, "tensors that are not in every model: 1,"));
    ran_free(&ran);
    char path[1200];
    snprintf(path, sizeof path, "%s/base", models("bert"));
    struct model_directory *out = made("merged"), *base = open_directory(path);
    const struct tensor *got = model_directory_find(out, lacking);
    const struct tensor *kept = model_directory_find(base, lacking);
    assert_memory_equal(got->data, kept->data, got->bytes);
    model_directory_close(out);
    model_directory_close(base);
}

static void test_vocabulary(void **state) {
    (void)state;
    struct ran ran = shell(
        "F='%s'; mkdir $F/new && cp $F/long/* $F/new && cp -r '%s/base' $F/old && "
        "echo '{\"model\": {\"vocab\": {\"a\": 0}}, \"added_tokens\": []}' "
        ">$F/old/tokenizer.json && echo '{\"model\": {\"vocab\": {\"a\": 0}}, "
        "\"added_tokens\": [{\"id\": 14, \"content\": \"<tool>\"}]}' "
        ">$F/new/tokenizer.json",
        folder(), models("bert"));
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    refused(1, "it has 1 token more: \"<tool>\" (14)", "bert",
            "--method average --pretrained $F/old --expert $F/new");
    refused(1, "it has 1 token fewer: \"<tool>\" (14)", "bert",
            "--method average --pretrained $F/new --expert $F/old");
}

static void test_parts(void **state) {
    (void)state;
    struct ran ran =
        shell("M='%s'; F='%s'; mkdir $F/short $F/lost && "
              "head -c 3000 $M/a/model.safetensors "
              ">$F/short/model.safetensors && echo '{\"weight_map\":{\"a\":"
              "\"model-1.safetensors\"}}' "
              ">$F/lost/model.safetensors.index.json",
              models("bert"), folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    refused(1, "cut short", "bert", "--method average" BASE " --expert $F/short");
    refused(1, "names this shard", "bert", "--method average" BASE " --expert $F/lost");
}

/* Folders may have any bytes in their names: what was merged is written all the same.
 */
static void test_bytes(void **state) {
    (void)state;
    struct ran ran =
        shell("M='%s'; F='%s'; odd=$F/$(printf 'odd\\351') && cp -r $M/a $odd && "
              "./pwemoe merge-to $F/odd --method average --pretrained $odd --expert "
              "$M/b --expert $odd && ./pwemoe extract-lora $F/part --pretrained $odd "
              "--expert $M/b --rank 1 && "
              "grep base_model_name $F/part/adapter_config.json",
              models("llama"), folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    assert_non_null(strstr(ran.out, "odd\\\\xE9\""));
    ran_free(&ran);
    char path[1200];
    snprintf(path, sizeof path, "%s/odd", folder());
    json_t *about;
    struct error error;
    assert_int_equal(json_object_read(path, "pwemoe.json", 0, &about, &error), 0);
    const json_t *experts = json_object_get(about, "experts");
    assert_int_equal(json_array_size(experts), 2);
    const char *name =
        json_string_value(json_object_get(json_array_get(experts, 1), "name"));
    assert_string_equal(name, "odd\\xE9");
    assert_true(json_is_string(json_object_get(about, "pretrained")));
    json_decref(about);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_mergekit),
                                       cmocka_unit_test(test_against_fusion_bench),
                                       cmocka_unit_test(test_statistics),
                                       cmocka_unit_test(test_shards),
                                       cmocka_unit_test(test_dtype),
                                       cmocka_unit_test(test_weights),
                                       cmocka_unit_test(test_memory),
                                       cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_vocabulary),
                                       cmocka_unit_test(test_parts),
                                       cmocka_unit_test(test_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
