#include "command/io/recipe.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "base/memory.h"
#include "store/store.h"

enum { RECIPE_BYTES_MAX = 1 << 20, NAME_MAX_BYTES = 100, PATH_MAX_BYTES = 4000 };

struct recipe_reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the one at hand */
    bool held;          /* event must be deleted */
    const char *label;
    struct error *error;
};

static unsigned line_of(const struct recipe_reader *r) {
    return (unsigned)r->event.start_mark.line + 1;
}

/* Puts the next event at hand. What no recipe has is refused here, so that a file
 * of aliases cannot grow beyond its own size. */
static int next(struct recipe_reader *r) {
    if (r->held)
        yaml_event_delete(&r->event);
    r->held = false;
    if (!yaml_parser_parse(&r->parser, &r->event)) {
        const yaml_parser_t *p = &r->parser;
        if (p->error == YAML_MEMORY_ERROR)
            return error_memory(r->error);
        if (p->error == YAML_READER_ERROR)
            return error_set(r->error, "%s: %s at byte %zu", r->label,
                             p->problem ? p->problem : "not readable",
                             p->problem_offset);
        bool star = p->context && strstr(p->context, "alias");
        return error_set(r->error, "%s:%zu: %s%s%s%s", r->label,
                         p->problem_mark.line + 1, p->context ? p->context : "",
                         p->context ? ": " : "", p->problem ? p->problem : "not YAML",
                         star ? "; put a value that begins with * in quotes" : "");
    }
    r->held = true;
    const yaml_event_t *e = &r->event;
    if (e->type == YAML_ALIAS_EVENT)
        return error_set(r->error, "%s:%u: a recipe cannot have aliases", r->label,
                         line_of(r));
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (e->type == YAML_SCALAR_EVENT) {
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
    } else if (e->type == YAML_MAPPING_START_EVENT) {
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
    }
    if (anchor || tag)
        return error_set(r->error, "%s:%u: a recipe cannot have anchors or tags",
                         r->label, line_of(r));
    return 0;
}

/* The scalar at hand into fresh memory. what names it in errors. */
static int take_scalar(struct recipe_reader *r, const char *what, size_t longest,
                       char **out) {
    if (r->event.type != YAML_SCALAR_EVENT)
        return error_set(r->error, "%s:%u: %s must be a text, not a list or a mapping",
                         r->label, line_of(r), what);
    const char *value = (const char *)r->event.data.scalar.value;
    size_t length = r->event.data.scalar.length;
    if (length == 0)
        return error_set(r->error, "%s:%u: %s is empty", r->label, line_of(r), what);
    if (length > longest)
        return error_set(r->error, "%s:%u: %s is longer than %zu bytes", r->label,
                         line_of(r), what, longest);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
            return error_set(r->error, "%s:%u: %s has a control byte in it", r->label,
                             line_of(r), what);
    if (!(*out = strndup(value, length)))
        return error_memory(r->error);
    return 0;
}

struct key {
    const char *name;
    char **value; /* NULL: "tasks" */
};

static int find_key(struct recipe_reader *r, const char *word, const char *where,
                    const struct key *keys, size_t count, size_t *found) {
    const char *names[24];
    for (size_t i = 0; i < count; i++) {
        names[i] = keys[i].name;
        if (strcmp(word, keys[i].name) == 0) {
            *found = i;
            return 0;
        }
    }
    const char *nearest = text_nearest(word, names, count);
    if (nearest)
        return error_set(r->error, "%s:%u: unknown key '%s'%s; did you mean '%s'?",
                         r->label, line_of(r), TEXT_CUT(word, 100), where, nearest);
    char known[240] = "";
    for (size_t i = 0; i < count; i++) {
        strcat(known, i ? ", " : "");
        strcat(known, names[i]);
    }
    return error_set(r->error, "%s:%u: unknown key '%s'%s; the keys are %s", r->label,
                     line_of(r), TEXT_CUT(word, 100), where, known);
}

/* Reads the key at hand and puts its value's first event at hand. */
static int take_key(struct recipe_reader *r, const char *where, const struct key *keys,
                    size_t count, bool *seen, size_t *found) {
    char *word = NULL;
    if (take_scalar(r, "a key", PATH_MAX_BYTES, &word))
        return -1;
    int result = find_key(r, word, where, keys, count, found);
    if (result == 0 && seen[*found])
        result = error_set(r->error, "%s:%u: '%s' is given twice%s", r->label,
                           line_of(r), word, where);
    free(word);
    if (result)
        return -1;
    seen[*found] = true;
    return next(r);
}

/* Keys whose values are words. */
static int check_word(struct recipe_reader *r, const char *key, const char *value) {
    static const char *const words[][3] = {{"quoting", "csv", "none"},
                                           {"classes", "*", "*/*"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(key, words[i][0]) == 0 && strcmp(value, words[i][1]) != 0 &&
            strcmp(value, words[i][2]) != 0)
            return error_set(r->error, "%s:%u: %s is '%s'; it can be %s or %s",
                             r->label, line_of(r), key, TEXT_CUT(value, 100),
                             words[i][1], words[i][2]);
    return 0;
}

bool recipe_minimises(const struct recipe_task *task) {
    return task->direction && strcmp(task->direction, "min") == 0;
}

/* What goes with measure, and what does not. */
static int check_measured(struct recipe_reader *r, const struct recipe_task *task) {
    const char *direction = task->direction ? task->direction : "max";
    if (task->train || task->test || task->unlabelled || task->head ||
        task->classnames || task->templates || task->text || task->pair ||
        task->label || task->quoting || task->classes)
        return error_set(r->error,
                         "%s:%u: task '%s': measure can only stand beside expert, not "
                         "beside keys of data",
                         r->label, task->line, task->name);
    if (strcmp(direction, "max") != 0 && strcmp(direction, "min") != 0)
        return error_set(r->error, "%s:%u: task '%s': direction is max or min",
                         r->label, task->line, task->name);
    return 0;
}

/* Commands measure all tasks or none. */
static int check_mixture(struct recipe_reader *r, const struct recipe *recipe) {
    for (size_t i = 1; i < recipe->task_count; i++)
        if (!recipe->tasks[i].measure != !recipe->tasks[0].measure)
            return error_set(r->error,
                             "%s:%u: task '%s' has no measure and task '%s' has; all "
                             "tasks are measured by commands, or none",
                             r->label, recipe->tasks[i].line,
                             recipe->tasks[recipe->tasks[i].measure ? 0 : i].name,
                             recipe->tasks[recipe->tasks[i].measure ? i : 0].name);
    return 0;
}

/* The mapping of one task, its start at hand; ends after its end. */
static int read_task(struct recipe_reader *r, struct recipe_task *task) {
    const struct key keys[] = {
        {"expert", &task->expert},       {"train", &task->train},
        {"test", &task->test},           {"unlabelled", &task->unlabelled},
        {"head", &task->head},           {"classnames", &task->classnames},
        {"templates", &task->templates}, {"text", &task->text},
        {"pair", &task->pair},           {"label", &task->label},
        {"quoting", &task->quoting},     {"classes", &task->classes},
        {"measure", &task->measure},     {"direction", &task->direction},
        {"unit", &task->unit},           {"timeout", &task->timeout},
        {"repeat", &task->repeat},       {"budget", &task->budget}};
    enum { KEYS = sizeof keys / sizeof *keys };
    bool seen[KEYS] = {false};
    char where[NAME_MAX_BYTES + 20];
    snprintf(where, sizeof where, " in task '%s'", task->name);
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return error_set(r->error,
                         "%s:%u: task '%s' must be a mapping with the keys expert, "
                         "train, test, ...",
                         r->label, line_of(r), task->name);
    if (next(r))
        return -1;
    while (r->event.type != YAML_MAPPING_END_EVENT) {
        size_t i;
        if (take_key(r, where, keys, KEYS, seen, &i) ||
            take_scalar(r, keys[i].name, PATH_MAX_BYTES, keys[i].value) ||
            check_word(r, keys[i].name, *keys[i].value) || next(r))
            return -1;
    }
    if (task->pair && !task->text)
        return error_set(r->error,
                         "%s:%u: task '%s' has pair and no text: text is the "
                         "column of the first of two texts",
                         r->label, task->line, task->name);
    if (task->measure)
        return check_measured(r, task) ? -1 : next(r);
    if (task->direction || task->unit || task->timeout || task->repeat || task->budget)
        return error_set(
            r->error,
            "%s:%u: task '%s': direction, unit, timeout, repeat and budget go with "
            "measure",
            r->label, task->line, task->name);
    if (!task->test && !task->train)
        return error_set(r->error, "%s:%u: task '%s' has neither train nor test data",
                         r->label, task->line, task->name);
    return next(r);
}

static int check_task_name(struct recipe_reader *r, const struct recipe *recipe,
                           const char *name) {
    if (strchr(name, '/') || name[0] == '.')
        return error_set(r->error,
                         "%s:%u: task name '%s': no slash and no leading dot are "
                         "allowed, as it is also a file name",
                         r->label, line_of(r), name);
    for (size_t i = 0; i + 1 < recipe->task_count; i++)
        if (strcmp(recipe->tasks[i].name, name) == 0)
            return error_set(r->error, "%s:%u: task '%s' is given twice", r->label,
                             line_of(r), name);
    return 0;
}

/* The mapping of all tasks, its start at hand; ends after its end. */
static int read_tasks(struct recipe_reader *r, struct recipe *recipe) {
    size_t capacity = 0;
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return error_set(r->error,
                         "%s:%u: tasks must be a mapping with one key for each task",
                         r->label, line_of(r));
    if (next(r))
        return -1;
    while (r->event.type != YAML_MAPPING_END_EVENT) {
        if (recipe->task_count == STORE_TASKS_MAX)
            return error_set(r->error, "%s:%u: more than %d tasks", r->label,
                             line_of(r), STORE_TASKS_MAX);
        if (array_reserve((void **)&recipe->tasks, &capacity, recipe->task_count + 1,
                          sizeof *recipe->tasks))
            return error_memory(r->error);
        struct recipe_task *task = &recipe->tasks[recipe->task_count++];
        memset(task, 0, sizeof *task);
        task->line = line_of(r);
        if (take_scalar(r, "a task's name", NAME_MAX_BYTES, &task->name) ||
            check_task_name(r, recipe, task->name) || next(r) || read_task(r, task))
            return -1;
    }
    return next(r);
}

static int check_model(struct recipe_reader *r, const char *model) {
    static const char *const models[] = {"clip-vision", "vit", "gpt2-classifier"};
    enum { MODELS = sizeof models / sizeof *models };
    for (size_t i = 0; i < MODELS; i++)
        if (strcmp(model, models[i]) == 0)
            return 0;
    const char *nearest = text_nearest(model, models, MODELS);
    return error_set(r->error, "%s:%u: unknown model '%s'; %s%s%s", r->label,
                     line_of(r), TEXT_CUT(model, 100),
                     nearest ? "did you mean '" : "the models are ",
                     nearest ? nearest : "clip-vision, vit and gpt2-classifier",
                     nearest ? "'?" : "");
}

static int check_towers(struct recipe_reader *r, const char *towers) {
    if (strcmp(towers, "both") == 0 || strcmp(towers, "vision-only") == 0)
        return 0;
    return error_set(r->error, "%s:%u: towers is '%s'; it can be both or vision-only",
                     r->label, line_of(r), TEXT_CUT(towers, 100));
}

static int read_document(struct recipe_reader *r, struct recipe *recipe) {
    const struct key keys[] = {{"name", &recipe->name},
                               {"model", &recipe->model},
                               {"pretrained", &recipe->pretrained},
                               {"towers", &recipe->towers},
                               {"tasks", NULL}};
    enum { KEYS = sizeof keys / sizeof *keys };
    bool seen[KEYS] = {false};
    if (next(r) || next(r)) /* the stream's start, the document's */
        return -1;
    if (r->event.type != YAML_DOCUMENT_START_EVENT)
        return error_set(r->error, "%s: the file is empty", r->label);
    if (next(r))
        return -1;
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return error_set(r->error,
                         "%s:%u: a recipe is a mapping with the keys name, model, "
                         "pretrained and tasks",
                         r->label, line_of(r));
    if (next(r))
        return -1;
    while (r->event.type != YAML_MAPPING_END_EVENT) {
        size_t i;
        if (take_key(r, "", keys, KEYS, seen, &i))
            return -1;
        if (!keys[i].value) {
            if (read_tasks(r, recipe))
                return -1;
            continue;
        }
        if (take_scalar(r, keys[i].name, PATH_MAX_BYTES, keys[i].value) ||
            (keys[i].value == &recipe->model && check_model(r, recipe->model)) ||
            (keys[i].value == &recipe->towers && check_towers(r, recipe->towers)) ||
            next(r))
            return -1;
    }
    if (next(r) || next(r)) /* past the document's end */
        return -1;
    if (r->event.type != YAML_STREAM_END_EVENT)
        return error_set(r->error,
                         "%s:%u: a second YAML document; a recipe is a single one",
                         r->label, line_of(r));
    if (!recipe->pretrained)
        return error_set(r->error, "%s: the key 'pretrained' is missing", r->label);
    if (recipe->task_count == 0)
        return error_set(r->error, "%s: there are no tasks", r->label);
    return check_mixture(r, recipe);
}

int recipe_parse(const char *text, size_t size, const char *label, struct recipe **out,
                 struct error *error) {
    *out = NULL;
    if (size > RECIPE_BYTES_MAX)
        return error_set(error, "%s: larger than 1 MiB; that is not a recipe", label);
    struct recipe_reader r = {.label = label, .error = error};
    struct recipe *recipe = calloc(1, sizeof *recipe);
    if (recipe)
        recipe->text = strndup(text, size);
    if (!recipe || !recipe->text || !yaml_parser_initialize(&r.parser)) {
        recipe_free(recipe);
        return error_memory(error);
    }
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
        text += 3;
        size -= 3;
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, size);
    int result = read_document(&r, recipe);
    if (r.held)
        yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    if (result)
        recipe_free(recipe);
    else
        *out = recipe;
    return result;
}

int recipe_read(const char *path, struct recipe **recipe, struct error *error) {
    *recipe = NULL;
    char *text;
    size_t size;
    if (file_read(path, RECIPE_BYTES_MAX, &text, &size, error))
        return -1;
    int result = recipe_parse(text, size, path, recipe, error);
    free(text);
    return result;
}

void recipe_free(struct recipe *recipe) {
    if (!recipe)
        return;
    for (size_t i = 0; i < recipe->task_count; i++) {
        struct recipe_task *task = &recipe->tasks[i];
        free(task->name);
        free(task->expert);
        free(task->train);
        free(task->unlabelled);
        free(task->test);
        free(task->head);
        free(task->classnames);
        free(task->templates);
        free(task->text);
        free(task->pair);
        free(task->label);
        free(task->quoting);
        free(task->classes);
        free(task->measure);
        free(task->direction);
        free(task->unit);
        free(task->timeout);
        free(task->repeat);
        free(task->budget);
    }
    free(recipe->tasks);
    free(recipe->name);
    free(recipe->model);
    free(recipe->pretrained);
    free(recipe->towers);
    free(recipe->text);
    free(recipe);
}
