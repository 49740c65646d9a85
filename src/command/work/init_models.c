#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checkpoint/directory.h"
#include "command/work/init.h"
#include "model/config.h"
#include "model/extras.h"
#include "model/feed.h"
#include "model/layout.h"

static bool holds_numbers(const struct tensor *tensor) {
    return tensor->dtype == DTYPE_F64 || tensor->dtype == DTYPE_F32 ||
           tensor->dtype == DTYPE_F16 || tensor->dtype == DTYPE_BF16;
}

/* Every value is finite. Tensors one at a time: a model need not fit memory. */
static int check_values(const struct model_directory *model, struct error *error) {
    size_t largest = 0, count = model_directory_count(model);
    for (size_t i = 0; i < count; i++)
        if (model_directory_at(model, i)->count > largest)
            largest = model_directory_at(model, i)->count;
    float *values = array_new(largest, sizeof *values);
    if (!values)
        return error_memory(error);
    int result = 0;
    for (size_t i = 0; result == 0 && i < count; i++) {
        const struct tensor *tensor = model_directory_at(model, i);
        if (holds_numbers(tensor))
            result = tensor_to_f32(tensor, model_directory_path(model), values, error);
    }
    free(values);
    return result;
}

struct complaints {
    struct init *setup;
    const char *path;
    bool is_expert;
    size_t count;
};

/* Of an expert each is told; of the pretrained model, the first. */
static void complain(void *self, const char *text) {
    struct complaints *c = self;
    struct error line;
    if (c->count++ && !c->is_expert)
        return;
    error_set(&line, "%s: %s; %s", c->path, text,
              c->is_expert ? "use experts fine-tuned from it"
                           : "is it a complete model of this kind?");
    init_wrong(c->setup, line.text);
}

/* Every parameter is there, of the right shape, and holds finite numbers. Of an
 * expert every mismatch is told. */
static int check_model(struct init *s, const struct model_directory *model,
                       bool is_expert, struct error *error) {
    struct complaints complaints = {s, model_directory_path(model), is_expert, 0};
    layout_compare(s->layout, model, complain, &complaints);
    *error->text = '\0'; /* what is wrong has been told */
    if (complaints.count)
        return -1;
    return layout_check_config(s->layout, model, error) || check_values(model, error)
               ? -1
               : 0;
}

struct model_remark {
    struct init *setup;
    const char *path;
};

static void remark_on_model(void *self, const char *text) {
    const struct model_remark *about = self;
    init_remark(about->setup, about->path, text);
}

int init_open_pretrained(struct init *s, struct error *error) {
    char *path;
    if (init_locate(s, s->recipe->pretrained, "the pretrained model", &path, error))
        return -1;
    struct model_config config;
    struct example_form form = {0};
    int result = -1;
    if (model_directory_open(path, &s->pretrained, error) == 0 &&
        model_config_read(model_directory_config(s->pretrained), s->recipe->model, path,
                          &config, error) == 0 &&
        example_form_read(s->pretrained, &config, &form, error) == 0 &&
        text_tower_begin(&s->text, s->recipe->towers, s->pretrained, &config, error) ==
            0)
        result = layout_new(&config, s->pretrained, &s->layout, error) ||
                         check_model(s, s->pretrained, false, error)
                     ? -1
                     : 0;
    if (result == 0)
        extras_of_pretrained(s->layout, s->pretrained, remark_on_model,
                             &(struct model_remark){s, path});
    if (result == 0 && !model_config_is_text(&config) &&
        !model_directory_preprocessor(s->pretrained))
        init_remark(
            s, path,
            config.kind == MODEL_VIT
                ? "no preprocessor_config.json or processor_config.json: images "
                  "are prepared as ViTImageProcessor does by itself, at the "
                  "model's size"
                : "no preprocessor_config.json or processor_config.json: images "
                  "are prepared as CLIPImageProcessor does by itself, at the "
                  "model's size");
    s->preprocess = form.preprocess;
    example_form_clear(&form);
    free(path);
    return result;
}

/* All models get the inputs that the pretrained one's directory asks for. */
static int check_inputs(const struct init *s, const struct model_directory *expert,
                        struct error *error) {
    const json_t *config = model_directory_preprocessor(expert);
    const struct model_config *model = &s->layout->config;
    struct preprocess own;
    if (!config || model_config_is_text(model))
        return 0;
    const char *where = model_directory_path(expert);
    if (preprocess_read(config, model->kind == MODEL_CLIP_VISION, model->image_size,
                        &own, error))
        return error_prefix(error, "%s/%s", where,
                            model_directory_preprocessor_name(expert));
    if (preprocess_same(&own, &s->preprocess))
        return 0;
    return error_set(
        error,
        "%s/%s: prepares images differently from the pretrained model's, which is used "
        "for all; use experts fine-tuned with that, or remove this file",
        where, model_directory_preprocessor_name(expert));
}

int init_check_expert(struct init *s, const struct recipe_task *task,
                      struct error *error) {
    char *path;
    if (init_locate(s, task->expert, "the expert", &path, error))
        return -1;
    struct model_directory *expert = NULL;
    int result = model_directory_open_expert(path, model_directory_path(s->pretrained),
                                             &expert, error);
    if (result == 0)
        result = extras_of_expert(s->layout, s->pretrained, expert, remark_on_model,
                                  &(struct model_remark){s, path}, error) ||
                         check_model(s, expert, true, error) ||
                         check_inputs(s, expert, error) ||
                         text_tower_compare(&s->text, s->pretrained, expert, task->name,
                                            error)
                     ? -1
                     : 0;
    model_directory_close(expert);
    free(path);
    return result;
}
