/* Charts of what is on the screen: the same solutions, the same objectives, in a
 * thread of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../results/fixture.h"
#include "app/app.h"
#include "base/memory.h"
#include "state/space.h"
#include "terminal/keys.h"

static void open_app(struct app *app, size_t tasks, size_t edge) {
    static int serial;
    char path[4096];
    struct fixture_options options = {.tasks = tasks, .edge = edge, .baselines = true};
    struct store *store;
    struct catalog *catalog;
    struct error error;
    memset(app, 0, sizeof *app);
    snprintf(path, sizeof path, "%s/%d.db", folder(), serial++);
    fixture_write(path, &options);
    assert_int_equal(store_open(path, STORE_READ_ONLY, &store, &error), 0);
    assert_int_equal(catalog_read(store, &catalog, &error), 0);
    store_close(store);
    explorer_init(&app->explorer, "plotting.db");
    assert_int_equal(explorer_take_catalog(&app->explorer, catalog), 0);
    app->mailbox = mailbox_new(&error);
    assert_non_null(app->mailbox);
    app->canvas.marks = palette_marks(true);
}

static void close_app(struct app *app) {
    chart_writer_stop(&app->chart_writer);
    mailbox_free(app->mailbox);
    explorer_free(&app->explorer);
}

/* Types a name of this folder in place of the one proposed. */
static void type_name(struct app *app, const char *name, char *path) {
    snprintf(path, 4096, "%s/%s", folder(), name);
    dialog_text(&app->explorer.dialog, path);
}

/* Waits for the chart and takes what is said of it. */
static void finish(struct app *app) {
    pthread_join(app->chart_writer.thread, NULL);
    app->chart_writer.started = false;
    app_events(app);
}

static size_t size_of(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 ? (size_t)status.st_size : 0;
}

static void write_chart(struct app *app, const char *name, char *path) {
    type_name(app, name, path);
    app_key(app, KEYS_ENTER);
    assert_string_equal(app->explorer.dialog.error, "");
    finish(app);
}

static void free_job(struct app *app) {
    plot_points_clear(&app->chart_writer.job->points);
    plot_shares_clear(&app->chart_writer.job->shares);
    lines_data_clear(&app->chart_writer.job->lines);
    cells_data_clear(&app->chart_writer.job->cells);
    free(app->chart_writer.job);
    app->chart_writer.job = NULL;
}

static void a_scatter_of_what_is_shown(void **state) {
    (void)state;
    struct app app;
    char path[4096];
    open_app(&app, 4, 4);
    struct explorer *explorer = &app.explorer;
    explorer->pair_a = 1;
    explorer->pair_b = 3;
    size_t hidden = 0;
    for (size_t s = 0; s < explorer->catalog->series_count; s++)
        if (strstr(explorer->catalog->series[s].key, "ties")) {
            hidden = explorer->catalog->series[s].count;
            explorer_series_toggle(explorer, s);
        }
    assert_true(hidden > 0);
    app_key(&app, 'P');
    assert_int_equal(explorer->dialog.kind, DIALOG_WRITE);
    assert_non_null(strstr(explorer->dialog.text, "fixture-scatter.svg"));
    assert_string_equal(explorer->dialog.items[0].text, "scatter, delta over beta");
    type_name(&app, "shown.svg", path);
    app_key(&app, KEYS_ENTER);
    assert_string_equal(explorer->dialog.error, "");
    assert_int_equal(explorer->dialog.state, WRITE_BUSY);
    finish(&app);
    assert_int_equal(explorer->dialog.state, WRITE_DONE);
    assert_true(size_of(path) > 1000);

    const struct chart_writer_job *job = app.chart_writer.job;
    const struct plot_cloud *cloud = &job->points.cloud;
    assert_int_equal(job->kind, CHART_SCATTER);
    assert_int_equal(job->x, 1);
    assert_int_equal(job->y, 3);
    assert_int_equal(cloud->count, explorer->catalog->count - hidden + 1);
    for (size_t s = 0; s < cloud->series_count; s++)
        assert_string_not_equal(cloud->series[s].name, "TIES");
    assert_string_equal(cloud->series[0].name, "routers ls mlp");
    assert_string_equal(cloud->objectives[3], "delta (%)");
    /* The present point comes last, so that it is drawn over the others. */
    const struct plot_point *last = &cloud->points[cloud->count - 1];
    struct figure figure;
    assert_string_equal(cloud->series[last->series].name, "here (estimated)");
    for (size_t t = 0; t < 4; t++) {
        assert_true(explorer_figure(explorer, t, &figure));
        assert_true(last->values[t] == figure.value);
    }
    /* As `pwemoe plot` does, other merges that are dominated are pale, too. */
    size_t pale = 0, wanted = 0;
    for (size_t i = 0; i < explorer->catalog->count; i++)
        wanted += strstr(catalog_series(explorer->catalog, i)->key, "arithmetic") &&
                  !explorer->catalog->solutions[i].front;
    for (size_t i = 0; i < cloud->count; i++)
        pale +=
            !strcmp(cloud->series[cloud->points[i].series].name, "task arithmetic") &&
            cloud->points[i].dimmed;
    assert_true(wanted >= 9);
    assert_int_equal(pale, wanted);
    /* Dimmed is what the screen dims. */
    for (size_t i = 0, row = 0; i < explorer->catalog->count; i++)
        if (explorer->catalog->series[explorer->catalog->solutions[i].series].answers) {
            assert_true(cloud->points[row].values[2] ==
                        catalog_value(explorer->catalog, i, 2));
            assert_int_equal(cloud->points[row].dimmed,
                             !explorer->catalog->solutions[i].front);
            row++;
        }
    free_job(&app);
    close_app(&app);
}

static void a_ternary_and_a_parallel_chart(void **state) {
    (void)state;
    static const unsigned char png[] = {0x89, 'P', 'N', 'G'};
    struct app app;
    char path[4096];
    open_app(&app, 3, 5);
    struct explorer *explorer = &app.explorer;
    explorer_show_space(explorer, SPACE_PARALLEL);
    app_key(&app, 'P');
    assert_int_equal(explorer->dialog.count, 8); /* the fixture has a curve */
    assert_non_null(strstr(explorer->dialog.text, "-parallel.svg"));
    app_key(&app, KEYS_DOWN); /* the name follows the kind until it is typed */
    assert_non_null(strstr(explorer->dialog.text, "-ternary.svg"));
    type_name(&app, "means.png", path);
    explorer->dialog.edited = true;
    chart_question.chosen(&app);
    assert_string_equal(explorer->dialog.text, path);
    app_key(&app, KEYS_ENTER);
    finish(&app);
    assert_int_equal(explorer->dialog.state, WRITE_DONE);
    FILE *file = fopen(path, "rb");
    unsigned char head[4];
    assert_non_null(file);
    assert_int_equal(fread(head, 1, 4, file), 4);
    fclose(file);
    assert_memory_equal(head, png, 4);
    const struct plot_shares *shares = &app.chart_writer.job->shares;
    assert_int_equal(shares->count, 15);
    for (size_t i = 0; i < shares->count; i++) {
        double mean = 0; /* a surface for each task, and one for their mean */
        for (size_t t = 0; t < 3; t++) {
            double value = fixture_value(shares->preferences + 3 * i, t);
            assert_true(fabs(shares->values[4 * i + t] - value) < 1e-9);
            mean += value / 3;
        }
        assert_true(fabs(shares->values[4 * i + 3] - mean) < 1e-9);
    }
    free_job(&app);
    close_app(&app);
}

static void what_fails_is_said_in_the_dialog(void **state) {
    (void)state;
    struct app app;
    char path[4096];
    open_app(&app, 2, 5);
    struct explorer *explorer = &app.explorer;
    app_key(&app, 'P');
    dialog_text(&explorer->dialog, "");
    app_key(&app, KEYS_ENTER);
    assert_string_equal(explorer->dialog.error, "type a path");
    /* What exists is not touched. */
    type_name(&app, "kept.svg", path);
    FILE *file = fopen(path, "w");
    fputs("mine", file);
    fclose(file);
    app_key(&app, KEYS_ENTER);
    assert_non_null(strstr(explorer->dialog.error, "this path exists"));
    assert_int_equal(size_of(path), 4);
    /* What src/plot refuses comes back, and the dialog stays with what was typed. */
    type_name(&app, "chart.gif", path);
    app_key(&app, KEYS_ENTER);
    assert_int_equal(explorer->dialog.state, WRITE_BUSY);
    finish(&app);
    assert_int_equal(explorer->dialog.state, WRITE_ASKING);
    assert_non_null(strstr(explorer->dialog.error, "chart.gif"));
    assert_string_equal(explorer->dialog.text, path);
    free_job(&app);
    /* One at a time. */
    atomic_store(&app.chart_writer.busy, true);
    type_name(&app, "second.svg", path);
    app_key(&app, KEYS_ENTER);
    assert_non_null(strstr(explorer->dialog.error, "another chart"));
    assert_int_equal(size_of(path), 0);
    close_app(&app);
}

/* Cosines of two modules, one a block. */
static struct similarity *some_similarity(void) {
    struct similarity *s = array_new(1, sizeof *s);
    assert_non_null(s);
    *s = (struct similarity){.modules = 2, .tasks = 2, .pairs = 1};
    s->module = array_new(2, sizeof *s->module);
    s->pair = array_new(1, sizeof *s->pair);
    s->cosine = array_new(2, sizeof *s->cosine);
    s->whole = array_new(1, sizeof *s->whole);
    for (int m = 0; m < 2; m++) {
        s->module[m].kind = MODULE_MLP;
        s->module[m].block = m;
        s->cosine[m] = 0.25 - m;
    }
    return s;
}

/* The panel in focus is proposed; similarity only once it is known. */
static void curves_of_the_panel_in_focus(void **state) {
    (void)state;
    struct app app;
    char path[4096];
    open_app(&app, 2, 4);
    struct explorer *explorer = &app.explorer;
    explorer->wish.focus = PANEL_SCALING;
    app_key(&app, 'P');
    assert_non_null(strstr(explorer->dialog.text, "fixture-scaling.svg"));
    for (size_t i = 0; i < explorer->dialog.count; i++)
        assert_null(strstr(explorer->dialog.items[i].text, "similarity"));
    write_chart(&app, "scaling.svg", path);
    assert_true(size_of(path) > 1000);
    /* The mean, and each task. */
    assert_int_equal(app.chart_writer.job->lines.grid.panel_count, 3);
    free_job(&app);
    app_key(&app, KEYS_ESCAPE);

    explorer->similarity = some_similarity();
    explorer->wish.focus = PANEL_SIMILARITY;
    app_key(&app, 'P');
    assert_non_null(strstr(explorer->dialog.text, "fixture-similarity.svg"));
    type_name(&app, "similarity.svg", path);
    app_key(&app, KEYS_ENTER);
    finish(&app);
    assert_true(size_of(path) > 1000);
    const struct plot_panel *panel = &app.chart_writer.job->lines.panels[0];
    assert_int_equal(panel->count, 2); /* the pair, and the mean over pairs */
    assert_true(panel->lines[0].y[0] == 0.25 && panel->lines[0].y[1] == -0.75);
    free_job(&app);
    close_app(&app);
}

/* What the panel shows: a row a module, the weights as they are, norms apart. */
static void routing_weights_are_cells(void **state) {
    (void)state;
    struct app app;
    char path[4096];
    open_app(&app, 2, 4);
    struct explorer *explorer = &app.explorer;
    explorer->wish.focus = PANEL_ROUTING;
    app_key(&app, 'P'); /* not known yet */
    for (size_t i = 0; i < explorer->dialog.count; i++)
        assert_null(strstr(explorer->dialog.items[i].text, "routing"));
    app_key(&app, KEYS_ESCAPE);
    enum { MODULES = 60 };
    explorer->modules = MODULES;
    explorer->routing_serial = 1;
    explorer->module_names = array_new(MODULES, sizeof *explorer->module_names);
    explorer->routing = array_new(2 * MODULES, sizeof *explorer->routing);
    for (int m = 0; m < MODULES; m++) {
        snprintf(explorer->module_names[m], 64, "block %d %s", m / 2,
                 m % 2 ? "mlp" : "norm 1");
        explorer->routing[2 * m] = m % 2 ? 0.25f : 9;
        explorer->routing[2 * m + 1] = m % 2 ? -0.125f : 7;
    }
    app_key(&app, 'P');
    assert_non_null(strstr(explorer->dialog.text, "fixture-routing.svg"));
    write_chart(&app, "routing.png", path);
    assert_int_equal(explorer->dialog.state, WRITE_DONE);
    const struct plot_cells *cells = &app.chart_writer.job->cells.cells;
    assert_int_equal(cells->row_count, MODULES);
    assert_string_equal(cells->rows[3], "block 1 mlp");
    assert_true(cells->values[6] == 0.25 && cells->values[7] == -0.125);
    assert_true(cells->apart[2] && !cells->apart[3]);
    assert_string_equal(app.chart_writer.job->title, "fixture: 0.50 alpha, 0.50 beta");
    /* As high as so many rows of letters need. */
    unsigned char head[24];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(head, 1, 24, file), 24);
    fclose(file);
    assert_int_equal(head[22] << 8 | head[23], 110 + 18 * MODULES);
    free_job(&app);
    close_app(&app);
}

static void figures_over_the_simplex_and_training(void **state) {
    (void)state;
    struct app app;
    char path[4096];
    open_app(&app, 4, 4);
    struct explorer *explorer = &app.explorer;
    app_key(&app, 'P');
    app_key(&app, KEYS_DOWN);
    app_key(&app, KEYS_DOWN);
    assert_non_null(strstr(explorer->dialog.text, "fixture-simplex.svg"));
    write_chart(&app, "simplex.svg", path);
    assert_true(size_of(path) > 1000);
    const struct plot_cells *cells = &app.chart_writer.job->cells.cells;
    assert_int_equal(cells->row_count, 4); /* neither edges' middles nor the centre */
    assert_string_equal(cells->rows[2], "all for gamma");
    for (size_t t = 0; t < 4; t++)
        assert_true(fabs(cells->values[8 + t] - (t == 2 ? 90 : 60)) < 1e-9);
    assert_string_equal(cells->value_label, "accuracy (%)");
    free_job(&app);
    app_key(&app, KEYS_ESCAPE);

    explorer->wish.focus = PANEL_TRAINING;
    app_key(&app, 'P');
    assert_non_null(strstr(explorer->dialog.text, "fixture-training.svg"));
    write_chart(&app, "training.svg", path);
    assert_true(size_of(path) > 1000);
    const struct plot_panel *panel = &app.chart_writer.job->lines.panels[0];
    assert_int_equal(panel->count, 8); /* each task's points, and their average */
    assert_int_equal(panel->lines[0].count, 200);
    assert_string_equal(app.chart_writer.job->title,
                        "fixture: training loss of routers ls mlp (run 1)");
    free_job(&app);
    close_app(&app);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scatter_of_what_is_shown),
        cmocka_unit_test(a_ternary_and_a_parallel_chart),
        cmocka_unit_test(curves_of_the_panel_in_focus),
        cmocka_unit_test(routing_weights_are_cells),
        cmocka_unit_test(figures_over_the_simplex_and_training),
        cmocka_unit_test(what_fails_is_said_in_the_dialog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
