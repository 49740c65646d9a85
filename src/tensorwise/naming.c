#include "tensorwise/naming.h"

#include <string.h>

bool naming_is_turned(const struct model_directory *model, const char *name) {
    /* Those of transformers that are built of its Conv1D. */
    static const char *const kinds[] = {"gpt2",         "openai-gpt",
                                        "imagegpt",     "decision_transformer",
                                        "clvp_decoder", "clvp"};
    static const char *const names[] = {".c_attn.", ".c_fc.", ".c_proj.", ".q_attn."};
    bool turned = false;
    const char *type =
        json_string_value(json_object_get(model_directory_config(model), "model_type"));
    for (size_t i = 0; type && i < sizeof kinds / sizeof *kinds; i++)
        turned = turned || strcmp(type, kinds[i]) == 0;
    for (size_t i = 0; turned && i < sizeof names / sizeof *names; i++)
        if (strstr(name, names[i]))
            return true;
    return false;
}

bool naming_in_layers(const char *name) {
    for (const char *at = name; at; at = strchr(at, '.')) {
        at += *at == '.';
        size_t digits = strspn(at, "0123456789");
        if (digits && at[digits] == '.')
            return true;
    }
    return false;
}

bool naming_is_linear(const struct tensor *tensor) {
    size_t length = strlen(tensor->name), ending = strlen(".weight");
    return tensor->rank == 2 && tensor->shape[0] > 1 && tensor->shape[1] > 1 &&
           length > ending && !strcmp(tensor->name + length - ending, ".weight") &&
           naming_in_layers(tensor->name) && !strstr(tensor->name, "embed") &&
           !strstr(tensor->name, "_bias.");
}
