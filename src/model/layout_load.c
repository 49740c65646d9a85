/* Checkpoints against a layout: compared, and read into its arena; of layout.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/layout.h"
#include "model/layout_naming.h"

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
    const json_t *config = model_directory_config(directory);
    struct model_config has;
    if (wanted->kind == MODEL_CLIP_TEXT
            ? model_config_read_text(config, where, &has, error)
            : model_config_read(config, model_kind_name(wanted->kind), where, &has,
                                error))
        return -1;
    if (model_config_compare(wanted, &has, where, error))
        return -1;
    return layout->text && layout_has_text(directory)
               ? layout_check_config(layout->text, directory, error)
               : 0;
}

bool layout_has_text(const struct model_directory *directory) {
    const char *prefix = naming_of(MODEL_CLIP_TEXT)->prefixes[0];
    for (size_t i = 0; i < model_directory_count(directory); i++)
        if (strncmp(model_directory_at(directory, i)->name, prefix, strlen(prefix)) ==
            0)
            return true;
    return false;
}

int layout_load(const struct layout *layout, const struct model_directory *directory,
                const float *missing, float *arena, struct error *error) {
    const char *where = model_directory_path(directory);
    if (layout_check_config(layout, directory, error))
        return -1;
    memset(arena, 0, layout->size * sizeof *arena);
    bool has_text = layout->text && layout_has_text(directory);
    for (size_t i = 0; i < layout->parameter_count; i++) {
        const struct parameter *p = &layout->parameters[i];
        const struct tensor *tensor = find_tensor(layout, directory, p->name);
        bool needed = !missing || (i >= layout->text_parameter && has_text);
        char text[400];
        const char *wrong = complaint(p, tensor, text, sizeof text);
        if (!wrong && !tensor && needed) {
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

/* Whether a checkpoint has not a single parameter of the (first) tower: saved under
 * another program's names, or with a prefix of a wrapper. */
static bool has_none(const struct layout *layout,
                     const struct model_directory *directory) {
    for (size_t i = 0; i < layout->text_parameter; i++)
        if (find_tensor(layout, directory, layout->parameters[i].name))
            return false;
    return true;
}

size_t layout_compare(const struct layout *layout, const struct model_directory *expert,
                      void (*line)(void *self, const char *text), void *self) {
    size_t found = 0;
    char text[400];
    if (has_none(layout, expert)) {
        snprintf(text, sizeof text,
                 "none of its tensors has a name of the pretrained model's (%s); the "
                 "first is %s: save the model as transformers does",
                 TEXT_CUT(layout->parameters[0].name, 100),
                 TEXT_CUT(model_directory_count(expert)
                              ? model_directory_at(expert, 0)->name
                              : "missing",
                          100));
        line(self, text);
        return 1;
    }
    if (layout->text && layout_has_text(expert))
        found = layout_compare(layout->text, expert, line, self);
    for (size_t i = 0; i < layout->text_parameter; i++) {
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
