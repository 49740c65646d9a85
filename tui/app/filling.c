/* The key that fills the front in the background: what, at which price, and its pause.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "pareto/simplex.h"
#include "state/filling.h"

/* --- what is measured, and by whom ------------------------------------------------ */

static void measure(struct app *app, bool price) {
    const struct explorer *explorer = &app->explorer;
    struct evaluation_fill fill = {.serial = explorer->filling.serial,
                                   .routers = explorer->routers,
                                   .price = price};
    memcpy(fill.preference, price ? explorer->preference : explorer->filling.preference,
           sizeof fill.preference);
    evaluation_fill(app->evaluation, &fill);
}

void app_fill(struct app *app) {
    struct explorer *explorer = &app->explorer;
    if (!app->evaluation || !explorer->catalog)
        return;
    switch (filling_next(explorer)) {
    case FILLING_WAITS:
        break;
    case FILLING_MEASURE:
        measure(app, false);
        break;
    case FILLING_OVER:
        explorer_say(explorer, false, "%s", explorer->filling.ended);
        break;
    }
}

/* --- the questions ---------------------------------------------------------------- */

/* "1 model, 0.6 s"; the price is told where it is known. */
static void price_text(const struct explorer *explorer, size_t models, char *out,
                       size_t size) {
    double price = filling_price(explorer, models);
    char time[32];
    int used = snprintf(out, size, "%zu model%s", models, models == 1 ? "" : "s");
    if (isfinite(price))
        snprintf(out + used, size - (size_t)used, ", about %s",
                 filling_time(price, time, sizeof time));
    else
        snprintf(out + used, size - (size_t)used, ", price to come");
}

enum { GAP = 1, GAPS = 10, GRID = -1, UNTIL = -2 };

static void add_choices(struct explorer *explorer) {
    struct dialog *dialog = &explorer->dialog;
    char price[96], text[200];
    price_text(explorer, GAP, price, sizeof price);
    snprintf(text, sizeof text, "the widest gap: %s", price);
    dialog_add(dialog, GAP, 0, INK_TEXT, false, text);
    price_text(explorer, GAPS, price, sizeof price);
    snprintf(text, sizeof text, "the %d widest gaps, one after the other: %s", GAPS,
             price);
    dialog_add(dialog, GAPS, 0, INK_TEXT, false, text);
    dialog_add(dialog, GRID, 0, INK_TEXT, false, "the grid of ...");
    price_text(explorer, FILL_MOST, price, sizeof price);
    snprintf(text, sizeof text, "gaps until the front hardly grows: at most %s", price);
    dialog_add(dialog, UNTIL, 0, INK_TEXT, false, text);
}

static void begin(struct explorer *explorer, enum fill_kind kind, double number) {
    dialog_close(&explorer->dialog);
    filling_begin(explorer, kind, number);
}

/* The number typed, or NaN. */
static double number_of(const struct dialog *dialog) {
    char *end;
    double number = strtod(dialog->text, &end);
    end += strspn(end, " %");
    return end == dialog->text || *end ? (double)NAN : number;
}

static size_t grid_of(const struct explorer *explorer, size_t *missing) {
    double number = number_of(&explorer->dialog);
    if (!(number >= 2 && number <= 1001) || number != floor(number))
        return 0;
    *missing = filling_missing(explorer, (size_t)number);
    return (size_t)number;
}

static void type_grid(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    char price[96];
    size_t missing = 0, edge = grid_of(explorer, &missing);
    dialog->remark[0] = '\0';
    if (!edge || missing == SIZE_MAX)
        return;
    size_t all = simplex_grid_count(explorer->tasks, edge);
    price_text(explorer, missing, price, sizeof price);
    snprintf(dialog->remark, sizeof dialog->remark,
             "%zu preferences, %zu of them measured; %s", all, all - missing,
             missing ? price : "nothing is left to measure");
}

static void take_grid(struct app *app) {
    struct explorer *explorer = &app->explorer;
    size_t missing = 0, edge = grid_of(explorer, &missing);
    if (!edge)
        dialog_refuse(&explorer->dialog, "a whole number from 2 on");
    else if (missing == SIZE_MAX)
        dialog_refuse(&explorer->dialog, "that would be more than %d preferences",
                      FILL_GRID_MOST);
    else
        begin(explorer, FILL_GRID, (double)edge);
}

static const struct question grid_question = {
    .kind = DIALOG_LINE,
    .title = "Fill the front: a grid",
    .prompt = "how many preferences along each edge, its ends among them",
    .width = 76,
    .accept = take_grid,
    .typed = type_grid};

static void take_until(struct app *app) {
    struct explorer *explorer = &app->explorer;
    double number = number_of(&explorer->dialog);
    if (!(number > 0 && number < 100))
        dialog_refuse(&explorer->dialog, "give a percentage above 0 and below 100");
    else
        begin(explorer, FILL_UNTIL, number);
}

static const struct question until_question = {
    .kind = DIALOG_LINE,
    .title = "Fill the front: gaps",
    .prompt = "until 3 models in a row each add less hypervolume than this, in %",
    .width = 76,
    .accept = take_until};

static void ask_number(struct explorer *explorer, const struct question *question,
                       const char *proposal) {
    dialog_open(&explorer->dialog, question);
    dialog_text(&explorer->dialog, proposal);
    explorer->dialog.proposed = true;
}

static void take_choice(struct app *app) {
    struct explorer *explorer = &app->explorer;
    int64_t value = explorer->dialog.items[explorer->dialog.chosen].value;
    char price[96];
    if (value == GRID) {
        ask_number(explorer, &grid_question, explorer->tasks > 5 ? "3" : "6");
        type_grid(app);
    } else if (value == UNTIL) {
        ask_number(explorer, &until_question, "0.1");
        price_text(explorer, FILL_MOST, price, sizeof price);
        snprintf(explorer->dialog.remark, sizeof explorer->dialog.remark, "at most %s",
                 price);
    } else {
        begin(explorer, FILL_GAPS, (double)value);
    }
}

static const struct question fill_question = {
    .kind = DIALOG_LIST,
    .title = "Fill the front, in the background",
    .hint = "Enter begins, Esc cancels; F pauses it later",
    .width = 76,
    .accept = take_choice};

enum { PAUSE, GO_ON, STOP };

static void take_pause(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    int64_t value = dialog->items[dialog->chosen].value;
    dialog_close(dialog);
    if (!explorer->filling.kind)
        return;
    explorer->filling.paused = value == PAUSE;
    if (value != GO_ON) {
        evaluation_fill_stop(app->evaluation);
        /* The one that was begun is measured when it goes on. */
        if (explorer->filling.asked && explorer->filling.kind == FILL_GRID)
            explorer->filling.at--;
        explorer->filling.asked = false;
    }
    if (value == STOP) {
        filling_end(explorer);
        explorer_say(explorer, false, "%s", explorer->filling.ended);
    }
}

static const struct question pause_question = {
    .kind = DIALOG_LIST, .title = "Filling the front", .accept = take_pause};

static void ask_pause(struct explorer *explorer) {
    struct dialog *dialog = &explorer->dialog;
    bool paused = explorer->filling.paused;
    dialog_open(dialog, &pause_question);
    filling_text(explorer, dialog->prompt, sizeof dialog->prompt);
    dialog_add(dialog, paused ? GO_ON : PAUSE, 0, INK_TEXT, false,
               paused ? "go on" : "pause");
    dialog_add(dialog, STOP, 0, INK_WARNING, false, "stop; what is measured stays");
}

void app_take_filled(struct app *app, const struct event *event) {
    struct explorer *explorer = &app->explorer;
    struct filling *filling = &explorer->filling;
    struct dialog *dialog = &explorer->dialog;
    if (filling->pricing && event->serial == filling->serial) {
        filling->pricing = false;
        if (!event->text[0])
            filling_set_price(explorer, event->routers, event->seconds);
        if (dialog->question == &fill_question) {
            size_t chosen = dialog->chosen;
            dialog_open(dialog, &fill_question);
            add_choices(explorer);
            dialog->chosen = chosen;
        }
        return;
    }
    if (!filling->asked || event->serial != filling->serial)
        return;
    if (!event->text[0]) {
        filling_measured(explorer, event->seconds);
        watcher_wake(app->watcher);
    } else {
        filling_end(explorer);
        explorer_say(explorer, true, "the front is not filled: %s", event->text);
    }
}

static const char *why_not(const struct explorer *explorer) {
    return explorer->missing[0]  ? explorer->missing
           : !explorer->ready    ? "the checkpoints are still being read"
           : explorer->tasks < 2 ? "one task leaves nothing to fill"
           : !explorer->routers  ? "no routers are trained yet; run pwemoe train"
           : explorer->limited   ? "with --limit nothing is measured whole"
                                 : NULL;
}

static void ask_fill(struct app *app) {
    struct explorer *explorer = &app->explorer;
    const char *why = why_not(explorer);
    if (why) {
        explorer_say(explorer, true, "%s", why);
        return;
    }
    if (explorer->filling.kind) {
        ask_pause(explorer);
        return;
    }
    if (isnan(filling_price(explorer, 1))) {
        explorer->filling.pricing = true;
        explorer->filling.serial++;
        measure(app, true);
    }
    dialog_open(&explorer->dialog, &fill_question);
    add_choices(explorer);
}

/* clang-format off */
const struct action filling_actions[] = {
    {{'F'}, "Models", "F", "fill the front in the background; pause or stop that", .run = ask_fill, .waits = true},
    {.run = NULL},
};
