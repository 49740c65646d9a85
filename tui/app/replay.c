#include "app/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "terminal/key_names.h"

enum step_kind {
    STEP_TYPE,
    STEP_KEY,
    STEP_PASTE,
    STEP_CLICK,
    STEP_DRAG,
    STEP_BRUSH,
    STEP_WAIT
};

struct replay_line {
    enum step_kind kind;
    size_t number;
    char *text; /* of type, paste and wait; in the script */
    int key, place[4];
};

struct replay {
    char *path, *script;
    struct replay_line *lines;
    size_t count, capacity, at;
    const char *rest; /* of the text that is being typed */
};

static int refuse(const struct replay *replay, size_t number, const char *what,
                  struct error *error) {
    return error_set(error, "%s: line %zu: %s", replay->path, number, what);
}

static int parse_places(struct replay *replay, struct replay_line *line, int wanted,
                        struct error *error) {
    char extra;
    int *p = line->place;
    int got = sscanf(line->text, "%d %d %d %d %c", p, p + 1, p + 2, p + 3, &extra);
    for (int i = 0; i < wanted && i < got; i++)
        if (p[i] < 0 || p[i] > 1000)
            return refuse(replay, line->number, "a place is from 0 to 1000", error);
    return got == wanted ? 0
                         : refuse(replay, line->number,
                                  wanted == 2 ? "click takes a column and a row"
                                              : "this takes a column and a row, twice",
                                  error);
}

static int parse_line(struct replay *replay, char *text, size_t number,
                      struct error *error) {
    static const char *const kinds[] = {
        [STEP_TYPE] = "type",   [STEP_KEY] = "key",   [STEP_PASTE] = "paste",
        [STEP_CLICK] = "click", [STEP_DRAG] = "drag", [STEP_BRUSH] = "brush",
        [STEP_WAIT] = "wait"};
    struct replay_line line = {.number = number};
    size_t length = strcspn(text, " ");
    while (line.kind <= STEP_WAIT && (strlen(kinds[line.kind]) != length ||
                                      strncmp(kinds[line.kind], text, length)))
        line.kind++;
    if (line.kind > STEP_WAIT)
        return refuse(replay, number,
                      "begin with type, key, paste, click, drag, brush or wait", error);
    line.text = text + length + (text[length] == ' ');
    if (line.kind == STEP_KEY && !(line.key = key_named(line.text)))
        return refuse(replay, number,
                      "no key has this name; write Enter, Esc, Shift-Left, Ctrl-L or "
                      "one character",
                      error);
    if ((line.kind == STEP_CLICK && parse_places(replay, &line, 2, error)) ||
        ((line.kind == STEP_DRAG || line.kind == STEP_BRUSH) &&
         parse_places(replay, &line, 4, error)))
        return -1;
    if (line.kind == STEP_WAIT && !*line.text)
        return refuse(replay, number, "wait for which text?", error);
    if (array_reserve((void **)&replay->lines, &replay->capacity, replay->count + 1,
                      sizeof *replay->lines))
        return error_memory(error);
    replay->lines[replay->count++] = line;
    return 0;
}

int replay_open(const char *path, struct replay **result, struct error *error) {
    enum { MOST = 1 << 20 };
    struct replay *replay = array_new(1, sizeof *replay);
    size_t size, number = 0;
    if (!replay || !(replay->path = strdup(path))) {
        free(replay);
        return error_memory(error);
    }
    int failed = file_read(path, MOST, &replay->script, &size, error);
    if (!failed)
        replay->script[size] = '\0';
    for (char *line = replay->script; !failed && line && *line;) {
        char *end = strchr(line, '\n');
        number++;
        if (end)
            *end = '\0';
        line[strcspn(line, "\r")] = '\0';
        if (*line && *line != '#')
            failed = parse_line(replay, line, number, error);
        line = end ? end + 1 : NULL;
    }
    if (failed) {
        replay_close(replay);
        return -1;
    }
    *result = replay;
    return 0;
}

void replay_close(struct replay *replay) {
    if (!replay)
        return;
    free(replay->path);
    free(replay->script);
    free(replay->lines);
    free(replay);
}

/* --- doing it --------------------------------------------------------------------- */

/* One character of UTF-8, which is stepped over; a tab, which a line of a script may
 * well hold, is the key. */
static int next_character(const char **text) {
    char one[5] = "";
    size_t size = 0;
    if (**text == '\t') {
        (*text)++;
        return KEYS_TAB;
    }
    do
        one[size++] = *(*text)++;
    while (size < 4 && text_continues(**text));
    int key = key_named(one);
    return key ? key : '?';
}

static bool is_shown(const struct app *app, const char *wanted) {
    char *frame = NULL;
    size_t size;
    FILE *out = open_memstream(&frame, &size);
    if (!out)
        return false;
    canvas_print(&app->canvas, out);
    bool shown = text_stream_close(out, &frame) == 0 && strstr(frame, wanted);
    free(frame);
    return shown;
}

static void point(struct app *app, const struct replay_line *line) {
    const int *p = line->place;
    bool brush = line->kind == STEP_BRUSH, click = line->kind == STEP_CLICK;
    int to_x = click ? p[0] : p[2], to_y = click ? p[1] : p[3];
    app_mouse(app, brush ? POINTER_BRUSH : POINTER_PRESS, p[0], p[1]);
    if (!click)
        app_mouse(app, brush ? POINTER_BRUSH_DRAG : POINTER_DRAG, to_x, to_y);
    app_mouse(app, brush ? POINTER_BRUSH_RELEASE : POINTER_RELEASE, to_x, to_y);
}

enum replay_state replay_step(struct replay *replay, struct app *app) {
    if (replay->at == replay->count)
        return REPLAY_DONE;
    const struct replay_line *line = &replay->lines[replay->at];
    switch (line->kind) {
    case STEP_TYPE:
    case STEP_PASTE:
        if (!replay->rest)
            replay->rest = line->text;
        if (*replay->rest && line->kind == STEP_TYPE)
            app_key(app, next_character(&replay->rest));
        while (*replay->rest && line->kind == STEP_PASTE)
            app_paste(app, next_character(&replay->rest));
        if (*replay->rest)
            return REPLAY_DID;
        replay->rest = NULL;
        break;
    case STEP_KEY:
        app_key(app, line->key);
        break;
    case STEP_WAIT:
        if (!is_shown(app, line->text))
            return REPLAY_WAITS;
        break;
    default:
        point(app, line);
    }
    replay->at++;
    return REPLAY_DID;
}

int replay_late(const struct replay *replay, struct error *error) {
    const struct replay_line *line = &replay->lines[replay->at];
    return error_set(error, "%s: line %zu: \"%s\" did not appear", replay->path,
                     line->number, TEXT_CUT(line->text, 200));
}

void replay_note(FILE *file, int key, bool pasted) {
    char name[16];
    if (key == KEYS_RESIZE || key == KEYS_MOUSE || key == KEYS_NONE)
        return;
    key_name(key, name, sizeof name);
    if (!pasted)
        fprintf(file, "key %s\n", name);
    else if (key == KEYS_ENTER || key == KEYS_TAB)
        fprintf(file, "paste \t\n"); /* the end of a line is none of its own here */
    else if (key >= ' ' && key < KEYS_FIRST)
        fprintf(file, "paste %s\n", key == ' ' ? " " : name);
    fflush(file);
}
