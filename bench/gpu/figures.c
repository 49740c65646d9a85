#include "figures.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

int figures_begin(struct figures *f, struct error *error) {
    *f = (struct figures){.about = json_object(), .notes = json_array()};
    return f->about && f->notes ? 0 : error_memory(error);
}

void figures_end(struct figures *f) {
    free(f->list);
    json_decref(f->about);
    json_decref(f->notes);
}

int figures_add(struct figures *f, const struct figure *figure, struct error *error) {
    if (array_reserve((void **)&f->list, &f->capacity, f->count + 1, sizeof *f->list))
        return error_memory(error);
    f->list[f->count++] = *figure;
    return 0;
}

void figures_note(struct figures *f, const char *format, ...) {
    char text[1200], safe[1200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "bench: %s\n", text_escape(safe, sizeof safe, text));
    json_array_append_new(f->notes, json_string(safe));
}

static double ratio(const struct figure *figure, double other) {
    return figure->more_is_better ? figure->value / other : other / figure->value;
}

double figure_ratio(const struct figure *figure) {
    return ratio(figure, figure->floor);
}

double figure_peer_ratio(const struct figure *figure) {
    return ratio(figure, figure->peer);
}

/* Four digits that count, "-" for what is not known. */
static char *number(double value, char *out, size_t size) {
    if (isnan(value))
        snprintf(out, size, "-");
    else if (fabs(value) < 1000)
        snprintf(out, size, "%.4g", value);
    else
        snprintf(out, size, "%.0f", value);
    return out;
}

static const char *peer_of(const struct figure *f) {
    return f->peer_name ? f->peer_name : "PyTorch";
}

char *figure_line(const struct figure *f, char *out, size_t size) {
    char value[32], floor[32], part[32], peer[32], times[32];
    snprintf(out, size, "%-8s %-5s %-38s %9s %-8s floor %9s  %5s   %s %9s  %5s",
             f->shape, f->precision, f->name, number(f->value, value, sizeof value),
             f->unit, number(f->floor, floor, sizeof floor),
             number(figure_ratio(f), part, sizeof part), peer_of(f),
             number(f->peer, peer, sizeof peer),
             number(figure_peer_ratio(f), times, sizeof times));
    return out;
}

/* --- files ------------------------------------------------------------------- */

static json_t *json_number_or_null(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *figure_json(const struct figure *f) {
    return json_pack(
        "{s:s, s:s, s:s, s:o, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o}",
        "shape", f->shape, "precision", f->precision, "name", f->name, "value",
        json_number_or_null(f->value), "unit", f->unit, "more_is_better",
        f->more_is_better, "floor", json_number_or_null(f->floor), "floor_unit",
        isfinite(f->floor) ? json_string(f->floor_unit) : json_null(), "ratio",
        json_number_or_null(figure_ratio(f)), "peer", json_number_or_null(f->peer),
        "peer_name", isfinite(f->peer) ? json_string(peer_of(f)) : json_null(),
        "peer_ratio", json_number_or_null(figure_peer_ratio(f)), "repeats",
        (json_int_t)f->repeats, "spread", json_number_or_null(f->spread));
}

static char *as_json(const struct figures *f) {
    json_t *list = json_array();
    for (size_t i = 0; i < f->count; i++)
        json_array_append_new(list, figure_json(&f->list[i]));
    json_t *all = json_pack("{s:i, s:O, s:O, s:o}", "format", 1, "about", f->about,
                            "notes", f->notes, "figures", list);
    char *text = all ? json_dumps(all, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(all);
    return text;
}

static void write_about(FILE *out, const json_t *about) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)about, key, value) {
        char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
        const char *shown = json_is_string(value) ? json_string_value(value) : text;
        fprintf(out, "- %s: %s\n", key, shown ? shown : "");
        free(text);
    }
}

static void write_row(FILE *out, const struct figure *f) {
    char value[32], floor[32], part[32], peer[32], times[32], spread[32] = "-";
    bool named = f->peer_name && isfinite(f->peer);
    if (isfinite(f->spread))
        snprintf(spread, sizeof spread, "%.0f %%", 100 * f->spread);
    fprintf(out, "| %s | %s %s | %s | %s | %s%s%s | %s | %zu | %s |\n", f->name,
            number(f->value, value, sizeof value), f->unit,
            number(f->floor, floor, sizeof floor),
            number(figure_ratio(f), part, sizeof part),
            number(f->peer, peer, sizeof peer), named ? " " : "",
            named ? f->peer_name : "",
            number(figure_peer_ratio(f), times, sizeof times), f->repeats, spread);
}

static char *as_markdown(const struct figures *f) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    const char *device = json_string_value(json_object_get(f->about, "device"));
    fprintf(out, "# pwemoe on %s\n\n", device ? device : "a device");
    write_about(out, f->about);
    for (size_t i = 0; i < f->count; i++) {
        const struct figure *at = &f->list[i], *last = i ? at - 1 : NULL;
        if (!last || strcmp(last->shape, at->shape) != 0 ||
            strcmp(last->precision, at->precision) != 0)
            fprintf(out,
                    "\n## %s%s%s\n\n| figure | value | floor | of the floor | "
                    "peer | times the peer | repeats | spread |\n"
                    "| --- | --- | --- | --- | --- | --- | --- | --- |\n",
                    at->shape, *at->shape ? ", " : "", at->precision);
        write_row(out, at);
    }
    if (json_array_size(f->notes) > 0)
        fprintf(out, "\nLeft out or noted:\n\n");
    for (size_t i = 0; i < json_array_size(f->notes); i++)
        fprintf(out, "- %s\n", json_string_value(json_array_get(f->notes, i)));
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static int write_text(const char *name, const char *ending, const char *text,
                      struct error *error) {
    char *path = text_format("%s%s", name, ending);
    char *draft = text_format("%s%s.new", name, ending);
    int result = -1;
    if (!path || !draft) {
        error_memory(error);
        goto done;
    }
    FILE *file = fopen(draft, "w");
    bool written = file && fputs(text, file) >= 0 && fputc('\n', file) == '\n';
    if (file && fclose(file) != 0)
        written = false;
    if (written && rename(draft, path) == 0) {
        result = 0;
    } else {
        error_set(error, "%s: cannot be written (%s)", path, strerror(errno));
        unlink(draft);
    }
done:
    free(path);
    free(draft);
    return result;
}

int figures_write(const struct figures *f, const char *name, struct error *error) {
    char *json = as_json(f), *markdown = as_markdown(f);
    int result = json && markdown ? 0 : error_memory(error);
    if (result == 0)
        result = write_text(name, ".json", json, error) ||
                         write_text(name, ".md", markdown, error)
                     ? -1
                     : 0;
    free(json);
    free(markdown);
    return result;
}
