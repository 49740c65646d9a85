/* Keys that step along the front, one task a little more, and the one that says how a
 * model is made again. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/actions.h"
#include "terminal/screen.h"

static const double step = 0.02; /* of the share of a task */

/* --- a little more of a task --------------------------------------------------------
 */

static double gain_of(const struct explorer *explorer, size_t t, const double *before,
                      const double *now) {
    return explorer->samples.less[t] ? before[t] - now[t] : now[t] - before[t];
}

/* "letters +0.53 for surfaces -0.31, digits -0.12 (est)": the task that was meant
 * first, then what it costs, the most first. */
static void say_trade(struct explorer *explorer, size_t task, const double *before,
                      const double *now, bool estimated) {
    char text[600];
    bool told[STORE_TASKS_MAX] = {false};
    int used = snprintf(text, sizeof text, "%.60s %+.2f",
                        explorer_task_name(explorer, task), now[task] - before[task]);
    told[task] = true;
    for (size_t n = 0; n + 1 < explorer->tasks && n < 6; n++) {
        size_t most = SIZE_MAX;
        for (size_t t = 0; t < explorer->tasks; t++)
            if (!told[t] &&
                (most == SIZE_MAX || gain_of(explorer, t, before, now) <
                                         gain_of(explorer, most, before, now)))
                most = t;
        told[most] = true;
        if (used < (int)sizeof text)
            used += snprintf(text + used, sizeof text - (size_t)used, "%s%.60s %+.2f",
                             n ? ", " : " for ", explorer_task_name(explorer, most),
                             now[most] - before[most]);
    }
    explorer_say(explorer, false, "%s%s", text, estimated ? " (est)" : "");
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

static void step_along(struct app *app, double by) {
    struct explorer *explorer = &app->explorer;
    double before[STORE_TASKS_MAX], now[STORE_TASKS_MAX];
    size_t task = explorer->slider < explorer->tasks ? explorer->slider : 0;
    uint64_t serial = explorer->serial;
    bool estimated = false, known = take_figures(explorer, before, &estimated);
    explorer_set_share(explorer, task, explorer->preference[task] + by, false);
    if (explorer->serial == serial)
        explorer_say(explorer, false, "%s %s", explorer_task_name(explorer, task),
                     explorer->locked[task] ? "is locked; Space unlocks it"
                     : by > 0               ? "has all that can be had"
                                            : "has nothing left to give");
    else if (known && take_figures(explorer, now, &estimated))
        say_trade(explorer, task, before, now, estimated);
}

static void more(struct app *app) {
    step_along(app, step);
}

static void less(struct app *app) {
    step_along(app, -step);
}

static void next_task(struct app *app) {
    struct explorer *explorer = &app->explorer;
    explorer->slider = (explorer->slider + 1) % explorer->tasks;
    explorer_say(explorer, false, "> and < change the share of %s",
                 explorer_task_name(explorer, explorer->slider));
}

/* --- how to make it again -----------------------------------------------------------
 */

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
        explorer_say(explorer, true, "nothing here makes a model of a preference yet");
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
        snprintf(text + used, sizeof text - used, " --method %s",
                 store_role_name(STORE_ROLE_CLOSED_FORM));
    screen_copy(text);
    explorer_say(explorer, false, "%.1000s", text);
}

/* clang-format off */
const struct action stepping_actions[] = {
    {{'>'}, "Preference", ">", "a little more of the chosen task, and what it costs", .run = more},
    {{'<'}, "Preference", "<", "a little less of it", .run = less},
    {{';'}, "Preference", ";", "choose the next task for > and <", .run = next_task},
    {{'y'}, "Preference", "y", "copy the command line that makes this model again", .run = copy_command, .waits = true},
    {.run = NULL},
};
