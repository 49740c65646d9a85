#include "panels/pointed_line.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/simplex.h"
#include "results/row.h"

/* {"keep":0.2,"scale":0.4} as keep 0.2 scale 0.4; the store's JSON has no blanks. */
static void add_parameters(const char *json, char *out, size_t size) {
    size_t used = strlen(out);
    if (!json || strlen(json) < 3)
        return;
    for (const char *p = json; *p && used + 1 < size; p++)
        if (strchr("{:,", *p))
            out[used++] = ' ';
        else if (!strchr("}\"", *p))
            out[used++] = *p;
    out[used] = '\0';
}

static void name_part(const struct explorer *explorer, struct phrase *part) {
    const struct catalog *catalog = explorer->catalog;
    const struct store_solution *solution = &catalog->rows[explorer->pointed].solution;
    *part = (struct phrase){.ink = INK_TITLE, .look = LOOK_BOLD};
    catalog_row_text(catalog, explorer->pointed, part->text, 96);
    /* The scaling coefficient is in its name already. */
    if (!solution->routers && isnan(catalog->solutions[explorer->pointed].scale))
        add_parameters(solution->parameters, part->text, sizeof part->text);
}

static void figure_part(const struct explorer *explorer, size_t t,
                        struct phrase *part) {
    const struct store_evaluation *evaluation =
        &explorer->catalog->rows[explorer->pointed].evaluations[t];
    int digits =
        row_digits(&explorer->catalog->recipe->tasks[t].objective, evaluation->value);
    *part = (struct phrase){.ink = look_task(t)};
    int used = snprintf(part->text, sizeof part->text, "%s ",
                        TEXT_CUT(explorer_task_name(explorer, t), 40));
    if (!evaluation->present)
        snprintf(part->text + used, sizeof part->text - (size_t)used, "not measured");
    else if (evaluation->low < evaluation->high)
        snprintf(part->text + used, sizeof part->text - (size_t)used, "%s [%s, %s]%s",
                 TEXT_NUMBER(evaluation->value, digits),
                 TEXT_NUMBER(evaluation->low, digits),
                 TEXT_NUMBER(evaluation->high, digits),
                 evaluation->complete ? "" : " so far");
    else
        snprintf(part->text + used, sizeof part->text - (size_t)used, "%s%s",
                 TEXT_NUMBER(evaluation->value, digits),
                 evaluation->complete || evaluation->imported ? "" : " so far");
}

static void dominance_part(const struct explorer *explorer, struct phrase *part) {
    const struct catalog *catalog = explorer->catalog;
    const struct solution *solution = &catalog->solutions[explorer->pointed];
    char name[96];
    size_t first, count = explorer_dominators(explorer, explorer->pointed, &first);
    *part = (struct phrase){.ink = INK_TEXT};
    if (solution->stale)
        snprintf(part->text, sizeof part->text, "stale: an expert has changed");
    else if (!solution->whole)
        snprintf(part->text, sizeof part->text, "partly measured");
    else if (solution->fp8)
        snprintf(part->text, sizeof part->text, "measured in fp8%s",
                 count == 0 ? "; nothing dominates it" : "; dominated");
    else if (count == 0)
        snprintf(part->text, sizeof part->text, "nothing dominates it");
    else if (count == 1)
        snprintf(part->text, sizeof part->text, "dominated by %s",
                 catalog_row_text(catalog, first, name, sizeof name));
    else
        snprintf(part->text, sizeof part->text, "dominated by %s and %zu more",
                 catalog_row_text(catalog, first, name, sizeof name), count - 1);
}

static size_t make_parts(const struct explorer *explorer, struct phrase *parts) {
    const struct store_solution *solution =
        &explorer->catalog->rows[explorer->pointed].solution;
    size_t count = 0;
    name_part(explorer, &parts[count++]);
    if (solution->preference) {
        char text[160];
        simplex_text(solution->preference, explorer->tasks, text, sizeof text);
        parts[count] = (struct phrase){.ink = INK_TEXT};
        snprintf(parts[count++].text, sizeof parts->text, "at %s", text);
    }
    for (size_t t = 0; t < explorer->tasks; t++)
        figure_part(explorer, t, &parts[count++]);
    dominance_part(explorer, &parts[count++]);
    return count;
}

void pointed_line_make(const struct view *whole, const struct explorer *explorer,
                       struct pointed_line *line) {
    int x = 1, most = whole->height - 2 < POINTED_LINES_MOST ? whole->height - 2
                                                             : POINTED_LINES_MOST;
    line->count = make_parts(explorer, line->parts);
    line->lines = 1;
    for (size_t i = 0; i < line->count; i++) {
        int columns = text_columns(whole->canvas->marks, line->parts[i].text);
        if (x > 1 && x + columns > whole->width - 1) {
            line->lines++;
            x = 1;
        }
        line->at[i] = line->lines - 1;
        x += columns + 2;
        /* One that is longer than a line takes more of them, and what follows the next.
         */
        if (columns > whole->width - 2)
            line->lines += text_lines(whole->canvas->marks, line->parts[i].text,
                                      whole->width - 2) -
                           1;
    }
    line->lines = line->lines > most ? most : line->lines;
    line->lines += line->lines < 1;
}

void pointed_line_draw(const struct view *whole, const struct pointed_line *line,
                       int bottom) {
    int top = bottom - line->lines, x = 1;
    for (int y = top; y < bottom; y++)
        view_fill(whole, 0, y, whole->width, L' ', INK_TEXT, LOOK_PLAIN);
    for (size_t i = 0; i < line->count && line->at[i] < line->lines; i++) {
        const struct phrase *part = &line->parts[i];
        if (i && line->at[i] != line->at[i - 1])
            x = 1;
        if (text_columns(whole->canvas->marks, part->text) > whole->width - 2)
            view_wrapped(whole, 1, top + line->at[i], whole->width - 2,
                         line->lines - line->at[i], part->ink, part->look, part->text);
        else
            x += 2 + view_text(whole, x, top + line->at[i], whole->width - x - 1,
                               part->ink, part->look, part->text);
    }
}
