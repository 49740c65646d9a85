#include "tensorwise/naming.h"

#include <stdio.h>
#include <string.h>

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

bool naming_is_embedding(const struct tensor *tensor) {
    /* What has the word in its name and is a linear layer. */
    static const char *const layers[] = {"embed_out", "project", "mapping"};
    const char *end = strrchr(tensor->name, '.'), *begin = end;
    char module[64];
    if (tensor->rank != 2 || !end)
        return false;
    while (begin > tensor->name && begin[-1] != '.')
        begin--;
    snprintf(module, sizeof module, "%.*s", (int)(end - begin < 63 ? end - begin : 63),
             begin);
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        if (strstr(module, layers[i]))
            return false;
    return strstr(module, "embed") || !strcmp(module, "wte") || !strcmp(module, "wpe");
}
