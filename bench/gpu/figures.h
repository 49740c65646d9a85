/* What was measured on a device, and its two files: JSON and a table in Markdown. */
#ifndef PWEMOE_BENCH_GPU_FIGURES_H
#define PWEMOE_BENCH_GPU_FIGURES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* What is not known is NaN. */
struct figure {
    const char *shape;     /* "vit-b32"; "" for what is no model's */
    const char *precision; /* "f32", "bf16" */
    char name[64];
    double value;
    const char *unit;
    bool more_is_better; /* a rate rather than a time or a size */
    double floor;        /* the least time, or the greatest rate, that there can be */
    const char *floor_unit;
    double peer;           /* its value, in the same unit */
    const char *peer_name; /* NULL: PyTorch */
    size_t repeats;
    double spread; /* between the quartiles, as a part of value */
};

struct figures {
    size_t count, capacity;
    struct figure *list;
    json_t *about; /* an object: device, driver, commit, ... */
    json_t *notes; /* an array of what was left out and why */
};

int figures_begin(struct figures *figures, struct error *error);
void figures_end(struct figures *figures);

/* Names are copied as far as they fit; shape, precision and units are not copied. */
int figures_add(struct figures *figures, const struct figure *figure,
                struct error *error);
void figures_note(struct figures *figures, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* How near the floor the value is: 1 is there, and above 1 is what lay in a cache. */
double figure_ratio(const struct figure *figure);
/* How many times as fast as the peer. */
double figure_peer_ratio(const struct figure *figure);

/* One line for a terminal, without the newline. Returns out. */
char *figure_line(const struct figure *figure, char *out, size_t size);

/* Writes NAME.json and NAME.md, each whole or not at all. */
int figures_write(const struct figures *figures, const char *name, struct error *error);

#endif
