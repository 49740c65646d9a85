/* The recipe: models, tasks, objectives, the hypervolume's reference point. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/create.h"
#include "store/sql.h"

bool store_objective_percent(const struct store_objective *objective) {
    return strcmp(objective->unit, "%") == 0;
}

bool store_objective_alike(const struct store_objective *a,
                           const struct store_objective *b) {
    return a->maximise == b->maximise && strcmp(a->unit, b->unit) == 0 &&
           strcmp(a->metric, b->metric) == 0;
}

bool store_recipe_averages(const struct store_recipe *recipe) {
    const struct store_objective *first = &recipe->tasks[0].objective;
    for (size_t t = 1; t < recipe->task_count; t++) {
        const struct store_objective *other = &recipe->tasks[t].objective;
        if (other->maximise != first->maximise || strcmp(other->unit, first->unit) != 0)
            return false;
    }
    return true;
}

bool store_split_trains(const char *split) {
    return strcmp(split, "train") == 0;
}

const char *store_task_data(const struct store_task *task, const char *split) {
    return store_split_trains(split) ? task->train_path : task->test_path;
}

bool store_model_classifies(const char *model) {
    return strncmp(model, "clip", 4) != 0;
}

static int check_checkpoint(const struct store_checkpoint *checkpoint, const char *what,
                            struct error *error) {
    size_t length = strnlen(checkpoint->sha256, SHA256_HEX);
    if (checkpoint->size > INT64_MAX)
        return error_set(error, "%s: its size, %llu bytes, is out of range", what,
                         checkpoint->size);
    if (length != 0 && (length != SHA256_HEX - 1 ||
                        strspn(checkpoint->sha256, "0123456789abcdef") != length))
        return error_set(error, "%s: its sha256 is not 64 hexadecimal digits", what);
    return 0;
}

int store_stamp_put(struct store *store, const struct store_checkpoint *checkpoint,
                    struct error *error) {
    if (!*checkpoint->stamp || !*checkpoint->sha256 ||
        !*(checkpoint->path ? checkpoint->path : ""))
        return 0;
    return sql_write(store, error,
                     "INSERT INTO stamp VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                     " sha256 = excluded.sha256, stamp = excluded.stamp,"
                     " since = excluded.since",
                     "tttd", checkpoint->path, checkpoint->sha256, checkpoint->stamp,
                     sql_now());
}

static int put_task(struct store *store, size_t position, const struct store_task *task,
                    double now, struct error *error) {
    const struct store_objective *objective = &task->objective;
    int64_t at = (int64_t)position;
    if (!task->name || !*task->name)
        return error_set(error, "task %zu has no name", position);
    if (!isfinite(objective->reference))
        return error_set(error, "task %s: the reference point is not a number",
                         task->name);
    if (check_checkpoint(&task->expert, task->name, error))
        return -1;
    if (sql_write(store, error, "INSERT INTO task VALUES (?, ?, ?, ?, ?, ?, ?)",
                  "itttttt", at, task->name, task->train_path, task->test_path,
                  task->head, task->classnames_path, task->templates_path))
        return error_prefix(error, "task %s", task->name);
    if (sql_write(store, error,
                  "INSERT INTO expert (task, path, size, sha256, since)"
                  " VALUES (?, ?, ?, ?, ?)",
                  "ititd", at, task->expert.path, (int64_t)task->expert.size,
                  task->expert.sha256, now) ||
        store_stamp_put(store, &task->expert, error))
        return -1;
    if ((task->text || task->pair || task->label || task->quoting || task->classes) &&
        sql_write(store, error, "INSERT INTO reading VALUES (?, ?, ?, ?, ?, ?)",
                  "ittttt", at, task->text, task->pair, task->label, task->quoting,
                  task->classes))
        return error_prefix(error, "task %s", task->name);
    if (task->unlabelled_path && *task->unlabelled_path &&
        sql_write(store, error, "INSERT INTO unlabelled VALUES (?, ?)", "it", at,
                  task->unlabelled_path))
        return error_prefix(error, "task %s", task->name);
    bool named = objective->name && *objective->name;
    if (sql_write(store, error, "INSERT INTO objective VALUES (?, ?, ?, ?, ?)", "itttb",
                  at, named ? objective->name : task->name, objective->metric,
                  objective->unit, (int)objective->maximise))
        return -1;
    return sql_write(store, error, "INSERT INTO reference VALUES (1, ?, ?, ?)", "idd",
                     at, objective->reference, now);
}

int create_recipe(struct store *store, const struct store_recipe *recipe,
                  struct error *error) {
    double now = sql_now();
    if (recipe->task_count < 1 || recipe->task_count > STORE_TASKS_MAX)
        return error_set(error, "%s: %zu tasks; there must be 1 to %d", store->path,
                         recipe->task_count, STORE_TASKS_MAX);
    if (check_checkpoint(&recipe->pretrained, "pretrained", error))
        return -1;
    if (sql_write(store, error, "INSERT INTO recipe VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
                  "ttttitd", recipe->name, recipe->model, recipe->text,
                  recipe->pretrained.path, (int64_t)recipe->pretrained.size,
                  recipe->pretrained.sha256, now) ||
        store_stamp_put(store, &recipe->pretrained, error))
        return -1;
    for (size_t t = 0; t < recipe->task_count; t++)
        if (put_task(store, t, &recipe->tasks[t], now, error))
            return -1;
    store->tasks = recipe->task_count;
    return 0;
}

void store_recipe_free(struct store_recipe *recipe) {
    if (!recipe)
        return;
    for (size_t t = 0; t < recipe->task_count; t++) {
        struct store_task *task = &recipe->tasks[t];
        free(task->name);
        free(task->expert.path);
        free(task->train_path);
        free(task->test_path);
        free(task->unlabelled_path);
        free(task->head);
        free(task->classnames_path);
        free(task->templates_path);
        free(task->text);
        free(task->pair);
        free(task->label);
        free(task->quoting);
        free(task->classes);
        free(task->objective.name);
        free(task->objective.metric);
        free(task->objective.unit);
    }
    free(recipe->tasks);
    free(recipe->name);
    free(recipe->model);
    free(recipe->pretrained.path);
    free(recipe->text);
    free(recipe);
}

int store_task_find(const struct store_recipe *recipe, const char *name, size_t *task,
                    struct error *error) {
    const char *names[STORE_TASKS_MAX];
    for (size_t t = 0; t < recipe->task_count; t++) {
        names[t] = recipe->tasks[t].name;
        if (strcmp(names[t], name) == 0) {
            *task = t;
            return 0;
        }
    }
    const char *nearest = text_nearest(name, names, recipe->task_count);
    if (nearest)
        return error_set(error, "no task '%s'; did you mean '%s'?", name, nearest);
    return error_set(error, "no task '%s'; `pwemoe show FILE objectives` lists them",
                     name);
}

static void read_checkpoint(struct sql_row *row, int column,
                            struct store_checkpoint *checkpoint) {
    checkpoint->path = sql_text(row, column);
    checkpoint->size = (unsigned long long)sql_integer(row, column + 1, 0, INT64_MAX);
    sql_sha256(row, column + 2, checkpoint->sha256);
}

static void read_recipe(struct sql_row *row, void *to) {
    struct store_recipe *recipe = to;
    recipe->name = sql_text(row, 0);
    recipe->model = sql_text(row, 1);
    recipe->text = sql_text(row, 2);
    read_checkpoint(row, 3, &recipe->pretrained);
}

static int read_head(struct store *store, struct store_recipe *recipe,
                     struct error *error) {
    int result = sql_one(store, error, "its recipe", read_recipe, recipe,
                         "SELECT name, model, text, pretrained_path, pretrained_size,"
                         " pretrained_sha256 FROM recipe",
                         "");
    if (result == 0)
        result = sql_corrupt(store, error, "its recipe is missing");
    return result < 0 ? -1 : 0;
}

struct tasks { /* of a recipe, as they are read */
    struct store_recipe *recipe;
    size_t count;
};

static void read_task(struct sql_row *row, void *to) {
    struct tasks *tasks = to;
    size_t position = tasks->count++;
    if (position == tasks->recipe->task_count) {
        sql_row_corrupt(row, "its recipe is incomplete");
        return;
    }
    struct store_task *task = &tasks->recipe->tasks[position];
    struct store_objective *objective = &task->objective;
    sql_integer(row, 0, (int64_t)position, (int64_t)position);
    task->name = sql_text(row, 1);
    task->train_path = sql_text(row, 2);
    task->test_path = sql_text(row, 3);
    task->head = sql_text(row, 4);
    task->classnames_path = sql_text(row, 5);
    task->templates_path = sql_text(row, 6);
    read_checkpoint(row, 7, &task->expert);
    objective->name = sql_text(row, 10);
    objective->metric = sql_text(row, 11);
    objective->unit = sql_text(row, 12);
    objective->maximise = sql_boolean(row, 13);
    objective->reference = sql_real(row, 14);
}

static void read_reading(struct sql_row *row, void *to) {
    struct store_recipe *recipe = to;
    size_t task = (size_t)sql_integer(row, 0, 0, (int64_t)recipe->task_count - 1);
    struct store_task *t = &recipe->tasks[task];
    t->text = sql_text(row, 1);
    t->pair = sql_text(row, 2);
    t->label = sql_text(row, 3);
    t->quoting = sql_text(row, 4);
    t->classes = sql_text(row, 5);
}

/* Files of older formats have no such table. */
static int read_readings(struct store *store, struct store_recipe *recipe,
                         struct error *error) {
    int there = sql_has_table(store, "reading", error);
    if (there < 1)
        return there;
    return sql_all(store, error, "how a task is read", read_reading, recipe,
                   "SELECT task, text, pair, label, quoting, classes FROM reading", "");
}

static void read_stamp(struct sql_row *row, void *to) {
    struct store_recipe *recipe = to;
    char sha256[SHA256_HEX], stamp[SHA256_HEX];
    size_t length;
    const char *path = sql_text_here(row, 0, &length);
    sql_sha256(row, 1, sha256);
    sql_sha256(row, 2, stamp);
    for (size_t t = 0; !row->failed && t <= recipe->task_count; t++) {
        struct store_checkpoint *checkpoint =
            t < recipe->task_count ? &recipe->tasks[t].expert : &recipe->pretrained;
        if (*sha256 && strcmp(checkpoint->path, path) == 0 &&
            strcmp(checkpoint->sha256, sha256) == 0)
            memcpy(checkpoint->stamp, stamp, sizeof stamp);
    }
}

/* Files of older formats have no such table. */
static int read_stamps(struct store *store, struct store_recipe *recipe,
                       struct error *error) {
    int there = sql_has_table(store, "stamp", error);
    return there < 1 ? there
                     : sql_all(store, error, "a stamp", read_stamp, recipe,
                               "SELECT path, sha256, stamp FROM stamp", "");
}

static void read_unlabelled(struct sql_row *row, void *to) {
    struct store_recipe *recipe = to;
    size_t task = (size_t)sql_integer(row, 0, 0, (int64_t)recipe->task_count - 1);
    recipe->tasks[task].unlabelled_path = sql_text(row, 1);
}

static int read_unlabelled_paths(struct store *store, struct store_recipe *recipe,
                                 struct error *error) {
    int there = sql_has_table(store, "unlabelled", error);
    return there < 1 ? there
                     : sql_all(store, error, "a task's examples", read_unlabelled,
                               recipe, "SELECT task, path FROM unlabelled", "");
}

static int read_tasks(struct store *store, struct store_recipe *recipe,
                      struct error *error) {
    struct tasks tasks = {.recipe = recipe};
    if (sql_all(store, error, "a task", read_task, &tasks,
                "SELECT t.position, t.name, t.train_path, t.test_path, t.head,"
                "  t.classnames_path, t.templates_path, e.path, e.size, e.sha256,"
                "  o.name, o.metric, o.unit, o.maximise, r.value"
                " FROM task t LEFT JOIN objective o ON o.position = t.position"
                " LEFT JOIN expert e"
                "  ON e.id = (SELECT max(id) FROM expert WHERE task = t.position)"
                " LEFT JOIN reference r ON r.objective = t.position"
                "  AND r.change = (SELECT max(change) FROM reference)"
                " ORDER BY t.position",
                ""))
        return -1;
    return tasks.count == recipe->task_count
               ? 0
               : sql_corrupt(store, error, "its recipe is incomplete");
}

int store_recipe(struct store *store, struct store_recipe **result,
                 struct error *error) {
    *result = NULL;
    struct store_recipe *recipe = array_new(1, sizeof *recipe);
    if (!recipe || !(recipe->tasks = array_new(store->tasks, sizeof *recipe->tasks))) {
        free(recipe);
        return error_memory(error);
    }
    recipe->task_count = store->tasks;
    int failed = sql_read_begin(store, error);
    if (!failed) {
        failed = read_head(store, recipe, error) || read_tasks(store, recipe, error) ||
                 read_readings(store, recipe, error) ||
                 read_stamps(store, recipe, error) ||
                 read_unlabelled_paths(store, recipe, error);
        sql_read_end(store);
    }
    if (failed) {
        store_recipe_free(recipe);
        return -1;
    }
    *result = recipe;
    return 0;
}

/* --- changes ---------------------------------------------------------------- */

static void read_sha256(struct sql_row *row, void *to) {
    sql_sha256(row, 0, to);
}

static int set_expert(struct store *store, size_t task,
                      const struct store_checkpoint *expert, struct error *error) {
    int64_t at = (int64_t)task;
    char before[SHA256_HEX] = "";
    if (sql_one(store, error, "an expert", read_sha256, before,
                "SELECT sha256 FROM expert WHERE task = ? ORDER BY id DESC LIMIT 1",
                "i", at) < 0)
        return -1;
    bool same = *before && strcmp(before, expert->sha256) == 0;
    if (sql_write(store, error,
                  "INSERT INTO expert (task, path, size, sha256, since)"
                  " VALUES (?, ?, ?, ?, ?)",
                  "ititd", at, expert->path, (int64_t)expert->size, expert->sha256,
                  sql_now()) ||
        store_stamp_put(store, expert, error))
        return -1;
    if (same)
        return 0;
    return sql_write(store, error,
                     "UPDATE evaluation SET stale = 1 WHERE solution IN"
                     "  (SELECT id FROM solution WHERE kind IN ('pwemoe', 'merge'))"
                     " OR objective = ? AND solution IN"
                     "  (SELECT id FROM solution WHERE kind IN ('single', 'train'))",
                     "i", at);
}

int store_set_expert(struct store *store, size_t task,
                     const struct store_checkpoint *expert, struct error *error) {
    if (task >= store->tasks)
        return error_set(error, "%s: there is no task %zu; it has %zu", store->path,
                         task, store->tasks);
    if (check_checkpoint(expert, "expert", error) || sql_write_begin(store, error))
        return -1;
    return sql_write_end(store, set_expert(store, task, expert, error), error);
}

void store_references_free(struct store_reference *references, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(references[i].values);
    free(references);
}

struct references {
    struct store_reference *items;
    size_t count, capacity;
    size_t next; /* objective, of the last of them */
};

/* Every change holds all objectives, so these come as 0..T-1 again and again. */
static void read_reference(struct sql_row *row, void *to) {
    struct references *r = to;
    size_t tasks = row->store->tasks;
    if (r->next == 0) {
        if (array_reserve((void **)&r->items, &r->capacity, r->count + 1,
                          sizeof *r->items)) {
            sql_row_memory(row);
            return;
        }
        r->items[r->count++].values = array_new(tasks, sizeof(double));
    }
    struct store_reference *reference = &r->items[r->count - 1];
    if (!reference->values) {
        sql_row_memory(row);
        return;
    }
    sql_integer(row, 0, (int64_t)r->count, (int64_t)r->count);
    sql_integer(row, 1, (int64_t)r->next, (int64_t)r->next);
    reference->values[r->next] = sql_real(row, 2);
    reference->since = sql_real(row, 3);
    r->next = (r->next + 1) % tasks;
}

int store_references(struct store *store, struct store_reference **result,
                     size_t *count, struct error *error) {
    struct references r = {0};
    *result = NULL;
    *count = 0;
    int failed = sql_all(
        store, error, "a reference point", read_reference, &r,
        "SELECT change, objective, value, since FROM reference ORDER BY 1, 2", "");
    if (!failed && (r.next != 0 || r.count == 0))
        failed = sql_corrupt(store, error, "a reference point is not whole");
    if (failed) {
        store_references_free(r.items, r.count);
        return -1;
    }
    *result = r.items;
    *count = r.count;
    return 0;
}

static int set_reference(struct store *store, const double *reference,
                         struct error *error) {
    struct store_reference *references;
    size_t count;
    if (store_references(store, &references, &count, error))
        return -1;
    bool same = true;
    for (size_t t = 0; t < store->tasks; t++)
        same = same && references[count - 1].values[t] == reference[t];
    store_references_free(references, count);
    double now = sql_now();
    for (size_t t = 0; t < store->tasks && !same; t++)
        if (sql_write(store, error, "INSERT INTO reference VALUES (?, ?, ?, ?)", "iidd",
                      (int64_t)count + 1, (int64_t)t, reference[t], now))
            return -1;
    return 0;
}

int store_set_reference(struct store *store, const double *reference,
                        struct error *error) {
    for (size_t t = 0; t < store->tasks; t++)
        if (!isfinite(reference[t]))
            return error_set(error, "the reference point has no number for task %zu",
                             t);
    if (sql_write_begin(store, error))
        return -1;
    return sql_write_end(store, set_reference(store, reference, error), error);
}
