#include "command/io/yaml_tree.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "command/io/options.h"

enum { BYTES_MAX = 1 << 20, DEPTH_MAX = 32 };

struct tree {
    yaml_parser_t parser;
    const char *path;
    struct error *error;
};

static json_t *fail(struct tree *t, const yaml_event_t *event, const char *why) {
    error_set(t->error, "%s:%zu: %s", t->path, event->start_mark.line + 1, why);
    return NULL;
}

/* The next event, to be deleted; -1 where it is none of those that are read. */
static int next(struct tree *t, yaml_event_t *event) {
    if (!yaml_parser_parse(&t->parser, event))
        return error_set(t->error, "%s:%zu: %s", t->path,
                         t->parser.problem_mark.line + 1,
                         t->parser.problem ? t->parser.problem : "not YAML");
    const yaml_char_t *tag =
        event->type == YAML_SCALAR_EVENT           ? event->data.scalar.tag
        : event->type == YAML_MAPPING_START_EVENT  ? event->data.mapping_start.tag
        : event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.tag
                                                   : NULL;
    if (event->type != YAML_ALIAS_EVENT && !tag)
        return 0;
    fail(t, event, "aliases and tags are not read");
    yaml_event_delete(event);
    return -1;
}

static json_t *scalar(struct tree *t, const yaml_event_t *event) {
    const char *text = (const char *)event->data.scalar.value;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    double number;
    if (strlen(text) != event->data.scalar.length)
        return fail(t, event, "a text has a byte of 0 in it");
    if (plain && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
        return json_boolean(*text == 't');
    if (plain && (!*text || strcmp(text, "null") == 0 || strcmp(text, "~") == 0))
        return json_null();
    if (plain && options_real(text, &number))
        return json_real(number);
    json_t *value = json_string(text);
    return value ? value : fail(t, event, "a text is not UTF-8");
}

static json_t *node(struct tree *t, const yaml_event_t *event, unsigned depth);

/* The value that comes next. */
static json_t *value(struct tree *t, unsigned depth) {
    yaml_event_t event;
    if (next(t, &event))
        return NULL;
    json_t *made = node(t, &event, depth);
    yaml_event_delete(&event);
    return made;
}

static json_t *sequence(struct tree *t, unsigned depth) {
    json_t *array = json_array();
    yaml_event_t event;
    while (array && next(t, &event) == 0) {
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        json_t *item = end ? NULL : node(t, &event, depth);
        yaml_event_delete(&event);
        if (end)
            return array;
        if (!item || json_array_append_new(array, item))
            break;
    }
    json_decref(array);
    return NULL;
}

static json_t *mapping(struct tree *t, unsigned depth) {
    json_t *object = json_object();
    yaml_event_t event;
    while (object && next(t, &event) == 0) {
        const char *key = (const char *)event.data.scalar.value;
        bool end = event.type == YAML_MAPPING_END_EVENT, sound = end;
        if (!end && event.type != YAML_SCALAR_EVENT)
            fail(t, &event, "a key is no text");
        else if (!end && json_object_get(object, key))
            fail(t, &event, "a key stands twice");
        else if (!end) {
            json_t *item = value(t, depth);
            sound = item && json_object_set_new(object, key, item) == 0;
        }
        yaml_event_delete(&event);
        if (end)
            return object;
        if (!sound)
            break;
    }
    json_decref(object);
    return NULL;
}

static json_t *node(struct tree *t, const yaml_event_t *event, unsigned depth) {
    if (depth == DEPTH_MAX)
        return fail(t, event, "nested too deeply");
    if (event->type == YAML_SCALAR_EVENT)
        return scalar(t, event);
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return sequence(t, depth + 1);
    if (event->type == YAML_MAPPING_START_EVENT)
        return mapping(t, depth + 1);
    return fail(t, event, "a value is missing");
}

/* Is there nothing behind the document? */
static bool ends(struct tree *t) {
    yaml_event_t event;
    for (int i = 0; i < 2; i++) { /* the document's end, the stream's */
        if (next(t, &event))
            return false;
        bool more = event.type == YAML_DOCUMENT_START_EVENT;
        if (more)
            fail(t, &event, "a second YAML document; only files of one are read");
        yaml_event_delete(&event);
        if (more)
            return false;
    }
    return true;
}

/* Past the beginnings of stream and document, to the end of both. */
static json_t *document(struct tree *t) {
    for (int i = 0; i < 2; i++) {
        yaml_event_t event;
        if (next(t, &event))
            return NULL;
        yaml_event_delete(&event);
    }
    json_t *tree = value(t, 0);
    if (!tree || ends(t))
        return tree;
    json_decref(tree);
    return NULL;
}

json_t *yaml_tree_read(const char *path, struct error *error) {
    struct tree t = {.path = path, .error = error};
    char *bytes;
    size_t size;
    error_set(error, "%s: memory is out", path);
    if (file_read(path, BYTES_MAX, &bytes, &size, error))
        return NULL;
    json_t *tree = NULL;
    if (yaml_parser_initialize(&t.parser)) {
        yaml_parser_set_input_string(&t.parser, (const unsigned char *)bytes, size);
        tree = document(&t);
        yaml_parser_delete(&t.parser);
    }
    free(bytes);
    if (tree)
        *error->text = '\0';
    return tree;
}
