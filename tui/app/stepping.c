/* Keys that step along the front, one task a little more, and the one that says how a
 * model is made again. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/actions.h"
#include "base/memory.h"
#include "results/price.h"
#include "results/row.h"
#include "terminal/keys.h"
#include "terminal/screen.h"

static const double step = 0.02; /* of the share of a task */

/* --- a little more of a task ------------------------------------------------------ */

static double gain_of(const struct explorer *explorer, size_t t, const double *before,
                      const double *now) {
    return explorer->samples.less[t] ? before[t] - now[t] : now[t] - before[t];
}

/* "letters +0.53 for surfaces -0.31, digits -0.12": the task that was meant first, then
 * what it costs, the most first. error [tasks]: of each, or NULL. */
static void trade_text(const struct explorer *explorer, size_t task,
                       const double *before, const double *now, const double *error,
                       char *text, size_t size) {
    bool told[STORE_TASKS_MAX] = {false};
    size_t used = 0;
    for (size_t n = 0; n < explorer->tasks && n < 6 && used < size; n++) {
        size_t most = n ? SIZE_MAX : task;
        for (size_t t = 0; n && t < explorer->tasks; t++)
            if (!told[t] &&
                (most == SIZE_MAX || gain_of(explorer, t, before, now) <
                                         gain_of(explorer, most, before, now)))
                most = t;
        told[most] = true;
        const struct store_objective *objective =
            &explorer->catalog->recipe->tasks[most].objective;
        used += (size_t)snprintf(
            text + used, size - used, "%s%s %s",
            n == 0   ? ""
            : n == 1 ? " for "
                     : ", ",
            TEXT_CUT(explorer_task_name(explorer, most), 60),
            TEXT_SIGNED(now[most] - before[most], row_digits(objective, now[most])));
        if (error && used < size)
            used += (size_t)snprintf(
                text + used, size - used, " +- %s",
                TEXT_NUMBER(error[most], row_digits(objective, now[most])));
    }
}

/* false where they are not all known. */
static bool take_figures(const struct explorer *explorer, double *values,
                         bool *estimated) {
    for (size_t t = 0; t < explorer->tasks; t++) {
        struct figure figure;
        if (!explorer_figure(explorer, t, &figure))
            return false;
        values[t] = figure.value;
        *estimated = *estimated || figure.estimated;
    }
    return true;
}

/* What the step is expected to change by the routers' Jacobian, else what estimates
 * say; where it is measured already that is said at once. */
static void tell_step(struct explorer *explorer, size_t task, const double *from,
                      const double *before, bool measured) {
    struct stepped *stepped = &explorer->stepped;
    double now[STORE_TASKS_MAX] = {0}, error[STORE_TASKS_MAX];
    const double none[STORE_TASKS_MAX] = {0};
    bool estimated = false;
    char text[600];
    *stepped = (struct stepped){.waits = measured, .serial = explorer->serial};
    stepped->task = task;
    memcpy(stepped->before, before, sizeof stepped->before);
    stepped->expected = price_step(
        &explorer->samples, catalog_network_of(explorer->catalog, explorer->routers),
        from, explorer->preference, stepped->change, error);
    if (measured && explorer->figures == FIGURES_COMPLETE) {
        app_answer_stepped(explorer);
    } else if (stepped->expected) {
        trade_text(explorer, task, none, stepped->change, error, text, sizeof text);
        explorer_say(explorer, false, "expected: %s", text);
    } else if (take_figures(explorer, now, &estimated)) {
        trade_text(explorer, task, before, now, NULL, text, sizeof text);
        explorer_say(explorer, false, "%s%s", text, estimated ? " (est)" : "");
    }
}

void app_answer_stepped(struct explorer *explorer) {
    struct stepped *stepped = &explorer->stepped;
    const double none[STORE_TASKS_MAX] = {0};
    double now[STORE_TASKS_MAX];
    bool estimated = false;
    char text[400], expected[400];
    if (!stepped->waits)
        return;
    stepped->waits = stepped->serial == explorer->serial;
    if (!stepped->waits || explorer->figures != FIGURES_COMPLETE ||
        !take_figures(explorer, now, &estimated) || estimated)
        return;
    stepped->waits = false;
    trade_text(explorer, stepped->task, stepped->before, now, NULL, text, sizeof text);
    trade_text(explorer, stepped->task, none, stepped->change, NULL, expected,
               sizeof expected);
    explorer_say(explorer, false, "measured: %s%s%s", text,
                 stepped->expected ? "; expected: " : "",
                 stepped->expected ? expected : "");
}

static void step_along(struct app *app, size_t task, double by) {
    struct explorer *explorer = &app->explorer;
    double before[STORE_TASKS_MAX] = {0}, from[STORE_TASKS_MAX];
    uint64_t serial = explorer->serial;
    bool estimated = false;
    if (task >= explorer->tasks) {
        explorer_say(explorer, false, "there are only %zu tasks", explorer->tasks);
        return;
    }
    explorer->slider = task;
    memcpy(from, explorer->preference, sizeof from);
    bool measured = take_figures(explorer, before, &estimated) && !estimated &&
                    explorer->figures == FIGURES_COMPLETE;
    explorer_set_share(explorer, task, explorer->preference[task] + by, false);
    const char *why = explorer_why_held(explorer, task);
    if (explorer->serial == serial)
        explorer_say(explorer, false, "%s %s", explorer_task_name(explorer, task),
                     why      ? why
                     : by > 0 ? "has all the weight that is not locked"
                              : "has no weight left");
    else
        tell_step(explorer, task, from, before, measured);
}

static void more(struct app *app) {
    step_along(app, app->explorer.slider, step);
}

static void less(struct app *app) {
    step_along(app, app->explorer.slider, -step);
}

static void more_of(struct app *app) {
    step_along(app, (size_t)app->nth, step);
}

static void less_of(struct app *app) {
    step_along(app, (size_t)app->nth, -step);
}

static void next_task(struct app *app) {
    struct explorer *explorer = &app->explorer;
    explorer->slider = (explorer->slider + 1) % explorer->tasks;
    explorer_say(explorer, false, "> and < change the share of %s",
                 explorer_task_name(explorer, explorer->slider));
}

/* --- how to make it again --------------------------------------------------------- */

/* A word for a shell, at the end of text. */
static void add_quoted(char *text, size_t size, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_-+./:=,@%";
    size_t used = strlen(text);
    if (*word && strspn(word, plain) == strlen(word)) {
        snprintf(text + used, size - used, "%s", word);
        return;
    }
    snprintf(text + used, size - used, "'");
    for (; *word && (used = strlen(text)) + 8 < size; word++)
        snprintf(text + used, size - used, *word == '\'' ? "'\\''" : "%c", *word);
    used = strlen(text);
    snprintf(text + used, size - used, "'");
}

static void copy_command(struct app *app) {
    struct explorer *explorer = &app->explorer;
    const struct catalog *catalog = explorer->catalog;
    const struct store_run *run = catalog_run_of(catalog, explorer->routers);
    char text[4096] = "pwemoe eval ";
    if (explorer->pointed == SIZE_MAX && !explorer->routers) {
        explorer_say(explorer, true,
                     "there is nothing yet that makes a model from a preference; run "
                     "pwemoe train");
        return;
    }
    add_quoted(text, sizeof text - 1600, explorer->file);
    size_t used = strlen(text);
    if (explorer->pointed != SIZE_MAX)
        snprintf(text + used, sizeof text - used, " --solution %lld --again",
                 (long long)catalog->rows[explorer->pointed].solution.id);
    for (size_t t = 0; explorer->pointed == SIZE_MAX && t < explorer->tasks; t++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.12g",
                                 t ? "," : " --preference ", explorer->preference[t]);
    if (explorer->pointed == SIZE_MAX && run)
        snprintf(text + used, sizeof text - used, " --run %lld", (long long)run->id);
    else if (explorer->pointed == SIZE_MAX)
        snprintf(text + used, sizeof text - used, " --method %s%s",
                 store_role_name(STORE_ROLE_CLOSED_FORM),
                 explorer->routers == CATALOG_CLOSED_FITTED ? " --set heads=fitted"
                                                            : "");
    screen_copy(text);
    explorer_say(explorer, false, "%s", TEXT_CUT(text, 1000));
}

/* clang-format off */
const struct action stepping_actions[] = {
    {{KEYS_F1, KEYS_F1 + 1, KEYS_F1 + 2, KEYS_F1 + 3, KEYS_F1 + 4, KEYS_F1 + 5, KEYS_F1 + 6, KEYS_F1 + 7, KEYS_F1 + 8, KEYS_F1 + 9, KEYS_F1 + 10, KEYS_F1 + 11}, "Preference", "F1-F12", "a little more of a task, and what it costs", .run = more_of},
    {{KEYS_SHIFT_F1, KEYS_SHIFT_F1 + 1, KEYS_SHIFT_F1 + 2, KEYS_SHIFT_F1 + 3, KEYS_SHIFT_F1 + 4, KEYS_SHIFT_F1 + 5, KEYS_SHIFT_F1 + 6, KEYS_SHIFT_F1 + 7, KEYS_SHIFT_F1 + 8, KEYS_SHIFT_F1 + 9, KEYS_SHIFT_F1 + 10, KEYS_SHIFT_F1 + 11}, "Preference", "Shift-F1-F12", "a little less of it", .run = less_of},
    {{'>'}, "Preference", ">", "a little more of the chosen task", .run = more},
    {{'<'}, "Preference", "<", "a little less of it", .run = less},
    {{';'}, "Preference", ";", "choose the next task for > and <", .run = next_task},
    {{'y'}, "Preference", "y", "copy the command line that makes this model again", .run = copy_command, .waits = true},
    {.run = NULL},
};
