/* Filters over solutions, as people and scripts type them. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "results/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two tasks, one of them called as a flag is; one row with all there is, one without.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct store_task tasks[] = {
        {.name = "digits", .objective = {.maximise = true, .unit = "%", .metric = "a"}},
        {.name = "knee", .objective = {.maximise = true, .unit = "%", .metric = "a"}}};
    static struct store_recipe recipe = {.task_count = 2, .tasks = tasks};
    static double preference[] = {0.25, 0.75}, values[] = {80, 70, NAN, NAN};
    static struct store_evaluation some[] = {
        {.present = true, .value = 80, .low = 79, .high = 81, .examples = 9, .loss = 1},
        {.present = true, .value = 70, .imported = true, .loss = NAN}};
    static struct store_evaluation none[2];
    static struct store_row rows[] = {
        {.solution = {.id = 1,
                      .kind = STORE_KIND_PWEMOE,
                      .method = "ls",
                      .parameters = "{\"scale\":0.5,\"sum\":\"mean\"}",
                      .preference = preference,
                      .routers = 1,
                      .label = "",
                      .seconds = 2},
         .state = STORE_STATE_COMPLETE,
         .evaluations = some,
         .upscale = "mlp",
         .base = "",
         .step = 10},
        {.solution = {.id = 2,
                      .kind = STORE_KIND_IMPORT,
                      .method = "x",
                      .parameters = "no JSON",
                      .label = "a b"},
         .evaluations = none,
         .upscale = "",
         .base = ""}};
    static struct solution solutions[] = {{.front = true, .knee = true, .scale = 0.5},
                                          {.scale = NAN}};
    static struct series series[] = {{.name = "routers ls mlp", .merged = true}};
    struct catalog catalog = {.recipe = &recipe,
                              .tasks = 2,
                              .rows = rows,
                              .solutions = solutions,
                              .values = values,
                              .count = 2,
                              .series = series,
                              .series_count = 1};
    struct filter *filter;
    struct error error;
    char *text = malloc(size + 1);
    size_t at;
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    error.text[0] = '\0';
    if (filter_parse(text, &recipe, &filter, &at, &error) == 0) {
        bool first = filter_matches(filter, &catalog, 0);
        filter_matches(filter, &catalog, 1);
        if (first != filter_matches(filter, &catalog, 0))
            abort();
        filter_free(filter);
    } else if (!error.text[0] || at > strlen(text)) {
        abort();
    }
    free(text);
    return 0;
}
