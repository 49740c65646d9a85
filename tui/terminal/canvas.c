#define _GNU_SOURCE /* wcwidth */
#include "terminal/canvas.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

int canvas_resize(struct canvas *canvas, int width, int height) {
    if (width == canvas->width && height == canvas->height && canvas->cells)
        return 0;
    size_t count;
    if (width < 0 || height < 0 ||
        !size_multiply((size_t)width, (size_t)height, &count))
        return -1;
    struct cell *cells = array_new(count, sizeof *cells);
    if (!cells)
        return -1;
    free(canvas->cells);
    canvas->cells = cells;
    canvas->width = width;
    canvas->height = height;
    canvas_clear(canvas);
    return 0;
}

void canvas_free(struct canvas *canvas) {
    free(canvas->cells);
    canvas->cells = NULL;
    canvas->width = canvas->height = 0;
}

static struct cell *cell_of(const struct view *view, int x, int y) {
    if (x < 0 || y < 0 || x >= view->width || y >= view->height)
        return NULL;
    return &view->canvas->cells[(size_t)(view->y + y) * (size_t)view->canvas->width +
                                (size_t)(view->x + x)];
}

static void view_clear(const struct view *view) {
    for (int y = 0; y < view->height; y++)
        for (int x = 0; x < view->width; x++)
            *cell_of(view, x, y) = (struct cell){L' ', INK_TEXT, LOOK_PLAIN, 1};
}

void canvas_clear(struct canvas *canvas) {
    struct view whole = view_whole(canvas);
    view_clear(&whole);
    canvas->link_count = 0;
}

/* Writes one character as UTF-8, whatever the locale is. */
static void put_utf8(FILE *file, wchar_t c) {
    unsigned u = (unsigned)c;
    if (u < 0x80) {
        fputc((int)u, file);
    } else if (u < 0x800) {
        fprintf(file, "%c%c", 0xc0 | u >> 6, 0x80 | (u & 0x3f));
    } else if (u < 0x10000) {
        fprintf(file, "%c%c%c", 0xe0 | u >> 12, 0x80 | (u >> 6 & 0x3f),
                0x80 | (u & 0x3f));
    } else {
        fprintf(file, "%c%c%c%c", 0xf0 | u >> 18, 0x80 | (u >> 12 & 0x3f),
                0x80 | (u >> 6 & 0x3f), 0x80 | (u & 0x3f));
    }
}

void canvas_print_cells(const struct canvas *canvas, int x, int y, int columns,
                        FILE *file) {
    for (int end = x + columns; x < end; x++)
        if (canvas_at(canvas, x, y)->width)
            put_utf8(file, canvas_at(canvas, x, y)->c);
}

void canvas_print(const struct canvas *canvas, FILE *file) {
    for (int y = 0; y < canvas->height; y++) {
        int end = canvas->width;
        while (end > 0 && canvas_at(canvas, end - 1, y)->c == L' ')
            end--;
        canvas_print_cells(canvas, 0, y, end, file);
        fputc('\n', file);
    }
}

const struct cell *canvas_at(const struct canvas *canvas, int x, int y) {
    return &canvas->cells[(size_t)y * (size_t)canvas->width + (size_t)x];
}

struct view view_whole(struct canvas *canvas) {
    return (struct view){canvas, 0, 0, canvas->width, canvas->height};
}

struct view view_rect(struct canvas *canvas, struct rect rect) {
    struct view whole = view_whole(canvas);
    return view_inside(&whole, rect.x, rect.y, rect.width, rect.height);
}

struct view view_inside(const struct view *view, int x, int y, int width, int height) {
    int left = x < 0 ? 0 : x, top = y < 0 ? 0 : y;
    int right = x + width > view->width ? view->width : x + width;
    int bottom = y + height > view->height ? view->height : y + height;
    return (struct view){view->canvas, view->x + left, view->y + top,
                         right > left ? right - left : 0,
                         bottom > top ? bottom - top : 0};
}

static int width_of(wchar_t c) {
    if (c >= 0x20 && c < 0x7f)
        return 1;
    return wcwidth(c);
}

void view_put(const struct view *view, int x, int y, wchar_t c, enum ink ink,
              unsigned look) {
    struct cell *cell = cell_of(view, x, y);
    if (!cell)
        return;
    /* Half of a wide character is no character. */
    if (cell->width == 0 && x > 0) {
        struct cell *left = cell_of(view, x - 1, y);
        if (left)
            *left = (struct cell){L' ', left->ink, left->look, 1};
    }
    if (cell->width == 2) {
        struct cell *right = cell_of(view, x + 1, y);
        if (right)
            *right = (struct cell){L' ', right->ink, right->look, 1};
    }
    *cell = (struct cell){c, (uint8_t)ink, (uint8_t)look, 1};
}

void view_look(const struct view *view, int x, int y, int width, unsigned look) {
    for (int i = 0; i < width; i++) {
        struct cell *cell = cell_of(view, x + i, y);
        if (cell)
            cell->look |= (uint8_t)look;
    }
}

void view_fill(const struct view *view, int x, int y, int width, wchar_t c,
               enum ink ink, unsigned look) {
    for (int i = 0; i < width; i++)
        view_put(view, x + i, y, c, ink, look);
}

/* The next character of escaped text (well-formed UTF-8), and its columns. */
static wchar_t next_character(const struct marks *marks, const unsigned char **p,
                              int *width) {
    unsigned u = *(*p)++;
    unsigned more = u >= 0xf0 ? 3 : u >= 0xe0 ? 2 : u >= 0xc0 ? 1 : 0;
    if (more) {
        u &= 0x3fu >> more;
        while (more-- && (**p & 0xc0) == 0x80)
            u = u << 6 | (*(*p)++ & 0x3fu);
    }
    wchar_t c = (wchar_t)u;
    if (u >= 0x80 && !marks->utf8) {
        *width = 1;
        return L'?';
    }
    *width = width_of(c);
    if (*width < 0) {
        *width = 1;
        return L'?';
    }
    return c;
}

int text_columns(const struct marks *marks, const char *text) {
    char safe[2048];
    const unsigned char *p =
        (const unsigned char *)text_escape(safe, sizeof safe, text);
    int columns = 0;
    while (*p) {
        int width;
        next_character(marks, &p, &width);
        columns += width;
    }
    return columns;
}

int view_text(const struct view *view, int x, int y, int width, enum ink ink,
              unsigned look, const char *text) {
    const struct marks *marks = view->canvas->marks;
    char safe[2048];
    text_escape(safe, sizeof safe, text);
    if (width > view->width - x)
        width = view->width - x;
    if (width <= 0)
        return 0;
    bool cut = text_columns(marks, text) > width;
    int room = cut ? width - 1 : width, used = 0;
    const unsigned char *p = (const unsigned char *)safe;
    while (*p) {
        int columns;
        wchar_t c = next_character(marks, &p, &columns);
        if (columns == 0)
            continue;
        if (used + columns > room)
            break;
        view_put(view, x + used, y, c, ink, look);
        if (columns == 2) {
            struct cell *left = cell_of(view, x + used, y);
            view_put(view, x + used + 1, y, L' ', ink, look);
            struct cell *right = cell_of(view, x + used + 1, y);
            if (left && right) {
                left->width = 2;
                right->width = 0;
            }
        }
        used += columns;
    }
    if (cut) {
        view_put(view, x + used, y, marks->ellipsis, ink, look);
        used++;
    }
    return used;
}

void canvas_link(struct canvas *canvas, int y, const char *text, const char *path) {
    wchar_t wanted[512];
    char safe[sizeof canvas->links[0].path];
    int count = 0;
    text_escape(safe, sizeof safe, text);
    for (const unsigned char *p = (const unsigned char *)safe; *p && count < 510;) {
        int columns;
        wanted[count] = next_character(canvas->marks, &p, &columns);
        count += columns > 0;
        if (columns == 2)
            wanted[count++] = L' ';
    }
    if (!count || y < 0 || y >= canvas->height || canvas->link_count == CANVAS_LINKS ||
        strlen(path) >= sizeof canvas->links[0].path)
        return;
    for (int x = 0; x + count <= canvas->width; x++) {
        int same = 0;
        while (same < count && canvas_at(canvas, x + same, y)->c == wanted[same])
            same++;
        if (same < count)
            continue;
        struct canvas_link *link = &canvas->links[canvas->link_count++];
        *link = (struct canvas_link){.x = x, .y = y, .columns = count};
        strcpy(link->path, path);
        return;
    }
}

int view_printf(const struct view *view, int x, int y, int width, enum ink ink,
                unsigned look, const char *format, ...) {
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    text_print(text, sizeof text, format, arguments);
    va_end(arguments);
    return view_text(view, x, y, width, ink, look, text);
}

int view_right(const struct view *view, int x, int y, int width, enum ink ink,
               unsigned look, const char *format, ...) {
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    text_print(text, sizeof text, format, arguments);
    va_end(arguments);
    int columns = text_columns(view->canvas->marks, text);
    int start = columns < width ? width - columns : 0;
    return view_text(view, x + start, y, width - start, ink, look, text);
}

/* The bytes of text that its first line of so many columns takes; *next: where the
 * second begins. */
static size_t cut_line(const struct marks *marks, const char *text, int width,
                       size_t *next) {
    char part[2048];
    size_t length = strlen(text), cut = 0, fits = 0;
    for (size_t i = 1; i <= length && i < sizeof part; i++) {
        if (text_continues(text[i]))
            continue;
        memcpy(part, text, i);
        part[i] = '\0';
        if (text_columns(marks, part) > width)
            break;
        fits = i;
        if (text[i] == ' ' || !text[i])
            cut = i;
    }
    cut = cut ? cut : fits ? fits : length;
    *next = cut;
    while (text[*next] == ' ')
        ++*next;
    return cut;
}

int view_wrapped(const struct view *view, int x, int y, int width, int lines,
                 enum ink ink, unsigned look, const char *text) {
    char part[2048];
    int line = 0;
    if (width > view->width - x)
        width = view->width - x;
    for (; *text && width > 0 && line < lines; line++) {
        size_t next, cut = cut_line(view->canvas->marks, text, width, &next);
        if (line + 1 == lines)
            snprintf(part, sizeof part, "%s", text);
        else
            snprintf(part, sizeof part, "%.*s", (int)cut, text);
        view_text(view, x, y + line, width, ink, look, part);
        text += next;
    }
    return line;
}

void view_note(const struct view *view, enum ink ink, const char *text) {
    view_wrapped(view, 1, 1, view->width - 1, view->height - 1, ink, LOOK_PLAIN, text);
}

int text_lines(const struct marks *marks, const char *text, int width) {
    int lines = 0;
    while (*text && width > 0) {
        size_t next;
        cut_line(marks, text, width, &next);
        text += next;
        lines++;
    }
    return lines;
}

void view_heading(const struct view *view, const char *title, bool focused) {
    wchar_t line = view->canvas->marks->horizontal;
    view_fill(view, 0, 0, view->width, line, INK_FRAME, LOOK_PLAIN);
    if (view->width < 6)
        return;
    view_put(view, 1, 0, L' ', INK_FRAME, LOOK_PLAIN);
    int used = view_text(view, 2, 0, view->width - 4, focused ? INK_NOW : INK_TITLE,
                         LOOK_BOLD, title);
    view_put(view, 2 + used, 0, L' ', INK_FRAME, LOOK_PLAIN);
}

struct view view_box(const struct view *view, int width, int height,
                     const char *title) {
    const struct marks *marks = view->canvas->marks;
    if (width > view->width)
        width = view->width;
    if (height > view->height)
        height = view->height;
    struct view box = view_inside(view, (view->width - width) / 2,
                                  (view->height - height) / 2, width, height);
    view_clear(&box);
    /* Without room for a border the inside is all there is. */
    if (width < 24 || height < 5)
        return box;
    int right = box.width - 1, bottom = box.height - 1;
    view_fill(&box, 0, 0, box.width, marks->horizontal, INK_FRAME, 0);
    view_fill(&box, 0, bottom, box.width, marks->horizontal, INK_FRAME, 0);
    for (int y = 1; y < bottom; y++) {
        view_put(&box, 0, y, marks->vertical, INK_FRAME, 0);
        view_put(&box, right, y, marks->vertical, INK_FRAME, 0);
    }
    view_put(&box, 0, 0, marks->utf8 ? L'┌' : L'+', INK_FRAME, 0);
    view_put(&box, right, 0, marks->utf8 ? L'┐' : L'+', INK_FRAME, 0);
    view_put(&box, 0, bottom, marks->utf8 ? L'└' : L'+', INK_FRAME, 0);
    view_put(&box, right, bottom, marks->utf8 ? L'┘' : L'+', INK_FRAME, 0);
    view_put(&box, 1, 0, L' ', INK_FRAME, 0);
    int used = view_text(&box, 2, 0, box.width - 5, INK_TITLE, LOOK_BOLD, title);
    view_put(&box, 2 + used, 0, L' ', INK_FRAME, 0);
    return view_inside(&box, 2, 1, box.width - 4, box.height - 2);
}
