#include "shapes.h"

#include <string.h>

#include "model/transformer.h"

static const struct shape shapes[] = {{"vit-b32",
                                       {.kind = MODEL_CLIP_VISION,
                                        .layers = 12,
                                        .width = 768,
                                        .heads = 12,
                                        .mlp_width = 3072,
                                        .image_size = 224,
                                        .patch_size = 32,
                                        .channels = 3,
                                        .projection = 512,
                                        .epsilon = 1e-5f,
                                        .activation = ACTIVATION_QUICK_GELU,
                                        .qkv_bias = true,
                                        .pre_norm = true}},
                                      {"vit-l14",
                                       {.kind = MODEL_CLIP_VISION,
                                        .layers = 24,
                                        .width = 1024,
                                        .heads = 16,
                                        .mlp_width = 4096,
                                        .image_size = 224,
                                        .patch_size = 14,
                                        .channels = 3,
                                        .projection = 768,
                                        .epsilon = 1e-5f,
                                        .activation = ACTIVATION_QUICK_GELU,
                                        .qkv_bias = true,
                                        .pre_norm = true}},
                                      {"vit-tiny",
                                       {.kind = MODEL_VIT,
                                        .layers = 12,
                                        .width = 192,
                                        .heads = 3,
                                        .mlp_width = 768,
                                        .image_size = 96,
                                        .patch_size = 16,
                                        .channels = 3,
                                        .epsilon = 1e-6f,
                                        .activation = ACTIVATION_GELU,
                                        .qkv_bias = true,
                                        .patch_bias = true}},
                                      /* Of no use but to try programs out. */
                                      {"tiny",
                                       {.kind = MODEL_CLIP_VISION,
                                        .layers = 2,
                                        .width = 32,
                                        .heads = 2,
                                        .mlp_width = 64,
                                        .image_size = 32,
                                        .patch_size = 16,
                                        .channels = 3,
                                        .projection = 16,
                                        .epsilon = 1e-5f,
                                        .activation = ACTIVATION_QUICK_GELU,
                                        .qkv_bias = true,
                                        .pre_norm = true}}};

const struct shape *shape_find(const char *name, struct error *error) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (strcmp(shapes[i].name, name) == 0)
            return &shapes[i];
    error_set(error, "shape %s is not known; vit-b32, vit-l14, vit-tiny and tiny are",
              name);
    return NULL;
}

double shape_parameters(const struct layout *layout) {
    double sum = 0;
    for (size_t i = 0; i < layout->parameter_count; i++)
        sum += (double)layout->parameters[i].count;
    return sum;
}

/* Operations of the parts of one image. */
struct parts {
    double rows;      /* a product with a matrix of one element */
    double linear;    /* the four products of a block */
    double attention; /* of a block */
    double stem, projection;
    double width, mlp;
    /* What nobody reads of the last block: its output product and MLP, of all rows but
     * one. */
    double unread;
};

static struct parts parts_of(const struct model_config *c) {
    double n = (double)model_config_tokens(c), w = (double)c->width;
    double f = (double)c->mlp_width;
    double patch = (double)(c->patch_size * c->patch_size * c->channels);
    return (struct parts){.rows = 2 * n,
                          .linear = 2 * n * (4 * w * w + 2 * w * f),
                          .attention = 4 * n * n * w,
                          .stem = 2 * (n - 1) * patch * w,
                          .projection = 2 * w * (double)c->projection,
                          .width = w,
                          .mlp = f,
                          .unread = 2 * (n - 1) * (w * w + 2 * w * f)};
}

double shape_forward_operations(const struct model_config *c, bool stem) {
    struct parts p = parts_of(c);
    return (double)c->layers * (p.linear + p.attention) - p.unread + p.projection +
           (stem ? p.stem : 0);
}

double shape_step_operations(const struct model_config *c,
                             enum granularity granularity) {
    struct parts p = parts_of(c);
    double layers = (double)c->layers, w = p.width;
    double mlp = p.rows * w * p.mlp; /* one of its two products */
    /* Attention's way back is five products where its forward pass is two. */
    double attention = 2.5 * p.attention;
    double back = p.projection + layers * (p.linear + attention) - p.unread;
    double gradients = layers * p.linear - p.unread;
    if (granularity == UPSCALE_MLP) {
        gradients = layers * 2 * mlp - (p.unread - (p.rows - 2) * w * w);
        back -= mlp + p.rows * 4 * w * w + attention;
    } else if (granularity == UPSCALE_ATTN_MLP) {
        back -= p.rows * 3 * w * w;
    } else {
        gradients += p.stem;
    }
    return shape_forward_operations(c, true) + back + gradients;
}

size_t shape_steered(const struct upscaling *upscaling) {
    size_t sum = 0;
    for (size_t i = 0; i < upscaling->segment_count; i++)
        if (upscaling->segments[i].row < upscaling->modules)
            sum += upscaling->segments[i].count;
    return sum;
}

/* Bytes of the activations of so many images; training keeps every block's. */
static double activation_bytes(const struct model_config *c, double images,
                               double element, bool training) {
    double tokens = (double)model_config_tokens(c), n = images * tokens;
    double w = (double)c->width, f = (double)c->mlp_width, d = (double)c->projection;
    double patches = images * (tokens - 1);
    double column = (double)(c->channels * c->patch_size * c->patch_size);
    double block = n * ((training ? 8 : 6) * w + (training ? 2 : 1) * f) * element +
                   4 * n * (4 + (double)c->heads);
    double wide = f > 3 * w ? f : 3 * w;
    double bytes = patches * (column + w) * element + images * (3 * w + d) * element;
    bytes += (training ? (double)c->layers : 1) * block;
    if (c->pre_norm)
        bytes += n * w * element + 8 * n;
    if (training)
        bytes += (n * (3 * w + wide) + 2 * images * w) * element;
    return bytes;
}

struct shape_memory shape_memory_of(const struct layout *layout,
                                    const struct shape_use *use) {
    const struct model_config *c = &layout->config;
    double element = (double)use->real, model = (double)layout->size * element;
    double image = 3 * (double)(c->image_size * c->image_size);
    double rows = (double)(use->tasks * use->batch);
    size_t largest = transformer_largest_region(layout);
    for (size_t i = 0; use->gathers && i < layout->module_count; i++) {
        const struct module *module = &layout->modules[i];
        bool steered = module->kind == MODULE_MLP || module->kind == MODULE_ATTENTION;
        if (steered && module->count > largest)
            largest = module->count;
    }
    double region = (double)largest * sizeof(float);
    struct shape_memory m = {.pool = model * (double)(use->tasks + 1)};
    m.merge = m.pool + model;
    m.evaluation = m.merge + (double)use->images * image +
                   activation_bytes(c, (double)use->images, element, false);
    m.training = m.merge + (double)use->batches * rows * image +
                 region * (double)use->groups +
                 activation_bytes(c, rows, element, true) +
                 rows * (double)model_config_features(c) * element;
    return m;
}
