#include "command/work/message.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* --- bytes ---------------------------------------------------------------------- */

struct message_writer {
    char *bytes;
    size_t size, capacity;
    bool failed; /* memory is out: the rest is passed over */
};

static void put(struct message_writer *w, const void *bytes, size_t size) {
    w->failed =
        w->failed || array_reserve((void **)&w->bytes, &w->capacity, w->size + size, 1);
    if (w->failed || size == 0)
        return;
    memcpy(w->bytes + w->size, bytes, size);
    w->size += size;
}

/* Text or a blob: its length first; NULL is one of no bytes. */
static void put_block(struct message_writer *w, const void *bytes, size_t size) {
    put(w, &size, sizeof size);
    put(w, bytes, bytes ? size : 0);
}

static void put_text(struct message_writer *w, const char *text) {
    put_block(w, text ? text : "", text ? strlen(text) + 1 : 1);
}

static int written(struct message_writer *w, void **bytes, size_t *size,
                   struct error *error) {
    if (w->failed) {
        free(w->bytes);
        return error_memory(error);
    }
    *bytes = w->bytes;
    *size = w->size;
    return 0;
}

struct message_reader {
    const char *at;
    size_t left;
    bool failed;
};

static const void *take(struct message_reader *r, size_t size) {
    if (r->failed || size > r->left) {
        r->failed = true;
        return NULL;
    }
    const char *at = r->at;
    r->at += size;
    r->left -= size;
    return at;
}

static void get(struct message_reader *r, void *value, size_t size) {
    const void *at = take(r, size);
    if (at)
        memcpy(value, at, size);
}

static const void *get_block(struct message_reader *r, size_t *size) {
    *size = 0;
    get(r, size, sizeof *size);
    return take(r, *size);
}

static char *get_text(struct message_reader *r) {
    size_t size;
    const char *text = get_block(r, &size);
    if (!text || size == 0 || text[size - 1] != '\0')
        r->failed = true;
    return r->failed ? NULL : (char *)(uintptr_t)text;
}

static int not_understood(struct error *error) {
    return error_set(error, "a message of another rank is not understood: all have to "
                            "run the same pwemoe");
}

static void put_kind(struct message_writer *w, enum message_kind kind) {
    const unsigned char byte = (unsigned char)kind;
    put(w, &byte, 1);
}

static void check_kind(struct message_reader *r, enum message_kind kind) {
    const unsigned char *byte = take(r, 1);
    r->failed = r->failed || *byte != kind;
}

enum message_kind message_kind(const void *bytes, size_t size) {
    return size ? *(const unsigned char *)bytes : 0;
}

int message_ready(void **bytes, size_t *size, struct error *error) {
    struct message_writer w = {0};
    put_kind(&w, MESSAGE_READY);
    return written(&w, bytes, size, error);
}

/* --- what is to be made --------------------------------------------------------- */

int message_solution(const struct store_solution *s, size_t tasks, void **bytes,
                     size_t *size, struct error *error) {
    struct message_writer w = {0};
    put_kind(&w, MESSAGE_SOLUTION);
    put(&w, &s->kind, sizeof s->kind);
    put(&w, &s->routers, sizeof s->routers);
    put_text(&w, s->method);
    put_text(&w, s->parameters);
    put_text(&w, s->label);
    put_block(&w, s->preference, s->preference ? tasks * sizeof *s->preference : 0);
    return written(&w, bytes, size, error);
}

static char *copy_text(const char *text) {
    return text ? strdup(text) : NULL;
}

/* A block as memory of its own; NULL for one of no bytes, or without memory. */
static void *copy_block(const void *block, size_t size) {
    void *copy = size ? malloc(size) : NULL;
    if (copy)
        memcpy(copy, block, size);
    return copy;
}

int message_solution_read(const void *bytes, size_t size, size_t tasks,
                          struct store_solution *s, struct error *error) {
    struct message_reader r = {.at = bytes, .left = size};
    *s = (struct store_solution){0};
    check_kind(&r, MESSAGE_SOLUTION);
    get(&r, &s->kind, sizeof s->kind);
    get(&r, &s->routers, sizeof s->routers);
    const char *method = get_text(&r), *parameters = get_text(&r),
               *label = get_text(&r);
    const void *preference = get_block(&r, &size);
    if (r.failed || r.left || (size && size != tasks * sizeof *s->preference))
        return not_understood(error);
    s->method = copy_text(method);
    s->parameters = copy_text(parameters);
    s->label = copy_text(label);
    s->preference = copy_block(preference, size);
    if (s->method && s->parameters && s->label && !s->preference == !size)
        return 0;
    store_solution_clear(s);
    return error_memory(error);
}

int message_layers(const struct message_layers *l, size_t tasks, void **bytes,
                   size_t *size, struct error *error) {
    struct message_writer w = {0};
    put_kind(&w, MESSAGE_LAYERS);
    put_text(&w, l->method);
    put_text(&w, l->parameters);
    put_block(&w, l->preference, l->preference ? tasks * sizeof *l->preference : 0);
    put_block(&w, l->indices, l->count * sizeof *l->indices);
    return written(&w, bytes, size, error);
}

void message_layers_clear(struct message_layers *l) {
    free(l->method);
    free(l->parameters);
    free(l->preference);
    free(l->indices);
    *l = (struct message_layers){0};
}

int message_layers_read(const void *bytes, size_t size, size_t tasks,
                        struct message_layers *l, struct error *error) {
    struct message_reader r = {.at = bytes, .left = size};
    size_t wide, list;
    *l = (struct message_layers){0};
    check_kind(&r, MESSAGE_LAYERS);
    const char *method = get_text(&r), *parameters = get_text(&r);
    const void *preference = get_block(&r, &wide);
    const void *indices = get_block(&r, &list);
    if (r.failed || r.left || (wide && wide != tasks * sizeof *l->preference) ||
        list == 0 || list % sizeof *l->indices)
        return not_understood(error);
    l->count = list / sizeof *l->indices;
    l->method = copy_text(method);
    l->parameters = copy_text(parameters);
    l->preference = copy_block(preference, wide);
    l->indices = copy_block(indices, list);
    if (l->method && l->parameters && !l->preference == !wide && l->indices)
        return 0;
    message_layers_clear(l);
    return error_memory(error);
}

/* --- what came of it ------------------------------------------------------------ */

int message_figures(const struct store_solution *s, const struct store_evaluation *v,
                    size_t tasks, void **bytes, size_t *size, struct error *error) {
    struct message_writer w = {0};
    put(&w, s->model_sha256, sizeof s->model_sha256);
    put(&w, &s->seconds, sizeof s->seconds);
    put(&w, &s->peak_bytes, sizeof s->peak_bytes);
    for (size_t t = 0; t < tasks; t++) {
        put(&w, &v[t], sizeof v[t]); /* its pointers mean nothing there */
        put_text(&w, v[t].split);
        put_block(&w, v[t].correct, v[t].correct ? v[t].correct_size : 0);
    }
    return written(&w, bytes, size, error);
}

int message_figures_read(const void *bytes, size_t size, size_t tasks,
                         struct store_solution *s, struct store_evaluation *v,
                         struct error *error) {
    struct message_reader r = {.at = bytes, .left = size};
    get(&r, s->model_sha256, sizeof s->model_sha256);
    get(&r, &s->seconds, sizeof s->seconds);
    get(&r, &s->peak_bytes, sizeof s->peak_bytes);
    for (size_t t = 0; t < tasks; t++) {
        get(&r, &v[t], sizeof v[t]);
        v[t].split = get_text(&r);
        v[t].correct = (void *)(uintptr_t)get_block(&r, &v[t].correct_size);
        if (v[t].correct_size == 0)
            v[t].correct = NULL;
    }
    s->model_sha256[sizeof s->model_sha256 - 1] = '\0';
    return r.failed || r.left ? not_understood(error) : 0;
}
