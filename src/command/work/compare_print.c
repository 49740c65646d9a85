/* The table of `pwemoe compare` on stdout. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "command/work/compare.h"

enum { COLUMNS_MAX = 64 };

struct row {
    json_t *cells[COLUMNS_MAX];
    size_t count;
};

static void add(struct row *row, json_t *cell) {
    row->cells[row->count++] = cell;
}

static json_t *number(double value, double times) {
    return output_real(value * times);
}

/* "0.996 ±0.021" */
static json_t *with_interval(double mean, double half, int decimals) {
    char text[2 * TEXT_FIXED + 8];
    if (!isfinite(mean))
        return NULL;
    if (isfinite(half))
        snprintf(text, sizeof text, "%s ±%s", TEXT_NUMBER(mean, decimals),
                 TEXT_NUMBER(half, decimals));
    else
        text_fixed(text, mean, decimals);
    return json_string(text);
}

/* One criterion: the mean with its interval for a table; mean, half the interval and
 * every seed's value for other formats. */
static void add_criterion(struct row *row, const struct compare *c,
                          const struct compare_summary *s,
                          const struct compare_column *column) {
    double mean, half, times = column->percent ? 100 : 1;
    compare_mean(c, s, column->offset, &mean, &half);
    add(row, with_interval(mean * times, half * times, column->decimals));
    add(row, number(mean, times));
    add(row, number(half, times));
    json_t *seeds = json_array();
    for (size_t i = 0; i < s->trials; i++) {
        const struct criteria *criteria = &c->trials[s->first + i].criteria;
        double value = *(const double *)((const char *)criteria + column->offset);
        json_array_append_new(seeds, number(value, times));
    }
    add(row, seeds);
}

/* Each task's figure where the whole weight is on it, over seeds. */
static json_t *own_figures(const struct compare *c, const struct compare_summary *s) {
    double own[STORE_TASKS_MAX] = {0};
    size_t tasks = c->design.tasks;
    for (size_t i = 0; i < s->trials; i++)
        for (size_t t = 0; t < tasks; t++)
            own[t] += c->trials[s->first + i].values[t * tasks + t] / (double)s->trials;
    return output_reals(own, tasks);
}

static json_t *whole(uint64_t value) {
    return value ? json_integer((json_int_t)value) : NULL;
}

static void add_contender(const struct compare *c, const struct compare_summary *s,
                          struct output *output) {
    size_t count;
    const struct compare_column *columns = compare_columns(&count);
    struct row row = {.count = 0};
    double seconds = 0, peak = 0;
    for (size_t i = 0; i < s->trials; i++) {
        const struct compare_trial *trial = &c->trials[s->first + i];
        seconds += trial->seconds / (double)s->trials;
        peak = fmax(peak, (double)trial->peak_bytes);
    }
    add(&row, output_text(c->contenders[s->one->contender].name));
    add(&row, json_integer((json_int_t)s->trials));
    for (size_t i = 0; i < count; i++)
        add_criterion(&row, c, s, &columns[i]);
    add(&row, own_figures(c, s));
    add(&row, whole(s->one->trainable));
    add(&row, json_integer((json_int_t)s->one->images));
    add(&row, json_integer((json_int_t)s->one->labels));
    add(&row, output_real(seconds));
    add(&row, whole((uint64_t)peak >> 20));
    add(&row, output_real(s->p_seeds));
    add(&row, output_real(s->p_examples));
    output_row(output, row.cells);
}

int compare_print(const struct compare *c, const struct compare_summary *summaries,
                  size_t best, struct error *error) {
    struct output_column columns[COLUMNS_MAX] = {{"method", IN_ALL, 0},
                                                 {"seeds", IN_ALL, 0}};
    char names[COLUMNS_MAX][32];
    size_t criteria, n = 2;
    const struct compare_column *list = compare_columns(&criteria);
    for (size_t i = 0; i < criteria; i++) {
        columns[n++] = (struct output_column){list[i].key, IN_TABLE, 0};
        columns[n++] = (struct output_column){list[i].key, IN_CSV | IN_JSON, -1};
        snprintf(names[n], sizeof names[n], "%s_half", list[i].key);
        columns[n] = (struct output_column){names[n], IN_CSV | IN_JSON, -1};
        n++;
        snprintf(names[n], sizeof names[n], "%s_seeds", list[i].key);
        columns[n] = (struct output_column){names[n], IN_JSON, -1};
        n++;
    }
    static const struct output_column rest[] = {
        {"own_figures", IN_JSON, -1}, {"trainable", IN_ALL, 0},
        {"images", IN_ALL, 0},        {"labels", IN_ALL, 0},
        {"seconds", IN_ALL, 2},       {"mebibytes", IN_ALL, 0},
        {"p_seeds", IN_ALL, 4},       {"p_examples", IN_ALL, 4}};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        columns[n++] = rest[i];
    struct output *output =
        output_new(c->invocation->common->format, false, columns, n, error);
    if (!output)
        return -1;
    for (size_t i = 0; i < c->contender_count; i++)
        add_contender(c, &summaries[i], output);
    command_note(c->invocation, "best by the share with edges: %s",
                 c->contenders[best].name);
    return output_end(output, error);
}
