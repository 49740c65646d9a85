/* Routers and corrections of a results.db from anyone. An input that begins with "R" is
 * the bytes of routers behind it; any other is, behind its first byte, a list of
 * changes (changes.h) to whole routers (an even first byte) or a whole correction. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "changes.h"
#include "moe/correction_bytes.h"
#include "moe/routers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TASKS = 3 };

static struct layout *layout;
static void *base[2]; /* routers, a correction */
static size_t base_size[2];

static void clean(void) {
    layout_free(layout);
    free(base[0]);
    free(base[1]);
}

static void prepare(void) {
    struct model_config config = {.kind = MODEL_VIT,
                                  .layers = 1,
                                  .width = 4,
                                  .heads = 2,
                                  .mlp_width = 8,
                                  .image_size = 4,
                                  .patch_size = 2,
                                  .channels = 1,
                                  .epsilon = 1e-5f,
                                  .qkv_bias = true,
                                  .patch_bias = true};
    struct random random;
    struct routers *routers = NULL;
    struct error error;
    random_seed(&random, 1, 2);
    require(layout_new(&config, NULL, &layout, &error) == 0);
    struct correction_parts parts = {.vectors =
                                         calloc(layout->size, sizeof *parts.vectors)};
    require(
        parts.vectors &&
        routers_new(UPSCALE_MLP, 2, 2, TASKS, 0.3f, &random, &routers, &error) == 0 &&
        routers_to_memory(routers, &base[0], &base_size[0], &error) == 0 &&
        correction_to_memory(layout, TASKS, &parts, &base[1], &base_size[1], &error) ==
            0);
    routers_free(routers);
    free(parts.vectors);
    atexit(clean);
}

static void read_routers(const void *bytes, size_t size) {
    struct routers *routers;
    struct error error = {.text = ""};
    if (routers_from_memory(bytes, size, "fuzz", &routers, &error)) {
        require(*error.text && !strchr(error.text, '\n'));
        return;
    }
    require(routers->count ==
            routers_parameter_count(routers->layers, routers->modules, routers->tasks));
    double *preference = calloc(routers->tasks, sizeof *preference);
    float *weights = calloc((routers->modules + 1) * routers->tasks, sizeof *weights);
    require(preference && weights);
    preference[0] = 1;
    routers_forward(routers, preference, weights);
    free(preference);
    free(weights);
    void *again;
    size_t length;
    struct routers *same = NULL;
    require(routers_to_memory(routers, &again, &length, &error) == 0 &&
            routers_from_memory(again, length, "again", &same, &error) == 0 &&
            same->count == routers->count &&
            memcmp(same->parameters, routers->parameters,
                   same->count * sizeof *same->parameters) == 0);
    routers_free(same);
    routers_free(routers);
    free(again);
}

static void read_correction(const void *bytes, size_t size) {
    struct error error = {.text = ""};
    struct correction_parts parts;
    correction_is(bytes, size);
    if (correction_from_memory(bytes, size, "fuzz", layout, TASKS, &parts, &error) == 0)
        for (size_t i = 0; i < correction_count(parts.form, TASKS) * layout->size; i++)
            require(isfinite(parts.vectors[i]));
    else
        require(*error.text && !strchr(error.text, '\n'));
    correction_parts_clear(&parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!layout)
        prepare();
    if (size == 0)
        return 0;
    if (*data == 'R') {
        read_routers(data + 1, size - 1);
        return 0;
    }
    size_t which = *data & 1, length;
    uint8_t *changed =
        changes_apply(base[which], base_size[which], data + 1, size - 1, &length);
    if (which)
        read_correction(changed, length);
    else
        read_routers(changed, length);
    free(changed);
    return 0;
}
