/* A frame as cells, before it is a terminal's: panels draw into views of it, and
 * the whole is then written once, to the screen or as text. */
#ifndef PWEMOE_TUI_TERMINAL_CANVAS_H
#define PWEMOE_TUI_TERMINAL_CANVAS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <wchar.h>

#include "terminal/palette.h"

struct cell {
    wchar_t c;     /* L' ' where nothing was drawn */
    uint8_t ink;   /* enum ink */
    uint8_t look;  /* bits of enum look */
    uint8_t width; /* 1, 2, or 0: the right half of a wide character */
};

/* Cells whose text stands for a file. */
struct canvas_link {
    int x, y, columns;
    char path[512];
};
enum { CANVAS_LINKS = 2 };

struct canvas {
    int width, height;
    struct cell *cells; /* [height][width] */
    const struct marks *marks;
    struct canvas_link links[CANVAS_LINKS]; /* [link_count] of this frame */
    size_t link_count;
};

struct rect {
    int x, y, width, height;
};

/* A rectangle of a canvas with coordinates of its own; nothing drawn through it
 * falls outside of it. */
struct view {
    struct canvas *canvas;
    int x, y, width, height;
};

/* -1 when memory is out; the canvas is then as before (empty the first time). */
int canvas_resize(struct canvas *canvas, int width, int height);
void canvas_free(struct canvas *canvas);
void canvas_clear(struct canvas *canvas);
/* Makes a link to a file of a text where it stands whole in row y. */
void canvas_link(struct canvas *canvas, int y, const char *text, const char *path);
/* Rows as UTF-8 lines without trailing blanks. */
void canvas_print(const struct canvas *canvas, FILE *file);
/* So many columns of one row, blanks and all. */
void canvas_print_cells(const struct canvas *canvas, int x, int y, int columns,
                        FILE *file);
/* The cell at column x of row y, which must lie inside. */
const struct cell *canvas_at(const struct canvas *canvas, int x, int y);

struct view view_whole(struct canvas *canvas);
struct view view_rect(struct canvas *canvas, struct rect rect);
struct view view_inside(const struct view *view, int x, int y, int width, int height);

void view_put(const struct view *view, int x, int y, wchar_t c, enum ink ink,
              unsigned look);
/* Adds looks to cells already drawn (a selection bar). */
void view_look(const struct view *view, int x, int y, int width, unsigned look);
void view_fill(const struct view *view, int x, int y, int width, wchar_t c,
               enum ink ink, unsigned look);
/* Draws UTF-8 text into at most width columns and returns how many it took. Text
 * that does not fit ends in an ellipsis. Control bytes are escaped, characters
 * without a width are dropped, and what the terminal cannot show becomes '?'. */
int view_text(const struct view *view, int x, int y, int width, enum ink ink,
              unsigned look, const char *text);
int view_printf(const struct view *view, int x, int y, int width, enum ink ink,
                unsigned look, const char *format, ...)
    __attribute__((format(printf, 7, 8)));
/* The same, ending at column x + width - 1. */
int view_right(const struct view *view, int x, int y, int width, enum ink ink,
               unsigned look, const char *format, ...)
    __attribute__((format(printf, 7, 8)));
/* Text over several lines, cut at blanks where there are any; at most `lines`, of which
 * the last ends in an ellipsis where that is not all. Returns how many it took. */
int view_wrapped(const struct view *view, int x, int y, int width, int lines,
                 enum ink ink, unsigned look, const char *text);
/* Below the heading, in place of what is not there. */
void view_note(const struct view *view, enum ink ink, const char *text);
/* How many lines text would be in so many columns. */
int text_lines(const struct marks *marks, const char *text, int width);
/* A rule over row 0 with a heading in it; focused: the heading is highlighted. */
void view_heading(const struct view *view, const char *title, bool focused);
/* An empty box in the middle of view, at most width x height, for a dialog; the
 * view returned is its inside. */
struct view view_box(const struct view *view, int width, int height, const char *title);

/* Columns that text takes when drawn whole. */
int text_columns(const struct marks *marks, const char *text);

#endif
