/* A config.json from anyone, as each kind of model: what is accepted can be laid out,
 * and computes as itself does. */
#include <string.h>

#include "base/json_text.h"
#include "changes.h"
#include "model/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct model_config *config) {
    struct error error;
    require(config->width > 0 && config->heads > 0 &&
            config->width % config->heads == 0 && config->layers > 0);
    require(model_config_compare(config, config, "fuzz", &error) == 0);
    require(model_config_tokens(config) > 0);
    /* Its shape alone: nothing of that size is made. Small ones are. */
    if (config->layers > 4 || config->width > 64 || config->mlp_width > 256 ||
        config->image_size > 64 || config->channels > 4 || config->vocabulary > 1000 ||
        config->context > 100 || config->projection > 64)
        return;
    struct layout *layout;
    if (layout_new(config, NULL, &layout, &error) == 0) {
        require(layout->size > 0 && layout->size % LAYOUT_ALIGN == 0);
        for (size_t i = 0; i < layout->parameter_count; i++)
            require(layout->parameters[i].offset + layout->parameters[i].count <=
                    layout->size);
        layout_free(layout);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const kinds[] = {NULL, "clip-vision", "vit", "gpt2-classifier"};
    struct model_config config;
    struct error error = {.text = ""};
    json_t *json = json_text_parse((const char *)data, size, "fuzz", &error);
    if (!json) {
        require(*error.text && !strchr(error.text, '\n'));
        return 0;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (model_config_read(json, kinds[i], "fuzz", &config, &error) == 0)
            check(&config);
        else
            require(*error.text && !strchr(error.text, '\n'));
    if (model_config_read_text(json, "fuzz", &config, &error) == 0)
        check(&config);
    json_decref(json);
    return 0;
}
