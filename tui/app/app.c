#include "app/app.h"
#include "base/memory.h"
#include "state/filling.h"
#include "state/selection.h"
#include "threads/hypervolume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- dialogs ------------------------------------------------------------------- */

static void answered(struct app *app, enum dialog_answer answer) {
    struct dialog *dialog = &app->explorer.dialog;
    const struct question *question = dialog->question;
    void (*handler)(struct app *) = NULL;
    switch (answer) {
    case DIALOG_OPEN:
        return;
    case DIALOG_ACCEPT:
        handler = question->accept;
        break;
    case DIALOG_CANCEL:
        handler = question->cancel;
        break;
    case DIALOG_SWITCHED:
        handler = question->switched;
        break;
    case DIALOG_CHOSEN:
        handler = question->chosen;
        break;
    case DIALOG_TYPED:
        handler = question->typed;
        break;
    case DIALOG_COMPLETES:
        handler = question->completes;
        break;
    case DIALOG_EARLIER:
    case DIALOG_LATER:
        question->recalls(app, answer == DIALOG_EARLIER ? 1 : -1);
        return;
    case DIALOG_NOTES:
        handler = question->notes;
        break;
    case DIALOG_RENAMES:
        handler = question->renames;
        break;
    case DIALOG_DELETES:
        handler = question->deletes;
        break;
    }
    if (answer == DIALOG_ACCEPT && question->kind == DIALOG_LIST && !dialog->count)
        return; /* there is nothing to choose */
    if (handler)
        handler(app);
    else if (answer == DIALOG_ACCEPT || answer == DIALOG_CANCEL)
        dialog_close(dialog);
}

void app_dialog_key(struct app *app, int key) {
    answered(app, dialog_key(&app->explorer.dialog, key));
}

void app_dialog_click(struct app *app, int x, int y) {
    struct view whole = view_whole(&app->canvas);
    answered(app, dialog_click(&app->explorer.dialog, &whole, x, y));
}

void app_paste(struct app *app, int key) {
    const struct question *question = app->explorer.dialog.question;
    if (dialog_paste(&app->explorer.dialog, key)) {
        if (question->typed)
            question->typed(app);
        return;
    }
    explorer_say(&app->explorer, false,
                 "what was pasted is ignored: no line of text is open");
}

/* --- threads ------------------------------------------------------------------- */

/* What was selected goes into the file when no more is drawn. */
static void keep_selection(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct file_change change = {.kind = CHANGE_SELECTION,
                                 .serial = explorer->selection_serial};
    if (!app->evaluation || !explorer->catalog || explorer->box.open ||
        app->selection_sent == explorer->selection_serial)
        return;
    app->selection_sent = explorer->selection_serial;
    change.ids = selection_ids(explorer, &change.count);
    if (change.ids)
        evaluation_change(app->evaluation, &change);
}

void app_keep_visits(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct file_change change = {.kind = CHANGE_VISITS};
    if (!app->evaluation || !explorer->catalog || explorer->catalog->reading ||
        explorer->history.serial == app->visits_sent)
        return;
    app->visits_sent = explorer->history.serial;
    change.visits = history_visits(&explorer->history, explorer->tasks, VISITS_MOST);
    if (change.visits.preferences)
        evaluation_change(app->evaluation, &change);
}

void app_tell_evaluation(struct app *app) {
    struct explorer *explorer = &app->explorer;
    keep_selection(app);
    if (app->evaluation)
        evaluation_prefer(app->evaluation, explorer_undecided(explorer));
    struct evaluation_wish wish = {.serial = explorer->serial,
                                   .routers = explorer->routers};
    /* What is stored is not evaluated again, so that must be known first. */
    if (!app->evaluation || !explorer->catalog || explorer->catalog->reading ||
        !explorer->ready || app->flight.on || app->asked == explorer->serial)
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

static void take_stored(struct app *app, const struct event *event) {
    filling_set_price(&app->explorer, event->routers, event->seconds);
    app_keep_visits(app);
    watcher_wake(app->watcher);
}

static void take_kept(struct app *app, const struct event *event) {
    app->explorer.selection_kept = event->serial;
    watcher_wake(app->watcher);
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

/* An export or a chart is written, or is not: where its dialog is still open that says
 * so, and keeps what was typed. */
static void take_written(struct explorer *explorer, const struct event *event,
                         const struct question *question) {
    struct dialog *dialog = &explorer->dialog;
    bool chart = question == &chart_question;
    bool open = dialog->question == question && dialog->state == WRITE_BUSY;
    if (open) {
        dialog->state = event->text[0] ? WRITE_ASKING : WRITE_DONE;
        dialog_refuse(dialog, "%s", TEXT_CUT(event->text, 500));
    }
    if (!event->text[0]) {
        explorer_say(explorer, false, "%s%s%s",
                     chart ? "the chart is written" : "exported", open ? " to " : "",
                     open ? dialog->text : "");
        explorer_say_path(explorer, open ? dialog->text : "");
    } else if (!open)
        explorer_say(explorer, true, "%s: %s", chart ? "no chart" : "not exported",
                     event->text);
}

/* Until no list is open that shows the catalog before it. */
static void take_catalog(struct app *app, struct event *event) {
    catalog_free(app->waiting);
    app->waiting = event->catalog;
    event->catalog = NULL;
}

static void take_volume(struct explorer *explorer, struct event *event) {
    front_volume_free(explorer->volume);
    explorer->volume = event->volume;
    event->volume = NULL;
}

static void take_similarity(struct explorer *explorer, struct event *event) {
    explorer->similarity_done = event->done;
    explorer->similarity_total = event->total;
    snprintf(explorer->similarity_missing, sizeof explorer->similarity_missing, "%s",
             event->text);
    explorer->similarity = event->similarity;
    event->similarity = NULL;
}

void app_similarity(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct error error;
    if (app->similarity_reader.started || !app->arrangement.shown[PANEL_SIMILARITY])
        return;
    if (similarity_reader_begin(&app->similarity_reader, app->mailbox, explorer->file,
                                &error))
        snprintf(explorer->similarity_missing, sizeof explorer->similarity_missing,
                 "%s", error.text);
}

static void take_progress(struct explorer *explorer, const struct event *event) {
    snprintf(explorer->doing, sizeof explorer->doing, "%s", TEXT_CUT(event->text, 100));
    explorer->done = event->done;
    explorer->total = event->total;
}

static void take_ready(struct app *app, const struct event *event) {
    struct explorer *explorer = &app->explorer;
    explorer->ready = true;
    explorer->doing[0] = '\0';
    snprintf(explorer->device, sizeof explorer->device, "%s",
             TEXT_CUT(event->text, 250));
    memcpy(explorer->examples, event->examples, sizeof explorer->examples);
    app->asked = 0;
}

/* Nothing can be made or measured: from the start, or since a device was lost. */
static void take_look_only(struct explorer *explorer, const struct event *event) {
    explorer->ready = false;
    explorer->doing[0] = '\0';
    snprintf(explorer->missing, sizeof explorer->missing, "%s", event->text);
    explorer_say(explorer, true, "%s", event->text);
}

static void take_said(struct app *app, const struct event *event) {
    bool done = event->kind == EVENT_DONE;
    explorer_say(&app->explorer, !done, "%s", event->text);
    if (done)
        watcher_wake(app->watcher);
}

static void take(struct app *app, struct event *event) {
    struct explorer *explorer = &app->explorer;
    switch (event->kind) {
    case EVENT_CATALOG:
        take_catalog(app, event);
        break;
    case EVENT_FAILED:
    case EVENT_TROUBLE:
    case EVENT_DONE:
        take_said(app, event);
        break;
    case EVENT_PROGRESS:
        take_progress(explorer, event);
        break;
    case EVENT_READY:
        take_ready(app, event);
        break;
    case EVENT_LOOK_ONLY:
        take_look_only(explorer, event);
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
        take_stored(app, event);
        break;
    case EVENT_FILLED:
        app_take_filled(app, event);
        break;
    case EVENT_KEPT:
        take_kept(app, event);
        break;
    case EVENT_EXPORTING:
        explorer->dialog.done = event->done;
        explorer->dialog.total = event->total;
        break;
    case EVENT_EXPORTED:
        take_written(explorer, event, &export_question);
        watcher_wake(app->watcher);
        break;
    case EVENT_PLOTTED:
        take_written(explorer, event, &chart_question);
        break;
    case EVENT_VOLUME:
        take_volume(explorer, event);
        break;
    case EVENT_SIMILARITY:
        take_similarity(explorer, event);
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
        selection_carry(&app->explorer, app->waiting);
        if (explorer_take_catalog(&app->explorer, app->waiting))
            explorer_say(&app->explorer, true, "out of memory");
        app->waiting = NULL;
        /* What was compared may be measured by now, or measured further. */
        const struct question *question = app->explorer.dialog.question;
        if (question && question->compares)
            app_compare_again(app);
        any = true;
    }
    if (any && app->explorer.catalog)
        app_answer_asked(&app->explorer);
    if (any && app->explorer.catalog)
        app_answer_stepped(&app->explorer);
    return any;
}
