/* Point files from someone else. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "command/io/point_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct points points;
    struct error error;
    if (size == 0)
        return 0;
    FILE *file = fmemopen((void *)data, size, "r");
    if (!file)
        return 0;
    if (points_read_stream(file, "fuzz", &points, &error) == 0) {
        for (size_t i = 0; i < points.count * points.columns; i++)
            if (!isfinite(points.values[i]))
                abort();
        points_free(&points);
    }
    fclose(file);
    return 0;
}
