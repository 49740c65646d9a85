/* Where each parameter lies in an arena.
 *
 * A model's parameters are one array of `size` elements, in order of depth:
 * embeddings, patch embedding, pre norm, then for each block norm 1, attention,
 * norm 2, MLP, then post norm and projection. CLIP's text tower begins with its token
 * embedding, has no class vector and no patches, and ends with logit_scale; where both
 * towers of a CLIPModel are merged, its arena follows the vision tower's in the same
 * array. GPT-2 begins with
 * its token embedding, has no class vector, no patches and no projection, and where a
 * linear layer is spoken of as [outputs, inputs], its weight is stored the other way
 * round, as its checkpoint has it (config.h: conv1d). Pretrained weights, task vectors
 * and merged weights all have this layout, so that merging is one pass over arenas.
 * Every parameter begins at a multiple of LAYOUT_ALIGN elements, except that keys and
 * values follow queries directly: the three are one matrix [3 width, width], and their
 * biases one vector. Elements between are zero.
 *
 * Ownership: a layout owns its names and arrays until layout_free. */
#ifndef PWEMOE_MODEL_LAYOUT_H
#define PWEMOE_MODEL_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "checkpoint/directory.h"
#include "model/block.h"
#include "model/config.h"

enum { LAYOUT_ALIGN = 64 };

/* What a router can steer: the parameters of one module are contiguous. */
enum module_kind {
    MODULE_EMBEDDING, /* class vector (of images), tokens (of texts) and positions */
    MODULE_PATCH,
    MODULE_PRE_NORM,
    MODULE_NORM1,
    MODULE_ATTENTION,
    MODULE_NORM2,
    MODULE_MLP,
    MODULE_POST_NORM,
    MODULE_PROJECTION,
    MODULE_TEXT /* the whole text tower of a CLIPModel, beside its vision tower */
};

/* Is there one of these in each block? */
static inline bool module_in_block(enum module_kind kind) {
    return kind >= MODULE_NORM1 && kind <= MODULE_MLP;
}

struct module {
    enum module_kind kind;
    size_t block;        /* for the four kinds inside blocks */
    size_t begin, count; /* elements of the arena */
};

struct parameter {
    char *name; /* as the pretrained checkpoint writes it */
    size_t module;
    unsigned rank;
    uint64_t shape[4];
    size_t offset, count;
    bool optional; /* an expert may lack it: its task vector is then zero */
};

struct layout {
    struct model_config config;
    size_t size; /* elements, a multiple of LAYOUT_ALIGN */
    size_t parameter_count;
    struct parameter *parameters;
    size_t module_count;
    struct module *modules;
    size_t class_vector, position;
    size_t tokens; /* of texts: the token embedding [vocabulary, width] */
    size_t patch_weight, patch_bias;
    size_t pre_gamma, pre_beta;
    struct block_offsets *blocks; /* [layers] */
    size_t post_gamma, post_beta;
    size_t projection;
    size_t scale; /* CLIP's text: logit_scale, one number */
    /* The text tower where both are merged, or NULL: offsets of its layout count from
     * element text_begin, and its parameters are those of this one from text_parameter
     * on. Without it these are size and parameter_count. */
    struct layout *text;
    size_t text_begin, text_parameter;
};

/* The layout of a pretrained model; names are those of its directory (NULL: with
 * the usual prefix, and of one tower). */
int layout_new(const struct model_config *config,
               const struct model_directory *pretrained, struct layout **layout,
               struct error *error);
void layout_free(struct layout *layout); /* NULL is fine */

/* That a directory's config.json is one of the pretrained model's kind, and says the
 * same of what no tensor shows (model_config_compare). */
int layout_check_config(const struct layout *layout,
                        const struct model_directory *directory, struct error *error);

/* Whether a directory has a text tower of CLIP, whole or in part. */
bool layout_has_text(const struct model_directory *directory);

/* Reads a checkpoint's parameters as f32 into arena [size], which is zeroed
 * first; its config.json is checked as above. Names may have or lack the model's
 * prefix. missing: what an optional parameter that is not there, or a whole text tower,
 * is taken from (the pretrained arena), or NULL: it is then an error. */
int layout_load(const struct layout *layout, const struct model_directory *directory,
                const float *missing, float *arena, struct error *error);

/* Compares an expert with the layout: every parameter that is missing, has
 * another shape or a dtype that holds no numbers, and every further tensor of the
 * transformer that the pretrained model lacks (a deeper model). line is called
 * with one sentence each, the directory not named in it. Returns how many. */
size_t layout_compare(const struct layout *layout, const struct model_directory *expert,
                      void (*line)(void *self, const char *text), void *self);

/* A tensor's name without the prefix that names of this kind of model may have. */
const char *layout_bare_name(const struct layout *layout, const char *name);

/* "attention" */
const char *module_kind_name(enum module_kind kind);
/* "block 3 attention" into out; returns out. Blocks are counted from 0 as tensor
 * names do. */
char *module_name(const struct layout *layout, size_t module, char *out, size_t size);

#endif
