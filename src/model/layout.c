#include "model/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/layout_naming.h"

/* A layout while it is laid out. `failed` is set when memory is out. */
struct builder {
    struct layout *layout;
    const struct naming *naming;
    const char *prefix;
    size_t capacity, module_capacity;
    unsigned scale_rank; /* of the checkpoint's logit_scale: 0, or 1 for [1] */
    bool failed;
};

static void begin_module(struct builder *b, enum module_kind kind, size_t block) {
    struct layout *l = b->layout;
    if (b->failed || array_reserve((void **)&l->modules, &b->module_capacity,
                                   l->module_count + 1, sizeof *l->modules)) {
        b->failed = true;
        return;
    }
    l->modules[l->module_count++] =
        (struct module){.kind = kind, .block = block, .begin = l->size};
}

static void align(struct builder *b) {
    struct layout *l = b->layout;
    l->size = (l->size + LAYOUT_ALIGN - 1) / LAYOUT_ALIGN * LAYOUT_ALIGN;
    if (l->module_count) {
        struct module *module = &l->modules[l->module_count - 1];
        module->count = l->size - module->begin;
    }
}

/* Adds a parameter where the arena ends; the shape ends at the first 0. Sizes
 * cannot overflow: config.c bounds each dimension. */
static size_t place(struct builder *b, const char *prefix, const char *name,
                    const uint64_t shape[4]) {
    struct layout *l = b->layout;
    if (b->failed || array_reserve((void **)&l->parameters, &b->capacity,
                                   l->parameter_count + 1, sizeof *l->parameters)) {
        b->failed = true;
        return 0;
    }
    struct parameter *p = &l->parameters[l->parameter_count];
    *p = (struct parameter){
        .module = l->module_count - 1, .offset = l->size, .count = 1};
    p->name = text_format("%s%s", prefix, name);
    if (!p->name) {
        b->failed = true;
        return 0;
    }
    while (p->rank < 4 && shape[p->rank]) {
        p->shape[p->rank] = shape[p->rank];
        p->count *= (size_t)shape[p->rank];
        p->rank++;
    }
    l->parameter_count++;
    l->size += p->count;
    return p->offset;
}

#define SHAPE(...) ((const uint64_t[4]){__VA_ARGS__})

static size_t place_aligned(struct builder *b, const char *name,
                            const uint64_t shape[4]) {
    align(b);
    size_t offset = place(b, b->prefix, name, shape);
    align(b);
    return offset;
}

static size_t place_block(struct builder *b, size_t block, const char *part,
                          const char *kind, const uint64_t shape[4]) {
    char name[160];
    snprintf(name, sizeof name, "%s%zu.%s.%s", b->naming->block, block, part, kind);
    return place(b, b->prefix, name, shape);
}

static void place_norm(struct builder *b, const char *name, size_t *gamma,
                       size_t *beta) {
    size_t width = b->layout->config.width;
    char full[176];
    snprintf(full, sizeof full, "%s.weight", name);
    *gamma = place_aligned(b, full, SHAPE(width));
    snprintf(full, sizeof full, "%s.bias", name);
    *beta = place_aligned(b, full, SHAPE(width));
}

static void place_linear(struct builder *b, size_t block, const char *part,
                         size_t outputs, size_t inputs, size_t *weight, size_t *bias) {
    bool conv1d = b->layout->config.conv1d;
    align(b);
    *weight = place_block(b, block, part, "weight",
                          conv1d ? SHAPE(inputs, outputs) : SHAPE(outputs, inputs));
    align(b);
    *bias = place_block(b, block, part, "bias", SHAPE(outputs));
    align(b);
}

static void place_attention(struct builder *b, size_t block, struct block_offsets *o) {
    const struct model_config *c = &b->layout->config;
    const char *parts[] = {b->naming->query, b->naming->key, b->naming->value};
    if (b->naming->qkv) {
        place_linear(b, block, b->naming->qkv, 3 * c->width, c->width, &o->qkv_weight,
                     &o->qkv_bias);
        place_linear(b, block, b->naming->out, c->width, c->width, &o->out_weight,
                     &o->out_bias);
        return;
    }
    align(b);
    for (int i = 0; i < 3; i++) {
        size_t at =
            place_block(b, block, parts[i], "weight", SHAPE(c->width, c->width));
        if (i == 0)
            o->qkv_weight = at;
    }
    align(b);
    o->qkv_bias = b->layout->size;
    if (c->qkv_bias) {
        for (int i = 0; i < 3; i++)
            place_block(b, block, parts[i], "bias", SHAPE(c->width));
    } else {
        b->layout->size += 3 * c->width; /* zeros, so that the core needs no case */
    }
    place_linear(b, block, b->naming->out, c->width, c->width, &o->out_weight,
                 &o->out_bias);
}

static void place_all(struct builder *b) {
    struct layout *l = b->layout;
    const struct model_config *c = &l->config;
    const struct naming *n = b->naming;
    bool vit = c->kind == MODEL_VIT;
    size_t tokens = model_config_tokens(c);

    begin_module(b, MODULE_EMBEDDING, 0);
    if (n->class_vector)
        l->class_vector = place_aligned(b, n->class_vector,
                                        vit ? SHAPE(1, 1, c->width) : SHAPE(c->width));
    if (n->tokens)
        l->tokens = place_aligned(b, n->tokens, SHAPE(c->vocabulary, c->width));
    l->position = place_aligned(
        b, n->position, vit ? SHAPE(1, tokens, c->width) : SHAPE(tokens, c->width));
    if (n->patch_weight) {
        begin_module(b, MODULE_PATCH, 0);
        l->patch_weight =
            place_aligned(b, n->patch_weight,
                          SHAPE(c->width, c->channels, c->patch_size, c->patch_size));
    }
    if (c->patch_bias)
        l->patch_bias = place_aligned(b, n->patch_bias, SHAPE(c->width));
    if (c->pre_norm) {
        begin_module(b, MODULE_PRE_NORM, 0);
        place_norm(b, n->pre_norm, &l->pre_gamma, &l->pre_beta);
    }
    for (size_t i = 0; i < c->layers && !b->failed; i++) {
        struct block_offsets *o = &l->blocks[i];
        char name[160];
        begin_module(b, MODULE_NORM1, i);
        snprintf(name, sizeof name, "%s%zu.%s", n->block, i, n->norm1);
        place_norm(b, name, &o->norm1_gamma, &o->norm1_beta);
        begin_module(b, MODULE_ATTENTION, i);
        place_attention(b, i, o);
        begin_module(b, MODULE_NORM2, i);
        snprintf(name, sizeof name, "%s%zu.%s", n->block, i, n->norm2);
        place_norm(b, name, &o->norm2_gamma, &o->norm2_beta);
        begin_module(b, MODULE_MLP, i);
        place_linear(b, i, n->fc1, c->mlp_width, c->width, &o->fc1_weight,
                     &o->fc1_bias);
        place_linear(b, i, n->fc2, c->width, c->mlp_width, &o->fc2_weight,
                     &o->fc2_bias);
    }
    begin_module(b, MODULE_POST_NORM, 0);
    place_norm(b, n->post_norm, &l->post_gamma, &l->post_beta);
    if (c->projection) {
        /* Outside the tower: never prefixed. */
        begin_module(b, MODULE_PROJECTION, 0);
        l->projection = place(b, "", n->projection, SHAPE(c->projection, c->width));
        if (!b->failed)
            l->parameters[l->parameter_count - 1].optional = true;
        align(b);
    }
    if (c->kind == MODEL_CLIP_TEXT) {
        l->scale = place(b, "", "logit_scale", b->scale_rank ? SHAPE(1) : SHAPE(0));
        align(b);
    }
}

/* The prefix under which the directory has the model's tensors. */
static const char *find_prefix(const struct naming *naming,
                               const struct model_directory *directory) {
    for (int i = 0; directory && naming->prefixes[i]; i++) {
        char name[160];
        snprintf(name, sizeof name, "%s%s", naming->prefixes[i],
                 naming->class_vector ? naming->class_vector : naming->position);
        if (model_directory_find(directory, name))
            return naming->prefixes[i];
    }
    return naming->prefixes[0];
}

static bool is_scale_vector(const struct model_directory *directory) {
    const struct tensor *tensor =
        directory ? model_directory_find(directory, "logit_scale") : NULL;
    return tensor && tensor->rank == 1 && tensor->count == 1;
}

/* The text tower's arena behind the vision tower's, as one module; each of its
 * parameters may be lacking where all are. */
static int add_text(struct builder *b, const struct model_directory *pretrained,
                    struct error *error) {
    struct layout *l = b->layout;
    struct model_config config;
    if (model_config_read_text(model_directory_config(pretrained),
                               model_directory_path(pretrained), &config, error) ||
        layout_new(&config, pretrained, &l->text, error))
        return -1;
    begin_module(b, MODULE_TEXT, 0);
    for (size_t i = 0; i < l->text->parameter_count && !b->failed; i++) {
        const struct parameter *p = &l->text->parameters[i];
        l->size = l->text_begin + p->offset;
        place(b, "", p->name, p->shape);
        if (!b->failed)
            l->parameters[l->parameter_count - 1].optional = true;
    }
    l->size = l->text_begin + l->text->size;
    align(b);
    return b->failed ? error_memory(error) : 0;
}

int layout_new(const struct model_config *config,
               const struct model_directory *pretrained, struct layout **layout,
               struct error *error) {
    struct layout *l = array_new(1, sizeof *l);
    if (!l)
        return error_memory(error);
    l->config = *config;
    l->blocks = array_new(config->layers, sizeof *l->blocks);
    struct builder b = {.layout = l,
                        .naming = naming_of(config->kind),
                        .scale_rank = is_scale_vector(pretrained)};
    b.prefix = find_prefix(b.naming, pretrained);
    b.failed = !l->blocks;
    if (!b.failed)
        place_all(&b);
    l->text_begin = l->size;
    l->text_parameter = l->parameter_count;
    int result = b.failed ? error_memory(error) : 0;
    if (result == 0 && config->both_towers)
        result = add_text(&b, pretrained, error);
    if (result) {
        layout_free(l);
        return -1;
    }
    *layout = l;
    return 0;
}

void layout_free(struct layout *layout) {
    if (!layout)
        return;
    layout_free(layout->text);
    for (size_t i = 0; i < layout->parameter_count; i++)
        free(layout->parameters[i].name);
    free(layout->parameters);
    free(layout->modules);
    free(layout->blocks);
    free(layout);
}

const char *module_kind_name(enum module_kind kind) {
    static const char *const names[] = {[MODULE_EMBEDDING] = "embedding",
                                        [MODULE_PATCH] = "patch embedding",
                                        [MODULE_PRE_NORM] = "pre norm",
                                        [MODULE_NORM1] = "norm 1",
                                        [MODULE_ATTENTION] = "attention",
                                        [MODULE_NORM2] = "norm 2",
                                        [MODULE_MLP] = "mlp",
                                        [MODULE_POST_NORM] = "post norm",
                                        [MODULE_PROJECTION] = "projection",
                                        [MODULE_TEXT] = "text tower"};
    return names[kind];
}

char *module_name(const struct layout *layout, size_t module, char *out, size_t size) {
    const struct module *m = &layout->modules[module];
    if (module_in_block(m->kind))
        snprintf(out, size, "block %zu %s", m->block, module_kind_name(m->kind));
    else
        snprintf(out, size, "%s", module_kind_name(m->kind));
    return out;
}
