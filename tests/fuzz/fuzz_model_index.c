/* A model.safetensors.index.json from anyone, beside two good shards. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint/directory.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[512], names[4][600];

static void file_write(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static void clean(void) {
    for (size_t i = 0; i < 4; i++)
        unlink(names[i]);
    rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    static const char *const files[4] = {"config.json", "1.safetensors",
                                         "2.safetensors",
                                         "model.safetensors.index.json"};
    static const char tensor[] = "{\"?\":{\"dtype\":\"U8\",\"shape\":[],"
                                 "\"data_offsets\":[0,1]}}x";
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/pwemoe-fuzz-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder)) {
        perror(folder);
        exit(1);
    }
    for (size_t i = 0; i < 4; i++)
        snprintf(names[i], sizeof names[i], "%s/%s", folder, files[i]);
    atexit(clean);
    file_write(names[0], "{}", 2);
    for (size_t i = 1; i < 3; i++) {
        unsigned char shard[8 + sizeof tensor] = {sizeof tensor - 2};
        memcpy(shard + 8, tensor, sizeof tensor);
        shard[10] = i == 1 ? 'a' : 'b';
        file_write(names[i], shard, 8 + sizeof tensor - 1);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    file_write(names[3], data, size);
    struct model_directory *directory;
    struct fingerprint fingerprint;
    struct error error;
    if (model_directory_open(folder, &directory, &error) == 0) {
        /* All there is in the two shards, and only through this index. */
        if (model_directory_count(directory) == 0 ||
            model_directory_count(directory) > 2 ||
            model_directory_fingerprint(folder, &fingerprint, NULL, &error) != 0)
            abort();
        model_directory_close(directory);
    }
    return 0;
}
