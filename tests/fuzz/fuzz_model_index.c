/* A model.safetensors.index.json from anyone, beside two good shards. */
#include <string.h>

#include "changes.h"
#include "checkpoint/directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *prepare(void) {
    static const char *const names[] = {"1.safetensors", "2.safetensors"};
    static const char tensor[] = "{\"?\":{\"dtype\":\"U8\",\"shape\":[],"
                                 "\"data_offsets\":[0,1]}}x";
    fuzz_write(fuzz_file("config.json"), "{}", 2);
    for (int i = 0; i < 2; i++) {
        unsigned char shard[8 + sizeof tensor] = {sizeof tensor - 2};
        memcpy(shard + 8, tensor, sizeof tensor);
        shard[10] = (unsigned char)('a' + i);
        fuzz_write(fuzz_file(names[i]), shard, 8 + sizeof tensor - 1);
    }
    return fuzz_file("model.safetensors.index.json");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *index;
    if (!index)
        index = prepare();
    fuzz_write(index, data, size);
    struct model_directory *directory;
    struct fingerprint fingerprint;
    struct error error = {.text = ""};
    if (model_directory_open(fuzz_folder(), &directory, &error) == 0) {
        /* All there is in the two shards, and only through this index. */
        require(model_directory_count(directory) == 1 ||
                model_directory_count(directory) == 2);
        require(model_directory_fingerprint(fuzz_folder(), &fingerprint, NULL,
                                            &error) == 0);
        model_directory_close(directory);
    } else {
        require(*error.text && !strchr(error.text, '\n'));
    }
    return 0;
}
