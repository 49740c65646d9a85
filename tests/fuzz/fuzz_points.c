/* Point files from someone else. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "command/io/point_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct points points;
    struct error error;
    if (points_parse((const char *)data, size, "fuzz", &points, &error) == 0) {
        for (size_t i = 0; i < points.count * points.columns; i++)
            if (!isfinite(points.values[i]))
                abort();
        points_free(&points);
    }
    return 0;
}
