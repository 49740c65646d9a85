#define _GNU_SOURCE
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/actions.h"
#include "app/app.h"
#include "app/replay.h"
#include "app/settings.h"
#include "base/card_files.h"
#include "base/json_text.h"
#include "base/memory.h"
#include "base/sandbox.h"
#include "base/signals.h"
#include "base/start.h"
#include "base/usage.h"
#include "config.h"
#include "options.h"
#include "panels/views.h"
#include "terminal/keys.h"
#include "terminal/restore.h"
#include "terminal/screen.h"
#include "threads/hypervolume.h"

static int complain(const struct error *error) {
    bool memory = error->memory && !strstr(error->text, "memory");
    fprintf(stderr, "pwemoe-explore: %s%s\n", error->text,
            memory ? " (out of memory)" : "");
    return 1;
}

/* Waits for the first catalog, or for one that is no outline, at most so many seconds.
 */
static void wait_for_results(struct app *app, bool whole, double seconds) {
    const struct explorer *explorer = &app->explorer;
    double until = usage_clock() + seconds;
    while ((!explorer->catalog || (whole && explorer->catalog->reading)) &&
           !explorer->message_bad && !memory_failures() && usage_clock() < until) {
        struct pollfd poll_fd = {mailbox_fd(app->mailbox), POLLIN, 0};
        poll(&poll_fd, 1, (int)((until - usage_clock()) * 1000) + 1);
        app_events(app);
    }
}

/* The front's hypervolume where it is quick. */
static void wait_for_volume(struct app *app, double seconds) {
    double until = usage_clock() + seconds;
    while ((!app->explorer.volume || app->explorer.volume->state == VOLUME_WORKING) &&
           !memory_failures() && usage_clock() < until) {
        struct pollfd poll_fd = {mailbox_fd(app->mailbox), POLLIN, 0};
        poll(&poll_fd, 1, (int)((until - usage_clock()) * 1000) + 1);
        app_events(app);
    }
}

/* Where their panel is shown, for which models are read. */
static void wait_for_similarity(struct app *app, double seconds) {
    const struct explorer *explorer = &app->explorer;
    double until = usage_clock() + seconds;
    app_similarity(app);
    while (app->similarity_reader.started && !explorer->similarity &&
           !explorer->similarity_missing[0] && !memory_failures() &&
           usage_clock() < until) {
        struct pollfd poll_fd = {mailbox_fd(app->mailbox), POLLIN, 0};
        poll(&poll_fd, 1, (int)((until - usage_clock()) * 1000) + 1);
        app_events(app);
    }
}

static int snapshot(struct app *app, const struct explore_options *options,
                    struct replay *replay, struct error *error) {
    wait_for_results(app, true, 3600);
    if (memory_failures())
        return error_memory(error);
    if (!app->explorer.catalog || app->explorer.catalog->reading)
        return error_set(error, "%s", app->explorer.message);
    wait_for_volume(app, 2);
    if (canvas_resize(&app->canvas, options->width, options->height))
        return error_memory(error);
    enum replay_state state;
    do {
        frame_draw(&app->canvas, &app->explorer, &app->arrangement);
        state = replay ? replay_step(replay, app) : REPLAY_DONE;
        /* Nothing computes here: what is not there now does not come. */
        if (state == REPLAY_WAITS)
            return replay_late(replay, error);
    } while (state == REPLAY_DID && !app->quit);
    if (app->arrangement.shown[PANEL_SIMILARITY]) {
        wait_for_similarity(app, 60);
        frame_draw(&app->canvas, &app->explorer, &app->arrangement);
    }
    if (memory_failures()) /* the frame may lack parts */
        return error_memory(error);
    canvas_print(&app->canvas, stdout);
    if (fflush(stdout))
        return error_set(error, "standard output: %s", strerror(errno));
    return 0;
}

static int draw(struct app *app, struct error *error) {
    int width, height;
    screen_size(&width, &height);
    if (canvas_resize(&app->canvas, width, height))
        return error_memory(error);
    frame_draw(&app->canvas, &app->explorer, &app->arrangement);
    screen_draw(&app->canvas);
    return 0;
}

static bool take_input(struct app *app, FILE *record) {
    bool any = false;
    for (;;) {
        struct screen_event event = screen_event();
        if (event.key == KEYS_NONE)
            return any;
        any = true;
        if (record)
            replay_note(record, event.key, event.pasted);
        if (event.key == KEYS_MOUSE)
            app_mouse(app, (enum mouse_kind)event.mouse, event.x, event.y);
        else if (event.pasted)
            app_paste(app, event.key);
        else
            app_key(app, event.key);
        /* The next key may mean another panel: it is placed by the next frame. */
        if (event.key == KEYS_RESIZE || app->quit)
            return true;
    }
}

struct lack {
    unsigned failures; /* that are told of */
    double told;
};

/* A frame that lacks parts says so, at most every few seconds, as drawing it anew may
 * lack them again; what was not told of is read again. */
static bool look_for_memory(struct app *app, struct lack *lack) {
    static const double rest = 5;
    unsigned failures = memory_failures();
    if (failures == lack->failures || usage_clock() < lack->told + rest)
        return false;
    *lack = (struct lack){failures, usage_clock()};
    explorer_say(&app->explorer, true,
                 "out of memory: the screen may be incomplete, and the last action may "
                 "not have been carried out");
    watcher_wake(app->watcher);
    return true;
}

/* What is known changes many times a second while an evaluation runs; the eye has
 * enough of thirty frames. Keys and the mouse are answered at once. */
static int loop(struct app *app, struct replay *replay, FILE *record,
                struct error *error) {
    static const double frame = 0.033, patience = 20;
    double since = usage_clock(); /* the replay waits */
    bool changed = true, at_once = true;
    double drawn = 0;
    struct lack lack = {0};
    while (!app->quit && !restore_ending()) {
        at_once = screen_job_control() || at_once;
        changed = app_events(app) || changed;
        changed = look_for_memory(app, &lack) || changed;
        at_once = app_fly(app, usage_clock()) || at_once;
        app_tell_evaluation(app);
        app_fill(app);
        app_tour(app);
        app_similarity(app);
        enum replay_state state = REPLAY_DID;
        if (replay && drawn > 0 && !changed && !at_once) {
            state = replay_step(replay, app);
            at_once = state == REPLAY_DID;
            if (state == REPLAY_DONE)
                replay = NULL;
            if (state != REPLAY_WAITS)
                since = usage_clock();
            else if (usage_clock() > since + patience)
                return replay_late(replay, error);
            if (app->quit)
                break;
        }
        double rest = drawn + frame - usage_clock();
        if (at_once || (changed && rest <= 0)) {
            if (draw(app, error))
                return -1;
            drawn = usage_clock();
            changed = at_once = false;
        }
        if (!changed && app_take_early(app)) {
            at_once = true;
            continue;
        }
        struct pollfd fds[2] = {{STDIN_FILENO, POLLIN, 0},
                                {mailbox_fd(app->mailbox), POLLIN, 0}};
        int idle = app->flight.on ? 16 : !replay ? -1 : state == REPLAY_WAITS ? 50 : 0;
        int ready = screen_wait(fds, 2, changed ? (int)(rest * 1000) + 1 : idle);
        if (ready < 0 && errno != EINTR)
            return error_set(error, "poll: %s", strerror(errno));
        /* The terminal is gone: nobody is left to ask. */
        if (ready > 0 && fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
            return 0;
        at_once = take_input(app, record);
    }
    return 0;
}

/* Signals are for the loop's thread: the others are started with them blocked. */
static void block_signals(sigset_t *before) {
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGABRT);
    pthread_sigmask(SIG_SETMASK, &all, before);
}

/* What a file fresh from init could be better with; in the demo, until someone has been
 * there, the tour. */
static void greet(struct explorer *explorer) {
    const struct catalog *catalog = explorer->catalog;
    if (!catalog || catalog->reading)
        return;
    if (catalog_is_closed(explorer->routers) && !catalog_any_trained(catalog))
        explorer_say(explorer, false,
                     "nothing is trained yet, so a closed form answers; `pwemoe train "
                     "%s` makes better models",
                     explorer->file);
    else if (!explorer->visits.count &&
             !strcmp(catalog->recipe->name, "digits, letters, surfaces"))
        explorer_say(explorer, false,
                     "new here? G begins a tour in five steps; ? lists all keys");
}

static int explore(struct app *app, const struct explore_options *options,
                   struct replay *replay, FILE *record, struct error *error) {
    struct screen_options screen = {options->no_colour, !options->no_mouse};
    struct evaluation_options evaluation = {.path = options->file,
                                            .device = options->device,
                                            .precision = options->precision,
                                            .threads = (unsigned)options->threads,
                                            .limit = (size_t)options->limit,
                                            .allow_commands = options->allow_commands,
                                            .jobs = (unsigned)options->jobs,
                                            .job_devices = options->job_devices,
                                            .spill = options->spill};
    sigset_t before;
    if (screen_start(&screen, error))
        return -1;
    app->explorer.mouse = !options->no_mouse;
    app->explorer.fp8 = options->precision == PRECISION_FP8;
    wait_for_results(app, false, 0.06);
    greet(&app->explorer);
    int result = draw(app, error);
    /* Loading begins when there is something to look at. */
    if (result == 0) {
        block_signals(&before);
        result = evaluation_start(&evaluation, app->mailbox, &app->evaluation, error);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (result == 0)
        result = loop(app, replay, record, error);
    screen_stop();
    return result;
}

/* What is settled holds where the command line says nothing; -1 with error. A snapshot
 * has no settings: it is the same for everyone. */
static int take_settings(struct explore_options *options, struct app *app,
                         struct error *error) {
    struct settings settings;
    char *path = options->width ? NULL : settings_path();
    int failed = path ? settings_read(path, &settings, error) : 0;
    if (path && !failed) {
        app->keys = settings.keys;
        options->no_mouse = options->no_mouse || settings.no_mouse;
        options->no_colour = options->no_colour || settings.no_colour;
        palette_theme(settings.theme);
    }
    free(path);
    return failed;
}

/* The script that is replayed, the file that is looked at, and the script that is
 * written: not begun where nothing can be recorded. -1 with error, and *replay to
 * close.
 */
static int open_files(const struct explore_options *options, struct replay **replay,
                      struct store **store, FILE **record, struct error *error) {
    if ((options->replay && replay_open(options->replay, replay, error)) ||
        store_open(options->file, STORE_READ_ONLY, store, error))
        return -1;
    if (!options->record || (*record = fopen(options->record, "wxe")))
        return 0;
    store_close(*store);
    return error_set(error, "%s: %s", options->record, strerror(errno));
}

/* Was every key written down? */
static int close_record(FILE *record, const char *path, struct error *error) {
    bool lost = ferror(record);
    if (fclose(record) == 0 && !lost)
        return 0;
    return error_set(error,
                     "%s: could not be written completely: some keys are missing in it",
                     path);
}

/* Everything before a file is opened: the process, the command line, the settings. -1
 * where the explorer can begin, else the exit status. */
static int begin(int argc, char **argv, struct explore_options *options,
                 struct app *app) {
    struct error error;
    start_process(argv, screen_signals);
    json_memory_watch();
    if (start_locale(LC_ALL, &error))
        return complain(&error);
    setlocale(LC_NUMERIC, "C"); /* figures, and the vectors that are typed */
    enum explore_parsed parsed = explore_options_parse(argc, argv, options, &error);
    if (parsed == EXPLORE_WRONG && error.memory) /* nobody typed anything wrong */
        return complain(&error);
    if (parsed == EXPLORE_WRONG) {
        fprintf(stderr, "pwemoe-explore: %s; try --help\n", error.text);
        return 2;
    }
    if (parsed == EXPLORE_DONE && fflush(stdout)) {
        error_set(&error, "standard output: %s", strerror(errno));
        return complain(&error);
    }
    if (parsed == EXPLORE_DONE)
        return 0;
    if (!options->width && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))) {
        error_set(&error, "no terminal here; --snapshot 120x40 prints one frame");
        return complain(&error);
    }
    if (options->sandbox != SANDBOX_OFF && strcmp(options->device, "cpu") != 0)
        card_files_make(CARD_FILES_FOLDER, CARD_FILES_PROGRAM);
    if (sandbox_enter((enum sandbox)options->sandbox, options->allow_commands, false,
                      &error) ||
        take_settings(options, app, &error))
        return complain(&error);
    return -1;
}

static void init_app(struct app *app, const struct explore_options *options) {
    explorer_init(&app->explorer, options->file);
    action_hints(app->explorer.hints);
    app->explorer.space = (enum space)options->space;
    app->explorer.space_free = !options->space_given;
    app->explorer.wish.polygon = options->polygon;
    app->explorer.limited = options->limit > 0;
    app->canvas.marks = palette_marks(screen_utf8() && !options->ascii);
}

/* The one that writes closes last: it tidies up the write-ahead log. */
static void end(struct app *app, struct replay *replay) {
    chart_writer_stop(&app->chart_writer);
    similarity_reader_stop(&app->similarity_reader);
    watcher_stop(app->watcher);
    evaluation_stop(app->evaluation);
    mailbox_free(app->mailbox);
    catalog_free(app->waiting);
    explorer_free(&app->explorer);
    canvas_free(&app->canvas);
    replay_close(replay);
    if (restore_ending())
        signals_end(restore_ending());
}

int main(int argc, char **argv) {
    struct explore_options options;
    struct app app = {.dragged = PANEL_COUNT};
    struct error error;
    struct store *store;
    struct replay *replay = NULL;
    FILE *record = NULL;
    sigset_t before;
    int ended = begin(argc, argv, &options, &app);
    if (ended >= 0)
        return ended;
    if (open_files(&options, &replay, &store, &record, &error)) {
        replay_close(replay);
        return complain(&error);
    }
    init_app(&app, &options);
    app.mailbox = mailbox_new(&error);
    if (!app.mailbox) {
        store_close(store);
        return complain(&error);
    }
    /* A file whose visits cannot be read is told of by what reads the rest. */
    if (!options.width)
        (void)store_visits(store, &app.explorer.visits, NULL);
    block_signals(&before);
    int result = watcher_start(store, app.mailbox, &app.watcher, &error);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result == 0)
        result = options.width ? snapshot(&app, &options, replay, &error)
                               : explore(&app, &options, replay, record, &error);
    int status = result ? complain(&error) : 0;
    if (record && close_record(record, options.record, &error) && !status)
        status = complain(&error);
    app_keep_visits(&app);
    if (!options.width)
        restore_leave(status);
    evaluation_end(app.evaluation);
    end(&app, replay);
    return status;
}
