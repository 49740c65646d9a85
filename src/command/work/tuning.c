#include "command/work/tuning.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "command/io/paths.h"
#include "eval/provenance.h"
#include "eval/sources.h"
#include "eval/task_heads.h"
#include "model/saving.h"

/* --- where it is written ---------------------------------------------------------- */

/* A place that cannot be written is found out before the training. */
static int check_parent(const char *path, struct error *error) {
    char *parent = path_folder(path);
    if (!parent)
        return error_memory(error);
    int result = access(parent, W_OK | X_OK);
    if (result)
        error_set(error, "%s: cannot be created: %s: %s", path, parent,
                  strerror(errno));
    free(parent);
    return result;
}

/* The directory where --out does not say; its folder is made. */
static char *usual_out(const struct finetune_session *t, const char *folder,
                       const char *name, struct error *error) {
    char *out = NULL, *parent = path_join(t->training.folder, folder);
    if (parent && mkdir(parent, 0777) && errno != EEXIST)
        error_set(error, "%s: %s", parent, strerror(errno));
    else if (!parent || !(out = path_join(parent, name)))
        error_memory(error);
    free(parent);
    return out;
}

int tuning_place(struct finetune_session *t, const char *folder, const char *name,
                 struct error *error) {
    if (!t->out && t->asked_out && !(t->out = strdup(t->asked_out)))
        return error_memory(error);
    if (!t->out && !(t->out = usual_out(t, folder, name, error)))
        return -1;
    t->training.state = text_format("%s.state", t->out);
    if (!t->training.state)
        return error_memory(error);
    if (path_exists(t->out) && !path_empty_folder(t->out))
        return error_set(error, "%s exists already; remove it or choose another --out",
                         t->out);
    return check_parent(t->out, error);
}

/* --- models and data ------------------------------------------------------------ */

/* Where a head starts: the recipe's, else (for several tasks) the expert's own,
 * else a new one. Only given heads are not trained. */
static int load_head(struct finetune_session *t, size_t index, struct error *error) {
    const struct store_task *task =
        &t->training.recipe->tasks[t->training.first + index];
    size_t features = model_config_features(&t->layout->config);
    struct head *head = &t->heads[index];
    size_t classes = t->training.train[index]->classes;
    int result;
    bool given = *task->head != '\0',
         expert = t->training.tasks > 1 && *task->expert.path;
    if (index > 0 && given == t->how.train_heads)
        return error_set(error,
                         "task '%s': either every task has a head in the recipe "
                         "or none has",
                         task->name);
    t->how.train_heads = !given;
    if (!given && !expert)
        return finetuning_new_head(&t->layout->config, classes, t->how.seed, head,
                                   error);
    char *path =
        sources_path(t->training.folder, given ? task->head : task->expert.path);
    struct model_directory *directory = NULL;
    if (task_is_zero_shot(task))
        result = 0; /* made already */
    else if (!path)
        result = error_memory(error);
    else if (given)
        result = head_from_file(path, features, head, error);
    else
        result = model_directory_open_expert(path, model_directory_path(t->pretrained),
                                             &directory, error) ||
                         head_from_directory(directory, features, head, error)
                     ? -1
                     : 0;
    model_directory_close(directory);
    free(path);
    if (result)
        return -1;
    if (head->classes < classes)
        return error_set(error,
                         "task '%s': its train data have %zu classes, its head "
                         "has %zu",
                         task->name, classes, head->classes);
    return 0;
}

static int load_model(struct finetune_session *t, struct error *error) {
    char *path = sources_path(t->training.folder, t->training.recipe->pretrained.path);
    if (!path)
        return error_memory(error);
    struct model_config config;
    int result =
        model_directory_open(path, &t->pretrained, error) ||
        model_config_read(model_directory_config(t->pretrained),
                          *t->training.recipe->model ? t->training.recipe->model : NULL,
                          path, &config, error);
    config.both_towers = false; /* images train the vision tower alone */
    if (result == 0)
        result = layout_new(&config, t->pretrained, &t->layout, error) ||
                 example_form_read(t->pretrained, &config, &t->form, error);
    free(path);
    if (result)
        return -1;
    t->weights = array_new(t->layout->size, sizeof *t->weights);
    if (!t->weights)
        return error_memory(error);
    return layout_load(t->layout, t->pretrained, NULL, t->weights, error);
}

int tuning_load(struct finetune_session *t, struct error *error) {
    struct training *g = &t->training;
    t->heads = array_new(g->tasks, sizeof *t->heads);
    if (!t->heads)
        return error_memory(error);
    if (load_model(t, error) || training_device(g, error) ||
        task_heads_make(g->recipe, g->folder, g->backend, g->first, g->tasks, t->heads,
                        g->invocation->work, error) ||
        training_data(g, &t->form, true, error))
        return -1;
    for (size_t i = 0; i < g->tasks; i++)
        if (load_head(t, i, error))
            return -1;
    struct finetuning_task_set set = {.tasks = g->tasks,
                                      .train = (const struct dataset *const *)g->train,
                                      .heads = t->heads,
                                      .preference = t->preference};
    if (finetuning_new(g->backend, t->layout, &t->form.preprocess, t->weights, &set,
                       &t->how, &t->finetuning, error))
        return -1;
    return training_start(g, finetuning_trainer(t->finetuning), error);
}

/* --- what is written -------------------------------------------------------------- */

/* One task: the head becomes the classifier. Several: heads/TASK.safetensors. */
static int write_directory(struct finetune_session *t, struct head *heads,
                           struct export_file *files, struct error *error) {
    bool one = t->training.tasks == 1 && t->how.train_heads;
    struct saving saving = {.layout = t->layout,
                            .pretrained = t->pretrained,
                            .weights = t->weights,
                            .head = one ? &heads[0] : NULL,
                            .labels = one ? t->training.train[0]->class_names : NULL};
    if (t->training.tasks > 1) {
        saving.files = files;
        saving.file_count = t->training.tasks;
        for (size_t i = 0; i < t->training.tasks; i++) {
            void *bytes;
            files[i].name =
                provenance_head_name(t->training.recipe, t->training.first + i);
            if (!files[i].name)
                return error_memory(error);
            if (head_to_memory(&heads[i], &bytes, &files[i].size, error))
                return -1;
            files[i].bytes = bytes;
        }
    }
    return saving_write(t->out, &saving, t->training.invocation->work, error);
}

int tuning_write(struct finetune_session *t, struct error *error) {
    struct head *heads = array_new(t->training.tasks, sizeof *heads);
    struct export_file *files = array_new(t->training.tasks, sizeof *files);
    int result = heads && files ? 0 : error_memory(error);
    if (result == 0)
        result = finetuning_weights(t->finetuning, t->weights, error);
    for (size_t i = 0; result == 0 && t->how.train_heads && i < t->training.tasks; i++)
        result = finetuning_head(t->finetuning, i, &heads[i], error);
    if (result == 0)
        result =
            write_directory(t, t->how.train_heads ? heads : t->heads, files, error);
    for (size_t i = 0; i < t->training.tasks; i++) {
        if (heads)
            head_clear(&heads[i]);
        if (files) {
            free((char *)(uintptr_t)files[i].name);
            free((void *)(uintptr_t)files[i].bytes);
        }
    }
    free(heads);
    free(files);
    return result ? -1 : training_finish(&t->training, error);
}

void tuning_end(struct finetune_session *t) {
    for (size_t i = 0; t->heads && i < t->training.tasks; i++)
        head_clear(&t->heads[i]);
    free(t->heads);
    free(t->weights);
    training_close(&t->training);
    example_form_clear(&t->form);
    layout_free(t->layout);
    model_directory_close(t->pretrained);
    free(t->out);
}
