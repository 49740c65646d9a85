#include "results/series.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* What merging methods and baselines are called and look like, where it is not their
 * own name and the next spare mark. */
static const struct {
    const char *method, *name;
    enum mark mark;
    unsigned ink;
} methods[] = {
    {"pretrained", "pretrained", MARK_PRETRAINED, INK_SERIES + 5},
    {"stl", "STL, own experts", MARK_STL, INK_SERIES + 0},
    {"average", "simple average", MARK_AVERAGE, INK_SERIES + 2},
    {"task-arithmetic", "task arithmetic", MARK_ARITHMETIC, INK_SERIES + 1},
    {"ties", "TIES", MARK_TIES, INK_SERIES + 3},
    {"fisher", "Fisher merging", MARK_FISHER, INK_SERIES + 4},
    {"regmean", "RegMean", MARK_REGMEAN, INK_SERIES + 0},
};

/* What a mark that is taken gives way to, one after the other: those that answer
 * preferences have marks of their own first, as they are many points each. After so
 * many only the colour is another. */
enum { SPARE_LOOKS = SPARE_MARKS * SERIES_INKS };

static void take_spare(struct series *series, unsigned n) {
    if (series->answers && n < ANSWER_MARKS) {
        series->mark = (enum mark)(MARK_ANSWER + n);
        series->ink = (enum ink)(INK_SERIES + (2 + n) % SERIES_INKS);
        return;
    }
    unsigned mark = n % SPARE_MARKS, ink = (2 + mark + n / SPARE_MARKS) % SERIES_INKS;
    series->mark = (enum mark)(MARK_SPARE + mark);
    series->ink = (enum ink)(INK_SERIES + ink);
}

static void describe_method(const struct store_solution *solution,
                            struct series *series) {
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (store_method_is(solution->method, methods[i].method)) {
            series->mark = methods[i].mark;
            series->ink = (enum ink)methods[i].ink;
            snprintf(series->name, sizeof series->name, "%s", methods[i].name);
            return;
        }
    take_spare(series, 0);
    snprintf(series->name, sizeof series->name, "%s", TEXT_CUT(solution->method, 50));
}

/* base: the merging method of a surrogate, or "". */
static void trained_name(const char *method, const char *upscale, const char *base,
                         char *out, size_t size) {
    switch (store_trains(upscale)) {
    case STORE_TRAINS_MODEL:
        snprintf(out, size, "trained whole, %s", TEXT_CUT(method, 50));
        return;
    case STORE_TRAINS_CORRECTION:
        snprintf(out, size, "correction %s", TEXT_CUT(method, 50));
        return;
    case STORE_TRAINS_SURROGATE:
        snprintf(out, size, "surrogate %s%s%s", TEXT_CUT(method, 30),
                 *base ? " of " : "", TEXT_CUT(base, 30));
        return;
    case STORE_TRAINS_ROUTERS:
        snprintf(out, size, "routers %s %s", TEXT_CUT(method, 30),
                 TEXT_CUT(upscale, 30));
    }
}

/* FNV-1a. */
static uint64_t number_of(const char *text) {
    uint64_t hash = 14695981039346656037u;
    for (const char *c = text; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    return hash;
}

/* What a method is in a key: methods of imported rows may be longer than there is room,
 * and a number stands for what is left out. */
static char *method_key(const char *method, char out[32]) {
    if (strnlen(method, 32) < 32)
        snprintf(out, 32, "%s", method);
    else
        snprintf(out, 32, "%.14s~%016llx", method,
                 (unsigned long long)number_of(method));
    return out;
}

/* The series of a row by itself: no other series is there whose mark it would share. */
static void series_describe(const struct store_row *row, struct series *series) {
    const struct store_solution *solution = &row->solution;
    enum store_kind kind = solution->kind;
    bool routers = solution->routers || kind == STORE_KIND_PWEMOE;
    bool merged = store_kind_merged(kind);
    bool answers = routers || (merged && solution->preference);
    char method[32];
    *series = (struct series){.merged = merged, .answers = answers};
    snprintf(series->key, sizeof series->key, "%.20s %s %.30s%s%.30s%s",
             store_kind_name(kind), method_key(solution->method, method), row->upscale,
             *row->base ? " " : "", row->base, answers ? " preference" : "");
    if (routers) {
        series->mark = MARK_FRONT;
        series->ink = INK_FRONT;
        trained_name(solution->method, row->upscale, row->base, series->name,
                     sizeof series->name);
    } else if (kind == STORE_KIND_TRAIN) {
        series->mark = MARK_TRAINED;
        series->ink = INK_SERIES + 5;
        trained_name(solution->method, "", "", series->name, sizeof series->name);
    } else if (kind == STORE_KIND_IMPORT) {
        series->mark = MARK_OTHER;
        series->ink = INK_SERIES + 5;
        snprintf(series->name, sizeof series->name, "%s (imported)",
                 TEXT_CUT(solution->method, 50));
    } else {
        describe_method(solution, series);
        series->several = store_method_role(solution->method) == STORE_ROLE_EXPERTS;
    }
    if (answers && !routers)
        strcat(series->name, " by preference");
}

/* Do both rows belong to the same series? Quicker than to describe them. */
static bool series_same(const struct store_row *a, const struct store_row *b) {
    return a->solution.kind == b->solution.kind &&
           store_method_is(a->solution.method, b->solution.method) &&
           store_upscale_is(a->upscale, b->upscale) &&
           store_method_is(a->base, b->base) &&
           !a->solution.routers == !b->solution.routers &&
           !a->solution.preference == !b->solution.preference;
}

/* --- all of a file --------------------------------------------------------------- */

/* A file may have as many series as rows: none is looked for among all of them. */
struct found {
    struct series *list;
    size_t count, capacity;
    /* Places of a hash table by key, a power of two: a series' number and 1, or 0. */
    size_t *places, size;
    bool marks[MARK_COUNT], looks[MARK_COUNT][INK_COUNT]; /* taken */
};

static void found_clear(struct found *found) {
    free(found->list);
    free(found->places);
}

/* Where in the table a series with this key is, or would be. */
static size_t *place_of(const struct found *found, const char *key) {
    size_t at = (size_t)number_of(key) & (found->size - 1);
    while (found->places[at] && strcmp(found->list[found->places[at] - 1].key, key))
        at = (at + 1) & (found->size - 1);
    return &found->places[at];
}

/* Room for one more, half of the table empty at least. */
static int found_reserve(struct found *found) {
    if (array_reserve((void **)&found->list, &found->capacity, found->count + 1,
                      sizeof *found->list))
        return -1;
    if (2 * (found->count + 1) <= found->size)
        return 0;
    size_t *before = found->places, size = found->size ? 2 * found->size : 64;
    size_t *places = array_new(size, sizeof *places);
    if (!places)
        return -1;
    found->places = places;
    found->size = size;
    for (size_t i = 0; i < found->count; i++)
        *place_of(found, found->list[i].key) = i + 1;
    free(before);
    return 0;
}

static bool is_taken(const struct found *found, const struct series *look,
                     bool ink_too) {
    return ink_too ? found->looks[look->mark][look->ink] : found->marks[look->mark];
}

/* A look of its own for a series that is not yet among those found. */
static void tell_apart(struct found *found, struct series *series) {
    bool taken = is_taken(found, series, false);
    for (unsigned n = 0; taken && n < SPARE_LOOKS; n++) {
        take_spare(series, n);
        taken = is_taken(found, series, n >= SPARE_MARKS);
    }
    found->marks[series->mark] = found->looks[series->mark][series->ink] = true;
}

struct listed {
    struct series series;
    size_t place; /* before they were sorted */
};

static int order_listed(const void *a, const void *b) {
    const struct series *x = &((const struct listed *)a)->series;
    const struct series *y = &((const struct listed *)b)->series;
    if (x->answers != y->answers)
        return x->answers ? -1 : 1;
    if (x->mark != y->mark)
        return x->mark < y->mark ? -1 : 1;
    return strcmp(x->key, y->key);
}

/* The number of the row's series, which is made where it is the first; SIZE_MAX where
 * memory is out. */
static size_t find(struct found *found, const struct store_row *row) {
    struct series series;
    series_describe(row, &series);
    if (found_reserve(found))
        return SIZE_MAX;
    size_t *place = place_of(found, series.key);
    if (*place)
        return *place - 1;
    tell_apart(found, &series);
    found->list[found->count] = series;
    *place = ++found->count;
    return found->count - 1;
}

/* In the order of a legend: those to walk over first. */
static int sort(struct series *list, size_t count, size_t *place, size_t rows) {
    struct listed *listed = array_new(count, sizeof *listed);
    size_t *moved = array_new(count, sizeof *moved);
    if (listed && moved) {
        for (size_t i = 0; i < count; i++)
            listed[i] = (struct listed){list[i], i};
        if (count)
            qsort(listed, count, sizeof *listed, order_listed);
        for (size_t i = 0; i < count; i++) {
            list[i] = listed[i].series;
            moved[listed[i].place] = i;
        }
        for (size_t i = 0; i < rows; i++)
            place[i] = moved[place[i]];
    }
    int result = listed && moved ? 0 : -1;
    free(listed);
    free(moved);
    return result;
}

int series_list(const struct store_row *rows, size_t count, size_t *place,
                struct series **series, size_t *series_count) {
    struct found found = {0};
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        place[i] = i && series_same(&rows[i], &rows[i - 1]) ? place[i - 1]
                                                            : find(&found, &rows[i]);
        if (place[i] == SIZE_MAX)
            result = -1;
        else
            found.list[place[i]].count++;
    }
    if (result == 0)
        result = sort(found.list, found.count, place, count);
    if (result) {
        found_clear(&found);
        return -1;
    }
    free(found.places);
    *series = found.list;
    *series_count = found.count;
    return 0;
}

/* --- runs ------------------------------------------------------------------------- */

char *series_run_name(const struct store_run *run) {
    long long id = (long long)run->id;
    char trained[96];
    bool whole = store_trains(run->upscale) == STORE_TRAINS_MODEL;
    bool surrogate = store_trains(run->upscale) == STORE_TRAINS_SURROGATE;
    json_t *object = whole || surrogate ? json_loads(run->parameters, 0, NULL) : NULL;
    const char *task = json_string_value(json_object_get(object, "task"));
    const char *base = json_string_value(json_object_get(object, "base"));
    trained_name(run->method, run->upscale, surrogate && base ? base : "", trained,
                 sizeof trained);
    char *name = whole && task ? text_format("STL for %s (run %lld)", task, id)
                               : text_format("%s (run %lld)", trained, id);
    json_decref(object);
    return name;
}
