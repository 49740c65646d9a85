/* CSV from someone else: whatever is read has the shape that csv.h promises. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct csv csv;
    struct error error = {.text = ""};
    if (csv_parse((const char *)data, size, "fuzz", &csv, &error)) {
        if (!*error.text)
            abort();
        return 0;
    }
    size_t all = 0;
    if (csv.columns == 0 || csv.rows == 0)
        abort();
    for (size_t i = 0; i < csv.columns; i++)
        all += strlen(csv.names[i]);
    for (size_t i = 0; i < csv.columns * csv.rows; i++)
        all += strlen(csv.fields[i]);
    for (size_t i = 1; i < csv.rows; i++)
        if (csv.lines[i] <= csv.lines[i - 1])
            abort();
    if (all > size)
        abort();
    csv_free(&csv);
    return 0;
}
