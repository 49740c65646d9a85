/* The solution pointed at in words: what it is, every figure with its interval, and
 * what dominates it. One line where there is room, else as many as it takes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "panels/views.h"
#include "pareto/simplex.h"

enum { PARTS_MOST = STORE_TASKS_MAX + 4, LINES_MOST = 6 };

struct phrase {
    char text[192];
    enum ink ink;
    unsigned look;
};

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
    *part = (struct phrase){.ink = look_task(t)};
    int used = snprintf(part->text, sizeof part->text, "%s ",
                        TEXT_CUT(explorer_task_name(explorer, t), 40));
    if (!evaluation->present)
        snprintf(part->text + used, sizeof part->text - (size_t)used, "not measured");
    else if (evaluation->low < evaluation->high)
        snprintf(part->text + used, sizeof part->text - (size_t)used, "%s [%s, %s]%s",
                 TEXT_NUMBER(evaluation->value, 2), TEXT_NUMBER(evaluation->low, 2),
                 TEXT_NUMBER(evaluation->high, 2),
                 evaluation->complete ? "" : " so far");
    else
        snprintf(part->text + used, sizeof part->text - (size_t)used, "%s%s",
                 TEXT_NUMBER(evaluation->value, 2),
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

int pointed_line_draw(const struct view *view, const struct explorer *explorer) {
    struct phrase parts[PARTS_MOST];
    size_t count = make_parts(explorer, parts), line[PARTS_MOST];
    int lines = 1, x = 1,
        most = view->height - 2 < LINES_MOST ? view->height - 2 : LINES_MOST;
    for (size_t i = 0; i < count; i++) {
        int columns = text_columns(view->canvas->marks, parts[i].text);
        if (x > 1 && x + columns > view->width - 1) {
            lines++;
            x = 1;
        }
        line[i] = (size_t)lines - 1;
        x += columns + 2;
    }
    lines = lines > most ? most : lines;
    int top = view->height - (lines < 1 ? 1 : lines);
    for (int y = top; y < view->height; y++)
        view_fill(view, 0, y, view->width, L' ', INK_TEXT, LOOK_PLAIN);
    x = 1;
    for (size_t i = 0; i < count && (int)line[i] < view->height - top; i++) {
        if (i && line[i] != line[i - 1])
            x = 1;
        x += 2 + view_text(view, x, top + (int)line[i], view->width - x - 1,
                           parts[i].ink, parts[i].look, parts[i].text);
    }
    return view->height - top;
}
