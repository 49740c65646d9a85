#include "command/io/output.h"

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
    json_t *string = json_string(text);
    if (string)
        return string;
    size_t size = 4 * strlen(text) + 1;
    char *escaped = malloc(size);
    if (escaped)
        string = json_string(text_escape(escaped, size, text));
    free(escaped);
    return string;
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

/* --- numbers -------------------------------------------------------------- */

/* Significant digits for %g that read back to the same value. Not fewer than 15: %g
 * drops trailing zeros itself, and with fewer would write 80 as 8e+01. */
static int digits_needed(double value) {
    char text[40];
    for (int digits = 15; digits < 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            return digits;
    }
    return 17;
}

/* JSON text as jansson writes it at 17 digits, with each real at as many digits as it
 * needs: 0.3, not 0.29999999999999999. */
static void print_shortened(const char *text) {
    while (*text) {
        if (*text == '"') {
            size_t length = 1;
            while (text[length] != '"')
                length += text[length] == '\\' ? 2 : 1;
            length++;
            fwrite(text, 1, length, stdout);
            text += length;
            continue;
        }
        size_t length = strspn(text, "+-.eE0123456789");
        if (length == 0) {
            putchar(*text++);
            continue;
        }
        size_t digits = strspn(text, "-0123456789");
        if (digits == length || *text == 'e') { /* an integer; the e of "true" */
            fwrite(text, 1, length, stdout);
        } else {
            char number[40];
            double value = strtod(text, NULL);
            snprintf(number, sizeof number, "%.*g", digits_needed(value), value);
            printf("%s%s", number, strpbrk(number, ".e") ? "" : ".0");
        }
        text += length;
    }
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
        double real = json_real_value(value);
        if (!table)
            fprintf(out, "%.*g", digits_needed(real), real);
        else if (decimals >= 0)
            fprintf(out, "%.*f", decimals, real);
        else
            fprintf(out, "%.6g", real);
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
    if (fclose(out) || failed) {
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

/* Cells [rows + 1, columns], the heading first. NULL where memory is out. */
static char **table_cells(const struct output *o, size_t rows, size_t *widths,
                          bool *numeric) {
    size_t total;
    char **cells = NULL;
    if (size_multiply(rows + 1, o->count, &total))
        cells = array_new(total, sizeof *cells);
    if (!cells)
        return NULL;
    bool complete = true;
    for (size_t c = 0; c < o->count; c++) {
        numeric[c] = rows > 0;
        for (size_t r = 0; r <= rows; r++) {
            char **cell = &cells[r * o->count + c];
            if (r == 0) {
                *cell = strdup(o->columns[c].name);
            } else {
                const json_t *value = json_array_get(json_array_get(o->rows, r - 1), c);
                *cell = cell_text(value, true, o->columns[c].decimals);
                if (!json_is_number(value) && !json_is_null(value))
                    numeric[c] = false;
            }
            if (!*cell) {
                complete = false;
                continue;
            }
            size_t width = output_width(*cell);
            if (width > widths[c])
                widths[c] = width;
        }
    }
    if (complete)
        return cells;
    for (size_t i = 0; i < total; i++)
        free(cells[i]);
    free(cells);
    return NULL;
}

static int print_table(const struct output *o) {
    size_t rows = json_array_size(o->rows);
    size_t *widths = array_new(o->count, sizeof *widths);
    bool *numeric = array_new(o->count, sizeof *numeric);
    char **cells = widths && numeric ? table_cells(o, rows, widths, numeric) : NULL;
    size_t last = 0;
    for (size_t c = 0; c < o->count; c++)
        if (o->columns[c].where & IN_TABLE)
            last = c;
    for (size_t r = 0; cells && r <= rows; r++) {
        bool first = true;
        for (size_t c = 0; c < o->count; c++) {
            if (!(o->columns[c].where & IN_TABLE))
                continue;
            const char *cell = cells[r * o->count + c];
            size_t room = widths[c] - output_width(cell);
            if (!first)
                fputs("  ", stdout);
            if (numeric[c])
                pad(room);
            fputs(cell, stdout);
            if (!numeric[c] && c != last)
                pad(room);
            first = false;
        }
        putchar('\n');
    }
    for (size_t i = 0; cells && i < (rows + 1) * o->count; i++)
        free(cells[i]);
    int result = cells ? 0 : -1;
    free(cells);
    free(widths);
    free(numeric);
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
static void csv_field(const char *text, bool words) {
    if (words && is_formula(text)) {
        printf("\"'");
        for (; *text; text++)
            printf(*text == '"' ? "\"\"" : "%c", *text);
        putchar('"');
        return;
    }
    if (!text[strcspn(text, ",\"\r\n")]) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static int print_csv(const struct output *o) {
    for (size_t r = 0; r <= json_array_size(o->rows); r++) {
        bool first = true;
        for (size_t c = 0; c < o->count; c++) {
            if (!(o->columns[c].where & IN_CSV))
                continue;
            if (!first)
                putchar(',');
            first = false;
            if (r == 0) {
                csv_field(o->columns[c].name, true);
                continue;
            }
            const json_t *value = json_array_get(json_array_get(o->rows, r - 1), c);
            char *cell = cell_text(value, false, -1);
            if (!cell)
                return -1;
            csv_field(cell, json_is_string(value) || json_is_object(value));
            free(cell);
        }
        fputs("\r\n", stdout);
    }
    return 0;
}

static int print_json(const struct output *o) {
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
        print_shortened(text);
        putchar('\n');
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

int output_end(struct output *output, struct error *error) {
    int result = -1;
    if (!output->failed && !json_memory_lost()) {
        if (output->format == OUTPUT_JSON)
            result = print_json(output);
        else if (output->format == OUTPUT_CSV)
            result = print_csv(output);
        else
            result = output->object ? print_pairs(output) : print_table(output);
    }
    output_free(output);
    if (result || json_memory_lost())
        return error_memory(error);
    return output_flush(error);
}
