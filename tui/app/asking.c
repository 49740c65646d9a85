/* Keys that ask for a preference in writing: as a vector, or by the figures wanted. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/actions.h"
#include "base/memory.h"
#include "pareto/simplex.h"

/* What is typed need not add up to 1; what was made of it is said. */
static void take_vector(struct app *app) {
    struct explorer *explorer = &app->explorer;
    double preference[STORE_TASKS_MAX] = {0}, sum;
    char made[512];
    struct error error;
    if (simplex_parse_shares(explorer->dialog.text, explorer->tasks, preference, &sum,
                             &error)) {
        dialog_refuse(&explorer->dialog, "%s", TEXT_CUT(error.text, 500));
        return;
    }
    dialog_close(&explorer->dialog);
    explorer_go(explorer, preference, false);
    if (fabs(sum - 1) > 1e-6)
        explorer_say(explorer, false, "divided by their sum, %.6g: %s", sum,
                     simplex_text(preference, explorer->tasks, made, sizeof made));
}

static const struct question vector_question = {
    .kind = DIALOG_LINE,
    .title = "Preference vector",
    .prompt = "one share for each task, in the recipe's order, as 0.5,0.3,0.2 or 5 3 2",
    .width = 76,
    .accept = take_vector};

static void ask_vector(struct app *app) {
    struct explorer *explorer = &app->explorer;
    char text[512];
    dialog_open(&explorer->dialog, &vector_question);
    simplex_text(explorer->preference, explorer->tasks, text, sizeof text);
    dialog_text(&explorer->dialog, text);
    explorer->dialog.proposed = true;
}

/* --- figures -------------------------------------------------------------------- */

/* Estimated and partial figures are worth what they are. */
static bool compare_figures(const struct explorer *explorer,
                            const struct target *target, char *out, size_t size) {
    double values[STORE_TASKS_MAX];
    for (size_t t = 0; t < explorer->tasks; t++) {
        struct figure figure;
        values[t] = explorer_figure(explorer, t, &figure) ? figure.value : NAN;
    }
    return target_text(target, explorer->catalog->recipe, values, out, size);
}

static void go_to_answer(struct explorer *explorer,
                         const struct target_answer *answer) {
    struct asked *asked = &explorer->asked;
    explorer_go(explorer, answer->preference, false);
    asked->waits = true;
    asked->serial = explorer->serial;
    asked->met = answer->met;
    asked->tries++;
}

/* The estimate was too good, and knows better by now. true: somewhere else is tried, or
 * what was measured is not in the catalog yet. */
static bool look_again(struct explorer *explorer, const char *figures) {
    enum { TRIES_MOST = 8 };
    struct asked *asked = &explorer->asked;
    struct target_answer answer = {0};
    char better[400];
    if (!asked->met || asked->tries >= TRIES_MOST)
        return false;
    if (explorer->row == SIZE_MAX) {
        explorer_say(explorer, true, "measured, not reached: %s; looking again",
                     figures);
        return true;
    }
    if (!estimate_target(&explorer->samples, &asked->target, &answer) ||
        !memcmp(answer.preference, explorer->preference,
                explorer->tasks * sizeof *answer.preference))
        return false;
    go_to_answer(explorer, &answer);
    target_text(&asked->target, explorer->catalog->recipe, answer.values, better,
                sizeof better);
    explorer_say(explorer, !answer.met, "measured, not reached: %s; %s: %s", figures,
                 answer.met ? "reached elsewhere by estimate"
                            : "the nearest by estimate",
                 better);
    app_answer_asked(explorer); /* it may be measured already */
    return true;
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
    bool met = compare_figures(explorer, &asked->target, figures, sizeof figures);
    if (!met && look_again(explorer, figures))
        return;
    asked->waits = false;
    explorer_say(explorer, !met, "%s: %s",
                 met          ? "reached, measured"
                 : asked->met ? "measured, not reached"
                              : "cannot be reached; the nearest, measured",
                 figures);
}

/* The last first, each once. */
static void remember(struct asked *asked, const char *text) {
    size_t at = 0;
    char kept[sizeof *asked->texts];
    snprintf(kept, sizeof kept, "%s", text);
    while (at < asked->count && strcmp(asked->texts[at], kept))
        at++;
    if (at == asked->count)
        asked->count += asked->count < ASKED_MOST;
    at = at < asked->count ? at : asked->count - 1;
    memmove(asked->texts + 1, asked->texts, at * sizeof *asked->texts);
    memcpy(asked->texts[0], kept, sizeof kept);
}

static void take_target(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct asked *asked = &explorer->asked;
    struct target_answer answer = {0};
    struct target target;
    char figures[512];
    struct error error;
    if (target_parse(explorer->dialog.text, explorer->catalog, &target, &error)) {
        dialog_refuse(&explorer->dialog, "%s", TEXT_CUT(error.text, 500));
        return;
    }
    remember(asked, explorer->dialog.text);
    dialog_close(&explorer->dialog);
    if (!estimate_target(&explorer->samples, &target, &answer))
        return;
    asked->tries = 0;
    asked->target = target;
    go_to_answer(explorer, &answer);
    compare_figures(explorer, &target, figures, sizeof figures);
    explorer_say(explorer, !answer.met, "%s: %s",
                 answer.met ? "reached by estimate"
                            : "cannot be reached; the nearest, by estimate",
                 figures);
    app_answer_asked(explorer);
}

/* What the answer would be, while one types. */
static void type_target(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    struct target_answer answer = {0};
    struct target target;
    struct error error;
    char figures[400];
    dialog->remark[0] = '\0';
    if (!dialog->text[0])
        return;
    if (target_parse(dialog->text, explorer->catalog, &target, &error)) {
        snprintf(dialog->remark, sizeof dialog->remark, "%s",
                 TEXT_CUT(error.text, 500));
        return;
    }
    if (!estimate_target(&explorer->samples, &target, &answer))
        return;
    target_text(&target, explorer->catalog->recipe, answer.values, figures,
                sizeof figures);
    snprintf(dialog->remark, sizeof dialog->remark, "%s%s: %s",
             answer.met ? "reached" : "cannot be reached; the nearest",
             answer.stored ? ", measured" : " by estimate", figures);
}

/* What was asked before, or after that. */
static void recall(struct app *app, int way) {
    struct asked *asked = &app->explorer.asked;
    size_t to = asked->recalled + (size_t)way;
    if (to > asked->count)
        return;
    asked->recalled = to;
    dialog_text(&app->explorer.dialog, to ? asked->texts[to - 1] : "");
    type_target(app);
}

static const struct question target_question = {.kind = DIALOG_LINE,
                                                .title = "Ask for figures",
                                                .width = 76,
                                                .accept = take_target,
                                                .typed = type_target,
                                                .recalls = recall};

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
    explorer->asked.recalled = 0;
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
    {{'a'}, "Preference", "a", "ask for figures; find the preference that reaches them", .run = ask_target, .waits = true,
     .hint = {[HINTS_MOVING] = {8, "ask"}}},
    {.run = NULL},
};
