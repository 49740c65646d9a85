#include <config.h>

#include "command/io/page.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/beside.h"
#include "base/draft.h"
#include "base/memory.h"
#include "checkpoint/folder.h"
#include "command/io/escape.h"

struct beside_page { /* a file beside it */
    char *file;      /* "scaling.png" */
    void *data;
    size_t size;
};

struct page {
    FILE *markdown, *html, *latex, *csv; /* csv: NULL but in a table that has one */
    char *markdown_text, *html_text, *latex_text, *csv_text, *csv_name;
    size_t markdown_size, html_size, latex_size, csv_size;
    size_t columns, left, cell, row; /* of the table that is open */
    bool halves, grouped;            /* its CSV has half intervals; a group begins */
    enum page_emphasis emphasis;     /* of the next cell */
    bool marked;                     /* the next cell is */
    enum mark mark;
    enum ink ink;
    struct beside_page *files;
    size_t file_count, file_capacity;
    bool failed;
};

static const char style[] =
    "body{font:15px/1.5 sans-serif;margin:2em auto;padding:0 1em;max-width:80em;"
    "color:#222;background:#fff}"
    "div{overflow-x:auto}table{border-collapse:collapse;margin:1em 0}"
    "th,td{padding:.2em .7em;text-align:right;border-bottom:1px solid #ddd;"
    "white-space:nowrap}th{border-bottom:2px solid #222}"
    ".g td{border-top:1px solid #888}.l{text-align:left}figure{margin:1em "
    "0}img{max-width:100%;height:auto}"
    "figcaption{color:#555}";

/* --- text ------------------------------------------------------------------- */

static void put(struct page *page, const char *before, const char *text,
                const char *after, const char *open, const char *close) {
    fputs(before, page->markdown);
    escape_markdown(page->markdown, text);
    fputs(after, page->markdown);
    fputs(open, page->html);
    escape_html(page->html, text);
    fputs(close, page->html);
}

/* The formatted text, safe to show; NULL and page->failed where memory is out. */
static char *format_text(struct page *page, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    char *raw = length < 0 ? NULL : malloc((size_t)length + 1);
    char *safe = raw ? malloc(4 * (size_t)length + 1) : NULL;
    if (safe) {
        vsnprintf(raw, (size_t)length + 1, format, again);
        text_escape(safe, 4 * (size_t)length + 1, raw);
    }
    va_end(again);
    free(raw);
    page->failed |= safe == NULL;
    return safe;
}

/* --- parts of a page -------------------------------------------------------- */

struct page *page_new(const char *title) {
    struct page *page = array_new(1, sizeof *page);
    if (!page)
        return NULL;
    page->markdown = open_memstream(&page->markdown_text, &page->markdown_size);
    page->html = open_memstream(&page->html_text, &page->html_size);
    page->latex = open_memstream(&page->latex_text, &page->latex_size);
    if (!page->markdown || !page->html || !page->latex) {
        page_free(page);
        return NULL;
    }
    size_t size = 4 * strlen(title) + 1;
    char *safe = malloc(size);
    if (!safe) {
        page_free(page);
        return NULL;
    }
    text_escape(safe, size, title);
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta "
          "charset=\"utf-8\">\n<title>",
          page->html);
    escape_html(page->html, safe);
    fputs("% Tables for \\input; they need \\usepackage{booktabs}.\n", page->latex);
    fprintf(page->html, "</title>\n<style>%s</style>\n</head>\n<body>\n", style);
    put(page, "# ", safe, "\n", "<h1>", "</h1>\n");
    free(safe);
    return page;
}

void page_free(struct page *page) {
    if (!page)
        return;
    if (page->markdown)
        fclose(page->markdown);
    if (page->html)
        fclose(page->html);
    if (page->latex)
        fclose(page->latex);
    if (page->csv)
        fclose(page->csv);
    free(page->markdown_text);
    free(page->html_text);
    free(page->latex_text);
    free(page->csv_text);
    free(page->csv_name);
    for (size_t i = 0; i < page->file_count; i++) {
        free(page->files[i].file);
        free(page->files[i].data);
    }
    free(page->files);
    free(page);
}

void page_heading(struct page *page, const char *text) {
    put(page, "\n## ", text, "\n", "<h2>", "</h2>\n");
    fprintf(page->latex, "%% %s\n", text);
}

void page_paragraph(struct page *page, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = format_text(page, format, arguments);
    va_end(arguments);
    if (text)
        put(page, "\n", text, "\n", "<p>", "</p>\n");
    free(text);
}

void page_table(struct page *page, size_t columns, size_t left) {
    page->columns = columns;
    page->left = left;
    page->cell = page->row = 0;
    page->grouped = false;
    fputc('\n', page->markdown);
    fputs("<div><table>\n", page->html);
    fputs("\\begin{tabular}{@{}", page->latex);
    for (size_t i = 0; i < columns; i++)
        fputc(i < left ? 'l' : 'r', page->latex);
    fputs("@{}}\n\\toprule\n", page->latex);
}

void page_table_csv(struct page *page, const char *name, bool halves) {
    page->csv_name = text_format("%s.csv", name);
    page->csv = open_memstream(&page->csv_text, &page->csv_size);
    page->halves = halves;
    page->failed |= !page->csv_name || !page->csv;
}

void page_emphasise(struct page *page, enum page_emphasis emphasis) {
    page->emphasis = emphasis;
}

void page_group(struct page *page) {
    page->grouped = page->row > 1;
}

/* One character of the first plane as UTF-8, or one of ASCII escaped. */
static void put_mark(FILE *out, enum mark mark) {
    unsigned code = (unsigned)look_unicode[mark];
    if (code >= 0x800)
        fprintf(out, "%c%c%c", 0xe0 | code >> 12, 0x80 | (code >> 6 & 63),
                0x80 | (code & 63));
    else if (code >= 0x80)
        fprintf(out, "%c%c", 0xc0 | code >> 6, 0x80 | (code & 63));
    else
        fprintf(out, "\\%c", code);
}

void page_mark(struct page *page, enum mark mark, enum ink ink) {
    page->marked = true;
    page->mark = mark;
    page->ink = ink;
}

/* What is set around a cell's text in HTML, Markdown and LaTeX. */
static const struct {
    const char *before[3], *after[3];
} emphases[] = {
    [PAGE_PLAIN] = {{"", "", ""}, {"", "", ""}},
    [PAGE_BOLD] = {{"<strong>", "**", "\\textbf{"}, {"</strong>", "**", "}"}},
    [PAGE_UNDERLINED] = {{"<u>", "<u>", "\\underline{"}, {"</u>", "</u>", "}"}},
};

static void begin_row(struct page *page) {
    fputs(page->grouped ? "<tr class=\"g\">" : "<tr>", page->html);
    if (page->grouped)
        fputs("\\addlinespace\n", page->latex);
    page->grouped = false;
}

static void end_row(struct page *page) {
    if (page->row == 0)
        fputs("\\midrule\n", page->latex);
    fputs("</tr>\n", page->html);
    fputc('\n', page->markdown);
    if (page->csv)
        fputs("\r\n", page->csv);
    for (size_t i = 0; page->row == 0 && i < page->columns; i++)
        fprintf(page->markdown, "%s %s |%s", i ? "" : "|",
                i < page->left ? ":---" : "---:", i + 1 < page->columns ? "" : "\n");
    page->cell = 0;
    page->row++;
}

/* exact, half: what CSV has of a number; a header's column of halves is named after it.
 */
static void put_csv_cell(struct page *page, const char *text, const char *exact,
                         const char *half) {
    if (page->cell)
        fputc(',', page->csv);
    escape_csv(page->csv, exact ? exact : text);
    if (!page->halves || page->cell < page->left)
        return;
    fputc(',', page->csv);
    if (page->row == 0) {
        escape_csv(page->csv, text);
        fputs("_half", page->csv);
    } else {
        fputs(half, page->csv);
    }
}

static void put_cell(struct page *page, const char *text, const char *exact,
                     const char *half) {
    const char *kind = page->row == 0 ? "th" : "td";
    enum page_emphasis e = page->emphasis;
    if (page->cell == 0)
        begin_row(page);
    if (page->csv)
        put_csv_cell(page, text, exact, half);
    fprintf(page->html, "<%s%s>%s", kind, page->cell < page->left ? " class=\"l\"" : "",
            emphases[e].before[0]);
    if (page->marked)
        fprintf(page->html, "<span style=\"color:#%06x\">&#%u;</span> ",
                (unsigned)look_on_paper(page->ink), (unsigned)look_unicode[page->mark]);
    escape_html(page->html, text);
    fprintf(page->html, "%s</%s>", emphases[e].after[0], kind);
    fputs(page->cell == 0 ? "| " : " ", page->markdown);
    if (page->marked) {
        put_mark(page->markdown, page->mark);
        fputc(' ', page->markdown);
        page->marked = false;
    }
    fputs(emphases[e].before[1], page->markdown);
    escape_markdown(page->markdown, text);
    fprintf(page->markdown, "%s |", emphases[e].after[1]);
    fputs(emphases[e].before[2], page->latex);
    escape_latex(page->latex, text);
    fputs(emphases[e].after[2], page->latex);
    page->emphasis = PAGE_PLAIN;
    fputs(++page->cell < page->columns ? " & " : " \\\\\n", page->latex);
    if (page->cell == page->columns)
        end_row(page);
}

void page_cell(struct page *page, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = format_text(page, format, arguments);
    va_end(arguments);
    put_cell(page, text ? text : "", NULL, "");
    free(text);
}

void page_interval(struct page *page, double value, double half, int decimals) {
    char text[2 * TEXT_FIXED + 8], exact[40], exact_half[40] = "";
    if (!isfinite(value)) {
        page->emphasis = PAGE_PLAIN;
        put_cell(page, "–", "", "");
        return;
    }
    snprintf(exact, sizeof exact, "%.10g", value);
    if (isfinite(half) && half > 0) {
        snprintf(text, sizeof text, "%s ± %s", TEXT_NUMBER(value, decimals),
                 TEXT_NUMBER(half, decimals));
        snprintf(exact_half, sizeof exact_half, "%.10g", half);
    } else {
        text_fixed(text, value, decimals);
    }
    put_cell(page, text, exact, exact_half);
}

void page_number(struct page *page, double value, int decimals) {
    page_interval(page, value, (double)NAN, decimals);
}

/* Takes data over; its file lies beside the page. */
static void add_file(struct page *page, char *file, void *data, size_t size) {
    if (!file || array_reserve((void **)&page->files, &page->file_capacity,
                               page->file_count + 1, sizeof *page->files)) {
        page->failed = true;
        free(file);
        free(data);
        return;
    }
    page->files[page->file_count++] =
        (struct beside_page){.file = file, .data = data, .size = size};
}

void page_table_end(struct page *page) {
    fputs("</table></div>\n", page->html);
    fputs("\\bottomrule\n\\end{tabular}\n\n", page->latex);
    if (!page->csv)
        return;
    page->failed |= text_stream_close(page->csv, &page->csv_text) != 0;
    add_file(page, page->csv_name, page->csv_text, page->csv_size);
    page->csv = NULL;
    page->csv_name = page->csv_text = NULL;
}

void page_picture(struct page *page, const char *name, struct plot_png *png,
                  const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *caption = format_text(page, format, arguments);
    va_end(arguments);
    char *file = text_format("%s.png", name);
    if (caption && file) {
        fputs("\n![", page->markdown);
        escape_markdown(page->markdown, caption);
        fprintf(page->markdown, "](%s)\n", file);
        fputs("<figure><img alt=\"", page->html);
        escape_html(page->html, caption);
        fputs("\" src=\"data:image/png;base64,", page->html);
        escape_base64(page->html, png->data, png->size);
        fputs("\"><figcaption>", page->html);
        escape_html(page->html, caption);
        fputs("</figcaption></figure>\n", page->html);
    }
    add_file(page, file, png->data, png->size);
    *png = (struct plot_png){0};
    free(caption);
}

/* --- writing ---------------------------------------------------------------- */

static int write_file(const char *folder, const char *name, const void *bytes,
                      size_t size, const char *shown, struct error *error) {
    char *path = text_format("%s/%s", folder, name);
    char *called = text_format("%s/%s", shown, name);
    int result = path && called ? draft_write_file(path, called, bytes, size, error)
                                : error_memory(error);
    free(path);
    free(called);
    return result;
}

static int fill_folder(void *self, const char *folder, const char *shown,
                       struct error *error) {
    const struct page *page = self;
    const struct {
        const char *name, *text;
        size_t size;
    } texts[] = {{"report.md", page->markdown_text, page->markdown_size},
                 {"report.html", page->html_text, page->html_size},
                 {"report.tex", page->latex_text, page->latex_size}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (write_file(folder, texts[i].name, texts[i].text, texts[i].size, shown,
                       error))
            return -1;
    for (size_t i = 0; i < page->file_count; i++)
        if (write_file(folder, page->files[i].file, page->files[i].data,
                       page->files[i].size, shown, error))
            return -1;
    return folder_sync(folder, error);
}

static int write_folder(struct page *page, const char *path, struct error *error) {
    struct stat status;
    if (lstat(path, &status) == 0)
        return error_set(error, "%s: exists already; give a new folder", path);
    return folder_write(path, fill_folder, page, error);
}

int page_end(struct page *page, const char *path, struct error *error) {
    fputs("</body>\n</html>\n", page->html);
    bool failed = page->failed;
    /* The texts are whole once the streams are closed. */
    failed |= text_stream_close(page->markdown, &page->markdown_text) != 0;
    failed |= text_stream_close(page->html, &page->html_text) != 0;
    failed |= text_stream_close(page->latex, &page->latex_text) != 0;
    page->markdown = page->html = page->latex = NULL;
    int result = failed ? error_memory(error) : write_folder(page, path, error);
    page_free(page);
    return result;
}
