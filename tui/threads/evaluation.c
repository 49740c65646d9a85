#include "threads/evaluation.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/memory.h"
#include "eval/data_watch.h"
#include "eval/interval.h"
#include "eval/keeping.h"
#include "results/answerer.h"

/* A solution in the file whose model's hash is still to be computed. */
struct unhashed {
    int64_t solution, routers;
    double preference[STORE_TASKS_MAX];
};

enum { UNHASHED_MAX = 64 };

struct evaluation {
    pthread_t thread;
    pthread_mutex_t lock; /* over the next block */
    pthread_cond_t changed;
    bool has_wish, has_export;
    struct evaluation_wish wish;
    struct evaluation_export export;
    struct file_change *changes; /* of the file, in the order asked for */

    atomic_bool stop, stop_export;
    atomic_bool ended; /* the thread has nothing more to do with the store */
    atomic_uint_fast64_t preferred;
    atomic_bool hurry; /* something is wanted: what can wait does */
    struct evaluation_options options;
    struct mailbox *mailbox;

    /* The thread's own. */
    struct store *store;
    bool writes; /* the store was opened to write */
    struct store_recipe *recipe;
    struct evaluator *evaluator;
    int64_t routers, run;
    char method[64]; /* of the run that made the routers */
    struct evaluation_wish now;
    bool evaluating;
    /* On a device that answers within a frame, hashes wait for a pause. */
    struct unhashed unhashed[UNHASHED_MAX];
    size_t unhashed_count;
    struct deleted_bookmarks deleted;
};

static void post_text(struct evaluation *evaluation, enum event_kind kind,
                      const char *text) {
    struct event event = {.kind = kind};
    snprintf(event.text, sizeof event.text, "%.1000s", text);
    mailbox_post(evaluation->mailbox, &event, false);
}

static void on_progress(void *self, const char *what, size_t done, size_t total) {
    struct evaluation *evaluation = self;
    struct event event = {.kind = EVENT_PROGRESS, .done = done, .total = total};
    snprintf(event.text, sizeof event.text, "%s", what);
    mailbox_post(evaluation->mailbox, &event, true);
}

static void on_export_progress(void *self, const char *what, size_t done,
                               size_t total) {
    struct evaluation *evaluation = self;
    struct event event = {.kind = EVENT_EXPORTING, .done = done, .total = total};
    (void)what;
    mailbox_post(evaluation->mailbox, &event, true);
}

/* --- opening ------------------------------------------------------------------- */

struct missing {
    char first[256];
    size_t count;
};

static void look_for(struct missing *missing, const char *directory, const char *path) {
    struct stat status;
    if (!path || !path[0])
        return;
    char *whole = path[0] == '/' ? text_format("%s", path)
                                 : text_format("%s/%s", directory, path);
    if (whole && stat(whole, &status) && missing->count++ == 0)
        snprintf(missing->first, sizeof missing->first, "%s", path);
    free(whole);
}

/* Every path of the recipe is asked for, so that one line tells how much is
 * missing; false where anything is. */
static bool all_there(struct evaluation *evaluation, const char *directory) {
    struct missing missing = {0};
    const struct store_recipe *recipe = evaluation->recipe;
    char text[512];
    look_for(&missing, directory, recipe->pretrained.path);
    for (size_t t = 0; t < recipe->task_count; t++) {
        look_for(&missing, directory, recipe->tasks[t].expert.path);
        look_for(&missing, directory, recipe->tasks[t].test_path);
    }
    if (!missing.count)
        return true;
    if (missing.count > 1)
        snprintf(text, sizeof text, "look only: %s is missing, and %zu more",
                 missing.first, missing.count - 1);
    else
        snprintf(text, sizeof text, "look only: %s is missing", missing.first);
    post_text(evaluation, EVENT_LOOK_ONLY, text);
    return false;
}

static int open_store(struct evaluation *evaluation) {
    struct error error;
    evaluation->writes = true;
    if (store_open(evaluation->options.path, STORE_READ_WRITE, &evaluation->store,
                   &error)) {
        evaluation->writes = false;
        char text[1200];
        snprintf(text, sizeof text, "nothing new will be stored: %s", error.text);
        post_text(evaluation, EVENT_TROUBLE, text);
        if (store_open(evaluation->options.path, STORE_READ_ONLY, &evaluation->store,
                       &error)) {
            post_text(evaluation, EVENT_LOOK_ONLY, error.text);
            return -1;
        }
    }
    if (store_recipe(evaluation->store, &evaluation->recipe, &error)) {
        post_text(evaluation, EVENT_LOOK_ONLY, error.text);
        return -1;
    }
    return 0;
}

/* One line on a device that cannot be used, or no longer: on the screen and in the
 * file's log. */
static void tell_device(struct evaluation *evaluation, const char *text) {
    post_text(evaluation, EVENT_TROUBLE, text);
    if (evaluation->writes)
        store_log(evaluation->store, NULL, "explorer: %s", text);
}

/* The evaluator on the device that was asked for, or on the CPU where that has one
 * that cannot be used. */
static int open_somewhere(struct evaluation *evaluation, const char *directory,
                          struct error *error) {
    char note[256] = "", text[1200];
    struct work work = {&evaluation->stop, on_progress, evaluation};
    struct evaluator_options options = {.device = evaluation->options.device,
                                        .threads = evaluation->options.threads,
                                        .limit = evaluation->options.limit,
                                        .split = "test",
                                        .allow_commands =
                                            evaluation->options.allow_commands};
    struct evaluator **evaluator = &evaluation->evaluator;
    *evaluator = NULL;
    if (evaluation->writes && data_watch(evaluation->store, evaluation->recipe,
                                         directory, options.split, NULL, &work, error))
        return -1;
    int result = evaluator_open(evaluation->recipe, directory, &options, evaluator,
                                note, &work, error);
    if (result && strncmp(options.device, "cuda", 4) == 0 &&
        !atomic_load(&evaluation->stop)) {
        struct error why = *error;
        char *advice = strstr(why.text, "; --device cpu"); /* which is taken */
        if (advice)
            *advice = '\0';
        options.device = evaluation->options.device = "cpu";
        result = evaluator_open(evaluation->recipe, directory, &options, evaluator,
                                note, &work, error);
        snprintf(text, sizeof text, "%.800s; the CPU is used", why.text);
        if (result == 0)
            tell_device(evaluation, text);
    } else if (*note) {
        tell_device(evaluation, note);
    }
    if (result)
        *evaluator = NULL;
    return result;
}

static void open_evaluator(struct evaluation *evaluation) {
    struct error error;
    char text[1200];
    char *directory = store_folder(evaluation->options.path);
    if (!directory || !all_there(evaluation, directory)) {
        free(directory);
        return;
    }
    if (open_somewhere(evaluation, directory, &error)) {
        if (!atomic_load(&evaluation->stop)) {
            snprintf(text, sizeof text, "look only: %s", error.text);
            post_text(evaluation, EVENT_LOOK_ONLY, text);
        }
    } else {
        struct event event = {.kind = EVENT_READY};
        snprintf(event.text, sizeof event.text, "%s",
                 evaluator_device(evaluation->evaluator));
        for (size_t t = 0; t < evaluation->recipe->task_count; t++)
            event.examples[t] = evaluator_examples(evaluation->evaluator, t);
        mailbox_post(evaluation->mailbox, &event, false);
    }
    free(directory);
}

/* After a failure: where the device is lost, the CPU takes its place. True: try again.
 */
static bool replace_device(struct evaluation *evaluation, const struct error *why) {
    char text[1200];
    if (!evaluation->evaluator || !evaluator_lost(evaluation->evaluator))
        return false;
    evaluator_close(evaluation->evaluator);
    evaluation->routers = 0;
    evaluation->evaluating = false;
    evaluation->unhashed_count = 0; /* the CPU's models differ in their last bits */
    evaluation->options.device = "cpu";
    snprintf(text, sizeof text, "%.800s; the CPU is used from now on", why->text);
    tell_device(evaluation, text);
    open_evaluator(evaluation);
    return evaluation->evaluator != NULL;
}

/* --- one preference ------------------------------------------------------------ */

/* The method that routers were trained with: solutions are known by it. */
static void find_method(struct evaluation *evaluation, int64_t run) {
    struct store_run *runs = NULL;
    size_t count = 0;
    evaluation->method[0] = '\0';
    if (store_runs(evaluation->store, &runs, &count, NULL))
        return;
    for (size_t i = 0; i < count; i++)
        if (runs[i].id == run)
            snprintf(evaluation->method, sizeof evaluation->method, "%s",
                     runs[i].method);
    store_runs_free(runs, count);
}

/* The closed form has none, whatever the evaluator used before. */
static size_t modules_of(const struct evaluation *evaluation) {
    return evaluation->routers == CATALOG_CLOSED_FORM
               ? 0
               : evaluator_modules(evaluation->evaluator);
}

static int use_routers(struct evaluation *evaluation, int64_t id, struct error *error) {
    int64_t run;
    if (evaluation->routers == id)
        return 0;
    evaluation->routers = 0;
    if (id != CATALOG_CLOSED_FORM) {
        if (keeping_use_routers(evaluation->evaluator, evaluation->store, id, &run,
                                error))
            return -1;
        find_method(evaluation, run);
    }
    evaluation->routers = id;
    struct event event = {.kind = EVENT_MODULES, .modules = modules_of(evaluation)};
    event.names = array_new(event.modules, sizeof *event.names);
    if (!event.names)
        return error_memory(error);
    for (size_t m = 0; m < event.modules; m++)
        snprintf(event.names[m], sizeof event.names[m], "%s",
                 evaluator_module_name(evaluation->evaluator, m));
    mailbox_post(evaluation->mailbox, &event, false);
    return 0;
}

static int post_routing(struct evaluation *evaluation, struct error *error) {
    struct event event = {.kind = EVENT_ROUTING,
                          .serial = evaluation->now.serial,
                          .modules = modules_of(evaluation)};
    size_t cells;
    if (size_multiply(event.modules, evaluation->recipe->task_count, &cells))
        event.weights = array_new(cells, sizeof *event.weights);
    if (!event.weights)
        return error_memory(error);
    if (event.modules &&
        evaluator_routing(evaluation->evaluator, evaluation->now.preference,
                          event.weights, error)) {
        free(event.weights);
        return -1;
    }
    mailbox_post(evaluation->mailbox, &event, true);
    return 0;
}

/* Makes the model at a preference, by what was chosen with use_routers. */
static int make_model(struct evaluation *evaluation, const double *preference,
                      const struct work *work, struct error *error) {
    int result = answerer_begin(evaluation->evaluator, evaluation->routers, preference,
                                work, error);
    on_progress(evaluation, "", 0, 0); /* what it said of its work is over */
    return result;
}

static int begin_now(struct evaluation *evaluation, struct error *error) {
    const struct evaluation_wish *now = &evaluation->now;
    struct work work = {&evaluation->hurry, on_progress, evaluation};
    return use_routers(evaluation, now->routers, error) ||
                   post_routing(evaluation, error) ||
                   (now->evaluate &&
                    make_model(evaluation, now->preference, &work, error))
               ? -1
               : 0;
}

/* A closed form that takes long is left when something else is wanted; what was being
 * made is wanted again after that, unless it is a new preference. */
static bool wish_again(struct evaluation *evaluation) {
    if (!atomic_load(&evaluation->hurry))
        return false;
    pthread_mutex_lock(&evaluation->lock);
    if (!evaluation->has_wish) {
        evaluation->wish = evaluation->now;
        evaluation->has_wish = true;
    }
    pthread_mutex_unlock(&evaluation->lock);
    return true;
}

static void begin(struct evaluation *evaluation) {
    struct error error;
    evaluation->evaluating = false;
    if (!evaluation->evaluator || !evaluation->now.routers)
        return;
    int result = begin_now(evaluation, &error);
    if (result && replace_device(evaluation, &error))
        result = begin_now(evaluation, &error);
    else if (result && !evaluation->evaluator)
        return; /* told already */
    if (result && wish_again(evaluation))
        return;
    if (result)
        post_text(evaluation, EVENT_TROUBLE, error.text);
    else
        evaluation->evaluating = evaluation->now.evaluate;
}

static struct store_solution describe(struct evaluation *evaluation,
                                      double *preference) {
    return answerer_solution(evaluation->routers, evaluation->method, preference);
}

/* Where evaluations take milliseconds, the hash is what a next preference would have
 * to wait for: it is computed when nothing is wanted. */
static void hash_later(struct evaluation *evaluation, int64_t solution) {
    if (evaluation->unhashed_count == UNHASHED_MAX) {
        evaluation->unhashed_count--;
        memmove(evaluation->unhashed, evaluation->unhashed + 1,
                evaluation->unhashed_count * sizeof *evaluation->unhashed);
    }
    struct unhashed *u = &evaluation->unhashed[evaluation->unhashed_count++];
    u->solution = solution;
    u->routers = evaluation->routers;
    memcpy(u->preference, evaluation->now.preference, sizeof u->preference);
}

/* The model of the last solution that waits is made again, which gives the same to the
 * bit, and its hash joins the figures in the file. */
static void hash_one(struct evaluation *evaluation) {
    struct unhashed *u = &evaluation->unhashed[evaluation->unhashed_count - 1];
    struct work work = {.stop = &evaluation->hurry};
    struct error error;
    int result = use_routers(evaluation, u->routers, &error) ||
                 make_model(evaluation, u->preference, &work, &error) ||
                 keeping_hash(evaluation->evaluator, evaluation->store, u->solution,
                              &work, &error);
    if (result && atomic_load(&evaluation->hurry))
        return; /* it goes on waiting */
    evaluation->unhashed_count--;
    if (result && !replace_device(evaluation, &error))
        post_text(evaluation, EVENT_TROUBLE, error.text);
}

/* What is complete goes to the file, with the hash of the model that was scored; on a
 * device the hash follows in a pause. */
static void keep_results(struct evaluation *evaluation) {
    struct store_solution solution = describe(evaluation, evaluation->now.preference);
    struct event event = {.kind = EVENT_STORED, .serial = evaluation->now.serial};
    struct error error;
    bool later = evaluator_on_device(evaluation->evaluator);
    if (!evaluation->writes)
        return;
    if (keeping_figures(evaluation->evaluator, evaluation->store, !later, &solution,
                        &error)) {
        error_prefix(&error, "not stored");
        post_text(evaluation, EVENT_TROUBLE, error.text);
        return;
    }
    if (later)
        hash_later(evaluation, solution.id);
    mailbox_post(evaluation->mailbox, &event, false);
}

static void step(struct evaluation *evaluation) {
    struct event event = {.kind = EVENT_RUNNING, .serial = evaluation->now.serial};
    struct error error;
    evaluator_prefer(evaluation->evaluator, atomic_load(&evaluation->preferred));
    int result = evaluator_step(evaluation->evaluator, event.running, &error);
    if (result < 0) {
        evaluation->evaluating = false;
        if (replace_device(evaluation, &error))
            begin(evaluation);
        else if (evaluation->evaluator)
            post_text(evaluation, EVENT_TROUBLE, error.text);
        return;
    }
    if (result == 1) {
        /* Under --limit all that was to be seen is not yet the whole split. */
        struct store_evaluation evaluations[STORE_TASKS_MAX];
        evaluator_results(evaluation->evaluator, evaluations);
        for (size_t t = 0; t < evaluation->recipe->task_count; t++)
            event.running[t].complete = evaluations[t].complete;
    }
    /* Nor does the interval shrink towards the limit's own examples. */
    for (size_t t = 0; evaluation->options.limit && t < evaluation->recipe->task_count;
         t++) {
        struct running *running = &event.running[t];
        if (running->complete || !running->examples)
            continue;
        interval_wilson(running->correct, running->examples, 0, &running->low,
                        &running->high);
        running->low *= 100;
        running->high *= 100;
    }
    /* What is shown as measured is in the file. */
    if (result == 1) {
        evaluation->evaluating = false;
        keep_results(evaluation);
    }
    mailbox_post(evaluation->mailbox, &event, true);
}

/* --- export and bookmarks ------------------------------------------------------ */

static void export(struct evaluation *evaluation, struct evaluation_export *request) {
    struct work work = {&evaluation->stop_export, on_export_progress, evaluation};
    struct error error = {.text = ""};
    /* The evaluator has one model at a time: what was evaluated begins again. */
    bool again = evaluation->evaluating;
    evaluation->evaluating = false;
    if (!evaluation->evaluator) {
        error_set(&error, "nothing can be exported while checkpoints are missing");
    } else if (use_routers(evaluation, request->routers, &error) == 0 &&
               make_model(evaluation, request->preference, &work, &error) == 0) {
        struct store_solution solution = describe(evaluation, request->preference);
        if (request->measured)
            memcpy(solution.model_sha256, request->model_sha256,
                   sizeof solution.model_sha256);
        if (evaluator_export(evaluation->evaluator, request->path, &solution,
                             request->measured ? request->figures : NULL, request->head,
                             NULL, &work, &error) == 0) {
            error.text[0] = '\0';
            if (evaluation->writes)
                store_log(evaluation->store, NULL, "explorer: exported %s",
                          request->path);
        }
    }
    post_text(evaluation, EVENT_EXPORTED, error.text);
    if (*error.text)
        replace_device(evaluation, &error);
    if (again)
        begin(evaluation);
}

static void take_change(struct evaluation *evaluation,
                        const struct file_change *change) {
    static const char *const kept[] = {[CHANGE_BOOKMARK] = "bookmarks stay as they are",
                                       [CHANGE_SELECTION] = "the selection is not kept",
                                       [CHANGE_VISITS] = ""};
    struct error error;
    char said[1100];
    struct event event = {.kind = EVENT_KEPT, .serial = change->serial};
    if (!evaluation->writes) {
        error_set(&error, "the file cannot be written; %s", kept[change->kind]);
        if (*kept[change->kind])
            post_text(evaluation, EVENT_TROUBLE, error.text);
    } else if (file_change_apply(evaluation->store, change, &evaluation->deleted, said,
                                 sizeof said, &error)) {
        post_text(evaluation, EVENT_TROUBLE, error.text);
    } else if (change->kind == CHANGE_SELECTION) {
        mailbox_post(evaluation->mailbox, &event, true);
    } else if (*said) {
        post_text(evaluation, EVENT_DONE, said);
    }
}

/* --- the thread ---------------------------------------------------------------- */

/* Waits for a while, with the lock; true: nobody wanted anything meanwhile. */
static bool paused(struct evaluation *evaluation) {
    enum {
        PAUSE = 250 * 1000 * 1000
    }; /* ns: longer than between two moves of a drag */
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += PAUSE;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    return pthread_cond_timedwait(&evaluation->changed, &evaluation->lock, &until) ==
           ETIMEDOUT;
}

/* One thing to do; called with the lock held, which is let go meanwhile. */
static void take_turn(struct evaluation *evaluation) {
    if (evaluation->changes) {
        struct file_change *change = evaluation->changes;
        evaluation->changes = change->next;
        pthread_mutex_unlock(&evaluation->lock);
        take_change(evaluation, change);
        file_change_free(change);
    } else if (evaluation->has_wish) {
        evaluation->now = evaluation->wish;
        evaluation->has_wish = false;
        atomic_store(&evaluation->hurry, atomic_load(&evaluation->stop));
        pthread_mutex_unlock(&evaluation->lock);
        begin(evaluation);
    } else if (evaluation->has_export) {
        struct evaluation_export request = evaluation->export;
        evaluation->has_export = false;
        pthread_mutex_unlock(&evaluation->lock);
        export(evaluation, &request);
    } else if (evaluation->evaluating) {
        pthread_mutex_unlock(&evaluation->lock);
        step(evaluation);
    } else if (evaluation->unhashed_count && evaluation->evaluator &&
               paused(evaluation)) {
        atomic_store(&evaluation->hurry, false);
        pthread_mutex_unlock(&evaluation->lock);
        hash_one(evaluation);
    } else {
        if (!evaluation->unhashed_count)
            pthread_cond_wait(&evaluation->changed, &evaluation->lock);
        return;
    }
    pthread_mutex_lock(&evaluation->lock);
}

static void *run(void *self) {
    struct evaluation *evaluation = self;
    if (open_store(evaluation) == 0) {
        open_evaluator(evaluation);
        pthread_mutex_lock(&evaluation->lock);
        while (!atomic_load(&evaluation->stop))
            take_turn(evaluation);
        while (evaluation->changes) /* asked for before the end */
            take_turn(evaluation);
        pthread_mutex_unlock(&evaluation->lock);
    }
    evaluator_close(evaluation->evaluator);
    store_recipe_free(evaluation->recipe);
    store_close(evaluation->store);
    atomic_store(&evaluation->ended, true);
    return NULL;
}

int evaluation_start(const struct evaluation_options *options, struct mailbox *mailbox,
                     struct evaluation **result, struct error *error) {
    struct evaluation *evaluation = array_new(1, sizeof *evaluation);
    if (!evaluation)
        return error_memory(error);
    evaluation->options = *options;
    evaluation->mailbox = mailbox;
    atomic_init(&evaluation->stop, false);
    atomic_init(&evaluation->ended, false);
    atomic_init(&evaluation->stop_export, false);
    atomic_init(&evaluation->preferred, 0);
    atomic_init(&evaluation->hurry, false);
    pthread_mutex_init(&evaluation->lock, NULL);
    pthread_cond_init(&evaluation->changed, NULL);
    int failed = pthread_create(&evaluation->thread, NULL, run, evaluation);
    if (failed) {
        free(evaluation);
        return error_set(error, "cannot start a thread: %s", strerror(failed));
    }
    *result = evaluation;
    return 0;
}

/* With the lock. Another connection: the thread's own is not this one's to use. */
static void make_changes(struct evaluation *evaluation) {
    struct deleted_bookmarks deleted = {0};
    struct store *store = NULL;
    struct error error;
    char said[1100];
    if (evaluation->changes &&
        store_open(evaluation->options.path, STORE_READ_WRITE, &store, &error) == 0)
        while (evaluation->changes) {
            struct file_change *change = evaluation->changes;
            evaluation->changes = change->next;
            /* Nobody is left to be told of a name that is taken. */
            (void)file_change_apply(store, change, &deleted, said, sizeof said, &error);
            file_change_free(change);
        }
    deleted_bookmarks_free(&deleted);
    store_close(store);
}

void evaluation_end(struct evaluation *evaluation) {
    static const struct timespec moment = {0, 10 * 1000 * 1000};
    enum { MOMENTS = 40 };
    if (!evaluation)
        return;
    pthread_mutex_lock(&evaluation->lock);
    atomic_store(&evaluation->stop, true);
    atomic_store(&evaluation->stop_export, true);
    atomic_store(&evaluation->hurry, true);
    pthread_cond_signal(&evaluation->changed);
    pthread_mutex_unlock(&evaluation->lock);
    for (int i = 0; i < MOMENTS && !atomic_load(&evaluation->ended); i++)
        nanosleep(&moment, NULL);
    if (atomic_load(&evaluation->ended) || pthread_mutex_trylock(&evaluation->lock))
        return;
    make_changes(evaluation);
    pthread_mutex_unlock(&evaluation->lock);
}

void evaluation_stop(struct evaluation *evaluation) {
    if (!evaluation)
        return;
    evaluation_end(evaluation);
    pthread_join(evaluation->thread, NULL);
    while (evaluation->changes) {
        struct file_change *next = evaluation->changes->next;
        file_change_free(evaluation->changes);
        evaluation->changes = next;
    }
    deleted_bookmarks_free(&evaluation->deleted);
    pthread_cond_destroy(&evaluation->changed);
    pthread_mutex_destroy(&evaluation->lock);
    free(evaluation);
}

void evaluation_want(struct evaluation *evaluation,
                     const struct evaluation_wish *wish) {
    pthread_mutex_lock(&evaluation->lock);
    evaluation->wish = *wish;
    evaluation->has_wish = true;
    atomic_store(&evaluation->hurry, true);
    pthread_cond_signal(&evaluation->changed);
    pthread_mutex_unlock(&evaluation->lock);
}

void evaluation_prefer(struct evaluation *evaluation, uint64_t tasks) {
    atomic_store(&evaluation->preferred, tasks);
}

bool evaluation_export_begin(struct evaluation *evaluation,
                             const struct evaluation_export *request) {
    pthread_mutex_lock(&evaluation->lock);
    bool free_to = !evaluation->has_export;
    if (free_to) {
        evaluation->export = *request;
        evaluation->has_export = true;
        atomic_store(&evaluation->hurry, true);
        atomic_store(&evaluation->stop_export, false);
        pthread_cond_signal(&evaluation->changed);
    }
    pthread_mutex_unlock(&evaluation->lock);
    return free_to;
}

void evaluation_export_stop(struct evaluation *evaluation) {
    atomic_store(&evaluation->stop_export, true);
}

void evaluation_change(struct evaluation *evaluation, struct file_change *asked) {
    struct file_change *change = file_change_copy(asked);
    if (!change) {
        post_text(evaluation, EVENT_TROUBLE, "out of memory");
        return;
    }
    /* In the order in which they were wanted. */
    pthread_mutex_lock(&evaluation->lock);
    struct file_change **end = &evaluation->changes;
    while (*end)
        end = &(*end)->next;
    *end = change;
    atomic_store(&evaluation->hurry, true);
    pthread_cond_signal(&evaluation->changed);
    pthread_mutex_unlock(&evaluation->lock);
}
