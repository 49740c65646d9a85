/* pwemoe paths: where models and data lie, and where they have gone. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/command.h"
#include "command/io/paths.h"
#include "eval/source_path.h"
#include "store/store.h"

struct paths_options {
    const char *from, *to;
};

static const struct option_spec options[] = {
    {.name = "from",
     .type = OPTION_TEXT,
     .value = "A",
     .help = "Change paths that are A or begin with A/",
     .offset = offsetof(struct paths_options, from)},
    {.name = "to",
     .type = OPTION_TEXT,
     .value = "B",
     .help = "With --from: the path that replaces A",
     .offset = offsetof(struct paths_options, to)},
    {0}};

struct listing {
    struct output *output;
    const char *folder;
    struct error *error;
    bool failed;
};

static void list(struct listing *l, const char *task, const char *what,
                 const char *path) {
    if (l->failed || !path || !*path) /* files of before have no unlabelled data */
        return;
    char *found = sources_path(l->folder, path);
    if (!found) {
        error_memory(l->error);
        l->failed = true;
        return;
    }
    output_row(l->output,
               (json_t *[]){task ? output_text(task) : NULL, json_string(what),
                            output_text(path),
                            json_string(path_exists(found) ? "there" : "missing")});
    free(found);
}

static int print(const struct invocation *invocation, struct store *store,
                 struct error *error) {
    static const struct output_column columns[] = {{"task", IN_ALL, 0},
                                                   {"what", IN_ALL, 0},
                                                   {"path", IN_ALL, 0},
                                                   {"state", IN_ALL, 0}};
    struct store_recipe *recipe;
    if (store_recipe(store, &recipe, error))
        return -1;
    char *folder = store_folder(store_path(store));
    struct listing l = {.folder = folder, .error = error};
    l.output = folder ? output_new((enum output_format)invocation->common->format,
                                   false, columns, 4, error)
                      : NULL;
    if (!folder)
        error_memory(error);
    l.failed = !l.output;
    list(&l, NULL, "pretrained", recipe->pretrained.path);
    for (size_t t = 0; t < recipe->task_count; t++) {
        const struct store_task *task = &recipe->tasks[t];
        list(&l, task->name, "expert", task->expert.path);
        list(&l, task->name, "train", task->train_path);
        list(&l, task->name, "test", task->test_path);
        list(&l, task->name, "unlabelled", task->unlabelled_path);
        if (!task_is_zero_shot(task))
            list(&l, task->name, "head", task->head);
        list(&l, task->name, "classnames", task->classnames_path);
        list(&l, task->name, "templates", task->templates_path);
    }
    int result = -1;
    if (l.failed)
        output_free(l.output);
    else
        result = output_end(l.output, error);
    free(folder);
    store_recipe_free(recipe);
    return result;
}

static int change(const struct invocation *invocation, struct store *store,
                  struct error *error) {
    const struct paths_options *o = invocation->options;
    size_t changed;
    if (store_move_paths(store, o->from, o->to, &changed, error))
        return -1;
    if (changed == 0)
        return error_set(error,
                         "%s: no path is %s or is below it; pwemoe paths %s lists them",
                         store_path(store), o->from, store_path(store));
    command_log(invocation, store, "paths from %s to %s: %zu", o->from, o->to, changed);
    return 0;
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const struct paths_options *o = invocation->options;
    bool moves = o->from || o->to;
    if (moves && !(o->from && o->to)) {
        error_set(error, "give both --from and --to");
        return EXIT_USAGE;
    }
    struct store *store;
    if (store_open(invocation->operands[0], moves ? STORE_READ_WRITE : STORE_READ_ONLY,
                   &store, error))
        return EXIT_FAILED;
    int failed =
        (moves && change(invocation, store, error)) || print(invocation, store, error);
    store_close(store);
    return failed ? EXIT_FAILED : EXIT_DONE;
}

const struct command command_paths = {
    .name = "paths",
    .usage = "FILE [--from A --to B]",
    .summary = "Show or change where models and data are",
    .text = "Prints the path of every model and every data file of FILE, relative to "
            "the file's folder or absolute, and whether it exists. With --from and "
            "--to, A at the beginning of paths is replaced by B, for files that were "
            "moved. Nothing is measured again: fingerprints tell whether models and "
            "data are still the same.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_USUAL | TAKES_FORMAT,
    .options = options,
    .options_size = sizeof(struct paths_options),
    .run = run,
};
