/* The key that writes what is on the screen as a chart: the same solutions, the same
 * objectives. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/actions.h"
#include "base/memory.h"
#include "state/space.h"

/* What a line of the dialog stands for. */
static int64_t encode(enum chart_writer_kind kind, size_t x, size_t y) {
    return (int64_t)(((size_t)kind * STORE_TASKS_MAX + x) * STORE_TASKS_MAX + y);
}

static enum chart_writer_kind decode(int64_t value, size_t *x, size_t *y) {
    *y = (size_t)value % STORE_TASKS_MAX;
    *x = (size_t)value / STORE_TASKS_MAX % STORE_TASKS_MAX;
    return (enum chart_writer_kind)((size_t)value / STORE_TASKS_MAX / STORE_TASKS_MAX);
}

static bool is_there(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0;
}

/* ---- the dialog --------------------------------------------------------------- */

static void propose(struct explorer *explorer) {
    static const char *const kinds[] = {
        [CHART_SCATTER] = "scatter",       [CHART_PARALLEL] = "parallel",
        [CHART_TERNARY] = "ternary",       [CHART_SCALING] = "scaling",
        [CHART_SIMILARITY] = "similarity", [CHART_SIMPLEX] = "simplex",
        [CHART_ROUTING] = "routing",       [CHART_TRAINING] = "training"};
    struct dialog *dialog = &explorer->dialog;
    char name[128], path[256];
    size_t x, y;
    app_propose_name(explorer, name, sizeof name);
    const char *kind = kinds[decode(dialog->items[dialog->choice].value, &x, &y)];
    snprintf(path, sizeof path, "%s-%s.svg", name, kind);
    for (int i = 2; i < 1000 && is_there(path); i++)
        snprintf(path, sizeof path, "%s-%s-%d.svg", name, kind, i);
    dialog_text(dialog, path);
}

static void add_scatter(struct explorer *explorer, size_t x, size_t y) {
    char text[160];
    snprintf(text, sizeof text, "scatter, %s over %s",
             TEXT_CUT(explorer_task_name(explorer, y), 50),
             TEXT_CUT(explorer_task_name(explorer, x), 50));
    dialog_add(&explorer->dialog, encode(CHART_SCATTER, x, y), 0, INK_TEXT, false,
               text);
}

/* --- what is drawn --------------------------------------------------------------- */

/* The present point, where anything is known of it. */
static int add_now(const struct explorer *explorer, struct plot_points *points,
                   struct error *error) {
    double values[STORE_TASKS_MAX], low[STORE_TASKS_MAX], high[STORE_TASKS_MAX];
    bool any = false, estimated = false, complete = true;
    for (size_t t = 0; t < explorer->tasks; t++) {
        struct figure figure;
        values[t] = low[t] = high[t] = NAN;
        if (!explorer_figure(explorer, t, &figure))
            continue;
        values[t] = figure.value;
        if (!figure.estimated && figure.low < figure.high) {
            low[t] = figure.low;
            high[t] = figure.high;
        }
        any = true;
        estimated = estimated || figure.estimated;
        complete = complete && figure.complete;
    }
    struct plot_series series = {.name = estimated  ? "here (estimated)"
                                         : complete ? "here (measured)"
                                                    : "here (measured in part)",
                                 .mark = estimated ? MARK_ESTIMATE : MARK_NOW,
                                 .ink = INK_NOW,
                                 .now = true};
    struct plot_figures figures = {.values = values, .low = low, .high = high};
    return any ? plot_points_add(points, &series, &figures, error) : 0;
}

/* Rows of the series that are switched on. */
static int add_rows(const struct explorer *explorer, struct plot_points *points,
                    struct error *error) {
    const struct catalog *catalog = explorer->catalog;
    bool *take = array_new(catalog->count, sizeof *take);
    bool *dimmed = array_new(catalog->count, sizeof *dimmed);
    int result = take && dimmed ? 0 : error_memory(error);
    for (size_t i = 0; result == 0 && i < catalog->count; i++) {
        const struct solution *solution = &catalog->solutions[i];
        take[i] = explorer_series_visible(explorer, solution->series);
        dimmed[i] = solution->stale || !solution->whole ||
                    (catalog_series(catalog, i)->merged && !solution->front);
    }
    if (result == 0)
        result = plot_solutions(points, catalog, take, dimmed, error);
    free(take);
    free(dimmed);
    return result;
}

static int gather_points(const struct explorer *explorer, struct plot_points *points,
                         struct error *error) {
    if (add_rows(explorer, points, error))
        return -1;
    int result = add_now(explorer, points, error);
    if (result == 0 && !points->cloud.count)
        result = error_set(error, "nothing that a chart can draw is shown");
    if (result)
        plot_points_clear(points);
    return result;
}

static int gather_shares(const struct explorer *explorer, struct chart_writer_job *job,
                         struct error *error) {
    const struct samples *samples = &explorer->samples;
    if (!samples->count)
        return error_set(error, "these routers have no measured points");
    if (plot_shares_begin(&job->shares, explorer->catalog, SIZE_MAX, samples->count,
                          error))
        return -1;
    for (size_t i = 0; i < samples->count; i++)
        plot_shares_add(&job->shares, samples->preferences + 3 * i,
                        samples->values + 3 * i, SIZE_MAX);
    return 0;
}

static int gather_lines(const struct explorer *explorer, struct chart_writer_job *job,
                        struct error *error) {
    const struct catalog *catalog = explorer->catalog;
    struct lines_data *lines = &job->lines;
    bool percent = store_objective_percent(&catalog->recipe->tasks[0].objective);
    const char *x = "block", *y = "cosine similarity of task vectors";
    int result;
    if (job->kind == CHART_SCALING) {
        result = lines_data_scaling(catalog, NULL, lines, error);
        x = "scaling coefficient";
        y = percent ? "accuracy (%)" : "figure";
    } else if (job->kind == CHART_TRAINING) {
        result = lines_data_losses(catalog->recipe, catalog->curve,
                                   catalog->curve_count, lines, error);
        x = "step";
        y = "training loss";
    } else {
        result = lines_data_similarity(explorer->similarity, lines, error);
    }
    lines->grid.x_label = x;
    lines->grid.y_label = y;
    return result;
}

static int gather_cells(const struct explorer *explorer, struct chart_writer_job *job,
                        struct error *error) {
    const struct catalog *catalog = explorer->catalog;
    if (job->kind == CHART_ROUTING)
        return cells_data_routing(catalog->recipe, explorer->routing,
                                  (const char(*)[64])explorer->module_names,
                                  explorer->modules, &job->cells, error);
    if (cells_data_simplex(catalog, NULL, explorer->routers, &job->cells, error))
        return -1;
    if (store_objective_percent(&catalog->recipe->tasks[0].objective))
        job->cells.cells.value_label = "accuracy (%)";
    return 0;
}

static int gather(const struct explorer *explorer, struct chart_writer_job *job,
                  struct error *error) {
    switch (job->kind) {
    case CHART_TERNARY:
        return gather_shares(explorer, job, error);
    case CHART_SCALING:
    case CHART_SIMILARITY:
    case CHART_TRAINING:
        return gather_lines(explorer, job, error);
    case CHART_SIMPLEX:
    case CHART_ROUTING:
        return gather_cells(explorer, job, error);
    default:
        return gather_points(explorer, &job->points, error);
    }
}

/* "0.50 digits, 0.25 cars, ..." of the preference that is looked at. */
static void write_preference(const struct explorer *explorer, char *out, size_t size) {
    size_t used = 0;
    for (size_t t = 0; t < explorer->tasks && used + 1 < size; t++) {
        int more = snprintf(out + used, size - used, "%s%.2f %s", t ? ", " : "",
                            explorer->preference[t],
                            TEXT_CUT(explorer_task_name(explorer, t), 24));
        used += more > 0 ? (size_t)more : 0;
    }
}

/* "training loss of routers ls mlp (run 1)" */
static void write_training(const struct catalog *catalog, char *out, size_t size) {
    const struct store_run *run = catalog_curve_run(catalog);
    char *name = run ? series_run_name(run) : NULL;
    snprintf(out, size, "training loss%s%s", name ? " of " : "", name ? name : "");
    free(name);
}

/* What it shows, after what the file is called. */
static void title_chart(const struct explorer *explorer, struct chart_writer_job *job) {
    char text[256];
    const char *name = TEXT_CUT(explorer->catalog->recipe->name, 100);
    const char *dash = *name ? ": " : "", *what = text;
    switch (job->kind) {
    case CHART_SCATTER:
        snprintf(text, sizeof text, "%s and %s",
                 TEXT_CUT(explorer_task_name(explorer, job->x), 60),
                 TEXT_CUT(explorer_task_name(explorer, job->y), 60));
        break;
    case CHART_PARALLEL:
        snprintf(text, sizeof text, "all %zu objectives", explorer->tasks);
        break;
    case CHART_SCALING:
        what = "figures by scaling coefficient";
        break;
    case CHART_SIMILARITY:
        what = "how alike the task vectors are";
        break;
    case CHART_TRAINING:
        write_training(explorer->catalog, text, sizeof text);
        break;
    case CHART_ROUTING:
        write_preference(explorer, text, sizeof text);
        break;
    default:
        catalog_routers_text(explorer->catalog, explorer->routers, text, sizeof text);
    }
    snprintf(job->title, sizeof job->title, "%s%s%s", name, dash, what);
}

static void begin_chart(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    struct chart_writer_job job = {0};
    struct error error = {.text = ""};
    app_expand_home(app);
    job.kind = decode(dialog->items[dialog->choice].value, &job.x, &job.y);
    snprintf(job.path, sizeof job.path, "%s", dialog->text);
    title_chart(explorer, &job);
    int result;
    if (!dialog->text[0])
        result = error_set(&error, "type a path");
    else if (is_there(dialog->text))
        result = error_set(&error, "this path exists and is not overwritten; "
                                   "choose another name");
    else
        result = gather(explorer, &job, &error);
    if (result == 0)
        result = chart_writer_begin(&app->chart_writer, app->mailbox, &job, &error);
    snprintf(dialog->error, sizeof dialog->error, "%s", TEXT_CUT(error.text, 500));
    if (result == 0) {
        dialog->error[0] = '\0';
        dialog->state = WRITE_BUSY;
    }
}

static void choose_another(struct app *app) {
    if (!app->explorer.dialog.edited)
        propose(&app->explorer);
}

const struct question chart_question = {
    .kind = DIALOG_WRITE,
    .title = "Chart",
    .prompt = "a new file that ends in .png, .svg or .pdf",
    .choice_name = "chart",
    .busy = "drawing",
    .accept = begin_chart,
    .chosen = choose_another};

static void add_kind(struct explorer *explorer, enum chart_writer_kind kind,
                     const char *text) {
    dialog_add(&explorer->dialog, encode(kind, 0, 0), 0, INK_TEXT, false, text);
}

/* Of two objectives at least. */
static void add_spaces(struct explorer *explorer) {
    if (explorer->space == SPACE_SOLID) {
        add_scatter(explorer, explorer->triple[0], explorer->triple[1]);
        add_scatter(explorer, explorer->triple[0], explorer->triple[2]);
        add_scatter(explorer, explorer->triple[1], explorer->triple[2]);
    } else if (explorer->tasks == 3) {
        add_scatter(explorer, 0, 1);
        add_scatter(explorer, 0, 2);
        add_scatter(explorer, 1, 2);
    } else {
        add_scatter(explorer, explorer->pair_a, explorer->pair_b);
    }
    add_kind(explorer, CHART_PARALLEL, "parallel coordinates");
}

/* What is looked at comes first. */
static enum chart_writer_kind kind_in_focus(const struct explorer *explorer) {
    switch (explorer->wish.focus) {
    case PANEL_SCALING:
        return CHART_SCALING;
    case PANEL_SIMILARITY:
        return CHART_SIMILARITY;
    case PANEL_ROUTING:
        return CHART_ROUTING;
    case PANEL_TRAINING:
        return CHART_TRAINING;
    default:
        return explorer->space == SPACE_PARALLEL ? CHART_PARALLEL : CHART_SCATTER;
    }
}

static void ask_chart(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    if (explorer->tasks < 2) {
        explorer_say(explorer, false, "a chart needs two objectives");
        return;
    }
    dialog_open(dialog, &chart_question);
    add_spaces(explorer);
    if (explorer->tasks == 3)
        add_kind(explorer, CHART_TERNARY,
                 "ternary, means over the preferences of these routers");
    add_kind(explorer, CHART_SIMPLEX, "simplex: figures at whole and equal weights");
    add_kind(explorer, CHART_SCALING, "figures by scaling coefficient");
    if (explorer->similarity)
        add_kind(explorer, CHART_SIMILARITY, "similarity of task vectors by depth");
    if (explorer->modules && explorer->routing_serial)
        add_kind(explorer, CHART_ROUTING, "routing weights here, by depth");
    if (explorer->catalog->curve_count)
        add_kind(explorer, CHART_TRAINING, "training loss");
    dialog->choice = 0;
    for (size_t i = 0; i < dialog->count; i++)
        if (dialog->items[i].value == encode(kind_in_focus(explorer), 0, 0))
            dialog->choice = (int)i;
    propose(explorer);
}

/* clang-format off */
const struct action chart_actions[] = {
    {{'P'}, "Models", "P", "write what is shown as a chart: PNG, SVG or PDF", .run = ask_chart, .waits = true},
    {.run = NULL},
};
