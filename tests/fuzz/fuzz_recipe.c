/* recipe.yaml from someone else. */
#include <stdint.h>
#include <stdlib.h>

#include "command/io/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct recipe *recipe;
    struct error error;
    if (recipe_parse((const char *)data, size, "fuzz", &recipe, &error) == 0) {
        if (!recipe->pretrained || recipe->task_count == 0)
            abort();
        recipe_free(recipe);
    }
    return 0;
}
