/* From a recipe to an exported model by ./pwemoe alone, and what is refused along the
 * way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "project.h"
#include "run.h"

static void init_keeps_the_recipe(void **state) {
    (void)state;
    new_store("init.db");
    json_t *rows = json_of("show %s/init.db objectives --format json", folder());
    assert_int_equal(json_array_size(rows), 2);
    json_t *a = json_array_get(rows, 0);
    assert_string_equal(string(a, "task"), "a");
    assert_string_equal(string(a, "direction"), "max");
    assert_string_equal(string(a, "test"), "data/a-test-images-idx3-ubyte");
    assert_true(string(a, "expert")[0] == '/'); /* not below the folder */
    assert_int_equal(strlen(string(a, "expert_sha256")), 64);
    json_decref(rows);
    expect_error(1, "exists already", "init %s/init.db %s/two.yaml", folder(),
                 folder());
    json_t *log = json_of("show %s/init.db log --format json", folder());
    assert_int_equal(json_array_size(log), 1);
    json_decref(log);
}

static void init_refuses(void **state) {
    (void)state;
    static const struct {
        const char *recipe, *says;
    } cases[] = {
        {"pretrained: nowhere\ntasks: {a: {test: data}}\n", "nowhere"},
        {"pretrained: %s/vit\ntasks: {a: {test: nothere}}\n", "nothere: test data"},
        {"pretrained: %s/vit\ntasks: {a: {test: data, expert: none}}\n", "none"},
        {"pretrained: %s/vit\ntasks: {a: {test: data, head: none}}\n", "the head"},
        {"pretrained: %s/vit\ntasks: {a: {test: data, head: zero-shot}}\n",
         "zero-shot needs a CLIP model"},
        {"pretrained: %s/vit\nmodel: clip-vision\ntasks: {a: {test: data}}\n", "vit"},
        {"pretrained: %s/vit\ntasks: {a: {tset: data}}\n", "did you mean 'test'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char recipe[2048];
        snprintf(recipe, sizeof recipe, cases[i].recipe, models());
        write_file("bad.yaml", recipe);
        expect_error(1, cases[i].says, "init %s/bad.db %s/bad.yaml", folder(),
                     folder());
    }
    expect_error(2, "--ref has 3 numbers", "init %s/bad.db %s/two.yaml --ref 1,2,3",
                 folder(), folder());
    /* Every tensor that does not fit is one line. */
    char recipe[2048];
    snprintf(recipe, sizeof recipe,
             "pretrained: %s/vit\ntasks: {a: {test: data, expert: %s/clip}}\n",
             models(), models());
    write_file("bad.yaml", recipe);
    struct ran other = run("init %s/bad.db %s/bad.yaml", folder(), folder());
    assert_int_equal(other.status, 1);
    assert_non_null(strstr(other.err,
                           "none of its tensors has a name of the pretrained "
                           "model's (vit.embeddings.cls_token)"));
    ran_free(&other);
    snprintf(recipe, sizeof recipe,
             "pretrained: %s/vit\ntasks: {a: {test: data, expert: "
             "%s/../names/expert}}\n",
             models(), models());
    write_file("bad.yaml", recipe);
    struct ran ran = run("init %s/bad.db %s/bad.yaml", folder(), folder());
    assert_int_equal(ran.status, 1);
    size_t lines = 0;
    for (const char *p = ran.err; *p; p = strchr(p, '\n') + 1, lines++)
        assert_int_equal(strncmp(p, "pwemoe: ", 8), 0);
    assert_true(lines > 5);
    assert_non_null(strstr(ran.err, "use experts fine-tuned from it"));
    ran_free(&ran);
    ran = shell("test ! -e %s/bad.db", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
}

static void merge_measures_once(void **state) {
    (void)state;
    new_store("merge.db");
    json_t *rows = json_of("merge %s/merge.db --format json --method "
                           "pretrained,stl,average,task-arithmetic --scales 0:1:3",
                           folder());
    assert_int_equal(json_array_size(rows), 6);
    json_t *stl = json_array_get(rows, 1), *average = json_array_get(rows, 2);
    json_t *zero = json_array_get(rows, 3), *half = json_array_get(rows, 4);
    assert_string_equal(string(stl, "kind"), "single");
    assert_string_equal(string(stl, "model_sha256"), "");
    assert_true(number(json_object_get(half, "parameters"), "scale") == 0.5);
    /* With two experts the average is task arithmetic at one half, and the
     * coefficient 0 is the pretrained model. */
    assert_string_equal(string(half, "model_sha256"), string(average, "model_sha256"));
    assert_string_equal(string(zero, "model_sha256"),
                        string(json_array_get(rows, 0), "model_sha256"));
    json_t *a = json_object_get(json_object_get(half, "objectives"), "a");
    assert_true(number(a, "examples") == PROJECT_TEST);
    assert_true(json_is_true(json_object_get(a, "complete")));
    double low = json_number_value(json_array_get(json_object_get(a, "interval"), 0));
    assert_true(low < number(a, "value"));
    /* What the making took is known of models that are made. */
    assert_true(number(half, "seconds") > 0 && number(half, "seconds") < 600);
    assert_true(number(half, "peak_bytes") > 1 << 20);
    assert_true(json_is_null(json_object_get(stl, "peak_bytes")));
    json_decref(rows);
    static const char *const again[] = {"--scales 0.5", "--set scale=0.5"};
    for (size_t i = 0; i < 2; i++) {
        struct ran ran =
            run("merge %s/merge.db --method task-arithmetic %s", folder(), again[i]);
        assert_int_equal(ran.status, 0);
        assert_non_null(strstr(ran.err, "1 of 1 were measured before"));
        ran_free(&ran);
    }
    rows = json_of("show %s/merge.db solutions --format json", folder());
    assert_int_equal(json_array_size(rows), 6);
    json_decref(rows);
    static const struct {
        const char *filter;
        size_t rows;
    } filters[] = {{"--method stl", 1},
                   {"--kind single", 2},
                   {"--kind merge", 4},
                   {"--kind train", 0}};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        rows = json_of("show %s/merge.db solutions %s --format json", folder(),
                       filters[i].filter);
        assert_int_equal(json_array_size(rows), filters[i].rows);
        json_decref(rows);
    }
}

static void merge_refuses(void **state) {
    (void)state;
    new_store("refuse.db");
    expect_error(2, "--method is missing", "merge %s/refuse.db", folder());
    expect_error(2, "did you mean average", "merge %s/refuse.db --method averge",
                 folder());
    static const char *const scales[] = {"0:1",     "0:1:0",   "a:b:3",
                                         "0:1:3:4", "0:1:1e3", "nan"};
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
        expect_error(2, "--scales", "merge %s/refuse.db --method average --scales %s",
                     folder(), scales[i]);
    expect_error(2, "give only one of",
                 "merge %s/refuse.db --method ties --scales 0.5 --set scale=0.4",
                 folder());
    expect_error(2, "has no parameter 'kep'",
                 "merge %s/refuse.db --method ties,average --set kep=0.4", folder());
    expect_error(2, "takes no preference",
                 "merge %s/refuse.db --method ties --preference 0.5,0.5", folder());
    expect_error(1, "nodb.db", "merge %s/nodb.db --method average", folder());
    expect_error(1, "two.yaml", "show %s/two.yaml solutions", folder());
    expect_error(2, "did you mean 'front'", "show %s/refuse.db fornt", folder());
    expect_error(2, "give one of pwemoe|merge|single",
                 "show %s/refuse.db solutions --kind merg", folder());
    expect_error(1, "no routers trained that way", "front %s/refuse.db --upscale mlp",
                 folder());
    expect_error(2, "average takes no preference",
                 "front %s/refuse.db --method average", folder());
    expect_error(2, "wudi needs no training",
                 "front %s/refuse.db --method wudi --run 1", folder());
    expect_error(2, "wudi has no parameter 'scale'", "front %s/refuse.db --set scale=1",
                 folder());
    expect_error(2, "wudi: shrink must be a number",
                 "eval %s/refuse.db --preference 0.5,0.5 --set shrink=2", folder());
    expect_error(2, "wudi is not trained", "front %s/refuse.db --all-steps", folder());
    expect_error(2, "what was trained has no parameter 'ridge'",
                 "front %s/refuse.db --method ls --set ridge=1", folder());
    expect_error(2, "one of --preference", "eval %s/refuse.db", folder());
    expect_error(2, "sums to 0.9", "eval %s/refuse.db --preference 0.4,0.5", folder());
    expect_error(2, "--preference", "eval %s/refuse.db --preference 1", folder());
    expect_error(1, "no solution 7", "eval %s/refuse.db --solution 7", folder());
    expect_error(2, "--out is missing", "export %s/refuse.db --solution 7", folder());
    expect_error(2, "no task 'x'", "export %s/refuse.db --solution 7 --out o --head x",
                 folder());
    expect_error(2, "method", "train %s/refuse.db --method xls", folder());
    expect_error(2, "give one of mlp", "train %s/refuse.db --upscale atn+mlp",
                 folder());
    expect_error(1, "unfinished run", "train %s/refuse.db --resume", folder());
    expect_error(2, "--run needs --resume", "train %s/refuse.db --run 1", folder());
    expect_error(2, "no task 'zz'", "finetune %s/refuse.db --task zz", folder());
    expect_error(1, "not known", "merge %s/refuse.db --method average --device tpu",
                 folder());
}

static void imported_figures_have_no_count(void **state) {
    (void)state;
    new_store("import.db");
    write_file("rows.csv", "method,a,b\nTheirs,70.5,80\n");
    struct ran ran = run("import %1$s/import.db %1$s/rows.csv --quiet", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    json_t *rows = json_of("show %s/import.db solutions --format json", folder());
    json_t *a =
        json_object_get(json_object_get(json_array_get(rows, 0), "objectives"), "a");
    assert_true(number(a, "value") == 70.5);
    assert_true(json_is_null(json_object_get(a, "examples")));
    assert_true(json_is_null(json_object_get(a, "interval")));
    json_decref(rows);
    ran = run("show %s/import.db solutions --format csv", folder());
    assert_non_null(strstr(ran.out, ",70.5,,,,80"));
    ran_free(&ran);
}

static void show_front_has_the_hypervolume(void **state) {
    (void)state;
    new_store("shown.db");
    json_t *rows = json_of("merge %s/shown.db --method average,task-arithmetic "
                           "--scales 0:1:5 --format json",
                           folder());
    /* The hypervolume of two objectives by hand: sweep the points by a. */
    double best = 0, points[6][2];
    size_t count = json_array_size(rows);
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++) {
        json_t *o = json_object_get(json_array_get(rows, i), "objectives");
        points[i][0] = number(json_object_get(o, "a"), "value");
        points[i][1] = number(json_object_get(o, "b"), "value");
    }
    for (;;) { /* slabs of b, highest first: each as wide as the best a there */
        double top = 0, next = 0, widest = 0;
        static double below;
        if (best == 0)
            below = 1e9;
        for (size_t i = 0; i < count; i++)
            if (points[i][1] < below && points[i][1] > top)
                top = points[i][1];
        for (size_t i = 0; i < count; i++) {
            if (points[i][1] < top && points[i][1] > next)
                next = points[i][1];
            if (points[i][1] >= top && points[i][0] > widest)
                widest = points[i][0];
        }
        if (top == 0)
            break;
        best += (top - next) * widest;
        below = top;
    }
    json_decref(rows);
    rows = json_of("show %s/shown.db front --format json", folder());
    assert_true(json_array_size(rows) >= 1);
    json_t *first = json_array_get(rows, 0);
    double volume = number(first, "hypervolume");
    assert_true(volume > best * (1 - 1e-12) && volume < best * (1 + 1e-12));
    assert_true(json_is_true(json_object_get(first, "nondominated")));
    assert_int_equal(json_array_size(json_object_get(first, "reference")), 2);
    json_decref(rows);
    rows = json_of("show %s/shown.db front --all --format json", folder());
    assert_int_equal(json_array_size(rows), 6);
    json_decref(rows);
    struct ran ran = run("show %s/shown.db front", folder());
    assert_non_null(strstr(ran.out, "hypervolume"));
    assert_non_null(strstr(ran.out, "from reference (0, 0)"));
    ran_free(&ran);
}

static void export_writes_what_was_measured(void **state) {
    (void)state;
    new_store("export.db");
    json_t *rows =
        json_of("merge %s/export.db --method task-arithmetic --format json", folder());
    char hex[65];
    snprintf(hex, sizeof hex, "%s", string(json_array_get(rows, 0), "model_sha256"));
    json_decref(rows);
    struct ran ran = run("export %s/export.db --solution 1 --out %s/model --head b",
                         folder(), folder());
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.out, "");
    ran_free(&ran);
    char path[1024];
    snprintf(path, sizeof path, "%s/model/pwemoe.json", folder());
    json_t *provenance = json_load_file(path, 0, NULL);
    assert_string_equal(string(provenance, "model_sha256"), hex);
    json_decref(provenance);
    ran = shell("cd %s/model && test -s model.safetensors && test -s config.json && "
                "test -s heads/a.safetensors",
                folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    rows = json_of("eval %1$s/export.db --model %1$s/model --format json", folder());
    assert_string_equal(string(json_array_get(rows, 0), "model_sha256"), hex);
    json_decref(rows);
    expect_error(1, "exists already", "export %s/export.db --solution 1 --out %s/model",
                 folder(), folder());
    ran = run("merge %s/export.db --method stl", folder());
    ran_free(&ran);
    expect_error(1, "no single model", "export %s/export.db --solution 3 --out %s/stl",
                 folder(), folder());
}

static void starts_with(const char *name, const char *magic, size_t length) {
    char path[1024], bytes[16] = {0};
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_true(fread(bytes, 1, length, file) == length);
    assert_memory_equal(bytes, magic, length);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    assert_true(ftell(file) > 2000);
    fclose(file);
}

static void plots_of_every_kind(void **state) {
    (void)state;
    static const char *const kinds[] = {"scatter", "parallel",   "routing", "simplex",
                                        "scaling", "similarity", "training"};
    new_store("plot.db");
    expect_error(1, "no solution with complete figures",
                 "plot %1$s/plot.db --out %1$s/p.png", folder());
    expect_error(1, "no trained routers",
                 "plot %1$s/plot.db --kind routing --out %1$s/p.png", folder());
    expect_error(1, "no complete merge with a scaling coefficient",
                 "plot %1$s/plot.db --kind scaling --out %1$s/p.png", folder());
    expect_error(1, "no training curve",
                 "plot %1$s/plot.db --kind training --out %1$s/p.png", folder());
    struct ran ran =
        shell("f=%s/plot.db; ./pwemoe merge $f --method stl,task-arithmetic --scales "
              "0:1:3 && ./pwemoe train $f --steps 12 --batch 2 --upscale all && "
              "./pwemoe front $f --grid 3",
              folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        ran = shell("for e in png svg pdf; do ./pwemoe plot %1$s/plot.db --kind %2$s "
                    "--out %1$s/p.$e || exit 9; done; ! ls %1$s/*.part",
                    folder(), kinds[i]);
        if (ran.status)
            fail_msg("%s: '%s'", kinds[i], ran.err);
        ran_free(&ran);
        starts_with("p.png", "\x89PNG\r\n\x1a\n", 8);
        starts_with("p.svg", "<?xml", 5);
        starts_with("p.pdf", "%PDF-", 5);
    }
    json_t *rows = json_of("show %s/plot.db routing --format json", folder());
    /* Two tasks' preferences, two blocks of four modules with patch embedding and last
     * norm, two experts. */
    assert_int_equal(json_array_size(rows), 2 * 10 * 2);
    json_decref(rows);
    rows = json_of("show %s/plot.db similarity --format json", folder());
    for (size_t i = 0; i < json_array_size(rows); i++) {
        double cosine = number(json_array_get(rows, i), "cosine");
        assert_true(cosine >= -1 && cosine <= 1);
    }
    json_decref(rows);
    expect_error(2, "--out is missing", "plot %s/plot.db", folder());
    expect_error(2, "must end in .png", "plot %s/plot.db --out p.jpg", folder());
    expect_error(2, "--size", "plot %s/plot.db --out p.png --size 10x10", folder());
    expect_error(2, "from 800x560 (with --font 40)",
                 "plot %s/plot.db --out p.png --size 600x600 --font 40", folder());
    expect_error(2, "pixels on a side",
                 "plot %s/plot.db --out p.png --size 9000x600 --dpi 600", folder());
    expect_error(1, "no two runs that differ in their seed alone",
                 "plot %s/plot.db --kind attainment --out p.png", folder());
    ran = shell("f=%1$s/plot.db; ./pwemoe train $f --steps 12 --batch 2 --upscale all "
                "--seed 1 && ./pwemoe front $f --grid 3 && ./pwemoe plot $f --kind "
                "attainment --out %1$s/p.svg && grep -q '<path' %1$s/p.svg",
                folder());
    if (ran.status)
        fail_msg("attainment: '%s'", ran.err);
    ran_free(&ran);
    expect_error(2, "scatter|ternary", "plot %s/plot.db --kind pie --out p.png",
                 folder());
    expect_error(1, "no task 'aa'; did you mean 'a'?",
                 "plot %s/plot.db --x aa --out p.png", folder());
    expect_error(1, "for three tasks", "plot %s/plot.db --kind ternary --out p.png",
                 folder());
    expect_error(1, "No such file", "plot %s/plot.db --out %s/none/p.png", folder(),
                 folder());
    /* A chart that cannot be written whole leaves what was there, and nothing else. */
    ran = shell("mkdir %1$s/charts; cd %1$s/charts; echo old > f.png; "
                "echo mine > f.png.part; cd - > /dev/null; trap '' XFSZ; ulimit -f 64; "
                "./pwemoe plot %1$s/plot.db --size 6000x6000 --out %1$s/charts/f.png",
                folder());
    assert_int_equal(ran.status, 1);
    assert_non_null(strstr(ran.err, "File too large"));
    ran_free(&ran);
    ran = shell("cd %1$s/charts; cat f.png f.png.part; ls -A | wc -l", folder());
    assert_string_equal(ran.out, "old\nmine\n2\n");
    ran_free(&ran);
    ran = shell("./pwemoe plot %1$s/plot.db --out %1$s/charts/f.png && cd %1$s/charts "
                "&& head -c 4 f.png | tail -c 3 && cat f.png.part",
                folder());
    assert_string_equal(ran.out, "PNGmine\n");
    ran_free(&ran);
}

/* The same tensors under another config.json are another model. */
static void a_model_of_another_config_is_refused(void **state) {
    (void)state;
    static const char *const changes[][2] = {
        {"s/\\(num_attention_heads\": \\)[0-9]*/\\11/",
         "num_attention_heads is 1, the pretrained"},
        {"s/\\(hidden_act\": \"\\)[a-z_]*/\\1relu/",
         "hidden_act is relu, the pretrained"},
        {"s/\\(layer_norm_eps\": \\)[-0-9.e]*/\\10.25/",
         "layer_norm_eps is 0.25, the pretrained"}};
    new_store("config.db");
    write_file("other.yaml", "pretrained: shape\ntasks:\n"
                             "  a: {expert: unlike, test: "
                             "data/a-test-images-idx3-ubyte}\n");
    for (size_t i = 0; i < 3; i++) {
        struct ran ran =
            shell("cd %1$s; rm -rf shape unlike; cp -r %2$s/vit shape; cp "
                  "-r %2$s/vit-expert0 unlike; chmod -R u+w unlike; sed -i "
                  "'%3$s' unlike/config.json",
                  folder(), models(), changes[i][0]);
        assert_int_equal(ran.status, 0);
        ran_free(&ran);
        expect_error(1, changes[i][1], "init %1$s/other.db %1$s/other.yaml", folder());
        expect_error(1, changes[i][1], "eval %1$s/config.db --model %1$s/unlike",
                     folder());
    }
}

/* All models get the same inputs: an expert that was trained on others is no such one.
 */
static void an_expert_with_other_inputs_is_refused(void **state) {
    (void)state;
    new_store("inputs.db");
    write_file("inputs.yaml", "pretrained: shape\ntasks:\n"
                              "  a: {expert: unlike, test: "
                              "data/a-test-images-idx3-ubyte}\n");
    struct ran ran = shell("cd %1$s; rm -rf shape unlike; cp -r %2$s/vit shape; cp -r "
                           "%2$s/vit-expert0 unlike; chmod -R u+w shape unlike; "
                           "sed 's/\\(resample\": *\\)[0-9]/\\12/' "
                           "shape/preprocessor_config.json "
                           ">unlike/preprocessor_config.json; ! cmp -s "
                           "shape/preprocessor_config.json "
                           "unlike/preprocessor_config.json",
                           folder(), models());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    expect_error(1, "prepares images differently",
                 "init %1$s/inputs-other.db "
                 "%1$s/inputs.yaml",
                 folder());
    ran = shell("cd %s; cp shape/preprocessor_config.json unlike", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    ran = run("init %1$s/inputs-same.db %1$s/inputs.yaml", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    /* What nothing could be measured with is said at once. */
    write_file("shape/preprocessor_config.json", "{\"resample\": 77}");
    expect_error(1, "image_size is 12", "init %1$s/inputs-bad.db %1$s/inputs.yaml",
                 folder());
}

/* Paths in a results.db are relative to where it lies, not to where a link to it does.
 */
static void a_link_to_a_store_finds_its_models(void **state) {
    (void)state;
    struct ran ran = shell("cd %1$s && mkdir -p far/away && cp -r %2$s/vit %2$s/"
                           "vit-expert0 far/ && cp data/a-test-images-idx3-ubyte "
                           "data/a-test-labels-idx1-ubyte far/",
                           folder(), models());
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    write_file("far/link.yaml", "pretrained: vit\ntasks:\n"
                                "  a: {expert: vit-expert0, "
                                "test: a-test-images-idx3-ubyte}\n");
    ran = shell("cd %1$s/far && ln -s ../real.db away/link.db && cd - > /dev/null && "
                "./pwemoe init %1$s/far/real.db %1$s/far/link.yaml --quiet && "
                "./pwemoe eval %1$s/far/away/link.db --model %1$s/far/vit-expert0",
                folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
}

/* An expert that is not the one of `init` any more. */
static void a_changed_expert_is_refused(void **state) {
    (void)state;
    struct ran ran = shell("cp -r %1$s/vit-expert0 %2$s/mine && chmod -R u+w %2$s/mine",
                           models(), folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    char recipe[2048];
    snprintf(recipe, sizeof recipe,
             "pretrained: %s/vit\ntasks:\n  a: {expert: mine, test: "
             "data/a-test-images-idx3-ubyte}\n",
             models());
    write_file("mine.yaml", recipe);
    ran = run("init %s/mine.db %s/mine.yaml", folder(), folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    ran = shell("cp %s/vit-expert1/* %s/mine/", models(), folder());
    ran_free(&ran);
    expect_error(1, "not the checkpoint", "merge %s/mine.db --method average",
                 folder());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_keeps_the_recipe),
        cmocka_unit_test(init_refuses),
        cmocka_unit_test(merge_measures_once),
        cmocka_unit_test(merge_refuses),
        cmocka_unit_test(imported_figures_have_no_count),
        cmocka_unit_test(show_front_has_the_hypervolume),
        cmocka_unit_test(export_writes_what_was_measured),
        cmocka_unit_test(plots_of_every_kind),
        cmocka_unit_test(a_model_of_another_config_is_refused),
        cmocka_unit_test(an_expert_with_other_inputs_is_refused),
        cmocka_unit_test(a_link_to_a_store_finds_its_models),
        cmocka_unit_test(a_changed_expert_is_refused),
    };
    return cmocka_run_group_tests(tests, make_project, NULL);
}
