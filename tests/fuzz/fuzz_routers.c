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
    float weight[8] = {0.5f}, bias[2] = {0.25f};
    struct head heads[TASKS];
    for (size_t t = 0; t < TASKS; t++)
        heads[t] = (struct head){2, 4, weight, t ? bias : NULL};
    struct correction_parts parts = {.vectors =
                                         calloc(layout->size, sizeof *parts.vectors),
                                     .heads = heads,
                                     .tasks = TASKS};
    require(
        parts.vectors &&
        routers_new(UPSCALE_MLP, 2, 2, TASKS, 0.3f, &random, &routers, &error) == 0 &&
        routers_to_memory(routers, &base[0], &base_size[0], &error) == 0 &&
        correction_to_memory(layout, TASKS, &parts, &base[1], &base_size[1], &error) ==
            0);
    routers_free(routers);
    free(parts.vectors);
    struct correction_parts back;
    require(correction_from_memory(base[1], base_size[1], "base", layout, TASKS, &back,
                                   &error) == 0);
    correction_parts_clear(&back);
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
    if (correction_from_memory(bytes, size, "fuzz", layout, TASKS, &parts, &error)) {
        require(*error.text && !strchr(error.text, '\n'));
        correction_parts_clear(&parts);
        return;
    }
    for (size_t i = 0; i < correction_count(parts.form, TASKS) * layout->size; i++)
        require(isfinite(parts.vectors[i]));
    for (size_t t = 0; t < parts.tasks && parts.heads; t++)
        for (size_t i = 0; i < parts.heads[t].classes * parts.heads[t].features; i++)
            require(isfinite(parts.heads[t].weight[i]));
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
