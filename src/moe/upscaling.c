#include "moe/upscaling.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static const char *const names[] = {
    [UPSCALE_NONE] = "none",         [UPSCALE_MLP] = "mlp",
    [UPSCALE_ATTN_MLP] = "attn+mlp", [UPSCALE_ALL] = "all",
    [UPSCALE_WHOLE] = "whole",       [UPSCALE_TENSOR] = "tensor",
    [UPSCALE_LINEAR] = "linear"};

const char *granularity_name(enum granularity granularity) {
    return names[granularity];
}

int granularity_parse(const char *text, enum granularity *out, struct error *error) {
    for (size_t i = UPSCALE_MLP; i <= UPSCALE_LINEAR; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum granularity)i;
            return 0;
        }
    }
    return error_set(
        error, "upscale \"%s\" is not one of mlp, attn+mlp, all, whole, tensor, linear",
        text);
}

static bool has_router(enum module_kind kind, enum granularity granularity) {
    if (granularity == UPSCALE_WHOLE)
        return true;
    switch (kind) {
    case MODULE_MLP:
        return granularity >= UPSCALE_MLP;
    case MODULE_ATTENTION:
        return granularity >= UPSCALE_ATTN_MLP;
    case MODULE_PATCH:
    case MODULE_PRE_NORM:
    case MODULE_NORM1:
    case MODULE_NORM2:
    case MODULE_POST_NORM:
        return granularity == UPSCALE_ALL || granularity == UPSCALE_LINEAR;
    case MODULE_EMBEDDING:
    case MODULE_PROJECTION:
    case MODULE_TEXT:
        return false;
    }
    return false;
}

/* From begin on the arena follows a row, up to where the next begins or the end. */
static void add_segment(struct upscaling *u, size_t begin, size_t count, size_t row) {
    struct merge_segment *last =
        u->segment_count ? &u->segments[u->segment_count - 1] : NULL;
    if (last && last->row == row)
        last->count += count;
    else
        u->segments[u->segment_count++] = (struct merge_segment){
            .begin = begin, .count = count, .row = (uint32_t)row};
}

static void steer_modules(struct upscaling *u) {
    const struct layout *layout = u->layout;
    bool whole = u->granularity == UPSCALE_WHOLE;
    for (size_t i = 0; i < layout->module_count; i++) {
        if (!has_router(layout->modules[i].kind, u->granularity))
            continue;
        if (u->modules == 0)
            u->lowest = layout->modules[i].begin;
        if (u->modules == 0 || !whole)
            u->module[u->modules++] = i;
    }
    size_t next = 0;
    u->rows = u->modules + 1;
    for (size_t i = 0; i < layout->module_count; i++) {
        const struct module *module = &layout->modules[i];
        bool routed = next < u->modules && u->module[next] == i;
        bool text =
            !whole && module->kind == MODULE_TEXT && u->granularity != UPSCALE_NONE;
        size_t row = whole ? 0 : routed ? next++ : u->modules + text;
        u->rows += text;
        add_segment(u, module->begin, module->count, row);
    }
}

/* As steer_modules, with two rows for each attention and each MLP. */
static void steer_layers(struct upscaling *u) {
    const struct layout *l = u->layout;
    size_t next = 0, rest = 0;
    bool text = false;
    for (size_t i = 0; i < l->module_count; i++) {
        enum module_kind kind = l->modules[i].kind;
        text = text || kind == MODULE_TEXT;
        if (has_router(kind, UPSCALE_LINEAR))
            rest += kind == MODULE_ATTENTION || kind == MODULE_MLP ? 2 : 1;
    }
    u->modules = rest;
    u->rows = rest + 1 + text;
    for (size_t i = 0; i < l->module_count; i++) {
        const struct module *m = &l->modules[i];
        bool routed = has_router(m->kind, UPSCALE_LINEAR);
        bool two = m->kind == MODULE_ATTENTION || m->kind == MODULE_MLP;
        size_t first = m->count;
        if (two)
            first = (m->kind == MODULE_MLP ? l->blocks[m->block].fc2_weight
                                           : l->blocks[m->block].out_weight) -
                    m->begin;
        if (routed && next == 0)
            u->lowest = m->begin;
        if (routed)
            u->module[next] = i;
        add_segment(u, m->begin, first,
                    routed ? next++ : rest + (m->kind == MODULE_TEXT));
        if (!two)
            continue;
        u->module[next] = i;
        add_segment(u, m->begin + first, m->count - first, next++);
    }
}

static void steer_tensors(struct upscaling *u) {
    const struct layout *layout = u->layout;
    u->lowest = 0;
    u->modules = layout->parameter_count;
    u->rows = u->modules + 1;
    for (size_t i = 0; i < u->modules; i++) {
        size_t begin = layout->parameters[i].offset;
        size_t end =
            i + 1 < u->modules ? layout->parameters[i + 1].offset : layout->size;
        u->module[i] = i;
        add_segment(u, begin, end - begin, i);
    }
}

int upscaling_new(const struct layout *layout, enum granularity granularity,
                  struct upscaling **out, struct error *error) {
    struct upscaling *u = array_new(1, sizeof *u);
    size_t most = 2 * layout->module_count > layout->parameter_count
                      ? 2 * layout->module_count
                      : layout->parameter_count;
    if (!u)
        return error_memory(error);
    u->layout = layout;
    u->granularity = granularity;
    u->lowest = layout->size;
    u->module = array_new(most, sizeof *u->module);
    u->segments = array_new(most, sizeof *u->segments);
    if (!u->module || !u->segments) {
        upscaling_free(u);
        return error_memory(error);
    }
    if (granularity == UPSCALE_TENSOR)
        steer_tensors(u);
    else if (granularity == UPSCALE_LINEAR)
        steer_layers(u);
    else
        steer_modules(u);
    *out = u;
    return 0;
}

void upscaling_free(struct upscaling *upscaling) {
    if (!upscaling)
        return;
    free(upscaling->module);
    free(upscaling->segments);
    free(upscaling);
}

void upscaling_put_text(const struct upscaling *upscaling, const double *preference,
                        size_t tasks, float *weights) {
    for (size_t t = 0; upscaling->rows > upscaling->modules + 1 && t < tasks; t++)
        weights[(upscaling->modules + 1) * tasks + t] = (float)preference[t];
}

char *upscaling_module_name(const struct upscaling *upscaling, size_t module, char *out,
                            size_t size) {
    const struct layout *layout = upscaling->layout;
    size_t index = upscaling->module[module];
    if (upscaling->granularity == UPSCALE_WHOLE)
        snprintf(out, size, "the whole model");
    else if (upscaling->granularity == UPSCALE_TENSOR)
        snprintf(out, size, "%.*s", (int)size - 1,
                 layout_bare_name(layout, layout->parameters[index].name));
    else
        module_name(layout, index, out, size);
    size_t length = strlen(out);
    if (upscaling->granularity == UPSCALE_LINEAR &&
        (layout->modules[index].kind == MODULE_ATTENTION ||
         layout->modules[index].kind == MODULE_MLP))
        snprintf(out + length, size - length, " %s",
                 module && upscaling->module[module - 1] == index ? "out" : "in");
    return out;
}

size_t upscaling_row(const struct upscaling *upscaling, size_t offset) {
    const struct merge_segment *segments = upscaling->segments;
    size_t low = 0, high = upscaling->segment_count;
    while (high - low > 1) { /* the last segment that begins at or before offset */
        size_t middle = low + (high - low) / 2;
        if (segments[middle].begin <= offset)
            low = middle;
        else
            high = middle;
    }
    return segments[low].row;
}
