#include "moe/upscaling.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static const char *const names[] = {[UPSCALE_NONE] = "none",
                                    [UPSCALE_MLP] = "mlp",
                                    [UPSCALE_ATTN_MLP] = "attn+mlp",
                                    [UPSCALE_ALL] = "all"};

const char *granularity_name(enum granularity granularity) {
    return names[granularity];
}

int granularity_parse(const char *text, enum granularity *out, struct error *error) {
    for (size_t i = UPSCALE_MLP; i <= UPSCALE_ALL; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum granularity)i;
            return 0;
        }
    }
    return error_set(error, "upscale \"%s\" is not one of mlp, attn+mlp, all", text);
}

static bool has_router(enum module_kind kind, enum granularity granularity) {
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
        return granularity == UPSCALE_ALL;
    case MODULE_EMBEDDING:
    case MODULE_PROJECTION:
    case MODULE_TEXT:
        return false;
    }
    return false;
}

int upscaling_new(const struct layout *layout, enum granularity granularity,
                  struct upscaling **out, struct error *error) {
    struct upscaling *u = array_new(1, sizeof *u);
    if (!u)
        return error_memory(error);
    u->layout = layout;
    u->granularity = granularity;
    u->lowest = layout->size;
    u->module = array_new(layout->module_count, sizeof *u->module);
    u->row_of_module = array_new(layout->module_count, sizeof *u->row_of_module);
    u->segments = array_new(layout->module_count, sizeof *u->segments);
    if (!u->module || !u->row_of_module || !u->segments) {
        upscaling_free(u);
        return error_memory(error);
    }
    for (size_t i = 0; i < layout->module_count; i++) {
        if (!has_router(layout->modules[i].kind, granularity))
            continue;
        if (u->modules == 0)
            u->lowest = layout->modules[i].begin;
        u->module[u->modules++] = i;
    }
    size_t next = 0;
    u->rows = u->modules + 1;
    for (size_t i = 0; i < layout->module_count; i++) {
        const struct module *module = &layout->modules[i];
        bool routed = next < u->modules && u->module[next] == i;
        bool text = module->kind == MODULE_TEXT && granularity != UPSCALE_NONE;
        size_t row = routed ? next++ : u->modules + text;
        u->rows += text;
        u->row_of_module[i] = row;
        struct merge_segment *last =
            u->segment_count ? &u->segments[u->segment_count - 1] : NULL;
        if (last && last->row == row)
            last->count += module->count;
        else
            u->segments[u->segment_count++] = (struct merge_segment){
                .begin = module->begin, .count = module->count, .row = (uint32_t)row};
    }
    *out = u;
    return 0;
}

void upscaling_free(struct upscaling *upscaling) {
    if (!upscaling)
        return;
    free(upscaling->module);
    free(upscaling->row_of_module);
    free(upscaling->segments);
    free(upscaling);
}

void upscaling_put_text(const struct upscaling *upscaling, const double *preference,
                        size_t tasks, float *weights) {
    for (size_t t = 0; upscaling->rows > upscaling->modules + 1 && t < tasks; t++)
        weights[(upscaling->modules + 1) * tasks + t] = (float)preference[t];
}

size_t upscaling_row(const struct upscaling *upscaling, size_t offset) {
    const struct layout *layout = upscaling->layout;
    size_t low = 0, high = layout->module_count;
    while (high - low > 1) { /* the last module that begins at or before offset */
        size_t middle = low + (high - low) / 2;
        if (layout->modules[middle].begin <= offset)
            low = middle;
        else
            high = middle;
    }
    return upscaling->row_of_module[low];
}
