#include "frame_drag.h"

#include <time.h>

#include "panels/views.h"
#include "store/store.h"

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double frame_drag(const char *file) {
    enum { KEYS = 200 };
    struct store *store;
    struct catalog *catalog;
    struct explorer explorer;
    struct canvas canvas = {.marks = palette_marks(true)};
    struct arrangement arrangement;
    struct error error;
    if (store_open(file, STORE_READ_ONLY, &store, &error))
        return -1;
    int failed = catalog_read(store, &catalog, &error);
    store_close(store);
    if (failed)
        return -1;
    explorer_init(&explorer, file);
    if (explorer_take_catalog(&explorer, catalog) || canvas_resize(&canvas, 140, 40))
        return -1;
    double start = now();
    for (int key = 0; key < KEYS; key++) {
        explorer_set_share(&explorer, (size_t)key / 20 % explorer.tasks,
                           0.045 * (key % 20), true);
        frame_draw(&canvas, &explorer, &arrangement);
    }
    double seconds = (now() - start) / KEYS;
    canvas_free(&canvas);
    explorer_free(&explorer);
    return seconds;
}
