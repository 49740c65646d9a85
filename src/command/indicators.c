/* pwemoe indicators: the quality of a set of objective vectors. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/command.h"
#include "command/io/point_file.h"
#include "pareto/pareto.h"

struct indicators_options {
    const char *reference, *directions, *reference_set;
    bool maximise, no_contributions;
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
     .help = "A point file to measure the distance to: adds igd, igd_plus and "
             "epsilon_additive",
     .offset = offsetof(struct indicators_options, reference_set)},
    {.name = "no-contributions",
     .type = OPTION_FLAG,
     .help = "Leave out what each point adds to the hypervolume (JSON and CSV only; it "
             "takes long for many points)",
     .offset = offsetof(struct indicators_options, no_contributions)},
    {0}};

/* sign[i] = 1 where objective i is minimised, -1 where it is maximised. */
static int read_directions(const struct indicators_options *o, size_t objectives,
                           double *sign, struct error *error) {
    for (size_t i = 0; i < objectives; i++)
        sign[i] = o->maximise ? -1 : 1;
    if (!o->directions)
        return 0;
    const char *p = o->directions;
    size_t count = 0;
    for (;;) {
        size_t word = strcspn(p, ", ");
        bool minimum = word == 3 && memcmp(p, "min", 3) == 0;
        if (!minimum && !(word == 3 && memcmp(p, "max", 3) == 0))
            return error_set(error,
                             "--directions '%s': give min or max for each "
                             "objective, separated by commas",
                             o->directions);
        if (count < objectives)
            sign[count] = minimum ? 1 : -1;
        count++;
        p += word;
        if (!*p)
            break;
        p++;
    }
    if (count != objectives)
        return error_set(error,
                         "--directions names %zu objectives, the points have %zu",
                         count, objectives);
    return 0;
}

static void turn(double *values, size_t count, size_t objectives, const double *sign) {
    for (size_t i = 0; i < count * objectives; i++)
        values[i] *= sign[i % objectives];
}

struct figures {
    long nondominated;
    double hypervolume;
    double *contributions; /* [points] or NULL */
    bool with_set;
    double igd, igd_plus, epsilon;
};

static int measure(const struct invocation *invocation, struct points *points,
                   double *reference, const double *sign, struct figures *f,
                   struct error *error) {
    const struct indicators_options *o = invocation->options;
    size_t d = points->columns;
    bool *keep = array_new(points->count, sizeof *keep);
    if (!keep)
        return error_memory(error);
    f->nondominated =
        pareto_filter(points->values, points->count, d, false, keep, error);
    free(keep);
    if (f->nondominated < 0 ||
        pareto_hypervolume(points->values, points->count, d, reference, &f->hypervolume,
                           NULL, error))
        return -1;
    if (invocation->common->format != OUTPUT_TABLE && !o->no_contributions) {
        f->contributions = array_new(points->count, sizeof *f->contributions);
        if (!f->contributions)
            return error_memory(error);
        if (pareto_contributions(points->values, points->count, d, reference,
                                 f->contributions, NULL, error))
            return -1;
    }
    if (!o->reference_set)
        return 0;
    struct points set;
    if (points_read(o->reference_set, &set, error))
        return -1;
    int result = 0;
    if (set.columns != d) {
        result = error_set(error, "%s has points of %zu objectives, %s of %zu",
                           o->reference_set, set.columns, invocation->operands[0], d);
    } else {
        turn(set.values, set.count, d, sign);
        f->with_set = true;
        f->igd = pareto_igd(points->values, points->count, set.values, set.count, d);
        f->igd_plus =
            pareto_igd_plus(points->values, points->count, set.values, set.count, d);
        f->epsilon = pareto_epsilon_additive(points->values, points->count, set.values,
                                             set.count, d);
    }
    points_free(&set);
    return result;
}

static int print(const struct invocation *invocation, const struct points *points,
                 const double *reference, const struct figures *f,
                 struct error *error) {
    static const struct output_column columns[] = {
        {"points", IN_ALL, 0},
        {"nondominated", IN_ALL, 0},
        {"reference", IN_ALL, -1},
        {"hypervolume", IN_ALL, -1},
        {"contributions", IN_CSV | IN_JSON, -1},
        {"igd", IN_ALL, -1},
        {"igd_plus", IN_ALL, -1},
        {"epsilon_additive", IN_ALL, -1}};
    size_t count = f->with_set ? 8 : 5;
    struct output *output =
        output_new(invocation->common->format, true, columns, count, error);
    if (!output)
        return -1;
    json_t *row[8] = {
        json_integer((json_int_t)points->count), json_integer(f->nondominated),
        output_reals(reference, points->columns), output_real(f->hypervolume),
        output_reals(f->contributions, points->count)};
    if (f->with_set) {
        row[5] = output_real(f->igd);
        row[6] = output_real(f->igd_plus);
        row[7] = output_real(f->epsilon);
    }
    output_row(output, row);
    return output_end(output, error);
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const struct indicators_options *o = invocation->options;
    if (!o->reference) {
        error_set(error,
                  "--ref is missing; give the reference point of the hypervolume");
        return EXIT_USAGE;
    }
    if (o->maximise && o->directions) {
        error_set(error, "--maximise and --directions exclude each other");
        return EXIT_USAGE;
    }
    double *given = NULL;
    size_t given_count;
    if (points_vector(o->reference, "--ref", &given, &given_count, error))
        return EXIT_USAGE;
    struct points points;
    if (points_read(invocation->operands[0], &points, error)) {
        free(given);
        return EXIT_FAILED;
    }
    enum exit_status status = EXIT_FAILED;
    struct figures figures = {0};
    size_t d = points.columns;
    double *shown = array_new(d, sizeof *shown),
           *reference = array_new(d, sizeof *shown), *sign = array_new(d, sizeof *sign);
    if (!shown || !reference || !sign) {
        error_memory(error);
    } else if (given_count != d && given_count != 1) {
        error_set(error, "--ref has %zu numbers, the points of %s have %zu objectives",
                  given_count, invocation->operands[0], d);
        status = EXIT_USAGE;
    } else if (read_directions(o, d, sign, error)) {
        status = EXIT_USAGE;
    } else {
        for (size_t i = 0; i < d; i++) {
            shown[i] = given[given_count == 1 ? 0 : i];
            reference[i] = sign[i] * shown[i];
        }
        turn(points.values, points.count, d, sign);
        if (measure(invocation, &points, reference, sign, &figures, error) == 0 &&
            print(invocation, &points, shown, &figures, error) == 0)
            status = EXIT_DONE;
    }
    free(figures.contributions);
    free(shown);
    free(reference);
    free(sign);
    free(given);
    points_free(&points);
    return status;
}

const struct command command_indicators = {
    .name = "indicators",
    .usage = "POINTS --ref R [--maximise | --directions D,...] [--reference-set FILE]",
    .summary = "Hypervolume and other indicators of a file of points",
    .text = "Reads a file with one point a row (numbers separated by commas or white "
            "space, # comments; - is standard input) and prints how many points there "
            "are and how many of them no other dominates, the exact hypervolume "
            "up to the reference point, and what each point adds to it. Objectives are "
            "minimised unless --maximise or --directions say otherwise; the reference "
            "point and the reference set are in the orientation of the points.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_QUIET | TAKES_FORMAT,
    .options = options,
    .options_size = sizeof(struct indicators_options),
    .run = run,
};
