/* Random models and images as files, of synthetic.h. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "checkpoint/directory.h"
#include "checkpoint/safetensors.h"
#include "synthetic.h"

static const char *const folders[] = {"pretrained", "expert"};
#define IMAGES "images-idx3-ubyte"
#define LABELS "labels-idx1-ubyte"
#define HEAD "head.safetensors"

static int write_file(const char *path, const void *bytes, size_t count,
                      struct error *error) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, count, file) != count || fclose(file) != 0)
        return error_set(error, "%s: cannot be written (%s)", path, strerror(errno));
    return 0;
}

static char *inside(const char *folder, const char *name) {
    return text_format("%s/%s", folder, name);
}

static int write_config(const char *folder, const struct model_config *c,
                        struct error *error) {
    json_t *object =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:f}",
                  "model_type", "clip_vision_model", "num_hidden_layers",
                  (json_int_t)c->layers, "hidden_size", (json_int_t)c->width,
                  "num_attention_heads", (json_int_t)c->heads, "intermediate_size",
                  (json_int_t)c->mlp_width, "image_size", (json_int_t)c->image_size,
                  "patch_size", (json_int_t)c->patch_size, "num_channels",
                  (json_int_t)c->channels, "projection_dim", (json_int_t)c->projection,
                  "hidden_act", "quick_gelu", "layer_norm_eps", (double)c->epsilon);
    char *text = object ? json_dumps(object, JSON_INDENT(2)) : NULL;
    char *path = inside(folder, "config.json");
    int result = text && path ? write_file(path, text, strlen(text), error)
                              : error_memory(error);
    free(path);
    free(text);
    json_decref(object);
    return result;
}

struct source {
    const struct layout *layout;
    struct random random;
    float scale;
};

static int read_tensor(void *self, size_t index, uint64_t offset, void *out,
                       size_t room, size_t *got, struct error *error) {
    (void)error;
    struct source *source = self;
    uint64_t left = source->layout->parameters[index].count * 2 - offset;
    *got = room < left ? room : (size_t)left;
    uint8_t *bytes = out;
    /* bf16 is the upper half of an f32. */
    for (size_t i = 0; i < *got; i += 2) {
        float value = source->scale *
                      ((float)(random_next(&source->random) >> 40) * 0x1p-24f - 0.5f);
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        bytes[i] = (uint8_t)(bits >> 16);
        bytes[i + 1] = (uint8_t)(bits >> 24);
    }
    return 0;
}

static int write_model(const char *folder, const struct layout *layout, uint64_t seed,
                       struct error *error) {
    struct source source = {.layout = layout, .scale = 0.05f};
    random_seed(&source.random, seed, 0);
    if (mkdir(folder, 0700) != 0)
        return error_set(error, "%s: cannot be made (%s)", folder, strerror(errno));
    if (write_config(folder, &layout->config, error))
        return -1;
    struct tensor_source *tensors = array_new(layout->parameter_count, sizeof *tensors);
    char *path = inside(folder, "model.safetensors");
    const char *metadata[] = {"format", "pt", NULL};
    int result = tensors && path ? 0 : error_memory(error);
    for (size_t i = 0; result == 0 && i < layout->parameter_count; i++) {
        const struct parameter *p = &layout->parameters[i];
        tensors[i] = (struct tensor_source){.name = p->name,
                                            .dtype_name = "BF16",
                                            .rank = p->rank,
                                            .bytes = p->count * 2};
        memcpy(tensors[i].shape, p->shape, sizeof p->shape);
    }
    if (result == 0)
        result = safetensors_write(path, tensors, layout->parameter_count, metadata,
                                   read_tensor, &source, error);
    free(tensors);
    free(path);
    return result;
}

static int write_head(const char *path, size_t features, struct error *error) {
    struct head head = {.classes = SYNTHETIC_CLASSES, .features = features};
    head.weight = synthetic_array(SYNTHETIC_CLASSES * features, 1, 3);
    void *bytes = NULL;
    size_t size;
    int result =
        head.weight ? head_to_memory(&head, &bytes, &size, error) : error_memory(error);
    if (result == 0)
        result = write_file(path, bytes, size, error);
    free(bytes);
    head_clear(&head);
    return result;
}

/* An idx file of `count` random bytes below `most`, or as many images of edge^2. */
static int write_idx(const char *path, size_t count, size_t edge, unsigned most,
                     struct error *error) {
    size_t dimensions = edge > 0 ? 3 : 1, header = 4 + 4 * dimensions, bytes;
    if (!size_multiply(count, edge > 0 ? edge * edge : 1, &bytes) ||
        !size_add(bytes, header, &bytes))
        return error_memory(error);
    uint8_t *all = array_new(bytes, 1);
    if (!all)
        return error_memory(error);
    const size_t sizes[] = {count, edge, edge};
    all[2] = 8;
    all[3] = (uint8_t)dimensions;
    for (size_t i = 0; i < dimensions; i++)
        for (size_t j = 0; j < 4; j++)
            all[4 + 4 * i + j] = (uint8_t)(sizes[i] >> (24 - 8 * j));
    struct random random;
    random_seed(&random, bytes, 0);
    for (size_t i = header; i < bytes; i++)
        all[i] = (uint8_t)random_below(&random, most);
    int result = write_file(path, all, bytes, error);
    free(all);
    return result;
}

static int describe_model(const char *path, const char *folder,
                          struct store_checkpoint *out, struct error *error) {
    struct fingerprint fingerprint;
    char *place = inside(path, folder);
    int result = place ? model_directory_fingerprint(place, &fingerprint, NULL, error)
                       : error_memory(error);
    if (result == 0) {
        out->size = fingerprint.size;
        memcpy(out->sha256, fingerprint.sha256, sizeof out->sha256);
        out->path = text_format("%s", folder);
        if (!out->path)
            result = error_memory(error);
    }
    free(place);
    return result;
}

static int describe_task(struct store_task *task, size_t index,
                         const struct store_checkpoint *expert) {
    task->expert = *expert;
    task->expert.path = text_format("%s", expert->path);
    task->name = text_format("task%zu", index);
    task->train_path = text_format("%s", "");
    task->test_path = text_format("%s", IMAGES);
    task->head = text_format("%s", HEAD);
    task->classnames_path = text_format("%s", "");
    task->templates_path = text_format("%s", "");
    return task->expert.path && task->name && task->train_path && task->test_path &&
                   task->head && task->classnames_path && task->templates_path
               ? 0
               : -1;
}

static int make_recipe(const char *path, size_t tasks, struct store_recipe **out,
                       struct error *error) {
    struct store_recipe *r = array_new(1, sizeof *r);
    struct store_checkpoint expert = {0};
    if (!r)
        return error_memory(error);
    r->name = text_format("synthetic");
    r->model = text_format("clip-vision");
    r->text = text_format("%s", "");
    r->tasks = array_new(tasks, sizeof *r->tasks);
    int result = r->name && r->model && r->text && r->tasks ? 0 : error_memory(error);
    if (result == 0)
        result = describe_model(path, folders[0], &r->pretrained, error) ||
                         describe_model(path, folders[1], &expert, error)
                     ? -1
                     : 0;
    for (size_t t = 0; result == 0 && t < tasks; t++) {
        r->task_count = t + 1;
        if (describe_task(&r->tasks[t], t, &expert))
            result = error_memory(error);
    }
    free(expert.path);
    if (result)
        synthetic_recipe_free(r);
    else
        *out = r;
    return result;
}

int synthetic_write(const char *path, const struct shape *shape, size_t tasks,
                    size_t images, struct store_recipe **recipe, struct error *error) {
    if (shape->config.kind != MODEL_CLIP_VISION)
        return error_set(error, "%s: only CLIP's shapes are written as files",
                         shape->name);
    struct layout *layout;
    if (layout_new(&shape->config, NULL, &layout, error))
        return -1;
    char *files[] = {inside(path, folders[0]), inside(path, folders[1]),
                     inside(path, HEAD), inside(path, IMAGES), inside(path, LABELS)};
    enum { FILES = sizeof files / sizeof *files };
    int result = 0;
    for (size_t i = 0; i < FILES; i++)
        if (!files[i])
            result = error_memory(error);
    if (result == 0 &&
        (write_model(files[0], layout, 1, error) ||
         write_model(files[1], layout, 2, error) ||
         write_head(files[2], model_config_features(&shape->config), error) ||
         write_idx(files[3], images, shape->config.image_size, 256, error) ||
         write_idx(files[4], images, 0, SYNTHETIC_CLASSES, error) ||
         make_recipe(path, tasks, recipe, error)))
        result = -1;
    for (size_t i = 0; i < FILES; i++)
        free(files[i]);
    layout_free(layout);
    return result;
}

void synthetic_recipe_free(struct store_recipe *r) {
    if (!r)
        return;
    for (size_t t = 0; r->tasks && t < r->task_count; t++) {
        struct store_task *task = &r->tasks[t];
        char *texts[] = {task->expert.path,   task->name, task->train_path,
                         task->test_path,     task->head, task->classnames_path,
                         task->templates_path};
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            free(texts[i]);
    }
    free(r->tasks);
    free(r->pretrained.path);
    free(r->name);
    free(r->model);
    free(r->text);
    free(r);
}

void synthetic_remove(const char *path) {
    static const char *const files[] = {"pretrained/config.json",
                                        "pretrained/model.safetensors",
                                        "expert/config.json",
                                        "expert/model.safetensors",
                                        "pretrained",
                                        "expert",
                                        HEAD,
                                        IMAGES,
                                        LABELS};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *name = inside(path, files[i]);
        if (name)
            remove(name);
        free(name);
    }
    rmdir(path);
}
