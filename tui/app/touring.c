/* A tour in five steps: each says what to do, and goes on when that is done. */
#include <stdio.h>
#include <string.h>

#include "app/actions.h"
#include "state/selection.h"

struct tour_step {
    const char *text;
    bool (*done)(const struct explorer *explorer);
};

static bool has_moved(const struct explorer *explorer) {
    return explorer->serial != explorer->tour.serial;
}

/* And has moved: measuring may be over before this step is read. */
static bool is_measured(const struct explorer *explorer) {
    return has_moved(explorer) &&
           (explorer->figures == FIGURES_COMPLETE || explorer->missing[0]);
}

static bool is_listed(const struct explorer *explorer) {
    return explorer_steps_rows(explorer) && explorer->pointed != SIZE_MAX;
}

static bool has_asked(const struct explorer *explorer) {
    return explorer->asked.count > explorer->tour.asked;
}

static bool has_kept(const struct explorer *explorer) {
    return explorer->catalog->bookmark_count > explorer->tour.bookmarks ||
           selection_count(explorer) > explorer->tour.selected;
}

static const struct tour_step steps[] = {
    {"Drag the point, or press the arrows: a preference between the tasks is one "
     "merged "
     "model, and its figures answer.",
     has_moved},
    {"est is an estimate from stored models; the real one is made and measured at "
     "once, "
     "and then it says complete. Move again.",
     is_measured},
    {"T lists every stored model. j and k go through them, and each stands out in the "
     "scatters; Enter goes to one.",
     is_listed},
    {"a asks the other way round: type two figures, as 80 80, and Enter. It finds the "
     "preference that reaches them.",
     has_asked},
    {"b keeps this place under a name, Space marks a solution; e would write the model "
     "to "
     "a folder.",
     has_kept},
};
enum { STEPS = sizeof steps / sizeof *steps };

static void begin_step(struct explorer *explorer, size_t step) {
    struct tour *tour = &explorer->tour;
    *tour = (struct tour){.step = step,
                          .serial = explorer->serial,
                          .asked = explorer->asked.count,
                          .bookmarks = explorer->catalog->bookmark_count,
                          .selected = selection_count(explorer)};
    for (size_t i = 0; step && i < STEPS; i++) {
        char text[sizeof tour->text];
        snprintf(text, sizeof text, "%zu of %d: %s Esc leaves the tour.", i + 1, STEPS,
                 steps[i].text);
        if (i + 1 == step)
            memcpy(tour->text, text, sizeof text);
        if (strlen(text) > strlen(tour->longest))
            memcpy(tour->longest, text, sizeof text);
    }
}

void app_tour(struct app *app) {
    struct explorer *explorer = &app->explorer;
    size_t step = explorer->tour.step;
    if (!step || !explorer->catalog || explorer->dialog.kind != DIALOG_NONE ||
        !steps[step - 1].done(explorer))
        return;
    if (step < STEPS) {
        begin_step(explorer, step + 1);
        return;
    }
    begin_step(explorer, 0);
    explorer_say(explorer, false, "that was the tour; ? lists all keys");
}

/* Where arrows move the preference, whatever was looked at before. */
static void begin_tour(struct app *app) {
    explorer_point(&app->explorer, SIZE_MAX);
    app->explorer.wish.focus = PANEL_SIMPLEX;
    app->explorer.wish.zoom = false;
    begin_step(&app->explorer, 1);
}

void app_leave_tour(struct app *app) {
    begin_step(&app->explorer, 0);
    explorer_say(&app->explorer, false, "G begins the tour again");
}

/* clang-format off */
const struct action tour_actions[] = {
    {{'G'}, "Program", "G", "a tour in five steps", .run = begin_tour, .waits = true},
    {.run = NULL},
};
