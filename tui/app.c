#include "app.h"
#include "volume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void app_tell_worker(struct app *app) {
    struct model *model = &app->model;
    if (app->worker)
        worker_prefer(app->worker, model_undecided(model));
    struct worker_wish wish = {.serial = model->serial, .routers = model->routers};
    /* What is stored is not evaluated again, so that must be known first. */
    if (!app->worker || !model->catalog || model->catalog->reading || !model->ready ||
        app->asked == model->serial)
        return;
    memcpy(wish.preference, model->preference, sizeof wish.preference);
    wish.evaluate = model_needs_evaluation(model);
    app->asked = model->serial;
    worker_want(app->worker, &wish);
}

static void take_modules(struct model *model, struct event *event) {
    free(model->module_names);
    model->module_names = event->names;
    model->modules = event->modules;
    model->routing_serial = 0; /* the weights at hand are of other modules */
    event->names = NULL;
}

static void take_routing(struct model *model, struct event *event) {
    if (event->modules != model->modules)
        return;
    free(model->routing);
    model->routing = event->weights;
    model->routing_serial = event->serial;
    event->weights = NULL;
}

static void take_running(struct model *model, const struct event *event) {
    if (event->serial != model->serial || model->figures == FIGURES_COMPLETE)
        return;
    bool complete = true;
    memcpy(model->running, event->running, sizeof model->running);
    for (size_t t = 0; t < model->tasks; t++)
        complete = complete && model->running[t].complete;
    model->figures = complete ? FIGURES_COMPLETE : FIGURES_RUNNING;
}

static void take_paired(struct model *model, const struct event *event) {
    if (event->a != model->compared[0].solution ||
        event->b != model->compared[1].solution)
        return;
    for (size_t t = 0; t < model->tasks; t++)
        model->paired[t] =
            (struct paired){event->paired[t].known, event->paired[t].p,
                            event->paired[t].only_a, event->paired[t].only_b};
}

/* An export or a plot is written, or is not: where its dialog is still open that says
 * so, and keeps what was typed. */
static void take_written(struct model *model, const struct event *event,
                         enum dialog_purpose purpose) {
    struct dialog *dialog = &model->dialog;
    bool plot = purpose == FOR_PLOT;
    bool open = dialog->kind == DIALOG_WRITE && dialog->purpose == purpose &&
                dialog->state == WRITE_BUSY;
    if (open) {
        dialog->state = event->text[0] ? WRITE_ASKING : WRITE_DONE;
        snprintf(dialog->error, sizeof dialog->error, "%.500s", event->text);
    }
    if (!event->text[0])
        model_say(model, false, plot ? "the chart is written" : "exported");
    else if (!open)
        model_say(model, true, "%s: %s", plot ? "no chart" : "not exported",
                  event->text);
}

static void take(struct app *app, struct event *event) {
    struct model *model = &app->model;
    switch (event->kind) {
    case EVENT_CATALOG:
        catalog_free(app->waiting);
        app->waiting = event->catalog;
        event->catalog = NULL;
        break;
    case EVENT_FAILED:
    case EVENT_TROUBLE:
        model_say(model, true, "%s", event->text);
        break;
    case EVENT_DONE:
        model_say(model, false, "%s", event->text);
        reader_wake(app->reader);
        break;
    case EVENT_PROGRESS:
        snprintf(model->doing, sizeof model->doing, "%.100s", event->text);
        model->done = event->done;
        model->total = event->total;
        break;
    case EVENT_READY:
        model->ready = true;
        model->doing[0] = '\0';
        snprintf(model->device, sizeof model->device, "%.250s", event->text);
        memcpy(model->examples, event->examples, sizeof model->examples);
        app->asked = 0;
        break;
    case EVENT_LOOK_ONLY:
        model->doing[0] = '\0';
        snprintf(model->missing, sizeof model->missing, "%s", event->text);
        model_say(model, true, "%s", event->text);
        break;
    case EVENT_MODULES:
        take_modules(model, event);
        break;
    case EVENT_ROUTING:
        take_routing(model, event);
        break;
    case EVENT_RUNNING:
        take_running(model, event);
        break;
    case EVENT_STORED:
        reader_wake(app->reader);
        break;
    case EVENT_EXPORTING:
        model->dialog.done = event->done;
        model->dialog.total = event->total;
        break;
    case EVENT_EXPORTED:
        take_written(model, event, FOR_EXPORT);
        reader_wake(app->reader);
        break;
    case EVENT_PLOTTED:
        take_written(model, event, FOR_PLOT);
        break;
    case EVENT_VOLUME:
        front_volume_free(model->volume);
        model->volume = event->volume;
        event->volume = NULL;
        break;
    case EVENT_PAIRED:
        take_paired(model, event);
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
    if (app->waiting && app->model.dialog.kind != DIALOG_LIST) {
        if (model_take_catalog(&app->model, app->waiting))
            model_say(&app->model, true, "memory is out");
        app->waiting = NULL;
        /* What was compared may be measured by now, or measured further. */
        struct model *model = &app->model;
        if (app->reader && model->dialog.purpose == FOR_COMPARISON &&
            model->compared[0].solution && model->compared[1].solution)
            reader_compare(app->reader, model->compared[0].solution,
                           model->compared[1].solution);
        any = true;
    }
    return any;
}
