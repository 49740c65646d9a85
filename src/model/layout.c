#include "model/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Names of a model's tensors; %zu stands for the block. */
struct naming {
    const char *prefixes[3]; /* that checkpoints are seen with, "" last */
    /* NULL: the model has none */
    const char *class_vector, *patch_weight, *patch_bias, *tokens, *position;
    const char *pre_norm, *post_norm, *projection;
    const char *block; /* what precedes a block's names */
    const char *norm1, *norm2, *out, *fc1, *fc2;
    const char *query, *key, *value; /* or the three as one: */
    const char *qkv;
};

static const struct naming clip_naming = {
    .prefixes = {"vision_model.", "", NULL},
    .class_vector = "embeddings.class_embedding",
    .patch_weight = "embeddings.patch_embedding.weight",
    .position = "embeddings.position_embedding.weight",
    .pre_norm = "pre_layrnorm",
    .post_norm = "post_layernorm",
    .projection = "visual_projection.weight",
    .block = "encoder.layers.",
    .norm1 = "layer_norm1",
    .norm2 = "layer_norm2",
    .query = "self_attn.q_proj",
    .key = "self_attn.k_proj",
    .value = "self_attn.v_proj",
    .out = "self_attn.out_proj",
    .fc1 = "mlp.fc1",
    .fc2 = "mlp.fc2"};

static const struct naming vit_naming = {
    .prefixes = {"vit.", "", NULL},
    .class_vector = "embeddings.cls_token",
    .patch_weight = "embeddings.patch_embeddings.projection.weight",
    .patch_bias = "embeddings.patch_embeddings.projection.bias",
    .position = "embeddings.position_embeddings",
    .post_norm = "layernorm",
    .block = "encoder.layer.",
    .norm1 = "layernorm_before",
    .norm2 = "layernorm_after",
    .query = "attention.attention.query",
    .key = "attention.attention.key",
    .value = "attention.attention.value",
    .out = "attention.output.dense",
    .fc1 = "intermediate.dense",
    .fc2 = "output.dense"};

static const struct naming clip_text_naming = {
    .prefixes = {"text_model.", NULL},
    .position = "embeddings.position_embedding.weight",
    .post_norm = "final_layer_norm",
    .projection = "text_projection.weight",
    .block = "encoder.layers.",
    .norm1 = "layer_norm1",
    .norm2 = "layer_norm2",
    .query = "self_attn.q_proj",
    .key = "self_attn.k_proj",
    .value = "self_attn.v_proj",
    .out = "self_attn.out_proj",
    .fc1 = "mlp.fc1",
    .fc2 = "mlp.fc2"};

static const struct naming gpt2_naming = {.prefixes = {"transformer.", "", NULL},
                                          .tokens = "wte.weight",
                                          .position = "wpe.weight",
                                          .post_norm = "ln_f",
                                          .block = "h.",
                                          .norm1 = "ln_1",
                                          .norm2 = "ln_2",
                                          .qkv = "attn.c_attn",
                                          .out = "attn.c_proj",
                                          .fc1 = "mlp.c_fc",
                                          .fc2 = "mlp.c_proj"};

static const struct naming *naming_of(enum model_kind kind) {
    static const struct naming *const namings[] = {[MODEL_CLIP_VISION] = &clip_naming,
                                                   [MODEL_VIT] = &vit_naming,
                                                   [MODEL_GPT2] = &gpt2_naming,
                                                   [MODEL_CLIP_TEXT] =
                                                       &clip_text_naming};
    return namings[kind];
}

/* A layout while it is laid out. `failed` is set when memory is out. */
struct builder {
    struct layout *layout;
    const struct naming *naming;
    const char *prefix;
    size_t capacity, module_capacity;
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
    char full[160];
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

int layout_new(const struct model_config *config,
               const struct model_directory *pretrained, struct layout **layout,
               struct error *error) {
    struct layout *l = array_new(1, sizeof *l);
    if (!l)
        return error_memory(error);
    l->config = *config;
    l->blocks = array_new(config->layers, sizeof *l->blocks);
    struct builder b = {.layout = l, .naming = naming_of(config->kind)};
    b.prefix = find_prefix(b.naming, pretrained);
    b.failed = !l->blocks;
    if (!b.failed)
        place_all(&b);
    if (b.failed) {
        layout_free(l);
        return error_memory(error);
    }
    *layout = l;
    return 0;
}

void layout_free(struct layout *layout) {
    if (!layout)
        return;
    for (size_t i = 0; i < layout->parameter_count; i++)
        free(layout->parameters[i].name);
    free(layout->parameters);
    free(layout->modules);
    free(layout->blocks);
    free(layout);
}

const char *layout_bare_name(const struct layout *layout, const char *name) {
    const struct naming *naming = naming_of(layout->config.kind);
    for (int i = 0; naming->prefixes[i]; i++) {
        size_t length = strlen(naming->prefixes[i]);
        if (length && strncmp(name, naming->prefixes[i], length) == 0)
            return name + length;
    }
    return name;
}

/* A tensor by its name, whichever prefix this checkpoint has. */
static const struct tensor *find_tensor(const struct layout *layout,
                                        const struct model_directory *directory,
                                        const char *name) {
    const struct tensor *tensor = model_directory_find(directory, name);
    const struct naming *naming = naming_of(layout->config.kind);
    const char *bare = layout_bare_name(layout, name);
    for (int i = 0; !tensor && naming->prefixes[i]; i++) {
        char other[256];
        snprintf(other, sizeof other, "%s%s", naming->prefixes[i], bare);
        tensor = model_directory_find(directory, other);
    }
    return tensor;
}

static bool same_shape(const struct parameter *parameter, const struct tensor *tensor) {
    return tensor->rank == parameter->rank &&
           memcmp(tensor->shape, parameter->shape,
                  parameter->rank * sizeof *parameter->shape) == 0;
}

static char *parameter_shape_text(const struct parameter *parameter, char *out,
                                  size_t size) {
    struct tensor tensor = {.rank = parameter->rank};
    memcpy(tensor.shape, parameter->shape, sizeof parameter->shape);
    return tensor_shape_text(&tensor, out, size);
}

/* What is wrong with a tensor in a parameter's place, or NULL; text is scratch. */
static const char *complaint(const struct parameter *parameter,
                             const struct tensor *tensor, char *text, size_t size) {
    if (!tensor) {
        if (parameter->optional)
            return NULL;
        snprintf(text, size, "%s is missing", parameter->name);
        return text;
    }
    if (!same_shape(parameter, tensor)) {
        char has[96], wants[96];
        snprintf(text, size, "%s is %s, the pretrained model's is %s", tensor->name,
                 tensor_shape_text(tensor, has, sizeof has),
                 parameter_shape_text(parameter, wants, sizeof wants));
        return text;
    }
    if (tensor->dtype != DTYPE_F64 && tensor->dtype != DTYPE_F32 &&
        tensor->dtype != DTYPE_F16 && tensor->dtype != DTYPE_BF16) {
        snprintf(text, size, "%s is of dtype %s; F64, F32, F16 and BF16 can be merged",
                 tensor->name, tensor->dtype_name);
        return text;
    }
    return NULL;
}

/* What tensors do not show, and yet computes another model. */
int layout_check_config(const struct layout *layout,
                        const struct model_directory *directory, struct error *error) {
    const struct model_config *wanted = &layout->config;
    const char *where = model_directory_path(directory);
    struct model_config has;
    if (wanted->kind == MODEL_CLIP_TEXT)
        return 0;
    return model_config_read(model_directory_config(directory),
                             model_kind_name(wanted->kind), where, &has, error) ||
                   model_config_compare(wanted, &has, where, error)
               ? -1
               : 0;
}

int layout_load(const struct layout *layout, const struct model_directory *directory,
                const float *missing, float *arena, struct error *error) {
    const char *where = model_directory_path(directory);
    if (layout_check_config(layout, directory, error))
        return -1;
    memset(arena, 0, layout->size * sizeof *arena);
    for (size_t i = 0; i < layout->parameter_count; i++) {
        const struct parameter *p = &layout->parameters[i];
        const struct tensor *tensor = find_tensor(layout, directory, p->name);
        char text[400];
        const char *wrong = complaint(p, tensor, text, sizeof text);
        if (!wrong && !tensor && !missing) {
            snprintf(text, sizeof text, "%s is missing", p->name);
            wrong = text;
        }
        if (wrong)
            return error_set(error, "%s: %s%s", where, wrong,
                             missing ? "; use experts fine-tuned from it" : "");
        if (!tensor)
            memcpy(arena + p->offset, missing + p->offset, p->count * sizeof *arena);
        else if (tensor_to_f32(tensor, where, arena + p->offset, error))
            return -1;
    }
    return 0;
}

size_t layout_compare(const struct layout *layout, const struct model_directory *expert,
                      void (*line)(void *self, const char *text), void *self) {
    size_t found = 0;
    char text[400];
    for (size_t i = 0; i < layout->parameter_count; i++) {
        const struct parameter *p = &layout->parameters[i];
        const char *wrong =
            complaint(p, find_tensor(layout, expert, p->name), text, sizeof text);
        if (wrong) {
            line(self, wrong);
            found++;
        }
    }
    const char *block = naming_of(layout->config.kind)->block;
    size_t length = strlen(block);
    for (size_t i = 0; i < model_directory_count(expert); i++) {
        const char *name = model_directory_at(expert, i)->name;
        const char *bare = layout_bare_name(layout, name);
        if (strncmp(bare, block, length) != 0)
            continue;
        char *end;
        unsigned long number = strtoul(bare + length, &end, 10);
        if (*end == '.' && number >= layout->config.layers) {
            snprintf(text, sizeof text,
                     "%s is more than the pretrained model has (%zu blocks)", name,
                     layout->config.layers);
            line(self, text);
            found++;
        }
    }
    return found;
}

char *module_name(const struct layout *layout, size_t module, char *out, size_t size) {
    static const char *const names[] = {[MODULE_EMBEDDING] = "embedding",
                                        [MODULE_PATCH] = "patch embedding",
                                        [MODULE_PRE_NORM] = "pre norm",
                                        [MODULE_NORM1] = "norm 1",
                                        [MODULE_ATTENTION] = "attention",
                                        [MODULE_NORM2] = "norm 2",
                                        [MODULE_MLP] = "mlp",
                                        [MODULE_POST_NORM] = "post norm",
                                        [MODULE_PROJECTION] = "projection"};
    const struct module *m = &layout->modules[module];
    bool inside = m->kind >= MODULE_NORM1 && m->kind <= MODULE_MLP;
    if (inside)
        snprintf(out, size, "block %zu %s", m->block, names[m->kind]);
    else
        snprintf(out, size, "%s", names[m->kind]);
    return out;
}
