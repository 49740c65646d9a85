#include "command/work/plot_draw.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/io/paths.h"
#include "command/work/analysis.h"
#include "command/work/plot_data.h"

/* What is shown, after what the file is called; or what was given. */
static void set_title(struct plot *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void set_title(struct plot *p, const char *format, ...) {
    const char *name = p->recipe->name;
    va_list arguments;
    size_t used = 0;
    if (p->options->no_title || p->options->title) {
        p->page.title = p->options->no_title ? NULL : p->options->title;
        return;
    }
    if (*name)
        used = (size_t)snprintf(p->title, sizeof p->title, "%s: ", TEXT_CUT(name, 200));
    va_start(arguments, format);
    text_print(p->title + used, sizeof p->title - used, format, arguments);
    va_end(arguments);
    p->page.title = p->title;
}

static const char *task_name(const struct plot *p, size_t task) {
    return p->recipe->tasks[task].name;
}

/* fallback where no name is given. */
static int find_task(const struct plot *p, const char *name, const char *option,
                     size_t fallback, size_t *task, struct error *error) {
    *task = fallback;
    if (name && store_task_find(p->recipe, name, task, error))
        return error_prefix(error, "%s", option);
    return 0;
}

/* What the figures of every task are, or only that they are. */
static const char *figure_label(const struct plot *p) {
    return store_objective_percent(&p->recipe->tasks[0].objective) ? "accuracy (%)"
                                                                   : "figure";
}

/* --- points of objective space ---------------------------------------------------- */

static int draw_points(struct plot *p, bool scatter, struct error *error) {
    const struct plot_options *o = p->options;
    size_t tasks = p->recipe->task_count, x, y;
    if (tasks < 2)
        return error_set(error, "there is one task; %s needs two",
                         scatter ? "a scatter" : "parallel coordinates");
    if (find_task(p, o->x, "--x", 0, &x, error) ||
        find_task(p, o->y, "--y", x == 1 ? 0 : 1, &y, error))
        return -1;
    struct plot_points data;
    if (points_make(p->catalog, p->wanted, &data, error))
        return -1;
    if (scatter)
        set_title(p, "%s and %s", TEXT_CUT(task_name(p, x), 100),
                  TEXT_CUT(task_name(p, y), 100));
    else
        set_title(p, "all %zu objectives", tasks);
    int result = scatter ? plot_scatter(&p->page, &data.cloud, x, y, error)
                         : plot_parallel(&p->page, &data.cloud, error);
    plot_points_clear(&data);
    return result;
}

static int draw_scatter(struct plot *p, struct error *error) {
    return draw_points(p, true, error);
}

static int draw_parallel(struct plot *p, struct error *error) {
    return draw_points(p, false, error);
}

/* --- preferences ------------------------------------------------------------------ */

static bool is_measured(const struct plot *p, int64_t answerer) {
    for (size_t i = 0; i < p->catalog->count; i++)
        if (p->wanted[i] && catalog_answerer(&p->catalog->rows[i].solution) == answerer)
            return true;
    return false;
}

/* The routers that are meant; where none are trained, the closed form if it was
 * measured. name is what they are called, free(). */
static int find_answerer(struct plot *p, int64_t *answerer, char **name,
                         struct error *error) {
    const struct plot_options *o = p->options;
    static const int64_t closed[] = {CATALOG_CLOSED_FITTED, CATALOG_CLOSED_FORM};
    char text[96];
    struct store_run run;
    struct store_routers routers;
    *name = NULL;
    if (analysis_find_routers(p->store, o->run, o->method, o->upscale, &run, &routers,
                              error) == 0) {
        *answerer = routers.id;
        *name = series_run_name(&run);
        store_routers_clear(&routers);
        store_run_clear(&run);
        return *name ? 0 : error_memory(error);
    }
    for (size_t i = 0; !o->run && !o->upscale && i < 2; i++)
        if (is_measured(p, closed[i])) {
            *answerer = closed[i];
            catalog_routers_text(p->catalog, closed[i], text, sizeof text);
            *name = strdup(text);
            return *name ? 0 : error_memory(error);
        }
    return -1;
}

/* The answerer whose simplex is drawn; the chart is called after it. */
static int choose_answerer(struct plot *p, int64_t *answerer, struct error *error) {
    char *name;
    if (find_answerer(p, answerer, &name, error))
        return -1;
    set_title(p, "%s", name);
    free(name);
    return 0;
}

static int draw_ternary(struct plot *p, struct error *error) {
    size_t task;
    if (p->recipe->task_count != 3)
        return error_set(error,
                         "a ternary chart is for three tasks; there are %zu; --kind "
                         "simplex is for any number",
                         p->recipe->task_count);
    if (find_task(p, p->options->task, "--task", SIZE_MAX, &task, error))
        return -1;
    int64_t answerer;
    if (choose_answerer(p, &answerer, error))
        return -1;
    struct plot_shares data;
    if (shares_make(p->catalog, p->wanted, answerer, task, &data, error))
        return -1;
    struct plot_surface surface = plot_shares_surface(&data);
    int result = plot_ternary(&p->page, &surface, error);
    plot_shares_clear(&data);
    return result;
}

static int draw_simplex(struct plot *p, struct error *error) {
    int64_t answerer;
    if (choose_answerer(p, &answerer, error))
        return -1;
    struct cells_data data;
    if (cells_data_simplex(p->catalog, p->wanted, answerer, &data, error))
        return -1;
    data.cells.value_label = figure_label(p);
    int result = plot_heat(&p->page, &data.cells, error);
    cells_data_clear(&data);
    return result;
}

/* --- lines ------------------------------------------------------------------------ */

static int draw_lines(struct plot *p, struct lines_data *data, const char *x,
                      const char *y, struct error *error) {
    data->grid.x_label = x;
    data->grid.y_label = y;
    int result = plot_lines(&p->page, &data->grid, error);
    lines_data_clear(data);
    return result;
}

static int draw_routing(struct plot *p, struct error *error) {
    const struct plot_options *o = p->options;
    struct store_run run;
    struct store_routers routers;
    if (analysis_find_routers(p->store, o->run, o->method,
                              o->upscale ? o->upscale : ANALYSIS_ANY_MODULES, &run,
                              &routers, error))
        return -1;
    struct routing routing;
    struct lines_data data;
    char *name = series_run_name(&run);
    int result = name ? routing_make(&routers, p->recipe->task_count, &routing, error)
                      : error_memory(error);
    if (result == 0)
        set_title(p, "%s", name);
    free(name);
    store_routers_clear(&routers);
    store_run_clear(&run);
    if (result)
        return -1;
    result = lines_data_routing(p->recipe, &routing, &data, error);
    routing_clear(&routing);
    return result ? -1 : draw_lines(p, &data, "block", "routing weight", error);
}

static int draw_scaling(struct plot *p, struct error *error) {
    struct lines_data data;
    if (lines_data_scaling(p->catalog, p->wanted, &data, error))
        return -1;
    set_title(p, "figures by scaling coefficient");
    return draw_lines(p, &data, "scaling coefficient", figure_label(p), error);
}

static int draw_similarity(struct plot *p, struct error *error) {
    struct similarity similarity;
    struct lines_data data;
    char *folder = store_folder(p->invocation->operands[0]);
    int result = folder ? similarity_make(p->recipe, folder, &similarity,
                                          p->invocation->work, error)
                        : error_memory(error);
    free(folder);
    if (result)
        return -1;
    result = lines_data_similarity(&similarity, &data, error);
    similarity_clear(&similarity);
    set_title(p, "how alike the task vectors are");
    return result ? -1
                  : draw_lines(p, &data, "block", "cosine similarity of task vectors",
                               error);
}

static int draw_training(struct plot *p, struct error *error) {
    struct lines_data data;
    char *name;
    if (lines_data_training(p->store, p->recipe, p->options->run, p->options->method,
                            &data, &name, error))
        return -1;
    set_title(p, "training loss of %s", name);
    free(name);
    return draw_lines(p, &data, "step", "training loss", error);
}

static void axis_label(const struct plot *p, size_t task, char *out, size_t size) {
    snprintf(out, size, "%s (%s)", TEXT_CUT(task_name(p, task), 100),
             TEXT_CUT(p->recipe->tasks[task].objective.unit, 40));
}

static int draw_attainment(struct plot *p, struct error *error) {
    size_t x, y;
    if (p->recipe->task_count < 2)
        return error_set(error, "there is one task; attainment needs two");
    if (find_task(p, p->options->x, "--x", 0, &x, error) ||
        find_task(p, p->options->y, "--y", x == 1 ? 0 : 1, &y, error))
        return -1;
    struct lines_data data;
    if (lines_data_attainment(p->store, p->catalog, p->wanted, x, y, &data, error))
        return -1;
    set_title(p, "what half of the seeds attain, and from all to the best");
    char labels[2][160];
    axis_label(p, x, labels[0], sizeof labels[0]);
    axis_label(p, y, labels[1], sizeof labels[1]);
    return draw_lines(p, &data, labels[0], labels[1], error);
}

int plot_draw(struct plot *p, struct error *error) {
    static int (*const kinds[PLOT_KINDS])(struct plot *, struct error *) = {
        draw_scatter, draw_ternary,    draw_parallel, draw_simplex,   draw_routing,
        draw_scaling, draw_similarity, draw_training, draw_attainment};
    return kinds[p->options->kind](p, error);
}
