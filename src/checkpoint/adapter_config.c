#include "checkpoint/adapter_config.h"

#include <ctype.h>
#include <regex.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_text.h"
#include "base/memory.h"

/* An entry of alpha_pattern: the alpha of modules whose names it matches. */
struct alpha {
    regex_t modules;
    double value;
};

struct adapter_config {
    const char *path; /* of the folder */
    json_t *json;
    struct alpha *alphas; /* in the order of the file */
    size_t alpha_count;
};

/* Some ways to begin take something out of the model's own weights, which the product
 * then goes with: PiSSA, OLoRA, CorDA, LoftQ, LoRA-GA. With these the model's weights
 * are left as they are. */
static bool keeps_weights(const json_t *start) {
    static const char *const known[] = {"gaussian", "eva", "orthogonal", "mica"};
    const char *name = json_string_value(start);
    for (size_t i = 0; name && i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i]) == 0)
            return true;
    return !start || json_is_null(start) || json_is_boolean(start);
}

static int check(const struct adapter_config *c, struct error *error) {
    const json_t *config = c->json;
    const json_t *start = json_object_get(config, "init_lora_weights");
    const char *type = json_string_value(json_object_get(config, "peft_type"));
    if (!type || strcmp(type, "LORA") != 0)
        return error_set(error, "%s/%s: peft_type is %s; only LORA is read", c->path,
                         ADAPTER_CONFIG_NAME, type ? type : "missing");
    if (json_is_true(json_object_get(config, "use_dora")))
        return error_set(error,
                         "%s: is a DoRA adapter, which cannot be added to weights as a "
                         "LoRA adapter can; merge it into its model with PEFT first",
                         c->path);
    if (!keeps_weights(start))
        return error_set(error,
                         "%s/%s: init_lora_weights is %s, which changes the model's "
                         "own weights before training; merge the adapter into its "
                         "model with PEFT first",
                         c->path, ADAPTER_CONFIG_NAME,
                         json_is_string(start) ? json_string_value(start) : "no name");
    if (json_array_size(json_object_get(config, "alora_invocation_tokens")))
        return error_set(error,
                         "%s/%s: alora_invocation_tokens: the adapter applies to a "
                         "part of each text only and cannot be added to weights",
                         c->path, ADAPTER_CONFIG_NAME);
    if (json_array_size(json_object_get(config, "layer_replication")))
        return error_set(error, "%s/%s: layer_replication is not read", c->path,
                         ADAPTER_CONFIG_NAME);
    if (!json_is_number(json_object_get(config, "lora_alpha")))
        return error_set(error, "%s/%s: lora_alpha is missing or not a number", c->path,
                         ADAPTER_CONFIG_NAME);
    return 0;
}

/* Whether a pattern is one that POSIX and Python read alike, and harmless: the C
 * library's expressions take memory without bounds for repetitions in repetitions, and
 * end the process at deep brackets. */
static bool is_plain(const char *key) {
    enum { LONGEST = 1000, REPEATED = 8 };
    size_t repeated = 0;
    bool inside = false; /* of [...] */
    if (strlen(key) > LONGEST)
        return false;
    for (const char *c = key; *c; c++) {
        bool escaped = *c == '\\';
        c += escaped;
        if (escaped && (inside || !*c || (isalnum((unsigned char)*c) && *c != 'd')))
            return false;
        if (escaped)
            continue;
        inside = inside ? *c != ']' : *c == '[';
        repeated += *c == '+';
        if (*c == '{' || *c == '}' || repeated > REPEATED)
            return false;
    }
    return true;
}

/* A Python expression as one of POSIX: \d is the one class that patterns of layers use.
 * Freed with free(). */
static char *expression_of(const char *key) {
    static const char digit[] = "[0-9]";
    size_t length = strlen(key);
    char *text = array_new(length + 1, sizeof digit), *out = text;
    for (const char *c = key; text && *c; c++) {
        if (c[0] == '\\' && c[1] == 'd') {
            memcpy(out, digit, sizeof digit - 1);
            out += sizeof digit - 1;
            c++;
        } else {
            if (c[0] == '\\')
                *out++ = *c++;
            *out++ = *c;
        }
    }
    char *whole = text ? text_format("^(.*\\.)?(%s)$", text) : NULL;
    free(text);
    return whole;
}

static int add_alpha(struct adapter_config *c, const char *key, const json_t *value,
                     struct error *error) {
    struct alpha *alpha = &c->alphas[c->alpha_count];
    if (!json_is_number(value))
        return error_set(error, "%s/%s: alpha_pattern: %s is not given a number",
                         c->path, ADAPTER_CONFIG_NAME, TEXT_CUT(key, 100));
    char *text = is_plain(key) ? expression_of(key) : NULL;
    if (!text && is_plain(key))
        return error_memory(error);
    int bad =
        text ? regcomp(&alpha->modules, text, REG_EXTENDED | REG_NOSUB) : REG_BADPAT;
    free(text);
    if (bad == REG_ESPACE)
        return error_memory(error);
    if (bad)
        return error_set(error, "%s/%s: alpha_pattern: %s is not understood", c->path,
                         ADAPTER_CONFIG_NAME, TEXT_CUT(key, 100));
    alpha->value = json_number_value(value);
    c->alpha_count++;
    return 0;
}

static int read_alphas(struct adapter_config *c, struct error *error) {
    json_t *patterns = json_object_get(c->json, "alpha_pattern"), *value;
    const char *key;
    c->alphas = array_new(json_object_size(patterns), sizeof *c->alphas);
    if (!c->alphas)
        return error_memory(error);
    json_object_foreach(patterns, key, value) {
        if (add_alpha(c, key, value, error))
            return -1;
    }
    return 0;
}

double adapter_config_alpha(const struct adapter_config *c, const char *module) {
    for (size_t i = 0; i < c->alpha_count; i++)
        if (regexec(&c->alphas[i].modules, module, 0, NULL, 0) == 0)
            return c->alphas[i].value;
    return json_number_value(json_object_get(c->json, "lora_alpha"));
}

bool adapter_config_says(const struct adapter_config *c, const char *key) {
    return json_is_true(json_object_get(c->json, key));
}

int adapter_config_open(const char *path, struct adapter_config **result,
                        struct error *error) {
    struct adapter_config *c = array_new(1, sizeof *c);
    if (!c)
        return error_memory(error);
    c->path = path;
    if (json_object_read(path, ADAPTER_CONFIG_NAME, 0, &c->json, error) ||
        check(c, error) || read_alphas(c, error)) {
        adapter_config_close(c);
        return -1;
    }
    *result = c;
    return 0;
}

void adapter_config_close(struct adapter_config *c) {
    if (!c)
        return;
    for (size_t i = 0; i < c->alpha_count; i++)
        regfree(&c->alphas[i].modules);
    free(c->alphas);
    json_decref(c->json);
    free(c);
}
