/* pwemoe plot: charts of what a results.db holds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/command.h"
#include "command/io/paths.h"
#include "command/work/analysis.h"
#include "command/work/plot_data.h"
#include "plot/kinds.h"
#include "results/filter.h"
#include "store/store.h"

struct plot_options {
    unsigned kind, split;
    const char *out, *x, *y, *task, *method, *where, *upscale, *title, *size;
    uint64_t run;
};

enum { SCATTER, TERNARY, PARALLEL, ROUTING, SCALING, SIMILARITY, TRAINING, KINDS };
#define KIND_NAMES "scatter|ternary|parallel|routing|scaling|similarity|training"

static const struct option_spec options[] = {
    {.name = "kind",
     .type = OPTION_CHOICE,
     .value = "K",
     .choices = KIND_NAMES,
     .initial = "scatter",
     .help = "What is drawn: " KIND_NAMES,
     .offset = offsetof(struct plot_options, kind)},
    {.name = "out",
     .type = OPTION_TEXT,
     .value = "FILE",
     .help = "The file to write; its end, .png, .svg or .pdf, is the format",
     .offset = offsetof(struct plot_options, out)},
    {.name = "x",
     .type = OPTION_TEXT,
     .value = "TASK",
     .help = "scatter: the task along x (the first)",
     .offset = offsetof(struct plot_options, x)},
    {.name = "y",
     .type = OPTION_TEXT,
     .value = "TASK",
     .help = "scatter: the task along y (the second)",
     .offset = offsetof(struct plot_options, y)},
    {.name = "task",
     .type = OPTION_TEXT,
     .value = "TASK",
     .help = "ternary: colour by this task's figure rather than the average",
     .offset = offsetof(struct plot_options, task)},
    {.name = "method",
     .type = OPTION_TEXT,
     .value = "M",
     .help = "Only solutions, runs or routers of this method",
     .offset = offsetof(struct plot_options, method)},
    {.name = "where",
     .type = OPTION_TEXT,
     .value = "EXPR",
     .help = "scatter, parallel, ternary, scaling: only solutions of which this is "
             "true, as in 'TASK >= 80 && method == ls || knee'",
     .offset = offsetof(struct plot_options, where)},
    {.name = "upscale",
     .type = OPTION_TEXT,
     .value = "G",
     .choices = "mlp|attn+mlp|all",
     .help = "ternary, routing: the newest routers of this granularity",
     .offset = offsetof(struct plot_options, upscale)},
    {.name = "run",
     .type = OPTION_UNSIGNED,
     .value = "ID",
     .minimum = 1,
     .maximum = 9007199254740992.0,
     .help = "ternary, routing, training: this training run rather than the newest",
     .offset = offsetof(struct plot_options, run)},
    {.name = "split",
     .type = OPTION_CHOICE,
     .value = "S",
     .choices = "test|train",
     .initial = "test",
     .help = "Figures on this split: test or train",
     .offset = offsetof(struct plot_options, split)},
    {.name = "title",
     .type = OPTION_TEXT,
     .value = "TEXT",
     .help = "A title above the chart (default: the recipe's name)",
     .offset = offsetof(struct plot_options, title)},
    {.name = "size",
     .type = OPTION_TEXT,
     .value = "WxH",
     .initial = "960x600",
     .help = "Pixels of a PNG, points of SVG and PDF",
     .offset = offsetof(struct plot_options, size)},
    {0}};

struct plot {
    const struct invocation *invocation;
    const struct plot_options *options;
    struct store *store;
    struct catalog *catalog;
    const struct store_recipe *recipe;
    bool *wanted; /* [count] */
    bool usage;   /* the command line is at fault */
    struct plot_page page;
};

/* fallback where no name is given. */
static int find_task(const struct plot *p, const char *name, const char *option,
                     size_t fallback, size_t *task, struct error *error) {
    *task = fallback;
    if (name && store_task_find(p->recipe, name, task, error))
        return error_prefix(error, "%s", option);
    return 0;
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

static int draw_ternary(struct plot *p, struct error *error) {
    const struct plot_options *o = p->options;
    size_t task;
    if (p->recipe->task_count != 3)
        return error_set(error, "a ternary chart is for three tasks; there are %zu",
                         p->recipe->task_count);
    if (find_task(p, o->task, "--task", SIZE_MAX, &task, error))
        return -1;
    struct store_run run;
    struct store_routers routers;
    if (analysis_find_routers(p->store, o->run, o->method, o->upscale, &run, &routers,
                              error))
        return -1;
    struct plot_shares data;
    int result = shares_make(p->catalog, p->wanted, routers.id, task, &data, error);
    store_routers_clear(&routers);
    store_run_clear(&run);
    if (result)
        return -1;
    const char *const corners[3] = {p->recipe->tasks[0].name, p->recipe->tasks[1].name,
                                    p->recipe->tasks[2].name};
    char label[160];
    snprintf(label, sizeof label, "%s accuracy (%%)",
             task == SIZE_MAX ? "average" : p->recipe->tasks[task].name);
    result = plot_ternary(&p->page, corners, data.preferences, data.values, data.count,
                          label, error);
    plot_shares_clear(&data);
    return result;
}

/* --- lines --------------------------------------------------------------------------
 */

static int draw_lines(struct plot *p, struct lines_data *data, const char *x,
                      const char *y, struct error *error) {
    int result = plot_lines(&p->page, x, y, data->panels, data->panel_count, error);
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
    int result = routing_make(&routers, p->recipe->task_count, &routing, error);
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
    return draw_lines(p, &data, "scaling coefficient", "accuracy (%)", error);
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
    return result ? -1
                  : draw_lines(p, &data, "block", "cosine similarity of task vectors",
                               error);
}

static int draw_training(struct plot *p, struct error *error) {
    struct lines_data data;
    if (lines_data_training(p->store, p->recipe, p->options->run, p->options->method,
                            &data, error))
        return -1;
    return draw_lines(p, &data, "step", "training loss", error);
}

/* --- the command --------------------------------------------------------------------
 */

static int parse_size(const char *text, double *width, double *height,
                      struct error *error) {
    char copy[32];
    uint64_t w = 0, h = 0;
    snprintf(copy, sizeof copy, "%s", text);
    char *x = strchr(copy, 'x');
    if (x)
        *x++ = '\0';
    if (!x || !options_unsigned(copy, &w) || !options_unsigned(x, &h) || w < 400 ||
        w > 10000 || h < 300 || h > 10000)
        return error_set(
            error, "--size '%s': give WxH, from 400x300 to 10000x10000, as 960x600",
            text);
    *width = (double)w;
    *height = (double)h;
    return 0;
}

static bool ends_well(const char *path) {
    const char *end = strrchr(path, '.');
    return end && (strcmp(end, ".png") == 0 || strcmp(end, ".svg") == 0 ||
                   strcmp(end, ".pdf") == 0);
}

static int draw(struct plot *p, struct error *error) {
    static int (*const kinds[KINDS])(struct plot *, struct error *) = {
        draw_scatter, draw_ternary,    draw_parallel, draw_routing,
        draw_scaling, draw_similarity, draw_training};
    const struct plot_options *o = p->options;
    if (store_open(p->invocation->operands[0], STORE_READ_ONLY, &p->store, error) ||
        catalog_read_solutions(p->store, o->split == 0 ? "test" : "train", &p->catalog,
                               error))
        return -1;
    p->recipe = p->catalog->recipe;
    p->wanted = array_new(p->catalog->count, sizeof *p->wanted);
    if (!p->wanted)
        return error_memory(error);
    struct filter *filter = NULL;
    if (o->where && filter_parse(o->where, p->recipe, &filter, NULL, error)) {
        p->usage = true;
        return error_prefix(error, "--where");
    }
    for (size_t i = 0; i < p->catalog->count; i++)
        p->wanted[i] =
            store_method_is(p->catalog->rows[i].solution.method, o->method) &&
            (!filter || filter_matches(filter, p->catalog, i));
    filter_free(filter);
    p->page.title = p->options->title;
    if (!p->page.title && *p->recipe->name)
        p->page.title = p->recipe->name;
    return kinds[p->options->kind](p, error);
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    struct plot p = {.invocation = invocation, .options = invocation->options};
    p.page.path = p.options->out;
    if (!p.options->out || !ends_well(p.options->out)) {
        if (p.options->out)
            error_set(error, "--out %s: the name must end in .png, .svg or .pdf",
                      p.options->out);
        else
            error_set(error, "--out is missing; give a name that ends in .png, .svg or "
                             ".pdf");
        return EXIT_USAGE;
    }
    if (parse_size(p.options->size, &p.page.width, &p.page.height, error))
        return EXIT_USAGE;
    enum exit_status status = !draw(&p, error) ? EXIT_DONE
                              : p.usage        ? EXIT_USAGE
                                               : EXIT_FAILED;
    free(p.wanted);
    catalog_free(p.catalog);
    store_close(p.store);
    return status;
}

const struct command command_plot = {
    .name = "plot",
    .usage = "FILE --kind K --out F.png|F.svg|F.pdf",
    .summary = "Charts as PNG, SVG or PDF",
    .text =
        "scatter: two tasks' figures; the front as a line, dominated points small and "
        "pale.\n"
        "ternary: three tasks' preferences, coloured by what the model there scores.\n"
        "parallel: every task an axis, every model a line.\n"
        "routing: the routing weights by depth, at each task's unit preference.\n"
        "scaling: figures along the scaling coefficient of the methods that have one.\n"
        "similarity: cosine similarity of the task vectors by depth; reads the "
        "models.\n"
        "training: the loss of each task along a training run.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_USUAL,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct plot_options),
    .run = run,
};
