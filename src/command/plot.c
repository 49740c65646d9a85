/* pwemoe plot: charts of what a results.db holds. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/work/plot_draw.h"
#include "results/filter.h"
#include "store/store.h"

static const struct option_spec options[] = {
    {.name = "kind",
     .type = OPTION_CHOICE,
     .value = "K",
     .choices = PLOT_KIND_NAMES,
     .initial = "scatter",
     .help = "What is drawn: " PLOT_KIND_NAMES,
     .offset = offsetof(struct plot_options, kind)},
    {.name = "out",
     .type = OPTION_TEXT,
     .value = "FILE",
     .help = "The file to write; its ending, .png, .svg or .pdf, decides the format",
     .offset = offsetof(struct plot_options, out)},
    {.name = "x",
     .type = OPTION_TEXT,
     .value = "TASK",
     .help = "scatter, attainment: the task along x (the first)",
     .offset = offsetof(struct plot_options, x)},
    {.name = "y",
     .type = OPTION_TEXT,
     .value = "TASK",
     .help = "scatter, attainment: the task along y (the second)",
     .offset = offsetof(struct plot_options, y)},
    {.name = "task",
     .type = OPTION_TEXT,
     .value = "TASK",
     .help = "ternary: this task's figures alone, on the whole page",
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
     .help = "ternary, simplex, routing: the newest routers of this granularity",
     .offset = offsetof(struct plot_options, upscale)},
    {.name = "run",
     .type = OPTION_UNSIGNED,
     .value = "ID",
     .minimum = 1,
     .maximum = 9007199254740992.0,
     .help = "ternary, simplex, routing, training: this training run rather than the "
             "newest",
     .offset = offsetof(struct plot_options, run)},
    SPLIT_OPTION("Figures on this split", struct plot_options, split),
    {.name = "title",
     .type = OPTION_TEXT,
     .value = "TEXT",
     .help = "A title above the chart (default: the recipe's name and what is shown)",
     .offset = offsetof(struct plot_options, title)},
    {.name = "no-title",
     .type = OPTION_FLAG,
     .help = "No title, for a figure with a caption",
     .offset = offsetof(struct plot_options, no_title)},
    {.name = "size",
     .type = OPTION_TEXT,
     .value = "WxH",
     .initial = "960x600",
     .help = "Size of the page, in points (72 to an inch)",
     .offset = offsetof(struct plot_options, size)},
    {.name = "dpi",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "72",
     .minimum = 36,
     .maximum = 1200,
     .help = "Pixels per inch of a PNG; 300 for print",
     .offset = offsetof(struct plot_options, dpi)},
    {.name = "font",
     .type = OPTION_REAL,
     .value = "P",
     .initial = "15",
     .minimum = 4,
     .maximum = 100,
     .help = "Size of labels in points; marks, lines and margins are scaled with it",
     .offset = offsetof(struct plot_options, font)},
    {.name = "theme",
     .type = OPTION_CHOICE,
     .value = "T",
     .choices = "light|dark",
     .initial = "light",
     .help = "On white or on a dark page: light or dark",
     .offset = offsetof(struct plot_options, theme)},
    {0}};

/* A page has room for a chart of this size of text. */
static int parse_size(const struct plot_options *o, double *width, double *height,
                      struct error *error) {
    enum { WIDE = 20, HIGH = 14, MOST = 10000, PIXELS = 20000 };
    char copy[32];
    uint64_t w = 0, h = 0;
    snprintf(copy, sizeof copy, "%s", o->size);
    char *x = strchr(copy, 'x');
    if (x)
        *x++ = '\0';
    if (!x || !options_unsigned(copy, &w) || !options_unsigned(x, &h) || w > MOST ||
        h > MOST || (double)w < WIDE * o->font || (double)h < HIGH * o->font)
        return error_set(error,
                         "--size '%s': give WxH, from %.0fx%.0f (with --font %g) to "
                         "%dx%d, as 960x600",
                         o->size, WIDE * o->font, HIGH * o->font, o->font, MOST, MOST);
    *width = (double)w;
    *height = (double)h;
    if (fmax(*width, *height) * (double)o->dpi / 72 > PIXELS)
        return error_set(error, "--size %s at --dpi %llu has over %d pixels on a side",
                         o->size, (unsigned long long)o->dpi, PIXELS);
    return 0;
}

static bool ends_well(const char *path) {
    const char *end = strrchr(path, '.');
    return end && (strcmp(end, ".png") == 0 || strcmp(end, ".svg") == 0 ||
                   strcmp(end, ".pdf") == 0);
}

static int draw(struct plot *p, struct error *error) {
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
    p->page.dpi = (double)o->dpi;
    p->page.font = o->font;
    p->page.dark = o->theme == 1;
    return plot_draw(p, error);
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
    if (parse_size(p.options, &p.page.width, &p.page.height, error))
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
    .summary = "Draw charts as PNG, SVG or PDF",
    .text =
        "scatter: two tasks' figures; the front as a line, intervals as bars, "
        "dominated points small and pale, baselines named at their points where there "
        "is room.\n"
        "ternary: three tasks' preferences, and what the models there score as "
        "surfaces.\n"
        "parallel: every task an axis, every model a line.\n"
        "simplex: a table of what the models at each task's whole weight and at equal "
        "weights score.\n"
        "routing: the routing weights by depth, at each task's unit preference.\n"
        "scaling: figures along the scaling coefficient of the methods that have one.\n"
        "similarity: cosine similarity of the task vectors by depth; reads the "
        "models.\n"
        "training: the loss of each task along a training run.\n"
        "attainment: what runs that differ only in their seed attain in two tasks.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_USUAL,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct plot_options),
    .run = run,
};
