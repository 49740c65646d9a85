/* JSON as Python writes it, from anyone: what is read, written and read again is the
 * same. */
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "changes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error error = {.text = ""};
    json_t *first = json_text_parse((const char *)data, size, "fuzz", &error);
    if (!first) {
        require(*error.text && !strchr(error.text, '\n'));
        return 0;
    }
    char *text = json_text_dump(first, JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
    require(text != NULL);
    json_t *again = json_text_parse(text, strlen(text), "again", &error);
    require(again && json_equal(first, again));
    json_decref(again);
    json_decref(first);
    free(text);
    return 0;
}
