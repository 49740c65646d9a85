/* One name, one mark and one colour for each way of making models: on the screen, in
 * charts and in reports. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <cmocka.h>

#include "../command/run.h"
#include "base/memory.h"
#include "base/random.h"
#include "fixture.h"
#include "merge/method.h"
#include "moe/routers.h"
#include "panels/views.h"
#include "plot/chart.h"
#include "plot/points.h"
#include "results/catalog.h"

enum { TASKS = 2 };

static struct error error;

static struct store *open_store(const char *path, enum store_mode mode) {
    struct store *store;
    if (store_open(path, mode, &store, &error))
        fail_msg("%s", error.text);
    return store;
}

static void put_at(struct store *store, enum store_kind kind, const char *method,
                   int64_t routers, const double *preference, double value) {
    struct store_solution solution = {.kind = kind,
                                      .method = (char *)method,
                                      .preference = (double *)preference,
                                      .routers = routers,
                                      .label = ""};
    fixture_put(store, &solution, (double[]){value, 100 - value}, TASKS);
}

static void put(struct store *store, enum store_kind kind, const char *method,
                int64_t routers, double value) {
    put_at(store, kind, method, routers, routers ? (double[]){0.5, 0.5} : NULL, value);
}

/* A run whose routers can be read: a report draws them. */
static int64_t put_run(struct store *store, const char *method,
                       enum granularity upscale) {
    struct store_run run = {.method = (char *)method,
                            .upscale = upscale == UPSCALE_ALL ? "all" : "mlp",
                            .steps = 1,
                            .steps_done = 1,
                            .complete = true};
    struct store_routers stored = {.step = 1};
    struct routers *routers;
    struct random random;
    random_seed(&random, 1, 0);
    if (routers_new(upscale, 2, 3, TASKS, 0.3f, &random, &routers, &error) ||
        routers_to_memory(routers, &stored.blob, &stored.size, &error) ||
        store_run_begin(store, &run, &error) ||
        store_run_save(store, &run, &stored, NULL, 0, NULL, 0, &error))
        fail_msg("%s", error.text);
    routers_free(routers);
    free(stored.blob);
    return stored.id;
}

/* Every merging method of the table, every way of training, and figures from elsewhere:
 * all of the front, so that each is drawn. */
static void write_all(const char *path) {
    const struct fixture_options options = {.tasks = TASKS, .edge = 0};
    static const char *const trained[] = {"ls", "epo", "mgda"};
    size_t count;
    const struct merge_method *const *methods = merge_methods(&count);
    fixture_write(path, &options);
    struct store *store = open_store(path, STORE_READ_WRITE);
    for (size_t i = 0; i < count; i++)
        put(store,
            strcmp(methods[i]->name, "pretrained") ? STORE_KIND_MERGE
                                                   : STORE_KIND_SINGLE,
            methods[i]->name, 0, 20 + (double)i);
    put(store, STORE_KIND_SINGLE, "stl", 0, 95);
    for (size_t i = 0; i < 3; i++) {
        put(store, STORE_KIND_TRAIN, trained[i], 0, 80 + (double)i);
        put(store, STORE_KIND_PWEMOE, trained[i],
            put_run(store, trained[i], i ? UPSCALE_ALL : UPSCALE_MLP), 60 + (double)i);
    }
    put(store, STORE_KIND_PWEMOE, "ls", put_run(store, "ls", UPSCALE_ALL), 65);
    put(store, STORE_KIND_IMPORT, "ties", 0, 70);
    put_at(store, STORE_KIND_MERGE, "regmean", 0, (double[]){0.5, 0.5}, 71);
    store_close(store);
}

static struct catalog *read_catalog(const char *path) {
    struct store *store = open_store(path, STORE_READ_ONLY);
    struct catalog *catalog;
    if (catalog_read_solutions(store, "test", &catalog, &error))
        fail_msg("%s", error.text);
    store_close(store);
    return catalog;
}

static const struct series *find(const struct catalog *catalog, const char *name) {
    for (size_t s = 0; s < catalog->series_count; s++)
        if (!strcmp(catalog->series[s].name, name))
            return &catalog->series[s];
    fail_msg("no series is called %s", name);
    return NULL;
}

static void each_has_a_look_of_its_own(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum mark mark;
        bool answers, merged;
    } known[] = {
        {"routers ls mlp", MARK_FRONT, true, true},
        {"routers epo all", MARK_ANSWER, true, true},
        {"pretrained", MARK_PRETRAINED, false, false},
        {"STL, own experts", MARK_STL, false, false},
        {"simple average", MARK_AVERAGE, false, true},
        {"task arithmetic", MARK_ARITHMETIC, false, true},
        {"TIES", MARK_TIES, false, true},
        {"Fisher merging", MARK_FISHER, false, true},
        {"RegMean", MARK_REGMEAN, false, true},
        {"RegMean by preference", MARK_ANSWER + 3, true, true},
        {"trained whole, ls", MARK_TRAINED, false, false},
        {"ties (imported)", MARK_OTHER, false, false},
    };
    char *path = text_format("%s/all.db", folder());
    write_all(path);
    struct catalog *catalog = read_catalog(path);
    size_t methods;
    merge_methods(&methods);
    assert_int_equal(catalog->series_count, methods + 10);
    for (size_t a = 0; a < catalog->series_count; a++)
        for (size_t b = 0; b < a; b++) {
            const struct series *x = &catalog->series[a], *y = &catalog->series[b];
            if (!strcmp(x->name, y->name) || x->mark == y->mark)
                fail_msg("%s looks like %s", x->name, y->name);
            assert_true(look_ascii[x->mark] != look_ascii[y->mark]);
            assert_true(look_unicode[x->mark] != look_unicode[y->mark]);
        }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const struct series *series = find(catalog, known[i].name);
        assert_int_equal(series->mark, known[i].mark);
        assert_int_equal(series->answers, known[i].answers);
        assert_int_equal(series->merged, known[i].merged);
        assert_int_equal(series->several, !strcmp(known[i].name, "STL, own experts"));
        assert_int_equal(series->count, 1);
    }
    catalog_free(catalog);
    free(path);
}

/* The screen's legend has the series' mark, ink and name in one line. */
static void on_screen(struct catalog *catalog) {
    struct explorer explorer;
    struct canvas canvas = {.marks = palette_marks(true)};
    explorer_init(&explorer, "file");
    assert_int_equal(explorer_take_catalog(&explorer, catalog), 0);
    assert_int_equal(canvas_resize(&canvas, 60, (int)catalog->series_count + 6), 0);
    struct view view = view_whole(&canvas);
    legend_view_draw(&view, &explorer, false);
    for (size_t s = 0; s < catalog->series_count; s++) {
        const struct series *series = &catalog->series[s];
        bool found = false;
        for (int y = 0; y < canvas.height && !found; y++) {
            const struct cell *mark = canvas_at(&canvas, 1, y);
            const char *name = series->name;
            found = mark->c == look_unicode[series->mark] && mark->ink == series->ink;
            for (int x = 3; found && *name; x++, name++)
                found = canvas_at(&canvas, x, y)->c == (wchar_t)*name;
        }
        if (!found)
            fail_msg("the screen's legend has not %s", series->name);
    }
    for (unsigned ink = INK_SERIES; ink < INK_COUNT; ink++)
        assert_int_equal(palette_colour((enum ink)ink, DEPTH_TRUE),
                         look_on_screen((enum ink)ink));
    canvas_free(&canvas);
    explorer_free(&explorer); /* the catalog too */
}

static void in_charts(const struct catalog *catalog) {
    struct plot_points points;
    bool *take = array_new(catalog->count, sizeof *take);
    bool *dimmed = array_new(catalog->count, sizeof *dimmed);
    memset(take, true, catalog->count * sizeof *take);
    assert_int_equal(plot_solutions(&points, catalog, take, dimmed, &error), 0);
    assert_int_equal(points.cloud.series_count, catalog->series_count);
    for (size_t s = 0; s < catalog->series_count; s++) {
        const struct plot_series *drawn = &points.cloud.series[s];
        const struct series *series = &catalog->series[s];
        assert_string_equal(drawn->name, series->name);
        assert_int_equal(drawn->mark, series->mark);
        assert_int_equal(drawn->ink, series->ink);
        assert_int_equal(drawn->joined, series->answers);
    }
    plot_points_clear(&points);
    free(take);
    free(dimmed);
}

static char *read_text(const char *name) {
    char *path = text_format("%s/report/%s", folder(), name), *text = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "r");
    if (!file || getdelim(&text, &size, '\0', file) < 0)
        fail_msg("%s is not there", path);
    fclose(file);
    free(path);
    return text;
}

static void in_the_report(const struct catalog *catalog) {
    struct ran ran = run("report %1$s/all.db --out %1$s/report", folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    char *markdown = read_text("report.md"), *html = read_text("report.html");
    for (size_t s = 0; s < catalog->series_count; s++) {
        const struct series *series = &catalog->series[s];
        bool ascii = look_unicode[series->mark] < 0x80;
        char *line = text_format("| %s%lc %s", ascii ? "\\" : "",
                                 (wint_t)look_unicode[series->mark], series->name);
        char *cell = text_format("<span style=\"color:#%06x\">&#%u;</span> %s",
                                 (unsigned)look_on_paper(series->ink),
                                 (unsigned)look_unicode[series->mark], series->name);
        if (!strstr(markdown, line) || !strstr(html, cell))
            fail_msg("the report has not %s", line);
        free(line);
        free(cell);
    }
    free(markdown);
    free(html);
}

static void the_same_everywhere(void **state) {
    (void)state;
    char *path = text_format("%s/all.db", folder());
    struct catalog *catalog = read_catalog(path);
    in_charts(catalog);
    in_the_report(catalog);
    on_screen(catalog);
    free(path);
}

/* A picture of one mark. */
static struct plot_png draw(enum mark mark) {
    struct plot_png png = {0};
    struct plot_page page = {.width = 40, .height = 40, .png = &png};
    struct chart *chart;
    assert_int_equal(chart_open(&page, &chart, &error), 0);
    chart_colour(chart, INK_SERIES, 1);
    chart_mark(chart, 20, 20, mark, 10);
    assert_int_equal(chart_close(chart, &error), 0);
    return png;
}

static void marks_of_charts_differ(void **state) {
    (void)state;
    struct plot_png pictures[MARK_COUNT];
    for (unsigned i = 0; i < MARK_COUNT; i++)
        pictures[i] = draw((enum mark)i);
    for (unsigned i = 0; i < MARK_COUNT; i++)
        for (unsigned k = 0; k < i; k++)
            if (pictures[i].size == pictures[k].size &&
                !memcmp(pictures[i].data, pictures[k].data, pictures[i].size))
                fail_msg("marks %u and %u are drawn alike", k, i);
    for (unsigned i = 0; i < MARK_COUNT; i++)
        free(pictures[i].data);
}

/* A series keeps its look while others join it, and a hundred of them still differ in
 * mark or colour as far as there are any. */
static void looks_stay(void **state) {
    (void)state;
    char *path = text_format("%s/grows.db", folder());
    const struct fixture_options options = {
        .tasks = TASKS, .edge = 3, .baselines = true};
    fixture_write(path, &options);
    struct store *store = open_store(path, STORE_READ_WRITE);
    struct catalog *before = read_catalog(path);
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof name, "method %d", i);
        put(store, i % 2 ? STORE_KIND_IMPORT : STORE_KIND_MERGE, name, 0, 10 + i / 2.0);
        if (i % 25)
            continue;
        struct catalog *after = read_catalog(path);
        for (size_t s = 0; s < before->series_count; s++) {
            const struct series *old = &before->series[s],
                                *new = find(after, old->name);
            assert_string_equal(new->key, old->key);
            assert_int_equal(new->mark, old->mark);
            assert_int_equal(new->ink, old->ink);
        }
        catalog_free(before);
        before = after;
    }
    size_t alike = 0, first = before->series_count < 40 ? before->series_count : 40;
    for (size_t a = 0; a < first; a++)
        for (size_t b = 0; b < a; b++)
            alike += before->series[a].mark == before->series[b].mark &&
                     before->series[a].ink == before->series[b].ink;
    assert_int_equal(alike, 0);
    catalog_free(before);
    store_close(store);
    free(path);
}

/* A run of pwemoe map over a merging method: the number of its surrogate. */
static int64_t put_surrogate(struct store *store, const char *parameters) {
    struct store_run run = {.method = "map",
                            .upscale = STORE_SURROGATE,
                            .parameters = (char *)parameters,
                            .steps = 1,
                            .steps_done = 1,
                            .complete = true};
    struct store_routers stored = {.step = 1, .blob = "x", .size = 1};
    if (store_run_begin(store, &run, &error) ||
        store_run_save(store, &run, &stored, NULL, 0, NULL, 0, &error))
        fail_msg("%s", error.text);
    return stored.id;
}

/* Answers of one method's coefficients are other models than those of another's. */
static void surrogates_by_their_method(void **state) {
    (void)state;
    const struct fixture_options options = {.tasks = TASKS, .edge = 0};
    static const struct {
        const char *parameters, *name;
        size_t count;
    } runs[] = {{"{\"base\":\"wudi\",\"seed\":0}", "surrogate map of wudi", 2},
                {"{\"base\":\"ties\"}", "surrogate map of ties", 1},
                {"{\"base\":\"wudi\",\"seed\":1}", "surrogate map of wudi", 2},
                {"{\"base\":3}", "surrogate map", 1}};
    char *path = text_format("%s/surrogates.db", folder());
    fixture_write(path, &options);
    struct store *store = open_store(path, STORE_READ_WRITE);
    for (size_t i = 0; i < 4; i++)
        put(store, STORE_KIND_PWEMOE, "map", put_surrogate(store, runs[i].parameters),
            60 + (double)i);
    store_close(store);
    struct catalog *catalog = read_catalog(path);
    assert_int_equal(catalog->series_count, 3);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(find(catalog, runs[i].name)->count, runs[i].count);
    catalog_free(catalog);
    free(path);
}

/* Two methods from elsewhere that differ in their last letters. */
static void long_methods_are_two_series(void **state) {
    (void)state;
    char *path = text_format("%s/long.db", folder());
    const struct fixture_options options = {.tasks = TASKS, .edge = 0};
    fixture_write(path, &options);
    struct store *store = open_store(path, STORE_READ_WRITE);
    put(store, STORE_KIND_IMPORT, "a method with a long description, first", 0, 70);
    put(store, STORE_KIND_IMPORT, "a method with a long description, second", 0, 71);
    store_close(store);
    struct catalog *catalog = read_catalog(path);
    assert_int_equal(catalog->series_count, 2);
    assert_string_not_equal(catalog->series[0].key, catalog->series[1].key);
    catalog_free(catalog);
    free(path);
}

/* Methods by turns, so that no row has the series of the one before it. */
static void as_many_series_as_methods(void **state) {
    (void)state;
    enum { METHODS = 2000, ROWS = 2 * METHODS };
    struct store_row *rows = calloc(ROWS, sizeof *rows);
    size_t *place = calloc(ROWS, sizeof *place), count;
    struct series *series;
    assert_true(rows && place);
    for (size_t i = 0; i < ROWS; i++) {
        rows[i].solution.kind = STORE_KIND_IMPORT;
        rows[i].upscale = rows[i].base = (char *)"";
        rows[i].solution.method = text_format("method %zu", i % METHODS);
        assert_non_null(rows[i].solution.method);
    }
    assert_int_equal(series_list(rows, ROWS, place, &series, &count), 0);
    assert_int_equal(count, METHODS);
    for (size_t i = 0; i < ROWS; i++) {
        char name[96];
        snprintf(name, sizeof name, "method %zu (imported)", i % METHODS);
        assert_string_equal(series[place[i]].name, name);
        assert_int_equal(series[place[i]].count, 2);
        free(rows[i].solution.method);
    }
    free(series);
    free(place);
    free(rows);
}

static void runs_are_called_as_their_series(void **state) {
    (void)state;
    static const struct {
        struct store_run run;
        const char *name;
    } cases[] = {
        {{.id = 1, .method = "ls", .upscale = "mlp", .parameters = "{}"},
         "routers ls mlp (run 1)"},
        {{.id = 5, .method = "ls", .upscale = STORE_CORRECTION, .parameters = "{}"},
         "correction ls (run 5)"},
        {{.id = 2, .method = "epo", .upscale = "", .parameters = "{}"},
         "trained whole, epo (run 2)"},
        {{.id = 3, .method = "stl", .upscale = "", .parameters = "{\"task\":\"cars\"}"},
         "STL for cars (run 3)"},
        {{.id = 6,
          .method = "map",
          .upscale = STORE_SURROGATE,
          .parameters = "{\"base\":\"ties\"}"},
         "surrogate map of ties (run 6)"},
        {{.id = 4, .method = "stl", .upscale = "", .parameters = "no JSON"},
         "trained whole, stl (run 4)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *name = series_run_name(&cases[i].run);
        assert_string_equal(name, cases[i].name);
        free(name);
    }
}

int main(void) {
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_a_look_of_its_own),
        cmocka_unit_test(the_same_everywhere),
        cmocka_unit_test(surrogates_by_their_method),
        cmocka_unit_test(marks_of_charts_differ),
        cmocka_unit_test(looks_stay),
        cmocka_unit_test(long_methods_are_two_series),
        cmocka_unit_test(as_many_series_as_methods),
        cmocka_unit_test(runs_are_called_as_their_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
