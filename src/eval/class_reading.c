/* What names the classes of a task: the expert, the recipe, the data. */
#include "eval/class_reading.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "checkpoint/directory.h"
#include "data/folder.h"
#include "data/idx.h"
#include "data/tsv.h"
#include "eval/source_path.h"
#include "model/config.h"

void reading_say(const struct reading *r, const char *format, ...) {
    if (!r->remarks)
        return;
    struct error line; /* for its escaping */
    char text[sizeof line.text];
    va_list arguments;
    va_start(arguments, format);
    text_print(text, sizeof text, format, arguments);
    va_end(arguments);
    error_set(&line, "%s", text);
    r->remarks->say(r->remarks->self, line.text);
}

/* The names in id2label of a config.json, in their order; *count 0 where it has none,
 * or only LABEL_0, LABEL_1, ... where is for errors. Freed with class_names_release. */
static int config_labels(const json_t *config, const char *where, char ***names,
                         size_t *count, struct error *error) {
    const json_t *map = json_object_get(config, "id2label");
    size_t size = json_object_size(map), filled = 0;
    bool generic = true;
    *names = NULL;
    *count = 0;
    if (size == 0)
        return 0;
    char **found = array_new(size, sizeof *found);
    if (!found)
        return error_memory(error);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)map, key, value) {
        size_t number = class_number(key);
        char digits[24];
        const char *text = json_string_value(value);
        if (json_is_integer(value)) {
            snprintf(digits, sizeof digits, "%lld",
                     (long long)json_integer_value(value));
            text = digits;
        }
        if (number >= size || found[number] || !text || !*text ||
            !(found[number] = strdup(text)))
            break;
        char plain[40];
        snprintf(plain, sizeof plain, "LABEL_%zu", number);
        generic = generic && (strcmp(text, plain) == 0 || strcmp(text, plain + 6) == 0);
        filled++;
    }
    if (filled < size || generic) {
        class_names_release(found, size);
        if (filled == size)
            return 0;
        return error_set(
            error,
            "%s: config.json: id2label is not a list of %zu names, from 0 to %zu",
            where, size, size - 1);
    }
    *names = found;
    *count = size;
    return 0;
}

static int read_head(struct reading *r, const struct store_recipe *recipe,
                     const struct store_task *task, const char *directory,
                     struct error *error) {
    if (*task->head || !*task->expert.path)
        return 0;
    struct model_directory *expert;
    r->head_path = sources_path(directory, task->expert.path);
    if (!r->head_path)
        return error_memory(error);
    if (sources_open_expert(recipe, directory, r->head_path, &expert, error))
        return -1;
    const struct tensor *weight = model_directory_find(expert, "classifier.weight");
    if (!weight)
        weight = model_directory_find(expert, "score.weight");
    int result = config_labels(model_directory_config(expert), r->head_path,
                               &r->head.at, &r->head.count, error);
    if (weight && weight->rank == 2)
        r->outputs = (size_t)weight->shape[0];
    model_directory_close(expert);
    if (result == 0 && r->outputs && r->head.count && r->head.count != r->outputs)
        result =
            error_set(error,
                      "%s: id2label of its config.json names %zu classes, its head "
                      "has %zu",
                      r->head_path, r->head.count, r->outputs);
    return result;
}

/* The ending of a file of a kind that is not read, or NULL. */
static const char *foreign_kind(const char *path) {
    static const char *const endings[] = {".parquet", ".arrow", ".npz", ".npy", ".h5",
                                          ".hdf5",    ".zip",   ".tar", ".tgz", ".csv",
                                          ".jsonl",   ".pt",    ".pkl", ".json"};
    size_t length = strlen(path);
    if (length > 7 && strcmp(path + length - 7, ".tar.gz") == 0)
        return ".tar.gz";
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t tail = strlen(endings[i]);
        if (length > tail && strcmp(path + length - tail, endings[i]) == 0)
            return endings[i];
    }
    return NULL;
}

static int read_idx_labels(struct labels *labels, struct error *error) {
    uint8_t *values;
    size_t count;
    const char *foreign = foreign_kind(labels->path);
    if (foreign)
        return error_set(error,
                         "%s: %s files are not read; give a folder with a folder of "
                         "images for each class, or an idx images file",
                         labels->path, foreign);
    char *beside = idx_labels_path(labels->path, error);
    if (!beside)
        return -1;
    int result = idx_labels_read(beside, &values, &count, error);
    free(beside);
    if (result)
        return -1;
    for (size_t i = 0; i < count; i++)
        labels->most = values[i] > labels->most ? values[i] : labels->most;
    labels->numbers = true;
    free(values);
    return 0;
}

/* Of a table that is read as it stands; whoever wrote it may have meant CSV. */
static void remark_quotes(const struct reading *r, const char *path,
                          const struct tsv *tsv) {
    if (tsv->in_quotes * 100 > tsv->count)
        reading_say(r,
                    "%s: %zu of its %zu rows have a text in double quotes, and the "
                    "quotes are read as part of the text; write `quoting: csv` in the "
                    "recipe to remove them",
                    path, tsv->in_quotes, tsv->count);
}

static int read_table(const struct reading *r, struct labels *labels,
                      const struct data_form *form, struct error *error) {
    struct names *names = &labels->names;
    struct tsv tsv;
    const char *foreign = foreign_kind(labels->path);
    if (foreign && strcmp(foreign, ".csv") != 0 && strcmp(foreign, ".jsonl") != 0)
        return error_set(
            error, "%s: %s files are not read; give a table: .tsv, .csv or .jsonl",
            labels->path, foreign);
    if (tsv_read(labels->path, form, &tsv, error))
        return -1;
    int result = tsv_label_names(&tsv, labels->path, &names->at, &names->count, error);
    if (result == 0)
        remark_quotes(r, labels->path, &tsv);
    tsv_free(&tsv);
    return result;
}

static int read_labels(const struct reading *r, struct labels *labels, bool table,
                       const struct data_form *form, struct error *error) {
    struct stat about;
    struct names *names = &labels->names;
    int result = 0;
    labels->folders = stat(labels->path, &about) == 0 && S_ISDIR(about.st_mode);
    if (table) {
        result = read_table(r, labels, form, error);
    } else if (labels->folders) {
        result = class_folder_names(labels->path, form->nested, &names->at,
                                    &names->count, error);
    } else {
        return read_idx_labels(labels, error);
    }
    if (result)
        return -1;
    labels->numbers = class_numbers(names->at, names->count);
    for (size_t i = 0; labels->numbers && i < names->count; i++)
        if (class_number(names->at[i]) > labels->most)
            labels->most = class_number(names->at[i]);
    return 0;
}

int reading_open(struct reading *r, const struct store_recipe *recipe, size_t t,
                 const char *directory, struct error *error) {
    const struct store_task *task = &recipe->tasks[t];
    const char *paths[2] = {task->train_path, task->test_path};
    bool table = model_kind_is(recipe->model, MODEL_GPT2);
    struct data_form form = task_form(task);
    r->zero_shot = task_is_zero_shot(task);
    r->splits[0].split = "train";
    r->splits[1].split = "test";
    for (size_t i = 0; i < 2; i++) {
        if (!*paths[i])
            continue;
        r->splits[i].path = sources_path(directory, paths[i]);
        if (!r->splits[i].path)
            return error_memory(error);
        if (read_labels(r, &r->splits[i], table, &form, error))
            return -1;
    }
    if (*task->classnames_path) {
        r->lines_path = sources_path(directory, task->classnames_path);
        if (!r->lines_path)
            return error_memory(error);
        if (class_lines_read(r->lines_path, &r->lines, error))
            return -1;
    }
    return read_head(r, recipe, task, directory, error);
}

void reading_close(struct reading *r) {
    names_release(&r->head);
    class_lines_clear(&r->lines);
    for (size_t i = 0; i < 2; i++) {
        names_release(&r->splits[i].names);
        free(r->splits[i].path);
    }
    free(r->head_path);
    free(r->lines_path);
}
