/* pwemoe indicators: the quality of sets of objective vectors. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/command.h"
#include "command/io/point_sets.h"
#include "pareto/attainment.h"
#include "pareto/indicators.h"
#include "pareto/pareto.h"
#include "pareto/standing.h"

struct indicators_options {
    const char *reference, *directions, *reference_set, *ideal, *weights;
    bool maximise, no_contributions, points, attainment;
    uint64_t subset;
    double approximate;
};

static const struct option_spec options[] = {
    {.name = "ref",
     .type = OPTION_TEXT,
     .value = "R",
     .help = "The reference point of the hypervolume: a number for each objective, or "
             "one for all",
     .offset = offsetof(struct indicators_options, reference)},
    {.name = "maximise",
     .type = OPTION_FLAG,
     .help = "Every objective is maximised",
     .offset = offsetof(struct indicators_options, maximise)},
    {.name = "directions",
     .type = OPTION_TEXT,
     .value = "D,...",
     .help = "min or max for each objective",
     .offset = offsetof(struct indicators_options, directions)},
    {.name = "reference-set",
     .type = OPTION_TEXT,
     .value = "FILE",
     .help = "A point file to compare with: adds the indicators below that need one",
     .offset = offsetof(struct indicators_options, reference_set)},
    {.name = "ideal",
     .type = OPTION_TEXT,
     .value = "R",
     .help = "The ideal point, as --ref: adds r2",
     .offset = offsetof(struct indicators_options, ideal)},
    {.name = "weights",
     .type = OPTION_TEXT,
     .value = "FILE",
     .help = "With --ideal: a point file of r2's weights, each row scaled to sum to 1 "
             "(default exact for two objectives, a grid of at least 1000 for more)",
     .offset = offsetof(struct indicators_options, weights)},
    {.name = "points",
     .type = OPTION_FLAG,
     .help = "Print a row for each point instead of one for each file: rank, crowding "
             "distance, contribution to the hypervolume and pseudo-weights",
     .offset = offsetof(struct indicators_options, points)},
    {.name = "subset",
     .type = OPTION_UNSIGNED,
     .value = "K",
     .minimum = 1,
     .maximum = 1000000,
     .help = "Choose K points one after another, each the one that adds most to the "
             "hypervolume",
     .offset = offsetof(struct indicators_options, subset)},
    {.name = "attainment",
     .type = OPTION_FLAG,
     .help = "Treat files of two objectives as runs of one method: print the corners "
             "of what the best of them, half of them and all of them attain",
     .offset = offsetof(struct indicators_options, attainment)},
    {.name = "no-contributions",
     .type = OPTION_FLAG,
     .help = "Leave out what each point adds to the hypervolume (slow for many points; "
             "never in the table of whole files)",
     .offset = offsetof(struct indicators_options, no_contributions)},
    APPROXIMATE_OPTION(struct indicators_options, approximate),
    {0}};

struct indicators_context {
    const struct invocation *invocation;
    const struct indicators_options *options;
    const char *const *files;
    size_t file_count;
    struct point_sets in;
    struct approximation approximation;
};

/* Back in the objectives' own directions. */
static json_t *own_json(const struct indicators_context *v, const double *values) {
    json_t *array = json_array();
    for (size_t j = 0; j < v->in.objectives; j++) {
        double own = v->in.sign[j] * values[j];
        json_array_append_new(array, output_real(own == 0 ? 0 : own));
    }
    return array;
}

/* --- a row for each file ---------------------------------------------------------- */

enum { COLUMNS_MAX = 32 };

/* Row numbers, from 1, of the points that were chosen, in that order. */
static json_t *subset_json(const size_t *place, size_t count) {
    json_t *array = json_array();
    for (size_t next = 1, found = 1; found; next++) {
        found = 0;
        for (size_t i = 0; i < count; i++)
            if (place[i] == next) {
                json_array_append_new(array, json_integer((json_int_t)(i + 1)));
                found = 1;
            }
    }
    return array;
}

static struct indicator_input input_of(const struct indicators_context *v,
                                       const struct points *points) {
    return (struct indicator_input){.points = points->values,
                                    .count = points->count,
                                    .objectives = v->in.objectives,
                                    .reference = v->in.reference,
                                    .set = v->in.reference_set.values,
                                    .set_count = v->in.reference_set.count,
                                    .ideal = v->in.ideal,
                                    .weights = v->in.weights.values,
                                    .weight_count = v->in.weights.count,
                                    .approximation = &v->approximation,
                                    .work = v->invocation->work};
}

static double within(const struct indicators_context *v, size_t count) {
    return approximate_within(&v->approximation, count, v->in.objectives);
}

/* adds [points]: what each adds to the hypervolume. */
static int contributions_of(const struct indicators_context *v,
                            const struct points *points, double *adds,
                            struct error *error) {
    const struct work *work = v->invocation->work;
    double volume;
    if (!(within(v, points->count) > 0))
        return pareto_contributions(points->values, points->count, v->in.objectives,
                                    v->in.reference, adds, work, error);
    return approximate_hypervolume(points->values, points->count, v->in.objectives,
                                   v->in.reference, &v->approximation, &volume, adds,
                                   work, error);
}

static int add_file(const struct indicators_context *v, size_t file,
                    const struct output_column *columns, size_t column_count,
                    struct output *output, struct error *error) {
    const struct indicators_options *o = v->options;
    const struct indicator_input in = input_of(v, &v->in.sets[file]);
    bool contributions =
        v->invocation->common->format != OUTPUT_TABLE && !o->no_contributions;
    bool *keep = array_new(in.count, sizeof *keep);
    double *adds = array_new(in.count, sizeof *adds);
    size_t *place = array_new(in.count, sizeof *place);
    json_t *row[COLUMNS_MAX] = {NULL};
    long front = -1;
    int result = keep && adds && place ? 0 : error_memory(error);
    if (result == 0)
        front = pareto_filter(in.points, in.count, in.objectives, false, keep, error);
    if (front < 0)
        result = -1;
    if (result == 0 && contributions)
        result = contributions_of(v, &v->in.sets[file], adds, error);
    if (result == 0 && o->subset)
        result = standing_subset(in.points, in.count, in.objectives, in.reference,
                                 (size_t)o->subset, place, in.work, error);
    for (size_t c = 0; result == 0 && c < column_count; c++) {
        const char *name = columns[c].name;
        const struct indicator *indicator = indicator_find(name);
        double value;
        if (indicator) {
            result = indicator_measure(indicator, &in, &value, error);
            row[c] = result ? NULL : output_real(value);
        } else if (strcmp(name, "file") == 0) {
            row[c] = output_text(v->files[file]);
        } else if (strcmp(name, "points") == 0) {
            row[c] = json_integer((json_int_t)in.count);
        } else if (strcmp(name, "nondominated") == 0) {
            row[c] = json_integer(front);
        } else if (strcmp(name, "reference") == 0) {
            row[c] = own_json(v, v->in.reference);
        } else if (strcmp(name, "contributions") == 0) {
            row[c] = output_reals(contributions ? adds : NULL, in.count);
        } else if (strcmp(name, "hypervolume_within") == 0) {
            row[c] = output_real(within(v, in.count));
        } else {
            row[c] = subset_json(place, in.count);
        }
    }
    if (result == 0)
        output_row(output, row);
    for (size_t c = 0; result && c < column_count; c++)
        json_decref(row[c]);
    free(keep);
    free(adds);
    free(place);
    return result;
}

static int print_files(const struct indicators_context *v, struct error *error) {
    struct output_column columns[COLUMNS_MAX];
    size_t count = 0, table_count;
    const struct indicator *table = indicators(&table_count);
    unsigned has = INDICATOR_REFERENCE |
                   (v->in.reference_set.values ? INDICATOR_SET : 0) |
                   (v->in.ideal ? INDICATOR_IDEAL : 0);
    if (v->file_count > 1)
        columns[count++] = (struct output_column){"file", IN_ALL, 0};
    columns[count++] = (struct output_column){"points", IN_ALL, 0};
    columns[count++] = (struct output_column){"nondominated", IN_ALL, 0};
    columns[count++] = (struct output_column){"reference", IN_ALL, -1};
    for (size_t i = 0; i < table_count; i++) {
        if ((table[i].needs & has) == table[i].needs)
            columns[count++] = (struct output_column){table[i].name, IN_ALL, -1};
        if (i == 0)
            columns[count++] =
                (struct output_column){"contributions", IN_CSV | IN_JSON, -1};
        if (i == 0 && v->options->approximate > 0)
            columns[count++] = (struct output_column){"hypervolume_within", IN_ALL, -1};
    }
    if (v->options->subset)
        columns[count++] = (struct output_column){"subset", IN_ALL, 0};
    struct output *output = output_new(v->invocation->common->format,
                                       v->file_count == 1, columns, count, error);
    int result = output ? 0 : -1;
    for (size_t i = 0; result == 0 && i < v->file_count; i++)
        result = add_file(v, i, columns, count, output, error);
    if (result == 0)
        return output_end(output, error);
    output_free(output);
    return -1;
}

/* --- a row for each point --------------------------------------------------------- */

static int add_points(const struct indicators_context *v, size_t file,
                      struct output *output, struct error *error) {
    const struct indicators_options *o = v->options;
    const struct points *points = &v->in.sets[file];
    const struct work *work = v->invocation->work;
    size_t n = points->count, d = v->in.objectives;
    size_t *ranks = array_new(n, sizeof *ranks), *place = array_new(n, sizeof *place);
    double *crowding = array_new(n, sizeof *crowding);
    double *adds = array_new(n, sizeof *adds);
    double *weights = array_new(n * d, sizeof *weights);
    int result =
        ranks && place && crowding && adds && weights ? 0 : error_memory(error);
    if (result == 0 &&
        (standing_ranks(points->values, n, d, ranks, error) ||
         standing_crowding(points->values, n, d, ranks, crowding, error)))
        result = -1;
    if (result == 0)
        standing_pseudo_weights(points->values, n, d, ranks, weights);
    if (result == 0 && !o->no_contributions)
        result = contributions_of(v, points, adds, error);
    if (result == 0 && o->subset)
        result = standing_subset(points->values, n, d, v->in.reference,
                                 (size_t)o->subset, place, work, error);
    for (size_t i = 0; result == 0 && i < n; i++)
        output_row(
            output,
            (json_t *[]){output_text(v->files[file]), json_integer((json_int_t)(i + 1)),
                         own_json(v, points->values + i * d),
                         json_integer((json_int_t)ranks[i]), output_real(crowding[i]),
                         o->no_contributions ? NULL : output_real(adds[i]),
                         ranks[i] == 1 ? output_reals(weights + i * d, d) : NULL,
                         place[i] ? json_integer((json_int_t)place[i]) : NULL});
    free(ranks);
    free(place);
    free(crowding);
    free(adds);
    free(weights);
    return result;
}

static int print_points(const struct indicators_context *v, struct error *error) {
    static const struct output_column columns[] = {
        {"file", IN_CSV | IN_JSON, 0}, {"point", IN_ALL, 0},
        {"values", IN_ALL, -1},        {"rank", IN_ALL, 0},
        {"crowding", IN_ALL, -1},      {"contribution", IN_ALL, -1},
        {"pseudo_weights", IN_ALL, 3}, {"subset", IN_ALL, 0}};
    struct output *output = output_new(v->invocation->common->format, false, columns,
                                       sizeof columns / sizeof *columns, error);
    int result = output ? 0 : -1;
    for (size_t i = 0; result == 0 && i < v->file_count; i++)
        result = add_points(v, i, output, error);
    if (result == 0)
        return output_end(output, error);
    output_free(output);
    return -1;
}

/* --- attainment surfaces ---------------------------------------------------------- */

static int print_attainment(const struct indicators_context *v, struct error *error) {
    static const struct output_column columns[] = {
        {"surface", IN_ALL, 0}, {"sets", IN_ALL, 0}, {"values", IN_ALL, -1}};
    size_t total = 0, files = v->file_count;
    if (v->in.objectives != 2)
        return error_set(error, "attainment surfaces need two objectives; %s has %zu",
                         v->files[0], v->in.objectives);
    for (size_t i = 0; i < files; i++)
        total += v->in.sets[i].count;
    double *points = array_new(2 * total, sizeof *points), *surface;
    size_t *set_of = array_new(total, sizeof *set_of), corners;
    int result = points && set_of ? 0 : error_memory(error);
    for (size_t i = 0, at = 0; result == 0 && i < files; i++)
        for (size_t k = 0; k < v->in.sets[i].count; k++, at++) {
            set_of[at] = i;
            memcpy(points + 2 * at, v->in.sets[i].values + 2 * k, 2 * sizeof *points);
        }
    const struct {
        const char *name;
        size_t level;
    } levels[] = {{"best", 1}, {"median", attainment_median(files)}, {"worst", files}};
    struct output *output =
        result ? NULL
               : output_new(v->invocation->common->format, false, columns, 3, error);
    result = output ? 0 : -1;
    for (size_t l = 0; result == 0 && l < 3; l++) {
        result = attainment_surface(points, set_of, total, files, levels[l].level,
                                    &surface, &corners, error);
        for (size_t i = 0; result == 0 && i < corners; i++)
            output_row(output, (json_t *[]){json_string(levels[l].name),
                                            json_integer((json_int_t)levels[l].level),
                                            own_json(v, surface + 2 * i)});
        if (result == 0)
            free(surface);
    }
    free(points);
    free(set_of);
    if (result == 0)
        return output_end(output, error);
    output_free(output);
    return -1;
}

/* --- the command ------------------------------------------------------------------ */

static int check_usage(const struct invocation *invocation, struct error *error) {
    const struct indicators_options *o = invocation->options;
    if (!o->reference && !o->attainment)
        return error_set(
            error, "--ref is missing; give the reference point of the hypervolume");
    if (o->maximise && o->directions)
        return error_set(error, "give only one of --maximise and --directions");
    if (o->weights && !o->ideal)
        return error_set(error, "--weights is for r2, which needs --ideal, too");
    if (o->attainment && (o->points || o->subset || o->reference_set || o->ideal))
        return error_set(error, "--attainment cannot be used with --points, --subset, "
                                "--reference-set or --ideal");
    if (o->points && (o->reference_set || o->ideal))
        return error_set(error, "--points cannot be used with --reference-set or "
                                "--ideal, which are for whole files");
    return 0;
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const struct indicators_options *o = invocation->options;
    struct indicators_context v = {
        .invocation = invocation,
        .options = o,
        .file_count = invocation->operand_count,
        .approximation = {o->approximate, invocation->common->seed},
        .files = invocation->operands};
    const struct point_sets_given given = {.files = v.files,
                                           .count = v.file_count,
                                           .maximise = o->maximise,
                                           .directions = o->directions,
                                           .reference = o->reference,
                                           .ideal = o->ideal,
                                           .reference_set = o->reference_set,
                                           .weights = o->weights};
    bool usage = false;
    if (check_usage(invocation, error))
        return EXIT_USAGE;
    int result = point_sets_read(&given, &v.in, &usage, error);
    if (result == 0)
        result = o->attainment ? print_attainment(&v, error)
                 : o->points   ? print_points(&v, error)
                               : print_files(&v, error);
    point_sets_clear(&v.in);
    return usage ? EXIT_USAGE : result ? EXIT_FAILED : EXIT_DONE;
}

/* The table of indicators. */
static void help_indicators(FILE *out) {
    size_t count;
    const struct indicator *table = indicators(&count);
    fputs("\nIndicators, as they are named in JSON:\n", out);
    for (size_t i = 0; i < count; i++) {
        char text[256];
        snprintf(text, sizeof text, "%s; %s is better%s%s", table[i].help,
                 table[i].direction == INDICATOR_MORE ? "more" : "less",
                 table[i].needs & INDICATOR_SET ? " (needs --reference-set)" : "",
                 table[i].needs & INDICATOR_IDEAL ? " (needs --ideal)" : "");
        options_help_entry(out, table[i].name, text);
    }
}

const struct command command_indicators = {
    .name = "indicators",
    .usage =
        "POINTS... --ref R [--maximise | --directions D,...] [--reference-set FILE]",
    .summary = "Compute hypervolume and other indicators of files of points",
    .text =
        "Reads files with one point on each row (numbers separated by commas or white "
        "space, # comments; - is standard input) and prints for each the number of "
        "points and of nondominated points, the hypervolume up to the reference "
        "point, what each point adds to it, and those of the indicators below for "
        "which --reference-set or --ideal is given. The hypervolume is exact, unless "
        "--approximate allows sampling for more than four objectives. Objectives are "
        "minimised unless "
        "--maximise or --directions say otherwise; the reference point, the reference "
        "set and the ideal point are in the orientation of the points.",
    .operands_min = 1,
    .operands_max = 10000,
    .common = TAKES_USUAL | TAKES_FORMAT | TAKES_SEED,
    .options = options,
    .options_size = sizeof(struct indicators_options),
    .more_help = help_indicators,
    .run = run,
};
