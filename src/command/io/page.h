/* A page written as Markdown and as HTML without scripts at once: headings, paragraphs,
 * tables and pictures; its tables as LaTeX, too, for a document with the package
 * booktabs to \input, and some as CSV. Text is data: what a format would take for
 * markup is escaped, and control bytes as text_escape does. */
#ifndef PWEMOE_COMMAND_IO_PAGE_H
#define PWEMOE_COMMAND_IO_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "plot/kinds.h"

struct page;

/* NULL where memory is out. A failure later is kept for page_end. */
struct page *page_new(const char *title);
void page_heading(struct page *page, const char *text);
void page_paragraph(struct page *page, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Cells follow one by one, the header's first; a row ends by itself after
 * `columns` cells. left columns from the left are text, the others numbers. */
void page_table(struct page *page, size_t columns, size_t left);
/* The table that was begun last, before its first cell: as NAME.csv as well, with all
 * digits. halves: a number's column is followed by one of its half interval. */
void page_table_csv(struct page *page, const char *name, bool halves);
void page_cell(struct page *page, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Before the next cell's text: what its models are drawn as in charts. */
void page_mark(struct page *page, enum mark mark, enum ink ink);
void page_number(struct page *page, double value, int decimals); /* NaN: a dash */
/* The value and half its interval, where that is finite and not 0. */
void page_interval(struct page *page, double value, double half, int decimals);
/* How the next cell is set. */
enum page_emphasis { PAGE_PLAIN, PAGE_BOLD, PAGE_UNDERLINED };
void page_emphasise(struct page *page, enum page_emphasis emphasis);
/* The next row begins a group of rows. */
void page_group(struct page *page);
void page_table_end(struct page *page);

/* A PNG: NAME.png beside the Markdown, part of the HTML itself. name: letters, digits
 * and '-', different for each picture. The page takes ownership of png. */
void page_picture(struct page *page, const char *name, struct plot_png *png,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Ends the page and writes report.md, report.html, report.tex, tables as CSV and the
 * pictures into a new folder at path, which appears whole or not at all and must not
 * exist. Frees page either way. */
int page_end(struct page *page, const char *path, struct error *error);
void page_free(struct page *page); /* without writing; NULL is fine */

#endif
