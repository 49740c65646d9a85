#include "app/app.h"
#include "threads/hypervolume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void app_tell_worker(struct app *app) {
    struct explorer *explorer = &app->explorer;
    if (app->evaluation)
        evaluation_prefer(app->evaluation, explorer_undecided(explorer));
    struct evaluation_wish wish = {.serial = explorer->serial,
                                   .routers = explorer->routers};
    /* What is stored is not evaluated again, so that must be known first. */
    if (!app->evaluation || !explorer->catalog || explorer->catalog->reading ||
        !explorer->ready || app->asked == explorer->serial)
        return;
    memcpy(wish.preference, explorer->preference, sizeof wish.preference);
    wish.evaluate = explorer_needs_evaluation(explorer);
    app->asked = explorer->serial;
    evaluation_want(app->evaluation, &wish);
}

static void take_modules(struct explorer *explorer, struct event *event) {
    free(explorer->module_names);
    explorer->module_names = event->names;
    explorer->modules = event->modules;
    explorer->routing_serial = 0; /* the weights at hand are of other modules */
    event->names = NULL;
}

static void take_routing(struct explorer *explorer, struct event *event) {
    if (event->modules != explorer->modules)
        return;
    free(explorer->routing);
    explorer->routing = event->weights;
    explorer->routing_serial = event->serial;
    event->weights = NULL;
}

static void take_running(struct explorer *explorer, const struct event *event) {
    if (event->serial != explorer->serial || explorer->figures == FIGURES_COMPLETE)
        return;
    bool complete = true;
    memcpy(explorer->running, event->running, sizeof explorer->running);
    for (size_t t = 0; t < explorer->tasks; t++)
        complete = complete && explorer->running[t].complete;
    explorer->figures = complete ? FIGURES_COMPLETE : FIGURES_RUNNING;
}

static void take_paired(struct explorer *explorer, const struct event *event) {
    if (event->a != explorer->compared[0].solution ||
        event->b != explorer->compared[1].solution)
        return;
    for (size_t t = 0; t < explorer->tasks; t++)
        explorer->paired[t] =
            (struct paired){event->paired[t].known, event->paired[t].p,
                            event->paired[t].only_a, event->paired[t].only_b};
}

/* An export or a plot is written, or is not: where its dialog is still open that says
 * so, and keeps what was typed. */
static void take_written(struct explorer *explorer, const struct event *event,
                         enum dialog_purpose purpose) {
    struct dialog *dialog = &explorer->dialog;
    bool raster = purpose == FOR_PLOT;
    bool open = dialog->kind == DIALOG_WRITE && dialog->purpose == purpose &&
                dialog->state == WRITE_BUSY;
    if (open) {
        dialog->state = event->text[0] ? WRITE_ASKING : WRITE_DONE;
        snprintf(dialog->error, sizeof dialog->error, "%.500s", event->text);
    }
    if (!event->text[0])
        explorer_say(explorer, false, raster ? "the chart is written" : "exported");
    else if (!open)
        explorer_say(explorer, true, "%s: %s", raster ? "no chart" : "not exported",
                     event->text);
}

static void take(struct app *app, struct event *event) {
    struct explorer *explorer = &app->explorer;
    switch (event->kind) {
    case EVENT_CATALOG:
        catalog_free(app->waiting);
        app->waiting = event->catalog;
        event->catalog = NULL;
        break;
    case EVENT_FAILED:
    case EVENT_TROUBLE:
        explorer_say(explorer, true, "%s", event->text);
        break;
    case EVENT_DONE:
        explorer_say(explorer, false, "%s", event->text);
        watcher_wake(app->watcher);
        break;
    case EVENT_PROGRESS:
        snprintf(explorer->doing, sizeof explorer->doing, "%.100s", event->text);
        explorer->done = event->done;
        explorer->total = event->total;
        break;
    case EVENT_READY:
        explorer->ready = true;
        explorer->doing[0] = '\0';
        snprintf(explorer->device, sizeof explorer->device, "%.250s", event->text);
        memcpy(explorer->examples, event->examples, sizeof explorer->examples);
        app->asked = 0;
        break;
    case EVENT_LOOK_ONLY:
        explorer->doing[0] = '\0';
        snprintf(explorer->missing, sizeof explorer->missing, "%s", event->text);
        explorer_say(explorer, true, "%s", event->text);
        break;
    case EVENT_MODULES:
        take_modules(explorer, event);
        break;
    case EVENT_ROUTING:
        take_routing(explorer, event);
        break;
    case EVENT_RUNNING:
        take_running(explorer, event);
        break;
    case EVENT_STORED:
        watcher_wake(app->watcher);
        break;
    case EVENT_EXPORTING:
        explorer->dialog.done = event->done;
        explorer->dialog.total = event->total;
        break;
    case EVENT_EXPORTED:
        take_written(explorer, event, FOR_EXPORT);
        watcher_wake(app->watcher);
        break;
    case EVENT_PLOTTED:
        take_written(explorer, event, FOR_PLOT);
        break;
    case EVENT_VOLUME:
        front_volume_free(explorer->volume);
        explorer->volume = event->volume;
        event->volume = NULL;
        break;
    case EVENT_PAIRED:
        take_paired(explorer, event);
        break;
    }
}

bool app_events(struct app *app) {
    bool any = false;
    struct event *event;
    while ((event = mailbox_next(app->mailbox))) {
        take(app, event);
        event_free(event);
        any = true;
    }
    if (app->waiting && app->explorer.dialog.kind != DIALOG_LIST) {
        if (explorer_take_catalog(&app->explorer, app->waiting))
            explorer_say(&app->explorer, true, "memory is out");
        app->waiting = NULL;
        /* What was compared may be measured by now, or measured further. */
        struct explorer *explorer = &app->explorer;
        if (app->watcher && explorer->dialog.purpose == FOR_COMPARISON &&
            explorer->compared[0].solution && explorer->compared[1].solution)
            watcher_compare(app->watcher, explorer->compared[0].solution,
                            explorer->compared[1].solution);
        any = true;
    }
    return any;
}
