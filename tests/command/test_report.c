/* pwemoe report: what stands in the page, and that it is written whole or not at
 * all. */
#include <math.h>
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

#include "base/memory.h"
#include "moe/routers.h"
#include "run.h"
#include "store/store.h"

static struct error error;

static void done(int result) {
    if (result)
        fail_msg("%s", error.text);
}

/* A solution with these figures of two tasks; NaN for none. */
static void add(struct store *store, enum store_kind kind, const char *method,
                const char *parameters, const double *preference, int64_t routers,
                double a, double b) {
    struct store_solution solution = {.kind = kind,
                                      .method = (char *)(uintptr_t)method,
                                      .parameters = (char *)(uintptr_t)parameters,
                                      .preference = (double *)(uintptr_t)preference,
                                      .routers = routers,
                                      .seconds = strcmp(method, "ties") == 0 ? a : 0,
                                      .peak_bytes = (uint64_t)b << 20};
    bool imported = kind == STORE_KIND_IMPORT;
    double values[] = {a, b};
    done(store_solution_put(store, &solution, &error));
    for (size_t t = 0; t < 2; t++) {
        struct store_evaluation e = {.objective = t,
                                     .split = "test",
                                     .value = values[t],
                                     .low = values[t] - (imported ? 0 : 1),
                                     .high = values[t] + (imported ? 0 : 1),
                                     .examples = imported ? 0 : 500,
                                     .complete = true,
                                     .imported = imported};
        if (isfinite(values[t]))
            done(store_evaluations_put(store, solution.id, NULL, &e, 1, &error));
    }
}

static int64_t add_routers(struct store *store, struct store_run *run, unsigned step) {
    struct random random;
    struct routers *routers;
    struct store_routers stored = {.step = step};
    random_seed(&random, step, 0);
    done(routers_new(UPSCALE_MLP, 2, 12, 2, 0.3f, &random, &routers, &error));
    done(routers_to_memory(routers, &stored.blob, &stored.size, &error));
    run->steps_done = step;
    run->seconds = 12.5;
    run->trainable = routers->count;
    run->peak_bytes = (uint64_t)3 << 30;
    struct store_curve_point points[] = {{step, 0, 1.5}, {step, 1, 0.5}};
    done(store_run_save(store, run, &stored, NULL, 0, points, 2, &error));
    routers_free(routers);
    free(stored.blob);
    return stored.id;
}

static void make_store(const char *name) {
    static const double equal[] = {0.5, 0.5}, first[] = {1, 0}, other[] = {0.3, 0.7};
    struct store_task tasks[] = {
        {.name = "cars", .objective = {.metric = "accuracy", .unit = "%"}},
        {.name = "<b>|*x*\x1b[2J", .objective = {.metric = "accuracy", .unit = "%"}}};
    for (size_t t = 0; t < 2; t++) {
        tasks[t].objective.maximise = true;
        tasks[t].objective.reference = 10;
    }
    struct store_recipe recipe = {
        .name = "a & b", .model = "vit", .task_count = 2, .tasks = tasks};
    struct store *store;
    char *path = text_format("%s/%s", folder(), name);
    done(store_create(path, &recipe, &store, &error));
    free(path);
    add(store, STORE_KIND_SINGLE, "pretrained", NULL, NULL, 0, 40, 50);
    add(store, STORE_KIND_SINGLE, "stl", NULL, NULL, 0, 90, 95);
    add(store, STORE_KIND_MERGE, "average", NULL, NULL, 0, 60, 60);
    add(store, STORE_KIND_MERGE, "ties", "{\"scale\":0.2}", NULL, 0, 50, 70);
    add(store, STORE_KIND_MERGE, "ties", "{\"scale\":0.3}", NULL, 0, 61, 71);
    add(store, STORE_KIND_MERGE, "ties", "{\"scale\":0.4}", NULL, 0, 52, 62);
    struct store_run run = {.method = "ls", .upscale = "mlp", .steps = 400};
    done(store_run_begin(store, &run, &error));
    int64_t early = add_routers(store, &run, 200), late = add_routers(store, &run, 400);
    add(store, STORE_KIND_PWEMOE, "ls", NULL, equal, early, 99, 99);
    add(store, STORE_KIND_PWEMOE, "ls", NULL, equal, late, 70, 80);
    add(store, STORE_KIND_PWEMOE, "ls", NULL, first, late, 85, 60);
    add(store, STORE_KIND_PWEMOE, "ls", NULL, other, late, 65, 82);
    add(store, STORE_KIND_IMPORT, "Ours|LS", NULL, NULL, 0, 77, 66);
    add(store, STORE_KIND_MERGE, "task-arithmetic", "{\"scale\":0.9}", NULL, 0, 55,
        (double)NAN);
    struct store_run full = {.method = "ls",
                             .upscale = "",
                             .steps = 9,
                             .steps_done = 9,
                             .seconds = 7,
                             .trainable = 5678901,
                             .complete = true};
    done(store_run_begin(store, &full, &error));
    struct store_run stl = {.method = "stl",
                            .upscale = "",
                            .parameters = "{\"task\":\"cars\"}",
                            .seconds = 3,
                            .peak_bytes = 1536 << 10};
    done(store_run_begin(store, &stl, &error));
    store_close(store);
}

/* A sweep of two losses, of which the middle is the best; or with an accuracy beside
 * one, so that there is no average and none is the best. */
static void make_losses(const char *name, bool mixed) {
    struct store_task tasks[] = {
        {.name = "cars", .objective = {.metric = "loss", .unit = "nats"}},
        {.name = "text", .objective = {.metric = "loss", .unit = "nats"}}};
    tasks[0].objective.reference = tasks[1].objective.reference = 9;
    if (mixed)
        tasks[1].objective = (struct store_objective){NULL, "accuracy", "%", true, 0};
    struct store_recipe recipe = {
        .name = "losses", .model = "vit", .task_count = 2, .tasks = tasks};
    struct store *store;
    char *path = text_format("%s/%s", folder(), name);
    done(store_create(path, &recipe, &store, &error));
    free(path);
    add(store, STORE_KIND_SINGLE, "pretrained", NULL, NULL, 0, 4.1, 4.2);
    add(store, STORE_KIND_SINGLE, "stl", NULL, NULL, 0, 1.1, 1.2);
    add(store, STORE_KIND_MERGE, "ties", "{\"scale\":0.2}", NULL, 0, 3.1, 3.2);
    add(store, STORE_KIND_MERGE, "ties", "{\"scale\":0.3}", NULL, 0, 2.1234, 2.2);
    add(store, STORE_KIND_MERGE, "ties", "{\"scale\":0.4}", NULL, 0, 3.6, 3.8);
    store_close(store);
}

static char *read_text(const char *name) {
    static char text[1 << 22];
    char *path = text_format("%s/%s", folder(), name);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("%s is not there", path);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    free(path);
    return text;
}

static void holds(const char *text, const char *const *lines, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!strstr(text, lines[i]))
            fail_msg("no \"%s\" in %s", lines[i], text);
}

static void test_page(void **state) {
    (void)state;
    static const char *const markdown[] = {
        "# a &amp; b\n",
        "| Method | cars | &lt;b>\\|\\*x\\*\\\\x1B\\[2J | Avg. |\n"
        "| :--- | ---: | ---: | ---: |\n",
        /* The average's half interval is sqrt(1 + 1) / 2; what is imported has none. No
         * answers are kept, so that figures alone say what is best. */
        "| ○ pretrained | 40.0 ± 1.0 | 50.0 ± 1.0 | 45.0 ± 0.7 |\n"
        "| ▲ STL, own experts | 90.0 ± 1.0 | 95.0 ± 1.0 | 92.5 ± 0.7 |\n"
        "| ■ simple average | 60.0 ± 1.0 | 60.0 ± 1.0 | 60.0 ± 0.7 |\n"
        "| \\+ TIES (scale 0.3, best of 3) | 61.0 ± 1.0 | <u>71.0 ± 1.0</u> | 66.0 ± "
        "0.7 "
        "|\n"
        "| • routers ls mlp (run 1), equal weights | 70.0 ± 1.0 | **80.0 ± 1.0** | "
        "**75.0 ± 0.7** |\n"
        "| • routers ls mlp (run 1), all for cars | **85.0 ± 1.0** | 60.0 ± 1.0 | "
        "<u>72.5 ± 0.7</u> |\n"
        "| ▪ Ours\\|LS (imported) | <u>77.0</u> | 66.0 | 71.5 |\n\n",
        /* 60 of 90 and 60 of 95. */
        "| ■ simple average | 66.7 | 63.2 | 64.9 |\n",
        /* By hand, from (10, 10): 51 x 61; and 75 x 50 + 60 x 20 + 55 x 2. The union
         * holds the early routers' (99, 99) too, which dominates all. */
        "| TIES | 3 | 1 | 3111 | 47.202 |\n",
        "| routers ls mlp (run 1) | 3 | 3 | 5060 | 34.670 |\n",
        "| all of these | 8 | 1 | 7921 | 0.000 |\n",
        /* (50 + 61 + 52) / 3 seconds, the most of 70, 71 and 62 MiB. */
        "| TIES | – | – | 54.333 | 71 |\n",
        "| routers ls mlp (run 1) | 264 | 400 | 12.5 | 3072 |\n"
        "| trained whole, ls (run 2) | 5678901 | 9 | 7.0 | – |\n"
        "| STL for cars (run 3) | – | 0 | 3.0 | 2 |\n",
        "](scatter-1-2.png)\n",
        "](scaling.png)\n",
        "](routing-run-1.png)\n",
        "](training-run-1.png)\n",
        "![cars and &lt;b>\\|\\*x\\*\\\\x1B\\[2J;",
        "| 70.00 (69.0 to 71.0) |",
        "| 77.00 | 66.00 | 71.50 |\n",
        "1 models with partial, stale or no figures are left out.",
    };
    static const char *const html[] = {
        "<title>a &amp; b</title>",
        "<th>&lt;b&gt;|*x*\\x1B[2J</th>",
        "<tr><td class=\"l\"><span style=\"color:#009e73\">&#9650;</span> "
        "STL, own experts</td><td>90.0 ± 1.0</td><td>95.0 ± 1.0</td>"
        "<td>92.5 ± 0.7</td></tr>",
    };
    make_store("results.db");
    struct ran ran = run("report %1$s/results.db --out %1$s/report/", folder());
    if (ran.status || *ran.out)
        fail_msg("%d %s", ran.status, ran.err);
    ran_free(&ran);
    char *text = read_text("report/report.md");
    holds(text, markdown, sizeof markdown / sizeof *markdown);
    assert_null(strchr(text, '\x1b'));
    text = read_text("report/report.tex");
    assert_non_null(strstr(text, "Method & cars & \\textless{}b\\textgreater{}"
                                 "\\textbar{}*x*\\textbackslash{}x1B[2J & Avg. \\\\\n"
                                 "\\midrule\n"));
    assert_non_null(strstr(text,
                           "\\addlinespace\n"
                           "routers ls mlp (run 1), equal weights & 70.0 $\\pm$ 1.0 "
                           "& \\textbf{80.0 $\\pm$ 1.0} &"));
    assert_non_null(strstr(text, "TIES (scale 0.3, best of 3) & 61.0 $\\pm$ 1.0 & "
                                 "\\underline{71.0 $\\pm$ 1.0} &"));
    assert_non_null(strstr(text, "& -- & -- & 54.333 & 71 \\\\\n"));
    assert_null(strchr(text, '\x1b'));
    text = read_text("report/report.html");
    holds(text, html, sizeof html / sizeof *html);
    /* Whole by itself: nothing is loaded, not even from beside it. */
    assert_true(!strstr(text, "<b>") && !strstr(text, "<script") &&
                !strstr(text, "http:") && !strstr(text, "https:"));
    text = read_text("report/accuracy.csv");
    assert_non_null(strstr(text, "Method,cars,cars_half,<b>|*x*\\x1B[2J,"
                                 "<b>|*x*\\x1B[2J_half,Avg.,Avg._half\r\n"));
    assert_non_null(
        strstr(text, "\"STL, own experts\",90,1,95,1,92.5,0.7071067812\r\n"));
    assert_non_null(strstr(text, "Ours|LS (imported),77,,66,,71.5,\r\n"));
    text = read_text("report/fronts.csv");
    assert_non_null(strstr(text, "TIES,3,1,3111,47.2"));
    text = read_text("report/report.html");
    size_t pictures = 0;
    for (const char *at = text; (at = strstr(at, " src=")); at++, pictures++)
        assert_int_equal(strncmp(at, " src=\"data:image/png;base64,iVBORw0KGgo", 39),
                         0);
    assert_int_equal(pictures, 4);
    /* The picture in the page is the one beside it. */
    ran = shell(
        "cd %s/report && ls *.png | wc -l && "
        "sed -n 's/.*base64,\\([^\"]*\\)\".*along the scaling.*/\\1/p' report.html "
        "| base64 -d | cmp - scaling.png && ls -a | wc -l",
        folder());
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.out,
                        "4\n13\n"); /* ., .., three texts, four pictures, four tables */
    ran_free(&ran);
}

/* A model with 40 examples a task of which the first `right` but for the first `wrong`
 * are answered rightly. */
static void add_answers(struct store *store, const char *method, int right, int wrong) {
    struct store_solution solution = {.kind = STORE_KIND_MERGE,
                                      .method = (char *)(uintptr_t)method};
    unsigned char bits[5] = {0};
    for (int i = wrong; i < right; i++)
        bits[i / 8] |= (unsigned char)(1 << i % 8);
    double value = 100.0 * (right - wrong) / 40;
    struct store_evaluation e[2] = {{.split = "test",
                                     .value = value,
                                     .low = value - 5,
                                     .high = value + 5,
                                     .examples = 40,
                                     .complete = true,
                                     .loss = (double)NAN,
                                     .correct = bits,
                                     .correct_size = sizeof bits}};
    e[1] = e[0];
    e[1].objective = 1;
    done(store_solution_put(store, &solution, &error));
    done(store_evaluations_put(store, solution.id, NULL, e, 2, &error));
}

/* 36 right of 40 against 31: by McNemar on 5 examples, all of them one way, p is 2 /
 * 2^5 = 0.0625, which tells nothing apart; over both tasks p is 2 / 2^10. */
static void test_paired(void **state) {
    (void)state;
    struct store_task tasks[] = {
        {.name = "a", .objective = {.metric = "accuracy", .unit = "%"}},
        {.name = "b", .objective = {.metric = "accuracy", .unit = "%"}}};
    tasks[0].objective.maximise = tasks[1].objective.maximise = true;
    struct store_recipe recipe = {.name = "p", .task_count = 2, .tasks = tasks};
    struct store *store;
    char *path = text_format("%s/paired.db", folder());
    done(store_create(path, &recipe, &store, &error));
    free(path);
    add_answers(store, "average", 36, 0);
    add_answers(store, "regmean", 31, 0);
    add_answers(store, "fisher", 20, 0);
    store_close(store);
    struct ran ran = run("report %1$s/paired.db --out %1$s/paired", folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    static const char *const markdown[] = {
        "simple average | **90.0 ± 5.0** | **90.0 ± 5.0** | **90.0 ± 3.5** |\n",
        "RegMean | **77.5 ± 5.0** | **77.5 ± 5.0** | <u>77.5 ± 3.5</u> |\n",
        "Fisher merging | <u>50.0 ± 5.0</u> | <u>50.0 ± 5.0</u> | 50.0 ± 3.5 |\n"};
    holds(read_text("paired/report.md"), markdown, sizeof markdown / sizeof *markdown);
}

/* The lines of a command's output. */
static size_t lines_of(const char *words) {
    struct ran ran = run(words, folder());
    size_t lines = 0;
    if (ran.status)
        fail_msg("%s: %s", words, ran.err);
    for (const char *c = ran.out; *c; c++)
        lines += *c == '\n';
    ran_free(&ran);
    return lines;
}

static void test_where(void **state) {
    (void)state;
#define SHOW "show %s/results.db solutions --format csv "
    /* Each with a line of names. */
    assert_int_equal(lines_of(SHOW "--where 'method == ties && scale >= 0.3'"), 3);
    assert_int_equal(lines_of(SHOW "--where 'cars >= 85 && answers'"), 3);
    assert_int_equal(lines_of(SHOW "--where 'cars > 1000'"), 1);
    assert_int_equal(lines_of(SHOW "--where 'state == partial'"), 1);
    assert_int_equal(lines_of(SHOW "--all --where 'state == partial'"), 2);
    assert_int_equal(lines_of(SHOW "--method ls --where 'cars < 80'"), 3);
    /* The front is of what is left: without the early routers it has more. */
    assert_int_equal(lines_of("show %s/results.db front --format csv"), 2);
    assert_int_equal(
        lines_of("show %s/results.db front --format csv --where 'average < 90'"), 4);
    assert_int_equal(
        lines_of("plot %1$s/results.db --out %1$s/some.svg --quiet --where "
                 "'!(method == stl)'"),
        0);
    expect_error(2,
                 "--where: at character 11: unknown name 'metod'; did you mean "
                 "'method'?",
                 SHOW "--where 'front && (metod == ties)'", folder());
    expect_error(1, "no solution with complete figures",
                 "plot %1$s/results.db --out %1$s/none.svg --where 'cars > 1000'",
                 folder());
    expect_error(2, "at character 7: a value is missing at the end",
                 "plot %1$s/results.db --out %1$s/none.svg --where 'cars >'", folder());
#undef SHOW
}

/* Each series against the front of all, which is as good as itself. */
static void test_indicators(void **state) {
    (void)state;
    make_store("indicators.db");
    json_t *rows = json_of("show %s/indicators.db indicators --format json", folder());
    size_t count = json_array_size(rows), points = 0;
    assert_true(count > 2);
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_array_get(rows, i);
        double share = json_number_value(json_object_get(row, "hypervolume_share"));
        double igd = json_number_value(json_object_get(row, "igd_plus"));
        double r2 = json_number_value(json_object_get(row, "r2"));
        bool all = i + 1 == count;
        json_t *of_all = json_array_get(rows, count - 1);
        assert_true(all ? share == 1 && igd == 0 : share <= 1 && igd >= 0);
        assert_true(r2 >= json_number_value(json_object_get(of_all, "r2")));
        size_t here = (size_t)json_integer_value(json_object_get(row, "points"));
        assert_true(!all || here == points);
        points += here;
    }
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(rows, count - 1), "series")),
        "all of these");
    json_decref(rows);
    rows =
        json_of("show %s/indicators.db front --all --subset 1 --format json", folder());
    size_t chosen = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        bool first = json_integer_value(json_object_get(row, "rank")) == 1;
        assert_int_equal(json_is_true(json_object_get(row, "nondominated")), first);
        assert_int_equal(json_is_array(json_object_get(row, "pseudo_weights")), first);
        chosen += json_integer_value(json_object_get(row, "subset")) == 1;
    }
    assert_int_equal(chosen, 1);
    json_decref(rows);
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *words;
        int status;
        const char *says;
    } cases[] = {
        {"report %1$s/results.db", 2, "--out is missing"},
        {"report %1$s/none.db --out %1$s/new", 1, "none.db: No such file"},
        {"report %1$s/results.db --out %1$s/report", 1, "report: exists already"},
        {"report %1$s/results.db --out %1$s/results.db", 1, "exists already"},
        {"report %1$s/results.db --out %1$s/no/new", 1, "No such file"},
        {"report %1$s/results.db --out /proc/new", 1, "cannot be created"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ran ran = run(cases[i].words, folder());
        if (ran.status != cases[i].status || !is_one_line(ran.err) ||
            !strstr(ran.err, cases[i].says))
            fail_msg("%s: %d %s", cases[i].words, ran.status, ran.err);
        ran_free(&ran);
    }
    char *path = text_format("%s/new", folder());
    assert_true(access(path, F_OK) != 0);
    free(path);
}

/* Of losses the least is the best, and they have more decimals. */
static void test_losses(void **state) {
    (void)state;
    for (int mixed = 0; mixed < 2; mixed++) {
        make_losses(mixed ? "mixed.db" : "losses.db", mixed);
        struct ran ran = run(mixed ? "report %1$s/mixed.db --out %1$s/mixed"
                                   : "report %1$s/losses.db --out %1$s/losses",
                             folder());
        if (ran.status)
            fail_msg("%d %s", ran.status, ran.err);
        ran_free(&ran);
        const char *text = read_text(mixed ? "mixed/report.md" : "losses/report.md");
        if (mixed) {
            assert_null(strstr(text, ", best of 3"));
            assert_non_null(strstr(text, "TIES (scale 0.2) | "));
            assert_non_null(strstr(text, "TIES (scale 0.4) | "));
        } else {
            assert_non_null(strstr(text, "TIES (scale 0.3, best of 3) | **2.123 ± "));
        }
        assert_non_null(strstr(text, "Figures along the scaling coefficient."));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page),       cmocka_unit_test(test_losses),
        cmocka_unit_test(test_paired),     cmocka_unit_test(test_where),
        cmocka_unit_test(test_indicators), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
