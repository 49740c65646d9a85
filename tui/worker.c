#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/memory.h"
#include "eval/interval.h"

enum bookmark_change { BOOKMARK_PUT, BOOKMARK_RENAME, BOOKMARK_DELETE };

struct bookmark_wish {
    enum bookmark_change change;
    int64_t id; /* of one that is renamed or deleted */
    char name[512], to[512];
    double preference[STORE_TASKS_MAX];
    int64_t solution;
    struct bookmark_wish *next;
};

/* A solution in the file whose model's hash is still to be computed. */
struct unhashed {
    int64_t solution, routers;
    double preference[STORE_TASKS_MAX];
};

enum { UNHASHED_MAX = 64 };

struct worker {
    pthread_t thread;
    pthread_mutex_t lock; /* over the next block */
    pthread_cond_t changed;
    bool has_wish, has_export;
    struct worker_wish wish;
    struct worker_export export;
    struct bookmark_wish *bookmarks;

    atomic_bool stop, stop_export;
    atomic_uint_fast64_t preferred;
    atomic_bool hurry; /* something is wanted: what can wait does */
    struct worker_options options;
    struct mailbox *mailbox;

    /* The thread's own. */
    struct store *store;
    bool writes; /* the store was opened to write */
    struct store_recipe *recipe;
    struct evaluator *evaluator;
    int64_t routers, run;
    char method[64]; /* of the run that made the routers */
    struct worker_wish now;
    bool evaluating;
    /* On a device that answers within a frame, hashes wait for a pause. */
    struct unhashed unhashed[UNHASHED_MAX];
    size_t unhashed_count;
};

static void post_text(struct worker *worker, enum event_kind kind, const char *text) {
    struct event event = {.kind = kind};
    snprintf(event.text, sizeof event.text, "%.1000s", text);
    mailbox_post(worker->mailbox, &event, false);
}

static void on_progress(void *self, const char *what, size_t done, size_t total) {
    struct worker *worker = self;
    struct event event = {.kind = EVENT_PROGRESS, .done = done, .total = total};
    snprintf(event.text, sizeof event.text, "%s", what);
    mailbox_post(worker->mailbox, &event, true);
}

static void on_export_progress(void *self, const char *what, size_t done,
                               size_t total) {
    struct worker *worker = self;
    struct event event = {.kind = EVENT_EXPORTING, .done = done, .total = total};
    (void)what;
    mailbox_post(worker->mailbox, &event, true);
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
static bool all_there(struct worker *worker, const char *directory) {
    struct missing missing = {0};
    const struct store_recipe *recipe = worker->recipe;
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
    post_text(worker, EVENT_LOOK_ONLY, text);
    return false;
}

static int open_store(struct worker *worker) {
    struct error error;
    worker->writes = true;
    if (store_open(worker->options.path, STORE_READ_WRITE, &worker->store, &error)) {
        worker->writes = false;
        char text[1200];
        snprintf(text, sizeof text, "nothing new will be stored: %s", error.text);
        post_text(worker, EVENT_TROUBLE, text);
        if (store_open(worker->options.path, STORE_READ_ONLY, &worker->store, &error)) {
            post_text(worker, EVENT_LOOK_ONLY, error.text);
            return -1;
        }
    }
    if (store_recipe(worker->store, &worker->recipe, &error)) {
        post_text(worker, EVENT_LOOK_ONLY, error.text);
        return -1;
    }
    return 0;
}

/* One line on a device that cannot be used, or no longer: on the screen and in the
 * file's log. */
static void tell_device(struct worker *worker, const char *text) {
    post_text(worker, EVENT_TROUBLE, text);
    if (worker->writes)
        store_log(worker->store, NULL, "explorer: %s", text);
}

/* The evaluator on the device that was asked for, or on the CPU where that has one
 * that cannot be used. */
static int open_somewhere(struct worker *worker, const char *directory,
                          struct error *error) {
    char note[256] = "", text[1200];
    struct work work = {&worker->stop, on_progress, worker};
    struct evaluator_options options = {.device = worker->options.device,
                                        .threads = worker->options.threads,
                                        .limit = worker->options.limit,
                                        .split = "test"};
    struct evaluator **evaluator = &worker->evaluator;
    *evaluator = NULL;
    int result = evaluator_open(worker->recipe, directory, &options, evaluator, note,
                                &work, error);
    if (result && strncmp(options.device, "cuda", 4) == 0 &&
        !atomic_load(&worker->stop)) {
        struct error why = *error;
        char *advice = strstr(why.text, "; --device cpu"); /* which is taken */
        if (advice)
            *advice = '\0';
        options.device = worker->options.device = "cpu";
        result = evaluator_open(worker->recipe, directory, &options, evaluator, note,
                                &work, error);
        snprintf(text, sizeof text, "%.800s; the CPU is used", why.text);
        if (result == 0)
            tell_device(worker, text);
    } else if (*note) {
        tell_device(worker, note);
    }
    if (result)
        *evaluator = NULL;
    return result;
}

static void open_evaluator(struct worker *worker) {
    struct error error;
    char text[1200];
    char *directory = store_folder(worker->options.path);
    if (!directory || !all_there(worker, directory)) {
        free(directory);
        return;
    }
    if (open_somewhere(worker, directory, &error)) {
        if (!atomic_load(&worker->stop)) {
            snprintf(text, sizeof text, "look only: %s", error.text);
            post_text(worker, EVENT_LOOK_ONLY, text);
        }
    } else {
        struct event event = {.kind = EVENT_READY};
        snprintf(event.text, sizeof event.text, "%s",
                 evaluator_device(worker->evaluator));
        for (size_t t = 0; t < worker->recipe->task_count; t++)
            event.examples[t] = evaluator_examples(worker->evaluator, t);
        mailbox_post(worker->mailbox, &event, false);
    }
    free(directory);
}

/* After a failure: where the device is lost, the CPU takes its place. True: try again.
 */
static bool replace_device(struct worker *worker, const struct error *why) {
    char text[1200];
    if (!worker->evaluator || !evaluator_lost(worker->evaluator))
        return false;
    evaluator_close(worker->evaluator);
    worker->routers = 0;
    worker->evaluating = false;
    worker->unhashed_count = 0; /* the CPU's models differ in their last bits */
    worker->options.device = "cpu";
    snprintf(text, sizeof text, "%.800s; the CPU is used from here on", why->text);
    tell_device(worker, text);
    open_evaluator(worker);
    return worker->evaluator != NULL;
}

/* --- one preference ------------------------------------------------------------ */

/* The method that routers were trained with: solutions are known by it. */
static void find_method(struct worker *worker, int64_t run) {
    struct store_run *runs = NULL;
    size_t count = 0;
    worker->method[0] = '\0';
    if (store_runs(worker->store, &runs, &count, NULL))
        return;
    for (size_t i = 0; i < count; i++)
        if (runs[i].id == run)
            snprintf(worker->method, sizeof worker->method, "%s", runs[i].method);
    store_runs_free(runs, count);
}

static int use_routers(struct worker *worker, int64_t id, struct error *error) {
    struct store_routers routers = {0};
    if (worker->routers == id)
        return 0;
    worker->routers = 0;
    if (store_routers_get(worker->store, id, &routers, error))
        return -1;
    if (evaluator_use_routers(worker->evaluator, routers.blob, routers.size, error)) {
        store_routers_clear(&routers);
        return -1;
    }
    find_method(worker, routers.run);
    store_routers_clear(&routers);
    worker->routers = id;
    struct event event = {.kind = EVENT_MODULES,
                          .modules = evaluator_modules(worker->evaluator)};
    event.names = array_new(event.modules, sizeof *event.names);
    if (!event.names)
        return error_memory(error);
    for (size_t m = 0; m < event.modules; m++)
        snprintf(event.names[m], sizeof event.names[m], "%s",
                 evaluator_module_name(worker->evaluator, m));
    mailbox_post(worker->mailbox, &event, false);
    return 0;
}

static int post_routing(struct worker *worker, struct error *error) {
    struct event event = {.kind = EVENT_ROUTING,
                          .serial = worker->now.serial,
                          .modules = evaluator_modules(worker->evaluator)};
    size_t cells;
    if (size_multiply(event.modules, worker->recipe->task_count, &cells))
        event.weights = array_new(cells, sizeof *event.weights);
    if (!event.weights)
        return error_memory(error);
    if (evaluator_routing(worker->evaluator, worker->now.preference, event.weights,
                          error)) {
        free(event.weights);
        return -1;
    }
    mailbox_post(worker->mailbox, &event, true);
    return 0;
}

static int begin_now(struct worker *worker, struct error *error) {
    const struct worker_wish *now = &worker->now;
    return use_routers(worker, now->routers, error) || post_routing(worker, error) ||
                   (now->evaluate && evaluator_begin_preference(worker->evaluator,
                                                                now->preference, error))
               ? -1
               : 0;
}

static void begin(struct worker *worker) {
    struct error error;
    worker->evaluating = false;
    if (!worker->evaluator || !worker->now.routers)
        return;
    int result = begin_now(worker, &error);
    if (result && replace_device(worker, &error))
        result = begin_now(worker, &error);
    else if (result && !worker->evaluator)
        return; /* told already */
    if (result)
        post_text(worker, EVENT_TROUBLE, error.text);
    else
        worker->evaluating = worker->now.evaluate;
}

static struct store_solution describe(struct worker *worker, double *preference) {
    return (struct store_solution){.kind = "pwemoe",
                                   .method = worker->method,
                                   .parameters = "{}",
                                   .preference = preference,
                                   .routers = worker->routers,
                                   .label = ""};
}

/* Where evaluations take milliseconds, the hash is what a next preference would have
 * to wait for: it is computed when nothing is wanted. */
static void hash_later(struct worker *worker, int64_t solution) {
    if (worker->unhashed_count == UNHASHED_MAX) {
        worker->unhashed_count--;
        memmove(worker->unhashed, worker->unhashed + 1,
                worker->unhashed_count * sizeof *worker->unhashed);
    }
    struct unhashed *u = &worker->unhashed[worker->unhashed_count++];
    u->solution = solution;
    u->routers = worker->routers;
    memcpy(u->preference, worker->now.preference, sizeof u->preference);
}

/* The model of the last solution that waits is made again, which gives the same to the
 * bit, and its hash joins the figures in the file. */
static void hash_one(struct worker *worker) {
    struct unhashed *u = &worker->unhashed[worker->unhashed_count - 1];
    struct work work = {.stop = &worker->hurry};
    struct error error;
    char hash[SHA256_HEX];
    if (use_routers(worker, u->routers, &error) ||
        evaluator_begin_preference(worker->evaluator, u->preference, &error) ||
        evaluator_model_sha256(worker->evaluator, hash, &work, &error)) {
        if (atomic_load(&worker->hurry))
            return; /* it goes on waiting */
        worker->unhashed_count--;
        if (!replace_device(worker, &error))
            post_text(worker, EVENT_TROUBLE, error.text);
        return;
    }
    worker->unhashed_count--;
    if (store_evaluations_put(worker->store, u->solution, hash, NULL, 0, &error)) {
        error_prefix(&error, "the model's hash is not stored");
        post_text(worker, EVENT_TROUBLE, error.text);
    }
}

/* What is complete goes to the file, with the hash of the model that was scored; on a
 * device the hash follows in a pause. */
static void keep_results(struct worker *worker) {
    struct store_evaluation evaluations[STORE_TASKS_MAX];
    struct store_solution solution = describe(worker, worker->now.preference);
    struct event event = {.kind = EVENT_STORED, .serial = worker->now.serial};
    struct error error;
    char hash[SHA256_HEX] = "";
    bool later = evaluator_on_device(worker->evaluator);
    if (!worker->writes)
        return;
    evaluator_results(worker->evaluator, evaluations);
    for (size_t t = 0; t < worker->recipe->task_count; t++)
        evaluations[t].split = "test";
    if ((!later && evaluator_model_sha256(worker->evaluator, hash, NULL, &error)) ||
        store_solution_put(worker->store, &solution, &error) ||
        store_evaluations_put(worker->store, solution.id, hash, evaluations,
                              worker->recipe->task_count, &error)) {
        error_prefix(&error, "not stored");
        post_text(worker, EVENT_TROUBLE, error.text);
        return;
    }
    if (later)
        hash_later(worker, solution.id);
    mailbox_post(worker->mailbox, &event, false);
}

static void step(struct worker *worker) {
    struct event event = {.kind = EVENT_RUNNING, .serial = worker->now.serial};
    struct error error;
    evaluator_prefer(worker->evaluator, atomic_load(&worker->preferred));
    int result = evaluator_step(worker->evaluator, event.running, &error);
    if (result < 0) {
        worker->evaluating = false;
        if (replace_device(worker, &error))
            begin(worker);
        else if (worker->evaluator)
            post_text(worker, EVENT_TROUBLE, error.text);
        return;
    }
    if (result == 1) {
        /* Under --limit all that was to be seen is not yet the whole split. */
        struct store_evaluation evaluations[STORE_TASKS_MAX];
        evaluator_results(worker->evaluator, evaluations);
        for (size_t t = 0; t < worker->recipe->task_count; t++)
            event.running[t].complete = evaluations[t].complete;
    }
    /* Nor does the interval shrink towards the limit's own examples. */
    for (size_t t = 0; worker->options.limit && t < worker->recipe->task_count; t++) {
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
        worker->evaluating = false;
        keep_results(worker);
    }
    mailbox_post(worker->mailbox, &event, true);
}

/* --- export and bookmarks ------------------------------------------------------ */

static void export(struct worker *worker, struct worker_export *request) {
    struct work work = {&worker->stop_export, on_export_progress, worker};
    struct error error = {""};
    /* The evaluator has one model at a time: what was evaluated begins again. */
    bool again = worker->evaluating;
    worker->evaluating = false;
    if (!worker->evaluator) {
        error_set(&error, "nothing can be exported while checkpoints are missing");
    } else if (use_routers(worker, request->routers, &error) == 0 &&
               evaluator_begin_preference(worker->evaluator, request->preference,
                                          &error) == 0) {
        struct store_solution solution = describe(worker, request->preference);
        if (request->measured)
            memcpy(solution.model_sha256, request->model_sha256,
                   sizeof solution.model_sha256);
        if (evaluator_export(worker->evaluator, request->path, &solution,
                             request->measured ? request->figures : NULL, request->head,
                             &work, &error) == 0) {
            error.text[0] = '\0';
            if (worker->writes)
                store_log(worker->store, NULL, "explorer: exported %s", request->path);
        }
    }
    post_text(worker, EVENT_EXPORTED, error.text);
    if (*error.text)
        replace_device(worker, &error);
    if (again)
        begin(worker);
}

/* Is the bookmark still the one that was meant? */
static int check_bookmark(struct store *store, const struct bookmark_wish *wish,
                          struct error *error) {
    struct store_bookmark *bookmarks;
    size_t count;
    bool found = false;
    if (store_bookmarks(store, &bookmarks, &count, error))
        return -1;
    for (size_t i = 0; i < count; i++)
        found = found ||
                (bookmarks[i].id == wish->id && !strcmp(bookmarks[i].name, wish->name));
    store_bookmarks_free(bookmarks, count);
    return found ? 0
                 : error_set(error,
                             "bookmark %s has been changed meanwhile; B shows them",
                             wish->name);
}

static int change_bookmark(struct store *store, struct bookmark_wish *wish,
                           struct error *error) {
    struct store_bookmark bookmark = {
        .name = wish->name, .preference = wish->preference, .solution = wish->solution};
    if (wish->change == BOOKMARK_PUT)
        return store_bookmark_put(store, &bookmark, error);
    if (store_begin(store, error))
        return -1;
    if (check_bookmark(store, wish, error) ||
        (wish->change == BOOKMARK_DELETE
             ? store_bookmark_delete(store, wish->id, error)
             : store_bookmark_rename(store, wish->id, wish->to, error))) {
        store_rollback(store);
        return -1;
    }
    return store_commit(store, error);
}

static void take_bookmark(struct worker *worker, struct bookmark_wish *wish) {
    struct error error;
    char text[1100];
    if (!worker->writes) {
        post_text(worker, EVENT_TROUBLE,
                  "the file cannot be written, bookmarks stay as they are");
    } else if (change_bookmark(worker->store, wish, &error)) {
        post_text(worker, EVENT_TROUBLE, error.text);
    } else {
        snprintf(text, sizeof text, "bookmark %s %s%s", wish->name,
                 wish->change == BOOKMARK_PUT      ? "kept"
                 : wish->change == BOOKMARK_DELETE ? "deleted"
                                                   : "is now ",
                 wish->to);
        post_text(worker, EVENT_DONE, text);
    }
}

/* --- the thread ---------------------------------------------------------------- */

/* Waits for a while, with the lock; true: nobody wanted anything meanwhile. */
static bool paused(struct worker *worker) {
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
    return pthread_cond_timedwait(&worker->changed, &worker->lock, &until) == ETIMEDOUT;
}

/* One thing to do; called with the lock held, which is let go meanwhile. */
static void take_turn(struct worker *worker) {
    if (worker->bookmarks) {
        struct bookmark_wish *wish = worker->bookmarks;
        worker->bookmarks = wish->next;
        pthread_mutex_unlock(&worker->lock);
        take_bookmark(worker, wish);
        free(wish);
    } else if (worker->has_wish) {
        worker->now = worker->wish;
        worker->has_wish = false;
        pthread_mutex_unlock(&worker->lock);
        begin(worker);
    } else if (worker->has_export) {
        struct worker_export request = worker->export;
        worker->has_export = false;
        pthread_mutex_unlock(&worker->lock);
        export(worker, &request);
    } else if (worker->evaluating) {
        pthread_mutex_unlock(&worker->lock);
        step(worker);
    } else if (worker->unhashed_count && worker->evaluator && paused(worker)) {
        atomic_store(&worker->hurry, false);
        pthread_mutex_unlock(&worker->lock);
        hash_one(worker);
    } else {
        if (!worker->unhashed_count)
            pthread_cond_wait(&worker->changed, &worker->lock);
        return;
    }
    pthread_mutex_lock(&worker->lock);
}

static void *run(void *self) {
    struct worker *worker = self;
    if (open_store(worker) == 0) {
        open_evaluator(worker);
        pthread_mutex_lock(&worker->lock);
        while (!atomic_load(&worker->stop))
            take_turn(worker);
        while (worker->bookmarks) /* asked for before the end */
            take_turn(worker);
        pthread_mutex_unlock(&worker->lock);
    }
    evaluator_close(worker->evaluator);
    store_recipe_free(worker->recipe);
    store_close(worker->store);
    return NULL;
}

int worker_start(const struct worker_options *options, struct mailbox *mailbox,
                 struct worker **result, struct error *error) {
    struct worker *worker = array_new(1, sizeof *worker);
    if (!worker)
        return error_memory(error);
    worker->options = *options;
    worker->mailbox = mailbox;
    atomic_init(&worker->stop, false);
    atomic_init(&worker->stop_export, false);
    atomic_init(&worker->preferred, 0);
    atomic_init(&worker->hurry, false);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->changed, NULL);
    int failed = pthread_create(&worker->thread, NULL, run, worker);
    if (failed) {
        free(worker);
        return error_set(error, "no thread could be started: %s", strerror(failed));
    }
    *result = worker;
    return 0;
}

void worker_stop(struct worker *worker) {
    if (!worker)
        return;
    pthread_mutex_lock(&worker->lock);
    atomic_store(&worker->stop, true);
    atomic_store(&worker->stop_export, true);
    atomic_store(&worker->hurry, true);
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    while (worker->bookmarks) {
        struct bookmark_wish *next = worker->bookmarks->next;
        free(worker->bookmarks);
        worker->bookmarks = next;
    }
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}

void worker_want(struct worker *worker, const struct worker_wish *wish) {
    pthread_mutex_lock(&worker->lock);
    worker->wish = *wish;
    worker->has_wish = true;
    atomic_store(&worker->hurry, true);
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

void worker_prefer(struct worker *worker, uint64_t tasks) {
    atomic_store(&worker->preferred, tasks);
}

bool worker_export_begin(struct worker *worker, const struct worker_export *request) {
    pthread_mutex_lock(&worker->lock);
    bool free_to = !worker->has_export;
    if (free_to) {
        worker->export = *request;
        worker->has_export = true;
        atomic_store(&worker->hurry, true);
        atomic_store(&worker->stop_export, false);
        pthread_cond_signal(&worker->changed);
    }
    pthread_mutex_unlock(&worker->lock);
    return free_to;
}

void worker_export_stop(struct worker *worker) {
    atomic_store(&worker->stop_export, true);
}

static struct bookmark_wish *bookmark_wish_new(struct worker *worker,
                                               enum bookmark_change change,
                                               const char *name) {
    struct bookmark_wish *wish = array_new(1, sizeof *wish);
    if (!wish) {
        post_text(worker, EVENT_TROUBLE, "memory is out");
        return NULL;
    }
    wish->change = change;
    snprintf(wish->name, sizeof wish->name, "%s", name);
    return wish;
}

/* In the order in which they were wanted. */
static void queue_bookmark(struct worker *worker, struct bookmark_wish *wish) {
    pthread_mutex_lock(&worker->lock);
    struct bookmark_wish **end = &worker->bookmarks;
    while (*end)
        end = &(*end)->next;
    *end = wish;
    atomic_store(&worker->hurry, true);
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

void worker_bookmark(struct worker *worker, const char *name, const double *preference,
                     int64_t solution) {
    struct bookmark_wish *wish = bookmark_wish_new(worker, BOOKMARK_PUT, name);
    if (!wish)
        return;
    memcpy(wish->preference, preference, sizeof wish->preference);
    wish->solution = solution;
    queue_bookmark(worker, wish);
}

void worker_bookmark_rename(struct worker *worker, int64_t id, const char *name,
                            const char *to) {
    struct bookmark_wish *wish = bookmark_wish_new(worker, BOOKMARK_RENAME, name);
    if (!wish)
        return;
    wish->id = id;
    snprintf(wish->to, sizeof wish->to, "%s", to);
    queue_bookmark(worker, wish);
}

void worker_bookmark_delete(struct worker *worker, int64_t id, const char *name) {
    struct bookmark_wish *wish = bookmark_wish_new(worker, BOOKMARK_DELETE, name);
    if (!wish)
        return;
    wish->id = id;
    queue_bookmark(worker, wish);
}
