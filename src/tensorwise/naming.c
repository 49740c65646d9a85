#include "tensorwise/naming.h"

#include <string.h>

bool naming_is_turned(const struct model_directory *model, const char *name) {
    static const char *const names[] = {".c_attn.", ".c_fc.", ".c_proj.", ".q_attn."};
    const char *type =
        json_string_value(json_object_get(model_directory_config(model), "model_type"));
    if (!type || strncmp(type, "gpt2", 4) != 0)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
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
