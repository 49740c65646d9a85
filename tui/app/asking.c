/* Keys that ask for a preference in writing: as a vector, or by the figures wanted. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/actions.h"
#include "pareto/simplex.h"

static void take_vector(struct app *app) {
    struct explorer *explorer = &app->explorer;
    double preference[STORE_TASKS_MAX] = {0};
    struct error error;
    if (simplex_parse(explorer->dialog.text, explorer->tasks, preference, &error)) {
        dialog_refuse(&explorer->dialog, "%.500s", error.text);
        return;
    }
    dialog_close(&explorer->dialog);
    explorer_go(explorer, preference, false);
}

static const struct question vector_question = {
    .kind = DIALOG_LINE,
    .title = "Preference vector",
    .prompt = "one share for each task, in the order of the recipe; they add up to 1",
    .accept = take_vector};

static void ask_vector(struct app *app) {
    struct explorer *explorer = &app->explorer;
    char text[512];
    dialog_open(&explorer->dialog, &vector_question);
    simplex_text(explorer->preference, explorer->tasks, text, sizeof text);
    dialog_text(&explorer->dialog, text);
}

/* "digits 83.33 >= 83, letters 71.60 of 72": each figure that was asked for, and
 * whether all of them are reached. Estimated and partial ones are worth what they are.
 */
static bool compare_figures(const struct explorer *explorer, const double *bounds,
                            char *out, size_t size) {
    bool met = true;
    size_t used = 0;
    out[0] = '\0';
    for (size_t t = 0; t < explorer->tasks; t++) {
        struct figure figure;
        bool less = explorer->samples.less[t];
        if (isnan(bounds[t]) || !explorer_figure(explorer, t, &figure))
            continue;
        double missing = less ? figure.value - bounds[t] : bounds[t] - figure.value;
        met = met && missing <= 0;
        used += (size_t)snprintf(out + used, size - used, "%s%.60s %.2f %s %g",
                                 used ? ", " : "", explorer_task_name(explorer, t),
                                 figure.value,
                                 missing <= 0 ? less ? "<=" : ">="
                                 : less       ? ">"
                                              : "<",
                                 bounds[t]);
        if (missing > 0 && used < size)
            used += (size_t)snprintf(out + used, size - used, " (%.2f %s)", missing,
                                     less ? "too much" : "short");
        if (used >= size)
            break;
    }
    return met;
}

void app_answer_asked(struct explorer *explorer) {
    struct asked *asked = &explorer->asked;
    char figures[512];
    if (!asked->waits)
        return;
    if (asked->serial != explorer->serial) {
        asked->waits = false; /* somewhere else by now */
        return;
    }
    if (explorer->figures != FIGURES_COMPLETE)
        return;
    asked->waits = false;
    bool met = compare_figures(explorer, asked->bounds, figures, sizeof figures);
    explorer_say(explorer, !met, "%s: %s",
                 met          ? "met, measured"
                 : asked->met ? "measured, not met"
                              : "cannot be reached; the nearest, measured",
                 figures);
}

static void take_target(struct app *app) {
    struct explorer *explorer = &app->explorer;
    double bounds[STORE_TASKS_MAX];
    struct target_answer answer = {0};
    char figures[512];
    struct error error;
    if (target_parse(explorer->dialog.text, explorer->catalog->recipe, bounds,
                     &error)) {
        dialog_refuse(&explorer->dialog, "%.500s", error.text);
        return;
    }
    dialog_close(&explorer->dialog);
    if (!estimate_target(&explorer->samples, bounds, &answer))
        return;
    explorer_go(explorer, answer.preference, false);
    explorer->asked =
        (struct asked){.waits = true, .serial = explorer->serial, .met = answer.met};
    memcpy(explorer->asked.bounds, bounds, sizeof bounds);
    compare_figures(explorer, bounds, figures, sizeof figures);
    explorer_say(explorer, !answer.met, "%s: %s",
                 answer.met ? "met by estimate"
                            : "cannot be reached; the nearest, by estimate",
                 figures);
    app_answer_asked(explorer);
}

static const struct question target_question = {
    .kind = DIALOG_LINE, .title = "Ask for figures", .accept = take_target};

static void ask_target(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    char example[128];
    bool more = false, less = false;
    if (!explorer->samples.count) {
        explorer_say(explorer, true, "nothing is measured with these routers yet");
        return;
    }
    for (size_t t = 0; t < explorer->tasks; t++) {
        less = less || explorer->samples.less[t];
        more = more || !explorer->samples.less[t];
    }
    dialog_open(dialog, &target_question);
    snprintf(dialog->prompt, sizeof dialog->prompt, "%s, then the best of the rest: %s",
             !less  ? "at least"
             : more ? "at least or at most"
                    : "at most",
             target_example(explorer->catalog->recipe, example, sizeof example));
}

/* clang-format off */
const struct action asking_actions[] = {
    {{'v'}, "Preference", "v", "type a preference vector", .run = ask_vector},
    {{'a'}, "Preference", "a", "ask for figures; find the preference that reaches them", .run = ask_target, .waits = true},
    {.run = NULL},
};
