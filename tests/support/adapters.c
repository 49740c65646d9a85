#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"
#include "support/adapters.h"
#include "support/folder.h"
#include "support/golden.h"

char *adapters_content(const char *name, size_t *size) {
    char *bytes;
    struct error error;
    if (file_read(golden_path(name), 1 << 20, &bytes, size, &error))
        fail_msg("%s", error.text);
    return bytes;
}

void adapters_put(const char *in, const char *name, const void *bytes, size_t size) {
    char path[1200];
    snprintf(path, sizeof path, "%s/%s", in, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void write_adapter(const char *kind, const char *to, size_t task) {
    char name[128];
    size_t size;
    uint64_t header;
    snprintf(name, sizeof name, "lora/%s/adapter_config.json", kind);
    char *bytes = adapters_content(name, &size);
    adapters_put(to, "adapter_config.json", bytes, size);
    free(bytes);
    snprintf(name, sizeof name, "lora/%s/adapter_model.safetensors", kind);
    bytes = adapters_content(name, &size);
    memcpy(&header, bytes, sizeof header);
    for (size_t at = 8 + (size_t)header; at + 4 <= size; at += 4) {
        float x;
        memcpy(&x, bytes + at, sizeof x);
        x *= (float)(1.2 + cos((double)(at * (task + 2))));
        memcpy(bytes + at, &x, sizeof x);
    }
    adapters_put(to, "adapter_model.safetensors", bytes, size);
    free(bytes);
}

void adapters_make(char path[ADAPTERS][1024], const char *kind) {
    for (size_t t = 0; t < ADAPTERS; t++) {
        snprintf(path[t], sizeof path[t], "%s/%s-%zu", folder(), kind, t);
        mkdir(path[t], 0777);
        write_adapter(kind, path[t], t);
    }
}

void adapters_pools(const char *kind, const char path[ADAPTERS][1024],
                    struct backend *backend, struct pool **dense,
                    struct pool **factors) {
    char name[64], pretrained[1100], heads[ADAPTERS][1100];
    static const char *const names[ADAPTERS] = {"a", "b", "c"};
    struct pool_task list[ADAPTERS];
    struct error error;
    snprintf(name, sizeof name, "model/%s", kind);
    snprintf(pretrained, sizeof pretrained, "%s", golden_path(name));
    for (size_t t = 0; t < ADAPTERS; t++) {
        snprintf(name, sizeof name, "model/clip-head%zu.safetensors", t);
        snprintf(heads[t], sizeof heads[t], "%s",
                 strcmp(kind, "clip") == 0 ? golden_path(name) : "");
        list[t] =
            (struct pool_task){.name = names[t], .expert = path[t], .head = heads[t]};
    }
    if (pool_open(backend, NULL, pretrained, list, ADAPTERS, dense, NULL, &error) ||
        pool_open_factors(backend, NULL, pretrained, list, ADAPTERS, true, factors,
                          NULL, &error))
        fail_msg("%s", error.text);
    assert_non_null((*factors)->factors);
    assert_null((*factors)->vectors);
    assert_null((*dense)->factors);
}
