#include "results/output.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "base/json_text.h"
#include "base/memory.h"

struct output {
    enum output_format format;
    bool object, failed;
    struct output_column *columns;
    size_t count;
    json_t *rows; /* array of arrays [count] */
};

struct output *output_new(enum output_format format, bool object,
                          const struct output_column *columns, size_t count,
                          struct error *error) {
    struct output *output = calloc(1, sizeof *output);
    if (output) {
        output->format = format;
        output->object = object;
        output->count = count;
        output->columns = array_new(count, sizeof *output->columns);
        output->rows = json_array();
    }
    if (!output || !output->columns || !output->rows) {
        output_free(output);
        error_memory(error);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        output->columns[i] = columns[i];
        if (!(output->columns[i].name = strdup(columns[i].name))) {
            output_free(output);
            error_memory(error);
            return NULL;
        }
    }
    return output;
}

void output_free(struct output *output) {
    if (!output)
        return;
    for (size_t i = 0; output->columns && i < output->count; i++)
        free((char *)output->columns[i].name);
    free(output->columns);
    json_decref(output->rows);
    free(output);
}

void output_row(struct output *output, json_t *const *values) {
    json_t *row = json_array();
    for (size_t i = 0; i < output->count; i++)
        if (json_array_append_new(row, values[i] ? values[i] : json_null()))
            output->failed = true;
    if (json_array_append_new(output->rows, row))
        output->failed = true;
}

json_t *output_text(const char *text) {
    return json_text_string(text);
}

json_t *output_real(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *output_reals(const double *values, size_t count) {
    if (!values)
        return json_null();
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, output_real(values[i]));
    return array;
}

json_t *output_object(const char *text) {
    json_t *object = text ? json_loads(text, 0, NULL) : NULL;
    if (json_is_object(object))
        return object;
    json_decref(object);
    return json_object();
}

size_t output_width(const char *text) {
    size_t width = 0;
    mbstate_t state = {0};
    while (*text) {
        wchar_t wide;
        size_t length = mbrtowc(&wide, text, MB_CUR_MAX, &state);
        if (length == (size_t)-1 || length == (size_t)-2 || length == 0) {
            memset(&state, 0, sizeof state);
            length = 1;
            width++;
        } else {
            int columns = wcwidth(wide);
            width += columns < 0 ? 1 : (size_t)columns;
        }
        text += length;
    }
    return width;
}

/* --- cells ---------------------------------------------------------------- */

static int write_escaped(FILE *out, const char *text) {
    size_t size = 4 * strlen(text) + 1;
    char *escaped = malloc(size);
    if (!escaped)
        return -1;
    fputs(text_escape(escaped, size, text), out);
    free(escaped);
    return 0;
}

/* An array as "0.3 0.7", an object as "scale=0.3 keep=0.2". */
static int write_cell(FILE *out, const json_t *value, bool table, int decimals) {
    size_t index;
    json_t *item;
    const char *key, *between = "";
    switch (json_typeof(value)) {
    case JSON_STRING:
        return write_escaped(out, json_string_value(value));
    case JSON_INTEGER:
        fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL: {
        char text[TEXT_FIXED];
        double real = json_real_value(value);
        text_real(text, real);
        if (table)
            fputs(text_fixed(text, real, decimals), out);
        else
            fputs(text, out);
        break;
    }
    case JSON_TRUE:
        fputs(table ? "yes" : "true", out);
        break;
    case JSON_FALSE:
        fputs(table ? "no" : "false", out);
        break;
    case JSON_NULL:
        fputs(table ? "-" : "", out);
        break;
    case JSON_ARRAY:
        json_array_foreach(value, index, item) {
            fputs(between, out);
            between = " ";
            if (write_cell(out, item, table, decimals))
                return -1;
        }
        break;
    case JSON_OBJECT:
        if (table && json_object_size(value) == 0)
            fputs("-", out);
        json_object_foreach((json_t *)value, key, item) {
            fputs(between, out);
            between = " ";
            if (write_escaped(out, key) || fputc('=', out) == EOF ||
                write_cell(out, item, table, decimals))
                return -1;
        }
        break;
    }
    return 0;
}

/* In fresh memory; NULL where there is none. */
static char *cell_text(const json_t *value, bool table, int decimals) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    int failed = write_cell(out, value, table, decimals);
    if (text_stream_close(out, &text) || failed) {
        free(text);
        return NULL;
    }
    return text;
}

/* --- formats -------------------------------------------------------------- */

static void pad(size_t count) {
    while (count--)
        putchar(' ');
}

/* No column is padded further, or one name of a megabyte would make every row as long;
 * longer cells stand out. */
enum { WIDEST = 200 };

/* The cells of a table, the heading first, all in one piece of memory. */
struct cells {
    char *text;
    size_t *at; /* [rows + 1, columns]: where each begins; columns without one stay 0 */
    size_t *widths;
    bool *numeric; /* [columns] */
};

static void cells_clear(struct cells *cells) {
    free(cells->text);
    free(cells->at);
    free(cells->widths);
    free(cells->numeric);
}

static int write_cells(const struct output *o, FILE *out, const size_t *size,
                       struct cells *cells) {
    for (size_t r = 0; r <= json_array_size(o->rows); r++) {
        const json_t *row = r ? json_array_get(o->rows, r - 1) : NULL;
        for (size_t c = 0; c < o->count; c++) {
            const struct output_column *column = &o->columns[c];
            const json_t *value = json_array_get(row, c);
            if (!(column->where & IN_TABLE))
                continue;
            size_t at = *size;
            cells->at[r * o->count + c] = at;
            if (row ? write_cell(out, value, true, column->decimals)
                    : fputs(column->name, out) == EOF)
                return -1;
            if (fputc('\0', out) == EOF || fflush(out))
                return -1;
            size_t width = output_width(cells->text + at);
            if (width > cells->widths[c])
                cells->widths[c] = width < WIDEST ? width : WIDEST;
            cells->numeric[c] = row ? cells->numeric[c] &&
                                          (json_is_number(value) || json_is_null(value))
                                    : json_array_size(o->rows) > 0;
        }
    }
    return 0;
}

static int make_cells(const struct output *o, struct cells *cells) {
    size_t total, size = 0;
    cells->widths = array_new(o->count, sizeof *cells->widths);
    cells->numeric = array_new(o->count, sizeof *cells->numeric);
    if (size_multiply(json_array_size(o->rows) + 1, o->count, &total))
        cells->at = array_new(total, sizeof *cells->at);
    if (!cells->widths || !cells->numeric || !cells->at)
        return -1;
    FILE *out = open_memstream(&cells->text, &size);
    if (!out)
        return -1;
    int failed = write_cells(o, out, &size, cells);
    return text_stream_close(out, &cells->text) || failed ? -1 : 0;
}

static int print_table(const struct output *o) {
    struct cells cells = {0};
    int result = make_cells(o, &cells);
    size_t last = 0;
    for (size_t c = 0; c < o->count; c++)
        if (o->columns[c].where & IN_TABLE)
            last = c;
    for (size_t r = 0; result == 0 && r <= json_array_size(o->rows); r++) {
        bool first = true;
        for (size_t c = 0; c < o->count; c++) {
            if (!(o->columns[c].where & IN_TABLE))
                continue;
            const char *cell = cells.text + cells.at[r * o->count + c];
            size_t width = output_width(cell);
            size_t room = width < cells.widths[c] ? cells.widths[c] - width : 0;
            if (!first)
                fputs("  ", stdout);
            if (cells.numeric[c])
                pad(room);
            fputs(cell, stdout);
            if (!cells.numeric[c] && c != last)
                pad(room);
            first = false;
        }
        putchar('\n');
    }
    cells_clear(&cells);
    return result;
}

/* One object: a name and its value a line. */
static int print_pairs(const struct output *o) {
    size_t widest = 0;
    for (size_t c = 0; c < o->count; c++)
        if (o->columns[c].where & IN_TABLE && strlen(o->columns[c].name) > widest)
            widest = strlen(o->columns[c].name);
    const json_t *row = json_array_get(o->rows, 0);
    for (size_t c = 0; c < o->count && row; c++) {
        const json_t *value = json_array_get(row, c);
        if (!(o->columns[c].where & IN_TABLE) || json_is_null(value))
            continue;
        char *cell = cell_text(value, true, o->columns[c].decimals);
        if (!cell)
            return -1;
        fputs(o->columns[c].name, stdout);
        pad(widest - strlen(o->columns[c].name) + 2);
        printf("%s\n", cell);
        free(cell);
    }
    return 0;
}

static bool raw;

void output_raw(bool on) {
    raw = on;
}

/* A spreadsheet computes what begins so. */
static bool is_formula(const char *text) {
    return !raw && *text && strchr("=+-@", *text);
}

/* words: not a number, which may well begin with a minus. */
static void csv_field(FILE *out, const char *text, bool words) {
    if (words && is_formula(text)) {
        fprintf(out, "\"'");
        for (; *text; text++)
            fprintf(out, *text == '"' ? "\"\"" : "%c", *text);
        fputc('"', out);
        return;
    }
    if (!text[strcspn(text, ",\"\r\n")]) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static int print_csv(const struct output *o, FILE *out) {
    for (size_t r = 0; r <= json_array_size(o->rows); r++) {
        bool first = true;
        for (size_t c = 0; c < o->count; c++) {
            if (!(o->columns[c].where & IN_CSV))
                continue;
            if (!first)
                fputc(',', out);
            first = false;
            if (r == 0) {
                csv_field(out, o->columns[c].name, true);
                continue;
            }
            const json_t *value = json_array_get(json_array_get(o->rows, r - 1), c);
            char *cell = cell_text(value, false, -1);
            if (!cell)
                return -1;
            csv_field(out, cell, json_is_string(value) || json_is_object(value));
            free(cell);
        }
        fputs("\r\n", out);
    }
    return 0;
}

static int print_json(const struct output *o, FILE *out) {
    json_t *document = json_array();
    size_t index;
    json_t *row;
    int failed = 0;
    json_array_foreach(o->rows, index, row) {
        json_t *object = json_object();
        for (size_t c = 0; c < o->count; c++)
            if (o->columns[c].where & IN_JSON)
                failed |=
                    json_object_set(object, o->columns[c].name, json_array_get(row, c));
        failed |= json_array_append_new(document, object);
    }
    json_t *whole = o->object ? json_array_get(document, 0) : document;
    size_t flags = JSON_ENSURE_ASCII | JSON_INDENT(2) | JSON_REAL_PRECISION(17);
    char *text = failed ? NULL : json_text_dump(whole, flags);
    if (text) {
        text_shorten_numbers(text);
        fprintf(out, "%s\n", text);
    }
    free(text);
    json_decref(document);
    return text ? 0 : -1;
}

static bool reader_gone;

bool output_reader_gone(void) {
    return reader_gone;
}

int output_flush(struct error *error) {
    struct pollfd out = {STDOUT_FILENO, 0, 0};
    bool lost = ferror(stdout);
    int reason = errno;
    if (fflush(stdout)) {
        lost = true;
        reason = errno;
    }
    if (!lost)
        return 0;
    /* Which of the writes failed is not known any more, but a pipe says so itself. */
    reader_gone = poll(&out, 1, 0) > 0 && out.revents & POLLERR;
    return error_set(error, "cannot write to standard output: %s", strerror(reason));
}

static void (*before)(void);

void output_before(void (*clear)(void)) {
    before = clear;
}

int output_end(struct output *output, struct error *error) {
    int result = -1;
    if (before)
        before();
    if (!output->failed && !json_memory_lost()) {
        if (output->format == OUTPUT_JSON)
            result = print_json(output, stdout);
        else if (output->format == OUTPUT_CSV)
            result = print_csv(output, stdout);
        else
            result = output->object ? print_pairs(output) : print_table(output);
    }
    output_free(output);
    if (result || json_memory_lost())
        return error_memory(error);
    return output_flush(error);
}

int output_write(struct output *output, FILE *out, struct error *error) {
    int result = -1;
    errno = 0;
    if (!output->failed && !json_memory_lost())
        result = output->format == OUTPUT_JSON ? print_json(output, out)
                                               : print_csv(output, out);
    output_free(output);
    if (result || json_memory_lost())
        return error_memory(error);
    if (fflush(out) || ferror(out))
        return error_set(error, "%s", strerror(errno ? errno : EIO));
    return 0;
}
