#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "panels/views.h"
#include "results/routing.h"
#include "results/row.h"
#include "results/statistics.h"

/* Where a figure of one side comes from. */
enum source { UNKNOWN, ESTIMATED, IN_PART, FINAL };

/* estimates: at the side's preference, or NULL. */
static enum source value_of(const struct explorer *explorer,
                            const struct compared *side, const double *estimates,
                            size_t task, double *value) {
    struct figure figure;
    *value = NAN;
    if (side->row != SIZE_MAX) {
        *value = catalog_value(explorer->catalog, side->row, task);
        if (isfinite(*value))
            return catalog_settled(explorer->catalog, side->row, task) ? FINAL
                                                                       : IN_PART;
    }
    if (explorer_is_here(explorer, side) && explorer_figure(explorer, task, &figure) &&
        !figure.estimated) {
        *value = figure.value;
        return IN_PART;
    }
    if (!estimates)
        return UNKNOWN;
    *value = estimates[task];
    return ESTIMATED;
}

/* They go through all that is measured: once a side, not once a task. */
static const double *estimates_of(const struct explorer *explorer,
                                  const struct compared *side, double *values) {
    return side->has_preference &&
                   estimate_at(&explorer->samples, side->preference, values)
               ? values
               : NULL;
}

/* "A is better" is said only where the same examples say so (McNemar, 5 %). */
static const char *verdict(const struct paired *paired, enum source least) {
    if (least == IN_PART)
        return "undecided, measured in part";
    if (least != FINAL)
        return "not measured";
    if (!paired->known)
        return "not paired";
    if (paired->p >= 0.05)
        return "undecided";
    return paired->only_a > paired->only_b ? "A is better" : "B is better";
}

static void draw_value(const struct view *view, int x, int y, double value, int digits,
                       enum source source) {
    static const enum ink inks[] = {INK_FAINT, INK_ESTIMATE, INK_NOW, INK_TEXT};
    if (isfinite(value))
        view_right(view, x, y, 9, inks[source], LOOK_PLAIN, "%s%s",
                   source == ESTIMATED ? "~"
                   : source == IN_PART ? ">"
                                       : "",
                   TEXT_NUMBER(value, digits));
}

/* "2,000": rounded up to two digits, since nobody knows it better. */
static void count_text(double count, char *out, size_t size) {
    double unit = pow(10, fmax(0, floor(log10(count)) - 1));
    double rounded = ceil(count / unit) * unit;
    if (rounded < 1000)
        snprintf(out, size, "%.0f", rounded);
    else if (rounded < 1e6)
        snprintf(out, size, "%.0f,%03.0f", floor(rounded / 1000), fmod(rounded, 1000));
    else
        snprintf(out, size, "%.0f million", ceil(rounded / 1e6));
}

/* What the same examples say, in words: who is better, or how many more would tell. */
static int draw_sentences(const struct view *view, const struct explorer *explorer,
                          int y) {
    const struct compared *a = &explorer->compared[0], *b = &explorer->compared[1];
    for (size_t t = 0; t < explorer->tasks; t++) {
        const struct paired *paired = &explorer->paired[t];
        if (!paired->known || a->row == SIZE_MAX || b->row == SIZE_MAX)
            continue;
        const struct store_evaluation *e =
            &explorer->catalog->rows[a->row].evaluations[t];
        double one = (double)paired->only_a, other = (double)paired->only_b;
        double examples = (double)e->examples, wanted;
        char text[256], more[32] = "";
        if (paired->p < 0.05) {
            snprintf(text, sizeof text,
                     "%s: %s, right on %.0f of %.0f examples that "
                     "the other misses, against %.0f",
                     TEXT_CUT(explorer_task_name(explorer, t), 60),
                     one > other ? "A is better" : "B is better", fmax(one, other),
                     examples, fmin(one, other));
        } else {
            wanted = statistics_deciding(one, other, examples);
            if (isfinite(wanted))
                count_text(fmax(1, wanted - examples), more, sizeof more);
            snprintf(text, sizeof text,
                     "%s: undecided, %.0f of %.0f differ one way, %.0f the other; "
                     "%s%s",
                     TEXT_CUT(explorer_task_name(explorer, t), 60), fmax(one, other),
                     examples, fmin(one, other),
                     *more ? "some " : "they are equal so far", more);
            if (*more)
                snprintf(text + strlen(text), sizeof text - strlen(text),
                         " more would decide");
        }
        int lines = text_lines(view->canvas->marks, text, view->width - 2);
        view_wrapped(view, 1, y, view->width - 2, lines, INK_TEXT, LOOK_PLAIN, text);
        y += lines;
    }
    return y;
}

/* What a side's model is made by. */
static int64_t answerer_of(const struct explorer *explorer,
                           const struct compared *side) {
    return side->row == SIZE_MAX
               ? explorer->routers
               : catalog_answerer(&explorer->catalog->rows[side->row].solution);
}

/* Where in depth the two take more of one expert, less of another. */
static int draw_routing(const struct view *view, const struct explorer *explorer,
                        int y) {
    const struct compared *a = &explorer->compared[0], *b = &explorer->compared[1];
    size_t modules = 0, others = 0, tasks = explorer->tasks;
    if (!a->has_preference || !b->has_preference)
        return y;
    float *one = routing_weights(explorer->catalog, answerer_of(explorer, a),
                                 a->preference, &modules);
    float *other = routing_weights(explorer->catalog, answerer_of(explorer, b),
                                   b->preference, &others);
    if (one && other && modules == others) {
        y++;
        view_text(view, 1, y++, view->width - 1, INK_TITLE, LOOK_BOLD,
                  "routing weights, B - A, by depth");
        for (size_t t = 0; t < tasks; t++)
            view_right(view, 20 + 9 * (int)t, y, 8, look_task(t), LOOK_BOLD, "%s",
                       TEXT_CUT(explorer_task_name(explorer, t), 8));
        y++;
        for (size_t m = 0; m < modules; m++, y++) {
            if (modules == explorer->modules)
                view_text(view, 1, y, 18, INK_TEXT, LOOK_PLAIN,
                          explorer->module_names[m]);
            else
                view_printf(view, 1, y, 18, INK_TEXT, LOOK_PLAIN, "module %zu", m + 1);
            for (size_t t = 0; t < tasks; t++)
                view_right(view, 20 + 9 * (int)t, y, 8, INK_TEXT, LOOK_PLAIN, "%+.3f",
                           (double)(other[m * tasks + t] - one[m * tasks + t]));
        }
    }
    free(one);
    free(other);
    return y;
}

/* Columns: where A, B, their difference and the verdict begin. */
struct compare_columns {
    int name, a, b, difference, verdict;
};

static void draw_heading(const struct view *view, const struct compare_columns *x,
                         int y, const char *text) {
    view_text(view, 1, y, x->name, INK_TITLE, LOOK_BOLD, text);
    view_right(view, x->a, y, 9, INK_FAINT, LOOK_PLAIN, "A");
    view_right(view, x->b, y, 9, INK_FAINT, LOOK_PLAIN, "B");
    view_right(view, x->difference, y, 8, INK_FAINT, LOOK_PLAIN, "B - A");
}

static int draw_preferences(const struct view *view, const struct explorer *explorer,
                            const struct compare_columns *x, int y) {
    const struct compared *a = &explorer->compared[0], *b = &explorer->compared[1];
    draw_heading(view, x, y++, "preference");
    for (size_t t = 0; t < explorer->tasks; t++, y++) {
        view_text(view, 1, y, x->name, look_task(t), LOOK_PLAIN,
                  explorer_task_name(explorer, t));
        if (a->has_preference)
            view_right(view, x->a, y, 9, INK_TEXT, LOOK_PLAIN, "%.3f",
                       a->preference[t]);
        if (b->has_preference)
            view_right(view, x->b, y, 9, INK_TEXT, LOOK_PLAIN, "%.3f",
                       b->preference[t]);
        if (a->has_preference && b->has_preference)
            view_right(view, x->difference, y, 8, INK_TEXT, LOOK_PLAIN, "%+.3f",
                       b->preference[t] - a->preference[t]);
    }
    return y;
}

static void draw_verdict(const struct view *view, const struct paired *paired,
                         enum source least, int x, int y) {
    char why[2][128], p[32];
    x += 1 + view_text(view, x, y, view->width - x, INK_TEXT, LOOK_PLAIN,
                       verdict(paired, least));
    if (!paired->known || least != FINAL)
        return;
    snprintf(p, sizeof p, "p %s%.3f", paired->p < 0.001 ? "< " : "",
             fmax(paired->p, 0.001));
    snprintf(why[0], sizeof why[0], "(%s; A only %llu, B %llu)", p,
             (unsigned long long)paired->only_a, (unsigned long long)paired->only_b);
    snprintf(why[1], sizeof why[1], "(%s)", p);
    /* The counts stand in the sentences below, too. */
    for (int i = 0; i < 2; i++)
        if (text_columns(view->canvas->marks, why[i]) <= view->width - x) {
            view_text(view, x, y, view->width - x, INK_FAINT, LOOK_PLAIN, why[i]);
            return;
        }
}

static int draw_objectives(const struct view *view, const struct explorer *explorer,
                           const struct compare_columns *x, int y) {
    const struct compared *a = &explorer->compared[0], *b = &explorer->compared[1];
    double of_a[STORE_TASKS_MAX], of_b[STORE_TASKS_MAX], sum_a = 0, sum_b = 0;
    const double *at_a = estimates_of(explorer, a, of_a);
    const double *at_b = estimates_of(explorer, b, of_b);
    enum source lowest = FINAL;
    draw_heading(view, x, y, "objective");
    view_text(view, x->verdict, y++, view->width - x->verdict, INK_FAINT, LOOK_PLAIN,
              "on the same examples");
    for (size_t t = 0; t < explorer->tasks; t++, y++) {
        double va, vb;
        enum source sa = value_of(explorer, a, at_a, t, &va),
                    sb = value_of(explorer, b, at_b, t, &vb);
        enum source least = sa < sb ? sa : sb;
        view_text(view, 1, y, x->name, look_task(t), LOOK_PLAIN,
                  explorer_task_name(explorer, t));
        int digits = row_digits(&explorer->catalog->recipe->tasks[t].objective, va);
        draw_value(view, x->a, y, va, digits, sa);
        draw_value(view, x->b, y, vb, digits, sb);
        if (isfinite(va + vb))
            view_right(view, x->difference, y, 8, INK_TEXT, LOOK_PLAIN, "%s",
                       TEXT_SIGNED(vb - va, digits));
        draw_verdict(view, &explorer->paired[t], least, x->verdict, y);
        sum_a += va;
        sum_b += vb;
        lowest = least < lowest ? least : lowest;
    }
    if (isfinite(sum_a + sum_b) && store_recipe_averages(explorer->catalog->recipe)) {
        double tasks = (double)explorer->tasks;
        view_text(view, 1, y, x->name, INK_TEXT, LOOK_BOLD, "mean");
        int digits =
            row_digits(&explorer->catalog->recipe->tasks[0].objective, sum_a / tasks);
        draw_value(view, x->a, y, sum_a / tasks, digits, lowest);
        draw_value(view, x->b, y, sum_b / tasks, digits, lowest);
        view_right(view, x->difference, y++, 8, INK_TEXT, LOOK_PLAIN, "%s",
                   TEXT_SIGNED((sum_b - sum_a) / tasks, digits));
    }
    return y;
}

int compare_view_draw(const struct view *view, const struct explorer *explorer,
                      int scroll) {
    const struct compared *a = &explorer->compared[0], *b = &explorer->compared[1];
    struct compare_columns x = {.name = view->width >= 70 ? 18 : 12};
    int y = -scroll;
    x.a = x.name + 2;
    x.b = x.a + 11;
    x.difference = x.b + 11;
    x.verdict = x.difference + 10;
    view_printf(view, 1, y++, view->width - 1, INK_TEXT, LOOK_BOLD, "A  %s", a->name);
    view_printf(view, 1, y++, view->width - 1, INK_TEXT, LOOK_BOLD, "B  %s", b->name);
    y = draw_preferences(view, explorer, &x, y + 1);
    y = draw_objectives(view, explorer, &x, y + 1);
    y = draw_sentences(view, explorer, y + 1);
    y = draw_routing(view, explorer, y);
    static const char signs[] =
        "~ is an estimate, > measured so far. Paired figures: McNemar's test, 5 %.";
    int lines = text_lines(view->canvas->marks, signs, view->width - 2);
    y++;
    view_wrapped(view, 1, y, view->width - 2, lines, INK_FAINT, LOOK_PLAIN, signs);
    return y + lines + scroll;
}
