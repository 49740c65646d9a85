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

struct picture {
    char *file; /* "scaling.png" */
    struct plot_png png;
};

struct page {
    FILE *markdown, *html, *latex;
    char *markdown_text, *html_text, *latex_text;
    size_t markdown_size, html_size, latex_size;
    size_t columns, left, cell, row; /* of the table that is open */
    bool marked;                     /* the next cell is */
    enum mark mark;
    enum ink ink;
    struct picture *pictures;
    size_t picture_count, picture_capacity;
    bool failed;
};

static const char style[] =
    "body{font:15px/1.5 sans-serif;margin:2em auto;padding:0 1em;max-width:80em;"
    "color:#222;background:#fff}"
    "div{overflow-x:auto}table{border-collapse:collapse;margin:1em 0}"
    "th,td{padding:.2em .7em;text-align:right;border-bottom:1px solid #ddd;"
    "white-space:nowrap}th{border-bottom:2px solid #222}"
    ".l{text-align:left}figure{margin:1em 0}img{max-width:100%;height:auto}"
    "figcaption{color:#555}";

/* --- text ------------------------------------------------------------------- */

static void put_html(FILE *out, const char *text) {
    for (; *text; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*text, out);
        }
}

static void put_markdown(FILE *out, const char *text) {
    /* A line can begin with what makes a list or a heading of it. */
    if (strchr("#+-", *text) && *text)
        fputc('\\', out);
    for (; *text; text++) {
        if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '&')
            fputs("&amp;", out);
        else {
            if (strchr("\\`*_[]|~", *text))
                fputc('\\', out);
            fputc(*text, out);
        }
    }
}

static void put_latex(FILE *out, const char *text) {
    static const char *const words[] = {"\\textbackslash{}",   "\\textasciitilde{}",
                                        "\\textasciicircum{}", "\\textless{}",
                                        "\\textgreater{}",     "\\textbar{}"};
    static const char worded[] = "\\~^<>|";
    if (*text == '[') /* which would be an argument of the row's end before it */
        fputs("{}", out);
    for (; *text; text++) {
        const char *found = strchr(worded, *text);
        if (found) {
            fputs(words[found - worded], out);
        } else {
            if (strchr("&%$#_{}", *text))
                fputc('\\', out);
            fputc(*text, out);
        }
    }
}

static void put(struct page *page, const char *before, const char *text,
                const char *after, const char *open, const char *close) {
    fputs(before, page->markdown);
    put_markdown(page->markdown, text);
    fputs(after, page->markdown);
    fputs(open, page->html);
    put_html(page->html, text);
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
    put_html(page->html, safe);
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
    free(page->markdown_text);
    free(page->html_text);
    free(page->latex_text);
    for (size_t i = 0; i < page->picture_count; i++) {
        free(page->pictures[i].file);
        free(page->pictures[i].png.data);
    }
    free(page->pictures);
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
    fputc('\n', page->markdown);
    fputs("<div><table>\n", page->html);
    fputs("\\begin{tabular}{", page->latex);
    for (size_t i = 0; i < columns; i++)
        fputc(i < left ? 'l' : 'r', page->latex);
    fputs("}\n", page->latex);
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

static void put_cell(struct page *page, const char *text) {
    const char *kind = page->row == 0 ? "th" : "td";
    if (page->cell == 0)
        fputs("<tr>", page->html);
    fprintf(page->html, "<%s%s>", kind, page->cell < page->left ? " class=\"l\"" : "");
    if (page->marked)
        fprintf(page->html, "<span style=\"color:#%06x\">&#%u;</span> ",
                (unsigned)look_on_paper(page->ink), (unsigned)look_unicode[page->mark]);
    put_html(page->html, text);
    fprintf(page->html, "</%s>", kind);
    fputs(page->cell == 0 ? "| " : " ", page->markdown);
    if (page->marked) {
        put_mark(page->markdown, page->mark);
        fputc(' ', page->markdown);
        page->marked = false;
    }
    put_markdown(page->markdown, text);
    fputs(" |", page->markdown);
    put_latex(page->latex, text);
    fputs(++page->cell < page->columns ? " & " : " \\\\\n", page->latex);
    if (page->cell < page->columns)
        return;
    if (page->row == 0)
        fputs("\\hline\n", page->latex);
    fputs("</tr>\n", page->html);
    fputc('\n', page->markdown);
    for (size_t i = 0; page->row == 0 && i < page->columns; i++)
        fprintf(page->markdown, "%s %s |%s", i ? "" : "|",
                i < page->left ? ":---" : "---:", i + 1 < page->columns ? "" : "\n");
    page->cell = 0;
    page->row++;
}

void page_cell(struct page *page, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = format_text(page, format, arguments);
    va_end(arguments);
    put_cell(page, text ? text : "");
    free(text);
}

void page_number(struct page *page, double value, int decimals) {
    if (isfinite(value))
        page_cell(page, "%.*f", decimals, value);
    else
        put_cell(page, "–");
}

void page_table_end(struct page *page) {
    fputs("</table></div>\n", page->html);
    fputs("\\end{tabular}\n\n", page->latex);
}

static void put_base64(FILE *out, const unsigned char *data, size_t size) {
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t bits = (uint32_t)data[i] << 16;
        bits |= left > 1 ? (uint32_t)data[i + 1] << 8 : 0;
        bits |= left > 2 ? data[i + 2] : 0;
        fputc(digits[bits >> 18], out);
        fputc(digits[bits >> 12 & 63], out);
        fputc(left > 1 ? digits[bits >> 6 & 63] : '=', out);
        fputc(left > 2 ? digits[bits & 63] : '=', out);
    }
}

void page_picture(struct page *page, const char *name, struct plot_png *png,
                  const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *caption = format_text(page, format, arguments);
    va_end(arguments);
    char *file = text_format("%s.png", name);
    if (!caption || !file ||
        array_reserve((void **)&page->pictures, &page->picture_capacity,
                      page->picture_count + 1, sizeof *page->pictures)) {
        page->failed = true;
        free(png->data);
        free(file);
    } else {
        fputs("\n![", page->markdown);
        put_markdown(page->markdown, caption);
        fprintf(page->markdown, "](%s)\n", file);
        fputs("<figure><img alt=\"", page->html);
        put_html(page->html, caption);
        fputs("\" src=\"data:image/png;base64,", page->html);
        put_base64(page->html, png->data, png->size);
        fputs("\"><figcaption>", page->html);
        put_html(page->html, caption);
        fputs("</figcaption></figure>\n", page->html);
        page->pictures[page->picture_count++] =
            (struct picture){.file = file, .png = *png};
    }
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
    for (size_t i = 0; i < page->picture_count; i++)
        if (write_file(folder, page->pictures[i].file, page->pictures[i].png.data,
                       page->pictures[i].png.size, shown, error))
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
