/* The evaluation thread's store and evaluator: opened, or why that cannot be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "eval/data_watch.h"
#include "threads/evaluation_state.h"

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
    evaluation_post(evaluation, EVENT_LOOK_ONLY, text);
    return false;
}

int evaluation_open_store(struct evaluation *evaluation) {
    struct error error;
    evaluation->writes = true;
    if (store_open(evaluation->options.path, STORE_READ_WRITE, &evaluation->store,
                   &error)) {
        evaluation->writes = false;
        char text[1200];
        snprintf(text, sizeof text, "nothing new will be stored: %s", error.text);
        evaluation_post(evaluation, EVENT_TROUBLE, text);
        if (store_open(evaluation->options.path, STORE_READ_ONLY, &evaluation->store,
                       &error)) {
            evaluation_post(evaluation, EVENT_LOOK_ONLY, error.text);
            return -1;
        }
    }
    struct store_visits_seen *visits = &evaluation->changed_file.visits;
    if (store_recipe(evaluation->store, &evaluation->recipe, &error) ||
        store_visits(evaluation->store, &visits->file, &error)) {
        evaluation_post(evaluation, EVENT_LOOK_ONLY, error.text);
        return -1;
    }
    return 0;
}

/* One line on a device that cannot be used, or no longer: on the screen and in the
 * file's log. */
static void tell_device(struct evaluation *evaluation, const char *text) {
    evaluation_post(evaluation, EVENT_TROUBLE, text);
    if (evaluation->writes)
        store_log(evaluation->store, NULL, "explorer: %s", text);
}

/* The evaluator on the device that was asked for, or on the CPU where that has one
 * that cannot be used. */
static int open_somewhere(struct evaluation *evaluation, const char *directory,
                          struct error *error) {
    char note[256] = "", text[1200];
    struct work work = {&evaluation->stop, evaluation_progress, evaluation};
    struct evaluator_options options = {
        .device = evaluation->options.device,
        .precision = (enum precision)evaluation->options.precision,
        .threads = evaluation->options.threads,
        .limit = evaluation->options.limit,
        .split = "test",
        .store = evaluation->writes ? evaluation->store : NULL,
        .allow_commands = evaluation->options.allow_commands,
        .jobs = evaluation->options.jobs,
        .job_devices = evaluation->options.job_devices,
        .spill = evaluation->options.spill};
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
        options.precision = evaluation->options.precision = PRECISION_AUTO;
        result = evaluator_open(evaluation->recipe, directory, &options, evaluator,
                                note, &work, error);
        snprintf(text, sizeof text, "%s; the CPU is used", TEXT_CUT(why.text, 800));
        if (result == 0)
            tell_device(evaluation, text);
    } else if (*note) {
        tell_device(evaluation, note);
    }
    if (result)
        *evaluator = NULL;
    return result;
}

void evaluation_open_evaluator(struct evaluation *evaluation) {
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
            evaluation_post(evaluation, EVENT_LOOK_ONLY, text);
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

bool evaluation_replace_device(struct evaluation *evaluation, const struct error *why) {
    char text[1200];
    if (!evaluation->evaluator || !evaluator_lost(evaluation->evaluator))
        return false;
    evaluator_close(evaluation->evaluator);
    evaluation->routers = 0;
    evaluation->evaluating = false;
    evaluation->unhashed_count = 0; /* the CPU's models differ in their last bits */
    evaluation->options.device = "cpu";
    evaluation->options.precision = PRECISION_AUTO;
    snprintf(text, sizeof text, "%s; the CPU is used from now on",
             TEXT_CUT(why->text, 800));
    tell_device(evaluation, text);
    evaluation_open_evaluator(evaluation);
    return evaluation->evaluator != NULL;
}
