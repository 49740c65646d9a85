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

/* On which side of what was asked for the closest is. */
static const char *missed_how(const struct explorer *explorer, const double *bounds) {
    bool more = false, less = false;
    for (size_t t = 0; t < explorer->tasks; t++)
        if (!isnan(bounds[t])) {
            less = less || explorer->samples.less[t];
            more = more || !explorer->samples.less[t];
        }
    return !less ? "short" : more ? "off" : "too much";
}

static void take_target(struct app *app) {
    struct explorer *explorer = &app->explorer;
    double bounds[STORE_TASKS_MAX];
    struct target_answer answer = {0};
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
    if (answer.met)
        explorer_say(explorer, false, "met here%s",
                     answer.stored ? ", measured"
                                   : " by estimate; the measured figures follow");
    else
        explorer_say(explorer, true,
                     "cannot be reached; this is the nearest, %.2f %s%s",
                     answer.shortfall, missed_how(explorer, bounds),
                     answer.stored ? "" : " by estimate");
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
